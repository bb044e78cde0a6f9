"""Rows of a log: find those of a data set, and report the others."""

from __future__ import annotations

import numpy as np

from sklearn_carto._logs._log_columns import text_of
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
    if ids.dtype.kind in "iu" and known.dtype.kind in "iu" and len(known):
        order = np.argsort(known, kind="stable")
        place = order[np.minimum(np.searchsorted(known, ids, sorter=order), len(known) - 1)]
        return np.where(known[place] == ids, place, -1)
    if (ids.dtype.kind == "b") != (known.dtype.kind == "b"):
        return np.full(len(ids), -1)
    return _places(ids.tolist(), known.tolist())


def places_of_values(ids, known):
    """Return the position of each id among the known ones, -1 of others, for ids of any type.

    Numbers are compared exactly: a whole number beyond 2**53 is not what it would be rounded to.
    Text is no number, and a boolean is none.

    Examples
    --------
    >>> ids = np.array(["7", 7, 2**53 + 1], dtype=object)
    >>> places_of_values(ids, np.array([7.0, 2.0**53]))
    array([-1,  0, -1])
    """
    return _places([*map(key_of, ids)], [*map(key_of, known)])


def _places(keys, known):
    position = {key: i for i, key in enumerate(known)}
    return np.array([position.get(key, -1) for key in keys], dtype=np.int64)


def key_of(value):
    """Return what an id is compared by: its value, and of dates and other objects, their text."""
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return str(value)
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        return bool, value
    return value if isinstance(value, (str, int, float, bytes, tuple)) else text_of(value)


class RowReport:
    """Collect the rows of a log that are missing, doubled or foreign, and warn of them once.

    Parameters
    ----------
    log : str
        Name of the log, for the messages.
    """

    def __init__(self, log):
        self.log, self.parts = log, []

    def missing_epochs(self, epochs, first=0):
        """Report the epochs that are missing between `first` and the last one."""
        lacking = np.setdiff1d(np.arange(first, epochs.max(initial=-1)), epochs)
        if len(lacking):
            self.parts.append(f"lacks the epochs {some(lacking)}")

    def missing(self, counts, ids, n_epochs):
        """Report rows that lack some of `n_epochs` epochs.

        `counts` are the numbers of epochs that each row lacks, and `ids` the names of the rows.
        """
        rows, n_absent = np.flatnonzero(counts), int((counts >= n_epochs).sum())
        if len(rows):
            rest = "; their statistics are those of the other epochs" * (n_absent < len(rows))
            absent = f"; {n_absent} rows are in no epoch, and are NaN" if n_absent else ""
            self.parts.append(
                f"lacks {len(rows)} of {len(counts)} rows at {counts.sum()} places in all, among "
                f"them {some(ids[rows])}{rest}{absent}"
            )

    def absent(self, ids, n_samples):
        """Report rows that a map lacks."""
        if len(ids):
            self.parts.append(
                f"lacks {len(ids)} of {n_samples} rows, among them {some(ids)}, which are NaN"
            )

    def doubled(self, count, ids, kept, where=" at one epoch"):
        """Report rows that occur several times at one epoch."""
        if count:
            self.parts.append(
                f"holds {count} rows several times{where}, among them {some(unique(ids))}; {kept} "
                "counts"
            )

    def foreign(self, ids, known):
        """Report rows that are none of the data set; an error if no row is one."""
        ids = unique(ids)
        if len(ids) and known:
            self.parts.append(
                f"holds {len(ids)} rows that are none of the data set, among them {some(ids)}; "
                "they are left out"
            )
        elif len(ids):
            types = sorted({type(value).__name__ for value in ids.tolist()})
            raise SampleAlignmentError(
                f"{self.log} holds no row of sample_ids; its rows are {some(ids)}, of type "
                f"{' and '.join(types)}."
            )

    def issue(self):
        """Warn of what was reported."""
        if self.parts:
            warn(f"{self.log} {'; it '.join(self.parts)}.", LogRowsWarning)


def unique(ids):
    """Return distinct ids, sorted where they can be compared."""
    try:
        return np.unique(ids)
    except TypeError:  # text and numbers
        distinct = [*dict.fromkeys(ids.tolist())]
        ids = np.empty(len(distinct), dtype=object)
        ids[:] = distinct
        return ids


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
