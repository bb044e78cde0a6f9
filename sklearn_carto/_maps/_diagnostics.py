"""Make a data map of recorded training dynamics, and warn where it is uninformative."""

from __future__ import annotations

import numpy as np

from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import DegenerateMapWarning, UnseenSamplesWarning

# Conventions; a map that is warned of needlessly costs less than one that is trusted in vain.
# Variability below a hundredth of its maximum, 0.5, is one that no plot resolves,
MIN_VARIABILITY = 0.005
# and a map where it reaches so few rows has no ambiguous region to select from.
SHARE_WITHOUT_MOVEMENT = 0.9
# With more saturated probabilities than this, most rows share one corner of the map.
MAX_SATURATION = 0.8


def make_data_map(dynamics, watched_name, epochs=None):
    """Make the data map of recorded training dynamics.

    Parameters
    ----------
    dynamics : TrainingDynamics
        The recorded training dynamics.
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
    data_map = DataMap.from_dynamics(dynamics, epochs)
    warn_if_uninformative(data_map, dynamics, watched_name)
    return data_map


def warn_if_uninformative(data_map, dynamics, watched_name):
    """Raise the warnings of :func:`make_data_map` for a map that is kept already.

    Whoever keeps the map does so first: a filter may turn the warnings into errors. If `data_map`
    is None, for the map of all epochs, which need not be made for that.
    """
    _warn_of_unseen_rows(dynamics)
    if data_map is None:
        variability, n_epochs = dynamics._variability(), dynamics.n_epochs
    else:
        variability, n_epochs = data_map.variability, data_map.n_epochs
    reason = _why_degenerate(variability, n_epochs, dynamics, watched_name)
    if reason is not None:
        warn(f"The data map is uninformative: {reason}.", DegenerateMapWarning)


def _why_degenerate(variability, n_epochs, dynamics, watched_name):
    """Return the reason and the way out, or None."""
    n_seen, excluded = dynamics.n_seen, dynamics.excluded_mask
    if excluded is not None and not excluded.all():
        n_seen = n_seen[~excluded]
    if n_seen.min() < n_seen.max() and dynamics.record == "out_of_fold":
        return (
            f"{watched_name} was trained for {n_seen.min()} epochs on some splits and for "
            f"{n_seen.max()} on others, so that rows of different test folds hardly compare. "
            "Disable early stopping (for a solver that converges, lower n_epochs)"
        )
    if n_epochs == 1:
        return (
            "one epoch was recorded, so that variability is 0 everywhere. Raise n_epochs "
            "(a net: max_epochs)"
        )
    is_absent = np.isnan(variability) if excluded is None else np.isnan(variability) | excluded
    variability = variability[~is_absent] if is_absent.any() else variability
    if len(variability) and np.quantile(variability, SHARE_WITHOUT_MOVEMENT) < MIN_VARIABILITY:
        return (
            f"{watched_name} hardly moved from epoch to epoch ({SHARE_WITHOUT_MOVEMENT:.0%} of "
            f"the rows have a variability below {MIN_VARIABILITY}): naive Bayes converges in one "
            "pass, other estimators have converged before the first epoch ended. Watch an "
            "estimator that learns gradually"
        )
    if dynamics._saturation > MAX_SATURATION:
        return (
            f"over {100 * MAX_SATURATION:.0f} % of the probabilities returned by {watched_name} "
            "lie within 0.001 of 0 or 1, so that most rows hardly differ. Scale the features, "
            "regularise more, or stop earlier"
        )
    return None


def _warn_of_unseen_rows(dynamics):
    """Warn if some rows were never seen, which a map holds as NaN.

    Parameters
    ----------
    dynamics : TrainingDynamics
        The recorded training dynamics.
    """
    unseen = np.flatnonzero(dynamics.n_seen == 0)
    if len(unseen):
        warn(
            f"{len(unseen)} of {dynamics.n_samples} rows were never seen in training, among them "
            f"{unseen[:5].tolist()}: the map holds NaN for them, and they are not selected. A "
            "sampler that draws rows with weights shows more of them in more epochs; a loader that "
            "leaves out the last batch shows all of them with drop_last=False.",
            UnseenSamplesWarning,
        )
