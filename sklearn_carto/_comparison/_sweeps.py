"""The sweeps of Dataset Cartography: fractions, and replacement of one region by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_carto._comparison._arguments import check_settings, check_shares
from sklearn_carto._comparison._compare_subsets import compare_subsets
from sklearn_carto._maps._regions import describe_region, parse_region
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._typing import ArrayLike, Container, Estimator, Region
from sklearn_carto._utils._validation import Number, describe, validate_params

if TYPE_CHECKING:
    from sklearn_carto._comparison._subset_comparison import SubsetComparison

_OWN = ("estimator", "X", "y", "regions", "fracs")  # parameters that the sweeps set themselves


def sweep_fractions(
    estimator: Estimator,
    X: Container,
    y: ArrayLike,
    *,
    regions: Sequence[Region] = ("ambiguous",),
    fracs: Sequence[float] = (0.5, 0.33, 0.25, 0.17, 0.1, 0.05, 0.01),
    **settings: Any,
) -> SubsetComparison:
    """Compare regions at several fractions of the training set.

    Each region is compared, at each fraction, with a random subset of the same size and with the
    full training set. All of them share the data maps.

    Parameters
    ----------
    estimator : estimator
        The classifier to fit on the subsets.
    X : container of shape (n_samples, n_features)
        The samples.
    y : array-like of shape (n_samples,)
        Labels.
    regions : list of regions, default=("ambiguous",)
        The regions to compare, see :meth:`DataMap.select`.
    fracs : sequence of float, default=(0.5, 0.33, 0.25, 0.17, 0.1, 0.05, 0.01)
        Shares of the training set to keep, each in (0, 1]. The default is that of [1]_.
    **settings : dict
        Further parameters of :func:`compare_subsets`, such as `params`, `groups` and `cv`.

    Returns
    -------
    comparison : SubsetComparison
        Its plot shows the scores against the fraction.

    See Also
    --------
    sweep_replacement : Replace part of a region by another one.

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
    check_settings(settings, compare_subsets, taken=_OWN, owner="sweep_fractions")
    return compare_subsets(estimator, X, y, regions=regions, fracs=fracs, **settings)


@validate_params(frac=[Number(0, 1, closed="right")])
def sweep_replacement(
    estimator: Estimator,
    X: Container,
    y: ArrayLike,
    *,
    region: Region = "ambiguous",
    replacement: Region = "easy",
    frac: float = 0.17,
    shares: Sequence[float] = (0.0, 0.1, 0.2, 0.25, 0.33, 0.5, 1.0),
    **settings: Any,
) -> SubsetComparison:
    """Compare mixtures of two regions at a fixed fraction of the training set.

    A model may not converge on few ambiguous samples alone. Part of them is therefore replaced by
    easy ones [1]_.

    Parameters
    ----------
    estimator : estimator
        The classifier to fit on the subsets.
    X : container of shape (n_samples, n_features)
        The samples.
    y : array-like of shape (n_samples,)
        Labels.
    region, replacement : str or callable, default="ambiguous", "easy"
        The region, and the one that replaces part of it; see :meth:`DataMap.select`.
    frac : float, default=0.17
        Share of the training set to keep, in (0, 1], the same for all mixtures.
    shares : sequence of float, default=(0.0, 0.1, 0.2, 0.25, 0.33, 0.5, 1.0)
        Shares of the selected samples that are replaced, each in [0, 1].
    **settings : dict
        Further parameters of :func:`compare_subsets`, such as `params`, `groups` and `cv`.

    Returns
    -------
    comparison : SubsetComparison
        `results_` has a column `replaced` with these shares, NaN for the full set and random. Its
        plot shows the scores against them.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1], or is less than one sample; if region and replacement are
        the same; and where :func:`compare_subsets` raises.

    See Also
    --------
    sweep_fractions : Compare regions at several fractions.

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
    owner = "sweep_replacement"
    check_settings(settings, compare_subsets, taken=_OWN, owner=owner)
    for name, one in (("region", region), ("replacement", replacement)):
        if isinstance(one, Mapping):
            raise InvalidParameterError(
                f"The {name!r} parameter of {owner} must be a str or a callable. Got "
                f"{describe(one)} instead. To compare mixtures of your own, pass them to "
                "compare_subsets as regions."
            )
        parse_region(one)
    if region == replacement:
        raise InvalidParameterError(
            f"The 'region' and 'replacement' parameters of {owner} must differ. Got {region!r} for "
            "both."
        )
    shares = check_shares(shares, "shares", owner, zero_allowed=True)
    mixtures = {share: _mixture(region, replacement, share) for share in shares}
    comparison = compare_subsets(
        estimator, X, y, regions=list(mixtures.values()), fracs=(frac,), **settings
    )
    shares_by_name = {describe_region(mixture): share for share, mixture in mixtures.items()}
    names = comparison.results_["region"].tolist()
    comparison.results_["replaced"] = np.array([shares_by_name.get(name, np.nan) for name in names])
    return comparison


def _mixture(region, replacement, share):
    if share in (0, 1):
        return replacement if share else region
    return {region: 1 - share, replacement: share}
