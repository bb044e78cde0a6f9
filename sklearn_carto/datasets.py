"""Rows of known kind: the oracle of tests and examples."""

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
    """Make a classification task in which the kind of each row is known.

    Each class is a ball around its own centre. Easy rows lie near their centre; ambiguous rows lie
    half way between their own centre and that of another class; mislabelled rows lie near their
    centre but carry the label of another class.

    Parameters
    ----------
    n_samples : int, default=600
        Number of rows.
    n_classes : int, default=3
        Number of classes, at least 2 and at most `n_features`.
    n_features : int, default=8
        Number of features.
    frac_ambiguous : float, default=0.2
        Share of ambiguous rows.
    frac_mislabelled : float, default=0.1
        Share of mislabelled rows.
    random_state : int, RandomState instance or None, default=None
        Draws the rows.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Rows.
    y : ndarray of shape (n_samples,)
        Labels 0..n_classes-1, those of mislabelled rows wrong.
    kind : ndarray of shape (n_samples,)
        ``"easy"``, ``"ambiguous"`` or ``"mislabelled"``.

    Raises
    ------
    ValueError
        If shares leave [0, 1], or the number of classes is out of range.

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
    centres = 4.0 * np.eye(n_classes, n_features)
    truth = rng.randint(n_classes, size=n_samples)
    other = (truth + rng.randint(1, n_classes, size=n_samples)) % n_classes
    ambiguous = (kind == "ambiguous")[:, None]
    middle = np.where(ambiguous, (centres[truth] + centres[other]) / 2, centres[truth])
    X = middle + rng.normal(scale=0.7, size=(n_samples, n_features))
    return X, np.where(kind == "mislabelled", other, truth), kind
