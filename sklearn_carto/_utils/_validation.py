"""Checks of the arguments of public functions and methods, in the manner of scikit-learn."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from numbers import Integral, Real

import numpy as np

from sklearn_carto._utils._compat import (
    Interval,
    InvalidParameterError,
    validate_parameter_constraints,
)


def validate_params(**constraints):
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

        @wraps(function)
        def checked(*args, **kwargs):
            given = parameters.bind(*args, **kwargs)
            given.apply_defaults()
            check_params(function.__qualname__, constraints, given.arguments)
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
        return not is_flag(val) and super().is_satisfied_by(val)


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
        values = np.asarray(mask)
    except (TypeError, ValueError):  # rows of unequal length
        values = np.empty(0, dtype=object)
    if values.dtype.kind == "O" and all(is_flag(value) for value in values.ravel()):
        values = values.astype(bool)
    if values.dtype.kind != "b" or values.shape != (n_samples,):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must hold one boolean for each of the {n_samples} "
            f"rows. Got {describe(mask)} instead."
        )
    return values


def describe(value):
    """Describe a value in an error: its type and shape, or a short value itself."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"a {type(value).__name__} of shape {shape} and dtype {getattr(value, 'dtype', '?')}"
    text = repr(value)
    return text if len(text) <= 80 else f"a {type(value).__name__}, {text[:70]}..."
