"""Synthetic data sets whose easy, ambiguous and mislabelled samples are known."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._typing import Array, RandomStateType
from sklearn_carto._utils._validation import Count, Number, validate_params

__all__ = ["make_cartography"]


@validate_params(
    n_samples=[Count(1)],
    n_classes=[Count(2)],
    n_features=[Count(2)],
    frac_ambiguous=[Number(0, 1)],
    frac_mislabelled=[Number(0, 1)],
    random_state=["random_state"],
)
def make_cartography(
    n_samples: int = 600,
    *,
    n_classes: int = 3,
    n_features: int = 8,
    frac_ambiguous: float = 0.2,
    frac_mislabelled: float = 0.1,
    random_state: RandomStateType = None,
) -> tuple[Array, Array, Array]:
    """Generate a classification problem with easy, ambiguous and mislabelled samples.

    Each class is a normal cluster around its center. Easy samples lie near the center of their
    class, ambiguous samples half way between it and the center of another class; mislabelled
    samples lie near the center of their class but have the label of another class.

    Parameters
    ----------
    n_samples : int, default=600
        Number of samples, at least 1.
    n_classes : int, default=3
        Number of classes, at least 2 and at most `n_features`.
    n_features : int, default=8
        Number of features, at least 2.
    frac_ambiguous : float, default=0.2
        Share of ambiguous samples, in [0, 1].
    frac_mislabelled : float, default=0.1
        Share of mislabelled samples, in [0, 1].
    random_state : int, RandomState instance or None, default=None
        Determines the random numbers of the data set. Pass an int for the same samples at each
        call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        The samples.
    y : ndarray of shape (n_samples,)
        Labels from 0 to n_classes - 1; those of mislabelled samples are wrong.
    kind : ndarray of shape (n_samples,)
        ``"easy"``, ``"ambiguous"`` or ``"mislabelled"`` for each sample.

    Raises
    ------
    ValueError
        If an argument is out of range, or the shares sum to more than 1.

    Examples
    --------
    >>> from sklearn_carto.datasets import make_cartography
    >>> X, y, kind = make_cartography(100, random_state=0)
    >>> X.shape, int((kind == "ambiguous").sum()), int((kind == "mislabelled").sum())
    ((100, 8), 20, 10)
    """
    if n_classes > n_features:
        raise InvalidParameterError(
            "The 'n_classes' parameter of make_cartography must not exceed n_features="
            f"{n_features}, since each class has an axis of its own. Got {n_classes} instead."
        )
    n_ambiguous, n_mislabelled = (round(f * n_samples) for f in (frac_ambiguous, frac_mislabelled))
    if n_ambiguous + n_mislabelled > n_samples:
        raise InvalidParameterError(
            "The 'frac_ambiguous' and 'frac_mislabelled' parameters of make_cartography must not "
            f"exceed 1 together. Got {frac_ambiguous} and {frac_mislabelled} instead."
        )
    rng = check_random_state(random_state)
    kind = np.repeat(
        ["ambiguous", "mislabelled", "easy"],
        [n_ambiguous, n_mislabelled, n_samples - n_ambiguous - n_mislabelled],
    )
    rng.shuffle(kind)
    # centers are 4 * sqrt(2) = 5.7 apart, 8 standard deviations of a cluster: easy samples of
    # different classes do not overlap
    centers = 4.0 * np.eye(n_classes, n_features)
    truth = rng.randint(n_classes, size=n_samples)
    other = (truth + rng.randint(1, n_classes, size=n_samples)) % n_classes
    ambiguous = (kind == "ambiguous")[:, None]
    middle = np.where(ambiguous, (centers[truth] + centers[other]) / 2, centers[truth])
    X = middle + rng.normal(scale=0.7, size=(n_samples, n_features))
    return X, np.where(kind == "mislabelled", other, truth), kind
