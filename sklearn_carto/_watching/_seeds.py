"""Seeds of an estimator, and of torch's generators."""

from __future__ import annotations

import random
from contextlib import contextmanager
from numbers import Integral

import numpy as np

from sklearn_carto._utils._random_state import ONE_NET_AT_A_TIME, generators_kept


def draw_seed(random_state):
    """Draw an int from a RandomState instance; an int and None are returned as they are."""
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(np.iinfo(np.int32).max)
    return random_state


def _random_state_names(estimator):
    """Names of all parameters, nested ones too, that are a `random_state`."""
    names = estimator.get_params(deep=True)
    return sorted(name for name in names if f"__{name}".endswith("__random_state"))


def set_seed(estimator, seed):
    """Set an int on every nested `random_state`; None changes nothing."""
    if seed is not None:
        estimator.set_params(**dict.fromkeys(_random_state_names(estimator), int(seed)))


def share_random_state_over_epochs(estimator):
    """Replace each int `random_state` by one generator for the whole training.

    With an int, each call of `partial_fit` starts from the same state, so that every epoch visits
    the samples in the same order and the model falls into a fixed cycle.
    """
    params = estimator.get_params(deep=True)
    seeds = {name: params[name] for name in _random_state_names(estimator)}
    generators = {
        name: np.random.RandomState(int(seed))
        for name, seed in seeds.items()
        if isinstance(seed, Integral)
    }
    estimator.set_params(**generators)


@contextmanager
def torch_seeded(seed, device):
    """Train one net at a time with seeded generators, restored on exit; None seeds nothing."""
    import torch

    with ONE_NET_AT_A_TIME:
        if seed is None:
            yield
            return
        with generators_kept(device) as on_device:
            torch.default_generator.manual_seed(int(seed))
            if on_device:
                on_device.manual_seed(int(seed))
            np.random.seed(int(seed) % 2**32)  # noqa: NPY002  skorch's ValidSplit draws from it
            random.seed(int(seed))
            yield
