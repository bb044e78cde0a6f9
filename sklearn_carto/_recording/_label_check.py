"""Compare the labels that batches carry with those of the rows that they are taken for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_carto._inputs._torch_datasets import LABEL_NAMES, WAY_OUT, is_tensor
from sklearn_carto._recording._batch_arrays import kind_of
from sklearn_carto.exceptions import SampleAlignmentError

_OTHER_NAMES = ("y", "target", "targets")


class LabelCheck:
    """Raise an error where a batch holds other labels than the rows that its sampler drew.

    Reading tensors of another device waits for it. Of these, the first batch after each `flush` is
    compared at once, and the others by the next `flush`. So are those of `add_unlocated`, which are
    compared together.

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
        self.unlocated: dict = {}  # labels and names of batches, by the function that locates them
        self.n_compared = 0

    def add(self, batch, rows, y_encoded):
        """Compare the labels of a batch.

        Parameters
        ----------
        batch : object
            The batch. Its labels are in a mapping the one of `LABEL_NAMES`; in a pair the second;
            in a longer sequence one of those after the first, or in a mapping what is named y or
            target, in which case only labels in another order are an error. Whole numbers, names
            of classes, one-hot and smoothed labels are compared; shares of several classes are not.
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

    def add_unlocated(self, batch, names, locate):
        """Compare the labels of a batch whose rows are not determined yet.

        Parameters
        ----------
        batch : object
            The batch.
        names : object
            What identifies its rows.
        locate : callable
            Maps a list of the `names` of some batches to their rows and the columns of their
            labels: work that is cheaper for many batches at once.
        """
        labels = _whole_numbers(batch) if self.n_compared else None
        if labels is None:
            self.add(batch, *locate([names]))
        else:
            self.unlocated.setdefault(locate, []).append((labels, names))

    def flush(self):
        """Compare what waits, at the end of an epoch."""
        waiting, unlocated = self.waiting, self.unlocated
        self.discard()
        for batch in waiting:
            self._compare(*batch)
        for locate, batches in unlocated.items():
            labels, names = zip(*batches, strict=True)
            if np.array_equal(np.concatenate(labels), locate(names)[1]):
                continue
            for found, name in batches:
                self._compare([found], True, *locate([name]))

    def discard(self):
        """Discard what waits, of an epoch that was interrupted."""
        self.waiting, self.unlocated, self.n_compared = [], {}, 0

    def _compare(self, candidates, exact, rows, y_encoded):
        compared = (_as_labels(part, len(rows), self.classes) for part in candidates)
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


def _whole_numbers(batch):
    """Return a copy of the labels of a pair, if these are a vector of whole numbers on the CPU."""
    labels: Any = batch[1] if type(batch) in (list, tuple) and len(batch) == 2 else None
    torch = sys.modules.get("torch")
    if torch is None or type(labels) is not torch.Tensor:
        return None
    if labels.dtype != torch.int64 or labels.dim() != 1 or labels.device.type != "cpu":
        return None
    return labels.numpy().copy()


def _candidates(batch):
    """Find what may be labels, and whether it is known to be."""
    if isinstance(batch, Mapping):
        for names, exact in ((LABEL_NAMES, True), (_OTHER_NAMES, False)):
            found = [batch[name] for name in names if batch.get(name) is not None]
            if found:
                return found[:1], exact
        return [], True
    if not isinstance(batch, (tuple, list)):
        return [], True
    if len(batch) == 2 and isinstance(batch[1], Mapping):
        return _candidates(batch[1])
    if len(batch) == 2 and isinstance(batch[1], (tuple, list)) and not _is_list(batch[1]):
        return list(batch[1]), False
    return list(batch[1:]), len(batch) == 2


def _is_list(values):
    """Whether values are a list of single values."""
    if not isinstance(values, (tuple, list)):
        return False
    return not any(hasattr(value, "__len__") and not isinstance(value, str) for value in values)


def _as_labels(values, n_rows, classes):
    """Return values as whole numbers of shape (n_rows,), or None if they are no labels.

    Rows of a share for each class, which are equal but for a larger one, are one-hot labels, maybe
    smoothed.
    """
    if is_tensor(values):
        values = values.detach().cpu()
        values = (values.double() if kind_of(values) == "f" else values).numpy()
    elif _is_list(values):
        values = np.asarray(values)
    if not isinstance(values, np.ndarray) or values.shape[:1] != (n_rows,) or values.ndim > 2:
        return None
    if values.dtype.kind in "UO" and values.ndim == 1:
        places = {name: i for i, name in enumerate(classes.tolist()) if isinstance(name, str)}
        found = [places.get(name) if isinstance(name, str) else None for name in values.tolist()]
        return None if None in found else np.array(found, dtype=np.int64)
    if values.dtype.kind not in "iubf":
        return None
    if values.shape[1:] in ((), (1,)):
        whole = values.dtype.kind != "f" or (values == np.round(values)).all()  # False for NaN
        return values.reshape(-1).astype(np.int64) if whole else None
    if values.shape[1] != len(classes):
        return None
    shares = np.sort(values.astype(np.float64), axis=1)
    smoothed = values.dtype.kind == "f" and len(classes) > 2
    rest = shares[:, 0] if smoothed else 0.0
    one_hot = np.isclose(shares[:, -2], rest) & np.isclose(shares.sum(axis=1), 1)
    return values.argmax(axis=1) if (one_hot & (shares[:, -1] > shares[:, -2])).all() else None
