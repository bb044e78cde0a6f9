"""Engines for data frames that a log can be read and aggregated on."""

from __future__ import annotations

import re
from functools import reduce
from glob import escape
from operator import add
from threading import Lock, local

import numpy as np

from sklearn_carto._logs._log_columns import as_column
from sklearn_carto._logs._parquet_files import damage_found, group_files
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._packages import require
from sklearn_carto._utils._validation import describe

ENGINES = ("polars", "duckdb", "dask", "pyspark", "pandas", "pyarrow")
_EXTRAS = {"duckdb": "duckdb", "dask": "dask", "pyspark": "pyspark"}
_of_thread = local()
# threads that collect by the streaming engine of Polars 1.25 can wait for each other for ever
_streaming = Lock()
_MODULES = {"dask": "dask.dataframe", "pyarrow": "pyarrow.dataset"}
_SPARK_PATTERN = re.compile(r"[][*?{}\\]")
WITHOUT_WINDOWS = ("dask", "pyarrow")  # narwhals has no windows in order of a column on these


def scan(files, engine, owner):
    """Return the frame of Parquet files on an engine, lazy where the engine is, and its row count.

    Files of several schemas, which :func:`group_files` has found to fit, are cast and joined.
    """
    groups, casts, n_rows = group_files(files, owner)
    frames = [_scan_files(group, engine, owner) for group in groups]
    if len(frames) == 1:
        return frames[0], n_rows
    import narwhals as nw

    columns = [
        nw.col(name).cast(getattr(nw, casts[name])) if name in casts else nw.col(name)
        for name in groups[0].columns
    ]
    frames = [nw.from_native(frame).select(*columns) for frame in frames]
    return nw.concat(frames).to_native(), n_rows


def _scan_files(group, engine, owner):
    """Return the frame of files of one schema, whose names are no patterns."""
    module = _MODULES.get(engine, engine)
    library = require(module, f"{owner}(engine={engine!r})", _extra_of(engine))
    paths = [str(path.absolute()) for path in group.files]
    if engine == "polars":
        return library.scan_parquet(paths, glob=False)
    if engine == "duckdb":
        return connect_duckdb().read_parquet([*map(escape, paths)])
    if engine == "dask":
        return library.read_parquet([*map(escape, paths)])
    if engine == "pyspark":
        from pyspark.sql import SparkSession

        session = SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
        return session.read.parquet(*(_SPARK_PATTERN.sub(r"\\\g<0>", path) for path in paths))
    require("pyarrow", f"{owner}(engine={engine!r})", "sklearn-carto[logs]")
    from pyarrow import dataset

    with damage_found(group.files):
        table = dataset.dataset(paths, format="parquet").to_table(columns=[*group.columns])
    return table.to_pandas() if engine == "pandas" else table


def wrap(frame, engine, owner):
    """Wrap a frame of the user for narwhals; return it with the name of its engine."""
    narwhals = require("narwhals", owner, "sklearn-carto[logs]")
    try:
        wrapped = narwhals.from_native(frame)
    except narwhals.exceptions.DuplicateError as error:
        raise InvalidParameterError(
            f"The 'log' parameter of {owner} must not hold two columns of one name. {error}"
        ) from error
    except TypeError:
        raise InvalidParameterError(
            f"The 'log' parameter of {owner} must be a path, a list of paths, or a frame of "
            f"{', '.join(ENGINES)}. Got {describe(frame)} instead."
        ) from None
    found = wrapped.implementation.name.lower()
    found = "pyspark" if found == "pyspark_connect" else found
    if found not in ENGINES:
        raise InvalidParameterError(
            f"The 'log' parameter of {owner} must be a frame of {', '.join(ENGINES)}. Got one of "
            f"{found} instead."
        )
    if engine is not None and engine != found:
        raise InvalidParameterError(
            f"The 'engine' parameter of {owner} must be that of the frame, {found!r}, or None. Got "
            f"{engine!r} instead."
        )
    return wrapped, found


