"""Compare the labels that batches carry with those of the rows that they are taken for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sklearn_carto._inputs._torch_datasets import LABEL_NAMES, WAY_OUT, is_tensor
from sklearn_carto._recording._batch_arrays import kind_of
from sklearn_carto.exceptions import SampleAlignmentError


class LabelCheck:
    """Raise an error where a batch holds other labels than the rows that its sampler drew.

    Reading tensors of another device waits for it. Of these, the first batch after each `flush` is
    compared at once, and the others by the next `flush`.

    Parameters
    ----------
    name : str
        Name of the model, for the error.
    classes : ndarray of shape (n_classes,)
        Names of the classes.
    remedy : str, default=""
        A sentence that the error adds.
    """

    def __init__(self, name, classes, remedy=""):
        self.name, self.classes, self.remedy = name, classes, remedy
        self.waiting: list = []
        self.n_compared = 0

    def add(self, batch, rows, y_encoded):
        """Compare the labels of a batch.

        Parameters
        ----------
        batch : object
            The batch. Its labels are in a mapping the one of `LABEL_NAMES`; in a pair the second;
            in a longer sequence one of those after the first, in which case only labels in another
            order are an error. What is not a whole number for each row is not compared.
        rows, y_encoded : ndarray of int of shape (n_rows,)
            Rows that the sampler drew, and the columns of their labels.
        """
        candidates, exact = _candidates(batch)
        on_device = any(is_tensor(part) and part.device.type != "cpu" for part in candidates)
        if on_device and self.n_compared:
            self.waiting.append((candidates, exact, rows, y_encoded))
        elif candidates:
            self.n_compared += 1
            self._compare(candidates, exact, rows, y_encoded)

    def flush(self):
        """Compare what waits, at the end of an epoch."""
        waiting, self.waiting, self.n_compared = self.waiting, [], 0
        for batch in waiting:
            self._compare(*batch)

    def _compare(self, candidates, exact, rows, y_encoded):
        compared = (_as_labels(part, len(rows), len(self.classes)) for part in candidates)
        found = [labels for labels in compared if labels is not None]
        expected = [y_encoded, rows]  # a batch may carry indices in place of labels
        if self.classes.dtype.kind in "iuf":
            expected.append(self.classes[y_encoded])
        if not found or any(np.array_equal(a, b) for a in found for b in expected):
            return
        same_rows = [np.array_equal(np.sort(a), np.sort(b)) for a in found for b in expected]
        if exact or any(same_rows):
            order = "the same labels in another order" if any(same_rows) else "other labels"
            n_other = np.count_nonzero(found[-1] != y_encoded)
            raise SampleAlignmentError(
                f"A batch of {self.name} holds {order} than the rows that its loader drew, in "
                f"{n_other} of {len(rows)} rows; drawn were the rows {rows[:5].tolist()}, ... "
                "Either the collate function or the data set changes the order of rows, or the "
                "loop leaves out batches, or the labels that were passed are not those of the data "
                f"set. {self.remedy}{WAY_OUT}"
            )


def _candidates(batch):
    """Find what may be labels, and whether it is known to be."""
    if isinstance(batch, Mapping):
        return [batch[name] for name in LABEL_NAMES if batch.get(name) is not None][:1], True
    if isinstance(batch, (tuple, list)):
        return list(batch[1:]), len(batch) == 2
    return [], True


def _as_labels(values, n_rows, n_classes):
    """Return values as whole numbers of shape (n_rows,), or None if they are no labels.

    Rows of `n_classes` zeros with a single 1 are one-hot labels.
    """
    if is_tensor(values):
        values = values.detach().cpu()
        values = (values.double() if kind_of(values) == "f" else values).numpy()
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iubf":
        return None
    if values.shape[:1] != (n_rows,) or values.ndim > 2:
        return None
    if values.dtype.kind == "f" and (values != np.round(values)).any():  # shares, or NaN
        return None
    if values.shape[1:] in ((), (1,)):
        return values.reshape(-1).astype(np.int64)
    if values.shape[1] != n_classes or not np.isin(values, (0, 1)).all():
        return None
    return values.argmax(axis=1) if (values.sum(axis=1) == 1).all() else None
