"""Draw the data map of a training set and select samples, for the selector and the sampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import check_scoring
from sklearn.utils.validation import check_consistent_length

from sklearn_carto._inputs._containers import check_same_length
from sklearn_carto._inputs._dataset_columns import named_labels
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._maps._regions import OF_SELECTORS, parse_region
from sklearn_carto._selection._auto import search_region
from sklearn_carto._selection._auto_frac import REFERENCE, search_frac
from sklearn_carto._selection._candidates import Rule, Trainer, select_by_rule, suspect_cut
from sklearn_carto._selection._default_proxy import default_proxy
from sklearn_carto._selection._fit_params import check_params_taken, excluded_rows, takes_param
from sklearn_carto._selection._proxy import ProxyModel, as_proxy, without_folders
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._metaestimators import check_classifier, last_step
from sklearn_carto._utils._validation import Number, describe
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._find import get_watcher

_LEARNED = ("data_map_", "sample_indices_", "region_", "frac_", "noise_cut_")
_OF_SEARCH = ("auto_results_", "region_results_")


class Selection(NamedTuple):
    """Selected samples, and the rule that selected them."""

    sample_indices: np.ndarray
    region: object
    frac: float
    noise_cut: object
    auto_results: dict | None = None  # of the share if it was searched, else of the region
    region_results: dict | None = None  # of the region if both were searched


def fit_selection(
    owner, X, y, params, *, groups=None, final_estimator_params=None, excluded_mask=None
):
    """Draw the map of a training set, select samples, and set what a selector learns.

    Parameters
    ----------
    owner : DataMapSelector or DataMapSampler
        Its parameters are used, and its attributes set.
    X : container of shape (n_samples, n_features)
        Training samples.
    y : array-like of shape (n_samples,)
        Labels.
    params : dict
        Arguments of the proxy model's `fit`.
    groups : array-like of shape (n_samples,), default=None
        Group labels of the samples, for the folds of "auto" and of the proxy model.
    final_estimator_params : dict, default=None
        Arguments of the final estimator's `fit`; None: those of the proxy model that it takes.
    excluded_mask : ndarray of shape (n_samples,) of bool, default=None
        True for samples that the weights of the final estimator exclude.
    """
    # 1. Check the parameters, before anything is trained.
    for name in (*_LEARNED, *_OF_SEARCH, "n_features_in_", "feature_names_in_"):
        vars(owner).pop(name, None)
    name = type(owner).__name__
    y, classes, _ = check_labels(named_labels(X, y), owner)
    check_same_length(X, y)
    check_consistent_length(y, groups)
    check_selection_params(owner, classes)
    seed = owner.random_state
    if seed is not None and not isinstance(seed, np.random.RandomState):
        seed = int(seed)
    params = dict(params)
    if not isinstance(owner.estimator, FrozenEstimator):
        proxy = proxy_of(owner.estimator, X)
        if groups is not None and takes_param(proxy, "groups"):
            params.setdefault("groups", groups)
        check_params_taken(params, proxy, name)
        of_proxy = excluded_rows(proxy, params, X, len(y), name)
        excluded_mask = _union(excluded_mask, of_proxy)
    elif params:
        raise TypeError(
            f"{name}.fit got {', '.join(map(repr, params))}, but its proxy model is frozen and is "
            "not fitted. Leave it out."
        )
    check_classes_left(y, excluded_mask, name)
    # 2. Draw the map.
    proxy = ProxyModel(
        owner.estimator,
        X,
        y,
        seed=seed,
        memory=owner.memory,
        params=params,
        cv=owner.cv,
        n_jobs=owner.n_jobs,
        groups=groups,
        excluded_mask=excluded_mask,
    )
    owner.data_map_ = proxy.data_map
    # 3. Select samples.
    selection = select_samples(owner, proxy, proxy.seed, final_estimator_params)
    owner.sample_indices_, owner.region_, owner.frac_, owner.noise_cut_ = selection[:4]
    for name, results in zip(_OF_SEARCH, selection[4:], strict=True):
        if results is not None:
            setattr(owner, name, results)


def select_samples(selector, proxy, random_state, final_estimator_params=None):
    """Select samples by the parameters of a selector, which need not be fitted.

    `final_estimator_params` are arguments of the final estimator's `fit`; None: those of the proxy
    model's `fit` that it takes.
    """
    rule, frac, results = Rule(selector.region, selector.noise_cut), selector.frac, []
    region_is, frac_is = _is(rule.region, "auto"), _is(frac, "auto")
    if _is(rule.region, "clean"):
        proxy.used_by, frac_is = "'clean'", False
        rule = Rule("clean", suspect_cut(proxy), True)
    elif _is(rule.noise_cut, "auto") and not region_is:
        rule = Rule(rule.region, suspect_cut(proxy), True)
    if region_is or frac_is:
        trainer = _make_trainer(selector, proxy, final_estimator_params)
    if region_is:
        rule, of_region = search_region(trainer, REFERENCE if frac_is else frac)
        results.append(of_region)
    if frac_is:
        frac, rule, of_frac = search_frac(trainer, rule, tolerance=selector.tolerance)
        results.insert(0, of_frac)
    sample_indices = select_by_rule(
        rule, frac, proxy, stratify=selector.stratify, random_state=random_state
    )
    if _is(rule.region, "clean"):
        frac = len(sample_indices) / int(proxy.data_map._present_mask.sum())
    return Selection(sample_indices, rule.region, float(frac), rule.noise_cut, *results)


def _make_trainer(selector, proxy, params):
    """Return how the final estimator of a selector is fitted and scored in a search."""
    final_estimator = selector.final_estimator
    if final_estimator is None:
        final_estimator = proxy_of(selector.estimator, proxy.X)
        # its map is not needed
        without_folders(final_estimator).set_params(cv=None, keep_history=False)
        params = proxy.params
    return Trainer.make(proxy, final_estimator, params, selector.scoring, selector.stratify)


def _is(value, name):
    """Whether a parameter has a value that is a name."""
    return isinstance(value, str) and value == name


def proxy_of(estimator, X):
    """Return an unfitted CartographyClassifier: the proxy model, by default one that suits X."""
    return as_proxy(default_proxy(X) if estimator is None else estimator)


def check_selection_params(owner, classes):
    """Check what the constraints of single parameters do not express.

    Raises an error if estimators are no classifiers, if the region or the noise cut is not defined
    for the classes, or if the final estimator cannot be scored.
    """
    name = type(owner).__name__
    if owner.estimator is not None and not isinstance(owner.estimator, FrozenEstimator):
        check_classifier(owner.estimator, "estimator", name)
    if owner.final_estimator is not None:
        check_final_estimator(owner.final_estimator, name, "final_estimator")
    for parameter in ("region", "memory", "cv", "scoring"):
        value = getattr(owner, parameter)
        if isinstance(value, type):
            raise InvalidParameterError(
                f"The {parameter!r} parameter of {name} must not be a class. Got {value.__name__} "
                f"instead of an instance, {value.__name__}()."
            )
    check_region(owner.region, name)
    searches = _is(owner.region, "auto") or _is(owner.frac, "auto")
    if searches and owner.final_estimator is not None:
        check_scoring(owner.final_estimator, owner.scoring)
    if isinstance(owner.noise_cut, Mapping):
        _check_noise_cut(owner.noise_cut, classes, name)


def check_region(region, owner):
    """Raise an error unless a selector can select a region."""
    check_no_mixture_of_searches(region, f"The 'region' parameter of {owner} must not be")
    if not (isinstance(region, str) and region in OF_SELECTORS):
        parse_region(region)


def check_no_mixture_of_searches(region, subject):
    """Raise an error if a mixture holds a region of selectors, which no map defines."""
    for name, what in OF_SELECTORS.items():
        if isinstance(region, Mapping) and name in region:
            raise InvalidParameterError(
                f"{subject} a mixture with {name!r}, which {what}. Got {region!r}. Set "
                f"region={name!r}, or leave it out of the mixture."
            )


def check_final_estimator(estimator, owner, name="estimator"):
    """Raise an error if an estimator is no classifier, is frozen, or cannot draw its map."""
    check_classifier(estimator, name, owner)
    last = last_step(estimator)
    if isinstance(last, CartographyClassifier):
        get_watcher(last.estimator)
    if isinstance(last, FrozenEstimator):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must not be a FrozenEstimator, which is not "
            "fitted on the selected samples. Pass the estimator itself."
        )


def _check_noise_cut(noise_cut, classes, name):
    unknown = [one for one in noise_cut if one not in classes.tolist()]
    if unknown:
        raise InvalidParameterError(
            f"The 'noise_cut' parameter of {name} must map classes to shares. Got "
            f"{', '.join(map(repr, unknown))}, not among the classes {classes[:10].tolist()}."
        )
    share = Number(0, 1, closed="left")
    for label, value in noise_cut.items():
        if not share.is_satisfied_by(value):
            raise InvalidParameterError(
                f"The 'noise_cut' parameter of {name} must map each class to {share}. Got "
                f"{describe(value)} for the class {label!r}."
            )


def check_classes_left(y, excluded_mask, owner):
    """Raise an error if weights of 0 leave less than two classes."""
    if excluded_mask is None:
        return
    left = np.unique(y[~excluded_mask]).tolist()
    if len(left) < 2:
        raise InvalidParameterError(
            f"{owner}.fit needs samples of at least two classes. The 'sample_weight' parameter is "
            f"0 for all samples but those of {left}."
        )


def _union(mask, other):
    return other if mask is None else mask if other is None else mask | other
