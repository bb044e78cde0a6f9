"""Tables of Parquet, by pyarrow; they are written with the types that they were read with."""

from __future__ import annotations

import numpy as np

from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._tables import Source, Table
from sklearn_carto._utils._packages import require

USER, EXTRA = "Reading Parquet", "sklearn-carto[logs]"


class ParquetTable(Table):
    """Rows of a Parquet file."""

    def __init__(self, table):
        self.table, self.n_rows = table, table.num_rows

    def column(self, name):
        """Return the values of a column; those of numbers without missing ones as numbers."""
        pyarrow = require("pyarrow", USER, EXTRA)
        column = self.table.column(name)
        types = pyarrow.types
        if types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if types.is_timestamp(column.type):  # Python has no nanoseconds
            column = column.cast(pyarrow.timestamp("us", tz=column.type.tz), safe=False)
        simple = types.is_integer(column.type) or types.is_floating(column.type)
        if column.null_count == 0 and (simple or types.is_boolean(column.type)):
            return column.to_numpy()
        cells = np.empty(self.n_rows, dtype=object)
        for i, value in enumerate(column.to_pylist()):
            cells[i] = value
        return cells


class ParquetSource(Source):
    """A Parquet file."""

    format = "Parquet"

    def __init__(self, path):
        super().__init__(path)
        pyarrow = require("pyarrow", USER, EXTRA)
        parquet = require("pyarrow.parquet", USER, EXTRA)
        try:
            with parquet.ParquetFile(path) as file:
                self.names = list(file.schema_arrow.names)
                self.n_rows = file.metadata.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise CommandError(f"{path} is a damaged Parquet file: {error}.") from error
        self.check_names()
        if self.n_rows == 0:
            raise CommandError(f"{path} holds no rows.")

    def blocks(self, n_rows):
        """Yield tables of at most `n_rows` rows, read row group by row group."""
        parquet = require("pyarrow.parquet", USER, EXTRA)
        pyarrow = require("pyarrow", USER, EXTRA)
        try:
            with parquet.ParquetFile(self.path) as file:
                if n_rows is None:
                    yield ParquetTable(file.read())
                    return
                for batch in file.iter_batches(n_rows):
                    yield ParquetTable(pyarrow.Table.from_batches([batch]))
        except (pyarrow.ArrowException, OSError) as error:
            raise CommandError(f"{self.path} is a damaged Parquet file: {error}.") from error

    def write(self, file, table, rows=None, changes=None):
        """Write rows with the schema of this file."""
        pyarrow = require("pyarrow", USER, EXTRA)
        parquet = require("pyarrow.parquet", USER, EXTRA)
        written = table.table
        if changes is not None:
            place = self.names.index(changes.column)
            field = written.schema.field(place)
            column = _changed(written.column(place), changes, f"{changes.column!r} of {self.path}")
            written = written.set_column(place, field, column.cast(field.type))
        if rows is not None:
            written = written.take(pyarrow.array(np.asarray(rows), pyarrow.int64()))
        parquet.write_table(written, file)


def _changed(column, changes, name):
    """Return a column with new cells; the others are not converted."""
    pyarrow = require("pyarrow", USER, EXTRA)
    dictionary = pyarrow.types.is_dictionary(column.type)
    kind = column.type.value_type if dictionary else column.type
    column = column.cast(kind) if dictionary else column
    values = list(dict.fromkeys(changes.values.values()))
    try:
        new = pyarrow.array(values, kind)
    except (pyarrow.ArrowException, OverflowError) as error:
        raise CommandError(
            f"{', '.join(map(repr, values[:5]))} cannot be written into column {name}, which holds "
            f"{kind}: {error}."
        ) from error
    places = np.arange(len(column))
    for row, other in changes.copies.items():
        places[row] = other
    for row, value in changes.values.items():
        places[row] = len(column) + values.index(value)
    column = pyarrow.chunked_array([*column.chunks, new], kind).take(pyarrow.array(places))
    return column.combine_chunks().dictionary_encode() if dictionary else column
