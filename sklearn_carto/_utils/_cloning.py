"""Cloning of estimators, with an error that helps where a library does not support it."""

from __future__ import annotations

import sys
from copy import deepcopy

import sklearn.base

from sklearn_carto._utils._compat import InvalidParameterError


def clone(estimator):
    """Clone an estimator as :func:`sklearn.base.clone` does.

    Parameters
    ----------
    estimator : estimator
        The estimator.

    Returns
    -------
    estimator : estimator
        An unfitted estimator with the same parameters.

    Raises
    ------
    InvalidParameterError
        If a classifier of CatBoost, also inside another estimator, has parameters that are lists,
        dicts or arrays. CatBoost copies these, and scikit-learn then refuses to clone it.
    """
    base = getattr(sys.modules.get("catboost"), "CatBoost", None)
    if base is not None and not isinstance(estimator, type):
        for part in [estimator, *_params_of(estimator).values()]:
            if isinstance(part, base):
                _check_no_copies(part)
    return sklearn.base.clone(estimator)


def _params_of(estimator):
    return estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}


def _check_no_copies(booster):
    params = booster.get_params()
    copied = [name for name, value in params.items() if deepcopy(value) is not value]
    if copied:
        ways_out = (f"{name}={_as_tuple(params[name])}" for name in copied)
        raise InvalidParameterError(
            f"{type(booster).__name__} cannot be cloned, because its parameters "
            f"{', '.join(copied)} are lists, dicts or arrays, which CatBoost copies. Pass tuples: "
            f"{', '.join(ways_out)}."
        )


def _as_tuple(value):
    """Write a value as a tuple; of a dict of class weights, the weights in the order of classes."""
    if isinstance(value, dict):
        value = [value[name] for name in sorted(value, key=str)]
    text = repr(tuple(value)) if hasattr(value, "__iter__") else "a tuple"
    return text if len(text) <= 60 else f"{text[:50]}...)"
