"""Maps of skorch nets equal a naive torch loop, and the net trains as if it were not watched."""

import copy
import pickle
import random
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from sklearn.base import clone
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier
from skorch.callbacks import Callback, Checkpoint, EarlyStopping
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn

from sklearn_carto import CartographyClassifier, DataMapSelector, DistilledClassifier
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import (
    DoubleSoftmaxWarning,
    InvalidProbabilitiesError,
    NotWatchableError,
    SampleAlignmentError,
)
from sklearn_carto.integrations.skorch import DataMapCallback

X, y, _ = make_cartography(230, n_classes=3, random_state=0)
X = X.astype(np.float32)
NAMES = np.array(["oak", "ash", "elm"])


class Module(nn.Module):
    def __init__(self, n_out=3, last=None):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, n_out)
        )
        self.last = last

    def forward(self, X):
        X = self.layers(X.reshape(len(X), -1))
        return X if self.last is None else self.last(X)


def make_net(**params):
    settings = {
        "module": Module,
        "criterion": nn.CrossEntropyLoss,
        "max_epochs": 5,
        "lr": 0.05,
        "batch_size": 32,
        "iterator_train__shuffle": True,
        "verbose": 0,
    }
    return NeuralNetClassifier(**{**settings, **params})


def fit_bare(net, target, seed=0, rows=X):
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    return clone(net).fit(rows, target)


def weights(net):
    return [value.detach().numpy().copy() for value in net.module_.state_dict().values()]


@pytest.mark.parametrize("train_split", [None, skorch.dataset.ValidSplit(5)], ids=["all", "split"])
@pytest.mark.parametrize("rows", [X, X[:, :, None]], ids=["by hand", "3-D"])
def test_weights_equal_those_of_a_bare_fit_bit_for_bit(train_split, rows):
    net = make_net(train_split=train_split)
    watched = CartographyClassifier(net, random_state=0).fit(rows, NAMES[y]).estimator_
    order = np.argsort(np.argsort(NAMES))  # codes of the sorted names
    bare = fit_bare(net, order[y].astype(np.int64), rows=rows)
    for one, other in zip(weights(bare), weights(watched), strict=True):
        assert_array_equal(one, other)
    assert bare.history[:, "train_loss"] == watched.history[:, "train_loss"]


@pytest.mark.parametrize(
    ("criterion", "last", "margin_from"),
    [
        (nn.CrossEntropyLoss, None, "logits"),
        (nn.NLLLoss, nn.Softmax(dim=1), "probabilities"),
    ],
    ids=["cross-entropy", "nll"],
)
def test_probabilities_are_those_of_predict_proba(criterion, last, margin_from):
    net = make_net(criterion=criterion, module__last=last)
    model = CartographyClassifier(net, random_state=0).fit(X, NAMES[y])
    proba = model.predict_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, NAMES[y])]
    assert_allclose(model.dynamics_.true_proba[:, -1], proba, atol=1e-6)
    assert model.data_map_.margin_from == margin_from
    assert set(model.predict(X)) <= set(NAMES)
    assert model.score(X, NAMES[y]) > 0.5


@pytest.mark.parametrize(
    ("criterion", "last"), [(nn.BCEWithLogitsLoss, None), (nn.BCELoss, nn.Sigmoid())]
)
@pytest.mark.parametrize("labels", [[-1, 1], ["no", "yes"]], ids=str)
@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_binary_nets_take_any_two_labels(criterion, last, labels, threshold):
    names = np.array(labels)[(y > 0).astype(int)]
    net = NeuralNetBinaryClassifier(
        Module, module__n_out=1, module__last=last, criterion=criterion, threshold=threshold,
        max_epochs=5, lr=0.1, verbose=0,
    )  # fmt: skip
    model = CartographyClassifier(net, random_state=0).fit(X, names)
    proba = model.predict_proba(X)[np.arange(len(y)), (y > 0).astype(int)]
    assert_allclose(model.dynamics_.true_proba[:, -1], proba, atol=1e-6)
    assert_array_equal(model.dynamics_.correct[:, -1], proba > 0.5)  # whatever the threshold
    assert set(model.predict(X)) <= set(labels)
    bare = fit_bare(net, (y > 0).astype(np.float32))
    for one, other in zip(weights(bare), weights(model.estimator_), strict=True):
        assert_array_equal(one, other)


