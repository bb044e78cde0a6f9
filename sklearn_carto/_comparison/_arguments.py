"""Checks of the arguments that the comparisons share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from inspect import signature
from numbers import Integral, Real

import numpy as np
from sklearn.frozen import FrozenEstimator

from sklearn_carto._inputs._containers import check_same_length, holds_containers, n_samples_of
from sklearn_carto._inputs._dataset_columns import named_labels
from sklearn_carto._inputs._result_folder import RESUME
from sklearn_carto._selection._distilled import DistilledClassifier, complete_selector
from sklearn_carto._selection._fit import check_selection_params, proxy_of
from sklearn_carto._selection._fit_params import assign_params, takes_param
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._utils._compat import (
    Interval,
    InvalidParameterError,
    StrOptions,
    _routing_enabled,
)
from sklearn_carto._utils._validation import Count, check_params, describe, is_flag
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._find import get_watcher


class AnyNumber(Interval):
    """Constraint: a real number, also infinite or NaN, which a boolean is not."""

    def __init__(self):
        super().__init__(Real, None, None, closed="neither")

    def is_satisfied_by(self, val):
        """Return whether a value satisfies the constraint."""
        return isinstance(val, Real) and not is_flag(val)

    def __str__(self):
        """Describe the constraint."""
        return "a number"


# of the parameters that all comparisons share
SETTINGS = {
    "n_seeds": [Count(1)],
    "params": [Mapping, None],
    "match": [StrOptions({"epochs", "steps"})],
    "error_score": [StrOptions({"raise"}), AnyNumber()],
    "n_jobs": [Count(1), Interval(Integral, None, -1, closed="right"), None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
    "resume": RESUME,
}


def check_selector(selector, estimator, scoring, classes, owner):
    """Check and clone the selector of a comparison, and complete it by the estimator to fit.

    Unless the selector has them, the estimator becomes the proxy model, if it can be watched, and
    the final estimator of "auto", and a single metric becomes its metric.
    """
    if selector is not None and not isinstance(selector, DataMapSelector):
        raise InvalidParameterError(
            f"The 'selector' parameter of {owner} must be a DataMapSelector or None. Got "
            f"{describe(selector)} instead. To choose the proxy model, pass DataMapSelector(proxy)."
        )
    if selector is not None and isinstance(selector.estimator, FrozenEstimator):
        raise InvalidParameterError(
            f"The 'selector' parameter of {owner} must not hold a frozen map, which was fitted on "
            "the test samples too. Pass the CartographyClassifier itself, not frozen."
        )
    selector = complete_selector(selector, estimator)
    if selector.scoring is None and (isinstance(scoring, str) or callable(scoring)):
        selector.set_params(scoring=scoring)
    values = selector.get_params(deep=False)
    check_params("DataMapSelector", selector._parameter_constraints, values)
    check_selection_params(selector, classes)
    proxy = selector.estimator
    if proxy is not None:
        get_watcher(proxy.estimator if isinstance(proxy, CartographyClassifier) else proxy)
    return selector


def divide_params(params, groups, pairs, X, owner):
    """Divide arguments of `fit` between proxy models and models.

    Parameters
    ----------
    params : dict
        The arguments. The prefix ``selector__`` means the proxy models alone.
    groups : ndarray of shape (n_samples,) or None
        Group labels of the samples, for each model that takes them.
    pairs : dict of str to (DataMapSelector, estimator)
        Selectors, each with the model that is fitted on its selection.
    X : container of shape (n_samples, n_features)
        The samples.
    owner : str
        Name of the function that was given the arguments, for errors.

    Returns
    -------
    divided : dict of str to (dict, dict)
        For each pair, the arguments of the proxy model and of the model.

    Raises
    ------
    TypeError
        If none of the models takes an argument.
    """
    wrong = [name for name in params if not isinstance(name, str)]
    if wrong:
        raise InvalidParameterError(
            f"The 'params' parameter of {owner} must map names of arguments, as str, to their "
            f"values. Got the name {wrong[0]!r}."
        )
    if _routing_enabled():
        return {
            name: DistilledClassifier(model, selector)._assign(params, groups, selector, X)
            for name, (selector, model) in pairs.items()
        }
    divided: dict = {}
    known: set[str] = set()
    proxies = {name: proxy_of(selector.estimator, X) for name, (selector, _) in pairs.items()}
    for name, (_, model) in pairs.items():
        proxy = proxies[name]
        taken = {key: value for key, value in params.items() if _takes(proxy, model, key)}
        known |= taken.keys()
        if groups is not None and takes_param(model, "groups"):
            taken.setdefault("groups", groups)
        for_proxy, for_model = assign_params(taken, proxy, model, owner)
        if groups is not None and takes_param(proxy, "groups"):
            for_proxy.setdefault("groups", groups)
        divided[name] = for_proxy, for_model
    unknown = {key: value for key, value in params.items() if key not in known}
    if unknown:
        name, (_, model) = next(iter(pairs.items()))
        assign_params(unknown, proxies[name], model, owner)  # raises an error that names them
    return divided


def _takes(proxy, model, name):
    if name.startswith("selector__"):
        return takes_param(proxy, name.removeprefix("selector__"))
    return takes_param(proxy, name) or takes_param(model, name)


def check_several(values, name, owner, of_what):
    """Return several values as a list; they must have an order, so that sets are refused."""
    unordered = isinstance(values, (str, bytes, Mapping, Set))
    if unordered or not isinstance(values, Iterable):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be a list of {of_what}. Got "
            f"{describe(values)} instead."
        )
    return list(values)


def check_shares(values, name, owner, *, zero_allowed=False):
    """Check shares of samples, and return them as distinct floats.

    They lie in [0, 1], or in (0, 1] if `zero_allowed` is False.
    """
    interval = "[0, 1]" if zero_allowed else "(0, 1]"
    shares = check_several(values, name, owner, f"floats in {interval}")
    if not shares:
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must contain at least one float in {interval}. Got "
            f"{describe(values)} instead."
        )
    for share in shares:
        number = isinstance(share, Real) and not is_flag(share)
        if not (number and 0 <= share <= 1 and (share > 0 or zero_allowed)):
            raise InvalidParameterError(
                f"The {name!r} parameter of {owner} must contain floats in {interval}. Got "
                f"{describe(share)}."
            )
    return list(dict.fromkeys(float(share) for share in shares))


def check_ood(ood, X, classes, owner):
    """Check the out-of-distribution data sets.

    Returns
    -------
    ood : dict of str to (X, y)
        The data sets, with labels as arrays.
    """
    subject = f"The 'ood' parameter of {owner}"
    if not (ood is None or isinstance(ood, Mapping)):
        raise InvalidParameterError(
            f"{subject} must be a mapping of names to data sets, such as {{'name': (X2, y2)}}. Got "
            f"{describe(ood)} instead."
        )
    checked = {}
    for name, data in (ood or {}).items():
        if not isinstance(name, str) or not name:
            raise InvalidParameterError(
                f"{subject} must name each data set by a string. Got {name!r} instead."
            )
        if name == "test" or name.startswith("test_"):
            raise InvalidParameterError(
                f"{subject} must not name a data set {name!r}: the scores on the test set of the "
                "split begin with 'test'. Rename it."
            )
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise InvalidParameterError(
                f"{subject} must hold a pair (X, y) for each name. Got {describe(data)} for "
                f"{name!r} instead."
            )
        X_ood, y_ood = data
        subject = f"The data set {name!r} of 'ood'"
        checked[name] = _check_data_set(X_ood, y_ood, X, classes, subject)
    return checked


def _check_data_set(X_ood, y_ood, X, classes, subject):
    """Check samples and labels of an out-of-distribution data set; return them."""
    if y_ood is None or X_ood is None:
        raise InvalidParameterError(f"{subject} must be a pair (X, y); one of them is None.")
    labels = np.asarray(named_labels(X_ood, y_ood))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not len(labels):
        raise InvalidParameterError(
            f"{subject} must have one label for each sample, and at least one sample. Its y is "
            f"{describe(y_ood)}."
        )
    if holds_containers(X_ood):
        check_same_length(X_ood, labels)
    if n_samples_of(X_ood) != len(labels):
        raise InvalidParameterError(
            f"{subject} must have one label for each sample. It has {n_samples_of(X_ood)} samples "
            f"and {len(labels)} labels."
        )
    known = set(classes.tolist())
    unknown = [label for label in dict.fromkeys(labels.tolist()) if label not in known]
    if unknown:
        raise InvalidParameterError(
            f"{subject} holds labels that do not occur in y: {unknown[:5]}. Remove these samples, "
            "or map their labels to known classes."
        )
    ours, theirs = _features_of(X), _features_of(X_ood)
    if None not in (ours, theirs) and ours != theirs and not _contains(theirs, ours):
        raise InvalidParameterError(
            f"{subject} must have the features of X: {_named(ours)} for each sample. Its X has "
            f"{_named(theirs)} for each sample."
        )
    return X_ood, labels


def _features_of(X):
    """Return the names of the features, or their number; None if they cannot be determined."""
    if holds_containers(X):
        return list(X) if isinstance(X, Mapping) else len(X)
    if hasattr(X, "columns"):
        return [str(name) for name in X.columns]
    shape = getattr(X, "shape", None)
    return shape[1:] if shape is not None else None


def _contains(theirs, ours):
    """Whether names are a part of others, as a ColumnTransformer allows, or cannot be compared."""
    if isinstance(theirs, list) and isinstance(ours, list):
        return set(ours) <= set(theirs)
    return isinstance(theirs, list) or isinstance(ours, list)  # a frame and an array


def _named(features):
    if isinstance(features, list):
        return f"the names {features[:10]}"
    return "one number" if features == () else f"the shape {features}"


def check_settings(settings, function, taken, owner):
    """Raise a TypeError on settings that a function does not take, or that its caller sets."""
    known = [name for name in signature(function).parameters if name not in taken]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise TypeError(
            f"{owner} got an unexpected argument {unknown[0]!r}. Its settings are those of "
            f"{function.__name__}: {', '.join(known)}."
        )
