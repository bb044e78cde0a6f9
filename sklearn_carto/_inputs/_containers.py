"""Rows, number and names of the samples of any container of inputs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Set

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.validation import check_consistent_length

from sklearn_carto._inputs._torch_datasets import (
    check_not_stream,
    is_dataset,
    is_table,
    is_tensor,
    part_of,
)
from sklearn_carto._utils._compat import InvalidParameterError, _num_samples, _safe_indexing
from sklearn_carto._utils._validation import describe


def take(X, rows):
    """Index the rows of a container by a slice or an int array.

    `X` is an array-like, sparse matrix of any format, data frame, list, torch Dataset or data set
    of Hugging Face, or a dict or tuple of these. The result has the same type; it is `X` itself if
    a slice covers all rows.
    """
    if isinstance(rows, slice) and rows.start == 0 and rows.stop >= n_samples_of(X):
        return X
    if _is_slice_dict(X):
        return X[rows]
    if holds_containers(X):
        if isinstance(X, tuple):
            return tuple(take(part, rows) for part in X)
        return {name: take(part, rows) for name, part in X.items()}
    if is_dataset(X):
        return part_of(X, rows)
    if is_table(X):
        return X.select(np.arange(len(X))[rows])
    if issparse(X):
        return X.tocsr()[rows].asformat(X.format)
    if not (hasattr(X, "__getitem__") or hasattr(X, "iloc")):
        X = np.asarray(X)
    if isinstance(X, tuple):
        return tuple(_safe_indexing(list(X), rows))
    return _safe_indexing(X, rows)


def copy_rows(X):
    """Copy a container of samples; a torch Dataset, whose rows are read one by one, is itself."""
    return X if is_dataset(X) or is_table(X) else take(X, np.arange(n_samples_of(X)))


def same_values(X):
    """Return X; a data frame as another object with the same values, which may be renamed."""
    if hasattr(X, "iloc") and hasattr(X, "copy"):
        return X.copy(deep=False)
    return X.clone() if hasattr(X, "columns") and hasattr(X, "clone") else X


def n_samples_of(X):
    """Return the number of samples of a container, or of the first part of a dict or tuple."""
    return _num_samples(_parts(X)[0])


def n_columns_of(X):
    """Return the number of features of a two-dimensional container; None for any other."""
    shape = getattr(X, "shape", None)
    if shape is None and isinstance(X, (list, tuple)) and not holds_containers(X):
        try:
            array = np.asarray(X)
        except ValueError:  # rows of unequal length
            return None
        shape = array.shape if array.dtype.kind in "biuf" else None
    return shape[1] if isinstance(shape, tuple) and len(shape) > 1 else None


def row_names(X):
    """Return the index of a pandas data frame or series as names of its rows.

    It is None for a default index and for other containers. The names of an index with several
    levels are strings, those of ``X.index.map(str)``, such as "('a', 1)".
    """
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(X, (pandas.DataFrame, pandas.Series)):
        return None
    index = X.index.get_level_values(0) if X.index.nlevels == 1 else X.index.map(str)
    if index.equals(pandas.RangeIndex(len(index))):
        return None
    return np.asarray(index, dtype=None if isinstance(index.dtype, np.dtype) else object)


def check_same_length(X, y):
    """Check that samples are a container with one entry for each label.

    Parameters
    ----------
    X : object
        The samples; of a dict or tuple of inputs, each part is checked.
    y : ndarray of shape (n_samples,)
        The labels.

    Raises
    ------
    InvalidParameterError
        If `X` is no container with an order and a length.
    ValueError
        If it has another length than `y`, or its parts have different lengths.
    """
    check_not_stream(X)
    _check_container(X, "X")
    if not holds_containers(X):
        check_consistent_length(X, y)
        return
    parts = dict(enumerate(X)) if isinstance(X, tuple) else dict(X)
    for name, part in parts.items():
        _check_container(part, f"X[{name!r}]")
    lengths = {name: _num_samples(part) for name, part in parts.items()}
    wrong = {name: length for name, length in lengths.items() if length != len(y)}
    if wrong:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: each part of X must have "
            f"one entry for each of the {len(y)} labels, but "
            + ", ".join(f"X[{name!r}] has {length}" for name, length in list(wrong.items())[:5])
            + ". A tuple of arrays holds several inputs of a net; samples are passed as a list."
        )


def _check_container(X, name):
    way_out = _why_no_container(X, name)
    if way_out is not None:
        raise InvalidParameterError(
            f"{name} must be a container with one entry for each sample: an array, sparse matrix, "
            f"data frame, list or data set, or a dict or tuple of these. Got {describe(X)} "
            f"instead. {way_out}"
        )
    if not holds_containers(X) and _num_samples(X) == 0:
        raise ValueError(f"{name} must hold at least one sample. Got {describe(X)} instead.")


def _why_no_container(X, name):
    """Return what to pass instead of an object that is no container of samples, or None."""
    if X is None:
        return "Pass the samples."
    if isinstance(X, (str, bytes, bytearray)):
        return f"A single text is a list of one text: [{name}]."
    if isinstance(X, Set):
        return "A set has no order. Pass a list."
    if isinstance(X, Mapping) and not issparse(X) and len(X) == 0:
        return "It holds no input."
    if _has_length(X):
        return None
    if hasattr(X, "collect"):  # polars LazyFrame
        return f"Collect it first: {name}.collect()."
    if hasattr(X, "__iter__") and len(getattr(X, "shape", (0,))) > 0:
        return "It has no length, or can be read only once. Pass a list."
    return "A single sample is a list of one sample."


def _has_length(X):
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple):
        return len(shape) > 0
    if isinstance(X, type) or hasattr(X, "fit"):
        return False
    return hasattr(X, "__len__") or hasattr(X, "__array__")


def holds_containers(X):
    """Return whether X holds several inputs of a net: a mapping, or a tuple of equally long arrays.

    Tokenizers return mappings that are not dicts. A sparse DOK matrix is a dict, and a tuple of
    texts, or of rows of unequal length, is one input.
    """
    if isinstance(X, tuple):
        shapes: list[tuple] = [getattr(part, "shape", ()) for part in X]
        return len(shapes) > 0 and all(shapes) and len({shape[0] for shape in shapes}) == 1
    return isinstance(X, Mapping) and not issparse(X)


def absent_rows(X, n_samples):
    """Mark the samples of weight 0 in a dict of inputs of a net with an entry `sample_weight`.

    Returns a mask of shape (n_samples,), or None if there is no such weight. An
    InvalidParameterError is raised if all are 0.
    """
    weights = X.get("sample_weight") if isinstance(X, Mapping) and not issparse(X) else None
    if weights is None:
        return None
    weights = np.asarray(weights.detach().cpu() if is_tensor(weights) else weights)
    if weights.size != n_samples:
        return None
    absent = weights.reshape(n_samples) == 0
    if absent.all():
        raise InvalidParameterError(
            "The weights in X['sample_weight'] exclude every sample. Pass positive weights."
        )
    return absent if absent.any() else None


def _is_slice_dict(X):
    helper = sys.modules.get("skorch.helper")
    return helper is not None and isinstance(X, helper.SliceDict)


def _parts(X):
    if not holds_containers(X):
        return [X]
    return list(X) if isinstance(X, tuple) else list(X.values())


def check_missing(X, estimator):
    """Raise a ValueError if a float array holds NaN or infinity and `estimator` refuses them.

    It would check the selected samples only. Only classifiers of scikit-learn itself that hold no
    other estimator are known to refuse them; any other checks for itself.
    """
    inner = getattr(estimator, "estimator", estimator)
    if inner is None:  # the default takes them
        return
    known = type(inner).__module__.partition(".")[0] == "sklearn" and not any(
        hasattr(value, "get_params") or isinstance(value, list)
        for value in inner.get_params(deep=False).values()
    )
    dense = isinstance(X, np.ndarray) and X.dtype.kind == "f"
    if known and dense and not get_tags(inner).input_tags.allow_nan:
        assert_all_finite(X, estimator_name=type(estimator).__name__, input_name="X")
