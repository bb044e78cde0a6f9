"""A hash of data by its values, independent of container and memory layout."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import numpy as np
from scipy.sparse import issparse

from sklearn_carto._inputs._torch_datasets import is_dataset, is_tensor


def fingerprint(*data):
    """Compute a hash of containers by their values.

    Equal values give equal digests: memory order, the block layout of a frame, the order of the
    indices of a sparse matrix and the container of strings do not matter. Only the type and the
    length of a torch data set are hashed.

    Parameters
    ----------
    *data : array, sparse matrix, data frame, series, list, tuple, dict, torch Dataset or None
        Containers to hash, in order.

    Returns
    -------
    digest : str
        Hexadecimal digest.

    Examples
    --------
    >>> a = np.arange(6.0).reshape(2, 3)
    >>> fingerprint(a) == fingerprint(np.asfortranarray(a)) == fingerprint(a.tolist())
    True
    >>> fingerprint(a) == fingerprint(a + 1)
    False
    """
    digest = sha256()
    for part in data:
        _add(digest, part)
    return digest.hexdigest()


def _add(digest, part):
    if part is None:
        digest.update(b"none;")
    elif issparse(part):
        _add_sparse(digest, part)
    elif isinstance(part, Mapping):
        for name in sorted(part):
            digest.update(f"key {name};".encode())
            _add(digest, part[name])
    elif isinstance(part, tuple) and any(hasattr(values, "shape") for values in part):
        digest.update(b"tuple;")
        for values in part:
            _add(digest, values)
    elif is_dataset(part):  # rows may be large, or change at each access
        kind = type(part)
        digest.update(f"dataset {kind.__module__} {kind.__qualname__} {len(part)};".encode())
    elif is_tensor(part):
        _add_tensor(digest, part.detach().cpu())
    elif hasattr(part, "columns") and hasattr(part, "shape"):
        digest.update(f"frame {tuple(part.shape)};".encode())
        for i, name in enumerate(part.columns):  # by position: names may occur twice
            column = part.iloc[:, i] if hasattr(part, "iloc") else part[:, i]
            digest.update(f"column {name!r};".encode())
            # models may treat categories differently
            if str(column.dtype).lower().startswith(("categor", "enum")):
                categories = getattr(column, "cat", None)
                digest.update(b"categories;")
                _add_array(digest, np.asarray(getattr(categories, "categories", [])))
            _add_array(digest, np.asarray(column))
    else:
        text = isinstance(part, (list, tuple)) and len(part) and isinstance(part[0], str)
        _add_array(digest, np.asarray(part, dtype=object if text else None))


def _add_sparse(digest, matrix):
    matrix = matrix.tocsr(copy=True)
    matrix.sum_duplicates()  # sorts the indices, too
    digest.update(f"sparse {matrix.shape};".encode())
    for values in (matrix.data, matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)):
        _add_array(digest, values)


def _add_tensor(digest, tensor):
    if tensor.is_floating_point() and tensor.itemsize < 4:  # numpy lacks some of these dtypes
        digest.update(f"{tensor.dtype};".encode())
        tensor = tensor.float()
    _add_array(digest, tensor.numpy())


def _add_array(digest, array):
    if array.dtype.kind in "OUST":
        digest.update(f"objects {array.shape};".encode())
        for value in array.ravel():
            text = value if isinstance(value, str) else repr(value)
            encoded = text.encode("utf-8", "surrogatepass")
            kind = "str" if isinstance(value, str) else type(value).__name__
            digest.update(f"{kind} {len(encoded)};".encode())
            digest.update(encoded)
        return
    digest.update(f"array {array.dtype.str} {array.shape};".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
