"""Trials: models that are fitted on selections of the same training set, and their scores."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length

from sklearn_carto._comparison._equal_steps import check_match, scale_n_epochs, trains_in_epochs
from sklearn_carto._inputs._containers import check_same_length, take
from sklearn_carto._inputs._labels import check_labels, check_not_regressor
from sklearn_carto._selection._final_estimator import fit_final_estimator, with_original_labels
from sklearn_carto._selection._fit import select_samples
from sklearn_carto._selection._proxy import ProxyModel
from sklearn_carto._utils._progress import progress
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import DegenerateMapWarning


class Trial(NamedTuple):
    """A selection of the training set."""

    name: str
    selector: str  # key in `Plan.selectors`
    region: object  # None: the full training set
    frac: float


@dataclass(frozen=True)
class Plan:
    """The models to fit, the trials to fit them on, and the metrics."""

    models: dict  # of name to estimator
    selectors: dict  # of name to DataMapSelector; one map is drawn for each
    trials: list
    name_column: str = "region"  # column of the results for the names of the trials
    scoring: object = None
    ood: object = None
    error_score: object = "raise"
    match: str = "epochs"


def run_trials(plan, X, y, *, cv, groups, n_seeds, n_jobs, random_state, verbose):
    """Fit and score all models on all trials, for each split and seed; see :func:`compare_subsets`.

    Returns
    -------
    results : dict of str to ndarray of shape (n_fits,)
        One entry for each fit: the name of the trial, that of the model if there are several,
        settings, times and scores.
    test_ratio : float
        Ratio of test to training samples in a split.
    """
    # 1. Check the input.
    for model in plan.models.values():
        check_not_regressor(model)
        check_scoring(model, plan.scoring)
        check_match(plan.match, model)
    y, classes, _ = check_labels(y, next(iter(plan.models.values())))
    check_same_length(X, y)
    check_consistent_length(y, groups)
    ood = _check_ood(plan.ood, classes)
    if not (isinstance(n_seeds, Integral) and int(n_seeds) >= 1):
        raise ValueError(f"The 'n_seeds' parameter must be an int of at least 1; got {n_seeds!r}.")
    # 2. Draw a seed for each split and repetition.
    splits = _make_splits(cv, groups, y)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=(len(splits), n_seeds))
    # 3. Fit and score.
    tasks = [(i, j) for i in range(len(splits)) for j in range(n_seeds)]
    shown = progress(tasks, description="splits and seeds", verbose=verbose)
    outcomes = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_score_split)(plan, X, y, classes, splits[i], ood, (i, j, int(seeds[i, j])))
        for i, j in shown
    )
    # 4. Raise each warning about maps once.
    messages = [message for _, of_split in outcomes for message in of_split]
    n_maps = len(tasks) * len(plan.selectors)
    for message in dict.fromkeys(messages):
        n_raised = messages.count(message)
        warn(f"{message} (raised for {n_raised} of {n_maps} maps)", DegenerateMapWarning)
    # 5. Turn the fits into columns; a fit that failed has no scores.
    fits = [fit for of_split, _ in outcomes for fit in of_split]
    names = dict.fromkeys(name for fit in fits for name in fit)
    results = {name: np.array([fit.get(name, plan.error_score) for fit in fits]) for name in names}
    return results, float(np.mean([len(test) / len(train) for train, test in splits]))


def _fit_and_score_split(plan, X, y, classes, split, ood, numbers):
    """Fit and score all models on all trials of one training set; return fits and warnings."""
    (train, test), (i_split, i_seed, seed) = split, numbers
    X_train, y_train = take(X, train), y[train]
    test_sets = {"test": (take(X, test), y[test]), **ood}
    # 1. Draw one map of the training set for each selector.
    with _collect_warnings(DegenerateMapWarning) as messages:
        proxies = {
            name: _fit_proxy(selector, X_train, y_train, seed)
            for name, selector in plan.selectors.items()
        }
    fits = []
    for trial in plan.trials:
        # 2. Select samples by it.
        proxy, map_time = proxies[trial.selector]
        selected, map_time = _select(plan, trial, proxy, map_time, seed)
        X_selected, y_selected = X_train, y_train
        if selected is not None:
            X_selected, y_selected = take(X_train, selected), y_train[selected]
        for name, model in plan.models.items():
            # 3. Fit each model on them, and score it on the test sets.
            fit = {plan.name_column: trial.name}
            if len(plan.models) > 1:
                fit["model"] = name
            fit |= {"frac": trial.frac, "split": i_split, "seed": i_seed, "map_time": map_time}
            fit["n_train"] = len(y_selected)
            if plan.match == "steps":
                model = scale_n_epochs(model, len(y_train) / len(y_selected))
            try:
                fit |= _fit_and_score(
                    clone(model), X_selected, y_selected, classes, seed, plan.scoring, test_sets
                )
            except Exception as error:
                fit |= _handle_failure(error, plan.error_score, fit)
            fits.append(fit)
    return fits, messages


def _fit_proxy(selector, X, y, seed):
    """Return the proxy model of a selector, and the seconds to draw its map."""
    start = time.perf_counter()
    proxy = ProxyModel(
        selector.estimator,
        X,
        y,
        seed=seed,
        memory=selector.memory,
        cv=selector.cv,
        n_jobs=selector.n_jobs,
    )
    proxy.data_map  # noqa: B018  drawn on first access
    return proxy, time.perf_counter() - start


def _select(plan, trial, proxy, map_time, seed):
    """Return the indices of a trial, or None for all samples, and the seconds that they took."""
    if trial.region is None:
        return None, 0.0
    start = time.perf_counter()
    params = {"region": trial.region, "frac": trial.frac}
    if trial.region == "random":  # the baseline is random over all samples, without a cut
        params["noise_cut"] = 0.0
    trial_selector = clone(plan.selectors[trial.selector]).set_params(**params)
    final_estimator = trial_selector.final_estimator
    if plan.match == "steps" and trains_in_epochs(final_estimator):
        trial_selector.set_params(final_estimator=scale_n_epochs(final_estimator, 1 / trial.frac))
    selected = select_samples(trial_selector, proxy, seed).sample_indices
    if trial.region == "random":  # needs no map
        return selected, 0.0
    return selected, map_time + time.perf_counter() - start


@contextmanager
def _collect_warnings(category):
    """Collect the messages of warnings of one category; raise the others afterwards."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", category)
        yield messages
    for one in caught:
        if issubclass(one.category, category):
            messages.append(str(one.message))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _fit_and_score(estimator, X, y, classes, seed, scoring, test_sets):
    """Return the scores on all test sets, and the times."""
    start = time.perf_counter()
    trained = fit_final_estimator(estimator, X, y, seed=seed, classes=classes)
    model, fitted = with_original_labels(trained), time.perf_counter()
    scorer = check_scoring(model, scoring)
    scores: dict[str, float] = {}
    for name, (X_test, y_test) in test_sets.items():
        of_set = scorer(model, X_test, y_test)
        of_set = of_set if isinstance(of_set, Mapping) else {"score": of_set}
        scores |= {f"{name}_{metric}": float(value) for metric, value in of_set.items()}
    return {**scores, "fit_time": fitted - start, "score_time": time.perf_counter() - fitted}


