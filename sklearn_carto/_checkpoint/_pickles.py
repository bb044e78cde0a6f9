"""Pickles of estimators in training, which hold more than a pickle of an estimator does.

Three things differ from :mod:`pickle`:

- what the user passes as code (classes and functions that cannot be imported, such as a module
  defined inside a function), as a torch Dataset or as a callback of scikit-learn is not copied but
  referred to, by the parameter of the estimator that holds it;
- a skorch net is saved with all its attributes: its own pickle leaves to another pickle what is on
  a device, and has no place for the two points above;
- so are callbacks of skorch: EarlyStopping drops its best weights from a pickle.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import Any

from sklearn_carto._inputs._code import code_name, is_code
from sklearn_carto._inputs._torch_datasets import is_any_dataset, is_tensor
from sklearn_carto._utils._compat import callbacks_of, cloudpickle
from sklearn_carto.exceptions import CheckpointError

PROTOCOL = 5


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


def dump_estimator(value, references, what):
    """Pickle an estimator in training, or what belongs to it.

    Parameters
    ----------
    value : object
        The estimator, or a container that holds it.
    references : dict
        From :func:`references_of`.
    what : str
        What it is, for the error.

    Returns
    -------
    pickled : bytes
        For `load_estimator`.

    Raises
    ------
    CheckpointError
        If it cannot be pickled.
    """
    stream = BytesIO()
    known = {id(held): path for path, held in references.items()}
    try:
        _pickler_kind()(stream, known).dump(value)
    except OSError:
        raise
    except Exception as error:  # any object may refuse, in its own manner
        raise CheckpointError(
            f"{what} cannot be saved in a checkpoint, since it cannot be pickled "
            f"({type(error).__name__}: {error}). Remove what cannot be pickled from it, such as "
            "open files, locks or generators, or set checkpoint=None."
        ) from error
    return stream.getvalue()


def load_estimator(pickled, references):
    """Load what `dump_estimator` has pickled, with references of a clone of the same parameters."""
    try:
        return _Unpickler(BytesIO(pickled), references).load()
    except Exception as error:  # of code that is gone or has changed, errors of any kind
        raise CheckpointError(
            f"The model in the checkpoint cannot be loaded ({type(error).__name__}: {error}). "
            "Classes and functions that it refers to must be importable as they were when it was "
            "saved; else set checkpoint to another folder to train from the beginning."
        ) from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream, known):
        super().__init__(stream)
        self.known = known

    def persistent_load(self, pid):
        return self.known[pid]


def _pickler_kind():
    base = cloudpickle().Pickler
    skorch = sys.modules.get("skorch")
    nets = (skorch.NeuralNet,) if skorch else ()
    callbacks = (skorch.callbacks.Callback,) if skorch else ()

    class EstimatorPickler(base):  # type: ignore[misc, valid-type]
        """Pickler of estimators; code that can be imported again is pickled by name."""

        def __init__(self, stream, known):
            super().__init__(stream, protocol=PROTOCOL)
            self.known = known

        def persistent_id(self, obj):
            return self.known.get(id(obj))

        def reducer_override(self, obj):
            if isinstance(obj, nets):
                return new_instance, (obj.__class__,), vars(obj), None, None, set_vars
            if isinstance(obj, callbacks) and _defines_getstate(obj):
                return new_instance, (type(obj),), _whole_state(obj, self.known)
            if is_code(obj) and obj.__module__ == "__main__" and _is_named(obj):
                return NotImplemented  # by name, as pickle does: the class is that of the script
            return super().reducer_override(obj)

    return EstimatorPickler


def new_instance(kind):
    """Make an instance without its `__init__`."""
    return kind.__new__(kind)


def set_vars(obj, state):
    """Set the attributes of an object, without its `__setstate__`."""
    vars(obj).update(state)


def _defines_getstate(obj):
    own = getattr(type(obj), "__getstate__", None)
    return own is not None and own is not getattr(object, "__getstate__", None)


def _whole_state(callback, known):
    """Return the state of a callback with the attributes that its own `__getstate__` leaves out.

    Those that cannot be pickled, such as a progress bar, stay out.
    """
    state = callback.__getstate__()
    if not isinstance(state, dict):
        return state
    for name, value in vars(callback).items():
        if name not in state or state[name] is not value:
            with suppress(Exception):
                if not _holds_tensors(value):  # which need no trial, and may be large
                    _pickler_kind()(BytesIO(), known).dump(value)
                state[name] = value
    return state


def _holds_tensors(value):
    return isinstance(value, Mapping) and len(value) > 0 and all(map(is_tensor, value.values()))


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
