"""Class probabilities that a DynamicsRecorder records over epochs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto import metrics
from sklearn_carto.integrations.torch import DynamicsRecorder

NAMES = ["mutual_information", "predictive_entropy"]
N_EPOCHS, N_ROWS, N_CLASSES = 3, 7, 3
LOGITS = np.random.RandomState(0).normal(size=(N_EPOCHS, N_ROWS, N_CLASSES)).astype(np.float32)
PROBA = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=2, keepdims=True)
Y = np.arange(N_ROWS) % N_CLASSES


def as_arrays(values):
    return values


def as_tensors(values):
    return pytest.importorskip("torch").as_tensor(values)


def make_recorder(**params):
    return DynamicsRecorder(N_ROWS, uncertainty=True, **params)


def add_batches(recorder, epoch, rows, cast=as_arrays):
    for batch in np.array_split(rows, 2):
        recorder.update(cast(batch), cast(LOGITS[epoch][batch]), cast(Y[batch]))


def assert_entropies(data_map, proba):
    for name in NAMES:
        assert_allclose(getattr(data_map, name), getattr(metrics, name)(proba), atol=1e-6)


@pytest.mark.parametrize("cast", [as_arrays, as_tensors])
def test_batches_in_any_order_give_the_entropies_of_all_epochs(cast):
    recorder, rng = make_recorder(), np.random.RandomState(1)
    for epoch in range(N_EPOCHS):
        add_batches(recorder, epoch, rng.permutation(N_ROWS), cast)
        recorder.end_epoch()
    assert_entropies(recorder.data_map(), PROBA)


def test_of_rows_that_occur_twice_the_first_counts():
    recorder = make_recorder()
    recorder.update(np.arange(N_ROWS), LOGITS[0], Y)
    recorder.update(np.arange(2), LOGITS[1][:2], Y[:2])
    recorder.end_epoch()
    recorder.update(np.arange(N_ROWS), LOGITS[2], Y)
    recorder.end_epoch()
    assert_entropies(recorder.data_map(), PROBA[[0, 2]])


def test_a_state_in_the_middle_of_an_epoch_continues_it():
    recorder, other = make_recorder(), make_recorder()
    add_batches(recorder, 0, np.arange(N_ROWS))
    recorder.end_epoch()
    add_batches(recorder, 1, np.arange(3))
    other.load_state_dict(recorder.state_dict())
    add_batches(other, 1, np.arange(3, N_ROWS))
    other.end_epoch()
    assert_entropies(other.data_map(), PROBA[:2])


def test_the_state_of_a_recorder_without_them_is_refused():
    plain = DynamicsRecorder(N_ROWS)
    add_batches(plain, 0, np.arange(N_ROWS))
    plain.end_epoch()
    with pytest.raises(ValueError, match="must hold 'uncertainty'"):
        make_recorder().load_state_dict(plain.state_dict())
    assert not plain.dynamics.uncertainty


def test_recorders_of_different_rows_are_merged_and_of_the_same_refused():
    halves = make_recorder(), make_recorder()
    for epoch in range(N_EPOCHS):
        for half, rows in zip(halves, (np.arange(3), np.arange(3, N_ROWS)), strict=True):
            add_batches(half, epoch, rows)
            half.end_epoch()
    merged = DynamicsRecorder.merge(halves)
    assert_entropies(merged.data_map(), PROBA)
    assert_array_equal(merged.dynamics.n_seen, np.full(N_ROWS, N_EPOCHS))
    with pytest.raises(ValueError, match="needs recorders of different rows; 3 rows"):
        DynamicsRecorder.merge([halves[0], halves[0]])
