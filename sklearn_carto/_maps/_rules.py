"""Rules that rank the rows of a data map.

A rule gives each row of a pool a score, and the rows with the highest scores are selected. A pool
is a class, or all rows, without the rows that a noise cut removed. ``"coverage"`` is the exception:
it shares the number of rows to select over bins and samples inside each bin. What is random in a
rule, and the order of rows that tie, follows from one random key in [0, 1) for each row.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import beta

from sklearn_carto._utils._arrays import as_numbers
from sklearn_carto._utils._compat import InvalidParameterError

# Zheng et al. (ICLR 2023) stratify the scores into 50 bins of equal width in all experiments.
_N_BINS = 50


def compute_scores(rule, name, data_map):
    """Score all rows by a statistic or a callable; the highest scores are selected first.

    A rule is a callable, or ``(sign, statistic)`` with the sign -1.0 if low values come first. If
    the map does not hold the statistic, or if the callable does not return one number for each row,
    a ValueError is raised. The scores of rows that cannot be selected may be NaN.
    """
    if not callable(rule):
        sign, statistic = rule
        return sign * get_statistic(data_map, statistic, "the region")
    scores = as_numbers(rule(data_map), f"region {name}", "DataMap.select").astype(np.float64)
    n_missing = (
        np.isnan(scores).sum()
        if scores.shape != (data_map.n_samples,)
        else np.isnan(scores[data_map._present_mask]).sum()
    )
    if scores.shape != (data_map.n_samples,) or n_missing:
        raise InvalidParameterError(
            f"The region {name} must return one number for each of the {data_map.n_samples} rows; "
            f"got shape {scores.shape} with {n_missing} NaN."
        )
    return scores


def get_statistic(data_map, name, user):
    """Return a statistic of the map; raise an error that names `user` if the map lacks it."""
    values = getattr(data_map, name)
    if values is None:
        raise InvalidParameterError(
            f"{user} needs the statistic {name!r}, which this data map does not hold."
        )
    return values


def argsort_descending(scores, keys):
    """Sort indices from the highest score to the lowest, ties by their keys."""
    return np.lexsort((keys, -scores))


def sample_coverage(data_map, rows, n_rows, keys):
    """Sample `n_rows` of the given rows evenly over bins of the margin; the highest keys are drawn.

    The bins have equal width and share the budget evenly, starting with the smallest; what a bin
    cannot fill is left to the others. Maps without margins are binned by confidence.
    """
    values = data_map.confidence if data_map.aum is None else data_map.aum
    values = np.nan_to_num(values[rows])  # infinite margins become the largest numbers
    # halved, so that the width of the range is finite
    edges = 2 * np.linspace(values.min() / 2, values.max() / 2, _N_BINS + 1)[1:-1]
    bins = np.digitize(values, edges)
    names, counts = np.unique(bins, return_counts=True)
    chosen = []
    for i, j in enumerate(np.argsort(counts, kind="stable")):
        n_in_bin = min(counts[j], n_rows // (len(names) - i))
        of_bin = rows[bins == names[j]]
        chosen.append(of_bin[np.argsort(-keys[of_bin], kind="stable")[:n_in_bin]])
        n_rows -= n_in_bin
    return np.concatenate(chosen)


def _random(data_map, pool, frac, keys):
    return keys


def _weighted(data_map, pool, frac, keys):
    # weights (variability + 1e-3) ** 0.5; both constants are conventions: the root prefers high
    # variability less sharply than a top-k rule, and 1e-3 leaves a chance to rows that never moved
    return _gumbel_keys(0.5 * np.log(data_map.variability[pool] + 1e-3), keys)


def _dual_beta(data_map, pool, frac, keys):
    """Sample with the weights DUAL * Beta(confidence; a, b), as in Cho et al., ICML 2025.

    The Beta density has the mean 1 - b / 16. It lies near the anchor, among the hard rows, where
    little is pruned, and moves to the easy rows as more is pruned. The constants are those of the
    authors' code, github.com/behaapyy/dual-pruning.
    """
    dual = get_statistic(data_map, "dual", "dual-beta")[pool]
    confidence = data_map.confidence[pool]
    # anchor: mean confidence of the 10 rows with the highest DUAL score
    anchor = confidence[argsort_descending(dual, keys)[:10]].mean()
    # b = C (1 - anchor) (1 - r ** c) and a = C + 1 - b with C = 15 and pruning rate r = 1 - frac;
    # c = 4 is the exponent used for CIFAR-100. Beta needs b > 0, hence 1e-3 where frac is near 0
    b = max(15 * (1 - anchor) * (1 - (1 - frac) ** 4), 1e-3)
    inside = np.clip(confidence, 1e-6, 1 - 1e-6)  # at 0 and 1 its logarithm may be infinite
    log_dual = np.log(np.maximum(dual, 1e-12))  # rows of score 0 come last
    return _gumbel_keys(beta.logpdf(inside, 16 - b, b) + log_dual, keys)


def _median(data_map, pool, frac, keys):
    confidence = data_map.confidence[pool]
    return -np.abs(confidence - np.median(confidence))


def _near_corner(variability, confidence):
    """Make the rule that ranks rows by their distance to a point of the map."""

    def score(data_map, pool, frac, keys):
        # variability lies in [0, 0.5] and confidence in [0, 1]: doubled, both axes weigh the same
        x, y = 2 * data_map.variability[pool], data_map.confidence[pool]
        return -np.hypot(x - 2 * variability, y - confidence)

    return score


POOL_RULES = {
    "random": _random,
    "weighted": _weighted,
    "dual-beta": _dual_beta,
    "median": _median,
    # a probability that is constant at 1 or 0, or that alternates between them: the extremes of
    # variability <= sqrt(confidence * (1 - confidence)), which bounds every data map
    "corner-easy": _near_corner(variability=0, confidence=1),
    "corner-ambiguous": _near_corner(variability=0.5, confidence=0.5),
    "corner-hard": _near_corner(variability=0, confidence=0),
}


def _gumbel_keys(log_weights, keys):
    """Scores whose k highest are a sample of k without replacement, in proportion to the weights.

    The Gumbel top-k trick, see Kool et al., ICML 2019.
    """
    return log_weights - np.log(-np.log(np.maximum(keys, np.finfo(float).tiny)))
