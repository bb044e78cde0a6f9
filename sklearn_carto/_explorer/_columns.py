"""Columns of what a page shows of each row, as arrays that are packed: text and numbers."""

from __future__ import annotations

import numpy as np

MAX_CHARACTERS = 10_000  # of one cell; longer ones are cut, and say so
_MAX_DISTINCT = 4_096  # values of a column that are stored once each


def text_of(value):
    """Return a value as text, or None if it is missing."""
    if isinstance(value, str):
        return str(value)
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)) and value != value:
        return None
    return str(value)


def add_text(blocks, key, values, cut_at=MAX_CHARACTERS):
    """Add a column of text to the blocks, and return what the header tells of it.

    Parameters
    ----------
    blocks : dict of str to ndarray
        Receives the arrays.
    key : str
        Name of the column among the blocks.
    values : iterable of object
        The cells; None, NaN and NaT are missing.
    cut_at : int or None, default=MAX_CHARACTERS
        Number of characters that a cell is cut to.

    Returns
    -------
    entry : dict
        With `n_cut`, the number of cells that were cut, and `patch`, the cells that UTF-8 cannot
        hold, by row.
    """
    values = [text_of(value) for value in values]
    n_cut, patch, encoded = 0, [], []
    for row, value in enumerate(values):
        if value is None:
            encoded.append(None)
            continue
        if cut_at is not None and len(value) > cut_at:
            n_cut += 1
            value = f"{value[:cut_at]}… ({len(value) - cut_at:,} more characters)"
        try:
            encoded.append(value.encode())
        except UnicodeEncodeError:  # a lone surrogate, which JSON can hold
            patch.append([row, value])
            encoded.append(b"")
    entry = {"n_cut": n_cut, "patch": patch}
    distinct = list(dict.fromkeys(encoded))
    if len(distinct) <= min(_MAX_DISTINCT, len(encoded) // 2):
        places = {value: i for i, value in enumerate(distinct)}
        codes = np.fromiter((places[value] for value in encoded), dtype="<u2", count=len(encoded))
        blocks[f"{key}:codes"] = codes
        encoded = distinct
    lengths = (0 if value is None else len(value) + 1 for value in encoded)
    blocks[f"{key}:lengths"] = np.fromiter(lengths, dtype="<u4", count=len(encoded))
    joined = b"".join(value for value in encoded if value is not None)
    blocks[f"{key}:text"] = np.frombuffer(joined, dtype=np.uint8)
    return entry


def add_column(blocks, key, values):
    """Add a column of numbers or text to the blocks, and return what the header tells of it."""
    values = np.asarray(values)
    if values.dtype.kind in "iuf" and values.ndim == 1:
        blocks[key] = _smallest(values)
        return {"kind": "number"}
    return {"kind": "text", **add_text(blocks, key, values)}


def _smallest(values):
    """Return numbers as the smallest type that holds them exactly."""
    kinds = ("<i1", "<i2", "<i4") if values.dtype.kind in "iu" else ("<f4",)
    for kind in kinds:
        with np.errstate(over="ignore"):
            narrow = values.astype(kind)
        if np.array_equal(narrow.astype(values.dtype), values, equal_nan=kind == "<f4"):
            return narrow
    return values.astype("<f8")
