"""Files that a command writes: each whole or not at all, and none replaced unasked."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sklearn_carto._cli._cells import as_number
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._formats import promised_format
from sklearn_carto._explorer._guarded_cells import guard_cell
from sklearn_carto._utils._files import new_file
from sklearn_carto._utils._packages import require


class OutputFolder:
    """The folder that --out names; it is checked ahead of the training.

    Parameters
    ----------
    options : argparse.Namespace
        `out` and `overwrite` are read.
    messages : Messages
        Keeps the names of the files that are finished.
    names : list of str
        Files that will be written.
    """

    def __init__(self, options, messages, names):
        self.path, self.messages = _path_of(options.out), messages
        if self.path.exists() and not self.path.is_dir():
            raise CommandError(f"--out {self.path} is a file. Pass a folder, which may be new.")
        old = [name for name in names if (self.path / name).exists()]
        if old and not options.overwrite:
            raise CommandError(
                f"{self.path} holds {', '.join(old)} already. Pass --overwrite to replace them, or "
                "another --out."
            )
        _make_writable(self.path)

    @contextmanager
    def file(self, name):
        """Open a new binary file, which replaces an old one once it is whole."""
        with new_file(self.path / name) as file:
            yield file
        self.note(name)

    def note(self, name):
        """Note that a file is finished."""
        self.messages.written.append(str(self.path / name))

    def write_summary(self, summary):
        """Write the summary as JSON."""
        with self.file("summary.json") as file:
            # the seconds would differ from run to run
            left_out = ("lines", "next", "seconds")
            held = {name: value for name, value in summary.items() if name not in left_out}
            file.write((json.dumps(held, ensure_ascii=False, indent=2) + "\n").encode())

    def write_columns(self, stem, columns, *, parquet):
        """Write columns as Parquet, or CSV; None are left out."""
        columns = {name: values for name, values in columns.items() if values is not None}
        name = f"{stem}.parquet" if parquet else f"{stem}.csv"
        with self.file(name) as file:
            (_write_parquet if parquet else write_csv)(file, columns)

    def write_figure(self, name, figure):
        """Write a figure of matplotlib as PNG, and close it."""
        import matplotlib.pyplot as plt

        with self.file(name) as file:
            figure.savefig(file, format="png", dpi=150, bbox_inches="tight")
        plt.close(figure)


class OutputFile:
    """The file that --out names; it is checked ahead of the training."""

    def __init__(self, options, messages, *, format_=None, suffix=None):
        self.path, self.messages = _path_of(options.out), messages
        if self.path.is_dir():
            raise CommandError(f"--out {self.path} is a folder. Pass the name of a file.")
        if self.path.exists() and not options.overwrite:
            raise CommandError(f"{self.path} exists already. Pass --overwrite to replace it.")
        if suffix is not None and self.path.suffix.lower() != suffix:
            raise CommandError(f"--out {self.path} must end in {suffix}.")
        if format_ is not None and promised_format(self.path) != format_:
            raise CommandError(
                f"--out {self.path} must name a file of {format_}, the format of the input."
            )
        _make_writable(self.path.parent)

    def write_table(self, source, table, rows=None, changes=None):
        """Write rows of a table in the format of its source; gzipped if the name ends in .gz."""
        with new_file(self.path) as file:
            if self.path.suffix.lower() == ".gz":
                with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as inner:
                    source.write(inner, table, rows, changes)
            else:
                source.write(file, table, rows, changes)
        self.messages.written.append(str(self.path))


def _path_of(out):
    """Return the path that --out names; an empty one would be the folder of the shell."""
    if not out.strip():
        raise CommandError("--out is empty. Pass a name.")
    if "\0" in out:
        raise CommandError("--out holds the character NUL, which no name can hold.")
    return Path(out)


def _make_writable(folder):
    """Make a folder unless there is one, and raise an error if no file can be written into it."""
    probe = folder / ".sklearn-carto-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with new_file(probe):
            pass
        probe.unlink()
    except OSError as error:
        raise CommandError(
            f"no file can be written into {folder}: {error.strerror}. Pass another --out."
        ) from error


def write_csv(file, columns):
    """Write columns to a binary file as CSV in UTF-8, without formulas of spreadsheets."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(guard_cell, columns))
    cells = (np.asarray(values).tolist() for values in columns.values())
    for row in zip(*cells, strict=True):
        writer.writerow(map(_as_cell, row))
    text.flush()
    text.detach()


def _as_cell(value):
    if isinstance(value, str):  # numbers, as -1, are kept
        return value if as_number(value) is not None else guard_cell(value)
    return "" if value is None or value != value else value


def _write_parquet(file, columns):
    pyarrow = require("pyarrow", "Writing Parquet", "sklearn-carto[logs]")
    parquet = require("pyarrow.parquet", "Writing Parquet", "sklearn-carto[logs]")
    arrays = {name: pyarrow.array(np.asarray(values).tolist()) for name, values in columns.items()}
    parquet.write_table(pyarrow.table(arrays), file)


def as_json(value):
    """Return a number that JSON can hold: NaN and infinity as None, numpy's as Python's."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
