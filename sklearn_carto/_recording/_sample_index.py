"""The samples of a training set: their names, and their labels where batches carry these."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_carto._dynamics._scores import encode_labels
from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._recording._accumulator import join
from sklearn_carto.exceptions import SampleAlignmentError


class SampleIndex:
    """The samples of a training set, whose labels may arrive batch by batch.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    names : array-like of shape (n_samples,), default=None
        Names of the samples. None: their positions.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the columns of class scores. None: to be determined.
    labels : array-like of shape (n_samples,), default=None
        The label of each sample. None: batches carry them.
    """

    def __init__(self, n_samples, names=None, classes=None, labels=None):
        self.n_samples = n_samples
        self.names = self._places = None
        if names is not None:
            self.names = np.asarray(names)
            self._places = {name: i for i, name in enumerate(self.names.tolist())}
            if len(self._places) != n_samples:
                raise ValueError(f"sample_ids must name each of the {n_samples} rows once.")
        self.classes: Any = None
        if classes is not None:
            self.classes = np.asarray(classes)
            if self.classes.ndim != 1 or len(self.classes) == 0:
                raise ValueError(
                    "classes must name the columns of the scores, one label each; got shape "
                    f"{self.classes.shape}."
                )
        self._labels_are_columns = None
        self.y_encoded = np.full(n_samples, -1)  # column of each label; below 0: unknown
        if labels is not None:
            labels = np.asarray(labels)
            if labels.shape != (n_samples,):
                raise ValueError(
                    f"labels must have one entry for each of the {n_samples} rows; got shape "
                    f"{labels.shape}."
                )
            if self.classes is None:
                self.classes = np.unique(labels)
            self.y_encoded = self.encode(labels)
        self.given_classes, self.given_y_encoded = self.classes, self.y_encoded.copy()

    def forget_inferred(self):
        """Forget classes that were inferred from the width of scores."""
        self.classes = self.given_classes

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
            return self.encode(labels).reshape(-1)
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
        if self._places is not None:
            names = np.asarray(indices).tolist()
            unknown = [name for name in names if name not in self._places]
            if unknown:
                raise ValueError(f"indices must be among sample_ids; got {unknown[:5]}.")
            return np.array([self._places[name] for name in names], dtype=np.intp)
        rows = np.asarray(indices)
        if rows.dtype.kind not in "iu":
            raise ValueError(
                f"indices must be whole numbers; got an array of type {rows.dtype}. For rows with "
                "other names, pass sample_ids."
            )
        if len(rows) and (rows.min() < 0 or rows.max() >= self.n_samples):
            outside = rows[(rows < 0) | (rows >= self.n_samples)]
            raise ValueError(
                f"indices must lie between 0 and {self.n_samples - 1}; got {outside[:5].tolist()}."
            )
        return rows.astype(np.intp, copy=False)

    def encode(self, labels):
        """Encode labels, an array or tensor of shape (n_rows,), as columns.

        A label that is not among the classes raises a ValueError; labels that are columns
        themselves are checked at the end of the epoch. A tensor of such labels remains a tensor.
        """
        if self._labels_are_columns is None:
            self._labels_are_columns = np.array_equal(self.classes, np.arange(len(self.classes)))
        if is_tensor(labels):
            if self._labels_are_columns and not labels.is_floating_point():
                return labels.detach()
            labels = labels.detach().cpu().numpy()
        kind = labels.dtype.kind
        whole = kind in "iub" or (kind == "f" and (labels == np.round(labels)).all())
        if self._labels_are_columns and whole:
            return labels.astype(np.intp)
        return encode_labels(labels, self.classes)

    def check_labels_unchanged(self, rows, y_encoded, epoch):
        """Raise a ValueError if a label is none of the classes, or differs from an earlier one.

        `rows` and `y_encoded` have shape (n_rows,), in the order of the batches of the epoch.
        """
        unknown = (y_encoded < 0) | (y_encoded >= len(self.classes))
        if unknown.any():
            raise ValueError(
                f"labels must lie between 0 and {len(self.classes) - 1}, the columns of the "
                f"scores; got {np.unique(y_encoded[unknown]).tolist()} in {unknown.sum()} rows, "
                f"among them {self.some_names(rows[unknown])}."
            )
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


def check_batch(indices, scores, labels):
    """Raise a ValueError if a batch does not hold one index, one score and one label a row."""
    if indices.ndim != 1:
        raise ValueError(
            "indices must have one entry for each row of the batch; got shape "
            f"{tuple(indices.shape)}."
        )
    if labels is not None and labels.ndim > 1 and labels.shape[1:] != (1,):
        raise ValueError(
            f"labels must have one entry for each row; got shape {tuple(labels.shape)}. For "
            "one-hot labels pass labels.argmax(1)."
        )
    for name, values in (("scores", scores), ("labels", labels)):
        if values is not None and (values.ndim < 1 or values.shape[0] != indices.shape[0]):
            raise ValueError(
                f"{name} of shape {tuple(values.shape)} do not fit {len(indices)} indices: one "
                "entry for each row is required."
            )
    integer = not scores.is_floating_point() if is_tensor(scores) else scores.dtype.kind in "iub"
    if integer and len(scores):
        raise ValueError(
            f"scores must be logits or probabilities, not the predicted classes; got whole numbers "
            f"({scores.dtype})."
        )
