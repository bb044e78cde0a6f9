"""The samples of a training set: their names, and their labels where batches carry these."""

from __future__ import annotations

import numpy as np

from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._recording._accumulator import join
from sklearn_carto._recording._batch_arrays import as_vector
from sklearn_carto._recording._class_columns import ClassColumns, is_missing
from sklearn_carto._utils._validation import check_sample_ids, is_flag
from sklearn_carto.exceptions import SampleAlignmentError

OWNER = "DynamicsRecorder"


class SampleIndex:
    """The samples of a training set, whose labels may arrive batch by batch.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    names : array-like of shape (n_samples,), default=None
        Names of the samples. None: their positions.
    classes : array-like of shape (n_classes,), default=None
        Names of the columns of class scores, see `ClassColumns`. None: to be determined.
    labels : array-like of shape (n_samples,), default=None
        The label of each sample. None: batches carry them.
    by_position : bool, default=False
        Whether samples are given by position, also where they have names.
    """

    def __init__(self, n_samples, names=None, classes=None, labels=None, by_position=False):
        self.n_samples, self.by_position = n_samples, by_position or names is None
        self.names = check_sample_ids(names, n_samples, OWNER)
        self._places = {}
        if not self.by_position:
            self._places = {name: i for i, name in enumerate(_keys(self.names))}
        self.columns: ClassColumns = None  # type: ignore[assignment]
        if classes is not None:
            self.columns = ClassColumns(classes, OWNER)
        self.y_encoded = np.full(n_samples, -1)  # column of each label; below 0: unknown
        if labels is not None:
            labels = self._check_given_labels(labels)
            if self.columns is None:
                self.columns = ClassColumns(np.unique(labels), OWNER)
            self.y_encoded = self.columns.encode(labels)
        self._given_columns, self.given_y_encoded = self.columns, self.y_encoded.copy()

    def _check_given_labels(self, labels):
        labels = as_vector(labels, "labels", OWNER)
        if labels.shape != (self.n_samples,):
            raise ValueError(
                f"labels must have one entry for each of the {self.n_samples} rows; got shape "
                f"{labels.shape}."
            )
        values = labels.tolist()
        missing = [i for i, label in enumerate(values) if is_missing(label)]
        if missing:
            raise ValueError(
                f"labels must not hold missing or infinite values; got them in {len(missing)} "
                f"rows, among them {missing[:5]}."
            )
        if labels.dtype.kind == "O" and len({type(label) for label in values}) > 1:
            kinds = sorted({type(label).__name__ for label in values})
            raise ValueError(f"labels must be of one type; got {' and '.join(kinds)}.")
        return labels

    @property
    def classes(self):
        """Names of the columns of class scores; None if they are not determined yet."""
        return None if self.columns is None else self.columns.names

    @property
    def given_classes(self):
        """Those that were given, or follow from the labels that were."""
        return None if self._given_columns is None else self._given_columns.names

    def infer_classes(self, n_classes):
        """Take the positions of columns for their names, where none were given."""
        if self.columns is None:
            self.columns = ClassColumns(np.arange(n_classes), OWNER)

    def forget_inferred(self):
        """Forget classes that were inferred from the width of scores."""
        self.columns = self._given_columns

    def locate(self, batches):
        """Find the rows and the encoded labels of batches, both of shape (n_rows,).

        Each batch is a pair of indices, and of labels or None. An unknown row, and a label that is
        missing or not among the classes, raise a ValueError.
        """
        indices, labels = (join(parts) for parts in zip(*batches, strict=True))
        rows = self.rows_of(indices)
        return rows, self.encode_rows(rows, labels)

    def encode_rows(self, rows, labels):
        """Encode the labels of rows, an array or tensor or, if they were passed before, None."""
        if labels is not None:
            return self.columns.encode(labels.reshape(-1))
        y_encoded = self.y_encoded[rows]
        if (y_encoded < 0).any():
            raise ValueError(
                "The labels of these rows are unknown: pass them to update, or labels= to "
                "DynamicsRecorder."
            )
        return y_encoded

    def rows_of(self, indices):
        """Find the positions of rows that are given by position or, if they have names, by name.

        `indices` is an array or tensor of shape (n_rows,). A ValueError is raised if there is no
        such row.
        """
        if is_tensor(indices):
            indices = indices.detach().cpu().numpy()
        if self.by_position:
            outside = (indices < 0) | (indices >= self.n_samples)
            if outside.any():
                raise ValueError(
                    f"indices must lie between 0 and {self.n_samples - 1}; got "
                    f"{indices[outside][:5].tolist()}."
                )
            return indices.astype(np.intp, copy=False)
        try:
            rows = [self._places.get(name, -1) for name in _keys(indices)]
        except TypeError:  # a name that is a list
            rows = [-1] * len(indices)
        unknown = [name for name, row in zip(indices.tolist(), rows, strict=True) if row < 0]
        if unknown:
            raise ValueError(f"indices must be among sample_ids; got {unknown[:5]}.")
        return np.array(rows, dtype=np.intp)

    def check_labels_unchanged(self, rows, y_encoded, epoch):
        """Raise a ValueError if a label is none of the classes, or differs from an earlier one.

        `rows` and `y_encoded` have shape (n_rows,), in the order of the batches of the epoch.
        """
        self.columns.check(y_encoded)
        self.check_unchanged(rows, y_encoded, f"by epoch {epoch}")
        first = np.empty_like(self.y_encoded)
        first[rows[::-1]] = y_encoded[::-1]  # the first occurrence is written last
        self.check_unchanged(rows, y_encoded, f"within epoch {epoch}", first)

    def check_unchanged(self, rows, y_encoded, when, before=None):
        """Raise a ValueError if the label of a row differs from an earlier one.

        The earlier columns of all rows, `before`, are those of earlier epochs by default; below 0:
        unknown. `when` is a part of the error message.
        """
        before = (self.y_encoded if before is None else before)[rows]
        other = (before >= 0) & (before != y_encoded)
        if other.any():
            i = np.flatnonzero(other)[0]
            was, now = self.classes[[before[i], y_encoded[i]]].tolist()
            raise ValueError(
                f"The labels of {len(np.unique(rows[other]))} rows have changed {when}: row "
                f"{self.some_names(rows[i : i + 1])[0]!r} was {was!r}, and is {now!r}. Check that "
                "the indices are those of the rows."
            )

    def check_complete(self, rows, n_passed, epoch):
        """Raise a SampleAlignmentError if an epoch lacks rows.

        `rows` holds the rows of the epoch, each once; `n_passed` also counts those that occurred
        again.
        """
        if len(rows) == self.n_samples:
            return
        unseen = np.setdiff1d(np.arange(self.n_samples), rows)
        hint = ""
        if n_passed >= 2 * len(rows):
            hint = (
                f" {len(rows)} rows were passed {n_passed} times: indices must be positions in the "
                "data set, not in the batch."
            )
        raise SampleAlignmentError(
            f"Epoch {epoch} lacks {len(unseen)} of {self.n_samples} rows, among them "
            f"{self.some_names(unseen)}. Use a loader that yields every row (drop_last=False, a "
            f"sampler over all rows), or set missing='nan'.{hint}"
        )

    def some_names(self, rows):
        """Names of the first five of some rows, for an error message."""
        return (rows if self.names is None else self.names[rows])[:5].tolist()


def _keys(names):
    """Names as keys, among which a boolean is none of the numbers 0 and 1."""
    return [(is_flag(name), name) for name in names.tolist()]
