"""Confidence intervals of cross-validated scores."""

from __future__ import annotations

import numpy as np
from scipy.stats import t


def corrected_interval(values, correction, level=0.95):
    """Mean over splits, with the interval of the corrected resampled t-test.

    The scores of different splits are correlated, since their samples overlap. If the correlation
    is ``rho``, the variance of the mean is that of a score times ``1 / n_splits + rho / (1 - rho)``
    [1]_.

    Parameters
    ----------
    values : array-like of shape (n_splits,)
        A score, or the difference of two scores, for each split; NaN is left out.
    correction : float
        ``rho / (1 - rho)``. For scores on test sets of the splits, Nadeau and Bengio [1]_ take the
        ratio of test to training samples; for an external test set, see :func:`overlap_correction`.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    mean, low, high : float
        Mean, lower and upper end. The ends are NaN if there are fewer than two splits, or if the
        correction is infinite; the mean is NaN if there is none.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning 52,
       2003, section 3.

    Examples
    --------
    >>> [round(float(value), 3) for value in corrected_interval([0.1, 0.2, 0.3], 0.5)]
    [0.2, -0.193, 0.593]
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    n_splits = len(values)
    if n_splits < 2 or not np.isfinite(correction):
        return values.mean() if n_splits else np.nan, np.nan, np.nan
    mean = values.mean()
    error = np.sqrt((1 / n_splits + correction) * values.var(ddof=1))
    half = t.ppf((1 + level) / 2, n_splits - 1) * error
    return mean, mean - half, mean + half


def overlap_correction(overlap, n_random_seeds=None):
    """Correction for scores on an external test set, which is the same in every split.

    Only the training sets vary between splits. To first order, a score is a mean of contributions
    of the training samples, so that two splits correlate by the share of training samples that they
    have in common: ``rho = overlap``. For K folds it is ``(K - 2) / (K - 1)``; the interval is then
    that of the jackknife that deletes a fold. Training also varies for reasons that splits do not
    share, such as seeds, so that the interval is conservative. The ratio of test to training
    samples would be the correlation of overlapping test sets, and far too small here.

    For the difference to a random subset, drawn anew for each of s seeds, half of the variance (a
    part ``1 / (s + 1)``) is that of independent draws: ``rho = overlap * s / (s + 1)``.

    Parameters
    ----------
    overlap : float
        Mean share of the training samples that two splits have in common.
    n_random_seeds : int, default=None
        Number of random subsets of a split, for the difference to a random subset.

    Returns
    -------
    correction : float
        ``rho / (1 - rho)``, infinite if all splits have the same training set.

    Examples
    --------
    >>> overlap_correction(0.75)
    3.0
    >>> overlap_correction(0.75, n_random_seeds=1)
    0.6
    """
    rho = overlap if n_random_seeds is None else overlap * n_random_seeds / (n_random_seeds + 1)
    return rho / (1 - rho) if rho < 1 else np.inf


def training_overlap(training_sets, n_samples):
    """Return the mean share of the training samples that two splits have in common.

    Parameters
    ----------
    training_sets : list of ndarray of int
        Positions of the training samples of each split.
    n_samples : int
        Number of samples.

    Returns
    -------
    overlap : float
        In [0, 1]; NaN if there are fewer than two splits.

    Examples
    --------
    >>> training_overlap([np.array([0, 1]), np.array([1, 2])], 3)
    0.5
    """
    n_splits = len(training_sets)
    if n_splits < 2:
        return np.nan
    counts = np.zeros((n_splits, n_samples), dtype=np.float32)
    for of_split, rows in zip(counts, training_sets, strict=True):
        of_split[rows] = 1 / np.sqrt(len(rows))
    shared = counts.astype(float) @ counts.T
    return round(float(shared[np.triu_indices(n_splits, 1)].mean()), 6)
