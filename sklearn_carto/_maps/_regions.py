"""Regions of a data map: their names, and the selection of rows."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
from sklearn.utils import check_random_state

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._maps._rules import (
    POOL_RULES,
    argsort_descending,
    compute_scores,
    get_statistic,
    sample_coverage,
)
from sklearn_carto._utils._quotas import check_frac, class_quotas, largest_remainder, n_rows_of
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import HeldOutRowsWarning, MissingClassesWarning

_SYNONYMS = {
    "ambiguous": "high-variability",
    "easy": "high-confidence",
    "easy-to-learn": "high-confidence",
    "hard": "low-confidence",
    "hard-to-learn": "low-confidence",
}
_KNOWN = sorted([*_SYNONYMS, *POOL_RULES, "coverage"])


def choose_rows(data_map, region, frac, *, noise_cut=0.0, stratify=True, random_state=None):
    """Select rows of a data map; for the parameters see :meth:`DataMap.select`."""
    # 1. Check the arguments and the map.
    if "auto" in (region if isinstance(region, str) else None, noise_cut):
        raise ValueError(
            "'auto' needs X, y and an estimator, which a data map does not hold: use "
            "DataMapSelector(region='auto') or DataMapSelector(noise_cut='auto')."
        )
    components = parse_region(region)
    check_frac(frac)
    _check_all_seen(data_map)
    _warn_of_held_out(data_map)
    rng = check_random_state(random_state)
    # 2. Compute the budget: the number of rows to select.
    n_rows = n_rows_of(frac, data_map.n_samples)
    # 3. Divide the rows that the noise cut leaves into pools, each with a quota of the budget.
    pools, quotas = _make_pools(data_map, n_rows, noise_cut, stratify, rng)
    # 4. Share the budget over the components of the region.
    budgets = _component_budgets(components, n_rows, rng)
    taken = np.zeros(data_map.n_samples, dtype=bool)
    for (rule, name), budget in zip(components, budgets, strict=True):
        if budget == 0:
            continue
        parts = largest_remainder(budget, quotas, rng)
        quotas = quotas - parts
        # 5. Apply the rule, and take the best rows of each pool that are not yet taken.
        scores = None if isinstance(rule, str) else compute_scores(rule, name, data_map)
        for pool, part in zip(pools, parts, strict=True):
            if part:
                taken[_take(data_map, rule, scores, pool, taken, part, frac, rng)] = True
    return np.flatnonzero(taken)


def parse_region(region):
    """Check a region and return its components.

    Parameters
    ----------
    region : str, callable or mapping
        The region that the user passed.

    Returns
    -------
    components : dict of (rule, name) to share
        A rule is a key of ``POOL_RULES``, ``"coverage"``, ``(sign, statistic)``, or a callable.

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
    """Return a short name of a region, for tables and legends."""
    if isinstance(region, Mapping):
        return " + ".join(f"{share:.0%} {describe_region(one)}" for one, share in region.items())
    return getattr(region, "__name__", type(region).__name__) if callable(region) else region


def _parse_one(region):
    if callable(region):
        return region, describe_region(region)
    if isinstance(region, str):
        if region in POOL_RULES or region == "coverage":
            return region, region
        direction, _, statistic = _SYNONYMS.get(region, region).partition("-")
        statistic = statistic.replace("-", "_")
        if direction in ("high", "low") and statistic in STATISTICS:
            return (1.0 if direction == "high" else -1.0, statistic), region
    raise ValueError(
        f"Unknown region {region!r}.{_did_you_mean(region)} Known are {', '.join(_KNOWN)}; "
        f"'<high|low>-<statistic>' with a statistic of {', '.join(STATISTICS)}; a callable that "
        "takes a DataMap and returns a score for each row; a mapping of these to shares that sum "
        "to 1. A DataMapSelector also takes 'auto'."
    )


