"""Checks of labels, and their encoding as 0 to n_classes - 1."""

from __future__ import annotations

import sys

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sklearn_carto.exceptions import NotWatchableError


def check_labels(y, estimator):
    """Check the labels of a classification task.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any type.
    estimator : object
        Estimator that the labels were passed to, for error messages.

    Returns
    -------
    y : ndarray of shape (n_samples,)
        The labels.
    classes : ndarray of shape (n_classes,)
        Distinct labels, sorted; at least two.
    y_encoded : ndarray of shape (n_samples,)
        Index of each label in `classes`.

    Raises
    ------
    ValueError
        If `y` is None, two-dimensional or continuous, or if it holds missing values or a single
        class.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    shape = getattr(y, "shape", None) or np.asarray(y).shape
    if len(shape) > 1 and shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {shape} instead. Multilabel and "
            f"multi-output targets have no data map: fit one {name} for each column."
        )
    y = column_or_1d(y, warn=True)
    missing = np.flatnonzero(_is_missing(y))
    if len(missing):
        raise ValueError(
            f"y holds missing values (NaN or None) in {len(missing)} rows, among them "
            f"{missing[:5].tolist()}. Drop these rows, or give them a label."
        )
    check_classification_targets(y)
    classes, y_encoded = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs at least two classes, but y holds only one class: {classes.tolist()}."
        )
    return y, classes, y_encoded


def check_not_regressor(estimator):
    """Raise a NotWatchableError if an estimator is a regressor."""
    if is_regressor(estimator):
        raise NotWatchableError(
            f"{type(estimator).__name__} is a regressor; a data map needs a classifier."
        )


def _is_missing(y):
    pandas = sys.modules.get("pandas")  # it has missing values of other types, such as pd.NA
    if pandas is not None:
        return pandas.isna(y)
    if y.dtype.kind == "f":
        return np.isnan(y)
    if y.dtype.kind == "O":
        return np.array([value is None or value != value for value in y], dtype=bool)
    return np.zeros(len(y), dtype=bool)
