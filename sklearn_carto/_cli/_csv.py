"""Tables of CSV: cells are text, and are written as they were read."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._formats import open_bytes, open_text
from sklearn_carto._cli._tables import Source, Table

_SAMPLE = 1 << 17  # bytes that show delimiter and encoding
_DELIMITERS = ",;\t|"
csv.field_size_limit(2**31 - 1)  # texts may be longer than the default of 131,072 characters


class Record(NamedTuple):
    """A row of a CSV file."""

    cells: list
    text: str  # as the file holds it, with its line end, and blank lines before it


class CsvTable(Table):
    """Rows of a CSV file."""

    def __init__(self, names, rows):
        self.names, self.rows, self.n_rows = names, rows, len(rows)

    def column(self, name):
        """Return the cells of a column."""
        place = self.names.index(name)
        cells = np.empty(self.n_rows, dtype=object)
        cells[:] = [row.cells[place] for row in self.rows]
        return cells


class CsvSource(Source):
    """A CSV file, whose delimiter, encoding and line ends are found.

    Parameters
    ----------
    path : path-like
        The file, which may be gzipped.
    delimiter, encoding : str, default=None
        None: found. The encoding is UTF-8, or UTF-16 or UTF-32 after a mark of byte order.
    """

    format = "CSV"

    def __init__(self, path, delimiter=None, encoding=None):
        super().__init__(path)
        self.tail = ""  # blank lines at the end
        self.encoding = find_encoding(path, encoding)
        with open_bytes(path) as file:
            start = file.read(_SAMPLE)
        decoder = codecs.getincrementaldecoder(self.encoding)()
        sample = self._decoded(lambda: decoder.decode(start, len(start) < _SAMPLE))
        if "\0" in sample:  # of a file of bytes, or of UTF-16 without a mark
            raise no_text(path, self.encoding)
        ends = re.search(r"\r\n|\n|\r", sample)  # of the header: cells may hold others
        self.line_end = ends.group() if ends else "\n"
        self.delimiter = _check_delimiter(delimiter) or _find_delimiter(sample)
        self.comma = {",": "group", ";": "decimal"}.get(self.delimiter, "either")
        with self._open() as file:
            header = next(self._rows(file), None)
        if header is None:
            raise CommandError(f"{self.path} is empty.")
        self.header = header
        self.names = self.header.cells
        self.check_names()

    def blocks(self, n_rows):
        """Yield tables of at most `n_rows` rows."""
        with self._open() as file:
            rows = self._rows(file)
            next(rows)
            while found := list(islice(rows, n_rows)):
                yield CsvTable(self.names, found)

    def _open(self):
        return open_text(self.path, self.encoding)

    def _rows(self, file):
        """Yield each row but blank lines, after a check of the number of its cells."""
        lines, width = _Lines(file), 0
        # strict: a quote that is not closed would take the rest of the file for one cell
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        while True:
            start = reader.line_num + 1
            row = self._decoded(lambda: next(reader, None), start)
            if row is None:
                self.tail = lines.take()
                return
            if not row:  # a blank line belongs to the row that follows
                continue
            width = width or len(row)
            if len(row) != width:
                raise CommandError(
                    f"line {reader.line_num} of {self.path} has {len(row)} cells, but the header "
                    f"{width}. Quote cells that hold {self.delimiter!r}, or pass --delimiter."
                )
            yield Record(row, lines.take())

    def _decoded(self, read, line=1):
        try:
            return read()
        except (UnicodeError, LookupError) as error:
            raise no_text(self.path, self.encoding) from error
        except csv.Error as error:
            raise CommandError(
                f"the row that starts at line {line} of {self.path} is not CSV ({error}). Close "
                "each quote, double those within a cell, and write nothing between a closing one "
                "and the delimiter."
            ) from error
        except (EOFError, gzip.BadGzipFile, OSError) as error:
            raise CommandError(f"{self.path} cannot be read: {error}.") from error

    def write(self, file, table, rows=None, changes=None):
        """Write rows with the delimiter, encoding and line ends of this file."""
        new = {}
        if changes is not None:
            place = self.names.index(changes.column)
            cells = changes.new_cells(table.column(changes.column))
            new = {i: self._with_cell(table.rows[i].text, place, cells[i]) for i in cells}
        wanted = range(table.n_rows) if rows is None else rows
        blank = "" if rows is None else "\r\n"  # left out of a part of the rows
        text = io.TextIOWrapper(file, encoding=self.encoding, newline="", write_through=True)
        last = self.header.text
        for line in (new.get(i, table.rows[i].text) for i in wanted):
            text.write(last if last.endswith(("\n", "\r")) else last + self.line_end)
            last = line.lstrip(blank) if blank else line
        text.write(last)
        text.write("" if blank else self.tail)
        text.flush()
        text.detach()

    def _with_cell(self, text, place, value):
        """Return the text of a row with another cell, which is quoted if the old one was."""
        cell: Any = re.compile(f'"(?:[^"]|"")*"|[^{re.escape(self.delimiter)}\r\n]*')
        start = len(text) - len(text.lstrip("\r\n"))
        for _ in range(place):
            start = cell.match(text, start).end() + 1
        old, value = cell.match(text, start), str(value)
        special = any(c in value for c in f'{self.delimiter}"\r\n')
        if special or old.group().startswith('"'):
            value = '"{}"'.format(value.replace('"', '""'))
        try:
            value.encode(self.encoding)
        except UnicodeError as error:
            raise CommandError(
                f"{value} cannot be written in {self.encoding}, the encoding of {self.path}. "
                "Convert the table to UTF-8 first."
            ) from error
        return text[:start] + value + text[old.end() :]


class _Lines:
    """Iterate over the lines of a file, and keep those that were read last."""

    def __init__(self, file):
        self._file, self._read = file, []

    def __iter__(self):
        return self

    def __next__(self):
        line = next(self._file)
        self._read.append(line)
        return line

    def take(self):
        """Return the lines that were read since the last call, joined."""
        text = "".join(self._read)
        self._read.clear()
        return text


def find_encoding(path, encoding):
    """Return the encoding of a text file: as given, by its mark of byte order, or UTF-8."""
    if encoding is not None:
        try:
            return codecs.lookup(encoding).name
        except LookupError as error:
            raise CommandError(
                f"--encoding {encoding} is unknown. Pass for example utf-8, cp1252 or latin-1."
            ) from error
    with open_bytes(path) as file:
        start = file.read(4)
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"


def no_text(path, encoding):
    """Return the error on bytes that are no text of an encoding."""
    return CommandError(
        f"{path} is not text in {encoding.removesuffix('-sig').upper()}. Pass --encoding, for "
        "example cp1252 or utf-16 for a file of Windows, or check that the file is a table."
    )


def _check_delimiter(delimiter):
    delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise CommandError(f"--delimiter must be one character, or tab. Got {delimiter!r}.")
    return delimiter


def _find_delimiter(sample):
    """Return the delimiter that gives most lines as many cells as the header."""
    best, found = (0.0, 1), ","
    for delimiter in _DELIMITERS:
        rows = []
        try:
            for row in filter(None, csv.reader(io.StringIO(sample), delimiter=delimiter)):
                rows.append(len(row))
        except csv.Error:
            continue
        rows = rows[:-1] if len(rows) > 2 else rows  # the sample may end within a line
        if rows and rows[0] > 1:
            quality = (round(float(np.mean([n == rows[0] for n in rows])), 2), rows[0])
            best, found = max((quality, delimiter), (best, found))
    return found
