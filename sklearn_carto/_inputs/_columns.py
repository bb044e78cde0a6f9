"""Values of data frames and their columns: pandas, polars and Arrow."""

from __future__ import annotations

import sys

import numpy as np


def frame_columns(value):
    """Return the (name, column) pairs of a data frame or table, by position, or None.

    Names may occur more than once.
    """
    if is_arrow_table(value):
        return list(zip(value.column_names, value.columns, strict=True))
    if not (hasattr(value, "columns") and len(getattr(value, "shape", ())) == 2):
        return None
    get = value.iloc if hasattr(value, "iloc") else value
    return [(name, get[:, i]) for i, name in enumerate(value.columns)]


def is_column(value):
    """Whether a value is a pandas or polars series, or a pandas index or array."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if polars is not None and isinstance(value, polars.Series):
        return True
    kinds = (
        ()
        if pandas is None
        else (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)
    )
    return isinstance(value, kinds)


def column_parts(column):
    """Return what the values of a column are: arrays, lists and names.

    Categories count with their order, because models may depend on it.
    """
    if hasattr(column, "null_count"):
        return _polars_parts(column)
    pandas, dtype = sys.modules["pandas"], column.dtype
    if isinstance(column, pandas.MultiIndex) or isinstance(dtype, np.dtype):
        return [np.asarray(column)]
    if isinstance(dtype, pandas.CategoricalDtype):
        values = pandas.Categorical(column)
        return ["categories", dtype.ordered, dtype.categories, np.asarray(values.codes)]
    if isinstance(dtype, pandas.SparseDtype):
        return [np.asarray(column)]
    if isinstance(dtype, pandas.DatetimeTZDtype):
        utc = pandas.DatetimeIndex(column).tz_convert(None)
        return [str(dtype.tz), np.asarray(utc)]
    if isinstance(dtype, getattr(pandas, "ArrowDtype", ())):
        return arrow_parts(column.array.__arrow_array__())
    return [column.to_numpy(dtype=object)]


def _polars_parts(column):
    dtype = column.dtype
    categories = getattr(dtype, "categories", None)
    if categories is not None and hasattr(categories, "to_list"):
        return ["categories", categories.to_list(), column.to_list()]
    if str(dtype).startswith("Categorical"):
        return ["categories", column.to_list()]
    if dtype.is_temporal():  # Python's dates and durations have no nanoseconds
        return [str(dtype), *_polars_parts(column.to_physical())]
    if str(dtype).startswith("Struct"):
        fields = [column.struct.field(name) for name in column.struct.fields]
        return ["struct", column.is_null().to_numpy(), *column.struct.fields, *fields]
    if str(dtype).startswith(("List", "Array")):
        lists = column.arr.to_list() if str(dtype).startswith("Array") else column
        return ["lists", lists.list.len().to_list(), lists.explode()]
    plain = dtype.is_integer() or dtype.is_float() or str(dtype) == "Boolean"
    if plain and not column.null_count():
        return [column.to_numpy()]
    return [np.array([*column.to_list(), None], dtype=object)[:-1]]


def is_arrow_table(value):
    """Whether a value is an Arrow table; does not import pyarrow."""
    arrow = sys.modules.get("pyarrow")
    return arrow is not None and isinstance(value, (arrow.Table, arrow.RecordBatch))


def arrow_parts(value):
    """Return the values of an Arrow array as arrays and lists, or None if it is none."""
    arrow = sys.modules.get("pyarrow")
    if arrow is None or not isinstance(value, (arrow.Array, arrow.ChunkedArray)):
        return None
    if isinstance(value, arrow.ChunkedArray):
        value = value.combine_chunks()
        if isinstance(value, arrow.ChunkedArray):  # no chunk, or too long for one
            return [value.to_pylist()]
    kind = value.type
    if arrow.types.is_list(kind) or arrow.types.is_large_list(kind):
        lengths = value.value_lengths()
        return ["lists", *arrow_parts(lengths), *arrow_parts(value.flatten())]
    if arrow.types.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        return ["struct", value.is_null().to_numpy(zero_copy_only=False), *names, *value.flatten()]
    if (
        arrow.types.is_temporal(kind) and kind.bit_width <= 64
    ):  # Python's dates and durations have no nanoseconds
        number = arrow.int32() if kind.bit_width == 32 else arrow.int64()
        return [str(kind), *arrow_parts(value.view(number))]
    numbers = arrow.types.is_integer(kind) or arrow.types.is_floating(kind)
    if numbers and not value.null_count:
        return [value.to_numpy()]
    return [value.to_pylist()]
