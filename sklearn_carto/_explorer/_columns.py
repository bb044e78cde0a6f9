"""Columns of what a page shows of each row, as arrays that are packed: text and numbers."""

from __future__ import annotations

from collections import Counter

import numpy as np

MAX_CHARACTERS = 10_000  # of one cell; longer ones are cut, with a note in the cell


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
    """Add a column of text to the blocks, and return its entry of the header.

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
    n_cut, patch = 0, []
    for row, value in enumerate(values):
        if value is not None and cut_at is not None and len(value) > cut_at:
            n_cut += 1
            values[row] = f"{value[:cut_at]}… ({len(value) - cut_at:,} more characters)"
        if value is not None and not _is_unicode(values[row]):  # JSON can hold it
            patch.append([row, values[row]])
            values[row] = ""
    words = _words_of(values)
    if words is None:
        _add_strings(blocks, key, values)
    else:
        codes, counts, vocabulary = words
        blocks[f"{key}:words"] = _smallest(codes, unsigned=True)
        blocks[f"{key}:counts"] = _smallest(counts, unsigned=True)
        _add_strings(blocks, key, vocabulary)
    return {"n_cut": n_cut, "patch": patch}


def _is_unicode(value):
    """Whether UTF-8 can hold a text: there is no lone surrogate in it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _words_of(values):
    """Split texts at spaces into words of a vocabulary, frequent ones first, where it is small.

    Returns the position of each word in the vocabulary, the number of words of each text plus one,
    0 for a missing text, and the vocabulary; None if most words occur once. Compressed, words of
    natural language take a quarter less than their letters.
    """
    split = [() if value is None else value.split(" ") for value in values]
    seen = Counter(word for words in split for word in words)
    counts = np.array([len(words) + 1 if words else 0 for words in split])
    n_words = seen.total()
    if len(seen) > max(1, 0.5 * n_words):
        return None
    vocabulary = sorted(seen, key=lambda word: (-seen[word], word))
    places = {word: i for i, word in enumerate(vocabulary)}
    codes = (places[word] for words in split for word in words)
    return np.fromiter(codes, dtype=np.int64, count=n_words), counts, vocabulary


def _add_strings(blocks, key, values):
    """Add texts as their letters in UTF-8, and their lengths plus one; 0 is a missing text."""
    encoded = [None if value is None else value.encode() for value in values]
    sizes = (0 if value is None else len(value) + 1 for value in encoded)
    lengths = np.fromiter(sizes, dtype=np.int64, count=len(encoded))
    blocks[f"{key}:lengths"] = _smallest(lengths, unsigned=True)
    joined = b"".join(value for value in encoded if value is not None)
    blocks[f"{key}:text"] = np.frombuffer(joined, dtype=np.uint8)


def add_column(blocks, key, values):
    """Add a column of numbers or text to the blocks, and return its entry of the header."""
    values = np.asarray(values)
    if values.dtype.kind in "iuf" and values.ndim == 1:
        blocks[key] = _smallest(values)
        return {"kind": "number"}
    return {"kind": "text", **add_text(blocks, key, values)}


def _smallest(values, unsigned=False):
    """Return numbers as the smallest type that holds them exactly."""
    kinds = ("<u1", "<u2", "<u4") if unsigned else ("<i1", "<i2", "<i4")
    for kind in kinds if values.dtype.kind in "iu" else ("<f4",):
        with np.errstate(over="ignore"):
            narrow = values.astype(kind)
        if np.array_equal(narrow.astype(values.dtype), values, equal_nan=kind == "<f4"):
            return narrow
    return values.astype("<f8")
