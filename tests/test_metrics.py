"""The statistics, counted by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto import metrics
from sklearn_carto._utils._compat import InvalidParameterError

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


ENTROPIES = ["mutual_information", "predictive_entropy"]
NAMES = sorted({*metrics.__all__} - {*ENTROPIES})
OF_FLAGS = ["correctness", "first_learned", "forgetting"]
OF_NUMBERS = sorted({*NAMES} - {*OF_FLAGS})
OF_PROBABILITIES = ["aleatoric", "confidence", "dual", "loss", "variability"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "values",
    [
        [0.5, 0.5],
        [[[0.5]]],
        np.empty((3, 0)),
        [["0", "1"]],
        [["False", "True"]],
        [[0, 1], [1]],
        [[0, None]],
        [[0, np.nan]],
        [[0, np.inf]],
        [[0, -np.inf]],
        [[0, 1j]],
        "01",
        None,
        1,
        {0: [1]},
        np.ma.masked_array([[0, 1]], mask=[[False, True]]),
        np.ma.masked_array([[False, True]], mask=[[False, True]]),
    ],
    ids=str,
)
def test_what_is_no_array_of_samples_and_epochs_is_refused(name, values):
    statistic = getattr(metrics, name)
    with pytest.raises(InvalidParameterError, match=f"parameter of metrics.{name} must"):
        statistic(values)


@pytest.mark.parametrize("name", OF_FLAGS)
@pytest.mark.parametrize("value", [0.7, 2, -1, 1e-9, 1 + 1e-9, 255])
def test_correctness_is_boolean_or_exactly_zero_and_one(name, value):
    statistic = getattr(metrics, name)
    with pytest.raises(InvalidParameterError, match="must be boolean, or exactly 0 and 1. Got"):
        statistic([[1, 0, value]])


@pytest.mark.parametrize("name", OF_FLAGS)
@pytest.mark.parametrize("dtype", [bool, int, float, np.float32, np.uint8, object])
def test_flags_of_any_type_count_alike(name, dtype):
    flags = np.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]])
    statistic = getattr(metrics, name)
    assert_array_equal(statistic(flags.astype(dtype)), statistic(flags.astype(bool)))


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_booleans_are_no_numbers(name):
    statistic = getattr(metrics, name)
    with pytest.raises(InvalidParameterError, match="must hold numbers of shape"):
        statistic([[True, False]])


@pytest.mark.parametrize("name", OF_PROBABILITIES)
@pytest.mark.parametrize("value", [-0.1, 1.1, 7])
def test_what_is_no_probability_is_refused(name, value):
    statistic = getattr(metrics, name)
    with pytest.raises(InvalidParameterError, match="between 0 and 1"):
        statistic([[0.5, value]])


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_what_is_no_error_norm_is_refused(value):
    with pytest.raises(InvalidParameterError, match=r"between 0 and 1\.414"):
        metrics.el2n([[0.5, value]])


@pytest.mark.parametrize("n_first", [0, -1, 1.5, "a", None, True, np.nan], ids=str)
def test_the_number_of_first_epochs_is_a_count(n_first):
    with pytest.raises(InvalidParameterError, match="'n_first' parameter of el2n"):
        metrics.el2n([[0.5]], n_first=n_first)


@pytest.mark.parametrize("window", [1, 0, 2.5, "a", True, np.inf], ids=str)
def test_a_window_holds_two_epochs_at_least(window):
    with pytest.raises(InvalidParameterError, match="'window' parameter of dual"):
        metrics.dual([[0.5, 0.5]], window=window)


@pytest.mark.parametrize("name", NAMES)
def test_frames_and_lists_are_arrays(name):
    pandas = pytest.importorskip("pandas")
    values = [[0, 1, 0], [1, 1, 0]]
    statistic = getattr(metrics, name)
    assert_array_equal(statistic(pandas.DataFrame(values)), statistic(np.array(values)))


@pytest.mark.parametrize("name", ["confidence", "variability", "loss", "aum"])
def test_tensors_of_a_graph_are_read(name):
    torch = pytest.importorskip("torch")
    values = [[0.25, 0.5], [1.0, 0.0]]
    statistic = getattr(metrics, name)
    assert_allclose(statistic(torch.tensor(values, requires_grad=True)), statistic(values))
