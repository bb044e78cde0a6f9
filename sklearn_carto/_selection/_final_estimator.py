"""The final estimator: trained unwatched, and evaluated in the labels of the user."""

from __future__ import annotations

from contextlib import nullcontext
from typing import NamedTuple

import numpy as np

from sklearn_carto._utils._metaestimators import DelegatingClassifier, last_step
from sklearn_carto._utils._random_state import ONE_NET_AT_A_TIME
from sklearn_carto._watching._boosters import BOOSTERS, XGBOOST, encode_eval_set
from sklearn_carto._watching._seeds import set_seed, torch_seeded
from sklearn_carto._watching._skorch import SkorchWatcher, is_net


class Trained(NamedTuple):
    """A trained model and how to read its answers."""

    estimator: object
    classes: np.ndarray  # in the order of the columns of its answers
    label_codes: bool  # whether it predicts positions among the classes, not labels


def train(estimator, X, y, *, params=None, seed=None, classes=None):
    """Train an estimator in place.

    Parameters
    ----------
    estimator : estimator
        A clone.
    X, y : container, ndarray of shape (n_samples,)
        The rows to train on.
    params : dict, default=None
        Further arguments of `fit`.
    seed : int or None
        Set on every `random_state` of the estimator, and on torch's generators for a net.
    classes : ndarray of shape (n_classes,), default=None
        The labels that a net has outputs for, sorted; None: those of `y`.

    Returns
    -------
    trained : Trained
        The model.
    """
    set_seed(estimator, seed)
    params = params or {}
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
    """Return the model itself where it knows the labels, else one that translates.

    Parameters
    ----------
    trained : Trained
        What training returned.

    Returns
    -------
    model : estimator
        Fitted; scorers can ask it.
    """
    return (
        LabelDecodingClassifier(trained.estimator, trained.classes)
        if trained.label_codes
        else trained[0]
    )


class LabelDecodingClassifier(DelegatingClassifier):
    """A trained net that answers in the labels of the user.

    Parameters
    ----------
    estimator : estimator
        Trained on codes 0..K-1.
    classes : ndarray of shape (n_classes,)
        The labels that they stand for.
    """

    _encodes_labels = True

    def __init__(self, estimator, classes=None):
        self.estimator = self.estimator_ = estimator
        self.classes_ = classes

    def _delegate(self, method, X, **params):
        # a net that answers draws from the generators of one that trains in another thread; those
        # that are scored here wait for it, which the user's own may not: they could wait for ever
        with ONE_NET_AT_A_TIME if is_net(last_step(self.estimator_)) else nullcontext():
            return super()._delegate(method, X, **params)

    def fit(self, X, y):  # scikit-learn's scorers ask for a method of this name
        """Refuse to train again."""
        raise AttributeError("this model is trained already")
