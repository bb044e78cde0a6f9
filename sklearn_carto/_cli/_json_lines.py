"""Tables of JSON lines: one object a line, which is written as it was read."""

from __future__ import annotations

import gzip
import io
import json
import re
from itertools import islice

import numpy as np

from sklearn_carto._cli._csv import find_encoding, no_text
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._formats import open_text
from sklearn_carto._cli._tables import Source, Table

_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # escapes of surrogates, which occur in pairs


class JsonLinesTable(Table):
    """Rows of a file of JSON lines."""

    def __init__(self, lines, objects):
        self.lines, self.objects, self.n_rows = lines, objects, len(objects)

    def column(self, name):
        """Return the values of a key; None where it is absent."""
        cells = np.empty(self.n_rows, dtype=object)
        for i, row in enumerate(self.objects):
            cells[i] = row.get(name)
        return cells


class JsonLinesSource(Source):
    """A file of JSON lines, which may be gzipped. Its columns are the keys of all lines."""

    format = "JSON lines"

    def __init__(self, path, encoding=None):
        super().__init__(path)
        self.encoding = find_encoding(path, encoding)
        names: dict[str, None] = {}
        for block in self.blocks(10_000):
            for row in block.objects:
                names.update(dict.fromkeys(row))
        self.names = list(names)

    def blocks(self, n_rows):
        """Yield tables of at most `n_rows` rows."""
        with open_text(self.path, self.encoding) as file:
            lines = self._lines(file)
            while found := list(islice(lines, n_rows)):
                yield JsonLinesTable(*map(list, zip(*found, strict=True)))

    def _lines(self, file):
        number = 0
        while True:
            try:
                line = file.readline()
            except UnicodeError as error:
                raise no_text(self.path, self.encoding) from error
            except (EOFError, gzip.BadGzipFile, OSError) as error:
                raise CommandError(f"{self.path} cannot be read: {error}.") from error
            if not line:
                return
            number += 1
            if line.strip():
                yield line.strip(), self._parsed(line, number)

    def _parsed(self, line, number):
        where = f"line {number} of {self.path}"
        try:
            row = json.loads(line, object_pairs_hook=_without_doubles)
            if _HALF.search(line):
                json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise CommandError(
                f"{where} holds half of a character, {error.object[error.start]!r}, which is no "
                "text. Write the whole character."
            ) from error
        except (ValueError, RecursionError) as error:
            raise CommandError(f"{where} cannot be read as JSON: {error}.") from error
        if not isinstance(row, dict):
            raise CommandError(f'{where} is not a JSON object, such as {{"label": "a"}}.')
        return row

    def write(self, file, table, rows=None, changes=None):
        """Write lines as they were read, but those with a new value."""
        new = {}
        if changes is not None:
            new = changes.new_cells(table.column(changes.column))
        text = io.TextIOWrapper(file, encoding=self.encoding, newline="", write_through=True)
        for i in range(table.n_rows) if rows is None else rows:
            line = table.lines[i]
            if i in new:
                row = table.objects[i] | {changes.column: new[i]}
                line = json.dumps(row, ensure_ascii=not self.encoding.startswith("utf"))
            text.write(f"{line}\n")
        text.flush()
        text.detach()


def _without_doubles(pairs):
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key occurs twice")
    return row
