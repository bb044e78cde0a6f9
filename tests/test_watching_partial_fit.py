"""Maps of estimators with partial_fit equal a naive loop over the same training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.linear_model import Perceptron, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_class_weight

from sklearn_carto import CartographyClassifier, TrainingDynamics
from sklearn_carto._maps._diagnostics import make_data_map
from sklearn_carto._watching._find import can_watch
from sklearn_carto.exceptions import (
    DegenerateMapWarning,
    InvalidProbabilitiesError,
    NotWatchableError,
)

X, y = load_digits(n_class=4, return_X_y=True)
X = X[:300] / 16.0 + np.random.RandomState(0).normal(0, 0.5, (300, 64))
y = y[:300]
LEARNERS = [
    SGDClassifier(loss="log_loss", alpha=0.05, random_state=0),
    MLPClassifier((16,), random_state=0),
]


def naive_loop(learner, X, y, n_epochs, **params):
    """Probability and correctness of the label, by one partial_fit and predict_proba an epoch."""
    learner = clone(learner).set_params(random_state=np.random.RandomState(0))
    classes = np.unique(y)
    true_proba, correct = [], []
    for _ in range(n_epochs):
        learner.partial_fit(X, y, classes=classes, **params)
        proba = learner.predict_proba(X)
        true_proba.append(
            [p[list(classes).index(label)] for p, label in zip(proba, y, strict=True)]
        )
        correct.append(learner.predict(X) == y)
    return learner, np.array(true_proba).T, np.array(correct).T


@pytest.mark.parametrize("learner", LEARNERS, ids=["sgd", "mlp"])
def test_recording_leaves_the_weights_bit_for_bit(learner):
    bare, _, _ = naive_loop(learner, X, y, 5)
    watched = CartographyClassifier(learner, n_epochs=5).fit(X, y).estimator_
    weights = "coefs_" if hasattr(bare, "coefs_") else "coef_"
    for one, other in zip(getattr(bare, weights), getattr(watched, weights), strict=True):
        assert_array_equal(one, other)


def test_an_integer_seed_does_not_give_every_epoch_the_same_order_of_rows():
    class Spy(SGDClassifier):
        def partial_fit(self, X, y, classes=None, sample_weight=None):
            orders.append(
                self.random_state.get_state()[1][:5].tolist() + [self.random_state.tomaxint()]
            )
            return super().partial_fit(X, y, classes=classes)

    orders = []
    CartographyClassifier(Spy(loss="log_loss", random_state=0), n_epochs=3).fit(X, y)
    assert orders[1] != orders[2]


def test_the_same_seed_gives_the_same_map_and_another_seed_another():
    def confidence(seed):
        learner = SGDClassifier(loss="log_loss", alpha=0.05)
        return CartographyClassifier(learner, n_epochs=4, random_state=seed).fit(X, y).confidence_

    assert_array_equal(confidence(1), confidence(1))
    assert not np.array_equal(confidence(1), confidence(2))
    assert_array_equal(
        confidence(0), CartographyClassifier(LEARNERS[0], n_epochs=4).fit(X, y).confidence_
    )


def test_shuffling_rows_permutes_the_map_of_a_learner_without_order():
    order = np.random.RandomState(1).permutation(len(y))
    learner = MLPClassifier((8,), shuffle=False, batch_size=len(y), learning_rate_init=0.1)
    learner.set_params(random_state=0)
    model = CartographyClassifier(learner, n_epochs=5)
    expected = model.fit(X, y).confidence_.copy()
    assert_allclose(model.fit(X[order], y[order]).confidence_, expected[order], atol=1e-5)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.coo_array, sparse.csc_matrix])
def test_sparse_rows_of_any_format_give_one_map(container):
    model = CartographyClassifier(MLPClassifier((8,), random_state=0), n_epochs=3)
    expected = model.fit(X, y).confidence_.copy()
    assert_allclose(model.fit(container(X), y).confidence_, expected, atol=1e-5)


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_data_frames_give_the_map_of_their_values(backend):
    frames = pytest.importorskip(backend)
    frame = frames.DataFrame(X, **{"columns" if backend == "pandas" else "schema": NAMES})
    model = CartographyClassifier(LEARNERS[0], n_epochs=3)
    expected = model.fit(X, y).confidence_.copy()
    assert_array_equal(model.fit(frame, frames.Series(y)).confidence_, expected)
    assert_array_equal(model.feature_names_in_, NAMES)


NAMES = [f"pixel {i}" for i in range(64)]


def test_single_precision_is_taken_as_it_is():
    model = CartographyClassifier(MLPClassifier((8,), random_state=0), n_epochs=3)
    model.fit(X.astype(np.float32), y)
    assert model.estimator_.coefs_[0].dtype == np.float32


def test_balanced_class_weight_is_counted_from_the_labels():
    rows = np.r_[np.flatnonzero(y == 0)[:10], np.flatnonzero(y > 0)]
    weights = compute_class_weight("balanced", classes=np.unique(y), y=y[rows])
    by_hand = clone(LEARNERS[0]).set_params(class_weight=dict(enumerate(weights)))
    balanced = clone(LEARNERS[0]).set_params(class_weight="balanced")
    maps = [
        CartographyClassifier(one, n_epochs=4).fit(X[rows], y[rows]).confidence_
        for one in (by_hand, balanced)
    ]
    assert_array_equal(*maps)


def test_scores_stand_in_where_there_are_no_probabilities():
    learner = SGDClassifier(loss="hinge", alpha=0.1, random_state=0)
    model = CartographyClassifier(learner, n_epochs=3).fit(X, y)
    scores = model.decision_function(X)
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert_allclose(model.dynamics_.true_proba[:, -1], softmax[np.arange(len(y)), y], atol=1e-5)
    assert not hasattr(model, "predict_proba")


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
def test_margins_come_from_logits_where_their_softmax_is_the_probability():
    binary = CartographyClassifier(LEARNERS[0], n_epochs=3).fit(X * 1000, y > 1)
    assert binary.data_map_.margin_from == "logits"
    scores = binary.decision_function(X * 1000) * np.where(y > 1, 1, -1)
    assert np.abs(scores).max() > 100  # where probabilities are 0 and 1 in floating point
    assert_allclose(binary.dynamics_.margin[:, -1], scores, rtol=1e-5)
    one_against_rest = CartographyClassifier(LEARNERS[0], n_epochs=3).fit(X, y)
    assert one_against_rest.data_map_.margin_from == "probabilities"


@pytest.mark.parametrize("learner", LEARNERS, ids=["sgd", "mlp"])
def test_early_stopping_is_refused_with_the_way_out(learner):
    learner = clone(learner).set_params(early_stopping=True)
    assert not can_watch(learner)
    with pytest.raises(NotWatchableError, match="Set early_stopping=False"):
        CartographyClassifier(learner).fit(X, y)


def test_naive_bayes_draws_a_warning_of_a_degenerate_map():
    with pytest.warns(DegenerateMapWarning, match="GaussianNB hardly moved"):
        CartographyClassifier(GaussianNB(), n_epochs=5).fit(X, y)


def test_one_epoch_draws_a_warning():
    with pytest.warns(DegenerateMapWarning, match="variability is 0"):
        model = CartographyClassifier(LEARNERS[0], n_epochs=1).fit(X, y)
    assert (model.variability_ == 0).all()


def test_a_saturated_model_draws_a_warning():
    learner = SGDClassifier(loss="log_loss", random_state=0, alpha=1e-7)
    with pytest.warns(DegenerateMapWarning, match="Scale the features"):
        CartographyClassifier(learner, n_epochs=5).fit(X * 1000, y > 1)


def test_folds_that_trained_for_different_numbers_of_epochs_draw_a_warning():
    dynamics = TrainingDynamics(["a", "b", "a", "b"], record="out_of_fold")
    for epoch, rows in enumerate([[0, 1, 2, 3], [2, 3], [2, 3]]):
        dynamics.update(epoch, np.full((len(rows), 2), 0.5), rows=np.array(rows))
    words = "was trained for 1 epochs on some splits and for 3 on others"
    with pytest.warns(DegenerateMapWarning, match=words):
        make_data_map(dynamics, "MLPClassifier")


class Diverges(SGDClassifier):
    """Probabilities are NaN from the third epoch on."""

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        return proba if self.t_ < 3 * 300 else proba * np.nan


class SumsToTwo(SGDClassifier):
    """Each row sums to 2."""

    def predict_proba(self, X):
        return 2 * super().predict_proba(X)


def test_nan_probabilities_name_the_epoch_and_keep_what_was_recorded():
    model = CartographyClassifier(Diverges(loss="log_loss", alpha=0.05, random_state=0), n_epochs=6)
    with pytest.raises(InvalidProbabilitiesError, match=r"by Diverges at epoch 2 .* NaN"):
        model.fit(X, y)
    assert model.interrupted_
    assert model.n_epochs_ == 2
    expected = CartographyClassifier(LEARNERS[0], n_epochs=2)
    assert_array_equal(model.confidence_, expected.fit(X, y).confidence_)


def test_probabilities_that_do_not_sum_to_one_are_refused():
    with pytest.raises(
        InvalidProbabilitiesError, match=r"SumsToTwo at epoch 0 .* row that sums to 2"
    ):
        CartographyClassifier(SumsToTwo(loss="log_loss", random_state=0)).fit(X, y)


class Interrupted(SGDClassifier):
    """The user presses Ctrl-C in the middle of the fourth epoch."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if getattr(self, "t_", 0) >= 3 * len(y):
            raise KeyboardInterrupt
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)


