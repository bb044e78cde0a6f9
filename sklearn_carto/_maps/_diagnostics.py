"""Make a data map of recorded training dynamics, and warn where it is uninformative."""

from __future__ import annotations

import numpy as np

from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import DegenerateMapWarning, UnseenSamplesWarning


def make_data_map(dynamics, watched_name, epochs=None):
    """Make the data map of recorded training dynamics.

    Parameters
    ----------
    dynamics : TrainingDynamics
        What was recorded.
    watched_name : str
        Name of the watched model, for the warnings.
    epochs : slice, array-like of int or mask, default=None
        Epochs to include, see :meth:`DataMap.from_dynamics`.

    Returns
    -------
    data_map : DataMap
        The map.

    Warns
    -----
    UnseenSamplesWarning
        If some samples were never seen in training.
    DegenerateMapWarning
        If the map is uninformative.
    """
    warn_of_unseen_rows(dynamics)
    data_map = DataMap.from_dynamics(dynamics, epochs)
    warn_where_degenerate(data_map, dynamics, watched_name)
    return data_map


def warn_where_degenerate(data_map, dynamics, watched):
    """Say so where a map says little, and why.

    Parameters
    ----------
    data_map : DataMap
        The map.
    dynamics : TrainingDynamics
        What it is made of.
    watched : str
        Name of what was watched.
    """
    reason = _why_degenerate(data_map, dynamics, watched)
    if reason is not None:
        warn(f"The data map says little: {reason}.", DegenerateMapWarning)


def _why_degenerate(data_map, dynamics, watched):
    """Give the reason and the way out; None where the map is a good one."""
    n_seen = dynamics.n_seen
    if n_seen.min() < n_seen.max() and data_map.record == "out_of_fold":
        return (
            f"{watched} was trained for {n_seen.min()} epochs where one fold was left out and for "
            f"{n_seen.max()} where another was, so that rows of different folds hardly compare. "
            "Switch early stopping off (of a solver that converges, lower n_epochs)"
        )
    if data_map.n_epochs == 1:
        return (
            "one epoch was recorded, so that variability is 0 everywhere. Raise n_epochs "
            "(a net: max_epochs)"
        )
    if np.nanquantile(data_map.variability, 0.9) < 5e-3:
        return (
            f"{watched} hardly moved from epoch to epoch (nine tenths of the rows have a "
            "variability below 0.005): naive Bayes learns all in one pass, others have "
            "converged before the first epoch ended. Watch an estimator that learns gradually"
        )
    if dynamics._saturation > 0.8:
        return (
            f"over 80 % of the probabilities that {watched} gave lie within 0.001 of 0 or 1, "
            "so that rows can hardly be told apart. Scale the features, regularise more, or "
            "stop earlier"
        )
    return None


def warn_of_unseen_rows(dynamics):
    """Say which rows no epoch showed; the map holds NaN for them.

    Parameters
    ----------
    dynamics : TrainingDynamics
        What was recorded.
    """
    unseen = np.flatnonzero(dynamics.n_seen == 0)
    if len(unseen):
        warn(
            f"{len(unseen)} of {dynamics.n_samples} rows were never seen in training, among them "
            f"{unseen[:5].tolist()}: the map holds NaN for them, and no rows can be selected by "
            "it. Let the loader show every row (drop_last=False, a sampler over all rows).",
            UnseenSamplesWarning,
        )
