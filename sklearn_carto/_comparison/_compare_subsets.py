"""compare_subsets: scores of a model that is fitted on different parts of the training set."""

from __future__ import annotations

import numpy as np
from sklearn.frozen import FrozenEstimator

from sklearn_carto._comparison._subset_comparison import SubsetComparison
from sklearn_carto._comparison._trials import Plan, Trial, run_trials
from sklearn_carto._maps._regions import describe_region, parse_region
from sklearn_carto._selection._distilled import complete_selector, default_selector
from sklearn_carto._selection._selector import DataMapSelector

# the training sets of Dataset Cartography, section 3, besides the full set and random
PAPER_REGIONS = (
    "high-confidence",
    "low-variability",
    "high-correctness",
    "low-correctness",
    "ambiguous",
)


def compare_subsets(
    estimator,
    X,
    y,
    *,
    selector=None,
    regions=("easy", "ambiguous", "hard"),
    fracs=(0.33,),
    cv=None,
    groups=None,
    scoring=None,
    ood=None,
    n_seeds=1,
    match="epochs",
    error_score="raise",
    n_jobs=None,
    random_state=None,
    verbose=0,
):
    """Compare the scores of a classifier that is fitted on different regions of the data map.

    For each split and seed, the data map of the training set is drawn and shared by all regions and
    fractions; drawn before the split, it would leak information from the test set. The classifier
    is fitted on each subset, on the full training set, and on a random subset of the same size, and
    evaluated on the same test set.

    Parameters
    ----------
    estimator : estimator
        The classifier to fit on the subsets.
    X : container of shape (n_samples, n_features)
        The samples.
    y : array-like of shape (n_samples,)
        Labels.
    selector : DataMapSelector, default=None
        Its proxy model (the model whose training dynamics are recorded), `noise_cut`, `stratify`,
        `memory` and the parameters of "auto" are used; `region`, `frac` and `random_state` are
        ignored. None: ``DataMapSelector(estimator)`` if the estimator can be watched, else
        ``DataMapSelector()``.
    regions : list of regions, or "paper", default=("easy", "ambiguous", "hard")
        The regions to compare, see :meth:`DataMap.select`; "auto" is allowed, see
        :class:`DataMapSelector`. "paper": the seven training sets of [1]_, selected without
        stratification as there.
    fracs : sequence of float, default=(0.33,)
        Shares of the training set to keep, each in (0, 1].
    cv : int, cross-validation generator or iterable, default=None
        Determines the cross-validation splitting strategy. None: stratified 5-fold (stratified
        group 5-fold if `groups` is given).
    groups : array-like of shape (n_samples,), default=None
        Group labels for the samples, used while splitting the data set.
    scoring : str, callable, list, tuple or dict, default=None
        One or several metrics, as in :func:`~sklearn.model_selection.cross_validate`. None: `score`
        of the estimator.
    ood : mapping of str to (X, y), default=None
        Out-of-distribution data sets, on which each model is evaluated too.
    n_seeds : int, default=1
        Number of repetitions of each split with different seeds of the proxy model, the classifier
        and the random selections.
    match : {"epochs", "steps"}, default="epochs"
        What all fits have in common. "epochs": the number of epochs, so that a fit on a subset has
        fewer steps. "steps": the number of steps; `max_iter`, `max_epochs` or `n_epochs`, and
        `n_iter_no_change`, are increased in proportion.
    error_score : "raise" or float, default="raise"
        Value to assign to the scores if an error occurs in fitting or scoring, with a warning. If
        set to "raise", the error is raised.
    n_jobs : int, default=None
        Number of splits and seeds that run in parallel. It does not affect the result.
    random_state : int, RandomState instance or None, default=None
        Determines the seed of each split and repetition. Pass an int for reproducible output across
        multiple function calls.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    comparison : SubsetComparison
        The scores, to print, to plot, or to read from `results_`.

    Raises
    ------
    ValueError
        If a region is unknown, a fraction is out of range, an out-of-distribution data set holds
        labels that `y` does not, or the selector holds a frozen map.
    TypeError
        If `ood` is not a mapping.
    NotWatchableError
        If the estimator is a regressor.

    Warns
    -----
    DegenerateMapWarning
        If maps are uninformative; raised once, with the number of uninformative maps.
    FitFailedWarning
        If fitting or scoring failed and `error_score` is a number.

    See Also
    --------
    DistilledClassifier : Fit a classifier on the region with the best score.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 3 and table 2.
    .. [2] C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning 52,
       2003.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_carto import compare_subsets
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_subsets(
    ...     LogisticRegression(max_iter=1000), X, y, regions=["ambiguous"], random_state=0
    ... )
    >>> sorted(set(comparison.results_["region"].tolist()))
    ['ambiguous', 'full', 'random']
    """
    selector = check_selector(selector, estimator, scoring)
    if isinstance(regions, str):
        selector.set_params(stratify=False)  # as in the paper
    plan = Plan(
        {"estimator": estimator},
        {"selector": selector},
        _make_trials(regions, fracs),
        scoring=scoring,
        ood=ood,
        error_score=error_score,
        match=match,
    )
    results, test_ratio = run_trials(
        plan,
        X,
        y,
        cv=cv,
        groups=groups,
        n_seeds=n_seeds,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return SubsetComparison(results, test_ratio, stratify=selector.stratify, match=match)


def check_selector(selector, estimator, scoring):
    """Check and clone the selector of a comparison.

    Unless the selector has them, the estimator to fit becomes the final estimator of "auto", and a
    single metric becomes its metric. None is replaced by the default selector.
    """
    selector = default_selector(estimator) if selector is None else selector
    if not isinstance(selector, DataMapSelector):
        raise TypeError(
            "The 'selector' parameter must be a DataMapSelector; got "
            f"{type(selector).__name__}. To choose the proxy model, pass DataMapSelector(proxy)."
        )
    if isinstance(selector.estimator, FrozenEstimator):
        raise ValueError(
            "The 'selector' parameter must not hold a frozen map, which was fitted on the test "
            "samples too. Pass the CartographyClassifier itself, not frozen."
        )
    selector = complete_selector(selector, estimator)
    if selector.scoring is None and (isinstance(scoring, str) or callable(scoring)):
        selector.set_params(scoring=scoring)
    return selector


def _make_trials(regions, fracs):
    """List the full training set and, for each fraction, random and the other regions."""
    if isinstance(regions, str):
        if regions != "paper":
            raise ValueError(
                f"The 'regions' parameter must be a list of regions or 'paper'; got {regions!r}."
            )
        regions = PAPER_REGIONS
    by_name: dict[str, object] = {"full": None, "random": "random"}
    for region in regions:
        if isinstance(region, str) and region == "full":
            continue
        if region != "auto":
            parse_region(region)
        name = describe_region(region)
        if by_name.setdefault(name, region) != region:
            raise ValueError(f"Two different regions have the name {name!r}. Rename one of them.")
    fracs = [fracs] if np.isscalar(fracs) else list(fracs)
    for frac in fracs:
        if not 0 < frac <= 1:
            raise ValueError(f"The 'fracs' parameter must contain floats in (0, 1]; got {frac!r}.")
    subsets = [
        Trial(name, "selector", region, float(frac))
        for frac in fracs
        for name, region in by_name.items()
        if name != "full"
    ]
    return [Trial("full", "selector", None, 1.0), *subsets]
