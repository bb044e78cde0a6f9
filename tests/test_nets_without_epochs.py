"""Nets that train for no epoch, are interrupted before it, or have outputs beyond the classes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from sklearn_carto import CartographyClassifier
from sklearn_carto.exceptions import NotWatchableError

RNG = np.random.RandomState(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
y = np.arange(40) % 3


def make_net(n_out=3, **params):
    settings = {"max_epochs": 3, "train_split": None, "lr": 1.0, "verbose": 0} | params
    return skorch.NeuralNetClassifier(
        torch.nn.Linear,
        criterion=torch.nn.CrossEntropyLoss,
        module__in_features=4,
        module__out_features=n_out,
        **settings,
    )


@pytest.mark.parametrize("record", ["training", "epoch_end"])
@pytest.mark.parametrize("max_epochs", [0, -1])
def test_a_net_of_no_epochs_is_an_error_before_the_training(record, max_epochs):
    model = CartographyClassifier(make_net(max_epochs=max_epochs), record=record)
    with pytest.raises(NotWatchableError, match=f"at least one epoch; got max_epochs={max_epochs}"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert model.set_params(n_epochs=2).fit(X, y).n_epochs_ == 2


class PressedEarly(skorch.NeuralNetClassifier):
    """Press Ctrl-C ahead of the first epoch, or within it."""

    event = "on_epoch_begin"

    def notify(self, method_name, **kwargs):
        if method_name == self.event:
            raise KeyboardInterrupt
        super().notify(method_name, **kwargs)


@pytest.mark.parametrize("event", ["on_epoch_begin", "on_batch_begin", "on_batch_end"])
@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_an_interrupt_ahead_of_the_first_whole_epoch_leaves_no_model(event, record, monkeypatch):
    monkeypatch.setattr(PressedEarly, "event", event)
    net = PressedEarly(**make_net().get_params(deep=False))
    model = CartographyClassifier(net, record=record)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_outputs_beyond_the_classes_are_columns_without_a_label(record):
    model = CartographyClassifier(make_net(6), record=record, random_state=0).fit(X, y)
    assert_array_equal(model.data_map_.labels, y)
    if record == "epoch_end":
        proba = model.estimator_.predict_proba(X)[np.arange(40), y]
        assert_allclose(model.dynamics_.true_proba[:, -1], proba, rtol=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.MissingClassesWarning")
def test_a_training_fold_that_lacks_a_class_is_watched_as_the_net_alone_trains():
    names = np.array(["a", "b", "c"])[y]
    test = np.flatnonzero(y == 2)
    train = np.flatnonzero(y != 2)
    folds = [(train, test), (np.flatnonzero(y != 1), np.flatnonzero(y == 1)),
             (np.flatnonzero(y != 0), np.flatnonzero(y == 0))]  # fmt: skip
    model = CartographyClassifier(make_net(3), cv=folds, random_state=0).fit(X, names)
    assert_array_equal(model.data_map_.labels, names)
    assert np.isfinite(model.confidence_).all()
