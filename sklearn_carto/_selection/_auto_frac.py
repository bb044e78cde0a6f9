"""The share "auto": the smallest one whose cross-validated score is as good as the best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_carto._maps._regions import rows_after_cut
from sklearn_carto._selection._candidates import (
    N_ERRORS,
    Rule,
    paired_difference,
    score_folds,
    suspect_cut,
)
from sklearn_carto._utils._quotas import n_rows_of

# Shares that are tried besides all samples, and all samples without suspect labels. Each is about
# two thirds of the one before: in this way, few fits cover two orders of magnitude.
SHARES = (0.75, 0.5, 0.33, 0.2, 0.1, 0.05)
# The share at which the region "auto" is chosen if the share is to be found, too.
REFERENCE = 0.33


class FracResult(NamedTuple):
    """The chosen share and rule, and the scores of all shares."""

    frac: float
    rule: Rule
    results: dict  # of arrays with one entry for each share, from the largest


def search_frac(trainer, rule, *, tolerance=None):
    """Choose the smallest share of the samples whose score is as good as the best.

    For each fold, the final estimator is fitted on each share and scored on the test set. A share
    whose score is clearly worse than the best one is not scored on the remaining folds. The
    smallest share is chosen whose mean score is at most `tolerance` below the best one.

    Parameters
    ----------
    trainer : Trainer
        The maps of the folds, and how the final estimator is fitted and scored.
    rule : Rule
        How samples are selected.
    tolerance : float or None, default=None
        Tolerated difference to the best score; None: one standard error of this difference.

    Returns
    -------
    result : FracResult
        The chosen share, and the scores of all shares.
    """
    # 1. Shares, from the largest
    candidates, counts = _list_shares(trainer.proxy, rule)
    if isinstance(rule.region, str) and rule.region == "prototypes":
        trainer.proxy.embedded  # noqa: B018  computed once, before parallel workers need it
    # 2. Scores, fold by fold
    all_scores, undefined, _, n_scored = score_folds(
        trainer, candidates, lambda of_folds: _may_be_chosen(of_folds, tolerance)
    )
    scores = all_scores[:, :n_scored]
    complete = np.isfinite(scores).all(axis=1)
    if not complete.any():
        folds = np.flatnonzero(undefined.any(axis=0)).tolist()
        raise ValueError(
            "The 'scoring' parameter used by 'auto' gave scores that are not finite for every "
            f"share of the samples, in the folds {folds}, so that there is nothing to compare. "
            "Choose a metric that is defined on each test set, lower cv, or set frac to a number."
        )
    # 3. The one-standard-error rule (Breiman et al., "Classification and Regression Trees", 1984,
    # section 3.4.3): the smallest share that is not clearly worse than the best one
    difference, error, good = _compare(scores, tolerance)
    chosen = int(np.flatnonzero(good)[-1])
    shares = np.array([share for _, share in candidates])
    results = {
        "frac": shares,
        "n_rows": np.array(counts),
        "mean_score": scores.mean(axis=1),
        "mean_difference": difference,
        "standard_error": error,
        "chosen": np.arange(len(shares)) == chosen,
        **{f"split{k}_score": of_fold for k, of_fold in enumerate(all_scores.T)},
    }
    return FracResult(float(shares[chosen]), candidates[chosen][0], results)


def _list_shares(proxy, rule):
    """List rules and shares, and the number of samples that they select, from the largest.

    All samples; all without suspect labels, if there are any; and smaller shares of the rule.
    """
    n_samples = int(proxy.data_map._present_mask.sum())
    candidates, counts = [(rule, 1.0)], [n_samples]
    clean = Rule("clean", suspect_cut(proxy), True)
    n_clean = len(rows_after_cut(proxy.data_map, noise_cut=clean.noise_cut))
    if n_clean < n_samples:
        candidates.append((clean, n_clean / n_samples))
        counts.append(n_clean)
    for share in SHARES:
        n_rows = n_rows_of(share, n_samples)
        if n_rows < counts[-1]:
            candidates.append((rule, share))
            counts.append(n_rows)
    return candidates, counts


def _compare(scores, tolerance):
    """Compare shares with the best one: difference, its standard error, and whether it is as good.

    Only shares that were scored on all of the folds are.
    """
    means = scores.mean(axis=1)
    best = int(np.where(np.isfinite(means), means, -np.inf).argmax())
    difference, error = paired_difference(scores, scores[best])
    allowed = error if tolerance is None else tolerance
    # sums of scores may differ by a rounding error
    return difference, error, difference >= -allowed - 1e-12


def _may_be_chosen(scores, tolerance):
    """Whether each share may be as good as the best one after all folds; none if one is left."""
    if scores.shape[1] < 2:  # no standard error
        return np.ones(len(scores), dtype=bool)
    difference, error, _ = _compare(scores, tolerance)
    allowed = error if tolerance is None else tolerance
    # False where a score is not finite
    may_be_chosen = difference + N_ERRORS * error >= -allowed - 1e-12
    return may_be_chosen & (may_be_chosen.sum() > 1)
