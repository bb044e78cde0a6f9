"""Rows, number and names of the samples of any container of inputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.validation import check_consistent_length

from sklearn_carto._inputs._torch_datasets import is_dataset, part_of
from sklearn_carto._utils._compat import _num_samples, _safe_indexing


def take(X, rows):
    """Index the rows of a container by a slice or an int array.

    `X` is an array-like, sparse matrix of any format, data frame, list or torch Dataset, or a dict
    or tuple of these. The result has the same type; it is `X` itself if a slice covers all rows.
    """
    if holds_containers(X):
        if isinstance(X, tuple):
            return tuple(take(part, rows) for part in X)
        return {name: take(part, rows) for name, part in X.items()}
    if isinstance(rows, slice) and rows.start == 0 and rows.stop >= _num_samples(X):
        return X
    if is_dataset(X):
        return part_of(X, rows)
    if issparse(X):
        return X.tocsr()[rows].asformat(X.format)
    if not (hasattr(X, "__getitem__") or hasattr(X, "iloc")):
        X = np.asarray(X)
    return _safe_indexing(X, rows)


def n_samples_of(X):
    """Return the number of samples of a container, or of the first part of a dict or tuple."""
    return _num_samples(_parts(X)[0])


def row_names(X):
    """Return the index of a pandas data frame or series as names of its rows.

    It is None for a default index or one with several levels, and for other containers.
    """
    index = getattr(X, "index", None) if hasattr(X, "iloc") else None
    if index is None or index.nlevels > 1 or index.equals(type(index)(range(len(index)))):
        return None
    return np.asarray(index)


def check_same_length(X, y):
    """Check that samples, in each part of a dict or tuple, and labels have the same length."""
    check_consistent_length(*_parts(X), y)


def holds_containers(X):
    """Return whether X holds several inputs of a net: a mapping, or a tuple of arrays.

    Tokenizers return mappings that are not dicts. A sparse DOK matrix is a dict, and a tuple of
    texts is one input.
    """
    if isinstance(X, tuple):
        return len(X) > 0 and all(len(getattr(part, "shape", ())) > 0 for part in X)
    return isinstance(X, Mapping) and not issparse(X)


def _parts(X):
    if not holds_containers(X):
        return [X]
    return list(X) if isinstance(X, tuple) else list(X.values())


def check_missing(X, estimator):
    """Raise a ValueError if an array holds NaN or infinity and `estimator` allows none.

    The final estimator checks selected rows only. Frames, text and sparse matrices are checked by
    the estimators that are trained on them.
    """
    if isinstance(X, np.ndarray) and not get_tags(estimator).input_tags.allow_nan:
        assert_all_finite(X, estimator_name=type(estimator).__name__, input_name="X")