def _handle_failure(error, error_score, fit):
    """Raise the error of a fit, or warn and return its times."""
    if error_score == "raise":
        error.add_note(f"raised in fitting or scoring of {fit}")
        raise error
    warn(
        f"Fitting or scoring failed for {fit}; the scores are set to {error_score}. "
        f"{type(error).__name__}: {error}",
        FitFailedWarning,
    )
    return {"fit_time": np.nan, "score_time": np.nan}


def _check_ood(ood, classes):
    """Return the out-of-distribution data sets, with labels as arrays."""
    if not (ood is None or isinstance(ood, Mapping)):
        raise TypeError(
            "The 'ood' parameter must be a mapping of names to data sets, such as "
            f"{{'name': (X2, y2)}}; got {type(ood).__name__}."
        )
    checked = {}
    for name, (X, y) in (ood or {}).items():
        if name == "test":
            raise ValueError(
                "The 'ood' parameter must not name a data set 'test', as the test set of the split "
                "is named. Rename it."
            )
        check_consistent_length(X, y)
        y = np.asarray(y)
        unknown = np.setdiff1d(y, classes)
        if len(unknown):
            raise ValueError(
                f"The data set {name!r} of the 'ood' parameter holds labels that do not occur in "
                f"y: {unknown[:5].tolist()}. Remove these samples, or map their labels to known "
                "classes."
            )
        checked[name] = (X, y)
    return checked


def _make_splits(cv, groups, y):
    """Return the (train, test) pairs of a cross-validation; by default stratified 5-fold."""
    if groups is not None and (cv is None or isinstance(cv, Integral)):
        cv = StratifiedGroupKFold(5 if cv is None else cv)
    splitter = check_cv(cv, y, classifier=True)
    return list(splitter.split(np.zeros(len(y)), y, groups))
