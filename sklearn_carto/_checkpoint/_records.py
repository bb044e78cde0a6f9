"""What recorders have recorded, as arrays of a checkpoint: whole states, and entries of a journal.

With a history, what each step adds is appended to a journal and recorded again on resumption, which
gives the same running statistics bit for bit. Without one, the running statistics are saved.
"""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._utils._state import PackedState

STATE_VERSION = 1


def pack_recorder(name, recorder, facts, parts):
    """Add what a recorder holds to the facts and the parts of a state, under a name."""
    dynamics = recorder.dynamics
    if dynamics is None:
        return
    held_out = getattr(recorder, "held_out_mask", None)
    held_out = dynamics.held_out_mask if held_out is None else held_out
    facts[name] = {
        "planned_epochs": dynamics._planned_epochs,
        "whole_epochs": recorder.whole_epochs,
        "state": None,
    }
    if held_out is not None:
        parts[f"{name}.held_out_mask"] = held_out
    if dynamics.keep_history:  # is in the journal
        return
    state = dynamics._state_dict()
    for key, value in state.items():
        if isinstance(value, np.ndarray):
            parts[f"{name}.state.{key}"] = value
    facts[name]["state"] = {k: v for k, v in state.items() if not isinstance(v, np.ndarray)}


def begin_recorder(name, recorder, facts, parts):
    """Begin a recorder as it was begun before a state was saved, if that holds it."""
    if name in facts:
        held_out = parts.get(f"{name}.held_out_mask")
        recorder.begin(facts[name]["planned_epochs"], held_out)


def restore_recorder(name, recorder, facts, parts):
    """Restore a recorder that was begun; what is in the journal is restored by `record_entry`."""
    if name not in facts:
        return
    recorder.whole_epochs = facts[name]["whole_epochs"]
    if facts[name]["state"] is not None:
        prefix = f"{name}.state."
        state = {k.removeprefix(prefix): v for k, v in parts.items() if k.startswith(prefix)}
        state |= facts[name]["state"] | {"version": STATE_VERSION}
        packed = PackedState(state, "CartographyClassifier.checkpoint", STATE_VERSION)
        recorder.dynamics._load_state_dict(packed)


def pack_entries(entries):
    """Make facts and parts of what `TrainingDynamics._add` has received, for the journal."""
    facts, parts = [], {}
    for i, (epoch, observation, rows, margin_from, proba) in enumerate(entries):
        one = {"epoch": int(epoch), "margin_from": margin_from, "rows": None, "proba": False}
        if isinstance(rows, slice):
            one["rows"] = [None if bound is None else int(bound) for bound in _bounds(rows)]
        else:
            parts[f"{i}.rows"] = np.asarray(rows)
        for name, values in observation._asdict().items():
            parts[f"{i}.{name}"] = np.asarray(values)
        if proba is not None:
            one["proba"] = True
            parts[f"{i}.proba"] = np.asarray(proba)
        facts.append(one)
    return facts, parts


def record_entries(dynamics, facts, parts):
    """Record again what a file of the journal holds."""
    for i, one in enumerate(facts):
        rows = parts[f"{i}.rows"] if one["rows"] is None else slice(*one["rows"])
        observation = Observation(*(parts[f"{i}.{name}"] for name in Observation._fields))
        proba = parts[f"{i}.proba"] if one["proba"] else None
        dynamics._add(one["epoch"], observation, rows, margin_from=one["margin_from"], proba=proba)


def n_bytes(entry):
    """Count the bytes of an entry of the journal."""
    _, observation, _, _, proba = entry
    return sum(values.nbytes for values in observation) + (0 if proba is None else proba.nbytes)


def _bounds(rows):
    return rows.start, rows.stop, rows.step


def pack_mean(mean):
    """Make the parts of a RunningMeanMap, and its facts."""
    parts = {"n_maps": mean.n_maps, "n_epochs": mean.n_epochs}
    parts |= {f"totals.{name}": values for name, values in mean.totals.items()}
    parts |= {f"squares.{name}": values for name, values in mean.squares.items()}
    return {"margins": sorted(map(str, mean.margins))}, parts


def restore_mean(mean, facts, parts):
    """Restore a RunningMeanMap."""
    mean.n_maps, mean.n_epochs = parts["n_maps"].copy(), parts["n_epochs"].copy()
    for name in mean.totals:
        mean.totals[name] = parts[f"totals.{name}"].copy()
        mean.squares[name] = parts[f"squares.{name}"].copy()
    mean.margins = set(facts["margins"])
