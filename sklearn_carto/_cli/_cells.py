"""Cells of a column as numbers, dates or labels; which of them are missing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from numbers import Real

import numpy as np

# what tools write into cells without a value; the name of a label may be "none" or "-"
MISSING_LABELS = {"", "nan", "na", "<na>", "null", "nat"}
MISSING = MISSING_LABELS | {"none", "n/a", "#n/a", "?", "-", "--"}
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_FORMATS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y")


def is_missing(value, tokens=MISSING):
    """Return whether a cell holds no value."""
    if isinstance(value, str):
        return value.strip().lower() in tokens
    return value is None or value != value


def as_number(value, comma=None):
    """Return a cell as a float, or None; infinity is no number.

    `comma` is what a comma in text is: "decimal", "group" (of three digits), or None: nothing.
    """
    if isinstance(value, (datetime, date, time, list, dict, bytes)):
        return None
    if isinstance(value, str) and "," in value:
        if comma == "group" and has_groups(value):
            value = value.replace(",", "")
        elif comma == "decimal" and value.count(",") == 1 and "." not in value:
            value = value.replace(",", ".")
    if isinstance(value, str) and "_" in value:  # of Python alone
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if np.isfinite(number) else None


def has_groups(text):
    """Return whether the commas of a text set off groups of three digits, as in 1,234.5."""
    return _GROUPS.fullmatch(text.strip()) is not None


def as_days(value, format_=None):
    """Return a date as days since 1970, or None. `format_` is ISO 8601 if it is None."""
    if isinstance(value, str):
        try:
            text = value.strip()
            value = datetime.strptime(text, format_) if format_ else datetime.fromisoformat(text)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        return None
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return (value - _EPOCH).total_seconds() / 86_400


def date_formats(values):
    """Return the formats that all of the values have; None stands for ISO 8601."""
    formats = []
    for format_ in (None, *_DATE_FORMATS):
        if all(as_days(value, format_) is not None for value in values):
            formats.append(format_)
    return formats


def is_real(value):
    """Return whether a cell is a number by its type, not a boolean."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
