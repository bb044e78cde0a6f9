"""Regions of a data map: their names, and the selection of rows."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np

from sklearn_carto._dynamics._uncertainty import MAP_STATISTICS
from sklearn_carto._maps._rules import (
    POOL_RULES,
    argsort_descending,
    compute_scores,
    get_statistic,
    sample_coverage,
)
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._quotas import check_frac, class_quotas, largest_remainder, n_rows_of
from sklearn_carto._utils._random_state import draw_seed, rule_generator
from sklearn_carto._utils._validation import Number, describe
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import (
    HeldOutRowsWarning,
    MissingClassesWarning,
    UnseenSamplesWarning,
)

_SYNONYMS = {
    "ambiguous": "high-variability",
    "easy": "high-confidence",
    "easy-to-learn": "high-confidence",
    "hard": "low-confidence",
    "hard-to-learn": "low-confidence",
}
_KNOWN = sorted([*_SYNONYMS, *POOL_RULES, "coverage"])
# regions of a selector that a map alone does not determine: they need X, y and an estimator
OF_SELECTORS = {
    "auto": "chooses one region",
    "clean": "keeps all samples but suspect ones",
    "prototypes": "needs the features of all samples",
}


def choose_rows(
    data_map,
    region,
    frac,
    *,
    noise_cut=0.0,
    stratify=True,
    random_state=None,
    order="position",
    cut_scores=None,
):
    """Select rows of a data map; for the parameters see :meth:`DataMap.select`.

    `cut_scores`, of shape (n_samples,), replaces the margin as the score by which a noise cut
    ranks: the lowest of each class are cut. It may be NaN for rows that cannot be selected.
    """
    # 1. Check the arguments.
    _check_no_search(region, frac, noise_cut)
    components = parse_region(region)
    check_frac(frac)
    check_noise_cut(noise_cut, data_map)
    seed = draw_seed(random_state)
    # 2. Leave out the rows that cannot be selected; no step below knows of them. A callable may
    # hold values of all rows, and is therefore called with the whole map.
    present = _present_rows(data_map)
    scores = [
        None if isinstance(rule, str) else compute_scores(rule, name, data_map)[present]
        for rule, name, _ in components
    ]
    cut_scores = None if cut_scores is None else np.asarray(cut_scores)[present]
    if len(present) < data_map.n_samples:
        data_map = data_map.subset(present)
    _warn_of_held_out(data_map)
    # 3. Compute the budget: the number of rows to select.
    n_rows = n_rows_of(frac, data_map.n_samples)
    # 4. Divide the rows that the noise cut leaves into pools, each with a quota of the budget.
    pools, quotas = _make_pools(data_map, n_rows, noise_cut, cut_scores, stratify, seed)
    # 5. Share the budget over the components of the region.
    budgets = _component_budgets(components, n_rows, rule_generator(seed, "budgets"))
    rng = rule_generator(seed, "pools of components")
    taken = np.zeros(data_map.n_samples, dtype=bool)
    chosen = []
    for (rule, name, _), of_rule, budget in zip(components, scores, budgets, strict=True):
        if budget == 0:
            continue
        parts = largest_remainder(budget, quotas, rng)
        quotas = quotas - parts
        # 6. Apply the rule, and take the best rows of each pool that are not yet taken.
        keys = _draw_keys(rule, name, seed, data_map.n_samples)
        best = [
            _take(data_map, rule, of_rule, pool, taken, part, frac, keys)
            for pool, part in zip(pools, parts, strict=True)
            if part
        ]
        rows, values = (np.concatenate(arrays) for arrays in zip(*best, strict=True))
        taken[rows] = True
        chosen.append(rows[argsort_descending(values, keys[rows])])
    rows = present[np.concatenate(chosen)]
    return np.sort(rows) if order == "position" else rows


def rows_after_cut(data_map, *, noise_cut, cut_scores=None, random_state=None):
    """Return the rows that a noise cut leaves, ascending; see :func:`choose_rows`."""
    check_noise_cut(noise_cut, data_map)
    keys = rule_generator(draw_seed(random_state), "noise_cut").random_sample
    present = _present_rows(data_map)
    cut_scores = None if cut_scores is None else np.asarray(cut_scores)[present]
    data_map = data_map.subset(present)
    cut, _ = _noise_mask(data_map, noise_cut, cut_scores, keys(len(present)))
    return present[~cut]


def _check_no_search(region, frac, noise_cut):
    """Raise an error if an argument is one of the names that only a selector takes."""
    if isinstance(frac, str) and frac == "auto":
        wrong, parameter = frac, "frac"
    elif isinstance(noise_cut, str) and noise_cut == "auto":
        wrong, parameter = noise_cut, "noise_cut"
    elif isinstance(region, str) and region in OF_SELECTORS:
        wrong, parameter = region, "region"
    else:
        return
    raise InvalidParameterError(
        f"{wrong!r} needs X, y and an estimator, which a data map does not hold: use "
        f"DataMapSelector({parameter}={wrong!r})."
    )


def parse_region(region):
    """Check a region and return its components.

    Parameters
    ----------
    region : str, callable or mapping
        The region that the user passed.

    Returns
    -------
    components : list of (rule, name, share)
        A rule is a key of ``POOL_RULES``, ``"coverage"``, ``(sign, statistic)``, or a callable.

    Raises
    ------
    ValueError
        If a name is unknown, or shares are no numbers, negative, or do not sum to 1.
    """
    if not isinstance(region, Mapping):
        return [(*_parse_one(region), 1.0)]
    shares = list(region.values())
    valid = all(Number(0, 1).is_satisfied_by(share) for share in shares)
    if not valid or abs(sum(shares) - 1) > 1e-6:
        total = f", which sums to {sum(shares):g}" if valid else ""
        raise InvalidParameterError(
            f"The shares of a mixture of regions must be numbers that are not negative and must "
            f"sum to 1; got {dict(region)!r}{total}."
        )
    return [(*_parse_one(name), float(share)) for name, share in region.items()]


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
        if direction in ("high", "low") and statistic in MAP_STATISTICS:
            return (1.0 if direction == "high" else -1.0, statistic), region
    raise InvalidParameterError(
        f"Unknown region {region!r}.{_did_you_mean(region)} Known are {', '.join(_KNOWN)}; "
        f"'<high|low>-<statistic>' with a statistic of {', '.join(MAP_STATISTICS)}; a callable "
        "that takes a DataMap and returns a score for each row; a mapping of these to shares that "
        f"sum to 1. A DataMapSelector also takes {', '.join(map(repr, OF_SELECTORS))}."
    )


def named_regions():
    """Return the names of regions, those of selectors last."""
    return [*_KNOWN, *OF_SELECTORS]


def directed_regions():
    """Return the regions of high and of low values of each statistic."""
    return [
        f"{sign}-{name}".replace("_", "-") for sign in ("high", "low") for name in MAP_STATISTICS
    ]


def _did_you_mean(region):
    written = str(region).lower().replace("_", "-")
    close = get_close_matches(written, [*named_regions(), *directed_regions()], n=1)
    return f" Did you mean {close[0]!r}?" if close and close[0] != region else ""


def _draw_keys(rule, name, seed, n_samples):
    """Draw the random keys of a rule; names that mean the same rule share them."""
    stream = f"{rule[0]:+.0f} {rule[1]}" if isinstance(rule, tuple) else str(name)
    stream = f"callable {stream}" if callable(rule) else stream
    return rule_generator(seed, stream).random_sample(n_samples)


def _component_budgets(components, n_rows, rng):
    """Share the rows over the components of a region."""
    shares = np.array([share for _, _, share in components])
    budgets = largest_remainder(n_rows, shares, rng)
    if ((budgets == 0) & (shares > 0)).any():
        names = ", ".join(name for _, name, _ in components)
        raise InvalidParameterError(
            f"A budget of {n_rows} rows is too small for a mixture of {names} with shares "
            f"{shares.round(3).tolist()}: a region would get no row. Raise frac, or drop a region."
        )
    return budgets


def _make_pools(data_map, n_rows, noise_cut, cut_scores, stratify, seed):
    """Pools of candidate rows and their quotas; each pool holds at least its quota."""
    groups = _rows_by_class(data_map) if stratify else [np.arange(data_map.n_samples)]
    keys = rule_generator(seed, "noise_cut").random_sample(data_map.n_samples)
    cut, scores = _noise_mask(data_map, noise_cut, cut_scores, keys)
    rng = rule_generator(seed, "quotas")
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
            if len(pool) < quota:  # rows that the cut removed return, best first
                returned = argsort_descending(scores[removed], -keys[removed])
                returned = returned[: quota - len(pool)]
                pool = np.union1d(pool, removed[returned])
            pools.append(pool)
            quotas.append(quota)
    return pools, np.array(quotas)


def _rows_by_class(data_map):
    """Rows of each class, ascending; the classes in sorted order."""
    if data_map.labels is None:
        raise InvalidParameterError(
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


def check_noise_cut(noise_cut, data_map):
    """Raise an error if a noise cut is no share, or names a class that is not on the map."""
    by_class = isinstance(noise_cut, Mapping)
    shares = noise_cut.values() if by_class else [noise_cut]
    if not all(Number(0, 1, closed="left").is_satisfied_by(share) for share in shares):
        raise InvalidParameterError(
            "noise_cut must lie in [0, 1), for every class; it is a number, or a mapping of "
            f"classes to numbers. Got {describe(noise_cut)}."
        )
    if by_class and data_map.classes is not None:
        unknown = set(noise_cut) - set(data_map.classes.tolist()) - set(data_map.classes)
        if unknown:
            raise InvalidParameterError(
                f"noise_cut names {sorted(unknown, key=str)}, not among the classes of the map."
            )


def _noise_mask(data_map, noise_cut, scores, keys):
    """Mask of the rows that a noise cut removes, and the scores that it ranks by.

    They are those of lowest score in each class; the score is the margin if none is given.
    """
    mask = np.zeros(data_map.n_samples, dtype=bool)
    by_class = isinstance(noise_cut, Mapping)
    if not any(noise_cut.values() if by_class else [noise_cut]):
        return mask, scores
    scores = get_statistic(data_map, "aum", "noise_cut") if scores is None else scores
    for rows in _rows_by_class(data_map):
        share = noise_cut.get(data_map.labels[rows[0]], 0.0) if by_class else noise_cut
        lowest = argsort_descending(-scores[rows], keys[rows])[: round(share * len(rows))]
        mask[rows[lowest]] = True
    return mask, scores


def _take(data_map, rule, scores, pool, taken, n_rows, frac, keys):
    """Rows of a pool that a rule selects among those not yet taken, and their scores."""
    free = ~taken[pool]
    if rule == "coverage":
        rows = sample_coverage(data_map, pool[free], n_rows, keys)
        return rows, keys[rows]
    of_pool = POOL_RULES[rule](data_map, pool, frac, keys[pool]) if scores is None else scores[pool]
    best = np.flatnonzero(free)[argsort_descending(of_pool[free], keys[pool[free]])[:n_rows]]
    return pool[best], of_pool[best]


def _present_rows(data_map):
    """Rows that can be selected, ascending; warn of those that were never seen."""
    excluded = data_map.excluded_mask
    unseen = np.isnan(data_map.confidence)
    unseen = np.flatnonzero(unseen if excluded is None else unseen & ~excluded)
    present = np.flatnonzero(data_map._present_mask)
    if len(present) == 0:
        raise ValueError(
            f"No row of this data map can be selected: {len(unseen)} of {data_map.n_samples} were "
            "never seen in training, and the others are excluded by a weight of 0."
        )
    if len(unseen):
        warn(
            f"{len(unseen)} of {data_map.n_samples} rows were never seen in training, among them "
            f"{unseen[:5].tolist()}: they have no place on the map, and are not selected.",
            UnseenSamplesWarning,
        )
    return present


def _warn_of_held_out(data_map):
    held_out = data_map.held_out_mask
    if held_out is not None and held_out.any() and not held_out.all():
        warn(
            f"{held_out.sum()} of the {len(held_out)} rows were held out while the proxy model "
            "trained; they are ranked separately, and each group keeps its share. To rank all rows "
            "together, train the proxy model on all of them (a skorch net: train_split=None).",
            HeldOutRowsWarning,
        )
