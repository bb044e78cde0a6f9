"""The states of the generators that all code of a process shares: of numpy, Python and torch."""

from __future__ import annotations

import pickle
import random
import sys

import numpy as np


def generator_states(device=None):
    """Copy the states of the generators of numpy, Python and torch (CPU and `device`)."""
    states = {"numpy": np.random.get_state(), "random": random.getstate()}  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.get_rng_state().numpy()
        on_device = _on_device(torch, device)
        if on_device is not None:
            states["device"] = on_device.get_rng_state(torch.device(device)).cpu().numpy()
    return states


def set_generator_states(states, device=None):
    """Set the generators to copied states; those that a state lacks stay as they are."""
    np.random.set_state(states["numpy"])  # noqa: NPY002
    random.setstate(states["random"])
    torch = sys.modules.get("torch")
    if torch is not None and "torch" in states:
        torch.set_rng_state(torch.from_numpy(states["torch"].copy()))
        on_device = _on_device(torch, device)
        if on_device is not None and "device" in states:
            state = torch.from_numpy(states["device"].copy())
            on_device.set_rng_state(state, torch.device(device))


def same_states(first, second):
    """Whether two copies of states are equal; of torch, where both hold it."""
    names = first.keys() & second.keys()
    return all(pickle.dumps(first[name]) == pickle.dumps(second[name]) for name in names)


def _on_device(torch, device):
    kind = torch.device(device or "cpu").type
    return None if kind == "cpu" else getattr(torch, kind, None)
