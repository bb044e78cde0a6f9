"""Train a final model, unwatched: it gets its labels, and a net its seed, as when watched."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._watching import _boosters, _skorch
from sklearn_carto._watching._seeds import set_seed, torch_seeded


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
    for way in _boosters.WAYS:
        if way.is_one(net):
            way.set_seed(net, seed)
    if _boosters.XGBOOST.is_one(net):
        classes, codes = np.unique(y, return_inverse=True)
        estimator.fit(X, codes, **_boosters.with_coded_eval_set(params, classes))
        return Trained(estimator, classes, True)
    if not _skorch.can_watch(net):
        estimator.fit(X, y, **params)
        return Trained(estimator, getattr(estimator, "classes_", np.unique(y)), False)
    classes = np.unique(y) if classes is None else classes
    codes = np.searchsorted(classes, y)
    with torch_seeded(seed, net.device):
        estimator.fit(X, _skorch.encode(net, codes, len(classes)), **params)
    return Trained(estimator, classes, True)
