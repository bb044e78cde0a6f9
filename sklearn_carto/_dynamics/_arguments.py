"""Arguments of TrainingDynamics: rows, scores and epochs, and parts to join."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sklearn_carto._dynamics._scores import two_columns
from sklearn_carto._utils._arrays import as_rows, same_entries
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe


def check_rows(rows, n_samples):
    """Return rows as a slice, or as positions that are each named once."""
    if not isinstance(rows, slice):
        return as_rows(rows, n_samples, "rows", "TrainingDynamics.update")
    bounds = (rows.start, rows.stop, rows.step)
    if not all(bound is None or isinstance(bound, (int, np.integer)) for bound in bounds):
        raise InvalidParameterError(
            "The 'rows' parameter of TrainingDynamics.update must be a slice of whole numbers. "
            f"Got {rows} instead."
        )
    return rows


def check_shape(scores, n_rows, n_classes, from_logits):
    """Return scores as an array of floating point with one column for each class."""
    given = scores
    try:
        scores = np.asarray(scores)
    except (TypeError, ValueError):  # rows of unequal length
        scores = np.empty(0, dtype=object)
    if scores.dtype.kind not in "iuf":
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
    try:
        index = epochs if isinstance(epochs, slice) else np.atleast_1d(epochs)
        selected = np.unique(np.arange(n_epochs)[index])
    except (IndexError, TypeError, ValueError) as error:
        if not isinstance(epochs, slice) and np.size(epochs) == 0:
            selected = ()
        else:
            raise InvalidParameterError(
                f"The 'epochs' parameter must be a slice, whole numbers from {-n_epochs} "
                f"to {n_epochs - 1}, or one boolean for each of the {n_epochs} "
                f"epochs. Got {describe(epochs)} instead."
            ) from error
    if len(selected) == 0:
        raise InvalidParameterError(
            f"epochs={describe(epochs)} selects none of the {n_epochs} epochs."
        )
    return selected


def check_parts(parts, kind):
    """Return parts of one run as a list; raise an error unless they can be joined."""
    listed = list(parts) if isinstance(parts, Iterable) and not isinstance(parts, str) else []
    if not listed or not all(isinstance(part, kind) for part in listed):
        raise InvalidParameterError(
            "The 'parts' parameter of TrainingDynamics.concatenate must hold at least one "
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
