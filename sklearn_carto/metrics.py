"""Statistics of training dynamics.

Each function takes an array of shape (n_samples, n_epochs), epochs in the order of training, and
returns an array of shape (n_samples,). A :class:`~sklearn_carto.DataMap` holds the same statistics,
computed while the model trains. Numbers must be finite: leave out samples that were not recorded at
every epoch, which are NaN in the history of :class:`~sklearn_carto.TrainingDynamics`.
The two entropies take the probabilities of all classes, of shape (n_epochs, n_samples, n_classes).
"""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._entropies import mutual_information, predictive_entropy
from sklearn_carto._dynamics._observation import TINY
from sklearn_carto._dynamics._running import EARLY_EPOCHS, dual_window
from sklearn_carto._utils._arrays import as_numbers
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._typing import Array, ArrayLike
from sklearn_carto._utils._validation import Count, validate_params

__all__ = [
    "aleatoric",
    "aum",
    "confidence",
    "correctness",
    "dual",
    "el2n",
    "first_learned",
    "forgetting",
    "loss",
    "mutual_information",
    "predictive_entropy",
    "variability",
]


def confidence(true_proba: ArrayLike) -> Array:
    """Compute the mean over epochs of the predicted probability of the label.

    Parameters
    ----------
    true_proba : array-like of shape (n_samples, n_epochs)
        Predicted probability of the label of each sample after each epoch, in [0, 1].

    Returns
    -------
    confidence : ndarray of shape (n_samples,)
        Mean over epochs, in [0, 1].

    Raises
    ------
    ValueError
        If `true_proba` is not two-dimensional, has no epoch, or holds values outside [0, 1].

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.

    Examples
    --------
    >>> from sklearn_carto.metrics import confidence
    >>> confidence([[0.5, 1.0], [0.0, 0.5]])
    array([0.75, 0.25])
    """
    return _check_probabilities(true_proba, "confidence").mean(axis=1)


def variability(true_proba: ArrayLike) -> Array:
    """Compute the spread over epochs of the predicted probability of the label.

    Parameters
    ----------
    true_proba : array-like of shape (n_samples, n_epochs)
        Predicted probability of the label of each sample after each epoch, in [0, 1].

    Returns
    -------
    variability : ndarray of shape (n_samples,)
        Population standard deviation (``ddof=0``), in [0, 0.5].

    Raises
    ------
    ValueError
        If `true_proba` is not two-dimensional, has no epoch, or holds values outside [0, 1].

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.

    Examples
    --------
    >>> from sklearn_carto.metrics import variability
    >>> variability([[0.5, 0.5], [0.0, 1.0]])
    array([0. , 0.5])
    """
    return _check_probabilities(true_proba, "variability").std(axis=1)


def correctness(correct: ArrayLike) -> Array:
    """Compute the share of epochs at which the predicted class is the label.

    Parameters
    ----------
    correct : array-like of bool of shape (n_samples, n_epochs)
        Whether the predicted class, the most probable one, was the label of the sample; boolean, or
        exactly 0 and 1.

    Returns
    -------
    correctness : ndarray of shape (n_samples,)
        Share of epochs, in [0, 1]. The paper uses the count: this share times `n_epochs`.

    Raises
    ------
    ValueError
        If `correct` is not two-dimensional, has no epoch, or holds anything but booleans, 0 and 1.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.

    Examples
    --------
    >>> from sklearn_carto.metrics import correctness
    >>> correctness([[True, True], [False, True]])
    array([1. , 0.5])
    """
    return _check_correct(correct, "correctness").mean(axis=1)


def forgetting(correct: ArrayLike) -> Array:
    """Count how often a correct prediction became incorrect at the next epoch.

    Parameters
    ----------
    correct : array-like of bool of shape (n_samples, n_epochs)
        Whether the predicted class, the most probable one, was the label of the sample; boolean, or
        exactly 0 and 1.

    Returns
    -------
    forgetting : ndarray of shape (n_samples,)
        Number of forgetting events; infinite for samples that were never predicted correctly,
        which are the hardest: a count of 0 would rank them as the easiest.

    Raises
    ------
    ValueError
        If `correct` is not two-dimensional, has no epoch, or holds anything but booleans, 0 and 1.

    References
    ----------
    .. [1] M. Toneva et al., "An Empirical Study of Example Forgetting during Deep Neural Network
       Learning", ICLR 2019, section 3.

    Examples
    --------
    >>> from sklearn_carto.metrics import forgetting
    >>> forgetting([[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    array([ 2.,  0., inf])
    """
    correct = _check_correct(correct, "forgetting")
    events = (correct[:, :-1] & ~correct[:, 1:]).sum(axis=1)
    return np.where(correct.any(axis=1), events, np.inf)


