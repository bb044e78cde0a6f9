"""The proxy model that is used if no estimator is given, and the samples that it supports."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real

import numpy as np
from scipy.sparse import issparse

from sklearn_carto._inputs._columns import frame_columns
from sklearn_carto._inputs._containers import holds_containers, n_samples_of
from sklearn_carto._inputs._torch_datasets import is_any_dataset, is_tensor
from sklearn_carto._utils._compat import InvalidParameterError, _routing_enabled

MAX_CATEGORIES = 255  # of HistGradientBoostingClassifier
SPARSE = "sparse columns of booleans, or with a fill value other than 0"
TOO_MANY_CATEGORIES = f"more than {MAX_CATEGORIES} categories"

# what columns hold that the default proxy model does not support: the way out
_WAYS_OUT = {
    "text": "Convert text to categories (pandas: astype('category'); polars: cast(pl.Categorical)),"
    " or pass a Pipeline as estimator whose first step encodes it: a ColumnTransformer with"
    " OneHotEncoder, or TfidfVectorizer for free text.",
    "dates or times": "Convert dates and times to numbers, such as days since the first date, or"
    " the month.",
    "numbers and pd.NA as objects": "Convert objects to numbers: astype('Float64').",
    "integers of 128 bits": "Cast them: cast(pl.Int64) or cast(pl.Float64).",
    "missing values alone": "Drop columns without values.",
    "categories of several types": "Convert categories to text: astype(str).astype('category').",
    TOO_MANY_CATEGORIES: "Merge rare categories, or pass a Pipeline as"
    " estimator that encodes them, for example with TargetEncoder.",
    SPARSE: "Convert sparse columns: X.sparse.to_dense().",
    "objects": "Pass a Pipeline as estimator whose first step turns them into numbers.",
}


def default_proxy(X):
    """Return the proxy model that is used if no estimator is given.

    SGDClassifier with log loss if X is sparse, else a small HistGradientBoostingClassifier, which
    supports missing values, unscaled features and categories. Other samples raise an error. Where
    metadata routing is enabled, it requests weights.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # slow to import
    from sklearn.linear_model import SGDClassifier

    check_supported(X)
    if issparse(X) or _is_sparse_frame(X):
        sgd = SGDClassifier(loss="log_loss")
        return sgd.set_partial_fit_request(sample_weight=True) if _routing_enabled() else sgd
    boosting = HistGradientBoostingClassifier(
        max_iter=20,  # stages are recorded as epochs, and 20 is the default number of epochs
        early_stopping=False,
        # scikit-learn's default, lowered below 400 samples: trees would have too few leaves
        min_samples_leaf=max(1, min(20, n_samples_of(X) // 20)),
    )
    return boosting.set_fit_request(sample_weight=True) if _routing_enabled() else boosting


def check_supported(X):
    """Raise an error with the way out if the default proxy model does not support X."""
    if issparse(X) or is_tensor(X):
        return
    if holds_containers(X) or is_any_dataset(X):
        raise ValueError(
            f"X is a {type(X).__name__}, which the default proxy model does not support. Pass the "
            "estimator that is trained on it, for example a skorch net."
        )
    columns = frame_columns(X)
    if columns is None:
        _check_array(X)
        return
    problems: dict[str, list[str]] = {}
    describe_problem = _problem_of_sparse if _is_sparse_frame(X) else _problem_of_column
    for name, column in columns:
        problem = describe_problem(column)
        if problem is not None:
            problems.setdefault(problem, []).append(str(name))
    if problems:
        found = [f"{what} (columns {', '.join(names[:10])})" for what, names in problems.items()]
        raise ValueError(
            f"X holds {', '.join(found)}, which the default proxy model does not support. "
            + " ".join(_WAYS_OUT[problem] for problem in problems)
        )


def _check_array(X):
    try:
        array = np.asarray(X)
    except ValueError:  # rows of unequal length
        array = np.empty(len(X), dtype=object)
        array[:] = X
    problem = "objects" if array.dtype.names else _problem_of_values(array)
    if problem is None and array.ndim == 2 and array.dtype.kind in "fO" and len(array):
        empty = np.flatnonzero(_is_missing(array).all(axis=0))
        if len(empty):
            raise ValueError(
                f"X holds no value but missing ones in the columns {empty[:10].tolist()}, which "
                "the default proxy model does not support. Drop these columns."
            )
    if problem is None:
        return
    if problem == "text":
        encoder = "TfidfVectorizer()" if array.ndim == 1 else "OneHotEncoder()"
        raise ValueError(
            f"X holds text (a {type(X).__name__} of strings), which the default proxy model does "
            "not support. Pass an estimator that does, for example "
            f"make_pipeline({encoder}, SGDClassifier(loss='log_loss'))."
        )
    objects = [value for value in array.ravel() if not isinstance(value, (Real, type(None)))]
    first = objects[0] if objects else None
    encoder = "DictVectorizer()" if isinstance(first, Mapping) else "CountVectorizer(analyzer=list)"
    way_out = _WAYS_OUT[problem]
    if isinstance(first, (Mapping, list, tuple, np.ndarray)):
        way_out += f" For rows of unequal length that may be {encoder}."
    kind = type(first).__name__ if array.dtype.kind == "O" else array.dtype.name
    raise InvalidParameterError(
        f"X holds {problem} (a {type(X).__name__} of {kind}), which the default proxy model does "
        "not support: each cell of this argument must be a string in a column of categories, or a "
        f"number. {way_out}"
    )


def _problem_of_column(column):
    """Return the key of `_WAYS_OUT` that describes a column, or None if it is supported."""
    kind = str(getattr(column, "dtype", getattr(column, "type", ""))).lower()
    if kind.startswith(("categor", "enum", "dictionary")):
        return _problem_of_categories(column)
    if kind.startswith(("sparse", "decimal")):
        return None
    if kind.startswith(("str", "utf8", "large_str", "binary", "large_binary")):
        return "objects" if kind.startswith("struct") else "text"
    if kind.startswith(("date", "time", "duration", "period", "interval", "month")):
        return "objects" if kind.startswith("interval") else "dates or times"
    if kind.endswith("int128"):
        return "integers of 128 bits"
    if kind.startswith(("list", "array", "fixed_size", "map")):
        return "objects"
    values = np.asarray(column)
    if values.dtype.kind == "O" and kind != "object":  # numbers of pandas, some of them missing
        return "missing values alone" if _is_missing(values).all() else None
    problem = _problem_of_values(values)
    if problem is None and values.dtype.kind in "fO" and len(values) and _is_missing(values).all():
        return "missing values alone"
    return problem


def _problem_of_sparse(column):
    numbers = column.dtype.subtype.kind in "iuf" and column.dtype.fill_value == 0
    return None if numbers else SPARSE


def _problem_of_categories(column):
    values = np.asarray(column)
    categories = set(values[~_is_missing(values)].tolist())
    if not categories:
        return "missing values alone"
    if len({isinstance(category, str) for category in categories}) > 1:
        return "categories of several types"
    return TOO_MANY_CATEGORIES if len(categories) > MAX_CATEGORIES else None


def _problem_of_values(values):
    """Return what an array holds that is not supported, or None."""
    if values.dtype.kind in "UST":
        return "text"
    if values.dtype.kind in "mM":
        return "dates or times"
    if values.dtype.kind != "O":
        return None
    present = values[~_is_missing(values)].tolist()
    kinds = {type(value) for value in present}
    if any(issubclass(kind, (str, bytes)) for kind in kinds):
        return "text"
    temporal = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
    if any(issubclass(kind, temporal) for kind in kinds):
        return "dates or times"
    if not all(issubclass(kind, (Real, Decimal, np.bool_)) for kind in kinds):
        return "objects"
    pandas = sys.modules.get("pandas")
    if pandas is not None and any(value is pandas.NA for value in values.ravel()):
        return "numbers and pd.NA as objects"
    return None


def _is_missing(values):
    """Return a mask of None, NaN, NaT and pandas' NA."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    missing = [
        value is None or type(value).__name__ == "NAType" or _differs_from_itself(value)
        for value in values.ravel()
    ]
    return np.array(missing, dtype=bool).reshape(values.shape)


def _differs_from_itself(value):
    differs = value != value
    return isinstance(differs, (bool, np.bool_)) and bool(differs)


def _is_sparse_frame(X):
    """Whether X is a pandas frame of sparse columns alone."""
    pandas = sys.modules.get("pandas")
    return (
        pandas is not None
        and isinstance(X, pandas.DataFrame)
        and X.shape[1] > 0
        and all(isinstance(dtype, pandas.SparseDtype) for dtype in X.dtypes)
    )
