"""From class scores to what is recorded of a row."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto._dynamics._observation import observe, observe_tensor
from sklearn_carto._dynamics._scores import score_range_of

# p = softmax of these logits; the labels' columns are 0, 2, 1
LOGITS = np.log([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
COLUMNS = np.array([0, 2, 1])


@pytest.mark.parametrize("from_logits", [False, True])
def test_five_numbers_counted_by_hand(from_logits):
    scores = LOGITS + 3.0 if from_logits else np.exp(LOGITS)  # a shift changes no softmax
    seen = observe(scores, COLUMNS, from_logits=from_logits)
    assert_allclose(seen.true_proba, [0.7, 0.2, 0.6], rtol=1e-6)
    assert_array_equal(seen.correct, [True, False, True])
    assert_allclose(seen.margin, np.log([0.7 / 0.2, 0.2 / 0.5, 0.6 / 0.3]), rtol=1e-6)
    # (.3, .2, .1), (.5, .3, .8), (.1, .4, .3)
    assert_allclose(seen.el2n, np.sqrt([0.14, 0.98, 0.26]), rtol=1e-6)
    assert_allclose(seen.loss, -np.log([0.7, 0.2, 0.6]), rtol=1e-6)


def test_one_dimension_is_the_logit_of_the_second_of_two_classes():
    seen = observe(np.array([np.log(3.0), np.log(3.0)]), np.array([1, 0]), from_logits=True)
    assert_allclose(seen.true_proba, [0.75, 0.25], rtol=1e-6)
    assert_allclose(seen.margin, [np.log(3), -np.log(3)], rtol=1e-6)


def test_correct_is_argmax_and_not_one_half():
    # with five classes a probability of 0.3 can be the largest
    seen = observe(np.array([[0.3, 0.25, 0.2, 0.15, 0.1]]), np.array([0]))
    assert seen.correct[0]


def test_zero_probability_has_a_finite_margin_and_loss():
    seen = observe(np.array([[0.0, 1.0]]), np.array([0]))
    largest = -np.log(np.finfo(np.float32).tiny)
    assert_allclose([seen.margin[0], seen.loss[0]], [-largest, largest], rtol=1e-6)


def test_logits_keep_the_margin_that_probabilities_have_lost():
    seen = observe(np.array([[500.0, 0.0], [800.0, 0.0]]), np.array([0, 1]), from_logits=True)
    assert_array_equal(seen.true_proba, [1.0, 0.0])
    assert_array_equal(seen.margin, [500.0, -800.0])
    assert_array_equal(seen.loss, [0.0, 800.0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_kept_is_single_precision_and_the_scores_are_left_alone(dtype):
    scores = np.exp(LOGITS).astype(dtype)
    before = scores.copy()
    seen = observe(scores, COLUMNS)
    assert_array_equal(scores, before)
    assert {values.dtype for values in seen} == {np.dtype(np.float32), np.dtype(bool)}


def test_finite_logits_are_finite_although_their_sum_is_not():
    lowest = np.finfo(np.float32).min
    score_range = score_range_of(np.array([[1.0, lowest, lowest]], dtype=np.float32))
    assert score_range.finite
    assert (score_range.min_score, score_range.max_score) == (lowest, 1.0)


@pytest.mark.parametrize("bad", [[np.nan, 0], [np.inf, 0], [-np.inf, np.nan], [-np.inf, -np.inf]])
def test_a_score_that_is_not_finite_shows(bad):
    scores = np.zeros((3, 2))
    scores[1] = bad
    assert not score_range_of(scores).finite


def test_logits_of_masked_classes_are_finite():
    assert score_range_of(np.array([[0.0, -np.inf], [0.0, 0.0]])).finite


def test_tensors_of_masked_and_of_huge_logits_are_reduced_as_arrays_are():
    torch = pytest.importorskip("torch")
    logits = np.array([[1.0, -np.inf, 0.0], [-np.inf, 0.5, -np.inf], [1e300, -1e300, 0.0]])
    for columns in (np.array([0, 1, 0]), np.array([1, 2, 1])):
        expected, whole = observe(logits, columns, from_logits=True), score_range_of(logits)
        seen, seen_range = observe_tensor(
            torch.from_numpy(logits), torch.from_numpy(columns), from_logits=True
        )
        for one, other in zip(seen, expected, strict=True):
            assert_allclose(one.numpy(), other, rtol=1e-6, atol=1e-30)
            assert np.isfinite(other).all()
        assert_allclose(seen_range, whole)
