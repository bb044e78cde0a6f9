"""Confident learning: an estimate of the share of wrong labels in each class."""

from __future__ import annotations

import numpy as np


def confident_issues(probabilities, y_encoded):
    """Find the samples whose label is probably wrong, according to confident learning.

    The threshold of a class is the mean probability that the samples with this label have for it.
    A sample is assigned to the most probable of the classes whose threshold it reaches. It is an
    issue if that class is not its label.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Out-of-fold predicted probabilities, in [0, 1].
    y_encoded : ndarray of shape (n_samples,)
        Labels, encoded as 0 to n_classes - 1.

    Returns
    -------
    issues : ndarray of shape (n_samples,) of bool
        True where the label is probably wrong.

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
    best = confident_classes(probabilities, y_encoded)
    return (best >= 0) & (best != y_encoded)


def confident_classes(probabilities, y_encoded):
    """Assign each sample to the most probable of the classes whose threshold it reaches, or -1.

    For the parameters and the thresholds see :func:`confident_issues`.
    """
    n_samples, n_classes = probabilities.shape
    own = probabilities[np.arange(n_samples), y_encoded]
    counts = np.bincount(y_encoded, minlength=n_classes)
    sums = np.bincount(y_encoded, weights=own, minlength=n_classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    # the mean of equal numbers may exceed them by a rounding error, in float32 of about 1e-7
    confident = np.where(probabilities >= thresholds - 1e-6, probabilities, -np.inf)
    return np.where(np.isfinite(confident.max(axis=1)), confident.argmax(axis=1), -1)


def count_label_issues(probabilities, y_encoded):
    """Count the samples of each class that confident learning prunes by noise rate.

    The confident joint, whose entry (i, j) counts the samples with label i that are confidently of
    class j, is scaled to the number of samples of each label. Of label i, its entry (i, j) is the
    number of samples with the highest difference of the probabilities of j and i that are pruned
    [1]_, unless their label is the most probable one.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Out-of-fold predicted probabilities, in [0, 1].
    y_encoded : ndarray of shape (n_samples,)
        Labels, encoded as 0 to n_classes - 1.

    Returns
    -------
    counts : ndarray of shape (n_classes,)
        Number of samples of each label.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in
       Dataset Labels", JAIR 70, 2021, sections 3.1 and 3.2 (prune by noise rate).
    """
    n_samples, n_classes = probabilities.shape
    confident = confident_classes(probabilities, y_encoded)
    pruned = np.zeros(n_samples, dtype=bool)
    for label in range(n_classes):
        rows = np.flatnonzero(y_encoded == label)
        assigned = confident[rows]
        counts = np.bincount(assigned[assigned >= 0], minlength=n_classes)
        if not counts.sum():
            continue
        wanted = np.rint(counts / counts.sum() * len(rows)).astype(int)
        for other in np.flatnonzero(wanted):
            if other == label:
                continue
            gain = probabilities[rows, other] - probabilities[rows, label]
            pruned[rows[np.argsort(-gain, kind="stable")[: wanted[other]]]] = True
    pruned &= probabilities.argmax(axis=1) != y_encoded
    return np.bincount(y_encoded[pruned], minlength=n_classes)
