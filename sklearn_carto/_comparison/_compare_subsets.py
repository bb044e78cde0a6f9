"""compare_subsets: does a model learn as much from fewer rows? In and out of distribution."""

from __future__ import annotations

import numpy as np
from sklearn.frozen import FrozenEstimator

from sklearn_carto._comparison._subset_comparison import SubsetComparison
from sklearn_carto._comparison._trials import Plan, Trial, run_trials
from sklearn_carto._maps._regions import describe_region, parse_region
from sklearn_carto._selection._distilled import default_selector, with_final_estimator
from sklearn_carto._selection._selector import DataMapSelector

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
    """Compare what a model learns from subsets of its training rows.

    For each split and seed, one map is drawn of the training fold alone (a map that saw the test
    rows would leak), and shared by all regions and fractions. The model is then trained on each
    subset, on all rows of the fold, and on a random subset of exactly the same size, and scored
    on the same test rows.

    Parameters
    ----------
    estimator : estimator
        The classifier that is trained on the subsets.
    X : container of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Labels.
    selector : DataMapSelector, default=None
        Its probe, `noise_cut`, `stratify` and `memory` are used; `region`, `frac` and
        `random_state` are overridden. None: ``DataMapSelector(estimator)`` where the estimator
        can be watched, else ``DataMapSelector()``.
    regions : list of regions, or "paper", default=("easy", "ambiguous", "hard")
        What to compare, see :meth:`DataMap.select`. "paper": the seven training sets of the paper,
        chosen without stratification as there.
    fracs : sequence of float, default=(0.33,)
        Shares of the training fold, each in (0, 1].
    cv : int, cross-validation generator or iterable, default=None
        How to split; None: stratified 5 folds (with `groups`: stratified group folds).
    groups : array-like of shape (n_samples,), default=None
        Groups that stay together.
    scoring : str, callable, list, tuple or dict, default=None
        One scorer or several, as in :func:`~sklearn.model_selection.cross_validate`; None: the
        estimator's own `score`.
    ood : mapping of str to (X, y), default=None
        Data sets from elsewhere, which each model is scored on besides.
    n_seeds : int, default=1
        How often each split is repeated with another seed, for probe, model and draws.
    match : {"epochs", "steps"}, default="epochs"
        Whether a model trains on a subset for as many epochs as on all rows, which are fewer steps,
        or for as many steps: its `max_iter`, `max_epochs` or `n_epochs`, and `n_iter_no_change`,
        are then raised in proportion.
    error_score : "raise" or float, default="raise"
        What a subset scores that the model could not be trained on, or be scored on: a number (NaN,
        say) with a warning, or "raise": its error.
    n_jobs : int, default=None
        Splits and seeds that run in parallel. The result is the same for any number.
    random_state : int, RandomState instance or None, default=None
        From which one seed is drawn for each split and seed.
    verbose : int, default=0
        Whether to show progress.

    Returns
    -------
    comparison : SubsetComparison
        Print it, plot it, or ask for its `results_`.

    Raises
    ------
    ValueError
        If a region is unknown, a fraction is out of range, labels out of distribution were never
        seen, or the selector's map is frozen.
    TypeError
        If `ood` is no mapping, or the estimator is a regressor.

    Warns
    -----
    DegenerateMapWarning
        If maps say little; once, with their number.
    FitFailedWarning
        If a fit or a score failed and `error_score` is a number.

    See Also
    --------
    DistilledClassifier : Train on the subset that did best.

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
        {"model": estimator},
        {"probe": selector},
        _trials(regions, fracs),
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
    del results["probe"], results["model"]
    return SubsetComparison(results, test_ratio, stratify=selector.stratify, match=match)


def check_selector(selector, estimator, scoring):
    """Make the selector of a comparison: a clone, with the final estimator for a final estimator.

    Parameters
    ----------
    selector : DataMapSelector or None
        What the user gave.
    estimator : estimator
        The model that is trained on the subsets.
    scoring : str, callable, ...
        The user's; where it is one scorer, "auto" scores by it.

    Returns
    -------
    selector : DataMapSelector
        A clone.

    Raises
    ------
    TypeError, ValueError
        If it is no DataMapSelector, or holds a frozen map.
    """
    selector = default_selector(estimator) if selector is None else selector
    if not isinstance(selector, DataMapSelector):
        raise TypeError(
            f"selector must be a DataMapSelector; got {type(selector).__name__}. For a probe of "
            "your own pass DataMapSelector(probe)."
        )
    if isinstance(selector.estimator, FrozenEstimator):
        raise ValueError(
            "A frozen map cannot be compared by cross-validation: it saw the test rows, and holds "
            "for no training fold. Pass the CartographyClassifier itself, unfrozen."
        )
    selector = with_final_estimator(selector, estimator)
    if selector.scoring is None and (isinstance(scoring, str) or callable(scoring)):
        selector.set_params(scoring=scoring)
    return selector


def _trials(regions, fracs):
    """List the full set, then for each share random and the rest."""
    if isinstance(regions, str):
        if regions != "paper":
            raise ValueError(f"regions must be a list of regions, or 'paper'; got {regions!r}.")
        regions = PAPER_REGIONS
    named = {"random": "random"}
    for region in regions:
        if isinstance(region, str) and region == "full":
            continue
        if region != "auto":
            parse_region(region)
        name = describe_region(region)
        taken = name == "full" or (named.setdefault(name, region) is not region)
        if taken and named.get(name) != region:
            raise ValueError(f"Two different regions are called {name!r}; give one another name.")
    fracs = [fracs] if np.isscalar(fracs) else list(fracs)
    for frac in fracs:
        if not 0 < frac <= 1:
            raise ValueError(f"fracs must lie in (0, 1]; got {frac!r}.")
    subsets = [
        Trial(name, "probe", region, float(frac))
        for frac in fracs
        for name, region in named.items()
    ]
    return [Trial("full", "probe", None, 1.0), *subsets]
