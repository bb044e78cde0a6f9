"""The rule "auto": the region that teaches best, found on the training rows alone."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter

from sklearn_carto._answering import answering
from sklearn_carto._compat import _check_method_params
from sklearn_carto._containers import take
from sklearn_carto._regions import choose_rows
from sklearn_carto._watching._final import train
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


def search_region(probing, frac, *, judge, scoring=None, stratify=True):
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
            delayed(_score)(
                probing, fold, candidates[i], frac, judge, scoring, stratify, int(seeds[k])
            )
            for i in tried
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
    chance = mean + 2 * error >= mean.max()
    chance[0] = True
    return chance


def _standard_error(gains):
    return gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])


def _score(probing, fold, candidate, frac, judge, scoring, stratify, seed):
    """Train the judge on the rows that a candidate chooses outside of a fold; score it inside."""
    region, cut = candidate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CartographyWarning)  # said once, of the whole training set
        few = choose_rows(
            fold.data_map, region, frac, noise_cut=cut, stratify=stratify, random_state=seed
        )
    rows = fold.train[few]
    taken = {name: value for name, value in probing.params.items() if _takes(judge, name)}
    params = _check_method_params(probing.X, taken, rows)
    few = take(probing.X, rows)
    model = answering(train(clone(judge), few, probing.y[rows], params=params, seed=seed))
    scorer = check_scoring(model, scoring)
    return scorer(model, take(probing.X, fold.test), probing.y[fold.test])


def _takes(judge, name):
    """Whether the judge's `fit` takes an argument of the probe's `fit`."""
    if isinstance(judge, Pipeline):
        return name.partition("__")[0] in judge.named_steps
    return has_fit_parameter(judge, name)
