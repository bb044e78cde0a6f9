"""Pickles of estimators in training, which hold more than a pickle of an estimator does.

Two things differ from :mod:`pickle`:

- what the user passes as code (classes and functions that cannot be imported, such as a module
  defined inside a function), as a torch Dataset or as a callback of scikit-learn is not copied but
  referred to, by the parameter of the estimator that holds it;
- states are whole where the object's own pickle leaves something out, see `_whole_states`.
"""

from __future__ import annotations

import pickle
import sys
from functools import partial
from io import BytesIO
from typing import Any

from sklearn_carto._checkpoint._whole_states import reduce_whole
from sklearn_carto._inputs._code import code_name, is_code
from sklearn_carto._inputs._torch_datasets import is_any_dataset
from sklearn_carto._utils._compat import callbacks_of, cloudpickle
from sklearn_carto.exceptions import CheckpointError

PROTOCOL = 5
_MAX_TRIED = 2**28  # bytes of a pickle that is loaded as a trial: larger ones may not fit in memory


def references_of(estimator):
    """Find what a checkpoint refers to instead of copying it.

    Parameters
    ----------
    estimator : estimator
        A clone that has not been trained: training adds parameters to a net.

    Returns
    -------
    references : dict of tuple to object
        Code, data sets and callbacks, by the parameter that holds them.
    """
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    found: dict = {}
    for name, value in [("", estimator), *sorted(params.items())]:
        for i, callback in enumerate(callbacks_of(value)):
            found["callback", name, i] = callback
        found |= _referred(("param", name), value)
    return found


def dump_estimator(value, references, what, is_tried=False):
    """Pickle an estimator in training, or what belongs to it.

    Parameters
    ----------
    value : object
        The estimator, or a container that holds it.
    references : dict
        From :func:`references_of`.
    what : str
        What it is, for the error.
    is_tried : bool, default=False
        Whether to load the pickle as a trial. A progress bar for example can be pickled, but what
        was pickled cannot be loaded.

    Returns
    -------
    pickled : bytes
        For `load_estimator`.

    Raises
    ------
    CheckpointError
        If it cannot be pickled, or not be loaded.
    """
    problem = "it cannot be pickled"
    try:
        pickled = _pickle(value, references)
        problem = "what was pickled cannot be loaded"
        if is_tried and len(pickled) <= _MAX_TRIED:
            _unpickle(pickled, references)
    except OSError:
        raise
    except Exception as error:  # any object may refuse, in its own manner
        raise CheckpointError(
            f"{what} cannot be saved in a checkpoint, since {problem} "
            f"({type(error).__name__}: {error}). Remove what cannot be pickled from it, such as "
            "open files, locks, generators or progress bars, or set checkpoint=None."
        ) from error
    return pickled


def load_estimator(pickled, references):
    """Load what `dump_estimator` has pickled, with references of a clone of the same parameters."""
    try:
        return _unpickle(pickled, references)
    except Exception as error:  # of code that is gone or has changed, errors of any kind
        raise CheckpointError(
            f"The model in the checkpoint cannot be loaded ({type(error).__name__}: {error}). "
            "Classes and functions that it refers to must be importable as they were when it was "
            "saved; else set checkpoint to another folder to train from the beginning."
        ) from error


def _pickle(value, references):
    stream = BytesIO()
    _pickler_kind()(stream, references).dump(value)
    return stream.getvalue()


def _unpickle(pickled, references):
    return _Unpickler(BytesIO(pickled), references).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream, known):
        super().__init__(stream)
        self.known = known

    def persistent_load(self, pid):
        return self.known[pid]


def _pickler_kind():
    base = cloudpickle().Pickler

    class EstimatorPickler(base):  # type: ignore[misc, valid-type]
        """Pickler of estimators; code that can be imported again is pickled by name."""

        def __init__(self, stream, references):
            super().__init__(stream, protocol=PROTOCOL)
            self.references = references
            self.known = {id(held): path for path, held in references.items()}

        def persistent_id(self, obj):
            return self.known.get(id(obj))

        def reducer_override(self, obj):
            if is_code(obj) and obj.__module__ == "__main__" and _is_named(obj):
                return NotImplemented  # by name, as pickle does: the class is that of the script
            whole = None if isinstance(obj, type) else reduce_whole(obj, self.is_saved)
            return super().reducer_override(obj) if whole is None else whole

        def is_saved(self, value):
            """Whether a value can be pickled and loaded."""
            try:
                _unpickle(_pickle(value, self.references), self.references)
            except Exception:  # any object may refuse, in its own manner
                return False
            return True

    return EstimatorPickler


def _is_named(obj):
    """Whether the main module holds a function or class by its name."""
    found: Any = sys.modules["__main__"]
    for name in obj.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is obj


def _referred(path, value):
    if is_any_dataset(value) or (is_code(value) and code_name(value) is None):
        return {path: value}
    parts: list = []
    if isinstance(value, partial):
        parts = [("func", value.func), *enumerate(value.args), *sorted(value.keywords.items())]
    elif isinstance(value, (list, tuple)):
        parts = list(enumerate(value))
    elif len(path) > 2 and hasattr(value, "get_params") and not isinstance(value, type):
        parts = sorted(value.get_params(deep=False).items())  # of a callback in a list
    found: dict = {}
    for key, part in parts:
        found |= _referred((*path, key), part)
    return found
