"""A table that is read whole: its labels, ids and features."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sklearn_carto._cli._features import Features
from sklearn_carto._cli._labels import LabelReader, read_ids
from sklearn_carto._cli._opening import open_table
from sklearn_carto._cli._tables import Source, Table


class Data(NamedTuple):
    """The rows of a table that have a label."""

    source: Source
    table: Table
    rows: np.ndarray  # their positions in the table
    y: np.ndarray
    ids: np.ndarray
    features: Features
    X: Any

    def shown(self):
        """Return what the interactive page shows of each row."""
        return self.features.shown(self.table, self.rows)

    def facts(self):
        """Return the facts of the table for the summary."""
        classes, counts = np.unique(self.y, return_counts=True)
        return {
            "file": str(self.source.path),
            "target": self.features.options.target,
            "n_rows": len(self.y),
            "n_left_out": self.table.n_rows - len(self.rows),
            "classes": {str(name): int(n) for name, n in zip(classes, counts, strict=True)},
            "learned_from": self.features.kind,
        }


def open_source(path, options):
    """Open a table with the options of the command line."""
    return open_table(path, delimiter=options.delimiter, encoding=options.encoding)


def read_data(options, messages):
    """Read a table, its labels, ids and features."""
    source = open_source(options.file, options)
    target = source.find(options.target, "--target")
    id_ = None if options.id is None else source.find(options.id, "--id")
    features = Features(source, options, messages)
    messages.info(f"reading {source.path}")
    table = source.read()
    reader = LabelReader(source, target)
    reader.update(table)
    reader.check(options.drop_missing_target)
    labels = reader.labels(table)
    if labels.n_missing:
        messages.info(f"{labels.n_missing} rows without a label are left out")
    ids = read_ids(table, source, id_)[labels.rows]
    features.fit([table])
    X = features.read(table, labels.rows)
    return Data(source, table, labels.rows, labels.y, ids, features, X)


def describe_data(data):
    """Return the lines of the summary on a table."""
    facts = data.facts()
    return [describe_classes(facts["n_rows"], facts["classes"])]


def describe_classes(n_rows, counts):
    """Return the line on the rows and classes of a table."""
    shown = ", ".join(f"{name} ({n})" for name, n in list(counts.items())[:8])
    more = ", ..." if len(counts) > 8 else ""
    return f"{n_rows} rows of {len(counts)} classes: {shown}{more}"
