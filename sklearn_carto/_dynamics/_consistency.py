"""Consistency of recorded training dynamics that come from a file or a checkpoint."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._running import EARLY_EPOCHS

_TOLERANCE = 1e-5  # rounding of single precision, summed over epochs, for each of them


def find_inconsistency(running, history, n_epochs):
    """Return what running statistics or a history do not fulfil, as they do if recorded; or None.

    Parameters
    ----------
    running : RunningStatistics
        The statistics of all rows.
    history : list of Observation, or None
        The observation of all rows at each epoch, NaN for rows that are missing from it.
    n_epochs : int
        Number of epochs.

    Returns
    -------
    problem : str or None
        What they should be.
    """
    n_seen, n_correct, last = running.n_seen, running.n_correct, running.last_epoch
    early = np.sqrt(2) * np.minimum(n_seen, EARLY_EPOCHS)
    learned = np.isfinite(running.first_learned)
    bounds = {
        "n_seen": (0, np.minimum(last + 1, n_epochs)),
        "last_epoch": (np.where(n_seen > 0, 0, -1), np.where(n_seen > 0, n_epochs - 1, -1)),
        "mean": (0, 1),
        "squares": (0, n_seen / 4),
        "n_correct": (running.was_correct, n_seen),
        "n_forgotten": (0, n_correct),
        "first_learned": (0, np.where(learned, last, np.inf)),
        "margin_sum": (-np.inf, np.inf),
        "loss_sum": (0, np.inf),
        "el2n_sum": (0, early),
        "n_extreme": (0, n_seen),
        "ring": (0, 1),
        "window_mean": (0, 1),
        "window_squares": (0, running.window),
        "dual_sum": (0, n_seen),
    }
    for name, (low, high) in bounds.items():
        values = getattr(running, name)
        slack = _TOLERANCE * (1 + n_epochs) if values.dtype.kind == "f" else 0
        if not ((values >= low - slack) & (values <= high + slack)).all():
            return f"{name} in the range of {n_epochs} epochs"
    if not np.array_equal(learned, n_correct > 0):
        return "first_learned for the rows that were correct at an epoch"
    return None if history is None else _find_in_history(running, history)


def _find_in_history(running, history):
    n_recorded, n_correct = np.zeros_like(running.n_seen), np.zeros_like(running.n_seen)
    for observation in history:
        missing = np.isnan(observation.true_proba)
        for name in ("true_proba", "margin", "el2n", "loss"):
            if not np.array_equal(np.isnan(getattr(observation, name)), missing):
                return f"{name} for the rows that were recorded at an epoch"
        p = observation.true_proba[~missing]
        if ((p < 0) | (p > 1)).any():
            return "true_proba between 0 and 1"
        n_recorded += ~missing
        n_correct += observation.correct & ~missing
    if not np.array_equal(n_recorded, running.n_seen):
        return "a history of n_seen epochs for each row"
    if not np.array_equal(n_correct, running.n_correct):
        return "a history with n_correct correct epochs for each row"
    return None
