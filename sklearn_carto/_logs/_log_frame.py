"""The frame of a log on an engine: checks, and the aggregation to a map."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._running import dual_window
from sklearn_carto._dynamics._state import MAX_EPOCHS
from sklearn_carto._logs._aggregation import (
    KNOWN,
    Plan,
    aggregate,
    count_invalid,
    count_valid_in_columns,
)
from sklearn_carto._logs._engines import collect, plain_objects, scan, wrap
from sklearn_carto._logs._log_columns import MASKS, REQUIRED
from sklearn_carto._logs._log_files import as_paths, find_log, name_of_log
from sklearn_carto._logs._map_columns import id_column_of
from sklearn_carto._logs._parquet_files import check_content, damage_found
from sklearn_carto._logs._row_report import RowReport, places_of, some
from sklearn_carto._utils._packages import require
from sklearn_carto.exceptions import InvalidProbabilitiesError, SampleAlignmentError


class LogFrame:
    """A log on an engine.

    Parameters
    ----------
    log : str, path-like, list of these, or frame
        The log.
    engine : str or None
        Name of the engine. None: that of the frame; of files, Polars.
    owner : str
        Name of the function that has these parameters, for the errors.
    n_epochs : int, default=None
        Number of planned epochs. None: that of the run, or of the distinct epochs.

    Attributes
    ----------
    name : str
        Name of the log, for messages.
    run : Run or None
        What is known of the run.
    n_rows : int or None
        Number of rows of files, as their footers state it.
    files, folders : set of Path
        The files of the log, and the folders of those that were not named one by one.
    epochs : tuple of int
        The distinct epochs, ascending.
    """

    def __init__(self, log, engine, owner, n_epochs=None):
        is_path = isinstance(log, (str, list, tuple)) or hasattr(log, "__fspath__")
        self.run, self.n_rows, self.files, self.folders = None, None, set(), set()
        if is_path:
            require("narwhals", owner, "sklearn-carto[logs]")
            files, self.run = find_log(log, owner)
            self.files = {file.resolve() for file in files}
            given = {path.resolve() for path in as_paths(log, owner)}
            self.folders = {file.parent for file in self.files - given}
            log, self.n_rows = scan(files, engine or "polars", owner)
            self.name = name_of_log(files)
        else:
            self.name = f"The log, a {type(log).__name__},"
        self.frame, self.engine = wrap(log, engine if not is_path else None, owner)
        self._check_columns()
        self._read_epochs()
        planned = self.run.facts["planned_epochs"] if self.run else None
        self.window = dual_window(n_epochs or planned or len(self.epochs))
        if self.engine == "pandas":  # which cannot compare text with None as it aggregates
            self._check_all_values()

    def _check_columns(self):
        import narwhals as nw

        schema = dict(self.frame.collect_schema())
        lacking = [name for name in REQUIRED if name not in schema]
        if lacking:
            raise ValueError(
                f"{self.name} must hold the columns {', '.join(REQUIRED)}. It lacks "
                f"{', '.join(lacking)}."
            )
        self.columns = tuple(name for name in KNOWN if name in schema)
        for name in sorted({"true_proba", "margin", "loss", "el2n"} & set(schema)):
            if not schema[name].is_numeric():
                raise self._wrong_type(name, "numbers", schema)
        if not schema["epoch"].is_integer():
            raise self._wrong_type("epoch", "whole numbers", schema)
        for name in ("correct", *MASKS):
            if name in schema and not (schema[name].is_integer() or schema[name] == nw.Boolean):
                raise self._wrong_type(name, "booleans, or 0 and 1 as whole numbers,", schema)
        names = ("sample_id", "label") if "label" in schema else ("sample_id",)
        for name in names:
            if schema[name] in (nw.Binary, nw.List, nw.Array, nw.Struct):
                raise self._wrong_type(name, "text, numbers, booleans or dates", schema)
        if self.engine == "pandas":
            self.frame = plain_objects(self.frame, [n for n in names if schema[n] == nw.Object])
            schema = dict(self.frame.collect_schema())
        self.floats = tuple(name for name in names if schema[name].is_float())
        plain = {nw.Boolean} if self.engine == "pyarrow" else {nw.String, nw.Boolean}
        wide = (nw.Decimal, nw.Int128, nw.UInt128)
        numbers = {n for n in names if schema[n].is_numeric() and schema[n] not in wide}
        self.text = tuple(n for n in names if n not in numbers and schema[n] not in plain)
        self.flags = tuple(name for name in names if schema[name] == nw.Boolean)

    def _wrong_type(self, name, wanted, schema):
        return ValueError(
            f"{self.name} must hold {wanted} in the column {name}. Got the type {schema[name]}: "
            "cast the column."
        )

    def _read_epochs(self):
        """Find the epochs, and their numbers of rows."""
        import narwhals as nw

        epoch = nw.col("epoch").cast(nw.Int64)
        frame = self.frame.select(epoch, (epoch * 0 + 1).alias("n"))
        counts = frame.group_by("epoch").agg(nw.col("n").sum())
        found = self.collect(counts.with_columns(nw.col("n").cast(nw.Int64)))
        if len(found["epoch"]) == 0:
            raise ValueError(f"{self.name} holds no row.")
        epochs = found["epoch"].astype(np.float64)  # null is NaN
        valid = (epochs >= 0) & (epochs < MAX_EPOCHS)
        if not valid.all():
            wrong = [None if np.isnan(e) else int(e) for e in np.sort(epochs[~valid])]
            raise ValueError(
                f"{self.name} must hold an epoch in each row, from 0 and below {MAX_EPOCHS:,}. Got "
                f"{some(np.array(wrong, dtype=object))}."
            )
        order = np.argsort(epochs)
        self.epochs = tuple(epochs[order].astype(int).tolist())
        self.counts = found["n"][order].astype(np.int64)
        self.check_n_rows(self.counts.sum())

    def check_n_rows(self, n_rows):
        """Raise an error if an engine has read fewer rows than the files hold.

        Polars 1.25 leaves out a damaged part of a file without a word.
        """
        if self.n_rows is not None and n_rows != self.n_rows:
            check_content(self.files)
            raise ValueError(
                f"{self.name} holds {self.n_rows} rows, of which {self.engine} has read {n_rows}."
            )

    def collect(self, frame):
        """Return the columns of a frame that is made of the log."""
        with damage_found(self.files):
            return collect(frame, self.engine)

    def _check_all_values(self):
        self.check_values(self.collect(count_invalid(self.frame, self.plan()))["n_wrong"].sum())

    def check_values(self, n_wrong):
        """Raise an error if rows hold values that are none, of which there are `n_wrong`."""
        if not n_wrong:
            return
        counts = self.collect(count_valid_in_columns(self.frame, self.plan()))
        n_rows = int(counts.pop("n_rows")[0])
        n_wrong = {name: n_rows - int(np.nan_to_num(n[0])) for name, n in counts.items()}
        found = ", ".join(f"{name} ({n} rows)" for name, n in n_wrong.items() if n)
        raise InvalidProbabilitiesError(
            f"{self.name} must hold valid values in each row. Others are in {found}. Valid are: a "
            "true_proba in [0, 1], flags of 0 or 1, a loss of at least 0, an el2n in [0, sqrt(2)], "
            "and elsewhere what is neither null nor NaN nor infinite."
        )

    @property
    def first_epoch(self):
        """First epoch: 0 in files; a frame may begin later, after a burn-in."""
        return 0 if self.files else self.epochs[0]

    @property
    def n_epochs(self):
        """Number of epochs from the first one up to the last one."""
        return self.epochs[-1] + 1 - self.first_epoch

    def plan(self, *, doubled=True, missing=True):
        """Return the plan of an aggregation."""
        facts = self.engine, self.columns, self.epochs, self.window
        return Plan(*facts, doubled, missing, self.text, self.floats)

    def lazy_map(self):
        """Return the frame of the map, for rows that may be doubled and missing."""
        self._check_all_values()
        frame = aggregate(self.frame, self.plan())
        return frame.select(*(n for n in frame.collect_schema().names() if n != "n_wrong"))

    def collect_map(self):
        """Return the columns of the map, in the order of ids, and report rows.

        Epochs of equal size are first taken for complete ones, of rows that occur once: that is
        cheaper, and the counts tell whether it was true.
        """
        even = bool((self.counts == self.counts[0]).all())
        columns = self._collect(doubled=False, missing=not even)
        n_seen, n_rows = columns["n_seen"], columns["n_rows"]
        complete = bool((n_seen == len(self.epochs)).all())
        if (n_rows > n_seen).any() or (even and not complete):
            columns = self._collect(doubled=True, missing=True)
        self._report(columns)
        return columns

    def _collect(self, *, doubled, missing):
        frame = aggregate(self.frame, self.plan(doubled=doubled, missing=missing))
        columns = self.collect(frame)
        self.check_values(columns.pop("n_wrong").sum())
        self.check_n_rows(columns["n_rows"].sum())
        columns["sample_id"] = self.original_type("sample_id", columns["sample_id"])
        order = np.argsort(columns["sample_id"], kind="stable")
        return {name: values[order] for name, values in columns.items()}

    def original_type(self, name, column):
        """Return booleans, which engines aggregate as numbers."""
        return column.astype(bool) if name in self.flags else column

    def _report(self, columns):
        report, ids = RowReport(self.name), columns["sample_id"]
        if "label" in columns:
            other = np.flatnonzero(columns["label"] != columns["label_max"])
            if len(other):
                raise SampleAlignmentError(
                    f"{self.name} holds {len(other)} ids with several labels, among them "
                    f"{some(ids[other])}: one id names different rows, or the log is one of "
                    "several runs. Give each row an id of its own."
                )
        again = columns["n_rows"] - columns["n_seen"]
        report.doubled(int(again.sum()), ids[again > 0], "the largest of each value")
        report.missing_epochs(np.array(self.epochs), self.first_epoch)
        report.missing(len(self.epochs) - columns["n_seen"], ids, len(self.epochs))
        if self.run is not None and len(ids) < self.run.facts["n_samples"]:
            known = id_column_of(self.run)
            report.absent(known[places_of(known, ids) < 0], len(known))
        report.issue()
