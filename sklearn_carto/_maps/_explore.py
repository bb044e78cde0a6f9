"""Arguments of DataMap.explore, and what they show of each row."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.sparse import issparse

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._dynamics._uncertainty import MAP_STATISTICS
from sklearn_carto._explorer._payload import Shown
from sklearn_carto._inputs._columns import frame_columns
from sklearn_carto._utils._arrays import same_entries
from sklearn_carto._utils._compat import InvalidParameterError, loaded_class
from sklearn_carto._utils._validation import Count, check_params, describe

OWNER = "DataMap.explore"
_ISSUES = "sklearn_carto._selection._label_issues.LabelIssues"
_MAX_COLUMNS = 50
_MAX_FRAMES = 64  # steps of the slider of epochs


def check_path(path):
    """Return the path of the page; None for a widget."""
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise InvalidParameterError(
            f"The 'path' parameter of {OWNER} must be a path that ends in .html, or None for a "
            f"widget. Got {describe(path)} instead."
        )
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise InvalidParameterError(
            f"The 'path' parameter of {OWNER} must end in .html, so that a browser opens the file. "
            f"Got {os.fspath(path)!r} instead."
        )
    return Path(path)


def what_is_shown(
    data_map, *, X, text, images, label_names, issues, dynamics, compare, compare_dynamics, regions,
    title, thumbnail_size, thumbnail_bytes,
):  # fmt: skip
    """Check the arguments of :meth:`DataMap.explore`, and gather what is shown."""
    n_samples = data_map.n_samples
    constraints = {
        "dynamics": [TrainingDynamics, None],
        "compare": [type(data_map), None],
        "compare_dynamics": [TrainingDynamics, None],
        "issues": [loaded_class(_ISSUES), None],
        "title": [str, None],
        "thumbnail_size": [Count(8, 256)],
        "thumbnail_bytes": [Count(1)],
    }
    given = {"dynamics": dynamics, "compare": compare, "issues": issues, "title": title}
    given["compare_dynamics"] = compare_dynamics
    sizes = {"thumbnail_size": thumbnail_size, "thumbnail_bytes": thumbnail_bytes}
    check_params(OWNER, constraints, {**given, **sizes})
    for name in ("dynamics", "compare", "issues"):
        if given[name] is not None:
            _check_same_rows(given[name], name, data_map)
    if compare_dynamics is not None:
        if compare is None:
            raise InvalidParameterError(
                f"The 'compare_dynamics' parameter of {OWNER} needs a second map. Pass it as "
                "'compare', or pass the dynamics of the only map as 'dynamics'."
            )
        _check_same_rows(compare_dynamics, "compare_dynamics", compare)

    notes: list[str] = []
    columns = []
    if X is not None:
        columns, text = _columns_of(X, text, n_samples, notes)
    statistics = {name: getattr(data_map, name) for name in MAP_STATISTICS}
    statistics = {name: values for name, values in statistics.items() if values is not None}
    labels, classes = data_map.labels, data_map.classes
    if issues is not None:
        statistics["label_quality"] = issues.label_quality
        if labels is None:
            labels, classes = issues.given_label, issues.classes
    if label_names is not None:
        label_names = _class_names(label_names, classes)
    frames, second_frames = _histories(dynamics, compare, compare_dynamics, notes)
    return Shown(
        title=f"Data map of {n_samples:,} rows" if title is None else title,
        n_epochs=data_map.n_epochs,
        statistics=statistics,
        regions=data_map.region_labels()
        if regions is None
        else _entries(regions, n_samples, "regions"),
        labels=labels,
        classes=classes,
        class_names=label_names,
        suggested=None if issues is None else issues.suggested_label,
        suspect=None if issues is None else issues.is_label_issue,
        held_out=data_map.held_out_mask,
        excluded=data_map.excluded_mask,
        sample_ids=data_map.sample_ids,
        text=None if text is None else _entries(text, n_samples, "text"),
        columns=columns,
        frames=frames,
        compare=_second_map(compare, second_frames),
        thumbnails=_thumbnails(images, data_map, thumbnail_size, thumbnail_bytes, notes),
        notes=notes,
    )


def _check_same_rows(other, name, data_map):
    """Raise an error if another result is of other rows than the map."""
    subject = f"The {name!r} parameter of {OWNER} must be of the rows of the map"
    if other.n_samples != data_map.n_samples:
        raise InvalidParameterError(
            f"{subject}, {data_map.n_samples} of them. Got {other!r} of {other.n_samples} rows."
        )
    one, two = data_map.sample_ids, other.sample_ids
    if one is not None and two is not None and not same_entries(one, two):
        raise InvalidParameterError(
            f"{subject}, in their order. Got {other!r}, whose sample_ids differ."
        )
    fields = {"issues": "given_label", "dynamics": "labels", "compare_dynamics": "labels"}
    labels = getattr(other, fields.get(name, ""), None)
    if labels is None or data_map.labels is None:
        return
    if [str(label) for label in labels] != [str(label) for label in data_map.labels]:
        raise InvalidParameterError(
            f"{subject}, with their labels. Got {other!r}, whose labels differ."
        )


def _entries(values, n_samples, name):
    """Return one object for each row as an array; text keeps its type, and trailing nulls."""
    array = None
    if isinstance(values, (list, tuple)):
        array = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            array[i] = value
    elif _is_column(values) and len(getattr(values, "shape", (0,))) == 1:
        array = np.asarray(values, dtype=object)
    if array is None or array.shape != (n_samples,):
        got = f"{len(array)} entries" if array is not None else describe(values)
        raise InvalidParameterError(
            f"The {name!r} parameter of {OWNER} must hold one entry for each of the {n_samples} "
            f"rows. Got {got} instead."
        )
    return array


def _is_column(values):
    no_columns = (str, bytes, bytearray, set, frozenset, Mapping)
    return (
        hasattr(values, "__len__")
        and hasattr(values, "__iter__")
        and not isinstance(values, no_columns)
    )


def _columns_of(X, text, n_samples, notes):
    """Return the named columns of X, and the text, which a list of strings is."""
    columns = frame_columns(X)
    if columns is None and isinstance(X, Mapping) and not issparse(X):
        columns = list(X.items())
    shape = getattr(X, "shape", None)
    if columns is None and isinstance(shape, tuple) and len(shape) == 2 and not issparse(X):
        X = np.asarray(X)
        columns = [(f"x{i}", X[:, i]) for i in range(X.shape[1])]
    elif columns is None and not issparse(X) and (shape is None or len(shape) == 1):
        entries = _entries(X, n_samples, "X")
        if not all(isinstance(value, (str, type(None))) for value in entries):
            columns = _rows_of_numbers(entries)
        elif text is None:
            return [], entries
        else:
            columns = [("x", entries)]
    if columns is None:
        raise InvalidParameterError(
            f"The 'X' parameter of {OWNER} must be a data frame, an array of shape (n_samples, "
            f"n_features), a list of texts or a dict of columns. Got {describe(X)} instead. Leave "
            "it out, and pass what shows the rows as text or images."
        )
    if len(columns) > _MAX_COLUMNS:
        notes.append(f"The first {_MAX_COLUMNS} of {len(columns)} columns are shown.")
    return [
        (str(name), _cells(column, n_samples, name)) for name, column in columns[:_MAX_COLUMNS]
    ], text


def _rows_of_numbers(entries):
    """Return the columns of a list of rows; None if these are no rows of one length."""
    try:
        table = np.array([*entries])
    except ValueError:
        return None
    if table.ndim == 1:
        return [("x", entries)]
    return [(f"x{i}", table[:, i]) for i in range(table.shape[1])] if table.ndim == 2 else None


def _cells(column, n_samples, name):
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        cells = np.asarray(column)
        if cells.shape == (n_samples,):
            return cells
    cells = _entries(column, n_samples, f"X[{name!r}]")
    kinds = {type(value) for value in cells}
    numbers = all(issubclass(kind, (int, float, np.integer, np.floating)) for kind in kinds)
    return np.array(cells.tolist()) if numbers and bool not in kinds else cells


def _class_names(names, classes):
    """Return the name of each class, in their order."""
    subject = f"The 'label_names' parameter of {OWNER}"
    if classes is None:
        raise InvalidParameterError(f"{subject} needs labels, which this map does not hold.")
    if isinstance(names, Mapping):
        labels = classes.tolist()
        unknown = [name for name in names if name not in set(labels)]
        if unknown:
            raise InvalidParameterError(
                f"{subject} must name labels of the map. Got {describe(unknown)} in it; the labels "
                f"are {describe(labels)}."
            )
        return [str(names.get(label, classes[i])) for i, label in enumerate(labels)]
    if isinstance(names, (str, bytes, set, frozenset)) or not hasattr(names, "__len__"):
        raise InvalidParameterError(
            f"{subject} must be a mapping of labels to names, or a list of one name for each "
            f"class. Got {describe(names)} instead."
        )
    if len(names) != len(classes):
        raise InvalidParameterError(
            f"{subject} must hold one name for each of the {len(classes)} classes. Got "
            f"{len(names)} instead."
        )
    return [str(name) for name in names]


def _histories(dynamics, compare, compare_dynamics, notes):
    """Return the frames of both maps, None for one without a history, which a note names."""
    lacks = {"first": _lacks_history(dynamics), "second": _lacks_history(compare_dynamics)}
    if lacks["first"] and (compare is None or lacks["second"]):
        notes.append(f"There is no slider of epochs: {lacks['first']}.")
    elif compare is not None:
        notes += [
            f"The slider of epochs leaves the {name} map as it is: {why}."
            for name, why in lacks.items()
            if why
        ]
    return (
        None if lacks["first"] else _frames(dynamics, notes),
        None if lacks["second"] else _frames(compare_dynamics, notes),
    )


def _lacks_history(dynamics):
    """Return why there are no frames of the dynamics; None if there are."""
    if dynamics is None:
        return "the history of its training was not given"
    if not dynamics.keep_history or dynamics.n_epochs == 0:
        return "its dynamics were recorded without a history"
    return None


def _frames(dynamics, notes):
    """Return the recorded probabilities at evenly spaced epochs."""
    n_epochs = dynamics.n_epochs
    chosen = np.unique(np.linspace(0, n_epochs - 1, min(n_epochs, _MAX_FRAMES)).round().astype(int))
    if len(chosen) < n_epochs:
        notes.append(f"The slider shows {len(chosen)} of {n_epochs} epochs, evenly spaced.")
    return _read_frames(dynamics, chosen)


def _read_frames(dynamics, epochs):
    for epoch in epochs:
        rows, seen = dynamics._observation_at(int(epoch))
        proba = np.full(dynamics.n_samples, np.nan, dtype=np.float32)
        correct = np.zeros(dynamics.n_samples, dtype=bool)
        proba[rows], correct[rows] = seen.true_proba, seen.correct
        yield epoch, proba, correct


def _second_map(compare, frames):
    if compare is None:
        return None
    shown = {name: getattr(compare, name) for name in ("variability", "confidence", "correctness")}
    return {"title": "Second map", "regions": compare.region_labels(), "frames": frames, **shown}


def _thumbnails(images, data_map, size, max_bytes, notes):
    if images is None:
        return None
    from sklearn_carto._explorer._thumbnails import encode_thumbnails

    thumbnails = encode_thumbnails(
        images,
        size=size,
        max_bytes=max_bytes,
        order=np.argsort(data_map.confidence, kind="stable"),  # hard rows first, NaN last
        n_samples=data_map.n_samples,
        owner=OWNER,
    )
    if len(thumbnails.rows) < data_map.n_samples:
        n_rows = f"{len(thumbnails.rows):,} of {data_map.n_samples:,}"
        notes.append(f"{n_rows} rows have a thumbnail.")
    return thumbnails
