"""Take the rows of lowest key from pools, as many as each has for a quota, on every engine."""

from __future__ import annotations

import numpy as np

from sklearn_carto._logs._engines import joinable

POOL = ("label", "held_out")  # columns that tell pools apart


def best_by_windows(keys, quotas, engine):
    """Join the quotas to the rows, which are numbered in the order of each pool."""
    import narwhals as nw
    import pyarrow as pa

    rank = nw.col("sample_id").cum_count().over(*POOL, order_by=["key", "sample_id"])
    table = pa.table({name: pa.array(values) for name, values in quotas.items()})
    keys, by_pool = joinable(keys, table, engine)
    ranked = keys.with_columns(rank.cast(nw.Int64).alias("rank"))
    chosen = ranked.join(by_pool, on=list(POOL), how="inner")
    return chosen.filter(nw.col("rank") <= nw.col("quota")).select("sample_id")


def best_in_memory(keys, quotas, engine):
    """Sort the rows of a frame that is in memory."""
    import narwhals as nw

    names = (*POOL, "key", "sample_id")
    columns = {name: np.asarray(keys[name].to_numpy()) for name in names}
    columns = {n: v.astype(object) if v.dtype.kind not in "biuf" else v for n, v in columns.items()}
    rows = chosen_rows(columns, quotas)
    native = keys.select("sample_id").to_native()
    native = native.iloc[rows] if engine == "pandas" else native.take(rows)
    return nw.from_native(native)


def chosen_rows(columns, quotas):
    """Return the positions of the chosen rows, ascending."""
    pools = zip(*(quotas[name].tolist() for name in POOL), strict=True)
    left = dict(zip(pools, quotas["quota"].tolist(), strict=True))
    order = np.lexsort((columns["sample_id"], columns["key"]))
    _, label = np.unique(columns["label"], return_inverse=True)
    number = 2 * label + columns["held_out"]
    order = order[np.argsort(number[order], kind="stable")]
    chosen = []
    for of_pool in np.split(order, np.flatnonzero(np.diff(number[order])) + 1):
        pool = tuple(columns[name][of_pool[0]] for name in POOL)
        chosen.append(of_pool[: left[pool]])
    return np.sort(np.concatenate(chosen))


def best_of_partitions(keys, quotas, engine):
    """Sort the partitions, and share each quota over them in order."""
    import narwhals as nw
    from dask import compute, dataframe, delayed

    native = keys.to_native().sort_values(by=["key", "sample_id"])
    parts = native.to_delayed()
    counts = compute(*(delayed(_sizes)(part) for part in parts))
    pools = [tuple(pool) for pool in zip(*(quotas[name] for name in POOL), strict=True)]
    left = dict(zip(pools, quotas["quota"].astype(int).tolist(), strict=True))
    taken = []
    for count in counts:
        share = {pool: min(n, left[pool]) for pool, n in count.items()}
        left = {pool: n - share.get(pool, 0) for pool, n in left.items()}
        taken.append(share)
    chosen = [delayed(_head)(part, share) for part, share in zip(parts, taken, strict=True)]
    meta = native[["sample_id"]]._meta
    return nw.from_native(dataframe.from_delayed(chosen, meta=meta))


def _sizes(part):
    """Count the rows of each pool in a partition."""
    return part.groupby(list(POOL)).size().to_dict()


def _head(part, share):
    """Take the first rows of each pool of a partition that is sorted."""
    part = part.sort_values(["key", "sample_id"])
    quota = [share.get(pool, 0) for pool in zip(*(part[name] for name in POOL), strict=True)]
    return part[part.groupby(list(POOL)).cumcount() < quota][["sample_id"]]
