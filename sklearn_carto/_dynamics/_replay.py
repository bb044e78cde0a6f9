"""Statistics of some epochs, replayed from a history."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._dynamics._running import (
    BLOCK,
    STATISTICS,
    RunningStatistics,
    blocks_of,
    dual_window,
)


def replay_history(history, epochs):
    """Compute the running statistics of some epochs, as they would be if only these were recorded.

    All epochs of a block of rows are replayed before those of the next one, so that its statistics
    stay in the cache.

    Parameters
    ----------
    history : History
        The recorded epochs.
    epochs : ndarray of int
        The epochs to include, ascending.

    Returns
    -------
    statistics : dict of str to ndarray of shape (n_samples,)
        One entry for each statistic.
    """
    n_samples, window, recorded = history.n_samples, dual_window(len(epochs)), history.epochs()
    chosen = [(int(epoch), recorded[epoch]) for epoch in epochs]
    statistics = {name: np.empty(n_samples) for name in STATISTICS}
    for _, block in blocks_of(slice(None), n_samples):
        running = RunningStatistics(min(BLOCK, n_samples - block.start), window)
        for epoch, whole in chosen:
            if whole is not None:
                _update(running, epoch, Observation(*(values[block] for values in whole)))
        for name, values in running.results().items():
            statistics[name][block] = values
    return statistics


def _update(running, epoch, observation):
    missing = np.isnan(observation.true_proba)
    if not missing.any():
        running.update(epoch, observation)
        return
    rows = np.flatnonzero(~missing)
    running.update(epoch, Observation(*(values[rows] for values in observation)), rows)
