"""From a data map to row indices: regions, and rules that draw from the whole map.

A rule gives every row of a pool a priority; the highest are taken, ties broken by the seed. A pool
is one class (or all rows), less what a noise cut removed. `coverage` alone needs to know the
number of rows, since it shares them over bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
from scipy.stats import beta
from sklearn.utils import check_random_state

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._utils._quotas import class_quotas, largest_remainder, n_rows_of
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import HeldOutRowsWarning, MissingClassesWarning

_SYNONYMS = {
    "ambiguous": "high-variability",
    "easy": "high-confidence",
    "easy-to-learn": "high-confidence",
    "hard": "low-confidence",
    "hard-to-learn": "low-confidence",
}
_N_BINS = 50  # of `coverage`, as in the source


def choose_rows(data_map, region, frac, *, noise_cut=0.0, stratify=True, random_state=None):
    """Choose rows of a data map.

    Parameters
    ----------
    data_map : DataMap
        Where each row lies.
    region : str, callable or mapping
        See :meth:`DataMap.select`, whose parameters these are.
    frac : float
        Share of the rows.
    noise_cut : float or mapping of class to float, default=0.0
        Share of each class, lowest margin first, that is set aside before any rule.
    stratify : bool, default=True
        Whether each class keeps its share.
    random_state : int, RandomState instance or None, default=None
        Breaks ties, draws where a rule draws.

    Returns
    -------
    indices : ndarray of shape (n_rows,)
        Ascending.
    """
    if "auto" in (region if isinstance(region, str) else None, noise_cut):
        raise ValueError(
            "'auto' needs rows, labels and a model to try, which a data map does not hold: use "
            "DataMapSelector(region='auto') or DataMapSelector(noise_cut='auto')."
        )
    components = parse_region(region)
    if not isinstance(frac, (int, float, np.number)):
        raise ValueError(f"frac must be a number in (0, 1]; got {frac!r}.")
    if not 0 < frac <= 1:
        hint = f" For {frac} % write {frac / 100}." if 1 < frac <= 100 else ""
        raise ValueError(f"frac must lie in (0, 1]; got {frac!r}.{hint}")
    _check_all_seen(data_map)
    _warn_of_held_out(data_map)
    rng = check_random_state(random_state)
    n_rows = n_rows_of(frac, data_map.n_samples)
    cells = _cells(data_map, n_rows, noise_cut, stratify, rng)
    quotas = np.array([quota for _, quota in cells])
    taken = np.zeros(data_map.n_samples, dtype=bool)
    for (rule, name), budget in zip(components, _budgets(components, n_rows, rng), strict=True):
        parts = largest_remainder(budget, quotas, rng) if budget else np.zeros_like(quotas)
        quotas = quotas - parts
        everywhere = _scores_of_callable(rule, name, data_map) if callable(rule) else None
        for (pool, _), part in zip(cells, parts, strict=True):
            if part:
                taken[_take(data_map, rule, everywhere, pool, taken, part, frac, rng)] = True
    return np.flatnonzero(taken)


def parse_region(region):
    """Check a region and return its components.

    Parameters
    ----------
    region : str, callable or mapping
        What a user asked for.

    Returns
    -------
    components : dict of (rule, name) to share
        A rule is the name of a drawing rule, ``(sign, statistic)``, or a callable.

    Raises
    ------
    ValueError
        If a name is unknown, or shares are negative or do not sum to 1.
    """
    if not isinstance(region, Mapping):
        return {_parse_one(region): 1.0}
    shares = np.array(list(region.values()), dtype=float)
    if len(shares) == 0 or (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(
            f"The shares of a mixture of regions must not be negative and must sum to 1; "
            f"got {dict(region)!r}, which sums to {shares.sum():g}."
        )
    return {_parse_one(name): share for name, share in region.items()}


def describe_region(region):
    """Name a region in a few words, for tables and legends."""
    if isinstance(region, Mapping):
        return " + ".join(f"{share:.0%} {describe_region(one)}" for one, share in region.items())
    return getattr(region, "__name__", type(region).__name__) if callable(region) else region


def _parse_one(region):
    if callable(region):
        return region, describe_region(region)
    if isinstance(region, str):
        if region in _DRAWING_RULES or region == "coverage":
            return region, region
        direction, _, statistic = _SYNONYMS.get(region, region).partition("-")
        statistic = statistic.replace("-", "_")
        if direction in ("high", "low") and statistic in STATISTICS:
            return (1.0 if direction == "high" else -1.0, statistic), region
    known = sorted([*_SYNONYMS, *_DRAWING_RULES, "coverage"])
    raise ValueError(
        f"Unknown region {region!r}.{_did_you_mean(region, known)} Known are {', '.join(known)}; "
        f"'<high|low>-<statistic>' with a statistic of {', '.join(STATISTICS)}; a callable that "
        "takes a DataMap and gives a score a row; a mapping of these to shares that sum to 1. "
        "A DataMapSelector knows 'auto' besides."
    )


def _did_you_mean(region, known):
    directed = [f"{way}-{name}".replace("_", "-") for way in ("high", "low") for name in STATISTICS]
    written = str(region).lower().replace("_", "-")
    close = get_close_matches(written, [*known, "auto", *directed], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _budgets(components, n_rows, rng):
    """Rows of each component of a mixture."""
    shares = np.array(list(components.values()))
    budgets = largest_remainder(n_rows, shares, rng)
    if ((budgets == 0) & (shares > 0)).any():
        names = ", ".join(name for _, name in components)
        raise ValueError(
            f"A budget of {n_rows} rows is too small for a mixture of {names} with shares "
            f"{shares.round(3).tolist()}: a region would get no row. Raise frac, or drop a region."
        )
    return budgets


def _cells(data_map, n_rows, noise_cut, stratify, rng):
    """Pools of candidate rows with their quotas; each pool holds at least its quota."""
    groups = _rows_by_class(data_map) if stratify else [np.arange(data_map.n_samples)]
    kept = ~_cut_mask(data_map, noise_cut, rng)
    quotas = class_quotas(n_rows, [len(rows) for rows in groups], rng)
    if (quotas == 0).any():
        warn(
            f"A budget of {n_rows} rows cannot hold a row of each of the {len(groups)} classes; "
            "the smallest classes are lost. Raise frac.",
            MissingClassesWarning,
        )
    cells = []
    for group, group_quota in zip(groups, quotas, strict=True):
        parts = _by_held_out(data_map, group)
        part_quotas = largest_remainder(group_quota, [len(part) for part in parts], rng)
        for part, quota in zip(parts, part_quotas, strict=True):
            pool, aside = part[kept[part]], part[~kept[part]]
            if len(pool) < quota:  # what a cut took comes back, highest margin first
                back = _highest(_statistic(data_map, "aum", "noise_cut")[aside], rng)
                pool = np.union1d(pool, aside[back[: quota - len(pool)]])
            cells.append((pool, quota))
    return cells


def _rows_by_class(data_map):
    """Ascending rows of each class that occurs, classes in sorted order."""
    if data_map.labels is None:
        raise ValueError(
            "This data map holds no labels, so rows cannot be chosen class by class. "
            "Give it labels, or pass stratify=False and no noise_cut."
        )
    _, inverse = np.unique(data_map.labels, return_inverse=True)
    borders = np.cumsum(np.bincount(inverse))[:-1]
    return np.split(np.argsort(inverse, kind="stable"), borders)


def _warn_of_held_out(data_map):
    held_out = data_map.held_out_mask
    if held_out is not None and held_out.any():
        warn(
            f"{held_out.sum()} of the {len(held_out)} rows were held out while the probe trained; "
            "they are ranked apart from the others, each group with its share. For one ranking "
            "train the probe on all rows (a skorch net: train_split=None).",
            HeldOutRowsWarning,
        )


def _by_held_out(data_map, rows):
    """Trained and held-out rows are ranked apart: their statistics do not compare."""
    held_out = data_map.held_out_mask
    if held_out is None or not held_out.any():
        return [rows]
    return [part for part in (rows[~held_out[rows]], rows[held_out[rows]]) if len(part)]


def _cut_mask(data_map, noise_cut, rng):
    """Rows that a noise cut sets aside, class by class."""
    mask = np.zeros(data_map.n_samples, dtype=bool)
    shares = noise_cut.values() if isinstance(noise_cut, Mapping) else [noise_cut]
    if not all(0 <= share < 1 for share in shares):
        raise ValueError(f"noise_cut must lie in [0, 1), for every class; got {noise_cut!r}.")
    if not any(shares):
        return mask
    if isinstance(noise_cut, Mapping) and set(noise_cut) - set(data_map.classes.tolist()):
        unknown = sorted(set(noise_cut) - set(data_map.classes.tolist()), key=str)
        raise ValueError(f"noise_cut names {unknown}, not among the classes of the map.")
    margin = _statistic(data_map, "aum", "noise_cut")
    for rows in _rows_by_class(data_map):
        of_class = isinstance(noise_cut, Mapping)
        share = noise_cut.get(data_map.labels[rows[0]], 0.0) if of_class else noise_cut
        mask[rows[_highest(-margin[rows], rng)[: round(share * len(rows))]]] = True
    return mask


def _take(data_map, rule, everywhere, pool, taken, n_rows, frac, rng):
    """Rows of a pool that a rule takes, of those not yet taken."""
    free = ~taken[pool]
    if rule == "coverage":
        return _cover(data_map, pool[free], n_rows, rng)
    if everywhere is not None:
        scores = everywhere[pool]
    elif isinstance(rule, tuple):
        sign, statistic = rule
        scores = sign * _statistic(data_map, statistic, "the region")[pool]
    else:
        scores = _DRAWING_RULES[rule](data_map, pool, frac, rng)
    return pool[free][_highest(scores[free], rng)[:n_rows]]


def _cover(data_map, rows, n_rows, rng):
    """Bins of equal width share the budget evenly, the smallest first; random inside a bin."""
    values = data_map.confidence if data_map.aum is None else data_map.aum
    values = values[rows]
    edges = np.linspace(values.min(), values.max(), _N_BINS + 1)[1:-1]
    bins = np.digitize(values, edges)
    names, counts = np.unique(bins, return_counts=True)
    chosen = []
    for i, j in enumerate(np.argsort(counts, kind="stable")):
        n_here = min(counts[j], n_rows // (len(names) - i))
        chosen.append(rng.choice(rows[bins == names[j]], size=n_here, replace=False))
        n_rows -= n_here
    return np.concatenate(chosen)


def _random(data_map, pool, frac, rng):
    return rng.random_sample(len(pool))


def _weighted(data_map, pool, frac, rng):
    return _draw(0.5 * np.log(data_map.variability[pool] + 1e-3), rng)


def _dual_beta(data_map, pool, frac, rng):
    dual, confidence = _statistic(data_map, "dual", "dual-beta")[pool], data_map.confidence[pool]
    anchor = confidence[_highest(dual, rng)[:10]].mean()
    b = max(15 * (1 - anchor) * (1 - (1 - frac) ** 4), 1e-3)
    inside = np.clip(confidence, 1e-6, 1 - 1e-6)
    return _draw(beta.logpdf(inside, 16 - b, b) + np.log(np.maximum(dual, 1e-12)), rng)


def _median(data_map, pool, frac, rng):
    confidence = data_map.confidence[pool]
    return -np.abs(confidence - np.median(confidence))


def _nearest_to(corner):
    """Rank rows by their distance to a corner of the map, both axes scaled to [0, 1]."""

    def score(data_map, pool, frac, rng):
        across, upward = 2 * data_map.variability[pool], data_map.confidence[pool]
        return -np.hypot(across - 2 * corner[0], upward - corner[1])

    return score


_DRAWING_RULES = {
    "random": _random,
    "weighted": _weighted,
    "dual-beta": _dual_beta,
    "median": _median,
    "corner-easy": _nearest_to((0, 1)),
    "corner-ambiguous": _nearest_to((0.5, 0.5)),
    "corner-hard": _nearest_to((0, 0)),
}


def _draw(log_weights, rng):
    """Keys whose highest are a draw without replacement in proportion to the weights."""
    return log_weights + rng.gumbel(size=len(log_weights))


def _highest(scores, rng):
    """Positions from the highest score to the lowest, ties in random order."""
    return np.lexsort((rng.random_sample(len(scores)), -scores))


def _statistic(data_map, name, user):
    values = getattr(data_map, name)
    if values is None:
        raise ValueError(f"{user} needs the statistic {name!r}, which this data map does not hold.")
    return values


def _scores_of_callable(rule, name, data_map):
    scores = np.asarray(rule(data_map), dtype=np.float64)
    if scores.shape != (data_map.n_samples,) or np.isnan(scores).any():
        raise ValueError(
            f"The region {name} must return one number for each of the {data_map.n_samples} rows; "
            f"got shape {scores.shape} with {np.isnan(scores).sum()} NaN."
        )
    return scores


def _check_all_seen(data_map):
    unseen = np.flatnonzero(np.isnan(data_map.confidence))
    if len(unseen):
        raise ValueError(
            f"{len(unseen)} rows were never seen in training, among them "
            f"{unseen[:5].tolist()}: they have no place on the map, so no rule can rank them."
        )
