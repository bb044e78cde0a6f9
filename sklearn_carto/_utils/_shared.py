"""A value that all tasks of a parallel call share, which is pickled once a call."""

from __future__ import annotations

import threading
from io import BytesIO
from pickle import PickleBuffer, Unpickler

import numpy as np

from sklearn_carto._utils._compat import cloudpickle

N_BYTES_MAPPED = 2**20  # joblib maps arrays of more bytes than this (its max_nbytes) to memory


class Shared:
    """Hold a value that is not copied for each task.

    Threads share the value itself. For other processes it is pickled once, whatever the number of
    tasks: its large arrays are taken out of the pickle, and what is left becomes an array of bytes,
    so that joblib writes each of them to a file once, and maps that file to the memory of its
    workers. An array that a file backs already stays in that file.

    Parameters
    ----------
    value : object
        The value. Tasks must not modify it; its large arrays are read-only in other processes.

    Examples
    --------
    >>> import pickle
    >>> pickle.loads(pickle.dumps(Shared(["a", "b"]))).value
    ['a', 'b']
    """

    def __init__(self, value):
        self.value = value
        self._parts = None
        self._lock = threading.Lock()

    def __reduce__(self):
        """Return what the value is made from; the same objects for each task."""
        with self._lock:
            if self._parts is None:
                self._parts = _take_apart(self.value)
            return _restore, self._parts


def _take_apart(value):
    """Pickle a value; return the pickle as an array of bytes, and the large arrays beside it."""
    arrays: list[np.ndarray] = []
    places: dict[int, int] = {}  # of an array: its place, since it may occur several times
    buffers: list[PickleBuffer] = []

    class ArrayPickler(cloudpickle().Pickler):  # type: ignore[misc]
        def persistent_id(self, obj):
            is_array = type(obj) in (np.ndarray, np.memmap)
            if not is_array or obj.dtype.hasobject or obj.nbytes <= N_BYTES_MAPPED:
                return None
            if id(obj) not in places:
                places[id(obj)] = len(arrays)
                arrays.append(obj)
            return places[id(obj)]

    def keep_inside(buffer):
        if buffer.raw().nbytes <= N_BYTES_MAPPED:
            return True
        buffers.append(buffer)
        return False

    stream = BytesIO()
    ArrayPickler(stream, protocol=5, buffer_callback=keep_inside).dump(value)
    pickled = np.frombuffer(stream.getbuffer(), dtype=np.uint8)
    return pickled, arrays, [np.frombuffer(one.raw(), dtype=np.uint8) for one in buffers]


def _restore(pickled, arrays, buffers):
    class ArrayUnpickler(Unpickler):
        def persistent_load(self, pid):
            return arrays[pid]

    return Shared(ArrayUnpickler(BytesIO(pickled.data), buffers=buffers).load())
