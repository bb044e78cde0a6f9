"""Class scores: their range, the checks that they pass, and the columns of labels in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_carto.exceptions import InvalidProbabilitiesError

# Conventions. A probability below 0 by rounding alone lies within a few units of single precision
# (1.2e-7) of it; sums over classes also carry the rounding of half precision, whose unit is 9.8e-4.
MAX_NEGATIVE = 1e-6
MAX_SUM_ERROR = 1e-3


class ScoreRange(NamedTuple):
    """Range of class scores and of their sums over classes; NaN spreads into all of it."""

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
    """Compute the range of class scores.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Class scores, of at least one row.

    Returns
    -------
    score_range : ScoreRange
        Four numbers.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = scores.sum(axis=1)
    extremes = scores.min(), scores.max(), total.min(), total.max()
    return ScoreRange(*(float(value) for value in extremes))


def two_columns(scores, from_logits):
    """Expand the scores of the second of two classes to the scores of both.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        One score a row.
    from_logits : bool
        Whether these are logits.

    Returns
    -------
    scores : ndarray of shape (n_rows, 2)
        One score a class.
    """
    return np.stack([np.zeros_like(scores) if from_logits else 1 - scores, scores], axis=1)


def encode_labels(labels, classes):
    """Find the column of each label among the class scores.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        Labels of any type.
    classes : ndarray of shape (n_classes,)
        The labels in the order of the columns.

    Returns
    -------
    y_encoded : ndarray of int, of shape (n_rows,)
        Position of each label among the classes.

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    order = np.argsort(classes)
    place = np.searchsorted(classes, labels, sorter=order)
    y_encoded = order[np.minimum(place, len(classes) - 1)]
    unknown = classes[y_encoded] != labels
    if np.any(unknown):
        raise ValueError(
            f"labels must be among the classes {classes.tolist()}; got "
            f"{np.unique(labels[unknown]).tolist()}."
        )
    return y_encoded


def check_scores(score_range, epoch, name, *, from_logits, remedy):
    """Raise an error if class scores are not finite, or are no probabilities.

    Parameters
    ----------
    score_range : ScoreRange
        Range of the scores.
    epoch : int
        The epoch, counted from 0.
    name : str
        Name of the model that returned the scores.
    from_logits : bool
        Whether these are logits.
    remedy : str
        How to obtain probabilities; a sentence.

    Raises
    ------
    InvalidProbabilitiesError
        If a score is NaN or infinite, or if probabilities are negative or do not sum to 1.
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
    """Raise an error if class scores do not have one column for each class.

    Parameters
    ----------
    shape : tuple of int
        Shape of the scores; one dimension: those of the second of two classes.
    n_classes : int
        Number of classes.
    name : str
        Name of the model that returned the scores.

    Raises
    ------
    InvalidProbabilitiesError
        If there are fewer or more columns.
    """
    shape = tuple(shape)
    width = 2 if len(shape) == 1 else shape[1] if len(shape) == 2 else None
    if width != n_classes:
        raise InvalidProbabilitiesError(
            f"{name} returned an array of shape {shape} for {n_classes} classes; one column for "
            "each class is required."
        )
