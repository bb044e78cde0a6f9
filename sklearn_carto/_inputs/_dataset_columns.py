"""Columns of data sets of Hugging Face: labels by their names, and entries of any container."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, issparse

from sklearn_carto._inputs._columns import frame_columns
from sklearn_carto._inputs._containers import holds_containers, n_samples_of
from sklearn_carto._inputs._torch_datasets import is_dataset, is_table
from sklearn_carto._utils._compat import InvalidParameterError


def named_labels(X, y):
    """Return the labels `y`; of a data set of Hugging Face, `y` may name the column that has them.

    The labels of a ClassLabel column are the names of its classes, and None where it holds -1,
    which is its missing value. An InvalidParameterError is raised if there is no such column.
    """
    if not isinstance(y, str):
        return y
    if not is_table(X):
        splits = [name for name, part in X.items() if is_table(part)] if hasattr(X, "items") else []
        if splits:
            raise InvalidParameterError(
                f"X holds the splits {', '.join(map(repr, splits))}. Pass one of them, for example "
                f"X[{splits[0]!r}]."
            )
        return y
    if y not in X.column_names:
        raise InvalidParameterError(
            f"The data set has no column {y!r}, from which to take the labels. Its columns are "
            f"{', '.join(map(repr, X.column_names))}."
        )
    return _values(X, y)


def _values(dataset, name):
    """Return a column of a data set as a list, with the names of classes for their numbers."""
    values = list(dataset.with_format(None)[name])
    names = getattr(dataset.features[name], "names", None)
    if names is None:
        return values
    return [None if value is None or value < 0 else names[value] for value in values]


def sample_columns(X, taken):
    """Return the columns of samples for a data frame, as a dict of arrays.

    A data frame or data set has its columns, a dict of inputs one for each of them, and anything
    else with one entry for each sample the column `x`. Names that are `taken` get an underscore.
    """
    columns = frame_columns(X)
    if columns is None and is_table(X):
        columns = [(name, _typed(_values(X, name))) for name in X.column_names]
    elif columns is None and holds_containers(X):
        parts = dict(enumerate(X)) if isinstance(X, tuple) else dict(X)
        columns = [(name, _entries(part)) for name, part in parts.items()]
    elif columns is None:
        columns = [("x", _entries(X))]
    named: dict = {}
    for name, column in columns:
        name = str(name)
        while name in taken or name in named:
            name += "_"
        named[name] = np.asarray(column)
    return named


def _typed(values):
    """Return a list as an array of numbers or booleans, if it holds nothing else; else of objects.

    Of a list of lists, each is an object.
    """
    if {type(value) for value in values} in ({int}, {float}, {bool}):
        return np.array(values)
    return _entries(values)


def _entries(X):
    """Return the entries of a container of samples as an array of objects."""
    entries = np.empty(n_samples_of(X), dtype=object)
    values = X
    if issparse(X):
        values = (row.toarray().ravel() for row in csr_matrix(X))
    elif is_dataset(X):  # which need not end an iteration
        values = (X[i] for i in range(len(entries)))
    for i, value in enumerate(values):
        entries[i] = value
    return entries
