"""Which rows there are, which labels they carry, and whether a batch speaks of them."""

from __future__ import annotations

import numpy as np

from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto.exceptions import SampleAlignmentError


class SampleIndex:
    """The rows of a training set, whose labels may come to be known batch by batch.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    names : array-like of shape (n_samples,), default=None
        Names of the rows. None: they are named by their positions.
    classes : array-like of shape (n_classes,), default=None
        The labels, in the order of the columns of class scores. None: not known yet.
    labels : array-like of shape (n_samples,), default=None
        The label of each row. None: not known yet.
    """

    def __init__(self, n_samples, names=None, classes=None, labels=None):
        self.n_samples = n_samples
        self.names = self._places = None
        if names is not None:
            self.names = np.asarray(names)
            self._places = {name: i for i, name in enumerate(self.names.tolist())}
            if len(self._places) != n_samples:
                raise ValueError(f"sample_ids must name each of the {n_samples} rows once.")
        self.classes: np.ndarray = None  # type: ignore[assignment]
        if classes is not None:
            self.classes = np.asarray(classes)
            if self.classes.ndim != 1 or len(self.classes) == 0:
                raise ValueError(
                    "classes must name the columns of the scores, one label each; got shape "
                    f"{self.classes.shape}."
                )
        self._are_columns = None  # whether labels are columns themselves
        self.columns = np.full(n_samples, -1)  # of each row's label; below 0: not known yet
        if labels is not None:
            labels = np.asarray(labels)
            if labels.shape != (n_samples,):
                raise ValueError(
                    f"labels must have one entry for each of the {n_samples} rows; got shape "
                    f"{labels.shape}."
                )
            if self.classes is None:
                self.classes = np.unique(labels)
            self.columns = self.columns_of(labels)
        self._given = self.classes

    def forget_inferred(self):
        """Forget classes that nobody gave, but that were inferred from the width of scores."""
        self.classes = self._given

    def rows_of(self, indices):
        """Positions of rows.

        Parameters
        ----------
        indices : ndarray or tensor of shape (n_rows,)
            Positions, or names where the rows have some.

        Returns
        -------
        rows : ndarray of int, of shape (n_rows,)
            Positions.

        Raises
        ------
        ValueError
            If there is no such row.
        """
        if is_tensor(indices):
            indices = indices.detach().cpu().numpy()
        if self._places is not None:
            names = np.asarray(indices).tolist()
            unknown = [name for name in names if name not in self._places]
            if unknown:
                raise ValueError(f"indices hold {unknown[:5]}, which sample_ids do not name.")
            return np.array([self._places[name] for name in names], dtype=np.intp)
        rows = np.asarray(indices)
        if rows.dtype.kind not in "iu":
            raise ValueError(
                f"indices must be whole numbers; got an array of type {rows.dtype}. Rows with "
                "other names: pass sample_ids."
            )
        if len(rows) and (rows.min() < 0 or rows.max() >= self.n_samples):
            outside = rows[(rows < 0) | (rows >= self.n_samples)]
            raise ValueError(
                f"indices hold {outside[:5].tolist()}, but rows are numbered 0 to "
                f"{self.n_samples - 1}."
            )
        return rows.astype(np.intp, copy=False)

    def columns_of(self, labels):
        """Columns of labels; those that are columns themselves are checked as the epoch ends.

        Parameters
        ----------
        labels : ndarray or tensor of shape (n_rows,)
            Labels.

        Returns
        -------
        columns : ndarray or tensor of int, of shape (n_rows,)
            A tensor where it was one and its labels are columns.

        Raises
        ------
        ValueError
            If a label is not among the classes.
        """
        if self._are_columns is None:
            self._are_columns = np.array_equal(self.classes, np.arange(len(self.classes)))
        if is_tensor(labels):
            if self._are_columns and not labels.is_floating_point():
                return labels.detach()
            labels = labels.detach().cpu().numpy()
        kind = labels.dtype.kind
        whole = kind in "iub" or (kind == "f" and (labels == np.round(labels)).all())
        if self._are_columns and whole:
            return labels.astype(np.intp)
        order = np.argsort(self.classes)
        place = np.searchsorted(self.classes, labels, sorter=order)
        columns = order[np.minimum(place, len(order) - 1)]
        unknown = self.classes[columns] != labels
        if unknown.any():
            raise ValueError(
                f"labels hold {np.unique(labels[unknown]).tolist()}, not among the classes "
                f"{self.classes.tolist()}."
            )
        return columns

    def check_labels_unchanged(self, rows, columns, epoch):
        """Raise where a label is none of the classes, or another than before.

        Parameters
        ----------
        rows, columns : ndarray of int, of shape (n_rows,)
            Rows of an epoch as they were told, some perhaps twice, and the columns of their labels.
        epoch : int
            Which; the error names it.

        Raises
        ------
        ValueError
            It names the rows.
        """
        unknown = (columns < 0) | (columns >= len(self.classes))
        if unknown.any():
            raise ValueError(
                f"labels hold {np.unique(columns[unknown]).tolist()} in {unknown.sum()} rows, among"
                f" them {self.some_names(rows[unknown])}; the scores have columns 0 to "
                f"{len(self.classes) - 1}."
            )
        self.check_unchanged(rows, columns, f"by epoch {epoch}")
        told = np.empty_like(self.columns)
        told[rows[::-1]] = columns[::-1]  # what comes first is written last, and stays
        self.check_unchanged(rows, columns, f"within epoch {epoch}", told)

    def check_unchanged(self, rows, columns, when, before=None):
        """Raise where the label of a row is another than before.

        Parameters
        ----------
        rows, columns : ndarray of int, of shape (n_rows,)
            Rows, and the columns of their labels.
        when : str
            The error names it.
        before : ndarray of int, of shape (n_samples,), default=None
            Columns of all rows; below 0: not known. None: those that are known so far.

        Raises
        ------
        ValueError
            It names a row.
        """
        before = (self.columns if before is None else before)[rows]
        other = (before >= 0) & (before != columns)
        if other.any():
            i = np.flatnonzero(other)[0]
            was, now = self.classes[[before[i], columns[i]]].tolist()
            raise ValueError(
                f"The labels of {len(np.unique(rows[other]))} rows have changed {when}: row "
                f"{self.some_names(rows[i : i + 1])[0]!r} was {was!r}, and is {now!r}. Are the "
                "indices those of the rows?"
            )

    def refuse_missing(self, rows, n_told, epoch):
        """Raise where an epoch did not show every row.

        Parameters
        ----------
        rows : ndarray of int, of shape (n_rows,)
            The rows that it showed, none twice.
        n_told : int
            How many it was told of, those that came again included.
        epoch : int
            Which; the error names it.

        Raises
        ------
        SampleAlignmentError
            It names rows.
        """
        if len(rows) == self.n_samples:
            return
        unseen = np.setdiff1d(np.arange(self.n_samples), rows)
        question = ""
        if n_told >= 2 * len(rows):
            question = (
                f" {len(rows)} rows came {n_told} times: are the indices positions within the "
                "batch? Give those of the data set."
            )
        raise SampleAlignmentError(
            f"Epoch {epoch} did not show {len(unseen)} of {self.n_samples} rows, among them "
            f"{self.some_names(unseen)}. Let the loader show every row (drop_last=False, a sampler "
            f"over all rows), or pass missing='nan'.{question}"
        )

    def some_names(self, rows):
        """Names of the first few of some rows, for an error."""
        return (rows if self.names is None else self.names[rows])[:5].tolist()


