"""A recorder is saved at any batch, and a new one continues as if nothing had happened."""

import io
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_carto._recording._recorder import DynamicsRecorder
from sklearn_carto._utils._compat import InvalidParameterError

N, K, EPOCHS, SIZE = 11, 3, 3, 4
RNG = np.random.RandomState(0)
LOGITS = RNG.normal(scale=2, size=(EPOCHS, N, K)).astype(np.float32)
LABELS = RNG.randint(K, size=N)
IDS = np.array([f"row {i}" for i in range(N)])
BATCHES = [
    (epoch, np.random.RandomState(epoch).permutation(N)[start : start + SIZE])
    for epoch in range(EPOCHS)
    for start in range(0, N, SIZE)
]
STATISTICS = ("confidence", "variability", "correctness", "forgetting", "aum", "el2n", "dual")


def by_torch(state):
    torch, file = pytest.importorskip("torch"), io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def by_npz(state):
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    return dict(np.load(file))


def by_json(state):
    return json.loads(json.dumps(state, default=lambda value: value.tolist()))


def play(recorder, batches, kind=np.asarray, names=None, labels=LABELS):
    """Pass batches to a recorder, and end each epoch after its last one."""
    names = np.arange(N) if names is None else names
    for i, rows in batches:
        given = None if labels is None else kind(labels[rows])
        recorder.update(names[rows], kind(LOGITS[i, rows]), given)
        if len(rows) < SIZE:
            recorder.end_epoch()
    return recorder


def assert_same_map(one, other):
    for name in STATISTICS:
        values = (getattr(recorder.data_map(), name) for recorder in (one, other))
        assert_allclose(*values, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("carry", [by_torch, by_npz, by_json])
@pytest.mark.parametrize("kind", ["array", "tensor"])
@pytest.mark.parametrize("cut", range(len(BATCHES) + 1))
def test_a_run_that_is_cut_at_any_batch_and_continued_gives_the_map_of_the_whole(cut, kind, carry):
    if carry is by_torch:
        pytest.importorskip("torch")  # is loaded by loops that use it, which decides on tensors
    kind = np.asarray if kind == "array" else pytest.importorskip("torch").as_tensor
    whole = play(DynamicsRecorder(N, n_epochs=EPOCHS), BATCHES, kind)
    first = play(DynamicsRecorder(N, n_epochs=EPOCHS), BATCHES[:cut], kind)
    second = DynamicsRecorder(N, n_epochs=EPOCHS)
    second.load_state_dict(carry(first.state_dict()))
    play(second, BATCHES[cut:], kind)
    assert second.epoch == EPOCHS
    assert_same_map(whole, second)


SETTINGS = {
    "labels": {"labels": LABELS},
    "names of classes": {"labels": np.array(list("abc"))[LABELS], "classes": ["a", "b", "c"]},
    "ids": {"labels": LABELS, "sample_ids": IDS},
    "no history": {"labels": LABELS, "keep_history": False},
    "held out": {"labels": LABELS, "held_out_mask": np.arange(N) < 3},
    "evaluation": {"labels": LABELS, "record": "epoch_end", "missing": "error"},
}


@pytest.mark.parametrize("cut", [0, 4, 9])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_can_be_continued(settings, cut):
    names = settings.get("sample_ids")
    whole, first, second = (DynamicsRecorder(N, n_epochs=EPOCHS, **settings) for _ in range(3))
    play(whole, BATCHES, names=names, labels=None)
    second.load_state_dict(
        by_npz(play(first, BATCHES[:cut], names=names, labels=None).state_dict())
    )
    play(second, BATCHES[cut:], names=names, labels=None)
    assert_same_map(whole, second)


def test_saving_leaves_the_recording_as_it_is():
    recorder, undisturbed = DynamicsRecorder(N), play(DynamicsRecorder(N), BATCHES)
    states = []
    for batch in BATCHES:
        play(recorder, [batch])
        states.append(recorder.state_dict())
    assert_same_map(recorder, undisturbed)
    second = DynamicsRecorder(N)
    second.load_state_dict(states[2])  # not changed by what was recorded afterwards
    assert second.epoch == 1
    assert_allclose(second.dynamics.true_proba, undisturbed.dynamics.true_proba[:, :1])


def test_a_recorder_that_was_used_continues_the_state_alone():
    used = play(DynamicsRecorder(N), BATCHES[:5])
    used.load_state_dict(play(DynamicsRecorder(N), BATCHES[:7]).state_dict())
    assert_same_map(play(used, BATCHES[7:]), play(DynamicsRecorder(N), BATCHES))


OTHERS = {
    "n_samples": {"n_samples": N + 1, "labels": np.append(LABELS, 0)},
    "from_logits": {"from_logits": False},
    "missing": {"missing": "error"},
    "record": {"record": "epoch_end"},
    "keep_history": {"keep_history": False},
    "held_out_mask": {"held_out_mask": np.arange(N) < 2},
    "sample_ids": {"sample_ids": IDS},
    "classes": {"classes": ["a", "b", "c"]},
    r"the labels of 1 rows, among them \[4\]": {
        "labels": np.where(np.arange(N) == 4, (LABELS + 1) % K, LABELS)
    },
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_state_of_another_run_is_refused_by_what_differs(name):
    state = play(DynamicsRecorder(N, labels=LABELS), BATCHES[:4]).state_dict()
    other = DynamicsRecorder(**{"n_samples": N, "labels": LABELS} | OTHERS[name])
    with pytest.raises(ValueError, match=f"Got one that differs in {name}"):
        other.load_state_dict(state)
    assert other.epoch == 0


@pytest.mark.parametrize("ids", [["1", "2"], [1.5, 2.0], [2, 1], [True, False]], ids=str)
def test_names_of_rows_are_compared_by_value_and_type(ids):
    state = DynamicsRecorder(2, sample_ids=[1, 2]).state_dict()
    with pytest.raises(ValueError, match="differs in sample_ids"):
        DynamicsRecorder(2, sample_ids=ids).load_state_dict(state)
    DynamicsRecorder(2, sample_ids=np.array([1, 2], np.uint8)).load_state_dict(state)


def damaged(state):
    """Yield what a damaged checkpoint may hold."""
    yield from (None, 3, "state", [1], {}, {"version": 1}, {"version": 99}, {"version": "new"})
    for name, value in state.items():
        yield {key: part for key, part in state.items() if key != name}
        yield from (state | {name: bad} for bad in ([[1], [1, 2]], None, {}, np.zeros((2, 3, 1))))
        if not isinstance(value, (int, str)):
            yield state | {name: value[:1]}
    yield state | {"waiting_rows": state["waiting_rows"] + N}
    yield state | {"y_encoded": state["y_encoded"] + K}
    yield state | {"epoch": 7}
    yield state | {"window": -1}


def test_a_damaged_state_is_an_error_and_changes_nothing():
    state = play(DynamicsRecorder(N), BATCHES[:4]).state_dict()
    recorder, n_tried = play(DynamicsRecorder(N), BATCHES[:4]), 0
    for bad in damaged(state):
        with pytest.raises(ValueError, match=r"'state' parameter of DynamicsRecorder\.load_state_"):
            recorder.load_state_dict(bad)
        n_tried += 1
    assert n_tried > 100
    assert_same_map(play(recorder, BATCHES[4:]), play(DynamicsRecorder(N), BATCHES))


def test_errors_of_states_are_those_of_parameters():
    with pytest.raises(InvalidParameterError, match="must be of version 1.* Got 2 instead"):
        DynamicsRecorder(N).load_state_dict({"version": 2})
