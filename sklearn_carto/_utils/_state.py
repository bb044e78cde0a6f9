"""States of recorders: flat dicts that torch, numpy and json can carry."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe


def pack(state):
    """Make a state portable.

    Parameters
    ----------
    state : dict
        Names to arrays of numbers or booleans, numbers, booleans and strings.

    Returns
    -------
    state : dict
        Arrays are tensors where torch is loaded, since ``torch.load(weights_only=True)`` refuses
        those of numpy.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return state
    return {
        name: torch.from_numpy(np.ascontiguousarray(value))
        if isinstance(value, np.ndarray)
        else value
        for name, value in state.items()
    }


def check_is_state(state, owner):
    """Raise an InvalidParameterError if a state is not a dict, or not one of `state_dict`.

    The empty dict is one of a callback that has not recorded anything.
    """
    if not isinstance(state, Mapping) or (state and "version" not in state):
        raise InvalidParameterError(
            f"The 'state' parameter of {owner} must be a dict that state_dict has returned. Got "
            f"{describe(state)} instead."
        )
    return state


class PackedState:
    """Read a state that `pack` made, also after numpy or json have carried it.

    Parameters
    ----------
    state : mapping
        The state; npz files turn its numbers and strings into arrays, json its arrays into lists.
    owner : str
        Name of the method that the state was passed to, for the errors.
    version : int
        The version that is supported.
    """

    def __init__(self, state, owner, version):
        self.owner = owner
        check_is_state(state, owner)
        self.values = {name: _as_array(state[name]) for name in state.keys()}  # noqa: SIM118
        found = self.number("version", int)
        if found != version:
            raise self.error(
                f"must be of version {version}, the one that this release reads. Got {found}"
            )

    def error(self, problem):
        """Make the error of a state that cannot be read."""
        return InvalidParameterError(f"The 'state' parameter of {self.owner} {problem} instead.")

    def __contains__(self, name):
        """Whether there is such an entry."""
        return name in self.values

    def array(self, name, shape, dtype):
        """Read an array; -1 in its shape stands for any length. It is a copy."""
        value = self._value(name)
        expected = np.dtype(dtype)
        kinds = {"f": "fiu", "i": "iu", "b": "b"}[expected.kind]
        fits = len(value.shape) == len(shape) and all(
            wanted in (-1, length) for wanted, length in zip(shape, value.shape, strict=True)
        )
        if not fits or (value.size and value.dtype.kind not in kinds):
            raise self.error(
                f"must hold {name!r} as an array of shape {tuple(shape)} and type {expected}. Got "
                f"shape {value.shape} and type {value.dtype}"
            )
        return value.astype(expected)

    def dtype(self, name):
        """Return the type of an array."""
        return self._value(name).dtype

    def number(self, name, kind):
        """Read a single number, boolean or string."""
        value = self._value(name)
        kinds = {int: "iu", bool: "b", str: "U"}[kind]
        if value.shape != () or value.dtype.kind not in kinds:
            raise self.error(f"must hold {name!r} as {kind.__name__}. Got {value}")
        return kind(value)

    def _value(self, name):
        if name not in self.values:
            raise self.error(f"must hold {name!r}. Got the entries {sorted(self.values)[:10]}")
        return self.values[name]


def _as_array(value):
    try:
        return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
    except ValueError:  # rows of unequal length
        return np.empty(0, dtype=object)


def digest(values):
    """Compute a digest of an array by the values in it; of None, the empty string.

    Examples
    --------
    >>> digest(np.array([1, 2])) == digest(np.array([1, 2], dtype=np.int32)) != digest(["1", "2"])
    True
    """
    if values is None:
        return ""
    found = hashlib.sha256()
    for value in np.asarray(values).tolist():
        text = f"{type(value).__name__}:{value}".encode("utf-8", "surrogatepass")
        found.update(len(text).to_bytes(8, "little") + text)
    return found.hexdigest()