@pytest.mark.parametrize("keep_history", [True, False])
def test_ctrl_c_keeps_the_complete_epochs_and_raises_on(keep_history):
    learner = Interrupted(loss="log_loss", random_state=0)
    model = CartographyClassifier(learner, n_epochs=10, keep_history=keep_history)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.interrupted_
    assert model.n_epochs_ == 3
    _, p, _ = naive_loop(SGDClassifier(loss="log_loss"), X, y, 3)
    assert_allclose(model.confidence_, p.mean(axis=1), atol=1e-6)
    assert model.predict(X[:3]).shape == (3,)


def test_ctrl_c_that_the_mlp_swallows_is_raised_again():
    class Pressed(MLPClassifier):
        def _backprop(self, *args, **kwargs):
            if self.t_ >= 2 * 300:
                raise KeyboardInterrupt
            return super()._backprop(*args, **kwargs)

    model = CartographyClassifier(Pressed((8,), random_state=0), n_epochs=5)
    with pytest.warns(UserWarning, match="interrupted by user"), pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_epochs_ == 2


def test_ctrl_c_before_the_first_epoch_ended_leaves_the_model_unfitted():
    class AtOnce(Interrupted):
        t_ = 10**6

    model = CartographyClassifier(AtOnce(loss="log_loss"))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "dynamics_")


