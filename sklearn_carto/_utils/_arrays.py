"""Arrays that users pass: numbers, labels and names of rows, positions of rows."""

from __future__ import annotations

from numbers import Real

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._typing import Array
from sklearn_carto._utils._validation import describe, is_flag


def array_of(values):
    """Return the array of an array-like; None if there is none.

    There is none of rows of two lengths, nor of an array that masks some of its values.
    """
    hidden = np.ma.isMaskedArray(values) and np.any(values.mask)  # numpy would show them
    if values is None or hidden or isinstance(values, (str, bytes, set, frozenset, dict)):
        return None
    try:
        return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except (TypeError, ValueError):
        return None


def as_numbers(values, name, owner, *, ndim=1, finite=False, flags=False, shape=None):
    """Return numbers as an array; text, booleans and complex numbers are not taken for numbers.

    Parameters
    ----------
    values : array-like
        The numbers; integers keep their type. Python objects must be real numbers.
    name, owner : str
        Names of the parameter and of the function or class that has it, for the errors.
    ndim : int, default=1
        Number of dimensions.
    finite : bool, default=False
        Whether to refuse NaN and infinity.
    flags : bool, default=False
        Whether to take booleans for 0 and 1.
    shape : str, default=None
        The shape in words, for the errors. None: "(n_samples, n_epochs)".

    Returns
    -------
    numbers : ndarray
        The numbers, not copied where they are an array already.

    Raises
    ------
    InvalidParameterError
        If the values are no array of real numbers with that many dimensions.

    Examples
    --------
    >>> as_numbers([1, 0.5], "confidence", "DataMap")
    array([1. , 0.5])
    """
    array = array_of(values)
    if array is not None and array.dtype.kind == "O":
        taken = (_is_number(value) or (flags and is_flag(value)) for value in array.ravel())
        array = array.astype(np.float64) if all(taken) else None
    if flags and array is not None and array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array is None or array.dtype.kind not in "iuf" or array.ndim != ndim:
        several = f"numbers of shape {shape or '(n_samples, n_epochs)'}"
        what = "one number for each row" if ndim == 1 else several
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must hold {what}. Got {describe(values)} instead."
        )
    if finite and not np.isfinite(array).all():
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be finite. Got NaN or infinity in it. Leave "
            "out samples that were not recorded at every epoch."
        )
    return array


def as_labels(values, name, owner) -> Array:
    """Return labels as an array of one dimension: at least one, of one kind, none missing."""
    if isinstance(values, (list, tuple)) and len({isinstance(v, str) for v in values}) > 1:
        array = None  # numpy would turn the numbers into text
    else:
        array = array_of(values)
    if array is None or array.ndim != 1 or len(array) == 0 or array.dtype.kind in "cV":
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must hold at least one label, in one dimension and "
            f"of one kind. Got {describe(values)} instead."
        )
    missing = np.array([_is_missing(value) for value in array]) if _may_miss(array) else False
    if np.any(missing):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must not hold missing labels. Got {np.sum(missing)}"
            f" of them, the first at position {np.argmax(missing)}. Leave these rows out."
        )
    if array.dtype.kind == "O":
        try:
            np.unique(array)
        except TypeError as error:
            raise InvalidParameterError(
                f"The {name!r} parameter of {owner} must hold labels that can be sorted, such as "
                f"text alone or numbers alone. Got {describe(values)} instead: {error}."
            ) from error
    return array


def as_names(values, n_samples, name, owner):
    """Return names of rows as an array of shape (n_samples,); their types are left as they are.

    Any object names a row, also a tuple, and None or NaN.
    """
    array = values if isinstance(values, np.ndarray) else None
    if array is None and isinstance(values, (list, tuple)):
        kinds = {type(value) for value in values}
        if len(kinds) == 1 and not kinds & {tuple, list}:
            array = array_of(values)
        if array is None or array.ndim != 1:  # numpy would make text of mixed types
            array = np.empty(len(values), dtype=object)
            array[:] = values if len(kinds) != 1 else [*values]
    elif array is None and not isinstance(values, (str, bytes, set, frozenset, dict)):
        array = array_of(values)
    if array is None or array.shape != (n_samples,):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must hold one entry for each of the {n_samples} "
            f"rows. Got {describe(values)} instead."
        )
    return array


def as_rows(rows, n_samples, name, owner) -> Array:
    """Return rows, given as positions or as a mask, as an array of positions, each at most once."""
    array = array_of(rows)
    if array is not None and array.shape == (0,):
        array = np.empty(0, dtype=np.int64)
    if array is not None and array.dtype.kind == "b" and array.shape == (n_samples,):
        return np.flatnonzero(array)
    if array is None or array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must hold positions of rows, or one boolean for "
            f"each of the {n_samples} rows. Got {describe(rows)} instead."
        )
    outside = array[(array < 0) | (array >= n_samples)]
    if len(outside):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must hold positions from 0 to {n_samples - 1}. "
            f"Got {outside[:5].tolist()} in it."
        )
    names, counts = np.unique(array, return_counts=True)
    if len(names) < len(array):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must not contain a row twice. Got "
            f"{names[counts > 1][:5].tolist()} more than once."
        )
    return array.astype(np.int64)


def same_entries(one, other):
    """Whether two arrays, or None, hold the same entries; missing ones equal their own kind."""
    if one is None or other is None:
        return one is other
    if one.shape != other.shape:
        return False
    if "O" in (one.dtype.kind, other.dtype.kind):
        return all(map(_are_same, one, other))
    comparable = {one.dtype.kind, other.dtype.kind} <= set("biuf") or (
        one.dtype.kind == other.dtype.kind
    )
    equal_nan = comparable and one.dtype.kind in "fcmM" and other.dtype.kind in "fcmM"
    return comparable and np.array_equal(one, other, equal_nan=equal_nan)


def _is_number(value):
    return isinstance(value, Real) and not is_flag(value)


def _may_miss(array):
    return array.dtype.kind in "OfcmM"


def _is_missing(value):
    """Whether a value is None, NaN, NaT or pandas' NA, which alone has no truth value."""
    if value is None or type(value).__name__ == "NAType":
        return True
    differs = value != value
    return isinstance(differs, (bool, np.bool_)) and bool(differs)


def _are_same(one, other):
    if one is other:
        return True
    if _is_missing(one) or _is_missing(other):
        return _is_missing(one) and _is_missing(other) and type(one) is type(other)
    equal = one == other
    return isinstance(equal, (bool, np.bool_)) and bool(equal)