def _did_you_mean(region):
    directed = [
        f"{sign}-{name}".replace("_", "-") for sign in ("high", "low") for name in STATISTICS
    ]
    written = str(region).lower().replace("_", "-")
    close = get_close_matches(written, [*_KNOWN, "auto", *directed], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _component_budgets(components, n_rows, rng):
    """Share the rows over the components of a region."""
    shares = np.array(list(components.values()))
    budgets = largest_remainder(n_rows, shares, rng)
    if ((budgets == 0) & (shares > 0)).any():
        names = ", ".join(name for _, name in components)
        raise ValueError(
            f"A budget of {n_rows} rows is too small for a mixture of {names} with shares "
            f"{shares.round(3).tolist()}: a region would get no row. Raise frac, or drop a region."
        )
    return budgets


def _make_pools(data_map, n_rows, noise_cut, stratify, rng):
    """Pools of candidate rows and their quotas; each pool holds at least its quota."""
    groups = _rows_by_class(data_map) if stratify else [np.arange(data_map.n_samples)]
    cut = _noise_mask(data_map, noise_cut, rng)
    group_quotas = class_quotas(n_rows, [len(rows) for rows in groups], rng)
    if (group_quotas == 0).any():
        warn(
            f"A budget of {n_rows} rows cannot hold a row of each of the {len(groups)} classes; "
            "the smallest classes get none. Raise frac.",
            MissingClassesWarning,
        )
    pools, quotas = [], []
    for group, group_quota in zip(groups, group_quotas, strict=True):
        parts = _split_held_out(data_map, group)
        part_quotas = largest_remainder(group_quota, [len(part) for part in parts], rng)
        for part, quota in zip(parts, part_quotas, strict=True):
            pool, removed = part[~cut[part]], part[cut[part]]
            if len(pool) < quota:  # rows that the cut removed return, highest margin first
                margin = get_statistic(data_map, "aum", "noise_cut")[removed]
                returned = removed[argsort_descending(margin, rng)[: quota - len(pool)]]
                pool = np.union1d(pool, returned)
            pools.append(pool)
            quotas.append(quota)
    return pools, np.array(quotas)


def _rows_by_class(data_map):
    """Rows of each class, ascending; the classes in sorted order."""
    if data_map.labels is None:
        raise ValueError(
            "This data map holds no labels, so rows cannot be selected class by class. "
            "Give it labels, or pass stratify=False and no noise_cut."
        )
    _, inverse = np.unique(data_map.labels, return_inverse=True)
    borders = np.cumsum(np.bincount(inverse))[:-1]
    return np.split(np.argsort(inverse, kind="stable"), borders)


def _split_held_out(data_map, rows):
    """Separate trained from held-out rows, whose statistics cannot be compared."""
    held_out = data_map.held_out_mask
    if held_out is None or not held_out.any():
        return [rows]
    return [part for part in (rows[~held_out[rows]], rows[held_out[rows]]) if len(part)]


def _noise_mask(data_map, noise_cut, rng):
    """Mask of the rows that a noise cut removes: those of lowest margin in each class."""
    mask = np.zeros(data_map.n_samples, dtype=bool)
    by_class = isinstance(noise_cut, Mapping)
    shares = noise_cut.values() if by_class else [noise_cut]
    if not all(0 <= share < 1 for share in shares):
        raise ValueError(f"noise_cut must lie in [0, 1), for every class; got {noise_cut!r}.")
    if not any(shares):
        return mask
    unknown = set(noise_cut) - set(data_map.classes.tolist()) if by_class else ()
    if unknown:
        raise ValueError(
            f"noise_cut names {sorted(unknown, key=str)}, not among the classes of the map."
        )
    margin = get_statistic(data_map, "aum", "noise_cut")
    for rows in _rows_by_class(data_map):
        share = noise_cut.get(data_map.labels[rows[0]], 0.0) if by_class else noise_cut
        mask[rows[argsort_descending(-margin[rows], rng)[: round(share * len(rows))]]] = True
    return mask


def _take(data_map, rule, scores, pool, taken, n_rows, frac, rng):
    """Rows of a pool that a rule selects among those not yet taken."""
    free = ~taken[pool]
    if rule == "coverage":
        return sample_coverage(data_map, pool[free], n_rows, rng)
    of_pool = POOL_RULES[rule](data_map, pool, frac, rng) if scores is None else scores[pool]
    return pool[free][argsort_descending(of_pool[free], rng)[:n_rows]]


def _check_all_seen(data_map):
    unseen = np.flatnonzero(np.isnan(data_map.confidence))
    if len(unseen):
        raise ValueError(
            f"{len(unseen)} rows were never seen in training, among them "
            f"{unseen[:5].tolist()}: they have no place on the map, so no rule can rank them."
        )


def _warn_of_held_out(data_map):
    held_out = data_map.held_out_mask
    if held_out is not None and held_out.any():
        warn(
            f"{held_out.sum()} of the {len(held_out)} rows were held out while the proxy model "
            "trained; they are ranked separately, and each group keeps its share. To rank all rows "
            "together, train the proxy model on all of them (a skorch net: train_split=None).",
            HeldOutRowsWarning,
        )
