"""What the cells of a grid of samples show: images or texts, and their labels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sklearn_carto._plot._fitted_text import plain_text
from sklearn_carto._utils._compat import InvalidParameterError, loaded_class
from sklearn_carto._utils._images import ImageRows
from sklearn_carto._utils._validation import describe

_ISSUES = "sklearn_carto._selection._label_issues.LabelIssues"
_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
_MAX_SIDE = 400  # pixels of an image


def samples_of(X, rows, n_samples, kind, owner):
    """Return what is shown of some rows: arrays of images, texts, or None where it is missing."""
    texts = _texts_of(X, rows, n_samples, kind, owner)
    if texts is not None:
        return texts
    images = ImageRows(X, owner, n_samples, name="X")
    opened = [images.open(row, _MAX_SIDE) for row in rows.tolist()]
    return [None if image is None else np.asarray(image) for image in opened]


def _texts_of(X, rows, n_samples, kind, owner):
    """Return the texts of some rows; None if these are images."""
    shape = getattr(X, "shape", None)
    if kind == "image" or (kind == "auto" and shape is not None and len(shape) > 1):
        return None
    if hasattr(X, "columns"):
        raise InvalidParameterError(
            f"The 'X' parameter of {owner} must be one column of texts or images, such as "
            f"X['text']. Got {describe(X)} instead."
        )
    is_text = isinstance(X, (str, bytes, os.PathLike, Mapping, set, frozenset))
    if is_text or not hasattr(X, "__len__") or shape == () or not hasattr(X, "__getitem__"):
        raise InvalidParameterError(
            f"The 'X' parameter of {owner} must hold one text or image for each row, in an array, "
            f"list or column. Got {describe(X)} instead."
        )
    if len(X) != n_samples:
        raise InvalidParameterError(
            f"The 'X' parameter of {owner} must hold one text or image for each of the "
            f"{n_samples} rows. Got {len(X)} instead."
        )
    at = X.iloc if hasattr(X, "iloc") else X
    entries = [at[int(row)] for row in rows]
    held = [entry for entry in entries if not _is_missing(entry)]
    if kind == "auto":
        texts = [entry for entry in held if isinstance(entry, str)]
        paths = [text for text in texts if Path(text[-300:]).suffix.lower() in _SUFFIXES]
        if len(texts) < len(held) or (texts and len(paths) == len(texts)):
            return None
    return [None if _is_missing(entry) else str(entry) for entry in entries]


def titles_of(data_map, rows, issues, label_names, owner):
    """Return the label of each row, and the suggested one where that is more probable."""
    names = _label_names(label_names, data_map.classes, owner)
    labels = data_map.labels
    if issues is not None:
        _check_issues(issues, data_map, owner)
        labels = issues.given_label if labels is None else labels
    if labels is None:
        return [("",)] * len(rows)
    titles = []
    for row in rows:
        title: tuple[str, ...] = (names(labels[row]),)
        if issues is not None and issues.predicted_label[row] != issues.given_label[row]:
            title += (names(issues.suggested_label[row]),)
        titles.append(title)
    return titles


def captions_of(data_map, rows):
    """Return the name of each row and its confidence, from long to short."""
    ids = data_map.sample_ids
    captions = []
    for row in rows.tolist():
        name = plain_text(str(row if ids is None else ids[row]), one_line=True)
        value = f"{data_map.confidence[row]:.2f}"
        long = f"row {name}, confidence {value}"
        captions.append((long, f"row {name}, {value}", f"{name}, {value}", value))
    return captions


def _label_names(label_names, classes, owner):
    """Return a function that names a label."""
    subject = f"The 'label_names' parameter of {owner}"
    if label_names is None:
        return lambda label: plain_text(str(label), one_line=True)
    if classes is None:
        raise InvalidParameterError(f"{subject} needs labels, which this map does not hold.")
    if not isinstance(label_names, Mapping):
        is_list = hasattr(label_names, "__len__") and hasattr(label_names, "__getitem__")
        if isinstance(label_names, (str, bytes)) or not is_list:
            raise InvalidParameterError(
                f"{subject} must be a mapping of labels to names, or a list of one name for each "
                f"class. Got {describe(label_names)} instead."
            )
        if len(label_names) != len(classes):
            raise InvalidParameterError(
                f"{subject} must hold one name for each of the {len(classes)} classes. Got "
                f"{len(label_names)} instead."
            )
        label_names = dict(zip(classes.tolist(), label_names, strict=True))
    known = {str(label) for label in classes}
    unknown = [label for label in label_names if str(label) not in known]
    if unknown:
        raise InvalidParameterError(
            f"{subject} must name labels of the map. Got {describe(unknown[0])} in it."
        )
    named = {str(label): str(name) for label, name in label_names.items()}
    return lambda label: plain_text(named.get(str(label), str(label)), one_line=True)


def _check_issues(issues, data_map, owner):
    subject = f"The 'issues' parameter of {owner} must be the LabelIssues of the rows of the map"
    if not isinstance(issues, loaded_class(_ISSUES)):
        raise InvalidParameterError(f"{subject}. Got {describe(issues)} instead.")
    same = len(issues) == data_map.n_samples
    if same and data_map.labels is not None:
        same = list(map(str, issues.given_label)) == list(map(str, data_map.labels))
    if not same:
        raise InvalidParameterError(f"{subject}, with their labels. Got {issues!r} instead.")


def _is_missing(entry):
    if entry is None or type(entry).__name__ == "NAType":
        return True
    return isinstance(entry, (float, np.floating)) and entry != entry
