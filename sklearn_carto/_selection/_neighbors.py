"""Votes of nearest neighbors, on the scale of the features and on that of their columns."""

from __future__ import annotations

import sys
from threading import RLock
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from sklearn_carto._inputs._columns import frame_columns
from sklearn_carto._inputs._containers import holds_containers
from sklearn_carto._inputs._torch_datasets import is_dataset, is_tensor

_ONE_THREAD = RLock()  # the limit of threads is that of the process
N_NEIGHBORS = 20  # of the label quality; 10 and 40 find as many wrong labels
# Neighbors are sought among at most that many samples, so that the cost is linear in the others.
MAX_REFERENCES = 20_000
_HIGHEST = 3.0  # standardized values are clipped there, so that no column dominates by its tail


def neighbor_votes(X_train, y_encoded, X_test, n_classes, rng):
    """Count the labels of the nearest training samples of each test sample.

    Parameters
    ----------
    X_train, X_test : ndarray or CSR matrix of shape (n_train or n_test, n_features)
        Numeric features, as :func:`numeric_features` returns them.
    y_encoded : ndarray of shape (n_train,)
        Labels of the training samples, encoded as 0 to n_classes - 1.
    n_classes : int
        Number of classes.
    rng : RandomState
        Draws the samples among which neighbors are sought, if there are many.

    Returns
    -------
    votes : list of ndarray of shape (n_test, n_classes)
        Shares of the labels among the neighbors, in [0, 1]: of dense features, by Euclidean
        distance as they are and with standardized columns, since either may be the better scale; of
        sparse ones, by cosine distance. Missing and infinite values count as the mean of the
        column in the training samples, those of sparse ones as 0.
    """
    if X_train.shape[0] > MAX_REFERENCES:
        rows = np.sort(rng.choice(X_train.shape[0], MAX_REFERENCES, replace=False))
        X_train, y_encoded = X_train[rows], y_encoded[rows]
    from sklearn.neighbors import NearestNeighbors  # slow to import

    if issparse(X_train):
        spaces = [tuple(map(_normalized, (X_train, X_test)))]
    else:
        X_train, X_test = _without_missing(X_train, X_test)
        spaces = [(X_train, X_test), _standardized(X_train, X_test)]
    n_neighbors = min(N_NEIGHBORS, X_train.shape[0])
    votes = []
    # of equally distant neighbors, the number of threads would determine which are found
    with _ONE_THREAD, threadpool_limits(1, user_api="openmp"):
        for train, test in spaces:
            search = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(train)
            labels = y_encoded[search.kneighbors(test, return_distance=False)]
            rows = np.repeat(np.arange(len(labels)), n_neighbors)
            counts = np.bincount(
                rows * n_classes + labels.ravel(), minlength=len(labels) * n_classes
            ).reshape(len(labels), n_classes)
            votes.append((counts / n_neighbors).astype(np.float32))
    return votes


def numeric_features(X):
    """Return the numeric features of a container of samples, or None if it has none.

    Parameters
    ----------
    X : container of shape (n_samples, ...)
        Samples. Of a data frame, the columns of numbers or booleans are taken; arrays of more
        dimensions, such as images, are flattened.

    Returns
    -------
    features : ndarray of float32 or CSR matrix of shape (n_samples, n_features), or None
        The features.

    Examples
    --------
    >>> numeric_features([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    >>> numeric_features(["some text", "more text"]) is None
    True
    """
    if issparse(X):
        if X.dtype.kind not in "biuf" or not X.shape[1]:
            return None
        X = csr_matrix(X)
        return csr_matrix((_as_float32(X.data), X.indices, X.indptr), shape=X.shape)
    if holds_containers(X) or is_dataset(X):
        return None
    if is_tensor(X):
        X = X.detach().cpu().numpy()
    columns = frame_columns(X)
    if columns is not None:
        arrays = [_column_values(column) for _, column in columns]
        arrays = [array for array in arrays if array.dtype.kind in "biuf"]
        X = np.column_stack(arrays) if arrays else None
    try:
        array = None if X is None else np.asarray(X)
    except (TypeError, ValueError):  # rows of unequal length
        return None
    if array is None or array.ndim < 2 or array.dtype.kind not in "biuf" or not array.size:
        return None
    return _as_float32(array.reshape(len(array), -1))


def _as_float32(values):
    with np.errstate(over="ignore"):  # infinity, as a missing value
        return values.astype(np.float32)


def _column_values(column):
    """Return the values of a column of a data frame; NaN where a number or boolean is missing."""
    dtype: Any = getattr(column, "dtype", None)
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if polars is not None and isinstance(column, polars.Series):
        is_number = dtype.is_numeric() or dtype == polars.Boolean
        return column.cast(polars.Float64).to_numpy() if is_number else np.asarray(column)
    if pandas is None or not isinstance(dtype, pandas.api.extensions.ExtensionDtype):
        return np.asarray(column)
    is_number = pandas.api.types.is_numeric_dtype(dtype)  # no category, even of numbers
    return column.to_numpy(dtype=np.float64 if is_number else object, na_value=np.nan)


def _normalized(X):
    """Scale the rows of a sparse matrix to unit length: distances order as cosine distances do."""
    if not np.isfinite(X.data).all():
        X = X.copy()
        X.data[~np.isfinite(X.data)] = 0
    return normalize(X)


def _without_missing(X_train, X_test):
    """Replace missing and infinite values by the mean of the column in the training samples."""
    if np.isfinite(X_train).all() and np.isfinite(X_test).all():
        return X_train, X_test
    finite = np.isfinite(X_train)
    sums = np.where(finite, X_train, 0).sum(axis=0, dtype=np.float64)
    means = (sums / np.maximum(finite.sum(axis=0), 1)).astype(np.float32)
    return tuple(np.where(np.isfinite(X), X, means) for X in (X_train, X_test))


def _standardized(X_train, X_test):
    mean, scale = X_train.mean(axis=0, dtype=np.float64), X_train.std(axis=0, dtype=np.float64)
    scale[scale == 0] = 1.0
    return tuple(
        np.clip((X - mean) / scale, -_HIGHEST, _HIGHEST).astype(np.float32)
        for X in (X_train, X_test)
    )
