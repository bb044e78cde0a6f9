"""Synthetic data sets whose easy, ambiguous and mislabelled samples are known."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

__all__ = ["make_cartography"]


def make_cartography(
    n_samples=600,
    *,
    n_classes=3,
    n_features=8,
    frac_ambiguous=0.2,
    frac_mislabelled=0.1,
    random_state=None,
):
    """Generate a classification problem with easy, ambiguous and mislabelled samples.

    Each class is a normal cluster around its center. Easy samples lie near the center of their
    class, ambiguous samples half way between it and the center of another class; mislabelled
    samples lie near the center of their class but have the label of another class.

    Parameters
    ----------
    n_samples : int, default=600
        Number of samples.
    n_classes : int, default=3
        Number of classes, at least 2 and at most `n_features`.
    n_features : int, default=8
        Number of features.
    frac_ambiguous : float, default=0.2
        Share of ambiguous samples.
    frac_mislabelled : float, default=0.1
        Share of mislabelled samples.
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
        If a share is negative, the shares sum to more than 1, or `n_classes` is out of range.

    Examples
    --------
    >>> from sklearn_carto.datasets import make_cartography
    >>> X, y, kind = make_cartography(100, random_state=0)
    >>> X.shape, int((kind == "ambiguous").sum()), int((kind == "mislabelled").sum())
    ((100, 8), 20, 10)
    """
    if not 2 <= n_classes <= n_features:
        raise ValueError(f"n_classes must lie in [2, n_features={n_features}]; got {n_classes}.")
    n_ambiguous, n_mislabelled = (round(f * n_samples) for f in (frac_ambiguous, frac_mislabelled))
    if min(n_ambiguous, n_mislabelled) < 0 or n_ambiguous + n_mislabelled > n_samples:
        raise ValueError(
            "frac_ambiguous and frac_mislabelled must not be negative nor exceed 1 together; got "
            f"{frac_ambiguous} and {frac_mislabelled}."
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
