"""The rows of a data set that is read chunk by chunk, and their labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from sklearn_carto._inputs._containers import check_same_length, n_samples_of
from sklearn_carto._inputs._labels import as_label_column
from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import check_sample_ids, describe
from sklearn_carto.exceptions import SampleAlignmentError

OWNER = "CartographyClassifier.fit_chunks"
_N_NAMED = 5  # rows that an error names


class Chunk(NamedTuple):
    """A part of the data set, as it was read."""

    X: object
    y: np.ndarray
    ids: np.ndarray | None
    where: str  # which chunk of which reading, for errors


def read_chunks(factory, reading, estimator):
    """Yield the chunks of one reading of the data set, after a check of each.

    Parameters
    ----------
    factory : callable
        Returns an iterable of (X, y) or of (ids, X, y).
    reading : int
        Number of the reading, counted from 0.
    estimator : estimator
        Estimator that the labels are passed to, for errors.

    Yields
    ------
    chunk : Chunk
        A chunk of at least one row.
    """
    parts = factory()
    if isinstance(parts, (str, bytes, Mapping)) or not isinstance(parts, Iterable):
        raise InvalidParameterError(
            f"The 'factory' parameter of {OWNER} must return an iterable of chunks, (X, y) or "
            f"(ids, X, y). It returned {describe(parts)} instead."
        )
    for number, part in enumerate(parts):
        where = f"chunk {number} of reading {reading}"
        if not isinstance(part, (tuple, list)) or len(part) not in (2, 3):
            raise InvalidParameterError(
                f"The 'factory' parameter of {OWNER} must return chunks (X, y) or (ids, X, y). Got "
                f"{describe(part)} as {where} instead."
            )
        ids, X, y = (None, *part) if len(part) == 2 else part
        if X is None or (len(part) == 3 and ids is None):
            raise InvalidParameterError(f"X and ids of {where} must not be None.")
        X = X.detach().cpu().numpy() if is_tensor(X) else X
        with located(where):
            if n_samples_of(X) == 0 and y is not None and n_samples_of(y) == 0:
                continue  # such as an empty row group
            y = as_label_column(y, estimator)
            check_same_length(X, y)
            ids = ids.detach().cpu().numpy() if is_tensor(ids) else ids
            ids = check_sample_ids(ids, len(y), OWNER)
        yield Chunk(X, y, ids, where)


@contextmanager
def located(where, X=None):
    """Add to an error the chunk that raised it, and what its samples are."""
    try:
        yield
    except Exception as error:
        error.add_note(f"raised by {where}" + ("" if X is None else f", with X {describe(X)}"))
        raise


class ChunkRows:
    """Rows and labels of a data set, learned in the first reading, and found in later ones.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,) or None
        The classes, sorted; None: those that are found.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The classes.
    is_known : bool
        Whether a reading has ended.
    labels : ndarray of shape (n_samples,)
        Label of each row, in the order of the first reading.
    y_encoded : ndarray of shape (n_samples,)
        Position of each label among the classes.
    sample_ids : ndarray of shape (n_samples,) or None
        Names of the rows.
    """

    def __init__(self, classes=None):
        self.classes = classes
        self.sample_ids: Any = None
        self.is_known = False
        self.labels = self.y_encoded = self._seen = np.zeros(0, dtype=int)
        self._places: dict | None = None  # of ids that cannot be sorted
        self._parts: list[tuple] = []
        self._n_placed = 0  # rows of this reading so far

    def place(self, chunk):
        """Return the positions of the rows of a chunk among all.

        In the first reading they follow those of the chunk before. Later ones must hold the same
        rows with the same labels, each once; else a SampleAlignmentError is raised.
        """
        if not self.is_known:
            return self._learn(chunk)
        if (chunk.ids is None) != (self.sample_ids is None):
            raise InvalidParameterError(
                f"All chunks must hold ids, or none; {chunk.where} differs from those before."
            )
        rows = self._find(chunk)
        named = rows if chunk.ids is None else chunk.ids
        other = np.ones(len(rows), dtype=bool)
        if _kind_of_labels(chunk.y) == _kind_of_labels(self.labels):
            other = self.labels[rows] != chunk.y
        if np.any(other):
            remedy = "" if chunk.ids is not None else (
                " Rows without ids must come in the same order in each reading. If the order may "
                "change, yield (ids, X, y)."
            )  # fmt: skip
            raise SampleAlignmentError(
                f"{np.sum(other)} rows of {chunk.where} have another label than in the first "
                f"reading, among them {named[other][:_N_NAMED].tolist()}.{remedy}"
            )
        if chunk.ids is not None and self._seen[rows].any():
            raise SampleAlignmentError(
                f"{chunk.where} holds rows that this reading has held already, among them "
                f"{named[self._seen[rows]][:_N_NAMED].tolist()}. Each reading must hold each row "
                "once."
            )
        self._seen[rows] = True
        return rows

    def end_reading(self, reading):
        """Check that a reading held all rows; after the first one, the rows are known."""
        if not self.is_known:
            self._settle()
        elif not self._seen.all():
            missing = np.flatnonzero(~self._seen)
            named = missing if self.sample_ids is None else self.sample_ids[missing]
            anew = "" if self._seen.any() else (
                " The factory must return a new iterable, from the first chunk on, each time that "
                "it is called."
            )  # fmt: skip
            raise SampleAlignmentError(
                f"Reading {reading} lacks {len(missing)} of {len(self._seen)} rows of the first "
                f"reading, among them {named[:_N_NAMED].tolist()}. Each reading must hold each row "
                f"once.{anew}"
            )
        self._seen = np.zeros(len(self.labels), dtype=bool)
        self._n_placed = 0

    def _learn(self, chunk):
        if self._parts:
            first_y, first_ids = self._parts[0]
            if _kind_of_labels(first_y) != _kind_of_labels(chunk.y):
                raise InvalidParameterError(
                    f"The labels of all chunks must be of one type. Those of {chunk.where} are "
                    f"{chunk.y.dtype}, those of the first chunk {first_y.dtype}."
                )
            if (first_ids is None) != (chunk.ids is None):
                raise InvalidParameterError(
                    f"All chunks must hold ids, or none; {chunk.where} differs from the first one."
                )
        if self.classes is not None:
            _check_known(chunk, self.classes)
        # copies: the factory may fill the same buffers with each chunk
        self._parts.append((chunk.y.copy(), None if chunk.ids is None else chunk.ids.copy()))
        return self._next(len(chunk.y))

    def _next(self, n_rows):
        """Return the positions that follow those of the chunks before."""
        begin = self._n_placed
        self._n_placed += n_rows
        return np.arange(begin, self._n_placed)

    def _settle(self):
        if not self._parts:
            raise InvalidParameterError(
                f"The 'factory' parameter of {OWNER} must return chunks that hold rows. Got none."
            )
        labels, ids = zip(*self._parts, strict=True)
        self.labels = _joined(labels)
        found = np.unique(self.labels)
        if self.classes is None:
            self.classes = found
        if len(found) < 2:
            raise ValueError(
                "CartographyClassifier needs at least two classes, but the chunks hold only one "
                f"class: {found.tolist()}."
            )
        self.y_encoded = np.searchsorted(self.classes, self.labels)
        self._parts = []
        if ids[0] is not None:
            self.sample_ids = check_sample_ids(_joined(ids), len(self.labels), OWNER)
            if self.sample_ids.dtype.kind == "O":
                self._places = _places_of(self.sample_ids)
            else:
                self._order = np.argsort(self.sample_ids, kind="stable")
        self.is_known = True

    def _find(self, chunk):
        n_samples = len(self.labels)
        if chunk.ids is None:
            rows = self._next(len(chunk.y))
            if self._n_placed > n_samples:
                raise SampleAlignmentError(
                    f"{chunk.where} holds more rows than the first reading, which held {n_samples}."
                )
            return rows
        if self._places is None and _must_be_looked_up(chunk.ids.dtype, self.sample_ids.dtype):
            self._places = _places_of(self.sample_ids)
        if self._places is not None:
            rows = np.array([self._places.get(name, -1) for name in chunk.ids.tolist()], dtype=int)
            unknown = rows < 0
        else:
            unknown = np.ones(len(chunk.ids), dtype=bool)
            rows = np.zeros(len(chunk.ids), dtype=int)
            if _kind_of(chunk.ids) == _kind_of(self.sample_ids):
                place = np.searchsorted(self.sample_ids, chunk.ids, sorter=self._order)
                rows = self._order[np.minimum(place, n_samples - 1)]
                unknown = self.sample_ids[rows] != chunk.ids
        if np.any(unknown):
            raise SampleAlignmentError(
                f"{chunk.where} holds {np.sum(unknown)} rows that the first reading did not hold, "
                f"among them {chunk.ids[unknown][:_N_NAMED].tolist()}. Each reading must hold the "
                "same rows."
            )
        return rows


def _kind_of(values):
    return "n" if values.dtype.kind in "iuf" else values.dtype.kind


def _kind_of_labels(y):
    return "U" if y.dtype.kind == "O" else _kind_of(y)  # objects among labels are text


def _places_of(sample_ids):
    return {name: i for i, name in enumerate(sample_ids.tolist())}


def _must_be_looked_up(dtype, other):
    """Whether ids of two types cannot be sorted together, or not without rounding."""
    if dtype.kind == other.kind:
        return False
    return dtype.kind == "O" or {dtype.kind, other.kind} <= {"i", "u", "f"}


def _joined(parts):
    """Join arrays; those whose common type would change values become objects."""
    several = len({_kind_of(part) for part in parts}) > 1
    rounds = not several and np.result_type(*parts).kind == "f"
    whole = [part for part in parts if part.dtype.kind in "iu"]
    if several or (rounds and any((np.abs(p.astype(float)) >= 2.0**53).any() for p in whole)):
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def _check_known(chunk, classes):
    comparable = _kind_of_labels(chunk.y) == _kind_of_labels(classes)
    unknown = ~np.isin(chunk.y, classes) if comparable else np.ones(len(chunk.y), dtype=bool)
    if unknown.any():
        raise InvalidParameterError(
            f"The 'classes' parameter of {OWNER} must hold all labels. Got "
            f"{classes.tolist()[:10]}; {chunk.where} holds "
            f"{np.unique(chunk.y[unknown])[:_N_NAMED].tolist()}, too."
        )
