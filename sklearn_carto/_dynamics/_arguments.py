"""Arguments of TrainingDynamics: rows, scores and epochs, and parts to join."""

from __future__ import annotations

from collections.abc import Iterable, Set
from numbers import Integral

import numpy as np

from sklearn_carto._dynamics._scores import two_columns
from sklearn_carto._utils._arrays import array_of, as_rows, same_entries
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe, is_flag


def check_rows(rows, n_samples):
    """Return rows as a slice, or as positions that are each named once."""
    if not isinstance(rows, slice):
        return as_rows(rows, n_samples, "rows", "TrainingDynamics.update")
    if not _is_slice_of_ints(rows):
        raise InvalidParameterError(
            "The 'rows' parameter of TrainingDynamics.update must be a slice of whole numbers. "
            f"Got {rows} instead."
        )
    return rows


def check_shape(scores, n_rows, n_classes, from_logits):
    """Return scores as an array of floating point with one column for each class."""
    given, scores = scores, array_of(scores)
    if scores is None or scores.dtype.kind not in "iuf":
        raise InvalidParameterError(
            "The 'scores' parameter of TrainingDynamics.update must be an array of numbers. "
            f"Got {describe(given)} instead."
        )
    width = 2 if scores.ndim == 1 else scores.shape[-1] if scores.ndim == 2 else None
    if width != n_classes or len(scores) != n_rows:
        raise InvalidParameterError(
            f"scores of shape {scores.shape} do not fit {n_rows} rows of {n_classes} classes: "
            f"shape ({n_rows}, {n_classes}) is required."
        )
    if scores.ndim == 1 and not from_logits:
        raise InvalidParameterError(
            "scores of one dimension are the logits of the second of two classes: pass "
            "from_logits=True, or probabilities with one column for each class."
        )
    if scores.dtype.kind != "f":
        scores = scores.astype(np.float64)
    return two_columns(scores, from_logits) if scores.ndim == 1 else scores


def check_epochs(epochs, n_epochs):
    """Return the selected epochs, ascending."""
    index = epochs if isinstance(epochs, slice) else _index_of(epochs)
    if isinstance(index, slice):
        valid = _is_slice_of_ints(index)
    elif index.dtype.kind == "b":
        valid = index.shape == (n_epochs,)
    else:
        valid = index.ndim == 1 and index.dtype.kind in "iu"
        valid = valid and bool(((index >= -n_epochs) & (index < n_epochs)).all())
    if not valid:
        raise InvalidParameterError(
            f"The 'epochs' parameter must be a slice, whole numbers from {-n_epochs} to "
            f"{n_epochs - 1}, or one boolean for each of the {n_epochs} epochs. Got "
            f"{describe(epochs)} instead."
        )
    selected = np.unique(np.arange(n_epochs)[index])
    if len(selected) == 0:
        raise InvalidParameterError(
            f"epochs={describe(epochs)} selects none of the {n_epochs} epochs."
        )
    return selected


def _index_of(epochs):
    """Return epochs as an array, which indexes nothing if they are no array-like."""
    array = array_of(epochs)
    array = np.empty(1, dtype=object) if array is None else np.atleast_1d(array)
    return array if array.size else array.astype(np.int64)


def _is_slice_of_ints(value):
    bounds = (value.start, value.stop, value.step)
    return value.step != 0 and all(
        bound is None or (isinstance(bound, Integral) and not is_flag(bound)) for bound in bounds
    )


def check_parts(parts, kind):
    """Return parts of one run as a list; raise an error unless they can be joined."""
    unordered = not isinstance(parts, Iterable) or isinstance(parts, (str, Set))
    listed = [] if unordered else list(parts)
    if not listed or not all(isinstance(part, kind) for part in listed):
        raise InvalidParameterError(
            "The 'parts' parameter of TrainingDynamics.concatenate must be a list of at least one "
            f"TrainingDynamics, and nothing else. Got {describe(parts)} instead."
        )
    first = listed[0]
    for i, part in enumerate(listed):
        differing = [
            name
            for name in ("labels", "classes", "sample_ids", "held_out_mask", "excluded_mask")
            if not same_entries(getattr(first, name), getattr(part, name))
        ]
        differing += ["record"] if first.record != part.record else []
        if differing:
            raise ValueError(
                "TrainingDynamics.concatenate needs parts of one run; part "
                f"{i} differs from part 0 in {differing[0]}."
            )
        part._check_history("TrainingDynamics.concatenate")
    return listed
