"""Recall of labels that are replaced in thought, to estimate that of wrong labels."""

from __future__ import annotations

import numpy as np

from sklearn_carto._utils._random_state import rule_generator


def planted_ranks(probabilities, y_encoded, seed):
    """Rank each label, replaced by one drawn from the other classes, among the given labels.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities. They do not depend on the label of the sample itself.
    y_encoded : ndarray of shape (n_samples,)
        Labels, encoded as 0 to n_classes - 1.
    seed : int
        Draws the labels.

    Returns
    -------
    ranks : ndarray of shape (n_samples,)
        For each sample, how many of the other samples have a label that is less probable than the
        drawn one.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    >>> planted_ranks(p, np.array([0, 0, 1]), 0)  # 0.1, 0.3 and 0.2 among 0.9, 0.7 and 0.8
    array([0, 0, 0])
    """
    n_samples, n_classes = probabilities.shape
    rows = np.arange(n_samples)
    shift = rule_generator(seed, "planted labels").randint(1, n_classes, size=n_samples)
    planted = probabilities[rows, (y_encoded + shift) % n_classes]
    own = probabilities[rows, y_encoded]
    return np.searchsorted(np.sort(own), planted) - (own < planted)
