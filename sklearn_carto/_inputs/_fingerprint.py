"""A hash of data by its values, independent of container and memory layout."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from copyreg import dispatch_table
from hashlib import sha256
from itertools import chain
from uuid import uuid4

import numpy as np
from scipy.sparse import issparse

from sklearn_carto._inputs._code import code_hash, code_parts, is_code
from sklearn_carto._inputs._columns import arrow_parts, column_parts, frame_columns, is_column
from sklearn_carto._inputs._torch_datasets import dataset_parts, is_any_dataset, is_tensor


def fingerprint(*data):
    """Compute a hash of containers by their values.

    Equal values give equal digests: memory order, the block layout of a frame, the order of the
    indices of a sparse matrix and the container of strings do not matter. Values that cannot be
    read, such as those of a torch Dataset of the user's own class, are equal only if they are the
    same object of the same process.

    Parameters
    ----------
    *data : array, sparse matrix, data frame, series, list, tuple, dict, Dataset or None
        Containers to hash, in order. Cells may be objects of any type.

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
    return _digest_of(data).hexdigest()


def value_fingerprint(*data):
    """Compute the fingerprint of data, or return None if it is not one of values alone."""
    digest = _digest_of(data)
    return digest.hexdigest() if digest.by_value else None


def known_fingerprint(*data):
    """Compute the fingerprint of what is known of data, which does not depend on the process.

    Values that cannot be read count by their type and length; functions and classes that cannot be
    pickled by their code, and by what is known of the values that they refer to.
    """
    return _digest_of(data, by_type=True).hexdigest()


def _digest_of(data, by_type=False):
    digest = _Digest(by_type=by_type)
    for part in data:
        digest.add(part)
    return digest


_BLOCK = 2**24  # bytes