def test_raw_logits_under_nll_are_an_error_and_not_a_wrong_map():
    net = make_net(criterion=nn.NLLLoss)
    with pytest.raises(InvalidProbabilitiesError, match=r"predict_nonlinearity.*CrossEntropyLoss"):
        CartographyClassifier(net, random_state=0).fit(X, y)


def test_a_softmax_ahead_of_cross_entropy_draws_a_warning():
    net = make_net(module__last=nn.Softmax(dim=1))
    with pytest.warns(DoubleSoftmaxWarning, match="Remove the softmax"):
        CartographyClassifier(net, random_state=0).fit(X, y)


def test_a_nonlinearity_of_the_users_own_is_applied():
    def sharpen(output):
        return torch.softmax(3 * output, dim=1)

    model = CartographyClassifier(make_net(predict_nonlinearity=sharpen), random_state=0).fit(X, y)
    proba = model.predict_proba(X)[np.arange(len(y)), y]
    assert_allclose(model.dynamics_.true_proba[:, -1], proba, atol=1e-6)
    assert model.data_map_.margin_from == "probabilities"


def test_a_binary_net_refuses_three_classes():
    net = NeuralNetBinaryClassifier(Module, module__n_out=1, verbose=0)
    with pytest.raises(ValueError, match="y holds 3"):
        CartographyClassifier(net).fit(X, y)


def test_held_out_rows_are_recorded_and_marked():
    seen = []

    class Spy(Callback):
        def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
            seen.append(np.asarray(dataset_valid.indices))

    model = CartographyClassifier(make_net(callbacks=[Spy()]), random_state=0).fit(X, y)
    assert_array_equal(np.flatnonzero(model.data_map_.held_out_mask), np.sort(seen[0]))
    assert not np.isnan(model.confidence_).any()
    model = CartographyClassifier(make_net(train_split=None), random_state=0).fit(X, y)
    assert model.data_map_.held_out_mask is None


def test_validation_data_from_elsewhere_is_not_recorded():
    split = predefined_split(Dataset(X[:20], y[:20].astype(np.int64)))
    model = CartographyClassifier(make_net(train_split=split), random_state=0).fit(X, y)
    assert model.data_map_.held_out_mask is None
    assert len(model.data_map_) == len(y)


def test_nested_subsets_are_traced_to_their_rows():
    from torch.utils.data import Subset

    def split(dataset, y=None, **kwargs):
        inner = Subset(dataset, np.arange(20, 230))
        return Subset(inner, np.arange(10, 210)), Subset(inner, np.arange(10))

    model = CartographyClassifier(make_net(train_split=split), random_state=0).fit(X, y)
    assert_array_equal(np.flatnonzero(~model.data_map_.held_out_mask), np.arange(30, 230))


def test_training_rows_that_cannot_be_traced_are_an_error():
    def split(dataset, y=None, **kwargs):
        return Dataset(X[:50].copy(), y[:50]), None

    net = make_net(train_split=split)
    with pytest.raises(SampleAlignmentError, match="cannot be traced to the rows of X"):
        CartographyClassifier(net, random_state=0).fit(X, y.astype(np.int64))


