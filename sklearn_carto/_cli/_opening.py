"""Open a table of any format."""

from __future__ import annotations

from sklearn_carto._cli._csv import CsvSource
from sklearn_carto._cli._formats import find_format
from sklearn_carto._cli._json_lines import JsonLinesSource
from sklearn_carto._cli._parquet import ParquetSource


def open_table(path, *, delimiter=None, encoding=None):
    """Open a table, after a check that the file is what its name promises.

    Parameters
    ----------
    path : path-like
        The file.
    delimiter, encoding : str, default=None
        Of text; None: found.

    Returns
    -------
    source : Source
        The table.

    Raises
    ------
    CommandError
        If the file cannot be used.
    """
    kind = find_format(path)
    if kind == "Parquet":
        return ParquetSource(path)
    if kind == "JSON lines":
        return JsonLinesSource(path, encoding)
    return CsvSource(path, delimiter, encoding)
