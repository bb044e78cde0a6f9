"""What an engine has collected, as fields of a data map and as ids of the user."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._logs._log_columns import as_column
from sklearn_carto._logs._row_report import places_of
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._files import new_file


def map_fields(log, columns):
    """Return the fields of the DataMap of a LogFrame and the columns that were collected."""
    fields = {name: columns[name].astype(float) for name in STATISTICS if name in columns}
    fields["sample_ids"] = columns["sample_id"]
    if "label" in columns:
        fields["labels"] = log.original_type("label", columns["label"])
    for mask in ("held_out", "excluded"):
        if mask in columns:
            fields[f"{mask}_mask"] = columns[mask].astype(bool)
    fields["n_epochs"] = log.n_epochs
    return fields if log.run is None else _in_order_of_run(fields, log.run)


def _in_order_of_run(fields, run):
    """Put the rows in the order of the training; those that no epoch holds are NaN."""
    arrays, facts = run
    n_samples, names = facts["n_samples"], arrays.get("sample_ids")
    places = places_of(fields["sample_ids"], id_column_of(run))
    if (places < 0).any():
        raise ValueError(f"The log holds {(places < 0).sum()} rows that its run does not have.")
    whole = {"n_epochs": fields["n_epochs"], "sample_ids": names}
    for name in STATISTICS:
        if name in fields:
            whole[name] = np.full(n_samples, np.nan)
            whole[name][places] = fields[name]
    labels = arrays.get("labels")
    if labels is None and "labels" in fields:
        # of a row that no epoch holds the label is unknown: the first class
        y_encoded = np.zeros(n_samples, dtype=np.int64)
        y_encoded[places] = places_of(as_column(fields["labels"]), as_column(arrays["classes"]))
        labels = arrays["classes"][y_encoded]
    return whole | {
        "labels": labels,
        "classes": arrays["classes"],
        "held_out_mask": arrays.get("held_out_mask"),
        "excluded_mask": arrays.get("excluded_mask"),
        "margin_from": facts["margin_from"],
        "record": facts["record"],
    }


def id_column_of(run):
    """Return the ids of all rows of a run as a column of its log."""
    names = run.arrays.get("sample_ids")
    return np.arange(run.facts["n_samples"]) if names is None else as_column(names)


def original_ids(column, run):
    """Return ids as the run was given them; without a run, as they are."""
    if run is None or run.arrays.get("sample_ids") is None:
        return column
    return run.arrays["sample_ids"][places_of(column, id_column_of(run))]


def check_output(path, log):
    """Return the path of the file that ids are written to, ahead of the work.

    Parameters
    ----------
    path : str or path-like
        The path that the user gave.
    log : LogFrame
        The log that the ids are selected from.

    Returns
    -------
    path : Path
        The absolute path.

    Raises
    ------
    InvalidParameterError
        If it is that of a folder, of a file of the log, or of one in its folder.
    OSError
        If the folder does not exist or cannot be written to.
    """
    subject = "The 'path' parameter of select_from_logs must be that of a file"
    name = os.fsdecode(path)
    if "\0" in name:
        raise InvalidParameterError(f"{subject}. Got {name!r}.")
    path = Path(name).expanduser().absolute()
    if path.is_dir():
        raise InvalidParameterError(f"{subject}. Got {str(path)!r}, which is a folder.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written; its folder does not exist.")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path} cannot be written; its folder is read-only.")
    real = path.resolve()
    if real in log.files:
        raise InvalidParameterError(f"{subject} of its own. Got {str(path)!r}, a file of the log.")
    if real.parent in log.folders and real.suffix == ".parquet":
        raise InvalidParameterError(
            f"{subject} outside the folder of the log, whose files are read as one. Got "
            f"{str(path)!r}."
        )
    return path


def write_ids(column, path):
    """Write ids to a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"sample_id": pa.array(column)})
    with new_file(path) as file:
        parquet.write_table(table, file)
