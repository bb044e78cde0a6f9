"""The statistics of a data map as expressions of narwhals, for every engine.

There are two forms. The pivot has one column for each epoch, made ahead of a single aggregation
(not inside it: some engines would drop the condition without a word). Its width grows with the
epochs, so that engines with windows in the order of epochs use these for longer runs. Rows that may
be doubled are first reduced to one for each id and epoch.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import NamedTuple

import numpy as np

from sklearn_carto._dynamics._running import EARLY_EPOCHS
from sklearn_carto._logs._engines import WITHOUT_WINDOWS, row_by_row, total
from sklearn_carto._logs._log_columns import MASKS, OPTIONAL, RANGES

# beyond, windows are faster and need less memory, measured with Polars and DuckDB
MOST_PIVOTED_EPOCHS = 12
_SUMS = ("margin", "loss")


class Plan(NamedTuple):
    """What is aggregated, and how."""

    engine: str
    columns: tuple  # optional columns that the log holds
    epochs: tuple  # distinct epochs, ascending
    window: int  # length of the window of the DUAL score
    doubled: bool  # whether a row may occur several times at one epoch,
    missing: bool  # or lack one
    text: tuple = ()  # columns to be cast to text, as categories
    floats: tuple = ()  # ids and labels that are floating point numbers, of which NaN is none

    @property
    def uses_windows(self):
        """Whether windows take the place of the pivot."""
        if self.engine in WITHOUT_WINDOWS:
            return False
        return self.engine == "pyspark" or len(self.epochs) > MOST_PIVOTED_EPOCHS

    @property
    def sums_el2n(self):
        """Whether all epochs count as early ones."""
        return len(self.epochs) <= EARLY_EPOCHS


def aggregate(frame, plan):
    """Return the frame of the statistics, one row for each id, in no order.

    Columns are `sample_id`, `label` and `label_max` (which differs if an id has several labels),
    the masks, the statistics, `n_seen`, the number of epochs of a row, and `n_rows`, the number of
    its rows, which is larger if some are doubled.
    """
    frame = row_by_row(frame, lambda frame: _typed(frame, plan))
    if plan.doubled:
        frame = _reduced(frame, plan)
    frame = _windowed(frame, plan) if plan.uses_windows else _pivoted(frame, plan)
    return row_by_row(frame, lambda frame: _finished(frame, plan))


def count_invalid(frame, plan):
    """Return the frame of `n_wrong`, the number of rows that hold a value that is none."""
    import narwhals as nw

    typed = row_by_row(frame, lambda frame: _typed(frame, plan))
    counts = typed.select(nw.col("n_rows").sum(), nw.col("n_valid").sum())
    return counts.select((nw.col("n_rows") - nw.col("n_valid")).cast(nw.Int64).alias("n_wrong"))


def count_valid_in_columns(frame, plan):
    """Return the frame of the number of rows in which each column holds a valid value, or null.

    The column `n_rows` holds the number of all rows.
    """
    import narwhals as nw

    marks = {name: _as_count(valid) for name, valid in _conditions(plan).items()}
    marks["n_rows"] = nw.col("epoch").cast(nw.Int64) * 0 + 1
    marked = row_by_row(frame, lambda frame: frame.select(*(m.alias(n) for n, m in marks.items())))
    return marked.select(*(nw.col(name).sum().cast(nw.Int64) for name in marks))


def _conditions(plan):
    """Return what makes a value of each column valid; epochs are checked ahead."""
    import narwhals as nw

    valid = {}
    for name in ("sample_id", "true_proba", "correct", *plan.columns):
        column = nw.col(name)
        if name in ("correct", *MASKS):
            flag = column.cast(nw.Int64)
            valid[name] = (flag >= 0) & (flag <= 1)
        elif name in RANGES or name == "margin":  # neither NaN nor null
            low, high = RANGES.get(name, (-np.inf, np.inf))
            number = column.cast(nw.Float64)
            valid[name] = number.is_finite() & (number >= low) & (number <= high)
        else:
            valid[name] = ~column.is_null()
            if name in plan.floats:
                valid[name] = valid[name] & column.cast(nw.Float64).is_finite()
    return valid


def _valid(plan):
    """Return 1 in a row that holds valid values, else 0 or null."""
    return _as_count(reduce(and_, _conditions(plan).values()))


def _as_count(valid):
    import narwhals as nw

    return nw.when(valid).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def _typed(frame, plan):
    """Cast the columns that are needed to the types that all engines compute alike with."""
    import narwhals as nw

    numbers = [name for name in ("margin", "loss", "el2n") if name in plan.columns]
    flags = ["correct", *(name for name in MASKS if name in plan.columns)]
    columns = {
        "epoch": nw.col("epoch").cast(nw.Int64),
        "p": nw.col("true_proba").cast(nw.Float64),
        **{name: nw.col(name).cast(nw.Float64) for name in numbers},
        **{name: nw.col(name).cast(nw.Int64).cast(nw.Float64) for name in flags},
        "n_rows": nw.col("epoch").cast(nw.Int64) * 0 + 1,
        "n_valid": _valid(plan),
    }
    for name in ("sample_id", *(("label",) if "label" in plan.columns else ())):
        column = nw.col(name)
        if name in plan.text:
            column = column.cast(nw.String)
        elif dict(frame.collect_schema())[name] == nw.Boolean:
            column = column.cast(nw.Int64)
        columns[name] = column
    if "label" in columns:
        columns["label_max"] = columns["label"]
    return frame.select(*(column.alias(name) for name, column in columns.items()))


def _reduced(frame, plan):
    """Reduce the rows of one id and epoch to the largest of each value."""
    import narwhals as nw

    held = {"p", "correct", *plan.columns}
    names = [n for n in ("p", "correct", "margin", "loss", "el2n", *MASKS) if n in held]
    labels = _label_aggregates(plan)
    largest = [nw.col(name).max() for name in names]
    counts = [nw.col(name).sum() for name in ("n_rows", "n_valid")]
    return frame.group_by("sample_id", "epoch").agg(*largest, *labels, *counts)


def _label_aggregates(plan):
    import narwhals as nw

    if "label" not in plan.columns:
        return []
    return [nw.col("label").min(), nw.col("label_max").max()]


def _shared_aggregates(plan):
    """Return the aggregates of columns that both forms hold."""
    import narwhals as nw

    masks = [nw.col(name).max() for name in MASKS if name in plan.columns]
    names = [*_SUMS, *(["el2n"] if plan.sums_el2n else [])]
    sums = [nw.col(name).sum().alias(f"{name}_sum") for name in names if name in plan.columns]
    counts = [nw.col(name).sum() for name in ("n_rows", "n_valid")]
    return [*_label_aggregates(plan), *masks, *sums, *counts]


def _pivoted(frame, plan):
    """Aggregate a column for each epoch; ids that lack some are moved up to be without gaps.

    One column holds p + 2 h of an epoch, which costs half of two and is p to within 2.2e-16.
    """
    import narwhals as nw

    both = nw.col("p") + 2.0 * nw.col("correct")
    parts = {"z": both}
    if "el2n" in plan.columns and not plan.sums_el2n:
        parts["d"] = nw.col("el2n")
    columns = {
        f"{short}{i}": nw.when(nw.col("epoch") == epoch).then(value)
        for i, epoch in enumerate(plan.epochs)
        for short, value in parts.items()
    }
    spread = [column.alias(name) for name, column in columns.items()]
    frame = row_by_row(frame, lambda frame: frame.with_columns(*spread))
    pivot = [nw.col(name).max() for name in columns]
    frame = frame.group_by("sample_id").agg(*pivot, *_shared_aggregates(plan))
    return row_by_row(frame, lambda frame: _sums_of_epochs(frame, plan, "d" in parts))


def _sums_of_epochs(frame, plan, has_el2n):
    """Compute the sums over the epochs of each row of a pivot."""
    import narwhals as nw

    epochs, n_seen = range(len(plan.epochs)), nw.col("n_seen")
    # 1. s, h, p and d: whether the row was seen at an epoch, and what was recorded there, or 0.
    absent = [nw.col(f"z{i}").is_null() for i in epochs]
    filled = {f"s{i}": nw.when(absent[i]).then(0.0).otherwise(1.0) for i in epochs}
    for name in ("z", *("d" if has_el2n else "")):
        filled |= {
            f"{name}{i}": nw.when(absent[i]).then(0.0).otherwise(nw.col(f"{name}{i}"))
            for i in epochs
        }
    frame = frame.with_columns(*(column.alias(name) for name, column in filled.items()))
    hit = [nw.when(nw.col(f"z{i}") >= 2.0).then(1.0).otherwise(0.0) for i in epochs]
    frame = frame.with_columns(*(hit[i].alias(f"h{i}") for i in epochs))
    filled = {f"p{i}": nw.col(f"z{i}") - 2.0 * nw.col(f"h{i}") for i in epochs}
    first = nw.lit(float("inf"))
    for i in reversed(epochs):
        first = nw.when(nw.col(f"h{i}") > 0.5).then(float(plan.epochs[i])).otherwise(first)
    filled["first_learned"] = first
    frame = frame.with_columns(*(column.alias(name) for name, column in filled.items()))
    sums = {"s": "n_seen", "p": "p_sum", "h": "n_correct"}
    frame = frame.with_columns(
        *(total(nw.col(f"{short}{i}") for i in epochs).alias(to) for short, to in sums.items())
    )
    # 2. Close the gaps.
    if plan.missing:
        frame = _moved_up(frame, len(plan.epochs), ("p", "h", *("d" if has_el2n else "")))
    frame = frame.with_columns((nw.col("p_sum") / n_seen).alias("confidence"))

    def inside(i, column):
        """Return a column where the row has more than i epochs, and 0 elsewhere."""
        return nw.when(n_seen > i).then(column).otherwise(0.0) if plan.missing else column

    # 3. Sum over the epochs of the row.
    spread = [nw.col(f"p{i}") - nw.col("confidence") for i in epochs]
    lost = [nw.col(f"h{i - 1}") * (1.0 - nw.col(f"h{i}")) for i in epochs[1:]]
    ends = range(plan.window - 1, len(plan.epochs))
    dual = [_dual([nw.col(f"p{end - j}") for j in range(plan.window)]) for end in ends]
    zero = n_seen * 0.0  # of runs without a second epoch, or a window
    columns = {
        "squares": total(inside(i, spread[i] * spread[i]) for i in epochs),
        "n_forgotten": total([zero, *map(inside, epochs[1:], lost)]),
        "dual_sum": total([zero, *map(inside, ends, dual)]),
    }
    if has_el2n:
        columns["el2n_sum"] = total(nw.col(f"d{i}") for i in epochs[:EARLY_EPOCHS])
    return frame.with_columns(*(column.alias(name) for name, column in columns.items()))


def _moved_up(frame, n_epochs, parts):
    """Make p0, h0, d0 those of the first epoch that holds the row, and so on; then zeros."""
    import narwhals as nw

    ranks = [
        (nw.col(f"s{e}") * total(nw.col(f"s{i}") for i in range(e + 1))).alias(f"r{e}")
        for e in range(n_epochs)
    ]
    frame = frame.with_columns(*ranks)
    moved = [
        total(
            # epoch e holds the rank k + 1 at the earliest if it is the epoch k itself
            nw.when(nw.col(f"r{e}") == float(k + 1)).then(nw.col(f"{name}{e}")).otherwise(0.0)
            for e in range(k, n_epochs)
        ).alias(f"{name}{k}")
        for name in parts
        for k in range(n_epochs)
    ]
    return frame.with_columns(*moved)


def _dual(values):
    """Return the DUAL score of one window of probabilities."""
    mean = total(values) * (1.0 / len(values))
    squares = total((value - mean) * (value - mean) for value in values)
    return (squares * (1.0 / (len(values) - 1))).sqrt() * (1.0 - mean)


def _windowed(frame, plan):
    """Aggregate what windows in the order of epochs compute of each row of the log."""
    import narwhals as nw

    def earlier(name, n):
        return nw.col(name).shift(n).over("sample_id", order_by="epoch")

    n_before = range(1, plan.window)
    frame = frame.with_columns(
        nw.col("p").cum_count().over("sample_id", order_by="epoch").cast(nw.Int64).alias("rank"),
        earlier("correct", 1).alias("before"),
        earlier("epoch", 1).alias("epoch_before"),
        nw.col("p").mean().over("sample_id").alias("mean"),
        nw.when(nw.col("correct") > 0.5).then(nw.col("epoch").cast(nw.Float64)).alias("learned"),
        *(earlier("p", n).alias(f"p{n}") for n in n_before),
    )
    lost = nw.col("before") * (1.0 - nw.col("correct"))
    deviation = nw.col("p") - nw.col("mean")
    dual = _dual([nw.col("p"), *(nw.col(f"p{n}") for n in n_before)])
    frame = frame.with_columns(
        nw.when(nw.col("before").is_null()).then(0.0).otherwise(lost).alias("lost"),
        nw.when(nw.col("epoch_before") == nw.col("epoch")).then(1.0).otherwise(0.0).alias("again"),
        (deviation * deviation).alias("square"),
        nw.when(nw.col("rank") >= plan.window).then(dual).otherwise(0.0).alias("dual"),
    )
    sums = {"p": "p_sum", "correct": "n_correct", "lost": "n_forgotten"}
    sums |= {"square": "squares", "dual": "dual_sum", "again": "n_again"}
    if "el2n" in plan.columns and not plan.sums_el2n:
        early = nw.when(nw.col("rank") <= EARLY_EPOCHS).then(nw.col("el2n")).otherwise(0.0)
        frame, sums = frame.with_columns(early.alias("early")), sums | {"early": "el2n_sum"}
    frame = frame.group_by("sample_id").agg(
        nw.col("epoch").count().alias("n_seen"),
        nw.col("learned").min().alias("first_learned"),
        *(nw.col(name).sum().alias(to) for name, to in sums.items()),
        *_shared_aggregates(plan),
    )
    n_seen = nw.col("n_seen").cast(nw.Int64).cast(nw.Float64) - nw.col("n_again")
    return frame.with_columns(n_seen.alias("n_seen")).with_columns(
        (nw.col("p_sum") / nw.col("n_seen")).alias("confidence")
    )


def _finished(frame, plan):
    """Compute the statistics of the sums that both forms hold, and select them."""
    import narwhals as nw

    n_seen, confidence = nw.col("n_seen"), nw.col("confidence")
    variability = (nw.col("squares") / n_seen).sqrt()
    frame = frame.with_columns(variability.alias("variability"))
    never, infinity = nw.col("n_correct") < 0.5, nw.lit(float("inf"))
    ambiguity = confidence * (1.0 - confidence) - nw.col("variability") * nw.col("variability")
    n_others = nw.when(n_seen > 1.5).then(n_seen - 1.0).otherwise(1.0)
    short = (nw.col("squares") / n_others).sqrt() * (1.0 - confidence)
    n_windows = n_seen - float(plan.window - 1)
    n_divided = nw.when(n_windows > 0.5).then(n_windows).otherwise(1.0)
    n_early = nw.when(n_seen > EARLY_EPOCHS).then(float(EARLY_EPOCHS)).otherwise(n_seen)
    statistics = {
        "confidence": confidence,
        "variability": nw.col("variability"),
        "correctness": nw.col("n_correct") / n_seen,
        "forgetting": nw.when(never).then(infinity).otherwise(nw.col("n_forgotten")),
        "first_learned": nw.when(never).then(infinity).otherwise(nw.col("first_learned")),
        "aum": nw.col("margin_sum") / n_seen,
        "el2n": nw.col("el2n_sum") / n_early,
        "aleatoric": nw.when(ambiguity > 0.0).then(ambiguity).otherwise(0.0),
        "loss": nw.col("loss_sum") / n_seen,
        "dual": nw.when(n_windows > 0.5).then(nw.col("dual_sum") / n_divided).otherwise(short),
    }
    needs = {"aum": "margin", "el2n": "el2n", "loss": "loss"}
    statistics = {
        name: value
        for name, value in statistics.items()
        if name not in needs or needs[name] in plan.columns
    }
    names: list = ["sample_id"]
    names += ["label", "label_max"] if "label" in plan.columns else []
    names += [(nw.col(name) > 0.5).alias(name) for name in MASKS if name in plan.columns]
    counts = [nw.col(name).cast(nw.Int64) for name in ("n_seen", "n_rows")]
    n_wrong = nw.col("n_rows").cast(nw.Int64) - nw.col("n_valid").cast(nw.Int64)
    return frame.select(
        *names,
        *(value.alias(name) for name, value in statistics.items()),
        *counts,
        n_wrong.alias("n_wrong"),
    )


KNOWN = (*OPTIONAL, *MASKS)
