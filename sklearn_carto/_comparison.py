"""compare_subsets: does a model learn as much from fewer rows? In and out of distribution."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import check_scoring
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length

from sklearn_carto._answering import answering
from sklearn_carto._containers import check_same_length, take
from sklearn_carto._distilled import default_selector, with_judge
from sklearn_carto._labels import check_labels, refuse_regressor
from sklearn_carto._probe import Probing
from sklearn_carto._progress import progress
from sklearn_carto._regions import describe_region, parse_region
from sklearn_carto._selector import DataMapSelector, select_rows
from sklearn_carto._subset_comparison import SubsetComparison
from sklearn_carto._watching._final import train
from sklearn_carto.exceptions import DegenerateMapWarning

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
    refuse_regressor(estimator)
    y, classes, _ = check_labels(y, estimator)
    check_same_length(X, y)
    check_consistent_length(y, groups)
    selector = _check_selector(selector, estimator, scoring, paper=isinstance(regions, str))
    candidates = _check_candidates(regions, fracs)
    ood = _check_ood(ood, classes)
    check_scoring(estimator, scoring)
    if not (isinstance(n_seeds, Integral) and int(n_seeds) >= 1):
        raise ValueError(f"n_seeds must be a whole number of at least 1; got {n_seeds!r}.")
    splits = _splits(cv, groups, y)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=(len(splits), n_seeds))
    tasks = [(i, j) for i in range(len(splits)) for j in range(n_seeds)]
    shown = progress(tasks, description="splits and seeds", verbose=verbose)
    outcomes = Parallel(n_jobs=n_jobs)(
        delayed(_compare_on_split)(
            estimator,
            selector,
            X,
            y,
            splits[i],
            candidates,
            scoring,
            ood,
            error_score,
            (i, j, int(seeds[i, j])),
        )
        for i, j in shown
    )
    rows = [row for of_split, _ in outcomes for row in of_split]
    said = [message for _, messages in outcomes for message in messages]
    for message in dict.fromkeys(said):
        text = f"{message} (Said of {said.count(message)} of the {len(tasks)} maps.)"
        warnings.warn(text, DegenerateMapWarning, stacklevel=2)
    names = dict.fromkeys(name for row in rows for name in row)  # a failed fit has no scores
    results = {name: np.array([row.get(name, error_score) for row in rows]) for name in names}
    test_ratio = float(np.mean([len(test) / len(rest) for rest, test in splits]))
    return SubsetComparison(results, test_ratio, stratify=selector.stratify)


def _compare_on_split(
    estimator, selector, X, y, split, candidates, scoring, ood, error_score, names
):
    """Train and score all subsets of one training fold, on one map."""
    i_split, i_seed, seed = names
    fold, test = split
    X_fold, y_fold = take(X, fold), y[fold]
    test_sets = {"test": (take(X, test), y[test]), **ood}
    start = time.perf_counter()
    with _held_back(DegenerateMapWarning) as messages:
        probing = Probing(
            selector.estimator,
            X_fold,
            y_fold,
            seed=seed,
            memory=selector.memory,
            cv=selector.cv,
            n_jobs=selector.n_jobs,
        )
        probing.data_map  # noqa: B018  drawn here, so that its time is known
    map_time = time.perf_counter() - start
    results = []
    for name, region, frac in candidates:
        facts = {"region": name, "frac": frac, "split": i_split, "seed": i_seed, "map_time": 0.0}
        if region is not None:
            start = time.perf_counter()
            # the baseline is random over all rows: a cut is part of what it is compared with
            own = {} if region != "random" else {"noise_cut": 0.0}
            asked = clone(selector).set_params(region=region, frac=frac, **own)
            rows = select_rows(asked, probing, seed).rows
            if region != "random":
                facts["map_time"] = map_time + time.perf_counter() - start
        X_few, y_few = (X_fold, y_fold) if region is None else (take(X_fold, rows), y_fold[rows])
        facts["n_train"] = len(y_few)
        try:
            measured = _train_and_score(clone(estimator), X_few, y_few, seed, scoring, test_sets)
        except Exception as error:
            if error_score == "raise":
                error.add_note(f"raised while training on the subset {facts}")
                raise
            warnings.warn(
                f"Training or scoring failed on the subset {facts}; its scores are {error_score}. "
                f"{type(error).__name__}: {error}",
                FitFailedWarning,
                stacklevel=2,
            )
            measured = {"fit_time": np.nan, "score_time": np.nan}
        results.append({**facts, **measured})
    return results, messages


@contextmanager
def _held_back(category):
    """Collect the texts of one kind of warning, which many maps would repeat; let others pass."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", category)
        yield messages
    for one in caught:
        if issubclass(one.category, category):
            messages.append(str(one.message))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _train_and_score(estimator, X, y, seed, scoring, test_sets):
    start = time.perf_counter()
    model = answering(train(estimator, X, y, seed=seed))
    trained = time.perf_counter()
    scorer = check_scoring(model, scoring)
    scores: dict[str, float] = {}
    for place, (X_test, y_test) in test_sets.items():
        answer = scorer(model, X_test, y_test)
        answer = answer if isinstance(answer, Mapping) else {"score": answer}
        scores |= {f"{place}_{metric}": float(value) for metric, value in answer.items()}
    times = {"fit_time": trained - start, "score_time": time.perf_counter() - trained}
    return {**scores, **times}


def _check_selector(selector, estimator, scoring, *, paper):
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
    selector = with_judge(selector, estimator)
    if selector.scoring is None and (isinstance(scoring, str) or callable(scoring)):
        selector.set_params(scoring=scoring)
    return selector.set_params(stratify=False) if paper else selector


def _check_candidates(regions, fracs):
    """Names, regions and shares: the full set (None), then for each share random and the rest."""
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
    subsets = [(name, region, float(f)) for f in fracs for name, region in named.items()]
    return [("full", None, 1.0), *subsets]


def _check_ood(ood, classes):
    if not (ood is None or isinstance(ood, Mapping)):
        raise TypeError(
            f"ood must map names to data sets, as in {{'elsewhere': (X2, y2)}}; got "
            f"{type(ood).__name__}."
        )
    checked = {}
    for name, pair in (ood or {}).items():
        if name == "test":
            raise ValueError("An ood data set cannot be called 'test'; that is the test fold.")
        X, y = pair
        check_consistent_length(X, y)
        y = np.asarray(y)
        unseen = np.setdiff1d(y, classes)
        if len(unseen):
            raise ValueError(
                f"The ood data set {name!r} holds labels that are never seen in training: "
                f"{unseen[:5].tolist()}. Leave their rows out, or map their labels to known ones."
            )
        checked[name] = (X, y)
    return checked


def _splits(cv, groups, y):
    if groups is not None and (cv is None or isinstance(cv, Integral)):
        cv = StratifiedGroupKFold(5 if cv is None else cv)
    splitter = check_cv(cv, y, classifier=True)
    return list(splitter.split(np.zeros(len(y)), y, groups))
