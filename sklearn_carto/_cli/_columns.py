"""Columns of a table as numbers: what is learned from, and how each column is encoded."""

from __future__ import annotations

import numpy as np

from sklearn_carto._cli._cells import as_days, as_number, is_missing
from sklearn_carto._cli._profiles import ColumnProfile

_N_NAMED = 8  # columns that a line names


class NumberColumn:
    """Numbers; those that are missing, infinite or no numbers are NaN."""

    is_category = False

    def __init__(self, name, comma=None):
        self.name, self.comma = name, comma

    def encode(self, cells):
        """Return the cells as floats, shape (n_rows,)."""
        if cells.dtype.kind in "biuf":
            numbers = cells.astype(float)
            return np.where(np.isfinite(numbers), numbers, np.nan)
        found = [as_number(cell, self.comma) for cell in cells.tolist()]
        return np.array([np.nan if one is None else one for one in found], dtype=float)


class DateColumn:
    """Dates, as days since 1970."""

    is_category = False

    def __init__(self, name, format_):
        self.name, self.format_ = name, format_

    def encode(self, cells):
        """Return the cells as floats, shape (n_rows,)."""
        found = [as_days(cell, self.format_) for cell in cells.tolist()]
        return np.array([np.nan if one is None else one for one in found], dtype=float)


class CategoryColumn:
    """Categories, as their numbers; the two last ones are "others" and "missing"."""

    is_category = True

    def __init__(self, name, categories):
        self.name = name
        self.codes = {value: code for code, value in enumerate(categories)}
        self.n_codes = len(categories) + 2

    def encode(self, cells):
        """Return the codes as floats, shape (n_rows,)."""
        others, missing = float(self.n_codes - 2), float(self.n_codes - 1)
        values = [cell.strip() if isinstance(cell, str) else cell for cell in cells.tolist()]
        return np.array(
            [
                missing if is_missing(value) else float(self.codes.get(value, others))
                for value in values
            ]
        )


class Columns:
    """The columns of a table that a model learns from.

    Parameters
    ----------
    columns : list of NumberColumn, DateColumn and CategoryColumn
        The columns.
    """

    def __init__(self, columns):
        self.columns = columns
        self.names = [column.name for column in columns]
        self.is_category = np.array([column.is_category for column in columns], dtype=bool)

    def encode(self, table):
        """Return the columns of a table as numbers, shape (n_rows, n_columns)."""
        encoded = [column.encode(table.column(column.name)) for column in self.columns]
        return np.column_stack(encoded)

    def n_codes(self):
        """Return the number of codes of each column of categories."""
        return [column.n_codes for column in self.columns if column.is_category]


def read_profiles(tables, names, comma):
    """Return the profile of each of the named columns, from all blocks of a table."""
    profiles = [ColumnProfile(name, comma) for name in names]
    for table in tables:
        for profile in profiles:
            profile.update(table.column(profile.name))
    return profiles


def choose_columns(profiles, messages, *, named=False):
    """Return the columns to learn from and the names of those that look like free text.

    What is left out, and what is not as it seems, is printed.

    Parameters
    ----------
    profiles : list of ColumnProfile
        The columns.
    messages : Messages
        Prints.
    named : bool, default=False
        Whether the user named the columns; then those that look like an id are kept as categories.

    Returns
    -------
    columns : Columns
        The columns.
    texts : list of str
        Columns that look like free text.
    """
    columns: list = []
    texts: list[str] = []
    left_out: dict[str, list[str]] = {}
    for profile in profiles:
        kind, why = profile.kind()
        if kind is None and why == "looks like an id" and named:
            kind, why = ("number" if profile.is_number else "category"), None
        if kind == "text":
            texts.append(profile.name)
        elif kind is None:
            left_out.setdefault(why, []).append(profile.name)
        else:
            columns.append(_as_column(profile, kind))
            if why is not None:
                messages.info(f"column {profile.name!r} {why}")
    for why, names in left_out.items():
        messages.info(f"left out, as each {why}: {shortened(names)}")
    return Columns(columns), texts


def _as_column(profile, kind):
    if kind == "number":
        return NumberColumn(profile.name, profile.comma)
    if kind == "date":
        return DateColumn(profile.name, *profile.date_format)
    return CategoryColumn(profile.name, profile.categories())


def shortened(names):
    """Return the names of columns as text, cut if there are many."""
    shown = ", ".join(repr(name) for name in names[:_N_NAMED])
    return shown if len(names) <= _N_NAMED else f"{shown} and {len(names) - _N_NAMED} more"
