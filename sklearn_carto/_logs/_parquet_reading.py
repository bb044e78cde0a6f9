"""Read a Parquet log back as training dynamics."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._dynamics._state import MAX_EPOCHS
from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._logs._log_columns import (
    MASKS,
    OPTIONAL,
    RANGES,
    REQUIRED,
    as_column,
    id_column,
)
from sklearn_carto._logs._parquet_files import partition_hint
from sklearn_carto._logs._row_report import (
    RowReport,
    check_labels_agree,
    places_of,
    places_of_values,
)
from sklearn_carto._utils._archive import damage_named
from sklearn_carto._utils._packages import require
from sklearn_carto.exceptions import InvalidProbabilitiesError


def read_parquet_log(files, run, name, *, sample_ids=None, classes=None, n_epochs=None):
    """Read the Parquet files of a log.

    Parameters
    ----------
    files : list of Path
        The files.
    run : Run or None
        What is known of the run.
    name : str
        Name of the log, for the messages.
    sample_ids, classes, n_epochs
        As of :func:`sklearn_carto.logs.read_dynamics`.

    Returns
    -------
    dynamics : TrainingDynamics
        With the history.
    """
    columns = _read_columns(files)
    report = RowReport(name)
    # 1. Find the row of each entry.
    own = {} if run is None else run.arrays
    names = own.get("sample_ids") if sample_ids is None else sample_ids
    if names is not None:
        known = id_column(names, len(names), "read_dynamics", "sample_ids")
    elif run is not None:
        known = np.arange(run.facts["n_samples"])
    else:
        known = names = np.unique(columns["sample_id"])
    places, own_labels = places_of(columns["sample_id"], known), own.get("labels")
    if sample_ids is not None and run is not None:
        # by the ids that the run was given: as a column, some may be text only among others
        of_run = own.get("sample_ids", np.arange(run.facts["n_samples"]))
        place = places_of(columns["sample_id"], as_column(of_run))
        places = np.append(places_of_values(of_run, names), -1)[place]
        own_labels = None if own_labels is None else (own_labels, places_of_values(names, of_run))
    inside = places >= 0
    report.foreign(columns["sample_id"][~inside], inside.any())
    columns, places = {key: values[inside] for key, values in columns.items()}, places[inside]
    # 2. Find the label of each row; that of a row which no epoch holds is known to the run only.
    if classes is None:
        classes = own.get("classes")
    classes = np.unique(columns["label"]) if classes is None else np.asarray(classes)
    y_encoded = places_of(columns["label"], as_column(classes))
    if (y_encoded < 0).any():
        raise ValueError(
            f"The labels of {name} must be among the classes {classes.tolist()[:10]}. Got "
            f"{np.unique(columns['label'][y_encoded < 0])[:5].tolist()}."
        )
    y_encoded = check_labels_agree(places, y_encoded, known, name)
    labels = classes[np.maximum(y_encoded, 0)]
    if isinstance(own_labels, tuple):
        values, place = own_labels
        labels[place >= 0] = values[place[place >= 0]]
    elif own_labels is not None:
        labels = own_labels
    # 3. Record epoch by epoch.
    epochs = np.unique(columns["epoch"])
    n_planned = n_epochs or (len(epochs) if run is None else run.facts["planned_epochs"])
    masks = {f"{mask}_mask": _mask(columns, mask, places, len(known)) for mask in MASKS}
    dynamics = TrainingDynamics(
        labels,
        classes=classes,
        n_epochs=n_planned,
        sample_ids=names,
        record="epoch_end" if run is None else run.facts["record"],
        **(masks if run is None or sample_ids is not None else {m: own.get(m) for m in masks}),
    )
    _add_epochs(dynamics, columns, places, epochs, report, known)
    dynamics.margin_from = None if run is None else run.facts["margin_from"]
    report.missing_epochs(epochs)
    report.missing(len(epochs) - dynamics.n_seen, known, len(epochs))
    report.issue()
    return dynamics


def _add_epochs(dynamics, columns, places, epochs, report, known):
    n_doubled, doubled = 0, []
    # by epoch, then by row
    order = np.lexsort((places, columns["epoch"]))
    borders = np.searchsorted(columns["epoch"][order], epochs)
    for epoch, of_epoch in zip(epochs, np.split(order, borders[1:]), strict=True):
        rows, first = np.unique(places[of_epoch], return_index=True)
        values = [columns[name][of_epoch] for name in Observation._fields]
        if len(rows) < len(of_epoch):
            again = np.setdiff1d(np.arange(len(of_epoch)), first)
            n_doubled += len(again)
            doubled += known[places[of_epoch[again]]].tolist()[:5]
            # engines have no order of rows: the largest value counts, as in data_map_from_logs
            values = [np.maximum.reduceat(one, first) for one in values]
        dynamics._add(int(epoch), Observation(*values), rows, margin_from=None)
    report.doubled(n_doubled, np.array(doubled[:5], dtype=known.dtype), "the largest of each value")


def _mask(columns, name, places, n_samples):
    """Return the mask that a column holds; None if there is none."""
    if name not in columns:
        return None
    mask = np.zeros(n_samples, dtype=bool)
    mask[places[columns[name]]] = True
    return mask


def _read_columns(files):
    """Read the columns of all files, and check them."""
    require("pyarrow", "read_dynamics", "sklearn-carto[logs]")
    from pyarrow import parquet

    parts: dict[str, list] = {}
    n_held = 0  # number of files that hold rows
    for path in files:
        with damage_named(path, "log"):
            table = parquet.ParquetFile(path).read()
        lacking = [name for name in (*REQUIRED, *OPTIONAL) if name not in table.column_names]
        if lacking:
            raise ValueError(
                f"{path} lacks the columns {', '.join(lacking)}, which TrainingDynamics holds."
                + (
                    partition_hint(path, lacking)
                    or f" data_map_from_logs makes a map of {', '.join(REQUIRED)} alone."
                )
            )
        if table.num_rows == 0:
            continue
        n_held += 1
        for name in (*REQUIRED, *OPTIONAL, *MASKS):
            if name in table.column_names:
                parts.setdefault(name, []).append(_values_of(table[name], name, path))
    if n_held == 0:
        raise ValueError(f"{files[0]} holds no row, nor do the other files of the log.")
    for mask in MASKS:
        if 0 < len(parts.get(mask, [])) < n_held:
            raise ValueError(f"The column {mask} is missing in some files of the log.")
    return {name: _joined(arrays, name) for name, arrays in parts.items()}


def _joined(arrays, name):
    kinds = {_kind_of(array) for array in arrays}
    if len(kinds) > 1:
        raise ValueError(
            f"The column {name} holds {' in some files of the log, and '.join(sorted(kinds))} in "
            "others. Write all of them with one type."
        )
    joined = np.concatenate(arrays)
    return as_column(joined) if name in ("sample_id", "label") else joined


def _kind_of(array):
    """Name the kind of an array: those of one kind are joined without loss."""
    if array.dtype == np.uint64:
        return "whole numbers of 64 bits without a sign"
    kinds = {"b": "booleans", "i": "whole numbers", "u": "whole numbers", "f": "numbers"}
    return kinds.get(array.dtype.kind, "text")


def _values_of(column, name, path):
    """Return the values of a column as an array of the type that is recorded."""
    if column.null_count:
        raise ValueError(f"{path} lacks {column.null_count} values in the column {name}.")
    values = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    if name in ("sample_id", "label"):
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"{path} holds NaN or infinite numbers in the column {name}.")
        return values
    wanted = {"epoch": "iu", "correct": "biu", **dict.fromkeys(MASKS, "b")}.get(name, "iuf")
    if values.dtype.kind not in wanted:
        raise ValueError(f"{path} holds values of type {values.dtype} in the column {name}.")
    if name == "epoch":
        if len(values) and not 0 <= values.min() <= values.max() < MAX_EPOCHS:
            raise ValueError(
                f"{path} must hold epochs from 0, below {MAX_EPOCHS:,}. Got {values.min()} to "
                f"{values.max()}."
            )
        return values.astype(np.int64)
    if name in ("correct", *MASKS):
        if values.dtype.kind != "b" and not np.isin(values, (0, 1)).all():
            raise ValueError(f"{path} holds values other than 0 and 1 in the column {name}.")
        return values.astype(bool)
    low, high = RANGES.get(name, (-np.inf, np.inf))
    if not (np.isfinite(values).all() and (values >= low).all() and (values <= high).all()):
        wanted = {"loss": ", of at least 0,", "true_proba": ", in [0, 1],"}.get(name, "")
        wanted = ", in [0, sqrt(2)]," if name == "el2n" else wanted
        raise InvalidProbabilitiesError(
            f"{path} must hold finite numbers{wanted} in the column {name}. Got others."
        )
    return values.astype(np.float32)
