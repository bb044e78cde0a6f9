"""Columns of a log: ids and labels of any type as numbers or text."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._object_arrays import encode_objects

REQUIRED = ("sample_id", "epoch", "true_proba", "correct")
OPTIONAL = ("margin", "label", "loss", "el2n")
MASKS = ("held_out", "excluded")  # only in the log of a run with such rows
OF_OBSERVATION = ("true_proba", "correct", "margin", "loss", "el2n")
# what single precision rounds to lies in the range
_TOLERANCE = 1e-6
RANGES = {
    "true_proba": (0.0, 1.0),
    "loss": (-_TOLERANCE, np.inf),
    "el2n": (-_TOLERANCE, 2**0.5 + _TOLERANCE),
}
_INT64 = np.iinfo(np.int64)


def as_column(values):
    """Return ids or labels as numbers, booleans or text, which every engine takes and compares.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Values of any type.

    Returns
    -------
    column : ndarray of shape (n_rows,)
        Of type int64, float64 or bool, or an array of str objects. Whole numbers that need more
        than 64 bits, dates and other objects are text: JSON, where they are of several types.

    Examples
    --------
    >>> as_column(np.array([2**70, -1], dtype=object)).tolist()
    ['1180591620717411303424', '-1']
    >>> as_column(np.array(["a", 1], dtype=object)).tolist()
    ['"a"', '1']
    """
    values = np.asarray(values)
    if values.dtype.kind == "O":
        kinds = {type(value) for value in values}
        if kinds and all(issubclass(k, (int, np.integer)) and k is not bool for k in kinds):
            inside = all(_INT64.min <= value <= _INT64.max for value in values)
            return values.astype(np.int64) if inside else _texts(map(str, values))
        if kinds and all(issubclass(kind, str) for kind in kinds) and _are_utf8(values):
            return _texts(map(str, values))
        if kinds in ({bool}, {float}):
            return values.astype(kinds.pop())
        return _texts(map(text_of, values))
    if values.dtype.kind in "iu":
        if len(values) and int(values.max()) > _INT64.max:
            return _texts(map(str, values.tolist()))
        return values.astype(np.int64)
    if values.dtype.kind in "fb":
        return values.astype(np.float64 if values.dtype.kind == "f" else bool)
    if values.dtype.kind == "U" and _are_utf8(values):
        return values.astype(object)
    if values.dtype.kind in "mM":
        return _texts(map(str, values))
    return _texts(map(text_of, values.astype(object)))


def id_column(sample_ids, n_samples, owner, parameter="log"):
    """Return the ids of all rows as a column; of rows without ids, their positions.

    An InvalidParameterError is raised if two rows have the same.
    """
    if sample_ids is None:
        return np.arange(n_samples)
    column = as_column(sample_ids)
    counts = Counter(column.tolist())
    if len(counts) < n_samples:
        again = [value for value, count in counts.items() if count > 1]
        raise InvalidParameterError(
            f"The {parameter!r} parameter of {owner} needs an id for each row that no other row "
            f"has, also as text. Got {again[:5]} several times. Pass unique sample_ids, or a frame "
            "whose index is unique."
        )
    return column


def _texts(values):
    values = list(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def text_of(value):
    """Return the text that stands for an object."""
    one = np.empty(1, dtype=object)
    one[0] = value
    decoded = json.loads(encode_objects(one).tobytes())[0]
    return decoded["text"] if isinstance(decoded, dict) else json.dumps(decoded)


def _are_utf8(values):
    """Whether all texts can be encoded, which those with half of a surrogate pair cannot."""
    try:
        for value in values:
            value.encode()
    except UnicodeEncodeError:
        return False
    return True
