"""Seeds: the same seed gives the same answer, and no generator is left other than it was found."""

from __future__ import annotations

import random
from contextlib import contextmanager
from numbers import Integral

import numpy as np

from sklearn_carto._utils._random_state import ONE_NET_AT_A_TIME, generators_kept


def random_state_names(estimator):
    """Names of all parameters of an estimator, nested ones too, that hold a random state."""
    names = estimator.get_params(deep=True)
    return sorted(name for name in names if f"__{name}".endswith("__random_state"))


def set_seed(estimator, seed):
    """Set an int on every nested `random_state`; None touches nothing."""
    if seed is not None:
        estimator.set_params(**dict.fromkeys(random_state_names(estimator), int(seed)))


def let_seeds_run_on(estimator):
    """Turn each int `random_state` into one generator, made once a training run.

    With an int, `partial_fit` starts from the seed again at each call, so that every epoch visits
    the rows in the same order and the model falls into a fixed cycle.
    """
    params = estimator.get_params(deep=True)
    seeds = {name: params[name] for name in random_state_names(estimator)}
    running = {
        name: np.random.RandomState(int(seed))
        for name, seed in seeds.items()
        if isinstance(seed, Integral)
    }
    estimator.set_params(**running)


@contextmanager
def torch_seeded(seed, device):
    """Train one net at a time, from `seed` on; None touches no generator."""
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