def test_the_loader_is_used_where_the_net_has_its_own_ways():
    class Doubling(NeuralNetClassifier):
        def evaluation_step(self, batch, training=False):
            return super().evaluation_step((2 * batch[0], batch[1]), training=training)

    net = Doubling(**make_net().get_params(deep=False) | {"callbacks": None})
    model = CartographyClassifier(net, random_state=0).fit(X, y)
    proba = model.predict_proba(X)[np.arange(len(y)), y]
    assert_allclose(model.dynamics_.true_proba[:, -1], proba, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "largest"),
    [(X, 230), (X.reshape(-1, 1, 8), 32), (X.astype(np.int64), 32)],
    ids=["table", "images", "tokens"],
)
def test_blocks_are_larger_than_batches_for_tables_of_numbers_alone(rows, largest):
    class Counting(Module):
        sizes: ClassVar = []

        def forward(self, X):
            if not self.training:
                self.sizes.append(len(X))
            return super().forward(X.float())

    net = make_net(module=Counting, max_epochs=2, train_split=None)
    CartographyClassifier(net, random_state=0).fit(rows, y)
    assert max(Counting.sizes) == largest


def test_an_iterator_that_drops_rows_is_an_error():
    net = make_net(iterator_valid__drop_last=True, train_split=None)
    with pytest.raises(SampleAlignmentError, match="224 rows of 230"):
        CartographyClassifier(net, random_state=0).fit(X, y)


def test_early_stopping_of_skorch_is_a_normal_end():
    stopper = EarlyStopping(patience=1, threshold=10.0)
    net = make_net(callbacks=[stopper], max_epochs=30)
    model = CartographyClassifier(net, random_state=0).fit(X, y)
    assert not model.interrupted_
    assert model.n_epochs_ == len(model.estimator_.history) < 30


