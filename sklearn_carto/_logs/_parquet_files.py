"""Parquet files of a log: check that an engine can read them as one frame."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, NamedTuple

from sklearn_carto._logs._log_columns import MASKS, OPTIONAL, REQUIRED
from sklearn_carto._utils._archive import damage_named
from sklearn_carto._utils._packages import require

_COLUMNS = (*REQUIRED, *OPTIONAL, *MASKS)
_ID_LIKE = ("sample_id", "label")


class FileGroup(NamedTuple):
    """Files of one schema."""

    files: list
    columns: tuple  # those of a log, in the order of the documentation


def group_files(files, owner):
    """Check the footers of Parquet files, and group the files by their schemas.

    Engines differ in what they make of files whose schemas differ: an error of their own, or
    columns that are left out or cast without a word.

    Parameters
    ----------
    files : list of Path
        The files.
    owner : str
        Name of the function, for the errors.

    Returns
    -------
    groups : list of FileGroup
        The files that hold rows; more than one group only if types are of several widths, or if
        some files hold further columns.
    casts : dict of str to str
        The narwhals type of each column that all groups can be cast to.
    n_rows : int
        Number of rows of all files.

    Raises
    ------
    ValueError
        If a file is damaged or lacks a column, or if the columns of two files do not fit.
    """
    require("pyarrow", owner, "sklearn-carto[logs]")
    from pyarrow import parquet

    groups: dict[Any, FileGroup] = {}
    first, first_kinds, n_rows = None, {}, 0
    for path in files:
        with damage_named(path, "log"):
            metadata = parquet.read_metadata(path)
            schema = metadata.schema.to_arrow_schema()
        _check_names(schema, path)
        if metadata.num_rows == 0:
            continue
        n_rows += metadata.num_rows
        types = {name: schema.field(name).type for name in _COLUMNS if name in schema.names}
        kinds = {name: _kind_of(name, dtype) for name, dtype in types.items()}
        if first is None:
            first, first_kinds = path, kinds
        _check_alike(path, kinds, first, first_kinds)
        key = frozenset(schema.names), frozenset((name, str(types[name])) for name in types)
        groups.setdefault(key, FileGroup([], tuple(types))).files.append(path)
    if first is None:
        others = ", nor do the other files of the log" if len(files) > 1 else ""
        raise ValueError(f"{files[0]} holds no row{others}.")
    casts = {name: _CASTS[kind] for name, kind in first_kinds.items() if kind in _CASTS}
    return list(groups.values()), casts, n_rows


@contextmanager
def damage_found(files):
    """Name the file that is damaged, if that is why an engine fails, which does not name it."""
    try:
        yield
    except Exception:
        check_content(files)
        raise


def check_content(files):
    """Raise a ValueError that names the first file whose content cannot be read."""
    from pyarrow import parquet

    for path in sorted(files):
        with damage_named(path, "log"), parquet.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                names = [name for name in _COLUMNS if name in file.schema_arrow.names]
                file.read_row_group(group, columns=names)


def partition_hint(path, lacking):
    """Say what to do if the name of a folder holds a column that the file lacks."""
    found = [name for name in lacking if any(part.startswith(f"{name}=") for part in path.parts)]
    if not found:
        return ""
    return (
        f" The names of folders hold {', '.join(found)}: pass a frame of an engine that reads "
        "them, such as polars.scan_parquet(..., hive_partitioning=True)."
    )


def _check_names(schema, path):
    names = schema.names
    twice = [name for name in _COLUMNS if names.count(name) > 1]
    if twice:
        raise ValueError(f"{path} holds several columns of the name {twice[0]}.")
    lacking = [name for name in REQUIRED if name not in names]
    absent = [name for name in _COLUMNS if name not in names]
    if lacking or partition_hint(path, absent):
        lacking = lacking or absent
        raise ValueError(
            f"{path} must hold the columns {', '.join(REQUIRED)}. It lacks {', '.join(lacking)}."
            f"{partition_hint(path, absent)}"
        )


def _check_alike(path, kinds, first, first_kinds):
    """Raise an error if the columns of a file are not those of the first one, or of other kinds."""
    for name in _COLUMNS:
        if (name in kinds) != (name in first_kinds):
            holder, other = (path, first) if name in kinds else (first, path)
            raise ValueError(
                f"{other} lacks the column {name}, which {holder} holds. The files of a log hold "
                "the same columns; of others, pass a frame with the columns that all of them hold."
            )
        if name in kinds and kinds[name] != first_kinds[name]:
            raise ValueError(
                f"{path} holds {kinds[name]} in the column {name}, and {first} holds "
                f"{first_kinds[name]}. Write all files of a log with one type, or pass a frame."
            )


def _kind_of(name, dtype):
    """Name the kind of a type: files of one kind are read as one, whatever the widths."""
    from pyarrow import types

    if types.is_dictionary(dtype):
        dtype = dtype.value_type
    if types.is_boolean(dtype):
        return "booleans"
    if types.is_string(dtype) or types.is_large_string(dtype) or str(dtype) == "string_view":
        return "text"
    whole = types.is_integer(dtype)
    if name in _ID_LIKE:
        if whole and str(dtype) != "uint64":
            return "whole numbers"
        return "numbers" if types.is_floating(dtype) else str(dtype)
    if name in ("epoch", "correct", *MASKS):
        return "whole numbers" if whole else str(dtype)
    return "numbers" if whole or types.is_floating(dtype) or types.is_decimal(dtype) else str(dtype)


_CASTS = {
    "booleans": "Boolean", "text": "String", "whole numbers": "Int64", "numbers": "Float64",
}  # fmt: skip
