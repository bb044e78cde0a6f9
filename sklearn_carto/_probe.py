"""The probe: what is watched to draw the map that a selector needs, and the cache of its map."""

from __future__ import annotations

from os import PathLike

import numpy as np
from joblib import Memory
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier

from sklearn_carto._classifier import CartographyClassifier
from sklearn_carto._compat import _num_samples
from sklearn_carto._containers import take
from sklearn_carto._fingerprint import fingerprint
from sklearn_carto._version import __version__


def default_probe(X):
    """Make the estimator that is watched where none is given.

    Parameters
    ----------
    X : container of shape (n_samples, n_features)
        The training rows.

    Returns
    -------
    estimator : estimator
        A small HistGradientBoostingClassifier on dense rows, which takes NaN, unscaled columns
        and categories; SGDClassifier with log loss on sparse ones.

    Raises
    ------
    ValueError
        If X holds text.
    """
    if issparse(X):
        return SGDClassifier(loss="log_loss")
    text = _text_columns(X)
    if text:
        raise ValueError(
            f"X holds text ({text}), which the default probe cannot learn from. Give the selector "
            "an estimator that can, a Pipeline for example: "
            "make_pipeline(TfidfVectorizer(), SGDClassifier(loss='log_loss'))."
        )
    n_samples = _num_samples(X)
    return HistGradientBoostingClassifier(
        max_iter=20,
        early_stopping=False,
        min_samples_leaf=max(1, min(20, n_samples // 20)),
    )


def _text_columns(X):
    """Say where text is, in words; empty where there is none."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        dtypes = zip(X.columns, X.dtypes, strict=True)
        names = [str(name) for name, dtype in dtypes if str(dtype).lower() in _TEXT_TYPES]
        return f"columns {', '.join(names)}" if names else ""
    first = np.asarray(take(X, slice(0, 1)) if _num_samples(X) else X).ravel()
    text = first.dtype.kind in "UST" or any(isinstance(value, str) for value in first)
    return f"a {type(X).__name__} of strings" if text else ""


_TEXT_TYPES = {"object", "str", "string", "utf8", "large_string"}


def draw_map(estimator, X, y, *, seed, memory, params):
    """Train the probe and return its map; or the map of a frozen probe.

    Parameters
    ----------
    estimator : estimator or None
        What is watched; None: the default. A CartographyClassifier is used as it is; one that is
        fitted, in a FrozenEstimator, is not trained again.
    X, y : container, array-like
        The training set.
    seed : int, RandomState instance or None
        Seeds the probe.
    memory : str, path-like, joblib.Memory or None
        Cache of maps. A RandomState instance is not cached, since it moves on.
    params : dict
        Further arguments of the probe's `fit`.

    Returns
    -------
    data_map : DataMap
        The map.

    Raises
    ------
    ValueError
        If a frozen map is one of other rows.
    """
    if isinstance(estimator, FrozenEstimator):
        return _frozen_map(estimator.estimator, X, y)
    probe = as_probe(default_probe(X) if estimator is None else estimator)
    if isinstance(seed, np.random.RandomState):
        seed, memory = seed.randint(np.iinfo(np.int32).max), None
    if seed is not None:
        probe.set_params(random_state=seed)
    if memory is None:
        return _fit_probe(probe, X, y, params, None)
    memory = Memory(memory, verbose=0) if isinstance(memory, (str, PathLike)) else memory
    key = fingerprint(X, y, params or None), __version__
    return memory.cache(_fit_probe, ignore=["X", "y", "params"])(probe, X, y, params, key)


def as_probe(estimator):
    """Clone an estimator into a CartographyClassifier, unless it is one."""
    if isinstance(estimator, CartographyClassifier):
        return clone(estimator)
    return CartographyClassifier(clone(estimator), keep_history=False)


def _fit_probe(probe, X, y, params, key):
    return probe.fit(X, y, **params).data_map_


def _frozen_map(fitted, X, y):
    if not hasattr(fitted, "data_map_"):
        raise ValueError(
            f"The frozen {type(fitted).__name__} has no data_map_: freeze a fitted "
            "CartographyClassifier."
        )
    if not fitted.saw(X, y):
        raise ValueError(
            "A frozen map holds only for the rows and labels that it was fitted on, in their "
            "order; X and y are others. Pass the CartographyClassifier itself, unfrozen, where "
            "rows change (cross-validation, a grid search)."
        )
    return fitted.data_map_