def first_learned(correct: ArrayLike) -> Array:
    """Find the first epoch at which the predicted class is the label.

    Parameters
    ----------
    correct : array-like of bool of shape (n_samples, n_epochs)
        Whether the predicted class, the most probable one, was the label of the sample; boolean, or
        exactly 0 and 1.

    Returns
    -------
    first_learned : ndarray of shape (n_samples,)
        Epoch, counted from 0; infinite for samples that were never predicted correctly.

    Raises
    ------
    ValueError
        If `correct` is not two-dimensional, has no epoch, or holds anything but booleans, 0 and 1.

    Examples
    --------
    >>> from sklearn_carto.metrics import first_learned
    >>> first_learned([[0, 1, 0], [1, 1, 1], [0, 0, 0]])
    array([ 1.,  0., inf])
    """
    correct = _check_correct(correct, "first_learned")
    return np.where(correct.any(axis=1), correct.argmax(axis=1), np.inf)


def aum(margin: ArrayLike) -> Array:
    """Compute the area under the margin: the mean over epochs of the margin of the label.

    Parameters
    ----------
    margin : array-like of shape (n_samples, n_epochs)
        Logit of the label minus the largest other logit. For probabilities, the difference of
        their logarithms, which equals that of the logits of a softmax.

    Returns
    -------
    aum : ndarray of shape (n_samples,)
        Mean over epochs; negative for samples whose label mostly has a lower logit than another
        class.

    Raises
    ------
    ValueError
        If `margin` is not two-dimensional, has no epoch, or is not finite.

    References
    ----------
    .. [1] G. Pleiss et al., "Identifying Mislabeled Data using the Area Under the Margin Ranking",
       NeurIPS 2020, equation 1.

    Examples
    --------
    >>> from sklearn_carto.metrics import aum
    >>> aum([[1.0, 3.0], [-2.0, 0.0]])
    array([ 2., -1.])
    """
    return _check_epochs(margin, "margin", "aum").mean(axis=1)


@validate_params(n_first=[Count(1)])
def el2n(error_norm: ArrayLike, n_first: int = EARLY_EPOCHS) -> Array:
    """Compute the mean over the first epochs of the error norm (EL2N).

    Parameters
    ----------
    error_norm : array-like of shape (n_samples, n_epochs)
        Euclidean norm (not squared) of the class probabilities minus the one-hot label.
    n_first : int, default=10
        Number of epochs, from the first, to average over.

    Returns
    -------
    el2n : ndarray of shape (n_samples,)
        Mean error norm, in [0, sqrt(2)].

    Raises
    ------
    ValueError
        If `error_norm` is not two-dimensional, has no epoch, or holds values outside [0, sqrt(2)],
        or if `n_first` is below 1.

    References
    ----------
    .. [1] M. Paul et al., "Deep Learning on a Data Diet", NeurIPS 2021, section 2.

    Examples
    --------
    >>> from sklearn_carto.metrics import el2n
    >>> el2n([[1.0, 0.5, 0.0]], n_first=2)
    array([0.75])
    """
    return _check_range(error_norm, "error_norm", "el2n", np.sqrt(2))[:, :n_first].mean(axis=1)


def aleatoric(true_proba: ArrayLike) -> Array:
    """Compute the aleatoric uncertainty: the mean over epochs of p (1 - p).

    Parameters
    ----------
    true_proba : array-like of shape (n_samples, n_epochs)
        Predicted probability of the label of each sample after each epoch, in [0, 1].

    Returns
    -------
    aleatoric : ndarray of shape (n_samples,)
        Uncertainty in [0, 0.25], equal to confidence (1 - confidence) - variability squared.

    Raises
    ------
    ValueError
        If `true_proba` is not two-dimensional, has no epoch, or holds values outside [0, 1].

    References
    ----------
    .. [1] N. Seedat et al., "Data-IQ: Characterizing subgroups with heterogeneous outcomes in
       tabular data", NeurIPS 2022, section 4.

    Examples
    --------
    >>> from sklearn_carto.metrics import aleatoric
    >>> aleatoric([[0.5, 0.5], [0.0, 1.0]])
    array([0.25, 0.  ])
    """
    p = _check_probabilities(true_proba, "aleatoric")
    return (p * (1 - p)).mean(axis=1)


