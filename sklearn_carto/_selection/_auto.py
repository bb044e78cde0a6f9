"""The region "auto": the selection rule with the best cross-validated score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_carto._selection._candidates import (
    N_ERRORS,
    Rule,
    paired_difference,
    score_folds,
    suspect_cut,
)
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import MissingClassesWarning

# The candidates: a region, and how many samples are cut for each suspect label. They are those that
# gained most together in benchmarks/selection.py. Two cut samples for each suspect one gain more
# than one where the rest is drawn at random: the next suspects are no loss.
SMALL = (("random", 0), ("easy", 0), ("weighted", 2), ("median", 1), ("prototypes", 1))
LARGE = (("random", 0), ("easy", 0), ("weighted", 2), ("dual-beta", 1))
# Shares up to this one are small: which samples are kept matters more, and a fit costs less.
MAX_SMALL = 0.2
N_FINALISTS = 2  # candidates besides random that are scored on more than two folds


class AutoResult(NamedTuple):
    """The chosen rule, and the scores of all candidates."""

    rule: Rule
    results: dict  # of arrays with one entry for each candidate


def search_region(trainer, frac):
    """Choose a selection rule, and whether to cut noise, by cross-validation.

    For each fold, each candidate selects samples on the map of the training set; the final
    estimator is fitted on them and scored on the test set. After two folds, only random and the
    two best candidates are scored on, less those that are clearly worse; the search ends as soon as
    a single one is left that is clearly better than random. The best candidate is chosen if its
    mean gain over random exceeds one standard error, otherwise random is.

    Parameters
    ----------
    trainer : Trainer
        The maps of the folds, and how the final estimator is fitted and scored.
    frac : float
        Share of the samples to select.

    Returns
    -------
    result : AutoResult
        The chosen rule, and the scores of all candidates.
    """
    # 1. Candidates; where no label is suspect, none cuts
    cuts = {multiple: suspect_cut(trainer.proxy, multiple) for multiple in (1, 2)}
    rules = [
        Rule(region, cuts[multiple], True) if multiple and any(cuts[1].values()) else Rule(region)
        for region, multiple in (SMALL if frac <= MAX_SMALL else LARGE)
        if region != "prototypes" or trainer.proxy.features is not None
    ]
    if any(rule.region == "prototypes" for rule in rules):
        trainer.proxy.embedded  # noqa: B018  computed once, before parallel workers need it
    # 2. Scores, fold by fold
    scores, undefined, incomplete, n_scored = score_folds(
        trainer, [(rule, frac) for rule in rules], _finalists
    )
    all_scores, scores = scores, scores[:, :n_scored]
    _check_scores(undefined, incomplete)
    # 3. The one-standard-error rule (Breiman et al., "Classification and Regression Trees", 1984,
    # section 3.4.3): the simplest candidate, random, unless the best one is clearly better
    mean, error = paired_difference(scores, scores[0])
    best = int(np.where(np.isfinite(mean), mean, -np.inf).argmax())
    chosen = best if mean[best] > error[best] else 0
    results = {
        "region": np.array([rule.region for rule in rules]),
        "noise_cut": np.array([rule.is_estimated for rule in rules]),
        "mean_score": scores.mean(axis=1),
        "mean_gain": mean,
        "standard_error": error,
        "chosen": np.arange(len(rules)) == chosen,
        **{f"split{k}_score": of_fold for k, of_fold in enumerate(all_scores.T)},
    }
    return AutoResult(rules[chosen], results)


def _finalists(scores):
    """Whether each candidate is scored on the next fold; none is if the choice is clear."""
    if scores.shape[1] < 2:  # no standard error
        return np.ones(len(scores), dtype=bool)
    mean, error = paired_difference(scores, scores[0])
    mean = np.where(np.isfinite(mean), mean, -np.inf)
    finalists = mean + N_ERRORS * error >= mean.max()  # False where a score is not finite
    finalists[0] = False
    others = np.flatnonzero(finalists)
    others = others[np.argsort(-mean[others], kind="stable")[:N_FINALISTS]]
    is_clear = len(others) == 1 and mean[others[0]] > N_ERRORS * error[others[0]]
    finalists[:] = False
    if len(others) and not is_clear:
        finalists[[0, *others]] = True
    return finalists


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
