"""Batches in any order, reduced on a device, give the statistics of the same rows in one array."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto._dynamics._observation import observe
from sklearn_carto._dynamics._scores import score_range_of, two_columns
from sklearn_carto._recording._accumulator import MAX_WAITING, EpochAccumulator, concat_epochs

torch = pytest.importorskip("torch")

from sklearn_carto._dynamics._observation import observe_tensor

RNG = np.random.RandomState(0)
LOGITS = RNG.normal(scale=4, size=(300, 5)).astype(np.float32)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
COLUMNS = RNG.randint(5, size=300)


def assert_same(one, other, atol=1e-6):
    for name in one._fields:
        a, b = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        assert a.dtype == b.dtype
        assert_allclose(a, b, atol=atol, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tensors_are_reduced_as_arrays_are(from_logits, dtype):
    scores = (LOGITS if from_logits else PROBABILITIES).astype(dtype)
    observation, score_range = observe_tensor(
        torch.as_tensor(scores), torch.as_tensor(COLUMNS), from_logits=from_logits
    )
    assert_same(observation, observe(scores, COLUMNS, from_logits=from_logits))
    assert_allclose(score_range, score_range_of(scores), rtol=1e-5)


@pytest.mark.parametrize("from_logits", [True, False])
def test_one_score_a_row_is_that_of_the_second_class(from_logits):
    scores = LOGITS[:, 0] if from_logits else PROBABILITIES[:, 0]
    columns = COLUMNS % 2
    whole = two_columns(scores, from_logits)
    expected = observe(whole, columns, from_logits=from_logits)
    assert_same(observe(scores, columns, from_logits=from_logits), expected)
    as_tensors = torch.as_tensor(scores), torch.as_tensor(columns)
    assert_same(observe_tensor(*as_tensors, from_logits=from_logits)[0], expected)


def test_the_first_of_several_highest_classes_counts_on_both():
    scores = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 2.0, 2.0]])
    columns = np.array([0, 1, 2])
    assert observe(scores, columns, from_logits=True).correct.tolist() == [True, False, False]
    observation, _ = observe_tensor(
        torch.as_tensor(scores), torch.as_tensor(columns), from_logits=True
    )
    assert observation.correct.tolist() == [True, False, False]


def test_the_scores_that_were_handed_over_are_left_as_they_are():
    scores = torch.as_tensor(LOGITS.copy())
    observe_tensor(scores, torch.as_tensor(COLUMNS), from_logits=True)
    assert_array_equal(scores.numpy(), LOGITS)


@pytest.mark.parametrize("kind", ["arrays", "tensors", "tensors that learn"])
@pytest.mark.parametrize("size", [7, 300])
def test_batches_may_come_in_any_order_and_size(kind, size, monkeypatch):
    monkeypatch.setattr("sklearn_carto._recording._accumulator.MAX_WAITING", 64)
    accumulator, order = (
        EpochAccumulator(from_logits=True),
        np.random.RandomState(1).permutation(300),
    )
    for start in range(0, 300, size):
        rows = order[start : start + size]
        scores = LOGITS[rows]
        if kind != "arrays":
            scores = torch.tensor(scores, requires_grad=kind == "tensors that learn")
        accumulator.add(rows, COLUMNS[rows], scores)
    epoch_scores = concat_epochs([accumulator.part()])
    assert_array_equal(epoch_scores.rows, np.arange(300))
    assert_array_equal(epoch_scores.y_encoded, COLUMNS)
    assert_same(epoch_scores.observation, observe(LOGITS, COLUMNS, from_logits=True))
    assert_allclose(epoch_scores.score_range, score_range_of(LOGITS), rtol=1e-5)


@pytest.mark.parametrize("as_type", [np.asarray, torch.as_tensor], ids=["arrays", "tensors"])
def test_what_happens_to_scores_after_they_were_handed_over_does_not_matter(as_type):
    scores, accumulator = as_type(LOGITS.copy()), EpochAccumulator(from_logits=True)
    accumulator.add(np.arange(300), COLUMNS, scores)
    scores[:] = 0
    assert_same(
        concat_epochs([accumulator.part()]).observation, observe(LOGITS, COLUMNS, from_logits=True)
    )


def test_a_view_does_not_keep_alive_what_it_is_a_view_of():
    whole = torch.zeros(3, 1000, 5)
    accumulator = EpochAccumulator(from_logits=True, own=True)
    accumulator.add(np.arange(3), np.zeros(3, dtype=int), whole[:, -1])
    assert accumulator.waiting[0][2].untyped_storage().nbytes() == 3 * 5 * 4


def test_of_a_row_seen_twice_the_first_time_counts():
    accumulator = EpochAccumulator(from_logits=False)
    accumulator.add(np.array([4, 1]), np.array([0, 0]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    accumulator.add(np.array([1, 4]), np.array([0, 0]), np.array([[0.3, 0.7], [0.4, 0.6]]))
    epoch_scores = concat_epochs([accumulator.part()])
    assert epoch_scores.rows.tolist() == [1, 4]
    assert epoch_scores.observation.true_proba.tolist() == np.float32([0.8, 0.9]).tolist()
    assert concat_epochs([epoch_scores, epoch_scores]).rows.tolist() == [1, 4]


def test_half_precision_is_reduced_in_single():
    rows = torch.as_tensor(LOGITS).to(torch.bfloat16)
    accumulator = EpochAccumulator(from_logits=True)
    accumulator.add(np.arange(300), COLUMNS, rows)
    assert_same(
        concat_epochs([accumulator.part()]).observation,
        observe(rows.float().numpy(), COLUMNS, from_logits=True),
    )


@pytest.mark.parametrize("as_type", [np.asarray, torch.as_tensor], ids=["arrays", "tensors"])
def test_finite_logits_are_finite_although_their_sum_is_not(as_type):
    lowest = np.finfo(np.float32).min
    scores = np.column_stack([LOGITS, np.full((300, 2), lowest)])
    accumulator = EpochAccumulator(from_logits=True)
    accumulator.add(np.arange(300), COLUMNS, as_type(scores))
    epoch_scores = concat_epochs([accumulator.part()])
    assert epoch_scores.score_range.finite
    assert (epoch_scores.score_range.min_score, epoch_scores.score_range.max_score) == (
        lowest,
        LOGITS.max(),
    )
    assert_same(epoch_scores.observation, observe(LOGITS, COLUMNS, from_logits=True))


def test_batches_of_several_kinds_are_joined_in_their_order():
    kinds = [torch.as_tensor, np.asarray, lambda x: torch.as_tensor(x).double(), np.float64]
    accumulator = EpochAccumulator(from_logits=True)
    for i, rows in enumerate(np.array_split(np.arange(300), 10)):
        columns = COLUMNS[rows] if i % 3 else torch.as_tensor(COLUMNS[rows])
        accumulator.add(rows, columns, kinds[i % 4](LOGITS[rows]))
    epoch_scores = concat_epochs([accumulator.part()])
    assert_array_equal(epoch_scores.y_encoded, COLUMNS)
    assert_same(epoch_scores.observation, observe(LOGITS, COLUMNS, from_logits=True))
    assert_allclose(epoch_scores.score_range, score_range_of(LOGITS), rtol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("as_type", [np.asarray, torch.as_tensor], ids=["arrays", "tensors"])
def test_a_bad_score_anywhere_shows_in_the_score_range(bad, as_type):
    scores = np.tile(PROBABILITIES, (1 + MAX_WAITING // 300, 1))
    for place in (0, len(scores) - 1):
        broken = scores.copy()
        broken[place, 2] = bad
        accumulator = EpochAccumulator(from_logits=False)
        for start in range(0, len(scores), 100):
            rows = np.arange(start, min(start + 100, len(scores)))
            accumulator.add(rows, rows % 5, as_type(broken[rows]))
        assert not concat_epochs([accumulator.part()]).score_range.finite


def test_the_score_range_holds_the_lowest_score_and_the_sum_furthest_from_one():
    score_range = score_range_of(np.array([[0.5, 0.5], [1.2, -0.1], [0.2, 0.2]]))
    assert score_range.finite
    assert score_range.min_score == -0.1
    assert score_range.worst_sum == pytest.approx(0.4)


def test_an_epoch_without_batches_is_none():
    assert EpochAccumulator(from_logits=True).part() is None
