"""Select rows of a log on its engine, with an exact budget and exact quotas of classes."""

from __future__ import annotations

import numpy as np

from sklearn_carto._logs._aggregation import aggregate
from sklearn_carto._logs._engines import kept
from sklearn_carto._logs._parquet_files import damage_found
from sklearn_carto._logs._pools import POOL, best_by_windows, best_in_memory, best_of_partitions
from sklearn_carto._utils._quotas import class_quotas, largest_remainder, n_rows_of
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import (
    HeldOutRowsWarning,
    LogRowsWarning,
    MissingClassesWarning,
    SampleAlignmentError,
)

# Sums of the same numbers differ between engines in their last digits: values that differ by less
# tie, and ties are broken by the id.
_DECIMALS = 10


def select_on_engine(log, rule, frac, *, stratify, seed, owner):
    """Return the frame of the ids of the chosen rows, which is lazy where the engine is.

    Parameters
    ----------
    log : LogFrame
        The log.
    rule : tuple of (float, str)
        The sign, -1.0 if low values come first, and the statistic.
    frac : float
        Share of the rows.
    stratify : bool
        Whether each class keeps its share.
    seed : int
        Breaks ties between the quotas of classes.
    owner : str
        Name of the function, for the errors.

    Returns
    -------
    chosen : narwhals frame
        With the column `sample_id`.
    keys : narwhals frame
        What it is computed of, to be released afterwards.
    """
    if stratify and "label" not in log.columns:
        raise ValueError(
            f"{log.name} holds no labels, so that rows cannot be selected class by class. Add the "
            "column 'label', or pass stratify=False."
        )
    # 1. The pools, of which each has a quota, and their numbers of rows.
    even = bool((log.counts == log.counts[0]).all())
    keys = _keys_of(log, rule, stratify, doubled=False, missing=not even)
    counts = _count(keys, log)
    log.check_values(counts["wrong"].sum())
    if "excluded" not in log.columns:  # whose rows are not among the counted ones
        n_rows = counts["again"] + len(log.epochs) * counts["n"] - counts["lacking"]
        log.check_n_rows(int(n_rows.sum()))
    if counts["again"].any() or (even and counts["lacking"].any()):  # not as it was taken for
        keys = _keys_of(log, rule, stratify, doubled=True, missing=True)
        counts = _count(keys, log)
    if len(counts["n"]) == 0:
        raise ValueError(f"{owner} can select no row: all are excluded by a weight of 0.")
    _report(counts, log)
    # 2. The quotas.
    quotas = _quotas(counts, n_rows_of(frac, int(counts["n"].sum())), seed)
    # 3. The best rows of each pool.
    best = {"dask": best_of_partitions, "pandas": best_in_memory, "pyarrow": best_in_memory}
    return best.get(log.engine, best_by_windows)(keys, quotas, log.engine), keys


def _keys_of(log, rule, stratify, *, doubled, missing):
    """Return the ids of the rows, their pools, their keys (lowest first) and counts."""
    import narwhals as nw

    sign, statistic = rule
    frame = aggregate(log.frame, log.plan(doubled=doubled, missing=missing))
    if statistic not in frame.collect_schema().names():
        raise ValueError(f"{log.name} lacks the column that the statistic {statistic!r} needs.")
    if "excluded" in log.columns:
        frame = frame.filter(~nw.col("excluded"))
    n_seen, zero = nw.col("n_seen"), nw.col("n_seen") * 0
    labels = {"label": nw.col("label"), "label_max": nw.col("label_max")}
    if not stratify:  # one pool, which is a number on every engine
        labels = {"label": zero, "label_max": zero}
    other = nw.when(labels["label"] == labels["label_max"]).then(zero).otherwise(zero + 1)
    columns = {
        "sample_id": nw.col("sample_id"),
        "label": labels["label"],
        "held_out": nw.col("held_out").cast(nw.Int64) if "held_out" in log.columns else zero,
        "key": (nw.col(statistic) * -sign).round(_DECIMALS),
        "n": zero + 1,
        "again": nw.col("n_rows") - n_seen,
        "lacking": len(log.epochs) - n_seen,
        "conflict": other,
        "wrong": nw.col("n_wrong"),
    }
    frame = frame.select(*(column.alias(name) for name, column in columns.items()))
    with damage_found(log.files):
        return kept(frame, log.engine)


def _count(keys, log):
    """Count the rows of each pool, those that are doubled, and so on."""
    import narwhals as nw

    names = ("n", "again", "lacking", "conflict", "wrong")
    counts = keys.group_by(*POOL).agg(*(nw.col(name).sum() for name in names))
    # the sum of int64 is a wider type on some engines
    counts = counts.with_columns(*(nw.col(name).cast(nw.Int64) for name in names))
    found = log.collect(counts)
    order = np.lexsort((found["held_out"], found["label"]))
    return {name: values[order] for name, values in found.items()}


def _report(counts, log):
    if counts["conflict"].any():
        raise SampleAlignmentError(
            f"{log.name} holds {int(counts['conflict'].sum())} ids with several labels: one id "
            "names different rows, or the log is one of several runs. Give each row an id of its "
            "own."
        )
    again, lacking = int(counts["again"].sum()), int(counts["lacking"].sum())
    if again or lacking:
        warn(
            f"{log.name} lacks rows at {lacking} places, and holds {again} rows several times at "
            "one epoch; data_map_from_logs names them. Rows are ranked by the epochs that they "
            "have, and of doubled ones the largest of each value counts.",
            LogRowsWarning,
        )


def _quotas(counts, n_rows, seed):
    """Return the quota of each pool, as DataMap.select divides a budget."""
    rng = rule_generator(seed, "quotas")
    _, group = np.unique(counts["label"], return_inverse=True)
    n_in_group = np.bincount(group, weights=counts["n"]).astype(np.int64)
    of_groups = class_quotas(n_rows, n_in_group, rng)
    if (of_groups == 0).any():
        warn(
            f"A budget of {n_rows} rows cannot hold a row of each of the {len(of_groups)} classes; "
            "the smallest classes get none. Raise frac.",
            MissingClassesWarning,
        )
    held_out = counts["n"][counts["held_out"] > 0].sum()
    if 0 < held_out < counts["n"].sum():
        warn(
            f"{held_out} of the {counts['n'].sum()} rows were held out of the training; they are "
            "ranked separately, and each group keeps its share.",
            HeldOutRowsWarning,
        )
    parts = [
        largest_remainder(quota, counts["n"][group == i], rng) for i, quota in enumerate(of_groups)
    ]
    return {name: counts[name] for name in POOL} | {"quota": np.concatenate(parts)}
