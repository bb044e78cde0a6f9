"""Fit the final estimator without recording it, and predict the original labels."""

from __future__ import annotations

from contextlib import nullcontext
from typing import NamedTuple

import numpy as np

from sklearn_carto._selection._fit_params import prefix_params
from sklearn_carto._utils._metaestimators import DelegatingClassifier, last_step
from sklearn_carto._utils._random_state import ONE_NET_AT_A_TIME
from sklearn_carto._watching._boosters import BOOSTERS, XGBOOST, encode_eval_set
from sklearn_carto._watching._seeds import set_seed, torch_seeded
from sklearn_carto._watching._skorch import SkorchWatcher, is_net


class Trained(NamedTuple):
    """A fitted classifier and the labels that its predictions stand for."""

    estimator: object
    classes: np.ndarray  # in the order of the columns of its probabilities
    encodes_labels: bool  # whether it predicts 0 to n_classes - 1 instead of labels


def fit_final_estimator(estimator, X, y, *, params=None, seed=None, classes=None):
    """Fit an estimator in place, without recording its training dynamics.

    Parameters
    ----------
    estimator : estimator
        The estimator to fit; pass a clone.
    X : container of shape (n_samples, n_features)
        Training samples.
    y : ndarray of shape (n_samples,)
        Labels.
    params : dict, default=None
        Further arguments of `fit`; those without the name of a step are for the last step of a
        pipeline.
    seed : int or None, default=None
        Set on every `random_state` of the estimator and, for a net, on torch's generators.
    classes : ndarray of shape (n_classes,), default=None
        Classes that a net has outputs for, sorted; None: those of `y`.

    Returns
    -------
    trained : Trained
        The fitted estimator.
    """
    set_seed(estimator, seed)
    params = prefix_params(estimator, params or {})
    net = last_step(estimator)
    for booster in BOOSTERS:
        if booster.can_watch(net):
            booster.set_seed(net, seed)
    if XGBOOST.can_watch(net):
        classes, y_encoded = np.unique(y, return_inverse=True)
        estimator.fit(X, y_encoded, **encode_eval_set(params, classes))
        return Trained(estimator, classes, True)
    if not is_net(net):
        estimator.fit(X, y, **params)
        return Trained(estimator, getattr(estimator, "classes_", np.unique(y)), False)
    classes = np.unique(y) if classes is None else classes
    with torch_seeded(seed, net.device):
        estimator.fit(X, SkorchWatcher().encode(net, y, classes), **params)
    return Trained(estimator, classes, True)


def with_original_labels(trained):
    """Return a fitted classifier that predicts the original labels, and that scorers accept."""
    if trained.encodes_labels:
        return LabelDecodingClassifier(trained.estimator, trained.classes)
    return trained.estimator


class LabelDecodingClassifier(DelegatingClassifier):
    """A fitted estimator whose predictions, 0 to n_classes - 1, are decoded to the labels."""

    _encodes_labels = True

    def __init__(self, estimator, classes=None):
        self.estimator = self.estimator_ = estimator
        self.classes_ = classes

    def _delegate(self, method, X, **params):
        # A net draws from global random generators when it predicts. Models scored here wait for a
        # net that trains in another thread; models of the user do not, which avoids a deadlock.
        with ONE_NET_AT_A_TIME if is_net(last_step(self.estimator_)) else nullcontext():
            return super()._delegate(method, X, **params)

    def fit(self, X, y):  # scikit-learn's scorers require a `fit` method
        """Raise an error: the estimator is fitted already."""
        raise AttributeError("LabelDecodingClassifier wraps a fitted estimator and has no fit.")