def plain_objects(frame, names):
    """Return a frame of pandas whose columns of Python objects hold numbers, booleans or text.

    Text of objects of several types would make one of what differs, such as 1 and "1".
    """
    import narwhals as nw

    native = frame.to_native()
    for name in names:
        held = native[name].dropna()
        kinds = {type(value).__name__: type(value) for value in held}
        if len(kinds) > 1 or kinds.keys() & {"bytes", "list", "dict", "set", "ndarray"}:
            raise ValueError(
                f"The log must hold text, numbers, booleans or dates in the column {name}, all of "
                f"one type. Got objects of the types {', '.join(sorted(kinds))}."
            )
        column = as_column(held.to_numpy(dtype=object))
        if column.dtype.kind in "ifb":
            dtype = {"i": "Int64", "f": "Float64", "b": "boolean"}[column.dtype.kind]
            native = native.assign(**{name: native[name].astype(dtype)})
    return nw.from_native(native)


def collect(frame, engine):
    """Return the columns of a frame as a dict of arrays."""
    if not hasattr(frame, "collect"):
        return _to_numpy(frame)
    if engine == "polars":
        return _to_numpy(_streamed(frame))
    if engine == "dask":
        return _to_numpy(frame.collect(backend="pandas"))
    return _to_numpy(frame.collect(backend="pyarrow"))


def _streamed(frame):
    """Collect a lazy frame of Polars, one at a time: each takes all cores."""
    with _streaming:
        return frame.collect(backend="polars", engine="streaming")


def row_by_row(frame, function):
    """Apply a function of frames whose rows do not depend on each other.

    Dask applies it to each partition: its graph of many expressions would take longer than they do.
    """
    import narwhals as nw

    native = frame.to_native()
    if frame.implementation.name != "DASK":
        return function(frame)

    def on_partition(part):
        return function(nw.from_native(part)).to_native()

    return nw.from_native(native.map_partitions(on_partition, meta=on_partition(native._meta)))


def kept(frame, engine):
    """Compute a frame once; it stays on its engine."""
    import narwhals as nw

    if engine == "polars" and hasattr(frame, "collect"):
        return _streamed(frame).lazy()
    if engine == "duckdb":
        return _on_duckdb(frame.collect(backend="pyarrow").to_native())
    if engine == "pyspark":
        return nw.from_native(frame.to_native().cache())
    if engine == "dask":
        return nw.from_native(frame.to_native().persist())
    return frame


def joinable(frame, table, engine):
    """Return a frame, and a table of pyarrow as a frame that it can be joined with."""
    import narwhals as nw

    if engine == "duckdb":
        return frame, _on_duckdb(table)
    if engine == "polars":
        import polars

        other = polars.DataFrame(table)
        return frame, nw.from_native(other.lazy() if hasattr(frame, "collect") else other)
    session = frame.to_native().sparkSession
    rows = [tuple(row.values()) for row in table.to_pylist()]
    return frame, nw.from_native(session.createDataFrame(rows, table.column_names))


def connect_duckdb():
    """Return the database of this thread, since threads must not share a connection.

    It must live as long as the frames that are made on it.
    """
    import duckdb

    if not hasattr(_of_thread, "duckdb"):
        _of_thread.duckdb = duckdb.connect()
    return _of_thread.duckdb


def _on_duckdb(table):
    import narwhals as nw

    return nw.from_native(connect_duckdb().from_arrow(table))


def release(frame, engine):
    """Free what `kept` keeps on a cluster."""
    if engine == "pyspark":
        frame.to_native().unpersist()


def _to_numpy(frame):
    columns = {name: np.asarray(frame[name].to_numpy()) for name in frame.columns}
    return {name: _plain(values) for name, values in columns.items()}


def _plain(values):
    """Return text as an array of objects, whatever the engine calls it."""
    return values.astype(object) if values.dtype.kind not in "biufmM" else values


def total(expressions):
    """Add expressions of one frame, from the first to the last on every engine."""
    return reduce(add, expressions)


def _extra_of(engine):
    return f"sklearn-carto[{_EXTRAS.get(engine, 'logs')}]" if engine != "pandas" else "pandas"
