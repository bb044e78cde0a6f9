"""Trials: models trained on subsets of the same training folds, and scored on the same rows."""

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
from sklearn_carto._selection._proxy import ProxyModel
from sklearn_carto._selection._selector import select_samples
from sklearn_carto._utils._progress import progress
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import DegenerateMapWarning


class Trial(NamedTuple):
    """One training set."""

    name: str  # of the region
    probe: str  # whose map chooses the rows
    region: object  # None: all rows
    frac: float


@dataclass(frozen=True)
class Plan:
    """What is trained, on what, and how it is scored."""

    models: dict  # name to estimator
    selectors: dict  # name of a probe to the selector that holds it
    trials: list
    scoring: object = None
    ood: object = None
    error_score: object = "raise"
    match: str = "epochs"


def run_trials(plan, X, y, *, cv, groups, n_seeds, n_jobs, random_state, verbose):
    """Train all models on all training sets of all folds.

    Parameters
    ----------
    plan : Plan
        What is tried.
    X : container of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Labels.
    cv, groups, n_seeds, n_jobs, random_state, verbose
        As in :func:`compare_subsets`.

    Returns
    -------
    results : dict of str to ndarray of shape (n_fits,)
        One entry a fit.
    test_ratio : float
        Test rows for each row of a training fold.

    Raises
    ------
    ValueError, TypeError
        Where rows, labels, models or settings cannot be tried.
    """
    for model in plan.models.values():
        check_not_regressor(model)
        check_scoring(model, plan.scoring)
        check_match(plan.match, model)
    y, classes, _ = check_labels(y, next(iter(plan.models.values())))
    check_same_length(X, y)
    check_consistent_length(y, groups)
    ood = _check_ood(plan.ood, classes)
    if not (isinstance(n_seeds, Integral) and int(n_seeds) >= 1):
        raise ValueError(f"n_seeds must be a whole number of at least 1; got {n_seeds!r}.")
    splits = _splits(cv, groups, y)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=(len(splits), n_seeds))
    tasks = [(i, j) for i in range(len(splits)) for j in range(n_seeds)]
    shown = progress(tasks, description="splits and seeds", verbose=verbose)
    outcomes = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_score_split)(plan, X, y, splits[i], ood, (i, j, int(seeds[i, j])))
        for i, j in shown
    )
    rows = [row for of_split, _ in outcomes for row in of_split]
    said = [message for _, messages in outcomes for message in messages]
    for message in dict.fromkeys(said):
        n_maps = len(tasks) * len(plan.selectors)
        text = f"{message} (Said of {said.count(message)} of the {n_maps} maps.)"
        warn(text, DegenerateMapWarning)
    names = dict.fromkeys(name for row in rows for name in row)  # a failed fit has no scores
    results = {name: np.array([row.get(name, plan.error_score) for row in rows]) for name in names}
    return results, float(np.mean([len(test) / len(rest) for rest, test in splits]))


def _fit_and_score_split(plan, X, y, split, ood, names):
    """Train and score all models on all subsets of one training fold, on one map a probe."""
    i_split, i_seed, seed = names
    fold, test = split
    X_fold, y_fold = take(X, fold), y[fold]
    test_sets = {"test": (take(X, test), y[test]), **ood}
    proxies, map_times = {}, {}
    with _held_back(DegenerateMapWarning) as messages:
        for name, selector in plan.selectors.items():
            start = time.perf_counter()
            proxies[name] = _probe(selector, X_fold, y_fold, seed)
            map_times[name] = time.perf_counter() - start
    results = []
    for trial in plan.trials:
        start, map_time, rows = time.perf_counter(), 0.0, None
        if trial.region is not None:
            selector, proxy = plan.selectors[trial.probe], proxies[trial.probe]
            rows = _rows_of(trial, selector, proxy, plan.match, seed)
            if trial.region != "random":
                map_time = map_times[trial.probe] + time.perf_counter() - start
        X_few, y_few = (X_fold, y_fold) if rows is None else (take(X_fold, rows), y_fold[rows])
        for name, model in plan.models.items():
            facts = {"probe": trial.probe, "model": name, "region": trial.name, "frac": trial.frac}
            facts |= {"split": i_split, "seed": i_seed, "map_time": map_time}
            facts["n_train"] = len(y_few)
            if plan.match == "steps":
                model = scale_n_epochs(model, len(y_fold) / len(y_few))
            try:
                measured = _train_and_score(
                    clone(model), X_few, y_few, np.unique(y), seed, plan.scoring, test_sets
                )
            except Exception as error:
                if plan.error_score == "raise":
                    error.add_note(f"raised while training on the subset {facts}")
                    raise
                warn(
                    f"Training or scoring failed on the subset {facts}; its scores are "
                    f"{plan.error_score}. {type(error).__name__}: {error}",
                    FitFailedWarning,
                )
                measured = {"fit_time": np.nan, "score_time": np.nan}
            results.append({**facts, **measured})
    return results, messages


def _probe(selector, X, y, seed):
    proxy = ProxyModel(
        selector.estimator,
        X,
        y,
        seed=seed,
        memory=selector.memory,
        cv=selector.cv,
        n_jobs=selector.n_jobs,
    )
    proxy.data_map  # noqa: B018  drawn here, so that its time is known
    return proxy


def _rows_of(trial, selector, proxy, match, seed):
    # the baseline is random over all rows: a cut is part of what it is compared with
    own = {} if trial.region != "random" else {"noise_cut": 0.0}
    asked = clone(selector).set_params(region=trial.region, frac=trial.frac, **own)
    if match == "steps" and trains_in_epochs(asked.final_estimator):
        asked.set_params(final_estimator=scale_n_epochs(asked.final_estimator, 1 / trial.frac))
    return select_samples(asked, proxy, seed).sample_indices


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


def _train_and_score(estimator, X, y, classes, seed, scoring, test_sets):
    start = time.perf_counter()
    model = with_original_labels(fit_final_estimator(estimator, X, y, seed=seed, classes=classes))
    trained = time.perf_counter()
    scorer = check_scoring(model, scoring)
    scores: dict[str, float] = {}
    for place, (X_test, y_test) in test_sets.items():
        answer = scorer(model, X_test, y_test)
        answer = answer if isinstance(answer, Mapping) else {"score": answer}
        scores |= {f"{place}_{metric}": float(value) for metric, value in answer.items()}
    times = {"fit_time": trained - start, "score_time": time.perf_counter() - trained}
    return {**scores, **times}


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
