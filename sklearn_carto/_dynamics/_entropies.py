"""Predictive entropy and mutual information of class probabilities over epochs."""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from sklearn_carto._dynamics._scores import MAX_NEGATIVE, MAX_SUM_ERROR
from sklearn_carto._dynamics._uncertainty import class_probabilities, decompose_entropy
from sklearn_carto._utils._arrays import as_numbers
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._typing import Array, ArrayLike


def predictive_entropy(proba: ArrayLike) -> Array:
    """Compute the entropy of the mean over epochs of the class probabilities.

    Parameters
    ----------
    proba : array-like of shape (n_epochs, n_samples, n_classes)
        Predicted probabilities of all classes for each sample after each epoch; each row sums to 1.

    Returns
    -------
    predictive_entropy : ndarray of shape (n_samples,)
        Entropy of the mean, in nats, in [0, log n_classes].

    Raises
    ------
    ValueError
        If `proba` is not three-dimensional, has no epoch or class, or holds rows that are no
        probabilities.

    See Also
    --------
    mutual_information : What it exceeds the mean entropy of the epochs by.
    aleatoric : The mean of p (1 - p) of the label alone.

    Notes
    -----
    It is the total uncertainty of [1]_, with epochs in place of samples of the posterior. The
    epochs of one training are correlated: it describes how a training went, and is no posterior
    uncertainty of the model.

    References
    ----------
    .. [1] Y. Gal, "Uncertainty in Deep Learning", PhD thesis, University of Cambridge, 2016,
       section 3.3.1.

    Examples
    --------
    >>> from sklearn_carto.metrics import predictive_entropy
    >>> predictive_entropy([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]).round(3)
    array([0.   , 0.693])
    """
    return _decompose(proba, "predictive_entropy")[0]


def mutual_information(proba: ArrayLike) -> Array:
    """Compute the entropy of the mean class probabilities less the mean entropy of the epochs.

    Parameters
    ----------
    proba : array-like of shape (n_epochs, n_samples, n_classes)
        Predicted probabilities of all classes for each sample after each epoch; each row sums to 1.

    Returns
    -------
    mutual_information : ndarray of shape (n_samples,)
        In nats, in [0, log n_classes]: 0 where the prediction is the same at all epochs, and large
        where it changes from one class to another with confidence.

    Raises
    ------
    ValueError
        If `proba` is not three-dimensional, has no epoch or class, or holds rows that are no
        probabilities.

    See Also
    --------
    predictive_entropy : The entropy of the mean.
    variability : The spread of the probability of the label alone.

    Notes
    -----
    It is the BALD score of [1]_, with epochs in place of samples of the posterior. The epochs of
    one training are correlated: it is the uncertainty over the time of a training, and no posterior
    (epistemic) uncertainty of the model.

    References
    ----------
    .. [1] N. Houlsby et al., "Bayesian Active Learning for Classification and Preference Learning",
       arXiv:1112.5745, 2011, section 2.

    Examples
    --------
    >>> from sklearn_carto.metrics import mutual_information
    >>> mutual_information([[[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]]).round(3)
    array([0.   , 0.693])
    """
    return _decompose(proba, "mutual_information")[1]


def _decompose(proba, owner):
    shape = "(n_epochs, n_samples, n_classes)"
    values = as_numbers(proba, "proba", f"metrics.{owner}", ndim=3, finite=True, shape=shape)
    if 0 in (values.shape[0], values.shape[2]):
        raise InvalidParameterError(
            f"The 'proba' parameter of metrics.{owner} must hold at least one epoch and one class. "
            f"Got shape {values.shape} instead."
        )
    values = values.astype(np.float64)
    worst = np.abs(values.sum(axis=2) - 1).max(initial=0)
    if values.min(initial=0) < -MAX_NEGATIVE or worst > MAX_SUM_ERROR:
        raise InvalidParameterError(
            f"The 'proba' parameter of metrics.{owner} must hold probabilities that sum to 1 over "
            f"the last axis. Got a minimum of {values.min():.3g}, and sums that differ from 1 by "
            f"{worst:.3g}."
        )
    of_epochs = [class_probabilities(one, from_logits=False) for one in values]
    mean_entropy = np.mean([entr(one).sum(axis=1) for one in of_epochs], axis=0)
    return decompose_entropy(np.mean(of_epochs, axis=0), mean_entropy)
