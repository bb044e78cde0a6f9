"""Selection rules that "auto" compares, the cut of suspect labels, and scores of a fold."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.metrics import check_scoring

from sklearn_carto._inputs._containers import take
from sklearn_carto._maps._regions import choose_rows, rows_after_cut
from sklearn_carto._selection._final_estimator import fit_final_estimator, with_original_labels
from sklearn_carto._selection._fit_params import params_taken
from sklearn_carto._selection._prototypes import prototype_scores
from sklearn_carto._selection._proxy import ProxyModel
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._validation import describe, is_flag
from sklearn_carto._watching._training_set import take_params

# Largest over smallest class from which on balanced accuracy is the default score. A convention:
# accuracy, which is the default below, then depends mostly on the largest class.
IMBALANCE = 2.0
# A candidate is dropped when it lies that many standard errors below the best one: about the
# half-width of a 95 % interval (1.96 for the normal distribution).
N_ERRORS = 2.0


class Rule(NamedTuple):
    """A selection rule, without the share of the samples that it selects."""

    # as in `choose_rows`; "clean": all samples that the cut leaves; "prototypes": those nearest to
    # the centers of clusters
    region: object
    noise_cut: dict | float = 0.0  # as in `choose_rows`
    is_estimated: bool = False  # whether the cut is that of the suspect labels


def suspect_cut(proxy, multiple=1):
    """Return the share of suspect labels in each class, so that a cut removes them.

    Of no class more than half is cut. `multiple` is the number of samples to cut for each suspect.
    """
    present, shares = np.flatnonzero(proxy.data_map._present_mask), {}
    for label in proxy.classes:
        suspect = proxy.suspect_mask[present[proxy.y[present] == label]]
        n_cut = min(multiple * int(suspect.sum()), len(suspect) // 2)
        dates = proxy.classes.dtype.kind in "mM"  # whose Python numbers equal no label
        name = label if dates or not hasattr(label, "item") else label.item()
        shares[name] = n_cut / max(len(suspect), 1)
    return shares


def select_by_rule(rule, frac, proxy, *, fold=None, stratify=True, random_state=None):
    """Select samples by a rule, from the whole training set or from that of a fold.

    From the whole training set, an estimated cut removes the labels of lowest quality. In a fold
    it removes as large a share of each class, lowest margin on the map of the fold first: the
    quality of its labels comes from models that were fitted on the labels of its test set, so
    that scores of a selection by quality would be too high.

    Returns
    -------
    rows : ndarray of shape (n_selected,)
        Indices of samples in the whole training set, ascending.
    """
    data_map, scores = proxy.data_map if fold is None else fold.data_map, None
    if rule.is_estimated and fold is None:  # suspects come first, whatever ties there are
        scores = proxy.label_quality - proxy.suspect_mask
    cut = {"noise_cut": rule.noise_cut, "cut_scores": scores, "random_state": random_state}
    region = rule.region if isinstance(rule.region, str) else None
    if region == "clean":
        positions = rows_after_cut(data_map, **cut)
    else:
        of_map = rule.region
        if region == "prototypes":
            rows, left = (
                slice(None) if fold is None else fold.train,
                rows_after_cut(data_map, **cut),
            )
            scores = prototype_scores(proxy.embedded[rows], proxy.y[rows], left, frac, random_state)
            of_map = partial(_fixed_scores, scores=scores)
        positions = choose_rows(data_map, of_map, frac, stratify=stratify, **cut)
    return positions if fold is None else fold.train[positions]


def _fixed_scores(data_map, *, scores):
    return scores


class Trainer(NamedTuple):
    """How the final estimator is fitted on a selection of a fold, and scored on its test set."""

    proxy: ProxyModel
    final_estimator: object
    params: dict
    scoring: object
    stratify: bool

    @classmethod
    def make(cls, proxy, final_estimator, params=None, scoring=None, stratify=True):
        """Fill in the defaults that depend on the training set.

        Parameters
        ----------
        proxy : ProxyModel
            The maps of the folds, and the suspect labels.
        final_estimator : estimator
            The estimator that is fitted on the selected samples.
        params : dict, default=None
            Further arguments of its `fit`; None: those of the proxy model's `fit` that it accepts.
        scoring : str, callable or None, default=None
            A single metric. None: `score` of the final estimator, or balanced accuracy if the
            largest class has more than twice the samples of the smallest.
        stratify : bool, default=True
            Whether the selections preserve the class proportions.
        """
        if scoring is None:
            counts = np.unique(proxy.y[proxy.present], return_counts=True)[1]
            scoring = "balanced_accuracy" if counts.max() > IMBALANCE * counts.min() else None
        if params is None:
            params = params_taken(final_estimator, proxy.params)
        return cls(proxy, final_estimator, params, scoring, stratify)

    def score(self, k, rule, frac, seed):
        """Fit the final estimator on a selection, and score it on the test set of the k-th fold.

        The score is None if the selection lacks a class.
        """
        proxy, fold = self.proxy, self.proxy.folds[k]
        selected = select_by_rule(
            rule, frac, proxy, fold=fold, stratify=self.stratify, random_state=seed
        )
        y_selected = proxy.y[selected]
        if len(np.unique(y_selected)) < len(proxy.classes):
            return None
        trained = fit_final_estimator(
            clone(self.final_estimator),
            take(proxy.X, selected),
            y_selected,
            params=take_params(self.params, selected, len(proxy.y)),
            seed=seed,
            classes=proxy.classes,
        )
        model, y_test = with_original_labels(trained), proxy.y[fold.test]
        return _as_number(
            check_scoring(model, self.scoring)(model, take(proxy.X, fold.test), y_test)
        )


def score_folds(trainer, candidates, remain):
    """Score candidates fold by fold.

    Parameters
    ----------
    trainer : Trainer
        How they are scored.
    candidates : list of (Rule, float)
        Rules and shares of the samples that they select.
    remain : callable
        Takes the scores of the folds so far, of shape (n_candidates, n_folds), and returns which
        candidates are scored on the next fold, of shape (n_candidates,); none ends the search. The
        scores of candidates that were dropped, that are undefined or that lack a class are NaN.

    Returns
    -------
    scores, undefined, incomplete : ndarray of shape (n_candidates, n_folds)
        The scores; where they are not finite; and where a selection lacks a class, so that it is
        not scored. A score is NaN, and neither, after a candidate was dropped.
    n_scored : int
        Number of folds on which candidates were scored.
    """
    proxy = trainer.proxy
    n_folds = len(proxy.folds)
    scores = np.full((len(candidates), n_folds), np.nan)
    undefined, incomplete = np.zeros((2, *scores.shape), dtype=bool)
    seeds = rule_generator(proxy.seed, "folds of auto").randint(2**31 - 1, size=n_folds).tolist()
    remaining = np.arange(len(candidates))
    for k, seed in enumerate(seeds):
        # warnings about the selections are left to the selection from the whole training set
        outcomes, _ = run_parallel(
            Trainer.score,
            [(k, *candidates[i], seed) for i in remaining],
            shared=(trainer,),
            n_jobs=proxy.n_jobs,
        )
        scores[remaining, k] = [np.nan if score is None else score for score in outcomes]
        incomplete[remaining, k] = [score is None for score in outcomes]
        undefined[remaining, k] = ~np.isfinite(scores[remaining, k]) & ~incomplete[remaining, k]
        remaining = np.intersect1d(remaining, np.flatnonzero(remain(scores[:, : k + 1])))
        if not len(remaining):
            break
    return scores, undefined, incomplete, k + 1


def paired_difference(scores, reference):
    """Mean difference of scores to those of a reference in the same folds, and its standard error.

    Differences within a fold, since its test set is as hard for both. NaN where a score is not
    finite.

    Examples
    --------
    >>> paired_difference(np.array([[0.5, 0.7], [0.6, 0.6]]), np.array([0.4, 0.6]))[0].round(2)
    array([0.1, 0.1])
    """
    differences = np.full(scores.shape, np.nan)
    finite = np.isfinite(scores) & np.isfinite(reference)
    np.subtract(scores, reference, out=differences, where=finite)
    n_folds = differences.shape[1]
    error = differences.std(axis=1, ddof=1) / np.sqrt(n_folds) if n_folds > 1 else None
    return differences.mean(axis=1), np.full(len(scores), np.nan) if error is None else error


def _as_number(score):
    """Convert a score, a number or an array of one, to float."""
    number = score.item() if getattr(score, "size", 0) == 1 else score
    if not isinstance(number, Real) or is_flag(number):
        raise TypeError(
            "The 'scoring' parameter used by 'auto' must return a single number; got "
            f"{describe(score)}. Set the selector's scoring to a single metric."
        )
    return float(number)
