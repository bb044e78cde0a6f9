"""The region "auto": the selection rule with the best cross-validated score."""

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
from sklearn_carto._selection._final_estimator import fit_final_estimator, with_original_labels
from sklearn_carto._utils._compat import _check_method_params
from sklearn_carto.exceptions import CartographyWarning

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
        counts = np.unique(proxy.y, return_counts=True)[1]
        scoring = "balanced_accuracy" if counts.max() > IMBALANCE * counts.min() else None
    if final_estimator_params is None:
        final_estimator_params = {
            name: value for name, value in proxy.params.items() if _accepts(final_estimator, name)
        }
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
    scores = _score_folds(score_candidate, candidates, proxy)
    # 4. The one-standard-error rule (Breiman et al., "Classification and Regression Trees", 1984,
    # section 3.4.3): the simplest candidate, random, unless the best one is clearly better
    gains = scores - scores[0]
    mean, error = gains.mean(axis=1), _standard_error(gains)
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
    """Scores of shape (n_candidates, n_folds); NaN after a candidate was dropped."""
    n_folds = len(proxy.folds)
    scores = np.full((len(candidates), n_folds), np.nan)
    seeds = np.random.RandomState(proxy.seed).randint(2**31 - 1, size=n_folds)
    remaining = np.arange(len(candidates))
    for k, (fold, seed) in enumerate(zip(proxy.folds, seeds.tolist(), strict=True)):
        scores[remaining, k] = Parallel(n_jobs=proxy.n_jobs)(
            delayed(score_candidate)(fold, candidates[i], seed) for i in remaining
        )
        remaining = remaining[_may_be_best(scores[remaining, : k + 1])]
    return scores


def _may_be_best(scores):
    """Whether each candidate may still have the highest mean gain over the first one, random."""
    if scores.shape[1] < 2:  # no standard error
        return np.ones(len(scores), dtype=bool)
    gains = scores - scores[0]
    mean, error = gains.mean(axis=1), _standard_error(gains)
    highest = mean.max(initial=-np.inf, where=np.isfinite(mean))
    may_be_best = mean + N_ERRORS * error >= highest  # False where a score is NaN
    may_be_best[0] = True
    return may_be_best


def _standard_error(gains):
    return gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])


def _score_candidate(
    fold, candidate, seed, *, proxy, frac, final_estimator, params, scoring, stratify
):
    """Fit the final estimator on the selection of a candidate, and score it on the test set.

    The score is NaN if the selection lacks a class.
    """
    region, noise_cut = candidate
    with warnings.catch_warnings():
        # the warning for the whole training set suffices
        warnings.simplefilter("ignore", CartographyWarning)
        positions = choose_rows(
            fold.data_map, region, frac, noise_cut=noise_cut, stratify=stratify, random_state=seed
        )
    selected = fold.train[positions]
    X_selected, y_selected = take(proxy.X, selected), proxy.y[selected]
    classes = np.unique(proxy.y)
    if len(np.unique(y_selected)) < len(classes):
        return np.nan
    with warnings.catch_warnings():
        # a final estimator that is a CartographyClassifier draws a map, which is not used
        warnings.simplefilter("ignore", CartographyWarning)
        trained = fit_final_estimator(
            clone(final_estimator),
            X_selected,
            y_selected,
            params=_check_method_params(proxy.X, params, selected),
            seed=seed,
            classes=classes,
        )
    model = with_original_labels(trained)
    score = check_scoring(model, scoring)(model, take(proxy.X, fold.test), proxy.y[fold.test])
    if not isinstance(score, Real):
        raise TypeError(
            "The 'scoring' parameter used by 'auto' must return a single number; got "
            f"{type(score).__name__}. Set the selector's scoring to a single metric."
        )
    return score


def _accepts(final_estimator, name):
    """Whether `fit` of the final estimator accepts an argument."""
    if isinstance(final_estimator, Pipeline):
        return name.partition("__")[0] in final_estimator.named_steps
    kinds = [parameter.kind for parameter in signature(final_estimator.fit).parameters.values()]
    return Parameter.VAR_KEYWORD in kinds or has_fit_parameter(final_estimator, name)
