"""Numbers of rows: shares of a data set, and quotas of classes with an exact total."""

from __future__ import annotations

from numbers import Real

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import is_flag


def check_frac(frac, name="frac"):
    """Raise an error if a share of the rows does not lie in (0, 1]."""
    if not isinstance(frac, Real) or is_flag(frac):
        raise InvalidParameterError(f"{name} must be a number in (0, 1]; got {frac!r}.")
    share = float(frac)
    if not 0 < share <= 1:
        hint = f" For {frac} % write {share / 100}." if 1 < share <= 100 else ""
        raise InvalidParameterError(f"{name} must lie in (0, 1]; got {frac!r}.{hint}")


def n_rows_of(frac, n_samples):
    """Return the number of rows in a share of the data: rounded by ``round``, at least one."""
    return max(1, round(frac * n_samples))


def largest_remainder(total, weights, rng):
    """Divide an integer in proportion to weights, by the method of largest remainders.

    Parameters
    ----------
    total : int
        Integer to divide.
    weights : array-like of shape (n_parts,)
        Weights, non-negative and not all zero.
    rng : RandomState
        Breaks ties between remainders.

    Returns
    -------
    parts : ndarray of shape (n_parts,)
        Integers that sum to `total`, each within 1 of its exact share.

    Examples
    --------
    >>> largest_remainder(10, [60, 30, 15], np.random.RandomState(0))
    array([6, 3, 1])
    """
    weights = np.asarray(weights)
    exact = total * weights / weights.sum()
    # rounding removes the error of the division, far below 1e-9 for totals below 1e6
    parts = np.floor(exact.round(9)).astype(np.int64)
    remainders = (exact - parts).round(9)
    order = np.lexsort((rng.random_sample(len(parts)), -remainders))
    parts[order[: total - parts.sum()]] += 1
    return parts


def class_quotas(n_rows, counts, rng):
    """Divide rows between classes: one for each class, the rest in proportion to `counts`.

    `n_rows` is at most the sum of `counts`, which are at least 1. No class gets more than its
    count. If there are fewer rows than classes, the largest classes get one row each. `rng` breaks
    ties.

    Examples
    --------
    >>> class_quotas(10, [80, 19, 1], np.random.RandomState(0))
    array([7, 2, 1])
    """
    counts = np.asarray(counts)
    n_classes = len(counts)
    if n_rows < n_classes:
        largest = np.lexsort((rng.random_sample(n_classes), -counts))[:n_rows]
        return np.isin(np.arange(n_classes), largest).astype(np.int64)
    if n_rows == n_classes or counts.sum() == n_classes:
        return np.ones(n_classes, dtype=np.int64)
    return 1 + largest_remainder(n_rows - n_classes, counts - 1, rng)
