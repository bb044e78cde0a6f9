"""The rule "auto": the region that teaches best, found on the training rows alone."""

from __future__ import annotations

import warnings
from functools import partial
from inspect import Parameter, signature
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter

from sklearn_carto._inputs._containers import take
from sklearn_carto._maps._regions import choose_rows
from sklearn_carto._selection._final_estimator import answering, train
from sklearn_carto._utils._compat import _check_method_params
from sklearn_carto.exceptions import CartographyWarning

# What is tried without a noise cut, and with one. Left out is what benchmarks/selection.py shows to
# gain nothing: the other rules without a cut (they lose to random, or to themselves with a cut) and
# "easy" with one (the easiest rows are never cut).
UNCUT = ("random", "median", "easy")
CUT = ("random", "coverage", "weighted", "dual-beta", "median", "ambiguous")
UNEVEN = 2.0  # classes are, where the largest has more than so many times the rows of the smallest


class Found(NamedTuple):
    """What a search found."""

    region: str
    cut: dict | float  # as `noise_cut` of `choose_rows`
    results: dict  # of arrays, one entry a candidate


def search_region(probing, frac, *, judge, judge_params=None, scoring=None, stratify=True):
    """Find the rule, and whether to cut noise, by cross-validation on the training rows.

    Each candidate chooses rows on the map of all rows but a fold; the judge is trained on them and
    scored on the fold. A candidate whose gain over random cannot be the highest any more, by two
    standard errors, is not tried on further folds. The best is taken if its mean gain exceeds one
    standard error, else random.

    Parameters
    ----------
    probing : Probing
        Maps of all rows but a fold, and probabilities out of fold.
    frac : float
        Share of the rows to keep.
    judge : estimator
        The model that will be trained on the rows.
    judge_params : dict, default=None
        Further arguments of its `fit`; None: those of the probe's `fit` that it takes.
    scoring : str, callable or None, default=None
        One scorer. None: the judge's own `score`, or balanced accuracy where the classes are
        uneven.
    stratify : bool, default=True
        Whether each class keeps its share.

    Returns
    -------
    found : Found
        The region, the cut, and what was tried.
    """
    if scoring is None:
        counts = np.unique(probing.y, return_counts=True)[1]
        scoring = "balanced_accuracy" if counts.max() > UNEVEN * counts.min() else None
    if judge_params is None:
        judge_params = {n: value for n, value in probing.params.items() if _takes(judge, n)}
    judged = partial(_score, probing, frac, judge, judge_params, scoring, stratify)
    cut = probing.estimated_cut
    candidates = [(region, 0.0) for region in UNCUT]
    if any(cut.values()):
        candidates += [(region, cut) for region in CUT]
    else:
        candidates += [(region, 0.0) for region in CUT if region not in UNCUT]
    n_folds = len(probing.folds)
    scores = np.full((len(candidates), n_folds), np.nan)
    seeds = np.random.RandomState(probing.seed).randint(2**31 - 1, size=n_folds)
    alive = np.ones(len(candidates), dtype=bool)
    for k, fold in enumerate(probing.folds):
        tried = np.flatnonzero(alive)
        scores[tried, k] = Parallel(n_jobs=probing.n_jobs)(
            delayed(judged)(fold, candidates[i], int(seeds[k])) for i in tried
        )
        alive[tried] = _has_a_chance(scores[tried, : k + 1])
    gains = scores - scores[0]
    mean, error = gains.mean(axis=1), _standard_error(gains)
    whole = np.isfinite(mean)
    best = int(np.where(whole, mean, -np.inf).argmax())
    chosen = best if mean[best] > error[best] else 0
    region, cut = candidates[chosen]
    results = {
        "region": np.array([name for name, _ in candidates]),
        "noise_cut": np.array([bool(one) for _, one in candidates]),
        "mean_score": scores.mean(axis=1),
        "mean_gain": mean,
        "standard_error": error,
        "chosen": np.arange(len(candidates)) == chosen,
        **{f"split{k}_score": scores[:, k] for k in range(n_folds)},
    }
    return Found(region, cut, results)


def _has_a_chance(scores):
    """Whether each candidate, random being the first, could still have the highest gain."""
    if scores.shape[1] < 2:
        return np.ones(len(scores), dtype=bool)
    gains = scores - scores[0]
    mean, error = gains.mean(axis=1), _standard_error(gains)
    best = mean.max(initial=-np.inf, where=np.isfinite(mean))
    chance = mean + 2 * error >= best  # not where a score is NaN
    chance[0] = True
    return chance


def _standard_error(gains):
    return gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])


def _score(probing, frac, judge, judge_params, scoring, stratify, fold, candidate, seed):
    """Train the judge on the rows that a candidate chooses outside of a fold; score it inside.

    A candidate that loses a class is out of the competition: NaN.
    """
    region, cut = candidate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CartographyWarning)  # said once, of the whole training set
        few = choose_rows(
            fold.data_map, region, frac, noise_cut=cut, stratify=stratify, random_state=seed
        )
    rows = fold.train[few]
    classes = np.unique(probing.y)
    if len(np.unique(probing.y[rows])) < len(classes):
        return np.nan
    params = _check_method_params(probing.X, judge_params, rows)
    few, labels = take(probing.X, rows), probing.y[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CartographyWarning)  # a judge that is a probe draws no map
        trained = train(clone(judge), few, labels, params=params, seed=seed, classes=classes)
    model = answering(trained)
    score = check_scoring(model, scoring)(model, take(probing.X, fold.test), probing.y[fold.test])
    if not isinstance(score, Real):
        raise TypeError(
            f"The scoring of 'auto' must give one number; got {type(score).__name__}. Give the "
            "selector a scoring of its own."
        )
    return score


def _takes(judge, name):
    """Whether the judge's `fit` takes an argument of the probe's `fit`."""
    if isinstance(judge, Pipeline):
        return name.partition("__")[0] in judge.named_steps
    kinds = [parameter.kind for parameter in signature(judge.fit).parameters.values()]
    return Parameter.VAR_KEYWORD in kinds or has_fit_parameter(judge, name)
