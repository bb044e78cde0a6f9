"""Checks of the arguments of public functions and methods, in the manner of scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Set
from functools import wraps
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np

from sklearn_carto._utils._compat import (
    Interval,
    InvalidParameterError,
    validate_parameter_constraints,
)
from sklearn_carto._utils._typing import Function


def validate_params(**constraints: Any) -> Callable[[Function], Function]:
    """Check the arguments of a function or method, before its body is run.

    scikit-learn's decorator of that name puts the private module into its errors.

    Parameters
    ----------
    **constraints : dict of str to list
        The constraints of each parameter, as in `_parameter_constraints` of an estimator.

    Returns
    -------
    decorator : callable
        The decorator. An error is an ``InvalidParameterError``, a ValueError and a TypeError, and
        reads "The 'x' parameter of Owner.method must be ... Got ... instead."

    Examples
    --------
    >>> @validate_params(n=[Count(1)])
    ... def half(n):
    ...     return n / 2
    >>> half("a")
    Traceback (most recent call last):
        ...
    sklearn.utils._param_validation.InvalidParameterError: The 'n' parameter of half must be an \
int in the range [1, inf). Got 'a' instead.
    """

    def decorate(function):
        parameters = signature(function)
        caller = function.__qualname__.removesuffix(".__init__")

        @wraps(function)
        def checked(*args, **kwargs):
            try:
                given = parameters.bind(*args, **kwargs)
            except TypeError:  # does not name the function, which Python's own error does
                return function(*args, **kwargs)
            given.apply_defaults()
            check_params(caller, constraints, given.arguments)
            return function(*args, **kwargs)

        return checked

    return decorate


def check_params(caller, constraints, params):
    """Raise an InvalidParameterError if one of some parameters breaks its constraints."""
    named = {name: params[name] for name in constraints}
    validate_parameter_constraints(constraints, named, caller_name=caller)


class Count(Interval):
    """Constraint: a whole number of at least `minimum`, which a boolean is not.

    `maximum`, if there is one, is allowed, too.
    """

    def __init__(self, minimum, maximum=None):
        closed = "left" if maximum is None else "both"
        super().__init__(Integral, minimum, maximum, closed=closed)

    def is_satisfied_by(self, val):
        """Return whether a value satisfies the constraint."""
        return not is_flag(val) and super().is_satisfied_by(val)


class Number(Interval):
    """Constraint: a number in an interval, which neither a boolean nor NaN is.

    `closed` is "left", "right", "both" or "neither"; a bound of None is infinite.
    """

    def __init__(self, low, high, closed="both"):
        super().__init__(Real, low, high, closed=closed)

    def is_satisfied_by(self, val):
        """Return whether a value satisfies the constraint."""
        if is_flag(val) or not isinstance(val, Real):
            return False
        try:
            return super().is_satisfied_by(float(val))  # of a fraction, numpy knows no NaN
        except OverflowError:
            return False


def is_flag(value):
    """Return whether a value is True or False, of Python or numpy."""
    return isinstance(value, (bool, np.bool_))


def check_mask(mask, n_samples, name, owner):
    """Check a mask of rows and return it as an array.

    Parameters
    ----------
    mask : array-like of bool of shape (n_samples,)
        The mask. Numbers and text are not taken for booleans.
    n_samples : int
        Number of rows.
    name : str
        Name of the parameter, for the errors.
    owner : str
        Name of the function or class that has the parameter, for the errors.

    Returns
    -------
    mask : ndarray of bool of shape (n_samples,)
        The mask.

    Raises
    ------
    InvalidParameterError
        If it does not hold one boolean for each row.

    Examples
    --------
    >>> check_mask([True, False], 2, "held_out_mask", "TrainingDynamics")
    array([ True, False])
    """
    try:
        values = np.empty(0) if _hides_values(mask) else np.asarray(mask)
    except (TypeError, ValueError):  # rows of unequal length
        values = np.empty(0)
    if values.dtype.kind == "O" and all(is_flag(value) for value in values.ravel()):
        values = values.astype(bool)
    if values.dtype.kind != "b" or values.shape != (n_samples,):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must hold one boolean for each of the {n_samples} "
            f"rows. Got {describe(mask)} instead."
        )
    return values


def check_sample_weight(sample_weight, n_samples, owner):
    """Check the weights of rows, and return them as numbers.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
        The weights. A row of weight 0 is absent.
    n_samples : int
        Number of rows.
    owner : str
        Name of the function or class that has the parameter, for the errors.

    Returns
    -------
    weights : ndarray of float of shape (n_samples,) or None
        The weights.

    Raises
    ------
    InvalidParameterError
        If there is not one finite number for each row, if one is negative, or if all are 0.
    """
    if sample_weight is None:
        return None
    subject = f"The 'sample_weight' parameter of {owner} must hold one"
    weights = _as_numbers(sample_weight)
    if weights is None or weights.shape != (n_samples,):
        raise InvalidParameterError(
            f"{subject} number for each of the {n_samples} rows. Got {describe(sample_weight)} "
            "instead."
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise InvalidParameterError(
            f"{subject} finite number of at least 0 for each row. Got {weights[wrong[:5]].tolist()}"
            f" in the rows {wrong[:5].tolist()}."
        )
    if not weights.any():
        raise InvalidParameterError(f"{subject} number above 0 at least; all weights are zero.")
    return weights


def _hides_values(values):
    """Whether values are a masked array of which some are masked."""
    return np.ma.isMaskedArray(values) and bool(np.ma.getmaskarray(values).any())


def _as_numbers(values):
    """Convert real numbers to an array of floats; None if there are others."""
    if _hides_values(values):
        return None
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # rows of unequal length
        return None
    if array.dtype.kind == "O" and all(isinstance(value, Real) for value in array.ravel()):
        array = array.astype(np.float64)
    return array.astype(np.float64) if array.dtype.kind in "iufb" else None


def check_sample_ids(sample_ids, n_samples, owner):
    """Check the ids of rows, and return them as an array.

    Parameters
    ----------
    sample_ids : array-like of shape (n_samples,) or None
        One hashable id for each row, for example text, whole numbers or dates.
    n_samples : int
        Number of rows.
    owner : str
        Name of the function or class that has the parameter, for the errors.

    Returns
    -------
    sample_ids : ndarray of shape (n_samples,) or None
        The ids. Those of several types are kept in an array of objects.

    Raises
    ------
    InvalidParameterError
        If there is not one id for each row, if one is missing (None or NaN) or cannot be hashed,
        or if two rows have the same.

    Examples
    --------
    >>> check_sample_ids(["a", 1], 2, "fit")
    array(['a', 1], dtype=object)
    """
    if sample_ids is None:
        return None
    subject = f"The 'sample_ids' parameter of {owner} must hold one"
    unordered = isinstance(sample_ids, (str, bytes, Set, Mapping))
    unordered = unordered or getattr(sample_ids, "shape", None) == ()
    if unordered or not hasattr(sample_ids, "__len__") or len(sample_ids) != n_samples:
        raise InvalidParameterError(
            f"{subject} id for each of the {n_samples} rows. Got {describe(sample_ids)} instead."
        )
    ids = _as_row(sample_ids)
    values = ids.tolist() if ids.ndim == 1 else []
    wrong = [i for i, value in enumerate(values) if not _identifies(value)]
    if wrong or len(values) != n_samples:
        got = [values[i] for i in wrong[:5]] or describe(sample_ids)
        rows = f" in the rows {wrong[:5]}" if wrong else ""
        raise InvalidParameterError(
            f"{subject} id for each row that can be hashed and is not missing. Got {got}{rows}."
        )
    counts = Counter(values)
    if len(counts) < n_samples:
        twice = [value for value, count in counts.items() if count > 1]
        raise InvalidParameterError(
            f"{subject} id for each row that no other row has. Got {twice[:5]} several times."
        )
    return ids


def _as_row(values):
    """Convert ids to an array without changing the type of any."""
    if hasattr(values, "dtype"):
        return np.asarray(values)
    values = list(values)
    kinds = {type(value) for value in values}
    if len(kinds) == 1 and issubclass(kinds.pop(), (str, int, float, np.generic)):
        return np.asarray(values)
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value  # all at once, numpy would spread tuples over columns
    return array


def _identifies(value):
    """Return whether a value can be hashed and equals itself, which a missing one does not."""
    try:
        hash(value)
    except TypeError:
        return False
    same = value == value  # noqa: PLR0124
    return value is not None and is_flag(same) and bool(same)


def describe(value):
    """Describe a value in an error: its type and shape, or a short value itself."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        dtype = f" and dtype {value.dtype}" if hasattr(value, "dtype") else ""
        return f"a {type(value).__name__} of shape {shape}{dtype}"
    text = repr(value)
    return text if len(text) <= 80 else f"a {type(value).__name__}, {text[:70]}..."
