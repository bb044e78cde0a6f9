"""The state of a DynamicsRecorder: what a checkpoint carries, and the checks before it returns."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._dynamics._scores import ScoreRange
from sklearn_carto._recording._accumulator import EpochScores
from sklearn_carto._utils._state import PackedState, digest, pack

VERSION = 1
OWNER = "DynamicsRecorder.load_state_dict"


def state_of(recorder):
    """Copy the state of a recorder, including the batches of an epoch that has not ended."""
    index, waiting = recorder._sample_index, recorder._accumulator.part()
    state = {"version": VERSION, **_identity(recorder), "epoch": recorder.epoch}
    state |= {
        "classes": digest(index.classes),
        "n_classes": 0 if index.classes is None else len(index.classes),
        "y_encoded": index.y_encoded.copy(),
        "n_waiting": 0 if waiting is None else len(waiting.rows),
    }
    if waiting is not None:
        state |= {f"waiting_{name}": value for name, value in waiting.observation._asdict().items()}
        state |= {
            "waiting_rows": waiting.rows,
            "waiting_y_encoded": waiting.y_encoded,
            "waiting_range": np.array(waiting.score_range),
        }
        if waiting.proba is not None:
            state["waiting_proba"] = waiting.proba
    if recorder._log is not None:
        state["log"] = recorder._log.run
    return pack(state | recorder._dynamics._state_dict())


def restore(recorder, state):
    """Continue from a state; a ValueError is raised, and nothing is changed, if it does not fit."""
    state = PackedState(state, OWNER, VERSION)
    index, n_samples = recorder._sample_index, recorder.n_samples
    differing = [
        name for name, own in _identity(recorder).items() if state.number(name, type(own)) != own
    ]
    if differing:
        raise _other_run(", ".join(differing))
    classes = _restored_classes(index.given_classes, state)
    y_encoded = state.array("y_encoded", (n_samples,), int)
    own = index.given_y_encoded
    other = np.flatnonzero((own >= 0) & (y_encoded >= 0) & (own != y_encoded))
    if len(other):
        raise _other_run(f"the labels of {len(other)} rows, among them {index.some_names(other)}")
    waiting = _restored_waiting(state, n_samples, recorder._settings["uncertainty"])
    used = y_encoded if waiting is None else np.concatenate([y_encoded, waiting.y_encoded])
    n_classes = 0 if classes is None else len(classes)
    epoch = state.number("epoch", int)
    if used.max() >= n_classes or epoch != state.number("n_recorded", int):
        raise state.error("must hold labels that are columns. Got others")

    run = state.number("log", str) if "log" in state else None
    recorder._dynamics._load_state_dict(state)
    recorder.epoch = epoch
    if recorder._log is not None:
        recorder._log.resume(run)
    index.forget_inferred()
    if n_classes:
        index.infer_classes(n_classes)
    index.y_encoded = np.where(y_encoded < 0, own, y_encoded)
    recorder._new_accumulator()
    if waiting is not None:
        recorder._accumulator.resume(waiting)


def _identity(recorder):
    """Collect what recorders of one run have in common, by value."""
    settings = recorder._settings
    # states of earlier releases lack it
    uncertainty = {"uncertainty": True} if settings["uncertainty"] else {}
    return uncertainty | {
        "n_samples": recorder.n_samples,
        "from_logits": bool(recorder.from_logits),
        "missing": recorder.missing,
        "record": settings["record"],
        "keep_history": bool(settings["keep_history"]),
        "held_out_mask": digest(settings["held_out_mask"]),
        "sample_ids": digest(recorder._sample_index.names),
    }


def _restored_classes(given, state):
    """Determine the classes: those given to the recorder, or inferred before the state was saved.

    A state that was saved ahead of the first batch may know none.
    """
    found, n_classes = state.number("classes", str), state.number("n_classes", int)
    inferred = np.arange(n_classes)
    if found not in ("", digest(inferred if given is None else given)):
        raise _other_run("classes")
    return inferred if given is None and found else given


def _restored_waiting(state, n_samples, uncertainty):
    n_waiting = state.number("n_waiting", int)
    if n_waiting == 0:
        return None
    rows = state.array("waiting_rows", (n_waiting,), int)
    if rows.min() < 0 or rows.max() >= n_samples:
        raise state.error(f"must hold rows between 0 and {n_samples - 1}. Got others")
    kinds = zip(Observation._fields, ("f", "?", "f", "f", "f"), strict=True)
    return EpochScores(
        rows,
        state.array("waiting_y_encoded", (n_waiting,), int),
        Observation(*(state.array(f"waiting_{name}", (n_waiting,), kind) for name, kind in kinds)),
        ScoreRange(*state.array("waiting_range", (4,), float).tolist()),
        state.array("waiting_proba", (n_waiting, -1), float) if uncertainty else None,
    )


def _other_run(what):
    return ValueError(
        f"The 'state' parameter of {OWNER} must be that of a recorder of the same rows, labels and "
        f"settings. Got one that differs in {what}."
    )
