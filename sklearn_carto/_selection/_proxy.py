"""The probe: what is watched to draw the map that a selector needs, and the cache of its map."""

from __future__ import annotations

from functools import cached_property
from numbers import Integral
from os import PathLike
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np
from joblib import Memory
from scipy.sparse import issparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold, check_cv
from sklearn.utils.parallel import Parallel, delayed

from sklearn_carto._inputs._containers import row_names, take
from sklearn_carto._inputs._fingerprint import fingerprint
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._selection._confident_learning import estimated_cut
from sklearn_carto._utils._compat import _check_method_params, _num_samples
from sklearn_carto._version import __version__
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._responses import in_class_order


def default_proxy(X):
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
    _check_no_text(X)
    n_samples = _num_samples(X)
    return HistGradientBoostingClassifier(
        max_iter=20,
        early_stopping=False,
        min_samples_leaf=max(1, min(20, n_samples // 20)),
    )


def _check_no_text(X):
    """Raise where X holds text, and say how to encode it."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        dtypes = zip(X.columns, X.dtypes, strict=True)
        names = [str(name) for name, dtype in dtypes if str(dtype).lower() in _TEXT_TYPES]
        if names:
            raise ValueError(
                f"X holds text (columns {', '.join(names)}), which the default probe cannot learn "
                "from. Turn these columns into categories (pandas: astype('category'); polars: "
                "cast(pl.Categorical)), or give the selector a Pipeline whose first step encodes "
                "them: a ColumnTransformer with OneHotEncoder, or TfidfVectorizer for free text."
            )
        return
    first = np.asarray(take(X, slice(0, 1)) if _num_samples(X) else X)
    if first.dtype.kind in "UST" or any(isinstance(value, str) for value in first.ravel()):
        encoder = "TfidfVectorizer()" if first.ndim == 1 else "OneHotEncoder()"
        raise ValueError(
            f"X holds text (a {type(X).__name__} of strings), which the default probe cannot learn "
            "from. Give the selector an estimator that can, a Pipeline for example: "
            f"make_pipeline({encoder}, SGDClassifier(loss='log_loss'))."
        )


_TEXT_TYPES = {"object", "str", "string", "utf8", "large_string"}


class ProxyModel:
    """What a probe says of a training set, each part asked for once, when it is needed.

    Parameters
    ----------
    estimator : estimator or None
        What is watched; None: the default. A CartographyClassifier is used as it is; one that is
        fitted, in a FrozenEstimator, is not trained again.
    X, y : container, ndarray of shape (n_samples,)
        The training set.
    seed : int, RandomState instance or None, default=None
        Seeds the probe and the folds.
    memory : str, path-like, joblib.Memory or None, default=None
        Cache of maps. A RandomState instance is not cached, since it moves on.
    params : dict, default=None
        Further arguments of the probe's `fit`.
    cv : int, cross-validation generator or iterable, default=4
        Number of folds, or how to split.
    n_jobs : int, default=None
        Folds that are probed in parallel.
    """

    def __init__(self, estimator, X, y, *, seed=None, memory=None, params=None, cv=4, n_jobs=None):
        if isinstance(seed, np.random.RandomState):
            seed, memory = seed.randint(np.iinfo(np.int32).max), None
        self.estimator, self.X, self.y = estimator, X, np.asarray(y)
        self.seed, self.params, self.cv, self.n_jobs = seed, params or {}, cv, n_jobs
        self.memory = _open_cache(memory) if isinstance(memory, (str, PathLike)) else memory

    @cached_property
    def data_map(self):
        """The map of all rows; of a frozen probe the one that it holds."""
        if isinstance(self.estimator, FrozenEstimator):
            return _frozen_map(self.estimator.estimator, self.X, self.y)
        return self._cached(_draw_map)(*self._arguments(slice(None)))

    @cached_property
    def folds(self):
        """For each fold a map of the other rows, and what their probe says of the fold."""
        if isinstance(self.estimator, FrozenEstimator):
            raise ValueError(
                "A frozen map holds for all its rows together, but 'auto' draws maps of parts of "
                "them. Pass the CartographyClassifier itself, unfrozen."
            )
        classes, counts = np.unique(self.y, return_counts=True)
        cv = self.cv
        if isinstance(cv, Integral) and counts.min() < cv:
            raise ValueError(
                f"'auto' splits the rows of each class into {cv} folds, but class "
                f"{classes[counts.argmin()].tolist()!r} has {counts.min()}. Lower cv, or choose a "
                "region and a noise_cut by name."
            )
        if isinstance(cv, Integral):
            cv = StratifiedKFold(cv, shuffle=True, random_state=self.seed)
        splits = list(check_cv(cv, self.y, classifier=True).split(np.zeros(len(self.y)), self.y))
        whole = all(len(np.unique(self.y[train])) == len(classes) for train, _ in splits)
        if len(splits) < 2 or not whole:
            raise ValueError(
                "The cv of 'auto' must make at least two folds, with rows of every class outside "
                f"of each; got {self.cv!r}."
            )
        probe = self._cached(_evaluate_fold)
        answers = Parallel(n_jobs=self.n_jobs)(
            delayed(probe)(*self._arguments(train, take(self.X, test)), classes)
            for train, test in splits
        )
        return [Fold(*split, *answer) for split, answer in zip(splits, answers, strict=True)]

    @cached_property
    def estimated_cut(self):
        """Share of each class whose labels are in doubt, from probabilities out of fold."""
        classes, y_encoded = np.unique(self.y, return_inverse=True)
        tests = np.concatenate([fold.test for fold in self.folds])
        probabilities = np.concatenate([fold.probabilities for fold in self.folds])
        return estimated_cut(probabilities, classes, y_encoded[tests])

    def _arguments(self, rows, X_asked=None):
        """List what a cached function is called with; the key stands for the data behind it."""
        everything = isinstance(rows, slice)
        X, y = (self.X, self.y) if everything else (take(self.X, rows), self.y[rows])
        params = self.params if everything else _check_method_params(self.X, self.params, rows)
        probe = as_proxy(default_proxy(X) if self.estimator is None else self.estimator)
        if self.seed is not None:
            probe.set_params(random_state=self.seed)
        key = None
        if self.memory is not None:
            key = fingerprint(X, y, params or None, X_asked, row_names(X)), __version__
        return probe, key, X, y, params, X_asked

    def _cached(self, function):
        if self.memory is None:
            return function
        return self.memory.cache(function, ignore=["X", "y", "params", "X_asked"])


def _open_cache(folder):
    """Make the cache in a folder, or say that it cannot be."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"The cache folder {str(folder)!r} cannot be written ({error.strerror}). Give memory "
            "another folder, or None."
        ) from error
    return Memory(folder, verbose=0)


class Fold(NamedTuple):
    """A training set but for a fold, and what a probe of it says."""

    train: np.ndarray  # indices of the rows outside of the fold
    test: np.ndarray  # and of the fold
    data_map: DataMap  # of the rows outside
    probabilities: np.ndarray  # of the rows of the fold, shape (n_test, n_classes)


def as_proxy(estimator):
    """Clone an estimator into a CartographyClassifier, unless it is one."""
    if isinstance(estimator, CartographyClassifier):
        return clone(estimator)
    return CartographyClassifier(clone(estimator), keep_history=False)


def _draw_map(probe, key, X, y, params, X_asked):
    return probe.fit(X, y, **params).data_map_


def _evaluate_fold(probe, key, X, y, params, X_asked, classes):
    probe.fit(X, y, **params)
    if hasattr(probe, "predict_proba"):
        answers = probe.predict_proba(X_asked)
    else:
        scores = probe.decision_function(X_asked)
        scores = np.column_stack([-scores, scores]) / 2 if scores.ndim == 1 else scores
        answers = softmax(scores, axis=1)
    return probe.data_map_, in_class_order(answers, probe.classes_, classes)


def _frozen_map(fitted, X, y):
    if not hasattr(fitted, "data_map_"):
        raise ValueError(
            f"The frozen {type(fitted).__name__} has no data_map_: freeze a fitted "
            "CartographyClassifier."
        )
    if not fitted._is_training_set(X, y):
        raise ValueError(
            "A frozen map holds only for the rows and labels that it was fitted on, in their "
            "order; X and y are others. Pass the CartographyClassifier itself, unfrozen, where "
            "rows change (cross-validation, a grid search)."
        )
    return fitted.data_map_
