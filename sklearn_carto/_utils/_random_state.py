"""Save and restore random states, and the training mode of torch modules."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from threading import RLock

import numpy as np

ONE_NET_AT_A_TIME = RLock()  # torch's generators are shared by all threads of a process


@contextmanager
def generators_kept(device="cpu"):
    """Restore the random states of numpy, Python and torch (CPU and `device`) on exit."""
    state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        if "torch" in sys.modules:
            with _torch_generators_kept(device) as on_device:
                yield on_device
        else:
            yield None
    finally:
        np.random.set_state(state[0])  # noqa: NPY002
        random.setstate(state[1])


@contextmanager
def _torch_generators_kept(device):
    import torch

    device = torch.device(device or "cpu")
    on_device = getattr(torch, device.type, None) if device.type != "cpu" else None
    state = torch.get_rng_state()
    device_state = on_device.get_rng_state(device) if on_device else None
    try:
        yield on_device
    finally:
        torch.set_rng_state(state)
        if on_device:
            on_device.set_rng_state(device_state, device)


@contextmanager
def modes_kept(*objects):
    """Restore the training or evaluation mode of torch modules and their submodules on exit."""
    import torch

    roots = [module for module in objects if isinstance(module, torch.nn.Module)]
    modes = {module: module.training for root in roots for module in root.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
