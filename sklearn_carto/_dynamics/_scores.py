"""Class scores: their range, and checks of whether they can be recorded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_carto.exceptions import InvalidProbabilitiesError

_KEPT = "the epochs before this one are kept"


class ScoreRange(NamedTuple):
    """What tells class scores that can be recorded from others; NaN spreads into all of it."""

    lowest: float  # the lowest score
    highest: float  # the highest
    least: float  # the lowest sum over classes
    most: float  # the highest

    @property
    def finite(self):
        """Whether there is neither NaN nor infinity; sums of finite logits may overflow."""
        return bool(np.isfinite(self.lowest) and np.isfinite(self.highest))

    @property
    def total(self):
        """The sum over classes that lies furthest from 1."""
        return max(self.least, self.most, key=lambda total: abs(total - 1))


def score_range_of(scores):
    """Tell whether class scores can be recorded.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Class scores, of a row at least.

    Returns
    -------
    quality : ScoreRange
        Four numbers.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = scores.sum(axis=1)
    extremes = scores.min(), scores.max(), total.min(), total.max()
    return ScoreRange(*(float(value) for value in extremes))


def two_columns(scores, from_logits):
    """Class scores of two classes, from the logits or the probabilities of the second.

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


def check_scores(quality, epoch, who, *, from_logits, remedy):
    """Raise where class scores are infinite, NaN, or are no probabilities.

    Parameters
    ----------
    quality : ScoreRange
        Of the scores.
    epoch : int
        The epoch, counted from 0.
    who : str
        Whose scores these are.
    from_logits : bool
        Whether they are logits.
    remedy : str
        What makes probabilities of them; a sentence.

    Raises
    ------
    InvalidProbabilitiesError
        Naming the epoch and the way out.
    """
    if not quality.finite:
        what = "scores" if from_logits else "probabilities"
        raise InvalidProbabilitiesError(
            f"{who} gave NaN or infinite {what} at epoch {epoch}: training has diverged. Lower "
            f"the learning rate, scale the features, or train fewer epochs; {_KEPT}."
        )
    if not from_logits and (quality.lowest < -1e-6 or abs(quality.total - 1) > 1e-3):
        raise InvalidProbabilitiesError(
            f"The probabilities that {who} gave at epoch {epoch} are none: the lowest is "
            f"{quality.lowest:.3g}, and a row sums to {quality.total:.3g}, not to 1. {remedy}"
        )


def check_n_columns(shape, n_classes, who):
    """Raise where there is not one column a class.

    Parameters
    ----------
    shape : tuple of int
        Of class scores; one dimension: of the second of two classes.
    n_classes : int
        Number of classes.
    who : str
        Whose scores these are.

    Raises
    ------
    InvalidProbabilitiesError
        Naming the shape.
    """
    shape = tuple(shape)
    width = 2 if len(shape) == 1 else shape[1] if len(shape) == 2 else None
    if width != n_classes:
        raise InvalidProbabilitiesError(
            f"{who} answered with an array of shape {shape} for {n_classes} classes: one column a "
            "class is needed."
        )
