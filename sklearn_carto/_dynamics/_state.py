"""The state of training dynamics, as a file or a checkpoint carries it."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._consistency import find_inconsistency
from sklearn_carto._dynamics._history import blank_observation
from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._dynamics._running import RunningStatistics, dual_window
from sklearn_carto._dynamics._uncertainty import RunningUncertainty
from sklearn_carto._utils._state import PackedState

MAX_EPOCHS = (
    1_000_000  # more are taken for a mistake, such as a step or a time in place of an epoch
)
_MARGIN_FROM = ("logits", "probabilities", "")  # the last one: nothing is recorded yet


def state_of(dynamics):
    """Copy what was recorded: a flat dict of arrays, numbers and strings."""
    running = dynamics._running.arrays().items()
    state = {f"running_{name}": np.array(value) for name, value in running}
    if dynamics._history is not None:
        state |= {name: dynamics._stacked(name) for name in Observation._fields}
    if dynamics.uncertainty:
        state |= {name: np.array(value) for name, value in vars(dynamics._uncertainty).items()}
    return state | {
        "n_recorded": dynamics.n_epochs,
        "planned_epochs": dynamics._planned_epochs,
        "window": dynamics._running.window,
        "margin_from": dynamics.margin_from or "",
    }


def read_state(dynamics, state):
    """Read a copy that `state_of` made, a PackedState; return the attributes of the dynamics."""
    n_epochs, planned = state.number("n_recorded", int), state.number("planned_epochs", int)
    window, margin_from = state.number("window", int), state.number("margin_from", str)
    counts_fit = 0 <= n_epochs <= MAX_EPOCHS and planned >= 1
    if not counts_fit or not 2 <= window <= dual_window(MAX_EPOCHS):
        raise state.error("must hold counts of epochs. Got others")
    if margin_from not in _MARGIN_FROM:
        raise state.error(f"must hold logits or probabilities. Got {margin_from!r}")
    running = RunningStatistics(dynamics.n_samples, window)
    arrays = {
        name: state.array(f"running_{name}", blank.shape, _read_as(blank.dtype))
        for name, blank in running.arrays().items()
    }
    history = None
    if dynamics._history is not None:
        blank, shape = blank_observation(0, _precision(state)), (dynamics.n_samples, n_epochs)
        by_epoch = (
            np.ascontiguousarray(state.array(name, shape, values.dtype).T)
            for name, values in zip(Observation._fields, blank, strict=True)
        )
        history = [Observation(*values) for values in zip(*by_epoch, strict=True)]
    problem = find_inconsistency(arrays, window, history, n_epochs)
    if problem:
        raise state.error(f"must hold {problem}. Got others")
    running.set_arrays(arrays)
    if history is not None:
        history = dynamics._history.replaced(history)
    return {
        "_running": running,
        "_uncertainty": _read_uncertainty(dynamics, state, running.n_seen),
        "_history": history,
        "_n_epochs": n_epochs,
        "_planned_epochs": planned,
        "margin_from": margin_from or None,
    }


def _read_as(dtype):
    """Return the type to read a counter or a statistic as, before its range is checked."""
    return np.dtype(np.int64) if dtype.kind == "i" else dtype


def _precision(state):
    """Return the type of the history of a state."""
    dtype = state.dtype("true_proba")
    return dtype if dtype == np.float16 else np.float32


def _read_uncertainty(dynamics, state, n_seen):
    """Read the sums of class probabilities and entropies; None if they are not recorded."""
    if not dynamics.uncertainty:
        return None
    sums = RunningUncertainty(dynamics.n_samples, 0)
    sums.proba_sum = state.array("proba_sum", (dynamics.n_samples, -1), float)
    sums.entropy_sum = state.array("entropy_sum", (dynamics.n_samples,), float)
    totals, n_columns = sums.proba_sum.sum(axis=1), sums.proba_sum.shape[1]
    most = n_seen * np.log(max(n_columns, 1))
    fits = (sums.proba_sum >= 0).all() and np.allclose(totals, n_seen, atol=1e-6)
    fits = fits and bool(((sums.entropy_sum >= 0) & (sums.entropy_sum <= most + 1e-6)).all())
    if not fits:
        raise state.error("must hold sums of the class probabilities of n_seen epochs. Got others")
    return sums


def archived_state(dynamics, arrays, facts):
    """Make the state of arrays and facts from an archive, for dynamics with nothing recorded."""
    n_epochs = facts["n_epochs"]
    if dynamics._history is not None and n_epochs == 0:  # older archives lack the empty history
        arrays = arrays | {name: dynamics._stacked(name) for name in Observation._fields}
    state = {
        "n_recorded": n_epochs,
        "planned_epochs": dynamics._planned_epochs,
        "window": facts["window"],
        "margin_from": facts["margin_from"] or "",
        "version": 1,
    }
    return PackedState(state | arrays, "TrainingDynamics.load", 1)
