"""Checks of labels, and their encoding as 0 to n_classes - 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Set

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sklearn_carto._inputs._columns import is_column
from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._typing import Array
from sklearn_carto._utils._validation import describe


def check_labels(y, estimator) -> tuple[Array, Array, Array]:
    """Check the labels of a classification task.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels: text, integers, booleans, whole floats or dates, in a container of any type.
    estimator : object
        Estimator that the labels were passed to, for error messages.

    Returns
    -------
    y : ndarray of shape (n_samples,)
        The labels, as numbers, booleans, dates or text of numpy wherever they have such a type.
    classes : ndarray of shape (n_classes,)
        Distinct labels, sorted; at least two.
    y_encoded : ndarray of shape (n_samples,)
        Index of each label in `classes`.

    Raises
    ------
    ValueError
        If `y` is None, no container, empty, two-dimensional or continuous, or if it holds missing
        values, labels of several types, or a single class.
    """
    name = type(estimator).__name__
    y = as_label_column(y, estimator)
    if y.dtype.kind not in "mM":  # of which not every scikit-learn knows that they are labels
        check_classification_targets(y)
    classes, y_encoded = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs at least two classes, but y holds only one class: {classes.tolist()}."
        )
    return y, classes, y_encoded


def as_label_column(y, estimator) -> Array:
    """Return the labels `y` as :func:`check_labels` does; they may be of a single class."""
    name = type(estimator).__name__
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    y = _as_column(y, name)
    missing = np.flatnonzero(_is_missing(y))
    if len(missing):
        raise ValueError(
            f"y holds missing values (NaN or None) in {len(missing)} rows, among them "
            f"{missing[:5].tolist()}. Drop these rows, or give them a label."
        )
    y = _with_type(y)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("y holds infinity, which is no label. Drop these rows.")
    return y


def _as_column(y, name):
    """Return labels as an array of one dimension, in which each keeps its type and value."""
    unfit = isinstance(y, (str, bytes, Set, Mapping, Iterator)) or issparse(y)
    array = None if unfit else _as_array(y)
    if array is None or array.ndim == 0 or array.dtype.names is not None:
        raise InvalidParameterError(
            "y should be a 1d array, a list or a column with one label for each sample. Got "
            f"{describe(y)} instead."
        )
    if array.ndim > 2 or array.ndim == 2 and array.shape[1] != 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {array.shape} instead. Multilabel and "
            f"multi-output targets have no data map: fit one {name} for each column."
        )
    array = column_or_1d(array, warn=True)
    if len(array) == 0:
        raise ValueError(f"y should hold at least one label. Got {describe(y)} instead.")
    return array.astype(object) if array.dtype.kind == "T" else array


def _as_array(y):
    """Return the array of labels of any container; None if there is none."""
    if is_tensor(y):
        y = y.detach().cpu().tolist()
    elif np.ma.isMaskedArray(y):
        labels = np.array(y.data, dtype=object)
        labels[np.ma.getmaskarray(y)] = None
        return labels
    elif is_column(y) and not hasattr(y, "null_count"):  # of pandas
        return np.asarray(y, dtype=None if isinstance(y.dtype, np.dtype) else object)
    elif is_column(y) or not hasattr(y, "__array__") or hasattr(y, "to_pylist"):
        y = _as_list(y)
    try:
        array = np.asarray(y)
    except (TypeError, ValueError, OverflowError):  # rows of unequal length
        return None
    if isinstance(y, list) and array.ndim == 1 and array.dtype.kind in "USO":
        exact = np.empty(len(y), dtype=object)
        exact[:] = y
        # numpy converts labels of several types to text, and cuts zeros off the end of text
        return array if (exact == array).all() else exact
    return array


def _as_list(y):
    """Return the entries of an Arrow array, a polars series or a sequence, if it is one."""
    for method in ("to_pylist", "to_list"):
        if hasattr(y, method):
            return getattr(y, method)()
    return list(y) if hasattr(y, "__len__") and hasattr(y, "__iter__") else y


def _is_missing(y):
    if y.dtype.kind in "mM":
        return np.isnat(y)
    if y.dtype.kind in "fc":
        return np.isnan(y)
    if y.dtype.kind != "O":
        return np.zeros(len(y), dtype=bool)
    pandas = sys.modules.get("pandas")  # it has missing values of other types, such as pd.NA
    if pandas is not None:
        return pandas.isna(y)
    return np.array([value is None or value != value for value in y], dtype=bool)


def _with_type(y):
    """Return objects as an array of their type, if numpy has one; text remains as it is."""
    if y.dtype.kind in "biufUmM":
        return y
    types = {type(label) for label in y.tolist()}
    if all(issubclass(kind, str) for kind in types):
        return y
    numbers = all(issubclass(kind, (int, float, np.integer, np.floating)) for kind in types)
    flags = {kind for kind in types if issubclass(kind, (bool, np.bool_))}
    typed = np.array(y.tolist()) if flags == types or numbers and not flags else y
    if typed.dtype.kind in "biuf":
        return typed
    names = ", ".join(sorted(kind.__name__ for kind in types))
    several = "several types:" if len(types) > 1 else "the type"
    as_text = "label.decode()" if types == {bytes} else "str(label)"
    raise ValueError(
        f"y holds labels of {several} {names}. Labels are text, integers, booleans, whole floats "
        "or numpy datetimes, all of one type. Convert them, for example to text: "
        f"[{as_text} for label in y]."
    )
