"""Predictive entropy and mutual information of class probabilities over epochs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import entropy

from sklearn_carto import CartographyClassifier, DataMap, TrainingDynamics, metrics
from watchers import WATCHED, X, y

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)
NAMES = ["mutual_information", "predictive_entropy"]
LOG_2 = np.log(2)
# by row: sure of one class, torn between two at each epoch, sure of another class at each epoch
BY_HAND = np.array(
    [
        [[1, 0, 0], [0.5, 0.5, 0], [1, 0, 0]],
        [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]],
    ],
    dtype=float,
)


def test_entropies_of_rows_counted_by_hand():
    assert_allclose(metrics.predictive_entropy(BY_HAND), [0, LOG_2, LOG_2])
    assert_allclose(metrics.mutual_information(BY_HAND), [0, 0, LOG_2])
    # mean (3/4, 1/4): 3/4 log 4/3 + 1/4 log 4 = log 4 - 3/4 log 3; of the epochs 0 and log 2
    half = np.array([[[1, 0]], [[0.5, 0.5]]])
    expected = np.log(4) - 0.75 * np.log(3)
    assert_allclose(metrics.predictive_entropy(half), [expected])
    assert_allclose(metrics.mutual_information(half), [expected - LOG_2 / 2])


def test_all_classes_count_and_not_only_the_label():
    # the label has probability 1/2 in both, so that p (1 - p) does not tell them apart
    even, uneven = [[[0.5, 0.25, 0.25]]], [[[0.5, 0.5, 0.0]]]
    assert metrics.predictive_entropy(even) > metrics.predictive_entropy(uneven)


@pytest.mark.parametrize("name", NAMES)
def test_entropies_lie_between_zero_and_the_logarithm_of_the_classes(name):
    for n_classes in (1, 2, 5):
        proba = np.random.RandomState(0).dirichlet(np.full(n_classes, 0.1), (6, 40))
        values = getattr(metrics, name)(proba)
        assert values.shape == (40,)
        assert values.min() >= 0
        assert values.max() <= np.log(n_classes) + 1e-12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("proba", "message"),
    [
        ([[0.5, 0.5]], r"\(n_epochs, n_samples, n_classes\)"),
        (np.empty((0, 3, 2)), "at least one epoch"),
        ([[[0.5, 0.6]]], "sum to 1"),
        ([[[-0.5, 1.5]]], "sum to 1"),
        ([[[np.nan, 1]]], "finite"),
        ("abc", "must hold numbers"),
    ],
    ids=["2d", "no epoch", "sum", "negative", "nan", "text"],
)
def test_what_are_no_probabilities_of_classes_is_refused(name, proba, message):
    with pytest.raises(ValueError, match=message):
        getattr(metrics, name)(proba)


def record(proba, labels=("a", "b", "c"), **params):
    dynamics = TrainingDynamics(labels, classes=["a", "b", "c"], uncertainty=True, **params)
    for epoch, of_epoch in enumerate(proba):
        dynamics.update(epoch, of_epoch)
    return dynamics


def test_recorded_entropies_are_those_of_the_metrics():
    data_map = DataMap.from_dynamics(record(BY_HAND))
    for name in NAMES:
        assert_allclose(getattr(data_map, name), getattr(metrics, name)(BY_HAND), atol=1e-12)


def test_of_logits_and_of_blocks_of_rows_they_are_the_same():
    logits = np.random.RandomState(0).normal(size=(4, 3, 3))
    proba = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    dynamics = TrainingDynamics(["a", "b", "c"], uncertainty=True)
    for epoch, scores in enumerate(logits):
        dynamics.update(epoch, scores[[2, 0]], [2, 0], from_logits=True)
        dynamics.update(epoch, scores[[1]], [1], from_logits=True)
    data_map = DataMap.from_dynamics(dynamics)
    assert_allclose(data_map.predictive_entropy, entropy(proba.mean(axis=0), axis=1))


def test_each_row_counts_its_own_epochs_and_one_without_has_none():
    dynamics = TrainingDynamics(["a", "b", "a"], uncertainty=True)
    dynamics.update(0, [[1, 0], [1, 0]], [0, 1])
    dynamics.update(1, [[0, 1]], [0])
    data_map = DataMap.from_dynamics(dynamics)
    assert_allclose(data_map.mutual_information, [LOG_2, 0, np.nan])


def test_they_are_recorded_on_request_only_and_over_all_epochs():
    plain = TrainingDynamics(["a", "b"])
    plain.update(0, [[0.5, 0.5], [1, 0]])
    assert not plain.uncertainty
    assert DataMap.from_dynamics(plain).predictive_entropy is None
    assert DataMap.from_dynamics(record(BY_HAND), epochs=[0]).mutual_information is None


def test_dynamics_keep_them_in_a_file_and_when_joined(tmp_path):
    whole, parts = record(BY_HAND), [record(BY_HAND[:1]), record(BY_HAND[1:])]
    whole.save(tmp_path / "dynamics.npz")
    loaded = TrainingDynamics.load(tmp_path / "dynamics.npz")
    expected = DataMap.from_dynamics(whole)
    for other in (loaded, TrainingDynamics.concatenate(parts)):
        found = DataMap.from_dynamics(other)
        assert_array_equal(found.mutual_information, expected.mutual_information)
    loaded.update(2, BY_HAND[0])
    assert_allclose(DataMap.from_dynamics(loaded).mutual_information[0], 0, atol=1e-12)
    mixed = [record(BY_HAND), TrainingDynamics(["a", "b", "c"])]
    mixed[1].update(0, BY_HAND[0])
    assert DataMap.from_dynamics(TrainingDynamics.concatenate(mixed)).mutual_information is None


def test_a_file_with_sums_of_other_epochs_is_refused(tmp_path):
    dynamics = record(BY_HAND)
    dynamics._uncertainty.proba_sum *= 2
    dynamics.save(tmp_path / "dynamics.npz")
    with pytest.raises(ValueError, match="damaged"):
        TrainingDynamics.load(tmp_path / "dynamics.npz")


def test_a_map_saves_averages_frames_and_selects_by_them(tmp_path):
    pytest.importorskip("pandas")
    one = DataMap.from_dynamics(record(BY_HAND))
    one.save(tmp_path / "map.npz")
    loaded = DataMap.load(tmp_path / "map.npz")
    assert_array_equal(loaded.predictive_entropy, one.predictive_entropy)
    other = DataMap.from_dynamics(record(BY_HAND[:, [2, 1, 0]]))
    assert_allclose(DataMap.mean([one, other]).mutual_information, [LOG_2 / 2, 0, LOG_2 / 2])
    assert_array_equal(one.select("high-mutual-information", 0.3, stratify=False), [2])
    assert_array_equal(one.select("low-predictive-entropy", 0.3, stratify=False), [0])
    assert_array_equal(one.subset([2]).mutual_information, one.mutual_information[2:])
    assert {*NAMES} <= {*one.to_frame().columns}


@pytest.mark.parametrize("watched", WATCHED, ids=lambda watched: watched.name)
def test_whatever_is_watched_has_the_entropies_of_a_naive_loop(watched):
    watched.require()
    _, proba = watched.follow(X, y)
    found, plain = watched.watch(X, y, uncertainty=True), watched.watch(X, y)
    for name in NAMES:
        assert_allclose(getattr(found.data_map_, name), getattr(metrics, name)(proba), atol=1e-5)
        assert getattr(plain.data_map_, name) is None
    assert_array_equal(found.dynamics_.true_proba, plain.dynamics_.true_proba)


def test_folds_record_the_probabilities_of_rows_that_they_hold_out():
    watched = next(one for one in WATCHED if one.name == "RandomForestClassifier")
    data_map = watched.watch(X, y, uncertainty=True, cv=3).data_map_
    assert data_map.record == "out_of_fold"
    assert data_map.predictive_entropy.max() <= np.log(3)
    assert (data_map.mutual_information < data_map.predictive_entropy).all()


def test_uncertainty_is_a_flag():
    with pytest.raises(ValueError, match="'uncertainty' parameter of CartographyClassifier"):
        CartographyClassifier(WATCHED[0].make(3), uncertainty="yes").fit(X, y)
