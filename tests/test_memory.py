"""Memory of recording: bytes a row, and class scores that never exist whole."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import SGDClassifier

from sklearn_carto import CartographyClassifier, TrainingDynamics
from sklearn_carto._dynamics._observation import observe
from sklearn_carto._dynamics._running import COUNTERS, RunningStatistics


class Uneven(ClassifierMixin, BaseEstimator):
    """A classifier of many classes; each epoch raises the probability of one of them."""

    def partial_fit(self, X, y, classes=None):
        self.classes_ = classes if classes is not None else self.classes_
        self.n_epochs_ = getattr(self, "n_epochs_", 0) + 1
        return self

    fit = partial_fit

    def predict_proba(self, X):
        share = self.n_epochs_ / (self.n_epochs_ + 5)
        n_classes = len(self.classes_)
        proba = np.full((len(X), n_classes), (1 - share) / n_classes, dtype=np.float32)
        proba[np.arange(len(X)), X[:, 0].astype(int)] += share
        return proba


def traced(function):
    tracemalloc.start()
    try:
        kept = function()
        return (kept, *tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()


def test_class_scores_of_ten_thousand_classes_never_exist_whole():
    n_samples, n_classes = 20_000, 10_000
    X = np.arange(n_samples).reshape(-1, 1) % n_classes
    clf = CartographyClassifier(Uneven(), n_epochs=2, keep_history=False)
    _, _, peak = traced(lambda: clf.fit(X, X[:, 0]))
    whole = 4 * n_samples * n_classes  # 800 MB in single precision
    assert peak < whole / 2
    assert_array_equal(clf.correctness_, 1)


def test_training_without_history_keeps_at_most_120_bytes_a_row():
    n_samples = 200_000
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_samples, 3))
    y = np.where(X[:, 0] + rng.standard_normal(n_samples) > 0, "yes", "no")
    sgd = SGDClassifier(loss="log_loss", random_state=0)
    clf = CartographyClassifier(sgd, n_epochs=20, keep_history=False)
    clf, held, _ = traced(lambda: clf.fit(X, y))
    assert held / n_samples < 120
    assert clf.dynamics_.labels.tolist() == y.tolist()


@pytest.mark.parametrize("last", [126, 127, 128, 32_766, 32_768, 999_999])
def test_counters_hold_every_epoch(last):
    running = RunningStatistics(3, window=2)
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    columns = np.array([0, 0, 1])
    for epoch, rows in ((last - 1, [0]), (last, [0, 1, 2])):
        running.update(epoch, observe(scores[rows], columns[rows]), np.array(rows))
    assert_array_equal(running.last_epoch, last)
    assert_array_equal(running.results()["first_learned"], [last - 1, np.inf, np.inf])
    assert_array_equal(running.n_seen, [2, 1, 1])


def test_counts_beyond_the_narrowest_type_are_exact():
    running = RunningStatistics(2, window=2)
    right, wrong = (observe(np.array([[p, 1 - p]] * 2), np.zeros(2, int)) for p in (0.9, 0.1))
    for epoch in range(300):
        running.update(epoch, wrong if epoch % 2 else right)
    results = running.results()
    assert_array_equal(running.n_seen, 300)
    assert_array_equal(results["forgetting"], 150)
    assert_array_equal(results["correctness"], 0.5)
    assert {getattr(running, name).dtype for name in COUNTERS} == {np.dtype(np.int16)}


@pytest.mark.parametrize("last", [126, 128, 40_000])
def test_counters_of_a_state_are_restored_whatever_their_width(last):
    running, restored = (RunningStatistics(2, window=2) for _ in range(2))
    for epoch in (last - 1, last):
        running.update(epoch, observe(np.array([[0.9, 0.1]] * 2), np.array([0, 1])))
    restored.set_arrays(running.arrays())
    assert_array_equal(restored.last_epoch, last)
    assert_array_equal(restored.first_learned, [last - 1, -1])


@pytest.mark.parametrize("n_classes", [2, 128, 129, 40_000])
def test_labels_are_restored_from_their_codes(n_classes):
    labels = np.arange(n_classes)[::-1] * 7 - 5
    dynamics = TrainingDynamics(labels)
    assert_array_equal(dynamics.labels, labels)
    assert dynamics.labels.dtype == labels.dtype


@pytest.mark.parametrize(
    "labels",
    [[-0.0, 1.0], ["b", "a"], np.array(["b", "a"], dtype=object), [True, False]],
    ids=["negative zero", "text", "objects", "flags"],
)
def test_labels_are_those_that_were_given(labels):
    dynamics = TrainingDynamics(labels)
    assert dynamics.labels.dtype == np.asarray(labels).dtype
    assert list(map(repr, dynamics.labels.tolist())) == list(map(repr, np.asarray(labels).tolist()))
