"""Confidence intervals of cross-validated differences."""

from __future__ import annotations

import numpy as np
from scipy.stats import t


def corrected_interval(values, test_ratio, level=0.95):
    """Mean over splits with the interval of the corrected resampled t-test.

    Training sets of different splits overlap, so that their scores are not independent; the
    correction widens the interval by the ratio of test to training rows.

    Parameters
    ----------
    values : array-like of shape (n_splits,)
        One number a split: a score, or a difference of two.
    test_ratio : float
        Test rows for each training row of a split.
    level : float, default=0.95
        Of the interval.

    Returns
    -------
    mean, low, high : float
        NaN for the borders of fewer than two splits.

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
