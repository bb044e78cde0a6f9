"""Trials: models that are fitted on selections of the same training set, and their scores."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_random_state

from sklearn_carto._comparison._arguments import (
    check_ood,
    check_selector,
    divide_params,
    proxy_of,
)
from sklearn_carto._comparison._dynamic_subsets import (
    check_trains_in_less,
    keeps_all_rows,
    train_in_less,
)
from sklearn_carto._comparison._equal_steps import check_match, scale_n_epochs, trains_in_epochs
from sklearn_carto._comparison._failures import describe_failure, warn_of_failures
from sklearn_carto._comparison._intervals import training_overlap
from sklearn_carto._comparison._resume import open_folder
from sklearn_carto._comparison._scoring import (
    as_metrics,
    check_metrics,
    metric_names,
    score_columns,
    score_params,
    unit_metrics,
)
from sklearn_carto._inputs._containers import check_same_length, copy_rows, holds_containers, take
from sklearn_carto._inputs._dataset_columns import named_labels
from sklearn_carto._inputs._kept_outcomes import KeptOutcomes
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._inputs._torch_datasets import is_dataset
from sklearn_carto._selection._distilled import check_final_estimator
from sklearn_carto._selection._final_estimator import fit_final_estimator, with_original_labels
from sklearn_carto._selection._fit import check_classes_left, select_samples
from sklearn_carto._selection._fit_params import excluded_rows
from sklearn_carto._selection._proxy import ProxyModel
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._folds import check_folds, check_groups
from sklearn_carto._utils._metaestimators import works_in_place
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto._utils._partial_results import partial_results_kept
from sklearn_carto._utils._progress import progress
from sklearn_carto._utils._validation import is_flag
from sklearn_carto._utils._warnings import warn_once
from sklearn_carto._watching._training_set import take_params

TIMES = ("fit_time", "score_time", "map_time")
SETTINGS = ("frac", "split", "seed", "n_train")


class Trial(NamedTuple):
    """A selection of the training set."""

    name: str
    selector: str  # key in `Plan.selectors`
    region: object  # None: the full training set; or a way to train on it in less
    frac: float


@dataclass(frozen=True)
class Plan:
    """The models to fit, the trials to fit them on, and the metrics."""

    owner: str  # name of the function, for errors
    models: Mapping  # of name to estimator
    selectors: dict  # of name to DataMapSelector or None; one map is drawn for each
    trials: list
    name_column: str = "region"  # column of the results for the names of the trials
    scoring: object = None
    error_score: object = "raise"
    match: str = "epochs"

    @property
    def columns(self):
        """Columns of the results that are no scores."""
        names = (self.name_column, "model") if len(self.models) > 1 else (self.name_column,)
        return (*names, *SETTINGS, *TIMES)


class Outcome(NamedTuple):
    """The results of all fits, and what their intervals depend on."""

    results: dict  # of str to ndarray of shape (n_fits,)
    test_ratio: float  # ratio of test to training samples in a split
    train_overlap: float  # mean share of the training samples that two splits have in common
    unit_scores: list  # columns of the scores that lie in [0, 1]
    stratify: bool  # whether the selections preserve the class proportions


class Samples(NamedTuple):
    """Samples, and the arguments of `fit` with an entry for each."""

    X: object
    y: np.ndarray
    classes: np.ndarray
    groups: np.ndarray | None
    absent: np.ndarray  # mask of those with weight 0 for the models
    excluded: dict  # of selector to the mask of those that it never selects
    params: dict  # of ("proxy" or "final", selector) or ("model" or "score", model) to arguments

    def part(self, rows):
        """Return the samples in some rows."""
        return Samples(
            take(self.X, rows),
            self.y[rows],
            self.classes,
            None if self.groups is None else self.groups[rows],
            self.absent[rows],
            {name: mask[rows] for name, mask in self.excluded.items()},
            {key: take_params(of, rows, len(self.y)) for key, of in self.params.items()},
        )


class Drawn(NamedTuple):
    """A proxy model, the time to draw its map, and the error if this failed."""

    proxy: ProxyModel
    seconds: float
    error: Exception | None = None


def run_trials(
    plan, X, y, *, cv, groups, params, ood, n_seeds, n_jobs, random_state, verbose, resume,
    as_result, stratify=None,
):  # fmt: skip
    """Fit and score all models on all trials, for each split and seed; see :func:`compare_subsets`.

    Each fit is one entry of the results: the name of the trial, that of the model if there are
    several, settings, times and scores. `as_result` makes what is returned of an Outcome.
    `stratify`, unless it is None, replaces that of the selectors.
    """
    # 1. Check the input, before anything is trained.
    plan, data, ood = _check_input(plan, X, y, groups, params, ood, stratify)
    splits = _make_splits(cv, data, plan.owner)
    folder = None
    if resume is not None:
        folder = open_folder(resume, plan, data, splits, ood, params, n_seeds, random_state)
        random_state = folder.random_state
    # 2. Draw a seed for each split and repetition.
    seeds = check_random_state(random_state).randint(2**31 - 1, size=(len(splits), n_seeds))
    # 3. Fit and score, unless that was finished earlier.
    tasks = [(i, j, int(seeds[i, j])) for i in range(len(splits)) for j in range(n_seeds)]
    kept = KeptOutcomes(folder, [f"split{i}-seed{j}" for i, j, _ in tasks])
    finished = kept.load()

    def result_of(of_splits):
        return as_result(_merge(of_splits, plan, data, splits, ood))

    with partial_results_kept(result_of, finished, len(tasks), "splits and seeds", kept.path):
        fits, collected = run_parallel(
            _fit_and_score_split,
            [(task,) for task in tasks],
            shared=(plan, data, splits, ood),
            n_jobs=n_jobs,
            finished=finished,
            on_finished=kept.store,
            show=partial(progress, description="splits and seeds", verbose=verbose),
        )
    warn_once(collected, f" in {len(tasks)} splits and seeds")
    return result_of(fits)


def _merge(of_splits, plan, data, splits, ood):
    """Turn the fits of all splits and seeds into columns."""
    fits = [fit for of_split in of_splits for fit in of_split]
    present, sets = ~data.absent, ["test", *ood]
    return Outcome(
        _as_columns(fits, plan, sets),
        float(np.mean([present[test].sum() / present[train].sum() for train, test in splits])),
        training_overlap([train[present[train]] for train, _ in splits], len(data.y)),
        score_columns(unit_metrics(plan.scoring, plan.models.values()), sets, (), plan.owner),
        all(selector.stratify for selector in plan.selectors.values()),
    )


def _check_input(plan, X, y, groups, params, ood, stratify):
    """Check models, samples and arguments; return the plan, the samples and the other data sets."""
    owner = plan.owner
    for model in plan.models.values():
        check_final_estimator(model, owner)
        check_match(plan.match, model)
    for trial in plan.trials:
        check_trains_in_less(trial.region, plan.models.values(), owner)
    y, classes, _ = check_labels(named_labels(X, y), next(iter(plan.models.values())))
    check_same_length(X, y)
    groups = check_groups(groups, len(y), owner)
    ood = check_ood(ood, X, classes, owner)
    check_metrics(plan.scoring, plan.models.values(), owner)
    metrics = metric_names(plan.scoring) or ["score"]
    score_columns(metrics, ["test", *ood], plan.columns, owner)
    selectors, pairs = {}, {}
    for name, selector in plan.selectors.items():
        model = plan.models.get(name, next(iter(plan.models.values())))
        selectors[name] = check_selector(selector, model, plan.scoring, classes, owner)
        if stratify is not None:
            selectors[name].set_params(stratify=stratify)
        pairs[name] = selectors[name], model
    data = _assign(plan, pairs, X, y, classes, groups, params or {})
    return replace(plan, selectors=selectors), data, ood


def _assign(plan, pairs, X, y, classes, groups, params):
    """Assign the arguments of `fit` to the proxy models and models, and find the absent samples."""
    owner, of_models, excluded = plan.owner, {}, {}
    absent = np.zeros(len(y), dtype=bool)
    divided = divide_params(params, groups, pairs, X, owner)
    models = {name: name if name in plan.models else next(iter(plan.models)) for name in pairs}
    for name, (selector, model) in pairs.items():
        for_proxy, for_model = divided[name]
        of_models["proxy", name] = for_proxy
        of_models["model", models[name]] = for_model
        of_models["score", models[name]] = score_params(model, plan.scoring, for_model)
        if getattr(plan.selectors[name], "final_estimator", None) is None:
            of_models["final", name] = for_model
        proxy = proxy_of(selector.estimator, X)
        excluded[name] = excluded_rows(proxy, for_proxy, X, len(y), owner)
        of_model = excluded_rows(model, for_model, X, len(y), owner)
        absent |= False if of_model is None else of_model
    for name, mask in excluded.items():
        excluded[name] = absent if mask is None else absent | mask
        check_classes_left(y, excluded[name], owner)
    return Samples(X, y, classes, groups, absent, excluded, of_models)


def _make_splits(cv, data, owner):
    """Return the (train, test) pairs of a cross-validation; by default stratified 5-fold."""
    name, cv = f"The 'cv' parameter of {owner}", 5 if cv is None else cv
    if isinstance(cv, Integral):
        if is_flag(cv) or cv < 2:
            raise InvalidParameterError(f"{name} must be at least 2 folds. Got {cv!r}.")
        cv = (StratifiedKFold if data.groups is None else StratifiedGroupKFold)(int(cv))
    if isinstance(cv, type):
        raise InvalidParameterError(
            f"{name} must not be a class. Got {cv.__name__} instead of an instance, "
            f"{cv.__name__}()."
        )
    if hasattr(cv, "split") and not isinstance(cv, str):
        several = holds_containers(data.X) or is_dataset(data.X)
        cv = cv.split(np.zeros(len(data.y)) if several else data.X, data.y, data.groups)
    splits = check_folds(cv, len(data.y), name)
    for i, split in enumerate(splits):
        for kind, rows in zip(("training", "test"), split, strict=True):
            if data.absent[rows].all():
                raise InvalidParameterError(
                    f"{name} leaves samples of weight 0 only in the {kind} set of fold {i}. Use "
                    "fewer folds, or a stratified splitter."
                )
    return splits


def _fit_and_score_split(plan, data, splits, ood, numbers):
    """Fit and score all models on all trials of one training set; return the fits."""
    i_split, i_seed, seed = numbers
    train, test = splits[i_split]
    training, tested = data.part(train), data.part(test[~data.absent[test]])
    # 1. Draw one map of the training set for each selector.
    where = {"split": i_split, "seed": i_seed}
    drawn = {name: _draw_map(plan, name, training, seed, where) for name in plan.selectors}
    fits = []
    for trial in plan.trials:
        # 2. Select samples by it.
        described = {plan.name_column: trial.name, "frac": trial.frac, **where}
        try:
            selected, map_time = _select(plan, trial, drawn[trial.selector], training, seed)
            subset, error = training.part(selected), None
        except Exception as failure:
            subset, map_time, error = None, np.nan, _handle(failure, plan, described)
        for name, model in plan.models.items():
            # 3. Fit each model on them, and score it on the test sets.
            fit = {**described, "model": name, "map_time": map_time, "error": error, "scores": {}}
            fit |= {"n_train": np.nan, "fit_time": np.nan, "score_time": np.nan}
            if subset is not None:
                fit["n_train"] = len(subset.y)
                if plan.match == "steps":
                    model = scale_n_epochs(model, _n_times_longer(trial, training, subset))
                model = train_in_less(model, trial.region, trial.frac)
                fit |= _fit_and_score(plan, name, model, subset, seed, (tested, ood), described)
            fits.append(fit)
    return fits


def _n_times_longer(trial, training, subset):
    """Return the ratio of epochs that gives equal steps."""
    if keeps_all_rows(trial.region):
        return 1 / trial.frac
    return (~training.absent).sum() / len(subset.y)


def _draw_map(plan, name, training, seed, where):
    """Fit the proxy model of a selector on a training set."""
    start, selector = time.perf_counter(), plan.selectors[name]
    excluded = training.excluded[name]
    proxy = ProxyModel(
        selector.estimator,
        training.X,
        training.y,
        seed=seed,
        memory=selector.memory,
        params=training.params["proxy", name],
        cv=selector.cv,
        n_jobs=selector.n_jobs,
        groups=training.groups,
        excluded_mask=excluded if excluded.any() else None,
    )
    try:
        proxy.data_map  # noqa: B018  drawn on first access
    except Exception as error:
        _handle(error, plan, {"map of": name, **where})
        return Drawn(proxy, np.nan, error)
    return Drawn(proxy, time.perf_counter() - start)


def _select(plan, trial, drawn, training, seed):
    """Return the positions that a trial selects from a training set, and the seconds it took."""
    if trial.region is None or keeps_all_rows(trial.region):
        return np.flatnonzero(~training.absent), 0.0
    if drawn.error is not None:
        raise drawn.error
    start = time.perf_counter()
    params = {"region": trial.region, "frac": trial.frac}
    if trial.name == "random":  # the baseline is random over all samples, without a cut
        params["noise_cut"] = 0.0
    selector = clone(plan.selectors[trial.selector]).set_params(**params)
    final_estimator = selector.final_estimator
    if plan.match == "steps" and trains_in_epochs(final_estimator):
        selector.set_params(final_estimator=scale_n_epochs(final_estimator, 1 / trial.frac))
    final_params = training.params.get(("final", trial.selector))
    selected = select_samples(selector, drawn.proxy, seed, final_params).sample_indices
    if trial.name == "random":  # needs no map
        return selected, 0.0
    return selected, drawn.seconds + time.perf_counter() - start


def _fit_and_score(plan, name, model, subset, seed, test_sets, described):
    """Return the scores on all test sets and the times, or the error."""
    tested, ood = test_sets
    params = subset.params["model", name]
    score_params = tested.params["score", name]
    sets = {"test": (tested.X, tested.y, score_params)}
    sets |= {other: (*data_set, {}) for other, data_set in ood.items()}
    own = copy_rows if works_in_place(model) else (lambda X: X)  # for the models that follow
    start = time.perf_counter()
    try:
        trained = fit_final_estimator(
            clone(model), own(subset.X), subset.y, params=params, seed=seed, classes=subset.classes
        )
        fitted, end_of_fit = with_original_labels(trained), time.perf_counter()
        scorer = check_scoring(fitted, plan.scoring)
        scored = {of: scorer(fitted, own(X), y, **more) for of, (X, y, more) in sets.items()}
    except Exception as error:
        return {"error": _handle(error, plan, {**described, "model": name})}
    scores = {
        f"{of}_{metric}": value
        for of, raw in scored.items()
        for metric, value in as_metrics(raw, plan.owner).items()
    }
    end = time.perf_counter()
    return {"scores": scores, "fit_time": end_of_fit - start, "score_time": end - end_of_fit}


def _handle(error, plan, described):
    """Raise an error, with a note where it occurred, or describe it in one line."""
    if isinstance(plan.error_score, str):  # "raise"
        error.add_note(f"raised in fitting or scoring of {described}")
        raise error
    return describe_failure(error)


def _as_columns(fits, plan, sets):
    """Turn the fits into columns; those that failed get the `error_score` as scores."""
    warn_of_failures(fits, plan)
    scored = [list(fit["scores"]) for fit in fits if fit["error"] is None]
    metrics = metric_names(plan.scoring)
    if metrics is None:  # a callable, whose metrics are known once it was called
        names = scored[0] if scored else [f"{name}_score" for name in sets]
        metrics = [name.removeprefix("test_") for name in names if name.startswith("test_")]
    columns = score_columns(metrics, sets, plan.columns, plan.owner)
    for names in scored:
        if sorted(names) != sorted(columns):
            raise InvalidParameterError(
                f"The 'scoring' parameter of {plan.owner} must return the same metrics for each "
                f"model and data set. Got {sorted(names)} and {sorted(columns)}."
            )
    before = plan.columns[: -len(TIMES)]
    values = {name: np.array([fit[name] for fit in fits]) for name in before}
    for name in columns:
        values[name] = np.array([fit["scores"].get(name, plan.error_score) for fit in fits])
    return values | {name: np.array([fit[name] for fit in fits]) for name in TIMES}
