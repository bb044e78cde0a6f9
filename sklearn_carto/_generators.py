"""Generators of random numbers that belong to the process: left as they were found."""

from __future__ import annotations

import random
from contextlib import contextmanager

import numpy as np


@contextmanager
def generators_kept(device="cpu"):
    """Leave the generators of torch (CPU and `device`), numpy and Python as they were found."""
    import torch

    device = torch.device(device or "cpu")
    on_device = getattr(torch, device.type, None) if device.type != "cpu" else None
    state = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    device_state = on_device.get_rng_state(device) if on_device else None
    try:
        yield on_device
    finally:
        torch.set_rng_state(state[0])
        np.random.set_state(state[1])  # noqa: NPY002
        random.setstate(state[2])
        if on_device:
            on_device.set_rng_state(device_state, device)
