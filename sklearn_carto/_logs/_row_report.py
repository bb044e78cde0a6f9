"""Rows of a log: find those of a data set, and report the others."""

from __future__ import annotations

import numpy as np

from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import LogRowsWarning, SampleAlignmentError


def places_of(ids, known):
    """Return the position of each id among the known ones, -1 of others.

    Parameters
    ----------
    ids, known : ndarray of shape (n_rows,), ndarray of shape (n_samples,)
        Columns, as of :func:`as_column`.

    Examples
    --------
    >>> places_of(np.array([7, 5, 6]), np.array([5, 7]))
    array([ 1,  0, -1])
    """
    if ids.dtype.kind in "iuf" and known.dtype.kind in "iuf" and len(known):
        order = np.argsort(known, kind="stable")
        place = order[np.minimum(np.searchsorted(known, ids, sorter=order), len(known) - 1)]
        return np.where(known[place] == ids, place, -1)
    if {ids.dtype.kind, known.dtype.kind} & set("iuf"):  # text is no number
        return np.full(len(ids), -1)
    position = {value: i for i, value in enumerate(known.tolist())}
    return np.array([position.get(value, -1) for value in ids.tolist()], dtype=np.int64)


class RowReport:
    """Collect the rows of a log that are missing, doubled or foreign, and warn of them once.

    Parameters
    ----------
    log : str
        Name of the log, for the messages.
    """

    def __init__(self, log):
        self.log, self.parts = log, []

    def missing_epochs(self, epochs):
        """Report the epochs that are missing between the first and the last one."""
        lacking = np.setdiff1d(np.arange(epochs.min(initial=0), epochs.max(initial=-1)), epochs)
        if len(lacking):
            self.parts.append(f"lacks the epochs {some(lacking)}")

    def missing(self, counts, ids):
        """Report rows whose count of epochs is below the largest possible one.

        `counts` are the numbers of epochs that each row lacks, and `ids` the names of the rows.
        """
        rows = np.flatnonzero(counts)
        if len(rows):
            self.parts.append(
                f"lacks {len(rows)} of {len(counts)} rows at {counts.sum()} places in all, among "
                f"them {some(ids[rows])}; their statistics are those of the other epochs"
            )

    def doubled(self, count, ids, kept):
        """Report rows that occur several times at one epoch."""
        if count:
            self.parts.append(
                f"holds {count} rows several times at one epoch, among them {some(ids)}; {kept} "
                "counts"
            )

    def foreign(self, ids, known):
        """Report rows that are none of the data set; an error if no row is one."""
        unique = np.unique(ids)
        if len(unique) and known:
            self.parts.append(
                f"holds {len(unique)} rows that are none of the data set, among them "
                f"{some(unique)}; they are left out"
            )
        elif len(unique):
            raise SampleAlignmentError(
                f"{self.log} holds no row of sample_ids; its rows are {some(unique)}, of type "
                f"{type(unique[0].item() if hasattr(unique[0], 'item') else unique[0]).__name__}."
            )

    def issue(self):
        """Warn of what was reported."""
        if self.parts:
            warn(f"{self.log} {'; it '.join(self.parts)}.", LogRowsWarning)


def some(values):
    values = np.asarray(values)
    more = ", ..." if len(values) > 5 else ""
    return f"[{', '.join(map(repr, values[:5].tolist()))}{more}]"


def check_labels_agree(places, labels, ids, log):
    """Return the label of each row; raise an error if a row has two.

    Parameters
    ----------
    places : ndarray of shape (n_rows,)
        Position of the row that each label belongs to.
    labels : ndarray of int of shape (n_rows,)
        Encoded labels.
    ids : ndarray of shape (n_samples,)
        Names of the rows.
    log : str
        Name of the log, for the error.

    Returns
    -------
    y_encoded : ndarray of shape (n_samples,)
        The encoded label of each row; -1 of a row that does not occur.
    """
    y_encoded = np.full(len(ids), -1)
    y_encoded[places[::-1]] = labels[::-1]
    other = np.flatnonzero(y_encoded[places] != labels)
    if len(other):
        rows = np.unique(places[other])
        raise SampleAlignmentError(
            f"{log} holds {len(rows)} ids with several labels, among them {some(ids[rows])}: one "
            "id names different rows, or the log is one of several runs. Give each row an id of "
            "its own."
        )
    return y_encoded