class _Digest:
    """A hash to which values are added; each is preceded by its kind, and by its length."""

    def __init__(self, outer=None, *, by_type=False):
        self._sha = sha256()
        self.by_value = True
        self._by_type = outer._by_type if outer else by_type  # of values that cannot be read
        self._open = [*outer._open] if outer else []  # containers, which may hold themselves
        self._code = outer._code if outer else {}  # function or class: its hash

    def hexdigest(self):
        return self._sha.hexdigest()

    def add(self, value):
        """Add a value of any type."""
        if isinstance(value, np.generic) and value.dtype.kind in "biufU" and value.itemsize != 16:
            value = value.item()
        if type(value) in _SCALARS:
            self._add_scalar(value)
        elif is_code(value):
            self._add_code(value)
        elif any(value is container for container in self._open):
            self._tag("itself", len(self._open))
        else:
            self._open.append(value)
            self._add_container(value)
            self._open.pop()

    def _add_container(self, value):
        if isinstance(value, np.ndarray):
            self._add_array(value)
        elif issparse(value):
            self._add_sparse(value)
        elif is_any_dataset(value):
            self._add_parts("dataset", dataset_parts(value), value)
        elif is_tensor(value):
            self._add_tensor(value)
        elif (columns := frame_columns(value)) is not None:
            self._add_parts("frame", list(chain.from_iterable(columns)))
        elif is_column(value):
            self._add_all(column_parts(value))
        elif (parts := arrow_parts(value)) is not None:
            self._add_all(parts)
        elif isinstance(value, Mapping):
            pairs = [self._nested(key) + self._nested(part) for key, part in value.items()]
            self._add_unordered("mapping", pairs)
        elif isinstance(value, Set):
            self._add_unordered("set", [self._nested(element) for element in value])
        elif isinstance(value, tuple) and any(hasattr(part, "shape") for part in value):
            self._add_parts("tuple", value)
        elif isinstance(value, (bytearray, memoryview)):
            self._add_scalar(bytes(value))
        elif isinstance(value, (list, tuple, Sequence)):
            self._add_list(list(value))
        elif hasattr(value, "__array__") and (array := np.asarray(value)).dtype.kind != "O":
            self._add_array(array)
        else:
            self._add_object(value)

    def _tag(self, kind, *sizes):
        self._sha.update(f"{kind} {' '.join(map(str, sizes))};".encode())

    def _add_all(self, parts):
        for part in parts:
            self.add(part)

    def _add_parts(self, kind, parts, owner=None):
        """Add the parts of a container; None: there are none, and `owner` is hashed by identity."""
        if parts is None:
            self._add_identity(owner)
            return
        self._tag(kind, len(parts))
        self._add_all(parts)

    def _nested(self, value):
        digest = _Digest(self)
        digest.add(value)
        self.by_value &= digest.by_value
        return digest.hexdigest()

    def _add_unordered(self, kind, digests):
        self._tag(kind, len(digests))
        self._sha.update("".join(sorted(digests)).encode())

    def _add_scalar(self, value):
        """Add a scalar; numpy's are equal to Python's of the same value."""
        if isinstance(value, float):
            data = value.hex().encode()
        elif isinstance(value, complex):
            data = f"{value.real.hex()} {value.imag.hex()}".encode()
        elif isinstance(value, bytes):
            data = value
        else:
            data = str(value).encode("utf-8", "surrogatepass")
        self._tag(type(value).__name__, len(data))
        self._sha.update(data)

    def _add_code(self, value):
        if value not in self._code:
            self._code[value] = code_hash(value)
        if self._code[value] is not None:
            self._tag("code", self._code[value])
        elif self._by_type and not any(value is one for one in self._open):
            self.by_value = False
            self._open.append(value)
            self._add_parts("parts of code", code_parts(value))
            self._open.pop()
        else:
            self._add_identity(value)

    def _add_identity(self, value):
        self.by_value = False
        if self._by_type:
            kind, length = type(value), None
            with suppress(Exception):  # most have none
                length = len(value)
            self._tag("type", f"{kind.__module__}.{kind.__qualname__}", length)
        else:
            self._tag("identity", _token_of(value))

    def _add_list(self, values):
        array = _as_numbers(values)
        if array is None:
            self._add_sequence(values)
        else:
            self._add_array(array)

    def _add_sequence(self, values):
        if all(type(value) is str or type(value) is np.str_ for value in values):
            self._tag("texts", len(values))
            self._add_bytes(np.array([len(value) for value in values], dtype=np.int64))
            self._sha.update("".join(values).encode("utf-8", "surrogatepass"))
            return
        self._tag("sequence", len(values))
        self._add_all(values)

    def _add_array(self, array):
        if isinstance(array, np.ma.MaskedArray):
            self._tag("masked")
            self._add_array(np.ma.getmaskarray(array))
            array = np.where(np.ma.getmaskarray(array), np.zeros((), array.dtype), array.data)
        array = np.asarray(array)
        if array.dtype.names is not None:
            self._tag("structured", array.dtype.names)
            for name in array.dtype.names:
                self._add_array(array[name])
        elif array.dtype.kind in "OUST":
            if array.ndim != 1:
                self._tag("objects", array.shape)
            self._add_sequence(array.ravel().tolist())
        elif array.dtype.kind in "fc" and array.real.dtype.itemsize > 8:
            self._tag("long", array.shape)  # such numbers are padded with arbitrary bytes
            for part in (array.real, array.imag):
                self._add_bytes(part.astype(np.float64))
                self._add_bytes((part - part.astype(np.float64)).astype(np.float64))
        else:
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
            self._tag("array", array.dtype.str, array.shape)
            self._add_bytes(array)

    def _add_bytes(self, array):
        """Add the bytes of an array in C order; one that lies otherwise is copied in blocks."""
        array = np.atleast_1d(array)
        n_rows = max(1, len(array))
        if not array.flags.c_contiguous:
            n_rows = max(1, _BLOCK * len(array) // array.nbytes)
        for start in range(0, len(array), n_rows):
            block = np.ascontiguousarray(array[start : start + n_rows])
            self._sha.update(block.reshape(-1).view(np.uint8).data)

    def _add_sparse(self, matrix):
        matrix = matrix.tocsr(copy=True)
        matrix.sum_duplicates()  # sorts the indices, too
        self._tag("sparse", matrix.shape)
        for values in (matrix.data, matrix.indices, matrix.indptr):
            self._add_array(values if values is matrix.data else values.astype(np.int64))

    def _add_tensor(self, tensor):
        torch = sys.modules["torch"]
        tensor = tensor.detach().cpu()
        if tensor.is_quantized:
            tensor = tensor.dequantize()
        if tensor.is_meta:
            self._add_identity(tensor)
        elif tensor.is_nested:
            self._add_parts("nested", tensor.unbind())
        elif tensor.layout != torch.strided:
            tensor = tensor.to_sparse_coo().coalesce()
            self._tag("sparse tensor", tuple(tensor.shape))
            self._add_all((tensor.indices(), tensor.values()))
        elif tensor.is_complex():
            self._add_array(tensor.resolve_conj().to(torch.complex128).numpy())
        else:
            if tensor.is_floating_point() and tensor.itemsize < 4:  # numpy lacks some of these
                self._tag(tensor.dtype)
                tensor = tensor.float()
            self._add_array(tensor.resolve_neg().numpy())

    def _add_object(self, value):
        """Add what pickle would rebuild an object from: its class, arguments and state."""
        try:
            reduce = dispatch_table.get(type(value))
            reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        except Exception:  # objects that cannot be pickled raise errors of any type
            reduced = None
        if reduced is None or type(value) is object:
            self._add_identity(value)
            return
        self._add_code(type(value))
        if isinstance(reduced, str):  # the name of a constant
            self._add_scalar(reduced)
            return
        make, args, state, items, pairs = (*reduced, None, None, None)[:5]
        pairs = None if pairs is None else dict(pairs)
        self._add_parts("object", [make, args, state, None if items is None else [*items], pairs])


_SCALARS = {type(None), bool, int, float, complex, str, bytes}


def _as_numbers(values):
    """Return nested lists of numbers of equal lengths as an array, or None."""
    first = values
    while isinstance(first, (list, tuple)) and len(first):
        first = first[0]
    if not (isinstance(first, (bool, int, float, complex, np.number, np.bool_, np.ndarray))):
        return None
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):  # rows of unequal length
        return None
    exact = array.dtype.kind in "biu" or (
        # whole numbers from 2 ** 53 on may have been rounded
        array.dtype.kind in "fc" and not (np.abs(array) >= 2.0**53).any()
    )
    return array if exact else None


_TOKENS: dict[int, tuple] = {}  # id of an object: a weak reference to it, and its token


def _token_of(value):
    """Return a random name of an object, the same as long as it exists."""
    key = id(value)
    reference, token = _TOKENS.get(key, (lambda: None, ""))
    if reference() is value:
        return token
    token = uuid4().hex

    def forget(reference):
        if _TOKENS.get(key, (None,))[0] is reference:
            del _TOKENS[key]

    with suppress(TypeError):  # without weak references, it is never equal, not even to itself
        _TOKENS[key] = weakref.ref(value, forget), token
    return token
