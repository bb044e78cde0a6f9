"""The proxy model, whose training dynamics give the data map of a selector, and its cache."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from numbers import Integral
from os import PathLike
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import sklearn
from joblib import Memory
from sklearn.frozen import FrozenEstimator

from sklearn_carto._inputs._code import estimator_hash
from sklearn_carto._inputs._containers import row_names, take
from sklearn_carto._inputs._fingerprint import value_fingerprint
from sklearn_carto._selection._default_proxy import default_proxy
from sklearn_carto._selection._neighbors import numeric_features
from sklearn_carto._selection._prototypes import embed
from sklearn_carto._selection._proxy_fold import Fold, fit_fold, rate_proxy_labels
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._folds import make_folds
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto._utils._random_state import draw_seed
from sklearn_carto._utils._warnings import collect_warnings, warn, warn_once
from sklearn_carto._version import __version__
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._find import can_watch
from sklearn_carto._watching._training_set import take_params
from sklearn_carto.exceptions import NotCachedWarning, UnratedLabelsWarning


def without_folders(classifier):
    """Set the folders of a CartographyClassifier to None, which each hold a single training.

    It is modified in place, and returned.
    """
    own = classifier.get_params(deep=False)  # a subclass may have other parameters
    folders = dict.fromkeys({"log", "checkpoint", "history_dir"} & set(own))
    return classifier.set_params(**folders)


class ProxyModel:
    """A proxy model and its training set; maps and folds are computed once, on first access.

    Parameters
    ----------
    estimator : estimator or None
        The classifier to watch; None: :func:`default_proxy`. A CartographyClassifier is cloned and
        fitted; a fitted one in a FrozenEstimator is not fitted again.
    X : container of shape (n_samples, n_features)
        Training samples.
    y : ndarray of shape (n_samples,)
        Labels.
    seed : int, RandomState instance or None, default=None
        Seeds the proxy model and the folds.
    memory : str, path-like, joblib.Memory or None, default=None
        Cache of maps. Not used if `seed` is a RandomState instance, whose state changes.
    params : dict, default=None
        Further arguments of the proxy model's `fit`.
    cv : int, cross-validation generator or iterable, default=4
        Number of folds, or how to split.
    n_jobs : int, default=None
        Number of folds that are fitted in parallel.
    groups : array-like of shape (n_samples,), default=None
        Group labels of the samples, for the folds.
    excluded_mask : ndarray of shape (n_samples,) of bool, default=None
        True for samples that are excluded from the selection, besides those that the weights of the
        proxy model exclude.
    """

    def __init__(
        self,
        estimator,
        X,
        y,
        *,
        seed=None,
        memory=None,
        params=None,
        cv=4,
        n_jobs=None,
        groups=None,
        excluded_mask=None,
    ):
        if isinstance(seed, np.random.RandomState):
            seed, memory = seed.randint(np.iinfo(np.int32).max), None
        self.estimator, self.X, self.y = estimator, X, np.asarray(y)
        self.seed, self.params, self.cv, self.n_jobs = seed, params or {}, cv, n_jobs
        self.groups, self.excluded_mask = groups, excluded_mask
        self.used_by = "'auto'"  # what the folds are for, in errors
        self.memory = _open_cache(memory) if isinstance(memory, (str, PathLike)) else memory

    @cached_property
    def data_map(self):
        """Map of the whole training set; that of the fitted classifier if it is frozen."""
        if isinstance(self.estimator, FrozenEstimator):
            data_map = _frozen_map(self.estimator.estimator, self.X, self.y)
        else:
            arguments = self._arguments(slice(None))
            data_map = self._cached(_draw_map)(*arguments)
        if self.excluded_mask is None:
            return data_map
        own = data_map.excluded_mask
        mask = self.excluded_mask if own is None else self.excluded_mask | own
        return replace(data_map, excluded_mask=mask)

    @cached_property
    def present(self):
        """Indices of the samples that are not excluded."""
        excluded = self.data_map.excluded_mask
        return np.arange(len(self.y)) if excluded is None else np.flatnonzero(~excluded)

    @cached_property
    def classes(self):
        """Classes of the samples that are not excluded, sorted."""
        return np.unique(self.y[self.present])

    @cached_property
    def folds(self):
        """For each fold the map of its training set, and the evidence on all labels."""
        if isinstance(self.estimator, FrozenEstimator):
            raise ValueError(
                f"{self.used_by} requires the maps of parts of the training set, which a frozen "
                "map does not provide. Pass the CartographyClassifier itself, not frozen."
            )
        splits = self._make_splits()
        results, warnings = run_parallel(
            ProxyModel._fit_fold, splits, shared=(self,), n_jobs=self.n_jobs
        )
        warn_once(warnings, f" in {len(splits)} folds of {self.used_by}")
        return [Fold(*split, *result) for split, result in zip(splits, results, strict=True)]

    def _fit_fold(self, train, test):
        arguments = self._arguments(train, test)
        return self._cached(_fit_fold)(*arguments)

    def _make_splits(self):
        """Split the samples that are not excluded; each training set holds all of their classes."""
        present, options = self.present, {"used_by": self.used_by}
        with collect_warnings():  # a class that is missing in a training set is an error here
            if isinstance(self.cv, Integral):  # folds of equal size
                groups = None if self.groups is None else take(self.groups, present)
                folds = make_folds(self.cv, self.y[present], self.seed, groups=groups, **options)
                splits = [(present[train], present[test]) for train, test in folds]
            else:  # folds of positions in X
                folds = make_folds(self.cv, self.y, self.seed, groups=self.groups, **options)
                splits = [tuple(part[np.isin(part, present)] for part in fold) for fold in folds]
        counts = np.bincount(np.concatenate([test for _, test in splits]))
        if (counts > 1).any():
            raise InvalidParameterError(
                f"The 'cv' parameter used by {self.used_by} must not test a sample twice; it does "
                f"so with {(counts > 1).sum()} rows, among them "
                f"{np.flatnonzero(counts > 1)[:5].tolist()}. "
                "Use disjoint test sets, for example those of StratifiedKFold."
            )
        if not all(
            len(test) and np.array_equal(np.unique(self.y[train]), self.classes)
            for train, test in splits
        ):
            raise InvalidParameterError(
                f"The 'cv' parameter used by {self.used_by} must leave samples of every class in "
                f"each training set, and samples to test; got {self.cv!r}. Use a stratified "
                "splitter."
            )
        return splits

    @cached_property
    def label_quality(self):
        """Quality of each label in [0, 1], low if it is suspect; NaN for excluded samples."""
        return self._ratings[0]

    @cached_property
    def suspect_mask(self):
        """True for samples whose label is suspect; at most half of a class."""
        return self._ratings[1]

    @cached_property
    def _ratings(self):
        present = np.zeros(len(self.y), dtype=bool)
        present[self.present] = True
        y_encoded = np.minimum(np.searchsorted(self.classes, self.y), len(self.classes) - 1)
        seed = draw_seed(self.seed)
        tested = np.concatenate([fold.test for fold in self.folds])
        never = np.setdiff1d(self.present, tested)
        if len(never):
            warn(
                f"{len(never)} of {len(self.y)} labels are not rated, among them those of the rows "
                f"{never[:5].tolist()}: the 'cv' parameter used by {self.used_by} tests them "
                "never, so that they are not suspect. Use folds that test each sample.",
                UnratedLabelsWarning,
            )
        return rate_proxy_labels(self.folds, y_encoded, len(self.classes), seed, present)

    @cached_property
    def features(self):
        """Numeric features of the samples, or None if they have none."""
        return numeric_features(self.X)

    @cached_property
    def embedded(self):
        """Coordinates of the samples, for distances between them; an error without features."""
        return embed(self.features, self.X, self.seed)

    def _arguments(self, train, test=None):
        """Return the arguments of a cached function; the key stands for the data."""
        X, y, params = self.X, self.y, self.params
        X_eval, y_eval = (None, None) if test is None else (take(X, test), y[test])
        if not isinstance(train, slice):  # a slice is the whole training set
            params = take_params(params, train, len(y))
            X, y = take(X, train), y[train]
        proxy = as_proxy(default_proxy(X) if self.estimator is None else self.estimator)
        if self.seed is not None:
            proxy.set_params(random_state=self.seed)
        if test is not None:
            without_folders(proxy)
        key = None if self.memory is None else self._key(proxy, X, y, params, X_eval)
        return proxy, key, X, y, params, X_eval, y_eval

    def _key(self, proxy, X, y, params, X_eval):
        """Return the key of a cached result; None, and no cache from now on, if there is none."""
        estimator = estimator_hash(proxy)
        data = value_fingerprint(X, y, params or None, X_eval, row_names(X))
        if estimator is not None and data is not None:
            return estimator, data, __version__, sklearn.__version__
        what = f"the code or the parameters of {type(proxy.estimator).__name__}"
        if estimator is not None:
            what = f"the values of X (a {type(X).__name__}) or of the arguments of fit"
        warn(
            f"The data map is not cached: {what} cannot be read in full, so that a cached map "
            "could be that of others. Set memory=None, or pass data and an estimator that can be "
            "pickled.",
            NotCachedWarning,
        )
        self.memory = None
        return None

    def _cached(self, function):
        if self.memory is None:
            return function
        # labels of other samples do not change what is recorded of them
        return self.memory.cache(function, ignore=["proxy", "X", "y", "params", "X_eval", "y_eval"])


def _open_cache(folder):
    """Create the cache folder; raise an error if it cannot be written."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"The cache folder {str(folder)!r} cannot be written ({error.strerror}). Set memory to "
            "another folder, or to None."
        ) from error
    return Memory(folder, verbose=0)


