"""The region "auto": the selection rule with the best cross-validated score."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.metrics import check_scoring

from sklearn_carto._inputs._containers import take
from sklearn_carto._maps._regions import choose_rows
from sklearn_carto._selection._final_estimator import fit_final_estimator, with_original_labels
from sklearn_carto._selection._fit_params import params_taken
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._validation import describe, is_flag
from sklearn_carto._utils._warnings import warn
from sklearn_carto._watching._training_set import take_params
from sklearn_carto.exceptions import MissingClassesWarning

# The candidates without and with an estimated noise cut. Combinations that gain nothing in
# benchmarks/selection.py are left out: the other rules without a cut (worse than random, or than
# with a cut), and "easy" with one (a cut never removes the easiest samples).
UNCUT = ("random", "median", "easy")
CUT = ("random", "coverage", "weighted", "dual-beta", "median", "ambiguous")
# Largest over smallest class from which on balanced accuracy is the default score. A convention:
# accuracy, which is the default below, then depends mostly on the largest class.
IMBALANCE = 2.0
# A candidate is dropped when its mean gain lies that many standard errors below the best one: about
# the half-width of a 95 % interval (1.96 for the normal distribution).
N_ERRORS = 2.0


class AutoResult(NamedTuple):
    """The chosen rule, and the scores of all candidates."""

    region: str
    noise_cut: dict | float  # as in `choose_rows`
    results: dict  # of arrays with one entry for each candidate


def search_region(
    proxy, frac, *, final_estimator, final_estimator_params=None, scoring=None, stratify=True
):
    """Choose a selection rule, and whether to cut noise, by cross-validation.

    For each fold, each candidate selects samples on the map of the training set; the final
    estimator is fitted on them and scored on the test set. A candidate that is significantly worse
    than the best one is not scored on the remaining folds. The best candidate is chosen if its mean
    gain over random exceeds one standard error, otherwise random is.

    Parameters
    ----------
    proxy : ProxyModel
        The maps of the folds, and the estimated noise cut.
    frac : float
        Share of the samples to select.
    final_estimator : estimator
        The estimator that is fitted on the selected samples.
    final_estimator_params : dict, default=None
        Further arguments of its `fit`; None: those of the proxy model's `fit` that it accepts.
    scoring : str, callable or None, default=None
        A single metric. None: `score` of the final estimator, or balanced accuracy if the largest
        class has more than twice the samples of the smallest.
    stratify : bool, default=True
        Whether the selection preserves the class proportions.

    Returns
    -------
    result : AutoResult
        The chosen region and noise cut, and the scores of all candidates.
    """
    # 1. Defaults that depend on the training set
    if scoring is None:
        counts = np.unique(proxy.y[proxy.present], return_counts=True)[1]
        scoring = "balanced_accuracy" if counts.max() > IMBALANCE * counts.min() else None
    if final_estimator_params is None:
        final_estimator_params = params_taken(final_estimator, proxy.params)
    # 2. Candidates; without a cut to make, each region once
    cut = proxy.estimated_cut
    if any(cut.values()):
        candidates = [(region, 0.0) for region in UNCUT] + [(region, cut) for region in CUT]
    else:
        candidates = [(region, 0.0) for region in dict.fromkeys(UNCUT + CUT)]
    # 3. Scores, fold by fold
    score_candidate = partial(
        _score_candidate,
        proxy=proxy,
        frac=frac,
        final_estimator=final_estimator,
        params=final_estimator_params,
        scoring=scoring,
        stratify=stratify,
    )
    scores, undefined, incomplete = _score_folds(score_candidate, candidates, proxy)
    _check_scores(undefined, incomplete)
    # 4. The one-standard-error rule (Breiman et al., "Classification and Regression Trees", 1984,
    # section 3.4.3): the simplest candidate, random, unless the best one is clearly better
    mean, error = _mean_gain(scores)
    best = int(np.where(np.isfinite(mean), mean, -np.inf).argmax())
    chosen = best if mean[best] > error[best] else 0
    results = {
        "region": np.array([region for region, _ in candidates]),
        "noise_cut": np.array([bool(noise_cut) for _, noise_cut in candidates]),
        "mean_score": scores.mean(axis=1),
        "mean_gain": mean,
        "standard_error": error,
        "chosen": np.arange(len(candidates)) == chosen,
        **{f"split{k}_score": of_fold for k, of_fold in enumerate(scores.T)},
    }
    region, noise_cut = candidates[chosen]
    return AutoResult(region, noise_cut, results)


def _score_folds(score_candidate, candidates, proxy):
    """Score the candidates fold by fold.

    Returns
    -------
    scores, undefined, incomplete : ndarray of shape (n_candidates, n_folds)
        The scores; where they are not finite; and where a selection lacks a class, so that it is
        not scored. A score is NaN, and neither, after a candidate was dropped.
    """
    n_folds = len(proxy.folds)
    scores = np.full((len(candidates), n_folds), np.nan)
    undefined, incomplete = np.zeros((2, *scores.shape), dtype=bool)
    seeds = rule_generator(proxy.seed, "folds of auto").randint(2**31 - 1, size=n_folds).tolist()
    remaining = np.arange(len(candidates))
    for k, (fold, seed) in enumerate(zip(proxy.folds, seeds, strict=True)):
        # warnings about the selections are left to the selection from the whole training set
        outcomes, _ = run_parallel(
            score_candidate, [(fold, candidates[i], seed) for i in remaining], n_jobs=proxy.n_jobs
        )
        scores[remaining, k] = [np.nan if score is None else score for score in outcomes]
        incomplete[remaining, k] = [score is None for score in outcomes]
        undefined[remaining, k] = ~np.isfinite(scores[remaining, k]) & ~incomplete[remaining, k]
        remaining = remaining[_may_be_best(scores[remaining, : k + 1])]
    return scores, undefined, incomplete


def _check_scores(undefined, incomplete):
    """Raise an error if no candidate can be compared with random because scores are not finite.

    If the random selection of a fold lacks a class, which is no fault of the metric, there is a
    warning.
    """
    has_no_mean = (undefined | incomplete)[1:].any(axis=1)
    if undefined[0].any() or (undefined.any() and has_no_mean.all()):
        which = "random" if undefined[0].any() else "every region but random"
        folds = np.flatnonzero(undefined.any(axis=0)).tolist()
        raise ValueError(
            f"The 'scoring' parameter used by 'auto' gave scores that are not finite for {which}, "
            f"in the folds {folds}, so that there is nothing to compare. Choose a metric that is "
            "defined on each test set, lower cv, or set region to a fixed region."
        )
    if incomplete[0].any():
        warn(
            "The region 'auto' keeps 'random': in a fold, the random selection that the others are "
            "compared with lacks a class. Raise frac, or set stratify=True.",
            MissingClassesWarning,
        )


def _mean_gain(scores):
    """Mean gain of each candidate over the first one, random, and its standard error."""
    gains = np.full(scores.shape, np.nan)
    finite = np.isfinite(scores) & np.isfinite(scores[0])
    np.subtract(scores, scores[0], out=gains, where=finite)
    return gains.mean(axis=1), gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])


def _may_be_best(scores):
    """Whether each candidate may still have the highest mean gain over the first one, random."""
    if scores.shape[1] < 2:  # no standard error
        return np.ones(len(scores), dtype=bool)
    mean, error = _mean_gain(scores)
    highest = mean.max(initial=-np.inf, where=np.isfinite(mean))
    may_be_best = mean + N_ERRORS * error >= highest  # False where a score is not finite
    may_be_best[0] = True
    return may_be_best


def _score_candidate(
    fold, candidate, seed, *, proxy, frac, final_estimator, params, scoring, stratify
):
    """Fit the final estimator on the selection of a candidate, and score it on the test set.

    The score is None if the selection lacks a class.
    """
    region, noise_cut = candidate
    positions = choose_rows(
        fold.data_map, region, frac, noise_cut=noise_cut, stratify=stratify, random_state=seed
    )
    selected = fold.train[positions]
    y_selected = proxy.y[selected]
    if len(np.unique(y_selected)) < len(proxy.classes):
        return None
    trained = fit_final_estimator(
        clone(final_estimator),
        take(proxy.X, selected),
        y_selected,
        params=take_params(params, selected, len(proxy.y)),
        seed=seed,
        classes=proxy.classes,
    )
    model = with_original_labels(trained)
    score = check_scoring(model, scoring)(model, take(proxy.X, fold.test), proxy.y[fold.test])
    return _as_number(score)


def _as_number(score):
    """Convert a score, a number or an array of one, to float."""
    number = score.item() if getattr(score, "size", 0) == 1 else score
    if not isinstance(number, Real) or is_flag(number):
        raise TypeError(
            "The 'scoring' parameter used by 'auto' must return a single number; got "
            f"{describe(score)}. Set the selector's scoring to a single metric."
        )
    return float(number)
