"""The paper's sweeps: over the share of rows, and over what stands in for ambiguous rows."""

from __future__ import annotations

import numpy as np

from sklearn_carto._comparison._compare_subsets import compare_subsets
from sklearn_carto._maps._regions import describe_region


def sweep_fractions(
    estimator,
    X,
    y,
    *,
    regions=("ambiguous",),
    fracs=(0.5, 0.33, 0.25, 0.17, 0.1, 0.05, 0.01),
    **settings,
):
    """Ask how few rows of a region are enough.

    Each region is compared at each fraction with a random subset of the same size and with the full
    set; all share the maps.

    Parameters
    ----------
    estimator : estimator
        The classifier that is trained on the subsets.
    X : container of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Labels.
    regions : list of regions, default=("ambiguous",)
        What to compare, see :meth:`DataMap.select`.
    fracs : sequence of float, default=(0.5, 0.33, 0.25, 0.17, 0.1, 0.05, 0.01)
        Shares of the training fold, each in (0, 1]; the default are the paper's.
    **settings : dict
        Further parameters of :func:`compare_subsets`.

    Returns
    -------
    comparison : SubsetComparison
        Its plot draws scores over fractions.

    See Also
    --------
    sweep_replacement : The other sweep.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 4 and figure 3 (left).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_carto import sweep_fractions
    >>> X, y = load_iris(return_X_y=True)
    >>> sweep = sweep_fractions(
    ...     LogisticRegression(max_iter=1000), X, y, fracs=(0.5, 0.1), cv=3, random_state=0
    ... )
    >>> sorted(set(sweep.results_["frac"].tolist()))
    [0.1, 0.5, 1.0]
    """
    return compare_subsets(estimator, X, y, regions=regions, fracs=fracs, **settings)


def sweep_replacement(
    estimator,
    X,
    y,
    *,
    region="ambiguous",
    replacement="easy",
    frac=0.17,
    shares=(0.0, 0.1, 0.2, 0.25, 0.33, 0.5, 1.0),
    **settings,
):
    """Ask how much of a region to replace by another, at a fixed budget.

    Few ambiguous rows alone may not be enough to learn anything; the paper replaces part of them by
    easy ones.

    Parameters
    ----------
    estimator : estimator
        The classifier that is trained on the subsets.
    X : container of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Labels.
    region, replacement : str or callable, default="ambiguous", "easy"
        What is replaced, and by what; see :meth:`DataMap.select`.
    frac : float, default=0.17
        Share of the training fold that all subsets have, in (0, 1].
    shares : sequence of float, default=(0.0, 0.1, 0.2, 0.25, 0.33, 0.5, 1.0)
        Shares of the budget that are replaced, each in [0, 1].
    **settings : dict
        Further parameters of :func:`compare_subsets`.

    Returns
    -------
    comparison : SubsetComparison
        `results_` has a column `replaced` with these shares, NaN for the full set and random; its
        plot draws scores over them.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1], or stands for less than a row.

    See Also
    --------
    sweep_fractions : The other sweep.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 4 and figure 3 (right).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_carto import sweep_replacement
    >>> X, y = load_iris(return_X_y=True)
    >>> sweep = sweep_replacement(
    ...     LogisticRegression(max_iter=1000), X, y, shares=(0, 0.5), cv=3, random_state=0
    ... )
    >>> list(dict.fromkeys(sweep.results_["region"].tolist()))
    ['full', 'random', 'ambiguous', '50% ambiguous + 50% easy']
    """
    for share in shares:
        if not 0 <= share <= 1:
            raise ValueError(f"shares must lie in [0, 1]; got {share!r}.")
    mixtures = {share: _mixture(region, replacement, share) for share in dict.fromkeys(shares)}
    comparison = compare_subsets(
        estimator, X, y, regions=list(mixtures.values()), fracs=(frac,), **settings
    )
    share_of = {describe_region(mixture): share for share, mixture in mixtures.items()}
    names = comparison.results_["region"].tolist()
    comparison.results_["replaced"] = np.array([share_of.get(name, np.nan) for name in names])
    return comparison


def _mixture(region, replacement, share):
    if share in (0, 1):
        return replacement if share else region
    return {region: 1 - share, replacement: share}