def check_batch(indices, scores, labels):
    """Raise where a batch does not hold one entry of each a row, or its scores are none.

    Parameters
    ----------
    indices, scores : ndarray or tensor of shape (n_rows, ...)
        What the batch holds.
    labels : ndarray or tensor of shape (n_rows, ...) or None
        None where they were given at the start.

    Raises
    ------
    ValueError
        Naming what does not fit.
    """
    if indices.ndim != 1:
        raise ValueError(
            f"indices have shape {tuple(indices.shape)}: one entry for each row of the batch "
            "is needed."
        )
    if labels is not None and labels.ndim > 1 and labels.shape[1:] != (1,):
        raise ValueError(
            f"labels have shape {tuple(labels.shape)}: one label a row is needed. Of one-hot "
            "lines pass labels.argmax(1)."
        )
    for name, values in (("scores", scores), ("labels", labels)):
        if values is not None and (values.ndim < 1 or values.shape[0] != indices.shape[0]):
            raise ValueError(
                f"{name} of shape {tuple(values.shape)} do not fit {len(indices)} indices: "
                "one entry a row is needed."
            )
    whole = not scores.is_floating_point() if is_tensor(scores) else scores.dtype.kind in "iub"
    if whole and len(scores):
        raise ValueError(
            f"scores are whole numbers ({scores.dtype}): pass the logits or probabilities, not the "
            "predicted classes."
        )