def test_ctrl_c_that_skorch_swallows_discards_the_epoch_and_is_raised_again():
    class Press(Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 3:
                raise KeyboardInterrupt

    model = CartographyClassifier(make_net(callbacks=[Press()]), random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.interrupted_
    assert model.n_epochs_ == 2
    expected = CartographyClassifier(make_net(), n_epochs=2, random_state=0).fit(X, y)
    assert_array_equal(model.confidence_, expected.confidence_)


def test_the_users_callbacks_and_methods_run_as_ever():
    events = []

    class Net(NeuralNetClassifier):
        def on_epoch_end(self, net, **kwargs):
            events.append("method")

    class Records(Callback):
        def on_epoch_end(self, net, **kwargs):
            events.append("callback")

    net = Net(Module, criterion=nn.CrossEntropyLoss, max_epochs=2, callbacks=[Records()], verbose=0)
    model = CartographyClassifier(net, random_state=0).fit(X, y)
    assert events == ["method", "callback"] * 2
    assert type(model.estimator_) is Net


class Copies(Callback):
    made: list = []

    def on_epoch_end(self, net, **kwargs):
        self.made.append(copy.deepcopy(net))


def test_no_trace_is_left_on_the_net_nor_on_copies_made_while_it_trains(tmp_path):
    path = tmp_path / "net.pkl"
    keep = Checkpoint(f_pickle=str(path), monitor=None, f_params=None, f_optimizer=None)
    keep.set_params(f_criterion=None, f_history=None)
    net = make_net(callbacks=[keep, Copies()], max_epochs=2)
    model = CartographyClassifier(net, random_state=0).fit(X, y)
    unpickled = pickle.loads(path.read_bytes())
    for one in (model.estimator_, Copies.made[-1], unpickled):
        assert type(one) is NeuralNetClassifier
        assert set(one.get_params(deep=False)) == set(net.get_params(deep=False))
        assert_array_equal(one.predict_proba(X), model.predict_proba(X))
    assert path.stat().st_size < 50_000  # it holds the net, and not the training set
    pickle.loads(pickle.dumps(model))


def test_generators_modes_and_gradients_are_left_as_they_were_found():
    states = []

    class Frozen(Module):
        def train(self, mode=True):
            super().train(mode)
            self.layers[1].eval()  # a frozen batch norm must stay so
            return self

    class Spy(Callback):
        def on_epoch_end(self, net, **kwargs):
            states.append([m.training for m in net.module_.modules()])
            states.append([p.grad is None for p in net.module_.parameters()])

    torch.manual_seed(3), random.seed(3), np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1]  # noqa: NPY002
    net = make_net(module=Frozen, callbacks=[Spy()], train_split=None)
    CartographyClassifier(net, random_state=0).fit(X, y)
    with_us = states.copy()
    states.clear()
    assert_array_equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    assert_array_equal(before[2], np.random.get_state()[1])  # noqa: NPY002
    clone(net).set_params(callbacks=[Spy()]).fit(X, y.astype(np.int64))
    assert states == with_us


def test_n_epochs_sets_max_epochs_on_the_clone():
    net = make_net()
    model = CartographyClassifier(net, n_epochs=3, random_state=0).fit(X, y)
    assert model.n_epochs_ == 3
    assert net.max_epochs == 5


def test_weights_are_refused_with_skorchs_way():
    with pytest.raises(TypeError, match="a skorch net takes weights inside a dict X"):
        CartographyClassifier(make_net()).fit(X, y, sample_weight=np.ones(230))


def test_a_dict_of_rows_is_watched():
    class Keyword(Module):
        def forward(self, values):
            return super().forward(values)

    net = make_net(module=Keyword, train_split=None)
    expected = CartographyClassifier(make_net(train_split=None), random_state=0).fit(X, y)
    model = CartographyClassifier(net, random_state=0).fit({"values": X}, y)
    assert_allclose(model.confidence_, expected.confidence_, atol=1e-6)


def test_a_net_that_regresses_is_refused():
    with pytest.raises(NotWatchableError, match="a regressor"):
        CartographyClassifier(skorch.NeuralNetRegressor(Module)).fit(X, y)


def test_a_selector_and_a_distilled_classifier_take_a_dict_of_rows():
    class Named(Module):
        def forward(self, x):
            return super().forward(x)

    rows = {"x": X}
    net = make_net(module=Named, train_split=None)
    selector = DataMapSelector(net, frac=0.2, random_state=0)
    selected = selector.fit_transform(rows, NAMES[y])
    assert_array_equal(selected["x"], X[selector.sample_indices_])
    model = DistilledClassifier(net, selector).fit(rows, NAMES[y])
    assert set(model.predict(rows)) <= set(NAMES)


@pytest.mark.parametrize("as_weights", [np.asarray, torch.as_tensor, lambda w: w[:, None]])
@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_rows_that_a_dict_of_inputs_gives_weight_zero_are_absent(record, as_weights):
    class Weighted(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, X, sample_weight):
            return self.linear(X)

    rng = np.random.RandomState(0)
    labels, weights = np.arange(30) % 3, np.ones(30, dtype=np.float32)
    weights[[2, 7, 11]] = 0
    inputs = {"X": rng.normal(size=(30, 4)).astype(np.float32), "sample_weight": weights}
    inputs["sample_weight"] = as_weights(inputs["sample_weight"])
    settings = {"criterion": nn.CrossEntropyLoss, "train_split": None, "verbose": 0}
    settings |= {"max_epochs": 3, "lr": 0.5}
    callback = DataMapCallback(record=record)
    NeuralNetClassifier(Weighted, **settings, callbacks=[callback]).fit(inputs, labels)
    model = CartographyClassifier(NeuralNetClassifier(Weighted, **settings), record=record)
    selector = DataMapSelector(model, frac=1.0).fit(inputs, labels)
    assert_array_equal(selector.sample_indices_, np.flatnonzero(weights))
    for data_map in (model.fit(inputs, labels).data_map_, callback.data_map_):
        assert_array_equal(data_map.excluded_mask, weights == 0)
    inputs["sample_weight"] = as_weights(0 * weights)
    with pytest.raises(ValueError, match="exclude every sample"):
        model.fit(inputs, labels)
