"""Containers of rows: what is asked of them, whatever they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.validation import check_consistent_length

from sklearn_carto._inputs._torch_datasets import is_dataset, part_of
from sklearn_carto._utils._compat import _num_samples, _safe_indexing


def take(X, rows):
    """Rows of a container, in a container of the same kind.

    Parameters
    ----------
    X : array-like, sparse matrix, data frame, list, torch Dataset, dict or tuple of these
        Rows; a sparse matrix of any format.
    rows : slice or ndarray of int
        Which.

    Returns
    -------
    X : container
        Of the kind that came in, `X` itself where a slice asks for all of it.
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
    """Count the rows of a container; each part of a dict or tuple is a container.

    Parameters
    ----------
    X : container of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    n_samples : int
        How many.
    """
    return _num_samples(_parts(X)[0])


def row_names(X):
    """Names of the rows of a data frame; None where rows are merely counted.

    Parameters
    ----------
    X : container of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    names : ndarray of shape (n_samples,) or None
        The index of a pandas frame or series, unless it is the default one or has several levels.
    """
    index = getattr(X, "index", None) if hasattr(X, "iloc") else None
    if index is None or index.nlevels > 1 or index.equals(type(index)(range(len(index)))):
        return None
    return np.asarray(index)


def check_same_length(X, y):
    """Raise where rows and labels are not equally many, in any part of a dict or tuple.

    Parameters
    ----------
    X : container of shape (n_samples, n_features)
        Rows.
    y : ndarray of shape (n_samples,)
        Labels.

    Raises
    ------
    ValueError
        If lengths differ.
    """
    check_consistent_length(*_parts(X), y)


def holds_containers(X):
    """Whether X is several inputs, as nets take them: a dict, or a tuple of arrays.

    Tokenizers give other mappings. A sparse DOK matrix is a dict, too, and a tuple of texts is one
    input.
    """
    if isinstance(X, tuple):
        return len(X) > 0 and all(len(getattr(part, "shape", ())) > 0 for part in X)
    return isinstance(X, Mapping) and not issparse(X)


def _parts(X):
    if not holds_containers(X):
        return [X]
    return list(X) if isinstance(X, tuple) else list(X.values())


def check_missing(X, owner):
    """Raise where an array holds NaN or infinity and its owner does not take them.

    Rows that a selection leaves out are seen by no final estimator, so that it cannot complain.
    Frames, text and sparse matrices are left to the estimators that see them.

    Parameters
    ----------
    X : container of shape (n_samples, n_features)
        Rows.
    owner : estimator
        Who was given them; its tags say what it takes.

    Raises
    ------
    ValueError
        If a value is missing or infinite.
    """
    if isinstance(X, np.ndarray) and not get_tags(owner).input_tags.allow_nan:
        assert_all_finite(X, estimator_name=type(owner).__name__, input_name="X")
