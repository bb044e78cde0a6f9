"""Confidence intervals of cross-validated scores."""

from __future__ import annotations

import numpy as np
from scipy.stats import t


def corrected_interval(values, test_ratio, level=0.95):
    """Mean over splits, with the interval of the corrected resampled t-test.

    Training sets of different splits overlap, so that their scores are correlated. The correction
    adds the ratio of test to training samples to the inverse number of splits in the variance of
    the mean [1]_.

    Parameters
    ----------
    values : array-like of shape (n_splits,)
        A score, or the difference of two scores, for each split.
    test_ratio : float
        Ratio of test to training samples in a split.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    mean, low, high : float
        Mean, lower and upper end. The ends are NaN if there are fewer than two splits.

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
    n_splits, mean = len(values), values.mean()
    if n_splits < 2:
        return mean, np.nan, np.nan
    error = np.sqrt((1 / n_splits + test_ratio) * values.var(ddof=1))
    half = t.ppf((1 + level) / 2, n_splits - 1) * error
    return mean, mean - half, mean + half
