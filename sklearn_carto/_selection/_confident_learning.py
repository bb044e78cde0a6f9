"""How many labels of each class are wrong: the count of confident learning."""

from __future__ import annotations

import numpy as np

MOST = 0.5  # a cut never takes more of a class than this share


def confident_issues(probabilities, y_encoded):
    """Find the rows whose label confident learning takes for another class.

    A row belongs with confidence to each class whose probability reaches the mean probability
    that this class gets on the rows labelled so; of several the most probable counts. Where that
    is not the row's label, the row is an issue.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of models that did not train on the row, in [0, 1].
    y_encoded : ndarray of shape (n_samples,)
        Column of each row's label.

    Returns
    -------
    issues : ndarray of shape (n_samples,) of bool
        True where the label is in doubt.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in
       Dataset Labels", JAIR 70, 2021, section 3.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9], [0.85, 0.15]])
    >>> confident_issues(p, np.array([0, 0, 1, 1]))
    array([False, False, False,  True])
    """
    n_samples, n_classes = probabilities.shape
    own = probabilities[np.arange(n_samples), y_encoded]
    counts = np.bincount(y_encoded, minlength=n_classes)
    sums = np.bincount(y_encoded, weights=own, minlength=n_classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    # a mean of equal numbers may exceed each of them by a rounding error
    confident = np.where(probabilities >= thresholds - 1e-6, probabilities, -np.inf)
    best = confident.argmax(axis=1)
    return np.isfinite(confident.max(axis=1)) & (best != y_encoded)


def estimated_cut(probabilities, classes, y_encoded):
    """Count the share of each class whose labels are in doubt.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of models that did not train on the row.
    classes : ndarray of shape (n_classes,)
        The labels, one a column.
    y_encoded : ndarray of shape (n_samples,)
        Column of each row's label.

    Returns
    -------
    cut : dict of class to float
        Share of each class, at most one half.
    """
    issues = confident_issues(probabilities, y_encoded)
    n_issues = np.bincount(y_encoded[issues], minlength=len(classes))
    shares = n_issues / np.maximum(np.bincount(y_encoded, minlength=len(classes)), 1)
    return dict(zip(classes.tolist(), np.minimum(shares, MOST).tolist(), strict=True))
