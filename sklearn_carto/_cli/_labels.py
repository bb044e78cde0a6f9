"""The labels and ids of a table, and the rows without a label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sklearn_carto._cli._cells import MISSING_LABELS, as_number, is_missing, is_real
from sklearn_carto._cli._errors import CommandError

_FEW = 20  # classes; more are checked against the number of rows
_N_NAMED = 5  # rows and labels that an error names


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
        n_labels = sum(self.counts.values())
        if len(self.counts) == 1:
            raise CommandError(
                f"{name} holds one class alone, {next(iter(self.counts))!r}. A data map needs at "
                "least two."
            )
        numbers = [as_number(label) for label in self.counts]
        continuous = None not in numbers and any(not one.is_integer() for one in numbers)
        many = len(self.counts) > max(_FEW, n_labels / 2)
        if continuous or many:
            kind = "continuous numbers" if continuous else "almost as many labels as rows"
            shown = ", ".join(map(repr, list(self.counts)[:_N_NAMED]))
            raise CommandError(
                f"{name} holds {kind} ({len(self.counts)} different ones, such as {shown}), but a "
                "data map needs classes. Choose another column, or group the numbers into classes."
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
        nested = next((cell for cell in cells if isinstance(cell, (list, dict))), None)
        if nested is not None:
            raise CommandError(
                f"column {self.target!r} of {self.source.path} holds lists or objects, such as "
                f"{nested!r}. A label is text or a number."
            )
        return [None if is_missing(cell, MISSING_LABELS) else cell for cell in cells]

    def _typed(self, cells):
        kinds = {type(cell) for cell in self.counts}
        if kinds == {str}:
            whole = all(is_canonical_int(label) for label in self.counts)
            return np.array([int(cell) for cell in cells] if whole else cells)
        if all(is_real(label) for label in self.counts):
            return np.array([int(cell) for cell in cells])  # floats are whole, see `check`
        if kinds == {bool}:
            return np.array(cells)
        return np.array([str(cell) for cell in cells])  # dates, or labels of several types


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


def read_ids(table, source, name):
    """Return the id of each row; the number of the row if `name` is None.

    Raises
    ------
    CommandError
        If a row has no id, or one that another row has.
    """
    if name is None:
        return np.arange(table.n_rows)
    cells = table.column(name).tolist()
    cells = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
    missing = [i for i, cell in enumerate(cells) if cell is None or cell == "" or cell != cell]
    if missing:
        raise CommandError(
            f"{len(missing)} rows have no id in column {name!r} of {source.path}, among them "
            f"{', '.join(map(str, missing[:_N_NAMED]))} (counted from 0)."
        )
    first: dict = {}
    for i, cell in enumerate(cells):
        if first.setdefault(cell, i) != i:
            raise CommandError(
                f"rows {first[cell]} and {i} (counted from 0) have the same id {cell!r} in column "
                f"{name!r} of {source.path}. Ids must be unique; without --id, the number of a row "
                "is its id."
            )
    if all(isinstance(cell, str) for cell in cells):
        whole = all(map(is_canonical_int, cells))
        return np.array([int(cell) for cell in cells] if whole else cells)
    numbers = all(is_real(cell) for cell in cells)
    return np.array(cells) if numbers else np.array([str(cell) for cell in cells])
