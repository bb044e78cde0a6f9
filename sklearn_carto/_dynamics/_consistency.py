"""Consistency of recorded training dynamics that come from a file or a checkpoint."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._running import EARLY_EPOCHS

_TOLERANCE = 1e-5  # rounding of single precision, summed over epochs, for each of them
_HALF_TOLERANCE = 1e-3  # of half precision, whose unit is 9.8e-4

_HIGHEST = np.finfo(np.float64).max
_BOUNDS = {  # of what is recorded at an epoch
    "true_proba": (0.0, 1.0),
    "margin": (-np.inf, np.inf),
    "el2n": (0.0, np.sqrt(2)),
    "loss": (0.0, np.inf),
}


def find_inconsistency(running, window, history, n_epochs):
    """Return what running statistics or a history do not fulfil, as they do if recorded; or None.

    Parameters
    ----------
    running : dict of str to ndarray of shape (n_samples,)
        The arrays of :meth:`RunningStatistics.arrays`.
    window : int
        Length of the sliding window.
    history : list of Observation, or None
        The observation of all rows at each epoch, NaN for rows that are missing from it.
    n_epochs : int
        Number of epochs.

    Returns
    -------
    problem : str or None
        What they should be.
    """
    n_seen, n_correct, last = running["n_seen"], running["n_correct"], running["last_epoch"]
    early = np.sqrt(2) * np.minimum(n_seen, EARLY_EPOCHS)
    learned = np.isfinite(running["first_learned"])
    bounds = {
        "n_seen": (0, np.minimum(last + 1, n_epochs)),
        "last_epoch": (np.where(n_seen > 0, 0, -1), np.where(n_seen > 0, n_epochs - 1, -1)),
        "mean": (0, 1),
        "squares": (0, n_seen / 4),
        "n_correct": (running["was_correct"], n_seen),
        "n_forgotten": (0, n_correct),
        "first_learned": (0, np.where(learned, last, np.inf)),
        "margin_sum": (-_HIGHEST, _HIGHEST),
        "loss_sum": (0, _HIGHEST),
        "el2n_sum": (0, early),
        "n_extreme": (0, n_seen),
        "ring": (0, 1),
        "window_mean": (0, 1),
        "window_squares": (0, window),
        "dual_sum": (0, n_seen),
    }
    for name, (low, high) in bounds.items():
        values = running[name]
        slack = _TOLERANCE * (1 + n_epochs) if values.dtype.kind == "f" else 0
        if not ((values >= low - slack) & (values <= high + slack)).all():
            return f"{name} in the range of {n_epochs} epochs"
    first_learned = running["first_learned"]
    if not np.array_equal(np.floor(first_learned), first_learned):
        return "first_learned in whole epochs"
    if not np.array_equal(learned, n_correct > 0):
        return "first_learned for the rows that were correct at an epoch"
    return None if history is None else _find_in_history(running, history)


def _find_in_history(running, history):
    n_recorded, n_correct = np.zeros_like(running["n_seen"]), np.zeros_like(running["n_seen"])
    tolerance = _TOLERANCE
    sums, sizes = ({name: np.zeros(len(n_recorded)) for name in _BOUNDS} for _ in range(2))
    for observation in history:
        half = observation.true_proba.dtype == np.float16
        tolerance = _HALF_TOLERANCE if half else _TOLERANCE
        largest = np.finfo(np.float16).max if half else np.inf  # what exceeds it was cut off
        missing = np.isnan(observation.true_proba)
        for name, (low, high) in _BOUNDS.items():
            values = getattr(observation, name)
            if not np.array_equal(np.isnan(values), missing):
                return f"{name} for the rows that were recorded at an epoch"
            values = np.where(missing, 0.0, values.astype(np.float64))
            outside = (values < low - tolerance) | (values > high + tolerance)
            if outside.any() or not np.isfinite(values).all():
                return f"{name} between {low:.3g} and {high:.3g}, finite at each epoch"
            sums[name] += values
            sizes[name] += np.where(np.abs(values) < largest, np.abs(values), np.inf)
        n_recorded += ~missing
        n_correct += observation.correct & ~missing
    if not np.array_equal(n_recorded, running["n_seen"]):
        return "a history of n_seen epochs for each row"
    if not np.array_equal(n_correct, running["n_correct"]):
        return "a history with n_correct correct epochs for each row"
    totals = {
        "true_proba": running["mean"] * running["n_seen"],
        "margin": running["margin_sum"],
        "loss": running["loss_sum"],
    }
    for name, total in totals.items():
        if (np.abs(sums[name] - total) > tolerance * (1 + sizes[name])).any():
            return f"a history of {name} whose sum is that of the running statistics"
    return None
