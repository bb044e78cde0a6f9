"""Checks of what an estimator returns for class scores, whatever it returns."""

from __future__ import annotations

from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from sklearn_carto._utils._validation import describe
from sklearn_carto._watching._responses import in_class_order
from sklearn_carto.exceptions import InvalidProbabilitiesError


class Response(NamedTuple):
    """What an estimator returns at one epoch, for the errors.

    Parameters
    ----------
    name : str
        Name of the estimator.
    epoch : int
        The epoch, counted from 0.
    from_logits : bool
        Whether it returns logits.
    scored_classes : array-like of shape (n_scored_classes,) or None
        Its classes, in the order of its columns; None if it has no `classes_`.
    """

    name: str
    epoch: int
    from_logits: bool
    scored_classes: Any

    def check_classes(self, classes):
        """Raise an InvalidProbabilitiesError if some classes have no column of their own."""
        if isinstance(self.scored_classes, np.ndarray) and _same(self.scored_classes, classes):
            return
        if self.scored_classes is None:
            raise InvalidProbabilitiesError(
                f"{self.name} has no classes_ at epoch {self.epoch}: which column belongs to which "
                f"class is unknown. It must have classes_ that hold {_shown(classes)}."
            )
        names = _listed(self.scored_classes)
        if names is None or len(set(names)) < len(names):
            problem = "name each column once"
        elif not set(classes.tolist()) <= set(names):
            problem = "hold all classes of y"
        else:
            return
        raise InvalidProbabilitiesError(
            f"classes_ of {self.name} must {problem} at epoch {self.epoch}; got "
            f"{_shown(self.scored_classes)} for the classes {_shown(classes)}."
        )

    def as_array(self, scores, n_rows, classes):
        """Convert class scores to an array of floats, with columns in the order of `classes`.

        Raises an InvalidProbabilitiesError if they are no numbers, or do not have one row for each
        sample and one column for each class. Further columns may follow, of other classes that the
        estimator has. With one dimension, they are the logits of the second of two classes.
        """
        array, n_columns = _as_floats(scores), len(self.scored_classes)
        if array is not None and self.from_logits and array.ndim == 2 and array.shape[1:] == (1,):
            array = array[:, 0]
        single = array is not None and self.from_logits and array.ndim == 1 and n_columns == 2
        if array is None or array.shape != ((n_rows,) if single else (n_rows, n_columns)):
            raise InvalidProbabilitiesError(
                f"{self.name} returned {describe(scores)} at epoch {self.epoch} for {n_columns} "
                f"classes; an array of shape ({n_rows}, {n_columns}) is required, with one row for "
                "each sample and one column for each class."
            )
        options = {"from_logits": self.from_logits, "others": True}
        return in_class_order(array, self.scored_classes, classes, **options)


def _as_floats(scores):
    """Convert class scores to an array of floats; None if they are no real numbers."""
    if np.ma.isMaskedArray(scores) and np.ma.getmaskarray(scores).any():
        return None
    try:
        array = np.asarray(scores)
    except (TypeError, ValueError, RuntimeError):  # ragged lists, tensors that require a gradient
        return None
    if array.dtype.kind == "O" and array.ndim and all(isinstance(v, Real) for v in array.ravel()):
        array = array.astype(np.float64)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    return array if array.dtype.kind == "f" else None


def _same(scored_classes, classes):
    return scored_classes.dtype == classes.dtype and np.array_equal(scored_classes, classes)


def _listed(classes):
    """Return classes as a list of hashable values; None if they are no such list."""
    try:
        array = np.asarray(classes)
        names = array.tolist()
        set(names)
    except (TypeError, ValueError):
        return None
    return names if array.ndim == 1 else None


def _shown(classes):
    names = _listed(classes)
    if names is None:
        return describe(classes)
    return f"{names[:10]}{' ...' if len(names) > 10 else ''}"
