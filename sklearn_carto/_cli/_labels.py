"""The labels and ids of a table, and the rows without a label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sklearn_carto._cli._cells import MISSING_LABELS, as_number, is_missing, is_real
from sklearn_carto._cli._errors import CommandError

_FEW = 20  # classes; more are checked against the number of rows
_N_NAMED = 5  # rows and labels that an error names
_NO_LABELS = (list, dict, bytes)


class Labels(NamedTuple):
    """Labels of the rows that have one."""

    y: np.ndarray
    rows: np.ndarray  # their positions in the table, or the block
    n_missing: int


class LabelReader:
    """Read the labels of a table: text as text, whole numbers as integers.

    Parameters
    ----------
    source : Source
        The table, for errors.
    target : str
        Column of the labels.
    """

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.counts: dict[Any, int] = {}
        self._first: dict[type, Any] = {}  # label of each type; 1 and True are equal
        self.n_missing, self.missing_rows = 0, []
        self._n_rows = 0

    def update(self, table):
        """Count the labels of a block."""
        for row, label in enumerate(self._cells(table), start=self._n_rows):
            if label is None:
                self.n_missing += 1
                if len(self.missing_rows) < _N_NAMED:
                    self.missing_rows.append(row)
            else:
                self.counts[label] = self.counts.get(label, 0) + 1
                self._first.setdefault(type(label), label)
        self._n_rows += table.n_rows

    def check(self, drop_missing):
        """Raise an error if rows have no label, or if the labels are no classes."""
        name = f"column {self.target!r} of {self.source.path}"
        if self.n_missing and not drop_missing:
            raise CommandError(
                f"{self.n_missing} of {self._n_rows} rows have no label in {name}, among them "
                f"{', '.join(map(str, self.missing_rows))} (counted from 0). Give them a label, or "
                "leave them out with --drop-missing-target."
            )
        if not self.counts:
            raise CommandError(f"{name} holds no label.")
        self._check_types(name)
        n_labels = sum(self.counts.values())
        if len(self.counts) == 1:
            raise CommandError(
                f"{name} holds one class alone, {next(iter(self.counts))!r}. A data map needs at "
                "least two."
            )
        numbers = [as_number(label) for label in self.counts]
        continuous = None not in numbers and any(not one.is_integer() for one in numbers)
        single = len(self.counts) == n_labels
        many = len(self.counts) > max(_FEW, n_labels / 2)
        if continuous or many or single:
            kind = "almost as many labels as rows"
            if continuous or single:
                kind = "continuous numbers" if continuous else "as many labels as rows"
            shown = ", ".join(map(repr, list(self.counts)[:_N_NAMED]))
            raise CommandError(
                f"{name} holds {kind} ({len(self.counts)} different ones, such as {shown}), but a "
                "data map needs classes. Choose another column, or group its values into classes."
            )

    def _check_types(self, name):
        """Raise an error on infinite labels, and on different ones that have the same text."""
        if any(isinstance(label, float) and not np.isfinite(label) for label in self.counts):
            raise CommandError(f"{name} holds infinite numbers. A label is text or a number.")
        kinds = self._first
        others = [label for kind, label in kinds.items() if kind is not str]
        pair = others[:2] if bool in kinds and len(others) > 1 else []
        texts = {label for label in self.counts if isinstance(label, str)}
        for label in self.counts:
            if not isinstance(label, str) and _as_text(label) in texts:
                pair = [label, _as_text(label)]
        if pair:
            raise CommandError(
                f"{name} holds the labels {pair[0]!r} and {pair[1]!r}, which are of different "
                "types. Convert all labels to text."
            )

    def labels(self, table):
        """Return the labels of a block, after all blocks were counted."""
        cells = self._cells(table)
        rows = np.array([i for i, label in enumerate(cells) if label is not None], dtype=int)
        return Labels(self._typed([cells[i] for i in rows]), rows, len(cells) - len(rows))

    def classes(self):
        """Return the labels, sorted."""
        return np.unique(self._typed(list(self.counts)))

    def _cells(self, table):
        """Return the label of each row; None if it is missing."""
        cells = table.column(self.target).tolist()
        cells = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
        nested = next((cell for cell in cells if isinstance(cell, _NO_LABELS)), None)
        if nested is not None:
            raise CommandError(
                f"column {self.target!r} of {self.source.path} holds lists, objects or bytes, "
                f"such as {nested!r}. A label is text or a number."
            )
        return [None if is_missing(cell, MISSING_LABELS) else cell for cell in cells]

    def _typed(self, cells):
        kinds = {type(cell) for cell in self.counts}
        if kinds == {str}:
            whole = all(is_canonical_int(label) for label in self.counts)
            return np.array([int(cell) for cell in cells] if whole else cells)
        if kinds == {bool}:
            return np.array(cells)
        if all(is_real(label) and _is_short(label) for label in self.counts):
            return np.array([int(cell) for cell in cells])
        return np.array([_as_text(cell) for cell in cells])  # dates, or labels of several types


def _as_text(label):
    return str(int(label) if isinstance(label, float) and label.is_integer() else label)


def _is_short(number):
    """Return whether a number is whole, and an integer of numpy."""
    return -(2**63) <= number < 2**63 and number == int(number)


def labels_of(table, source, target):
    """Return the label of each row of a whole table; None if it is missing."""
    reader = LabelReader(source, target)
    reader.update(table)
    labels = reader.labels(table)
    y = np.full(table.n_rows, None, dtype=object)
    y[labels.rows] = labels.y
    return y


def is_canonical_int(text):
    """Return whether text is a whole number as Python writes it, so that it can be restored."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and str(int(text)) == text and len(text) < 18


class IdReader:
    """Read the ids of a table, block by block, and check that each row has one of its own.

    Parameters
    ----------
    source : Source
        The table, for errors.
    name : str
        Column of the ids.
    """

    def __init__(self, source, name):
        self.name = f"column {name!r} of {source.path}"
        self.column = name
        self._rows: dict[str, int] = {}  # as text: blocks of ids may be of different types

    def read(self, table):
        """Return the ids of the next block."""
        start = len(self._rows)
        cells = table.column(self.column).tolist()
        cells = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
        wrong = [i for i, cell in enumerate(cells) if _is_no_id(cell)]
        if wrong:
            raise CommandError(
                f"{self.name} holds no id in {_counted(len(wrong), 'row')}, among them "
                f"{', '.join(str(start + i) for i in wrong[:_N_NAMED])} (counted from 0)."
            )
        for i, cell in enumerate(cells, start=start):
            first = self._rows.setdefault(str(cell), i)
            if first != i:
                raise CommandError(
                    f"rows {first} and {i} (counted from 0) have the same id {cell!r} in "
                    f"{self.name}. Ids must be unique; without --id, the number of a row is its id."
                )
        return cells


def _is_no_id(cell):
    return cell is None or cell == "" or cell != cell or isinstance(cell, (list, dict))


def _counted(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def read_ids(table, source, name):
    """Return the id of each row; the number of the row if `name` is None.

    Raises
    ------
    CommandError
        If a row has no id, or one that another row has.
    """
    if name is None:
        return np.arange(table.n_rows)
    cells = IdReader(source, name).read(table)
    if all(isinstance(cell, str) for cell in cells):
        whole = all(map(is_canonical_int, cells))
        return np.array([int(cell) for cell in cells] if whole else cells)
    numbers = all(is_real(cell) for cell in cells)
    return np.array(cells) if numbers else np.array([str(cell) for cell in cells])