def loss(true_proba: ArrayLike) -> Array:
    """Compute the mean over epochs of the cross-entropy loss.

    Parameters
    ----------
    true_proba : array-like of shape (n_samples, n_epochs)
        Predicted probability of the label of each sample after each epoch, in [0, 1].

    Returns
    -------
    loss : ndarray of shape (n_samples,)
        Mean of -log p; p is clipped to the smallest normal float32, so that the loss is finite.

    Raises
    ------
    ValueError
        If `true_proba` is not two-dimensional, has no epoch, or holds values outside [0, 1].

    Examples
    --------
    >>> from sklearn_carto.metrics import loss
    >>> loss([[1.0, 1.0], [0.5, 0.5]]).round(3)
    array([0.   , 0.693])
    """
    return np.abs(np.log(np.maximum(_check_probabilities(true_proba, "loss"), TINY)).mean(axis=1))


@validate_params(window=[Count(2), None])
def dual(true_proba: ArrayLike, window: int | None = None) -> Array:
    """Compute the DUAL score: the mean over windows of the spread times (1 - mean).

    Parameters
    ----------
    true_proba : array-like of shape (n_samples, n_epochs)
        Predicted probability of the label of each sample after each epoch, in [0, 1].
    window : int, default=None
        Length of the sliding windows, at least 2; None: half the number of epochs, between 2 and
        10. If there are fewer epochs than that, they form one window.

    Returns
    -------
    dual : ndarray of shape (n_samples,)
        Score of difficulty and uncertainty; the spread is the sample standard deviation
        (``ddof=1``) of a window, as in [1]_. It is 0 if there is a single epoch.

    Raises
    ------
    ValueError
        If `true_proba` is not two-dimensional, has no epoch, or holds values outside [0, 1]; if
        `window` is below 2.

    References
    ----------
    .. [1] Y. Cho et al., "Lightweight Dataset Pruning without Full Training via Example Difficulty
       and Prediction Uncertainty", ICML 2025.

    Examples
    --------
    >>> from sklearn_carto.metrics import dual
    >>> dual([[0.5, 0.5, 0.5], [0.0, 1.0, 0.0]], window=2).round(3)
    array([0.   , 0.354])
    """
    p = _check_probabilities(true_proba, "dual")
    window = dual_window(p.shape[1]) if window is None else window
    if p.shape[1] < 2:
        return np.zeros(len(p))
    windows = np.lib.stride_tricks.sliding_window_view(p, min(window, p.shape[1]), axis=1)
    return (windows.std(axis=2, ddof=1) * (1 - windows.mean(axis=2))).mean(axis=1)


def _check_epochs(values, name, owner, flags=False):
    """Return an array of finite numbers with at least one epoch."""
    values = as_numbers(values, name, f"metrics.{owner}", ndim=2, finite=True, flags=flags)
    if values.shape[1] == 0:
        raise InvalidParameterError(
            f"The {name!r} parameter of metrics.{owner} must hold at least one epoch. Got shape "
            f"{values.shape} instead."
        )
    return values.astype(np.float64)


def _check_range(values, name, owner, high):
    values = _check_epochs(values, name, owner)
    if values.size and not (values.min() >= 0 and values.max() <= high + 1e-6):
        raise InvalidParameterError(
            f"The {name!r} parameter of metrics.{owner} must lie between 0 and {high:.4g}. Got "
            f"values in [{values.min():g}, {values.max():g}] instead."
        )
    return values


def _check_probabilities(true_proba, owner):
    return np.minimum(_check_range(true_proba, "true_proba", owner, 1), 1.0)


def _check_correct(correct, owner) -> Array:
    """Return a boolean array; 0 and 1 are taken for booleans, and nothing else is."""
    values = _check_epochs(correct, "correct", owner, flags=True)
    if not np.isin(values, (0, 1)).all():
        other = values[~np.isin(values, (0, 1))]
        raise InvalidParameterError(
            f"The 'correct' parameter of metrics.{owner} must be boolean, or exactly 0 and 1. Got "
            f"{np.unique(other)[:5].tolist()} in it."
        )
    return values.astype(bool)
