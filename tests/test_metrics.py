"""The statistics, counted by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto import metrics

# four epochs: learned at the third, never moved, unlearned
P = np.array([[0.1, 0.3, 0.7, 0.9], [0.6, 0.6, 0.6, 0.6], [1.0, 1.0, 0.0, 0.0]])


def test_confidence_is_the_mean():
    assert_allclose(metrics.confidence(P), [0.5, 0.6, 0.5])


def test_variability_is_the_population_standard_deviation():
    # ((.4^2 + .2^2 + .2^2 + .4^2) / 4)^.5 = .1^.5; a sample deviation would exceed .5 in row 3
    assert_allclose(metrics.variability(P), [np.sqrt(0.1), 0.0, 0.5], atol=1e-12)


def test_no_history_exceeds_the_axes_of_the_map():
    extremes = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert metrics.variability(extremes).max() == 0.5


def test_correctness_is_a_share():
    assert_allclose(metrics.correctness([[0, 0, 1, 1], [1, 1, 1, 1]]), [0.5, 1.0])


def test_forgetting_counts_each_loss_of_a_known_label():
    lost_twice, never_lost, never_known = [1, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]
    correct = [lost_twice, never_lost, never_known]
    assert_array_equal(metrics.forgetting(correct), [2, 0, np.inf])


def test_first_learned_counts_from_zero():
    assert_array_equal(metrics.first_learned([[0, 0, 1], [1, 0, 0], [0, 0, 0]]), [2, 0, np.inf])


def test_aum_is_the_mean_margin():
    assert_allclose(metrics.aum([[1.0, 2.0, 6.0], [-3.0, 0.0, 0.0]]), [3.0, -1.0])


def test_el2n_is_of_the_first_ten_epochs():
    error_norm = np.r_[np.full(10, 0.2), np.full(30, 1.4)][None]
    assert_allclose(metrics.el2n(error_norm), [0.2])
    assert_allclose(metrics.el2n(error_norm, n_first=40), [(10 * 0.2 + 30 * 1.4) / 40])


def test_aleatoric_is_what_variability_leaves_of_the_whole():
    confidence, variability = metrics.confidence(P), metrics.variability(P)
    whole = confidence * (1 - confidence)
    assert_allclose(metrics.aleatoric(P), whole - variability**2, atol=1e-12)
    assert_allclose(metrics.aleatoric([[0.0, 1.0]]), [0.0])


def test_loss_is_the_mean_of_minus_log_p():
    assert_allclose(metrics.loss([[1.0, np.exp(-2)]]), [1.0])
    assert np.isfinite(metrics.loss([[0.0]])).all()


def test_dual_averages_windows_of_spread_times_distance_to_certainty():
    # windows (0, 1) and (1, 0): sample deviation .5^.5, mean .5
    assert_allclose(metrics.dual([[0.0, 1.0, 0.0]], window=2), [np.sqrt(0.5) * 0.5])
    # windows (.2, .4) and (.4, .6) of P: deviation .02^.5 each, distance .7 and .5
    expected = np.sqrt(0.02) * (0.7 + 0.5) / 2
    assert_allclose(metrics.dual([[0.2, 0.4, 0.6]], window=2), [expected])
    assert_allclose(metrics.dual([[0.3]]), [0.0])


@pytest.mark.parametrize("name", sorted(set(metrics.__all__)))
def test_input_without_epochs_or_of_other_shape_is_refused(name):
    statistic = getattr(metrics, name)
    for values in ([0.5, 0.5], np.empty((3, 0))):
        with pytest.raises(ValueError, match="at least one epoch"):
            statistic(values)


@pytest.mark.parametrize("name", ["confidence", "variability", "aleatoric", "loss", "dual"])
@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(name, value):
    statistic = getattr(metrics, name)
    with pytest.raises(ValueError, match="between 0 and 1"):
        statistic([[0.5, value]])


def test_windows_out_of_range_are_refused():
    with pytest.raises(ValueError, match="n_first must be at least 1"):
        metrics.el2n([[0.5]], n_first=0)
    with pytest.raises(ValueError, match="window must be at least 2"):
        metrics.dual([[0.5, 0.5]], window=1)
