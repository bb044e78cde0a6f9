"""Derive random streams; keep random states, and the training mode of torch modules."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from threading import RLock

import numpy as np
from sklearn.utils import check_random_state

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import is_flag

ONE_NET_AT_A_TIME = RLock()  # torch's generators are shared by all threads of a process


def draw_seed(random_state):
    """Return a seed: an int as it is, one draw of a RandomState, or fresh entropy for None."""
    if is_flag(random_state):
        raise InvalidParameterError(f"random_state must be no boolean. Got {random_state}.")
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if not isinstance(random_state, (int, np.integer)):
        return int(check_random_state(random_state).randint(2**31 - 1))
    if not 0 <= random_state < 2**32:
        raise InvalidParameterError(
            f"random_state must lie between 0 and 2**32 - 1. Got {random_state}."
        )
    return int(random_state)


def rule_generator(random_state, rule_name):
    """Make the generator of a rule: streams of different names are independent at any seed.

    Rules that share one stream, or restart it from the same seed, mirror each other: of uniform
    numbers and Gumbel keys from one state, a random and a weighted sample have no row in common.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        The seed. An instance gives one draw as the seed: to derive several streams from it, draw
        the seed once with ``draw_seed``. None: fresh entropy.
    rule_name : str
        Name of the stream.

    Returns
    -------
    rng : RandomState
        The generator.

    Examples
    --------
    >>> [rule_generator(0, name).randint(100) for name in ("random", "weighted", "random")]
    [2, 24, 2]
    """
    name = tuple(rule_name.encode())
    sequence = np.random.SeedSequence(draw_seed(random_state), spawn_key=name)
    return np.random.RandomState(np.random.MT19937(sequence))


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
