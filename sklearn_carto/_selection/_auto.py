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
from sklearn_carto._selection._final_estimator import train, with_original_labels
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


def search_region(
    proxy, frac, *, final_estimator, final_estimator_params=None, scoring=None, stratify=True
):
    """Find the rule, and whether to cut noise, by cross-validation on the training rows.

    Each candidate chooses rows on the map of all rows but a fold; the final estimator is trained
    on them and scored on the fold. A candidate whose gain over random cannot be the highest any
    more, by two standard errors, is not tried on further folds. The best is taken if its mean gain
    exceeds one standard error, else random.

    Parameters
    ----------
    proxy : ProxyModel
        Maps of all rows but a fold, and probabilities out of fold.
    frac : float
        Share of the rows to keep.
    final_estimator : estimator
        The model that will be trained on the rows.
    final_estimator_params : dict, default=None
        Further arguments of its `fit`; None: those of the probe's `fit` that it takes.
    scoring : str, callable or None, default=None
        One scorer. None: the final estimator's own `score`, or balanced accuracy
        where the classes are uneven.
    stratify : bool, default=True
        Whether each class keeps its share.

    Returns
    -------
    found : Found
        The region, the cut, and what was tried.
    """
    if scoring is None:
        counts = np.unique(proxy.y, return_counts=True)[1]
        scoring = "balanced_accuracy" if counts.max() > UNEVEN * counts.min() else None
    if final_estimator_params is None:
        final_estimator_params = {
            n: value for n, value in proxy.params.items() if _takes(final_estimator, n)
        }
    score_candidate = partial(
        _score, proxy, frac, final_estimator, final_estimator_params, scoring, stratify
    )
    cut = proxy.estimated_cut
    candidates = [(region, 0.0) for region in UNCUT]
    if any(cut.values()):
        candidates += [(region, cut) for region in CUT]
    else:
        candidates += [(region, 0.0) for region in CUT if region not in UNCUT]
    n_folds = len(proxy.folds)
    scores = np.full((len(candidates), n_folds), np.nan)
    seeds = np.random.RandomState(proxy.seed).randint(2**31 - 1, size=n_folds)
    alive = np.ones(len(candidates), dtype=bool)
    for k, fold in enumerate(proxy.folds):
        tried = np.flatnonzero(alive)
        scores[tried, k] = Parallel(n_jobs=proxy.n_jobs)(
            delayed(score_candidate)(fold, candidates[i], int(seeds[k])) for i in tried
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


def _score(
    proxy, frac, final_estimator, final_estimator_params, scoring, stratify, fold, candidate, seed
):
    """Train the final estimator on the rows that a candidate chooses; score it on the fold.

    A candidate that loses a class is out of the competition: NaN.
    """
    region, cut = candidate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CartographyWarning)  # said once, of the whole training set
        few = choose_rows(
            fold.data_map, region, frac, noise_cut=cut, stratify=stratify, random_state=seed
        )
    rows = fold.train[few]
    classes = np.unique(proxy.y)
    if len(np.unique(proxy.y[rows])) < len(classes):
        return np.nan
    params = _check_method_params(proxy.X, final_estimator_params, rows)
    few, labels = take(proxy.X, rows), proxy.y[rows]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", CartographyWarning
        )  # a final estimator that is a probe draws no map
        trained = train(
            clone(final_estimator), few, labels, params=params, seed=seed, classes=classes
        )
    model = with_original_labels(trained)
    score = check_scoring(model, scoring)(model, take(proxy.X, fold.test), proxy.y[fold.test])
    if not isinstance(score, Real):
        raise TypeError(
            f"The scoring of 'auto' must give one number; got {type(score).__name__}. Give the "
            "selector a scoring of its own."
        )
    return score


def _takes(final_estimator, name):
    """Whether the final estimator's `fit` takes an argument of the probe's `fit`."""
    if isinstance(final_estimator, Pipeline):
        return name.partition("__")[0] in final_estimator.named_steps
    kinds = [parameter.kind for parameter in signature(final_estimator.fit).parameters.values()]
    return Parameter.VAR_KEYWORD in kinds or has_fit_parameter(final_estimator, name)
