"""Forward passes of multi-layer perceptrons equal what `predict_proba` returns, bit for bit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier

from sklearn_carto import CartographyClassifier
from sklearn_carto._watching import _epoch_evaluation, _mlp_pass
from sklearn_carto._watching._mlp_pass import PASS_BLOCK, can_pass, forward_pass

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]


def samples(n_samples=300, n_classes=3, dtype=np.float64):
    X, y = make_classification(
        n_samples, 12, n_informative=6, n_classes=n_classes, flip_y=0.1, random_state=0
    )
    return X.astype(dtype), y


def trained(X, y, **params):
    return MLPClassifier(random_state=0, **params).partial_fit(X, y, classes=np.unique(y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["single", "double"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("layers", [(), (8,), (9, 4)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_pass_equals_predict_proba(activation, layers, n_classes, dtype):
    X, y = samples(n_classes=n_classes, dtype=dtype)
    model = trained(X, y, hidden_layer_sizes=layers, activation=activation)
    before = X.copy()
    proba = forward_pass(model, X)
    assert can_pass(model, X)
    assert proba.dtype == dtype
    assert_array_equal(proba, model.predict_proba(X))
    assert_array_equal(X, before)


def test_each_block_of_rows_is_predicted_by_itself():
    X, y = samples(2 * PASS_BLOCK + 7)
    model = trained(X, y)
    blocks = [model.predict_proba(X[i : i + PASS_BLOCK]) for i in range(0, len(X), PASS_BLOCK)]
    assert_array_equal(forward_pass(model, X), np.concatenate(blocks))


class Subclass(MLPClassifier):
    """Is evaluated by its own `predict_proba`."""


class Smoothed(MLPClassifier):
    def predict_proba(self, X):
        return (super().predict_proba(X) + 1 / len(self.classes_)) / 2


def same_map(one, other):
    for name in ("confidence", "variability", "correctness", "aum", "el2n", "loss", "dual"):
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["single", "double"])
def test_the_map_is_that_of_predict_proba(dtype, monkeypatch):
    X, y = samples(dtype=dtype)
    calls = []
    monkeypatch.setattr(
        _epoch_evaluation, "forward_pass", lambda *args: calls.append(1) or forward_pass(*args)
    )
    maps = [
        CartographyClassifier(kind((8,), random_state=0), n_epochs=4, random_state=0).fit(X, y)
        for kind in (MLPClassifier, Subclass)
    ]
    assert len(calls) == 3  # the model itself evaluates the first epoch
    same_map(*(one.data_map_ for one in maps))
    for one, other in zip(*(model.estimator_.coefs_ for model in maps), strict=True):
        assert_array_equal(one, other)


def test_a_pass_that_differs_is_not_used(monkeypatch):
    X, y = samples()
    model = CartographyClassifier(MLPClassifier((8,), random_state=0), n_epochs=3, random_state=0)
    expected = clone(model).fit(X, y).data_map_
    monkeypatch.setitem(_mlp_pass._HIDDEN, "relu", lambda values: None)
    same_map(clone(model).fit(X, y).data_map_, expected)


def test_a_predict_proba_of_the_users_own_is_used():
    X, y = samples()
    params = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.01, "random_state": 0}
    plain, smoothed = (
        CartographyClassifier(kind(**params), n_epochs=4, random_state=0).fit(X, y)
        for kind in (MLPClassifier, Smoothed)
    )
    assert smoothed.confidence_ == pytest.approx((plain.confidence_ + 1 / 3) / 2, abs=1e-6)


def test_other_samples_and_models_do_not_pass():
    X, y = samples()
    model = trained(X, y)
    pd = pytest.importorskip("pandas")
    others = [pd.DataFrame(X), X.astype(np.float32), X.astype(np.int64), X.tolist(), X[0]]
    assert not any(can_pass(model, other) for other in others)
    assert not can_pass(Subclass(random_state=0).partial_fit(X, y, classes=np.unique(y)), X)
    model.predict_proba = lambda X: None
    assert not can_pass(model, X)
