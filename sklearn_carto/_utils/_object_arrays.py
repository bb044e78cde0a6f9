"""Arrays of Python objects as text, without pickle."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import numpy as np

# types whose text can be read back; JSON has strings, numbers, booleans and None of its own
_TYPES: dict[str, tuple[type, Callable, Callable]] = {
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "uuid.UUID": (UUID, str, UUID),
    "datetime.date": (datetime.date, str, datetime.date.fromisoformat),
    "datetime.datetime": (
        datetime.datetime,
        datetime.datetime.isoformat,
        datetime.datetime.fromisoformat,
    ),
    "decimal.Decimal": (Decimal, str, Decimal),
}


def encode_objects(array):
    """Encode an array of Python objects as JSON, in UTF-8.

    Strings, numbers, booleans and None stand for themselves, tuples are lists. Other objects are
    ``{"type": name, "text": text}``. The text is ``hex()`` of bytes, ISO 8601 of dates and times,
    and ``str`` of all others.

    Parameters
    ----------
    array : ndarray of shape (n_samples,)
        The objects.

    Returns
    -------
    encoded : ndarray of uint8
        The bytes of the text.

    Examples
    --------
    >>> encoded = encode_objects(np.array(["a", None, datetime.date(2020, 1, 31)], dtype=object))
    >>> bytes(encoded).decode()
    '["a", null, {"type": "datetime.date", "text": "2020-01-31"}]'
    """
    text = json.dumps([_encode(value) for value in array])
    return np.frombuffer(text.encode(), dtype=np.uint8)


def decode_objects(encoded):
    """Decode what `encode_objects` made; objects of an unknown type become their text."""
    if encoded.dtype != np.uint8 or encoded.ndim != 1:
        raise ValueError("an array of objects must be text")
    values = json.loads(encoded.tobytes().decode())
    if not isinstance(values, list):
        raise ValueError("an array of objects must be a list")
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = _decode(value)
    return array


def _encode(value):
    if isinstance(value, np.generic) and value.dtype.kind in "biufSU":
        value = value.item()
    if value is None or type(value) in (str, bool, int, float):
        return value
    if isinstance(value, (tuple, list)):
        return [_encode(one) for one in value]
    for name, (known, to_text, _) in _TYPES.items():
        if type(value) is known:
            return {"type": name, "text": to_text(value)}
    kind = type(value)
    return {"type": f"{kind.__module__}.{kind.__qualname__}", "text": str(value)}


def _decode(value):
    if isinstance(value, list):
        return tuple(_decode(one) for one in value)
    if not isinstance(value, dict):
        return value
    text = value["text"]
    if not isinstance(text, str):
        raise ValueError("the text of an object must be a string")
    return _TYPES[value["type"]][2](text) if value["type"] in _TYPES else text