def test_a_learner_with_neither_probabilities_nor_scores_is_refused():
    class Mute(Perceptron):
        decision_function = property()

    with pytest.raises(NotWatchableError, match="neither predict_proba nor decision_function"):
        CartographyClassifier(Mute()).fit(X, y)


class Scripted(ClassifierMixin, BaseEstimator):
    """Learns nothing, and returns the scores given by `columns`."""

    def __init__(self, classes=None, columns=None, logits=False):
        self.classes, self.columns, self.logits = classes, columns, logits

    def partial_fit(self, X, y, classes=None):
        self.classes_ = classes if self.classes is None else np.array(self.classes)
        return self

    def fit(self, X, y):
        return self.partial_fit(X, y, np.unique(y))

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))

    def __getattr__(self, name):
        if name == ("decision_function" if self.logits else "predict_proba"):
            return lambda X: np.tile(np.array(self.columns, dtype=float), (len(X), 1))
        raise AttributeError(name)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
def test_columns_go_by_the_learners_own_order_of_classes():
    learner = Scripted(classes=["c", "a", "b"], columns=[0.2, 0.7, 0.1])
    watched = CartographyClassifier(learner, n_epochs=2).fit(np.zeros((4, 1)), ["a", "b", "c", "a"])
    assert_allclose(watched.confidence_, [0.7, 0.1, 0.2, 0.7], rtol=1e-6)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (
            Scripted(columns=[np.nan, 1, 1], logits=True),
            "scores returned .* at epoch 0 must be finite",
        ),
        (Scripted(columns=[0.5, 0.5]), r"shape .*2.* for 3 classes"),
        (Scripted(columns=[1.0, 2.0], logits=True), r"shape .*2.* for 3 classes"),
    ],
)
def test_outputs_that_are_no_scores_of_the_classes_are_refused(learner, message):
    watched = CartographyClassifier(learner, n_epochs=2)
    with pytest.raises(InvalidProbabilitiesError, match=message):
        watched.fit(np.zeros((4, 1)), ["a", "b", "c", "a"])
