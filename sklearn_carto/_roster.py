"""Which rows there are, which labels they carry, and whether a batch speaks of them."""

from __future__ import annotations

import numpy as np

from sklearn_carto._gathering import is_tensor


class Roster:
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
        """Columns of labels; of those that are columns themselves `refuse_other` tells more.

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

    def refuse_other(self, rows, columns, epoch):
        """Raise where a label is none of the classes, or another than before.

        Parameters
        ----------
        rows, columns : ndarray of int, of shape (n_rows,)
            Rows of an epoch, and the columns of their labels.
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
        before = self.columns[rows]
        other = (before >= 0) & (before != columns)
        if other.any():
            i = np.flatnonzero(other)[0]
            was, now = self.classes[[before[i], columns[i]]].tolist()
            raise ValueError(
                f"The labels of {other.sum()} rows have changed by epoch {epoch}: row "
                f"{self.some_names(rows[i : i + 1])[0]!r} was {was!r}, and is {now!r}. Are the "
                "indices those of the rows?"
            )

    def some_names(self, rows):
        """Names of the first few of some rows, for an error."""
        return (rows if self.names is None else self.names[rows])[:5].tolist()
