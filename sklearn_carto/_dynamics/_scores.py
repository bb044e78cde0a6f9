"""Class scores: their range, the checks that they pass, and the columns of labels in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_carto.exceptions import InvalidProbabilitiesError

# Conventions. A probability below 0 by rounding alone lies within a few units of single precision
# (1.2e-7) of it; sums over classes also carry the rounding of half precision, whose unit is 9.8e-4.
MAX_NEGATIVE = 1e-6
MAX_SUM_ERROR = 1e-3


# A probability of 0 counts as the smallest normal number of single precision, whose logarithm is
# -87.3.
TINY = float(np.finfo(np.float32).tiny)
LOG_TINY = float(np.log(TINY))


class ScoreRange(NamedTuple):
    """Range of class scores and of their sums over classes; NaN spreads into all of it.

    Logits of masked classes, which are -inf, count as those of the probability `TINY`.
    """

    min_score: float
    max_score: float
    min_sum: float
    max_sum: float

    @property
    def finite(self):
        """Whether there is neither NaN nor infinity; sums of finite logits may overflow."""
        return bool(np.isfinite(self.min_score) and np.isfinite(self.max_score))

    @property
    def worst_sum(self):
        """The sum over classes that lies furthest from 1."""
        return max(self.min_sum, self.max_sum, key=lambda total: abs(total - 1))


def score_range_of(scores):
    """Compute the range of class scores of shape (n_rows, n_classes), of at least one row."""
    scores = raise_masked(scores)
    with np.errstate(over="ignore", invalid="ignore"):
        # several times as fast as a sum along short rows
        total = scores @ np.ones(scores.shape[1], dtype=scores.dtype)
    extremes = scores.min(), scores.max(), total.min(), total.max()
    return ScoreRange(*(float(value) for value in extremes))


def raise_masked(logits):
    """Raise logits of -inf, those of masked classes, to that of the probability `TINY`.

    Those of a row without any other logit stay -inf.
    """
    if not np.isneginf(logits.min(initial=np.inf)):
        return logits
    best = logits.max(axis=1, keepdims=True)
    return np.where(np.isneginf(logits), best + LOG_TINY, logits)


def two_columns(scores, from_logits):
    """Expand the scores of the second of two classes to the scores of both.

    `scores` of shape (n_rows,) are logits or probabilities; the result has shape (n_rows, 2).
    """
    return np.stack([np.zeros_like(scores) if from_logits else 1 - scores, scores], axis=1)


def encode_labels(labels, classes):
    """Return the position of each label among the classes, an int array of shape (n_rows,).

    A label that is not among the classes raises a ValueError. The classes need not be sorted.
    """
    order = np.argsort(classes)
    try:
        place = np.searchsorted(classes, labels, sorter=order)
    except TypeError:  # of kinds that do not compare, such as text and numbers
        place = np.zeros(len(labels), dtype=np.int64)
    y_encoded = order[np.minimum(place, len(classes) - 1)]
    unknown = np.broadcast_to(classes[y_encoded] != labels, np.shape(labels))
    if np.any(unknown):
        raise ValueError(
            f"labels must be among the classes {classes.tolist()}; got "
            f"{np.unique(labels[unknown]).tolist()}."
        )
    return y_encoded


def check_scores(score_range, epoch, name, *, from_logits, remedy):
    """Raise an InvalidProbabilitiesError if class scores are not finite, or are no probabilities.

    The error gives the range of the scores, the epoch (counted from 0) and the `name` of the model.
    The `remedy`, a sentence, states how to obtain probabilities.
    """
    if not score_range.finite:
        what = "scores" if from_logits else "probabilities"
        raise InvalidProbabilitiesError(
            f"The {what} returned by {name} at epoch {epoch} must be finite; got NaN or infinity: "
            "training has diverged. Lower the learning rate, scale the features, or train for "
            "fewer epochs; the epochs before this one are kept."
        )
    negative = score_range.min_score < -MAX_NEGATIVE
    if not from_logits and (negative or abs(score_range.worst_sum - 1) > MAX_SUM_ERROR):
        raise InvalidProbabilitiesError(
            f"The probabilities returned by {name} at epoch {epoch} must not be negative and each "
            f"row must sum to 1; got a minimum of {score_range.min_score:.3g}, and a row that sums "
            f"to {score_range.worst_sum:.3g}. {remedy}"
        )


def check_n_columns(shape, n_classes, name):
    """Raise an InvalidProbabilitiesError if class scores do not have one column for each class.

    A `shape` of one dimension is that of the scores of the second of two classes.
    """
    shape = tuple(shape)
    width = 2 if len(shape) == 1 else shape[1] if len(shape) == 2 else None
    if width != n_classes:
        raise InvalidProbabilitiesError(
            f"{name} returned an array of shape {shape} for {n_classes} classes; one column for "
            "each class is required."
        )