def as_proxy(estimator):
    """Clone an estimator and, unless it is one already, wrap it in a CartographyClassifier."""
    if isinstance(estimator, CartographyClassifier):
        return clone(estimator)
    return CartographyClassifier(clone(estimator), keep_history=False)


def can_be_proxy(estimator):
    """Return whether an estimator, or what a CartographyClassifier trains, can be watched."""
    if isinstance(estimator, CartographyClassifier):
        estimator = estimator.estimator
    return can_watch(estimator)


def _draw_map(proxy, key, X, y, params, X_eval, y_eval):
    return proxy.fit(X, y, **params).data_map_


def _fit_fold(proxy, key, X, y, params, X_eval, y_eval):
    return fit_fold(proxy, X, y, params, X_eval, y_eval)


def _frozen_map(fitted, X, y):
    if not hasattr(fitted, "data_map_"):
        raise ValueError(
            f"The frozen {type(fitted).__name__} has no data_map_. Freeze a fitted "
            "CartographyClassifier instead."
        )
    if not fitted._is_training_set(X, y):
        raise ValueError(
            "A frozen map is valid only for the samples and labels that it was fitted on, in the "
            "same order, but X and y differ from them. Pass the CartographyClassifier itself, not "
            "frozen, if the samples change (cross-validation, grid search)."
        )
    return fitted.data_map_
