"""DynamicSubset draws the rows of a skorch net, and leaves the net as it was."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from names import name_of

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from sklearn.base import clone
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset

from sklearn_carto import CartographyClassifier
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import SampleAlignmentError
from sklearn_carto.integrations._dynamic_listener import WeightedLosses
from sklearn_carto.integrations.skorch import DataMapCallback, DynamicSubset

N = 120
X, y, _ = make_cartography(N, n_classes=3, random_state=0)
X, y = X.astype(np.float32), y.astype(np.int64)
RULES = ["random", "infobatch", "variability", "loss", "confidence", "aleatoric", "el2n"]


def make_net(*callbacks, kind=NeuralNetClassifier, **params):
    settings = {
        "module": nn.Linear,
        "module__in_features": 8,
        "module__out_features": 3,
        "criterion": nn.CrossEntropyLoss,
        "max_epochs": 12,
        "batch_size": 8,
        "train_split": None,
        "callbacks": list(callbacks),
        "verbose": 0,
    }
    return kind(**{**settings, **params})


def fit(net, rows=X, labels=y):
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    return net.fit(rows, labels)


def assert_same_weights(one, other):
    for name, value in one.module_.state_dict().items():
        assert_array_equal(value, other.module_.state_dict()[name], err_msg=name)


class Batches(Callback):
    """Collect the first feature of the rows of each training batch, by epoch."""

    def initialize(self):
        self.epochs_ = []
        return self

    def on_epoch_begin(self, net, **kwargs):
        self.epochs_.append([])

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        if training:
            self.epochs_[-1].append(batch[0][:, 0].numpy())

    def rows(self, epoch):
        """Positions in X of the rows of an epoch."""
        values = np.concatenate(self.epochs_[epoch])
        return np.array([np.flatnonzero(X[:, 0] == value)[0] for value in values])


@pytest.mark.parametrize("rule", RULES)
def test_a_net_is_trained_on_what_was_drawn_in_a_share_of_the_steps(rule):
    subset, batches = DynamicSubset(rule, 0.25, random_state=0), Batches()
    net = fit(make_net(subset, batches))
    drawn = np.concatenate([batches.rows(epoch) for epoch in range(12)])
    assert_array_equal(subset.n_drawn_, np.bincount(drawn, minlength=N))
    # 30 rows in each of 12 epochs, also where the epochs differ in length
    assert len(drawn) == 360
    if rule != "infobatch":
        assert net.history[:, "train_batch_count"] == [4] * 12


def test_random_goes_through_all_rows_before_any_comes_again():
    batches = Batches()
    fit(make_net(DynamicSubset("random", 0.25, random_state=0), batches))
    for first in (0, 4, 8):
        rows = np.concatenate([batches.rows(epoch) for epoch in range(first, first + 4)])
        assert sorted(rows) == list(range(N))


@pytest.mark.parametrize("rule", RULES)
def test_the_seed_of_torch_or_the_callback_determines_the_training(rule):
    for random_state in (None, 3):
        subset = DynamicSubset(rule, 0.3, random_state=random_state)
        assert_same_weights(fit(make_net(subset)), fit(make_net(subset)))
    other = fit(make_net(DynamicSubset(rule, 0.3, random_state=4)))
    assert not np.array_equal(
        other.module_.weight.detach(), fit(make_net(subset)).module_.weight.detach()
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_do_not_matter(workers):
    params = {"iterator_train__num_workers": workers}
    if workers:
        params["iterator_train__persistent_workers"] = True
    subset = DynamicSubset("loss", 0.3, random_state=0)
    expected = fit(make_net(clone(subset), max_epochs=6))
    assert_same_weights(expected, fit(make_net(subset, max_epochs=6, **params)))


def test_the_net_is_as_before_after_the_training():
    subset = DynamicSubset("infobatch", None, random_state=0)
    net = make_net(subset, iterator_train__shuffle=True)
    before = {name: value for name, value in net.get_params().items() if "callbacks" not in name}
    fit(net)
    after = {name: value for name, value in net.get_params().items() if "callbacks" not in name}
    assert before.keys() <= after.keys()
    assert all(after[name] is value for name, value in before.items() if value is not None)
    assert type(net) is NeuralNetClassifier
    assert "forward" not in vars(net.criterion_)
    assert net.criterion_.reduction == "mean"
    copied = pickle.loads(pickle.dumps(net))
    assert_array_equal(copied.predict(X), net.predict(X))
    assert_array_equal(dict(copied.callbacks_)["DynamicSubset"].n_drawn_, subset.n_drawn_)
    assert clone(net).callbacks[0].get_params() == subset.get_params()


def test_an_error_in_the_training_restores_criterion_and_sampler():
    loaders = []

    class Loader(DataLoader):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            loaders.append(self)

    class Fails(Callback):
        def on_batch_end(self, net, **kwargs):
            if "forward" in vars(net.criterion_):
                raise RuntimeError("in a weighted epoch")

    net = make_net(DynamicSubset("infobatch", None), Fails(), iterator_train=Loader)
    with pytest.raises(RuntimeError, match="in a weighted epoch"):
        fit(net)
    assert "forward" not in vars(net.criterion_)
    assert isinstance(loaders[0].batch_sampler.sampler, SequentialSampler)
    assert type(net) is NeuralNetClassifier


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("rule", ["random", "loss", "infobatch"])
def test_a_map_beside_it_is_that_of_the_rows_that_were_drawn(rule, order):
    subset, recorded = DynamicSubset(rule, 0.25, random_state=0), DataMapCallback()
    net = fit(make_net(*[subset, recorded][::order]))
    assert_array_equal(recorded.dynamics_.n_seen, subset.n_drawn_)
    alone = fit(make_net(DynamicSubset(rule, 0.25, random_state=0)))
    assert_same_weights(net, alone)


@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_a_net_with_it_can_be_watched(record):
    net = make_net(DynamicSubset("loss", 0.25, random_state=0))
    watched = CartographyClassifier(net, record=record, random_state=0).fit(X, y)
    subset = dict(watched.estimator_.callbacks_)["DynamicSubset"]
    n_seen = subset.n_drawn_ if record == "training" else np.full(N, 12)
    assert_array_equal(watched.dynamics_.n_seen, n_seen)


def test_rows_that_are_held_out_are_not_drawn():
    from skorch.dataset import ValidSplit

    subset, batches = DynamicSubset("loss", 0.5, random_state=0), Batches()
    net = make_net(subset, batches, train_split=ValidSplit(4, stratified=False))
    fit(net)
    drawn = [batches.rows(epoch) for epoch in range(12)]
    assert {len(rows) for rows in drawn} == {45}
    assert len(np.unique(np.concatenate(drawn))) == len(subset.n_drawn_) == 90
    assert net.history[:, "valid_batch_count"] == [4] * 12  # of all 30


@pytest.mark.parametrize("rule", ["random", "loss"])
def test_rows_of_weight_zero_are_never_drawn(rule):
    class Weighted(nn.Linear):
        def forward(self, X, sample_weight):
            return super().forward(X)

    weights = (np.arange(N) % 3 > 0).astype(np.float32)
    rows = {"X": X, "sample_weight": weights}
    subset = DynamicSubset(rule, 0.25, random_state=0)
    net = fit(make_net(subset, module=Weighted), rows)
    assert len(subset.n_drawn_) == 80
    assert subset.n_drawn_.sum() == 12 * 20
    assert net.history[:, "train_batch_count"] == [3] * 12


def test_partial_fit_goes_on_and_fit_begins_anew():
    subset, batches = DynamicSubset("random", 0.25, random_state=0), Batches()
    net = make_net(subset, batches, max_epochs=1)
    for _ in range(4):
        net.partial_fit(X, y)
    assert_array_equal(subset.n_drawn_, 1)
    fit(net)
    assert subset.n_drawn_.sum() == 30


def test_weighted_losses_are_means_of_products():
    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), torch.tensor([0, 0, 1])
    weights = np.array([1.0, 2.0, 4.0, 3.0])
    single = nn.CrossEntropyLoss(reduction="none")(logits, labels).numpy()
    for reduction, expected in (("mean", np.mean), ("sum", np.sum), ("none", np.asarray)):
        criterion = nn.CrossEntropyLoss(reduction=reduction)
        losses = WeightedLosses(criterion, weights)
        assert_allclose(criterion(logits, labels), expected(single * [1, 2, 4]), rtol=1e-6)
        losses.next_batch()
        assert_allclose(criterion(logits[:1], labels[:1]), 3 * single[0], rtol=1e-6)
        losses.remove()
        expected_after = nn.CrossEntropyLoss(reduction=reduction)(logits, labels)
        assert_array_equal(criterion(logits, labels), expected_after)


def test_infobatch_with_get_loss_takes_the_same_steps_as_with_a_mean():
    class Net(NeuralNetClassifier):
        def get_loss(self, y_pred, y_true, *args, **kwargs):
            return super().get_loss(y_pred, y_true, *args, **kwargs).mean()

    subset = DynamicSubset("infobatch", None, random_state=0)
    own = fit(make_net(subset, kind=Net, criterion__reduction="none"))
    mean = fit(make_net(clone(subset)))
    assert_allclose(own.module_.weight.detach(), mean.module_.weight.detach(), rtol=1e-5)
    plain = fit(make_net(clone(subset), kind=Net, criterion__reduction="none", batch_size=4))
    assert not np.allclose(plain.module_.weight.detach(), own.module_.weight.detach())


def test_without_pruning_infobatch_draws_all_rows_at_weight_1():
    subset = DynamicSubset("infobatch", None, prune=0.0, random_state=0)
    fit(make_net(subset))
    assert_array_equal(subset.n_drawn_, 12)


def test_random_draws_the_rows_of_any_net():
    subset = DynamicSubset("random", 0.5)
    target = X[:, :1] + 0.5
    fit(
        make_net(subset, kind=NeuralNetRegressor, criterion=nn.MSELoss, module__out_features=1),
        X,
        target,
    )
    assert_array_equal(subset.n_drawn_, 6)
    net = make_net(DynamicSubset("loss"), kind=NeuralNetRegressor, module__out_features=1)
    with pytest.raises(ValueError, match="Labels of a net must be 0 to n_classes - 1"):
        fit(net, X, target)


def test_it_needs_labels():
    rows = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    subset = DynamicSubset("loss", 0.25, random_state=0)
    fit(make_net(subset), rows, None)
    assert subset.n_drawn_.sum() == 360
    with pytest.raises(ValueError, match="DynamicSubset requires labels"):
        DynamicSubset("loss").initialize().on_train_begin(make_net(), X, None)


class Own(BatchSampler):
    def __iter__(self):
        return iter([[0, 1], [2, 3]])


@pytest.mark.parametrize(
    "iterator",
    [
        {"iterator_train__batch_size": None},
        {"iterator_train__batch_sampler": Own(range(4), 2, False)},
        {"iterator_train": lambda dataset, **kwargs: [dataset[:4]]},
    ],
    ids=["no batches", "own batches", "a list"],
)
def test_an_iterator_whose_rows_cannot_be_chosen_is_an_error(iterator):
    params = {"batch_size": 1, **iterator}
    if "iterator_train__batch_sampler" in iterator:
        sampler = params.pop("iterator_train__batch_sampler")
        params["iterator_train"] = lambda dataset, **_: DataLoader(dataset, batch_sampler=sampler)
    with pytest.raises(SampleAlignmentError, match="DynamicSubset needs a torch DataLoader"):
        fit(make_net(DynamicSubset(), **params))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"criterion__weight": torch.ones(3)}, "has class weights"),
        ({"criterion__reduction": "none"}, "get_loss of the net does not reduce"),
        ({"criterion": lambda: nn.functional.cross_entropy}, "has no reduction"),
    ],
    ids=["class weights", "none", "function"],
)
def test_infobatch_needs_a_criterion_whose_losses_can_be_weighted(params, message):
    with pytest.raises(ValueError, match=message):
        fit(make_net(DynamicSubset("infobatch"), **params))


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"rule": "hard"}, "rule"),
        ({"frac": 0.0}, "frac"),
        ({"frac": None}, "frac"),
        ({"replacement": "yes"}, "replacement"),
        ({"prune": 1}, "prune"),
        ({"delta": 2}, "delta"),
        ({"warm_up": 0.5}, "warm_up"),
        ({"random_state": "a"}, "random_state"),
    ],
    ids=name_of,
)
def test_parameters_are_checked_as_the_net_is_initialized(params, name):
    net = make_net(DynamicSubset(**params))
    with pytest.raises(ValueError, match=f"'{name}' parameter of DynamicSubset"):
        net.initialize()


def test_a_share_of_less_than_a_batch_that_is_dropped_is_an_error():
    rows, labels = np.zeros((60, 2), dtype=np.float32), np.arange(60) % 2
    net = NeuralNetClassifier(
        torch.nn.Linear, module__in_features=2, module__out_features=2, max_epochs=1, verbose=0,
        criterion=torch.nn.CrossEntropyLoss, batch_size=32, iterator_train__drop_last=True,
        callbacks=[DynamicSubset("random", 0.33, random_state=0)], train_split=None,
    )  # fmt: skip
    with pytest.raises(SampleAlignmentError, match="20 rows.*less than 32"):
        net.fit(rows, labels)
