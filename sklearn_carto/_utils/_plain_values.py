"""Nested containers of numbers, text and arrays as named arrays and a tree, without pickle."""

from __future__ import annotations

import numpy as np

from sklearn_carto._utils._object_arrays import decode_objects, encode_objects


def to_tree(value, arrays):
    """Turn a value into a tree that JSON can hold, and move its arrays to a dict.

    Parameters
    ----------
    value : object
        None, a boolean, number, text, scalar or array of numpy, or a list, tuple or dict of these.
        Tuples of a class of their own become plain ones.
    arrays : dict of str to ndarray
        Receives the arrays.

    Returns
    -------
    tree : object
        The tree; :func:`from_tree` makes the same value of it, to the bit.

    Raises
    ------
    TypeError
        If the value holds anything else.

    Examples
    --------
    >>> arrays = {}
    >>> tree = to_tree({"rows": np.arange(3), "share": 0.5}, arrays)
    >>> arrays
    {'a0': array([0, 1, 2])}
    >>> from_tree(tree, arrays)
    {'rows': array([0, 1, 2]), 'share': 0.5}
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return {"float": value.hex()}
    if isinstance(value, (np.ndarray, np.generic)):
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        array, name = np.asarray(value), f"a{len(arrays)}"
        if array.dtype.kind == "O":
            array, kind = _checked_objects(array), "objects"
        elif array.dtype.kind not in "biufcSUmM":
            raise TypeError(f"an array of type {array.dtype}")
        arrays[name] = array
        return {kind: name}
    if type(value) is list:
        return [to_tree(one, arrays) for one in value]
    if isinstance(value, tuple):
        return {"tuple": [to_tree(one, arrays) for one in value]}
    if type(value) is dict:
        return {"dict": [[to_tree(k, arrays), to_tree(v, arrays)] for k, v in value.items()]}
    raise TypeError(f"a {type(value).__name__}")


def from_tree(tree, arrays):
    """Make the value that :func:`to_tree` turned into a tree and arrays.

    Raises
    ------
    ValueError, KeyError, TypeError or AttributeError
        If they are none of its making.
    """
    if isinstance(tree, list):
        return [from_tree(one, arrays) for one in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, inner),) = tree.items()
    if kind == "float":
        return float.fromhex(inner)
    if kind == "tuple":
        return tuple(from_tree(one, arrays) for one in inner)
    if kind == "dict":
        return {from_tree(k, arrays): from_tree(v, arrays) for k, v in inner}
    array = arrays[inner]
    return {
        "array": lambda: array,
        "scalar": lambda: array[()],
        "objects": lambda: _objects(array),
    }[kind]()


def _objects(array):
    return decode_objects(array)


def _checked_objects(array):
    """Encode an array of Python objects, if that can be undone."""
    if array.ndim == 1:
        encoded = encode_objects(array)
        decoded = decode_objects(encoded)
        if all(
            type(a) is type(b) and bool(np.all(a == b))
            for a, b in zip(array.tolist(), decoded.tolist(), strict=True)
        ):
            return encoded
    raise TypeError("an array of Python objects")
