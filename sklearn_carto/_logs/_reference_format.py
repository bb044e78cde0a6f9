"""Read the files of the reference implementation of dataset cartography.

S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020; https://github.com/allenai/cartography.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib

import numpy as np

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._logs._row_report import RowReport, check_labels_agree, places_of_values
from sklearn_carto._utils._arrays import as_names
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe, is_flag

DYNAMICS_FILE = re.compile(r"dynamics_epoch_(\d+)\.jsonl(\.gz)?")
MAP_FILE = re.compile(r"(td_metrics|.*_data_map_coordinates)\.jsonl(\.gz)?")
_EPOCHS_IN_NAME = re.compile(r"_0_(\d+)_data_map_coordinates\.jsonl")
_LARGEST = 1e38  # so that the difference of two logits fits into single precision


def read_reference_dynamics(files, name, *, sample_ids=None, classes=None, n_epochs=None):
    """Read files ``dynamics_epoch_N.jsonl``, whose names hold the epochs.

    Parameters
    ----------
    files : list of Path
        The files.
    name : str
        Name of the log, for the messages.
    sample_ids, classes, n_epochs
        As of :func:`sklearn_carto.logs.read_dynamics`.

    Returns
    -------
    dynamics : TrainingDynamics
        With the history.
    """
    by_epoch = _by_epoch(files)
    parts = {epoch: _read_epoch(path, epoch) for epoch, path in by_epoch.items()}
    n_columns = {part[1].shape[1]: by_epoch[epoch] for epoch, part in parts.items()}
    if len(n_columns) > 1:
        counts = " and ".join(f"{n} in {path}" for n, path in n_columns.items())
        raise ValueError(f"All files must hold logits of as many classes. Got {counts}.")
    n_classes = next(iter(n_columns))
    # 1. The rows: those of the data set, else those of all files, in order of their appearance.
    guids = np.concatenate([part[0] for part in parts.values()])
    if sample_ids is None:
        sample_ids = _distinct(guids, name)
    known = sample_ids
    places = places_of_values(guids, known)
    report = RowReport(name)
    report.foreign(guids[places < 0], (places >= 0).any())
    # 2. The labels.
    gold = np.concatenate([part[2] for part in parts.values()])
    inside = places >= 0
    y_encoded = check_labels_agree(places[inside], gold[inside], known, name)
    classes = np.arange(n_classes) if classes is None else np.asarray(classes)
    if len(classes) != n_classes:
        raise InvalidParameterError(
            f"The 'classes' parameter of read_dynamics must name the {n_classes} columns of the "
            f"logits. Got {describe(classes.tolist())} instead."
        )
    dynamics = TrainingDynamics(
        classes[np.maximum(y_encoded, 0)],
        classes=classes,
        n_epochs=n_epochs or len(parts),
        sample_ids=sample_ids,
        record="training",
    )
    # 3. Record epoch by epoch; of a row that occurs twice, the first counts.
    borders = np.cumsum([len(part[0]) for part in parts.values()])[:-1]
    n_doubled, doubled = 0, np.empty(0, dtype=known.dtype)
    for (epoch, part), of_epoch in zip(parts.items(), np.split(places, borders), strict=True):
        rows, first = np.unique(of_epoch, return_index=True)
        again = np.setdiff1d(np.flatnonzero(of_epoch >= 0), first)
        n_doubled, doubled = n_doubled + len(again), np.append(doubled, known[of_epoch[again]])
        rows, first = rows[rows >= 0], first[rows >= 0]
        if len(rows):
            dynamics.update(epoch, part[1][first], rows, from_logits=True)
    report.doubled(n_doubled, doubled, "the first of them")
    epochs = np.array([*parts])
    report.missing_epochs(epochs)
    report.missing(len(epochs) - dynamics.n_seen, known, len(epochs))
    report.issue()
    return dynamics


def _distinct(guids, name):
    """Return the distinct guids, in the order in which they first appear."""
    distinct = [*dict.fromkeys(guids.tolist())]
    return as_names(distinct, len(distinct), "guid", name)


def _by_epoch(files):
    found: dict = {}
    for path in files:
        epoch = int(DYNAMICS_FILE.sub(r"\1", path.name))
        if epoch in found:
            raise ValueError(f"{path} and {found[epoch]} are of the same epoch.")
        found[epoch] = path
    return dict(sorted(found.items()))


def _read_epoch(path, epoch):
    """Return the guids, the logits and the labels of one file."""
    guids, gold, key = [], [], f"logits_epoch_{epoch}"
    logits: list[list[float]] = []
    for place, record in _records(path):
        guids.append(_guid_of(record, place))
        values = record.get(key)
        if values is None:
            others = [name for name in record if str(name).startswith("logits")]
            raise ValueError(f"{place}: {key} is missing; got {others or [*record][:5]}.")
        width = len(logits[0]) if logits else None
        numbers = isinstance(values, list) and all(map(_is_finite, values))
        if not numbers or len(values) < 2 or (width and len(values) != width):
            wanted = f"{width or 'at least 2'} finite numbers"
            raise ValueError(f"{place}: {key} must hold {wanted}; got {describe(values)}.")
        label = record.get("gold")
        if not isinstance(label, int) or is_flag(label) or not 0 <= label < len(values):
            raise ValueError(
                f"{place}: gold must be the number of a class, 0 to {len(values) - 1}; got "
                f"{label!r}."
            )
        logits.append(values)
        gold.append(label)
    if not guids:
        raise ValueError(f"{path} holds no row.")
    column = np.empty(len(guids), dtype=object)
    column[:] = guids
    return column, np.array(logits, dtype=np.float64), np.array(gold)


def read_reference_map(path, name, *, sample_ids=None, n_epochs=None):
    """Read ``td_metrics.jsonl``, or a published file of data map coordinates.

    Returns the fields of a DataMap.
    """
    if n_epochs is None:
        match = _EPOCHS_IN_NAME.search(path.name)
        if match is None:
            raise InvalidParameterError(
                "The 'n_epochs' parameter of read_dynamics (--epochs on the command line) must be "
                f"given for {path}, whose correctness is a number of epochs, of how many it does "
                "not hold."
            )
        n_epochs = int(match[1])
    guids, has_forgetting = [], False
    values: list[list[float]] = []
    for place, record in _records(path):
        guids.append(_guid_of(record, place))
        row = [record.get(key) for key in ("confidence", "variability", "correctness")]
        if not all(map(_is_finite, row)):
            raise ValueError(
                f"{place}: confidence, variability and correctness must be numbers; got "
                f"{describe(record)}."
            )
        if not 0 <= row[2] <= n_epochs or row[2] != int(row[2]):
            raise ValueError(
                f"{place}: correctness must be a number of the {n_epochs} epochs; got {row[2]!r}. "
                "Check n_epochs."
            )
        has_forgetting = "forgetfulness" in record if not values else has_forgetting
        values.append([*row, _forgetting_of(record, row[2], place, has_forgetting)])
    if not guids:
        raise ValueError(f"{path} holds no row.")
    column, numbers = np.empty(len(guids), dtype=object), np.array(values, dtype=np.float64)
    column[:] = guids
    known = _distinct(column, name) if sample_ids is None else sample_ids
    places = places_of_values(column, known)
    rows, first = np.unique(places, return_index=True)
    rows, first = rows[rows >= 0], first[rows >= 0]
    report = RowReport(name)
    again = np.setdiff1d(np.flatnonzero(places >= 0), first)
    report.doubled(len(again), column[again], "the first of them", where="")
    report.foreign(column[places < 0], len(rows) > 0)
    table = np.full((len(known), 4), np.nan)
    table[rows] = numbers[first]
    report.absent(np.asarray(known)[np.isnan(table[:, 0])], len(known))
    report.issue()
    confidence, variability, n_correct, forgetting = table.T
    fields = {
        "confidence": confidence,
        "variability": variability,
        "correctness": n_correct / n_epochs,
        "n_epochs": n_epochs,
        "sample_ids": known,
        "record": "training",
    }
    return fields | ({"forgetting": forgetting} if has_forgetting else {})


def _forgetting_of(record, n_correct, place, is_held):
    """Return the number of forgetting events of a line; infinite if the row was never learned."""
    count = record.get("forgetfulness")
    if not is_held:
        if "forgetfulness" in record:
            raise ValueError(f"{place}: forgetfulness is missing in the lines before this one.")
        return np.nan
    if not _is_finite(count):
        raise ValueError(f"{place}: forgetfulness must be a number; got {count!r}.")
    if n_correct == 0:  # the reference then writes 1000, and others 0
        return np.inf
    if count != int(count) or not 0 <= count <= n_correct:
        raise ValueError(
            f"{place}: forgetfulness must be a number of times, at most the correctness of "
            f"{n_correct:g}; got {count!r}."
        )
    return count


def _guid_of(record, place):
    guid = record.get("guid")
    if is_flag(guid) or not isinstance(guid, (int, str)):
        raise ValueError(f"{place}: guid must be a whole number or text; got {guid!r}.")
    return guid


def _is_finite(value):
    if not isinstance(value, (int, float)) or is_flag(value):
        return False
    return bool(abs(value) <= _LARGEST)  # NaN compares false


def _records(path):
    """Yield where a line is, for errors, and the object in it."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        number = 0
        while True:
            number += 1
            try:
                line = file.readline()
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise ValueError(f"{path}, line {number} cannot be read: {error}.") from error
            if not line:
                return
            if not line.strip():
                continue
            place = f"{path}, line {number}"
            try:
                record = json.loads(line)
            except ValueError as error:  # also of bytes that are no UTF-8
                torn = "" if line.endswith(b"\n") else "; the file was not written to its end"
                raise ValueError(f"{place} is no JSON ({error}){torn}.") from error
            if not isinstance(record, dict):
                raise ValueError(f"{place} must hold an object; got {describe(record)}.")
            yield place, record
