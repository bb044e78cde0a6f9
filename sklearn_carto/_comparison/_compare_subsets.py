"""compare_subsets: scores of a model that is fitted on different parts of the training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sklearn_carto._comparison._arguments import SETTINGS, check_several, check_shares
from sklearn_carto._comparison._dynamic_subsets import keeps_all_rows
from sklearn_carto._comparison._subset_comparison import SubsetComparison
from sklearn_carto._comparison._trials import Plan, Trial, run_trials
from sklearn_carto._maps._regions import OF_SELECTORS, describe_region, parse_region
from sklearn_carto._selection._fit import check_no_mixture_of_searches
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._typing import (
    ArrayLike,
    Container,
    CrossValidation,
    Estimator,
    PathType,
    RandomStateType,
    Region,
    Scoring,
)
from sklearn_carto._utils._validation import describe, validate_params

if TYPE_CHECKING:
    from sklearn_carto._selection._selector import DataMapSelector

# the training sets of Dataset Cartography, section 3, besides the full set and random
PAPER_REGIONS = (
    "high-confidence",
    "low-variability",
    "high-correctness",
    "low-correctness",
    "ambiguous",
)


@validate_params(**SETTINGS)
def compare_subsets(
    estimator: Estimator,
    X: Container,
    y: ArrayLike,
    *,
    selector: DataMapSelector | None = None,
    regions: Sequence[Region] | Literal["paper"] = ("easy", "ambiguous", "hard"),
    fracs: float | Sequence[float] = (0.33,),
    cv: CrossValidation = None,
    groups: ArrayLike | None = None,
    params: Mapping[str, Any] | None = None,
    scoring: Scoring = None,
    ood: Mapping[str, tuple[Container, ArrayLike]] | None = None,
    n_seeds: int = 1,
    match: Literal["epochs", "steps"] = "epochs",
    error_score: Any = "raise",
    n_jobs: int | None = None,
    random_state: RandomStateType = None,
    verbose: int = 0,
    resume: PathType | None = None,
) -> SubsetComparison:
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
        Labels. If `X` is a Hugging Face Dataset, also the name of the column of the labels.
    selector : DataMapSelector, default=None
        Its proxy model (the model whose training dynamics are recorded), `noise_cut`, `stratify`,
        `memory` and the parameters of "auto" are used; `region`, `frac` and `random_state` are
        ignored. None: ``DataMapSelector()``. If it has no proxy model, that is the estimator
        itself, provided that its training can be watched; otherwise the default of
        :class:`DataMapSelector`.
    regions : list of regions, or "paper", default=("easy", "ambiguous", "hard")
        The regions to compare, see :meth:`DataMap.select`; "auto" and "clean" are allowed, see
        :class:`DataMapSelector`. "clean" is compared once, with `frac` 1, and not with random: it
        keeps all samples but those whose label is suspect. "paper": the seven training sets of
        [1]_, selected without stratification as there. The full and the random training set are
        always compared.
        To train for less on all samples: "fewer-epochs", all samples for the share `fracs` of the
        epochs, or a :class:`~sklearn_carto.integrations.skorch.DynamicSubset`, for nets of skorch,
        a share of them that is drawn anew in each epoch. Both take as many steps as the fit on a
        subset, up to rounding; with ``match="steps"``, as many as the full set.
    fracs : float or sequence of float, default=(0.33,)
        Shares of the training set to keep, each in (0, 1].
    cv : int, cross-validation generator or iterable, default=None
        Determines the cross-validation splitting strategy. None: stratified 5-fold (stratified
        group 5-fold if `groups` is given). Training and test set of a split must be disjoint.
    groups : array-like of shape (n_samples,), default=None
        Group labels for the samples, used while splitting the data set, in the inner
        cross-validation of "auto", and by each model that takes them.
    params : dict, default=None
        Arguments of `fit`, for each of the proxy model and the estimator that takes them; for a
        pipeline ``<step>__<name>``, or without a prefix for its last step. The prefix
        ``selector__`` means the proxy model alone. Arguments with one entry for each sample are
        indexed for each split and subset. Samples of `sample_weight` 0 are absent: they are neither
        trained on, nor selected, nor tested, and count in no number of samples. Scorers get weights
        only if metadata routing is enabled and they request them, as in
        :func:`~sklearn.model_selection.cross_validate`; if it is enabled, all arguments are routed
        by the requests of the models.
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
        Value to assign to the scores if an error occurs in drawing a map, fitting or scoring, with
        one warning that counts them. If set to "raise", the error is raised. Means are taken over
        the fits whose score is not NaN; the summary holds their number.
    n_jobs : int, default=None
        Number of splits and seeds that run in parallel. It does not affect the result.
    random_state : int, RandomState instance or None, default=None
        Determines the seed of each split and repetition. Pass an int for reproducible output across
        multiple function calls.
    verbose : int, default=0
        Whether to show a progress bar.
    resume : str or path-like, default=None
        Folder that keeps each split and seed once it is finished, so that the same call continues
        from there after an error, an interrupt or a reboot. It is created if it does not exist. The
        results are those of a call that was not interrupted, with any `n_jobs`. Arguments on which
        they depend, data included, must be the same; else an error names those that differ. With
        ``random_state=None``, the folder keeps the seed that is drawn.

    Returns
    -------
    comparison : SubsetComparison
        The scores, to print, to plot, or to read from `results_`.

    Raises
    ------
    ValueError
        If an argument is invalid: a region is unknown, a fraction is out of range, training and
        test set of a split share samples, an out-of-distribution data set holds labels that `y`
        does not, or the selector holds a frozen map.
    TypeError
        If no model takes one of `params`.
    NotWatchableError
        If the proxy model of the selector cannot be watched.
    TerminatedWorkerError
        If a worker process ended, for example since memory ran out. The attribute
        `partial_results` of this and of any other error or interrupt (Ctrl-C) that ends the fits is
        a SubsetComparison of the splits and seeds that were finished, or None.

    Warns
    -----
    DegenerateMapWarning
        If maps are uninformative. This and other warnings of this library are issued once for all
        splits and seeds, with their number.
    FailedFitsWarning
        If fitting or scoring failed and `error_score` is a number.
    ResumeWarning
        If the folder of `resume` cannot be written, or a file in it is damaged and ignored.

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
    plan = Plan(
        "compare_subsets",
        {"estimator": estimator},
        {"selector": selector},
        make_trials(regions, fracs, "compare_subsets"),
        scoring=scoring,
        error_score=error_score,
        match=match,
    )

    def as_result(outcome):
        return SubsetComparison(
            outcome.results,
            outcome.test_ratio,
            train_overlap=outcome.train_overlap,
            unit_scores=outcome.unit_scores,
            stratify=outcome.stratify,
            match=match,
        )

    return run_trials(
        plan,
        X,
        y,
        cv=cv,
        groups=groups,
        params=params,
        ood=ood,
        n_seeds=n_seeds,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
        resume=resume,
        as_result=as_result,
        stratify=False if isinstance(regions, str) else None,  # as in the paper
    )


def make_trials(regions, fracs, owner):
    """List the full training set and, for each fraction, random and the other regions."""
    if isinstance(regions, str):
        if regions != "paper":
            raise InvalidParameterError(
                f"The 'regions' parameter of {owner} must be a list of regions or 'paper'. Got "
                f"{regions!r} instead. For a single region, pass a list: [{regions!r}]."
            )
        regions = PAPER_REGIONS
    if isinstance(regions, Mapping):
        raise InvalidParameterError(
            f"The 'regions' parameter of {owner} must be a list of regions or 'paper'. Got "
            f"{describe(regions)} instead. For a mixture, pass a list that holds the mapping."
        )
    by_name: dict[str, object] = {"full": None, "random": "random"}
    for region in check_several(regions, "regions", owner, "regions, or 'paper'"):
        if isinstance(region, str) and region == "full":
            continue
        check_no_mixture_of_searches(region, f"The 'regions' parameter of {owner} must not hold")
        kept = keeps_all_rows(region)
        if not (kept or (isinstance(region, str) and region in OF_SELECTORS)):
            parse_region(region)
        name = getattr(region, "__name__", region) if kept else describe_region(region)
        if by_name.setdefault(name, region) is not region and by_name[name] != region:
            raise InvalidParameterError(
                f"The 'regions' parameter of {owner} holds two different regions with the name "
                f"{name!r}. Rename one of them."
            )
    if np.ndim(fracs) == 0 and isinstance(fracs, Real):
        fracs = [fracs]
    subsets = [
        Trial(name, "selector", region, frac)
        for frac in check_shares(fracs, "fracs", owner)
        for name, region in by_name.items()
        if name != "full" and not _is_clean(region)
    ]
    # how many samples are kept depends on their labels, and no fraction plays a part
    clean = [Trial("clean", "selector", "clean", 1.0)] if _is_clean(by_name.get("clean")) else []
    return [Trial("full", "selector", None, 1.0), *clean, *subsets]


def _is_clean(region):
    return isinstance(region, str) and region == "clean"
