"""The callback records, in a plain skorch net, the map of CartographyClassifier."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from sklearn.base import clone
from sklearn.model_selection import cross_validate
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier
from skorch.callbacks import Callback, Checkpoint, LoadInitState
from skorch.dataset import Dataset
from torch import nn

from sklearn_carto import CartographyClassifier, DataMapSelector
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import (
    DegenerateMapWarning,
    InvalidProbabilitiesError,
    UnseenSamplesWarning,
)
from sklearn_carto.integrations.skorch import DataMapCallback

X, y, _ = make_cartography(230, n_classes=3, random_state=0)
X, y = X.astype(np.float32), y.astype(np.int64)


class Module(nn.Module):
    def __init__(self, n_out=3):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, n_out)
        )

    def forward(self, X):
        return self.layers(X)


def make_net(*callbacks, kind=NeuralNetClassifier, **params):
    settings = {
        "module": Module,
        "criterion": nn.CrossEntropyLoss,
        "max_epochs": 4,
        "batch_size": 32,
        "lr": 0.05,
        "iterator_train__shuffle": True,
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


@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_the_map_is_that_of_cartography_classifier_and_the_net_that_of_a_bare_fit(record):
    callback = DataMapCallback(record)
    net = fit(make_net(callback))
    watched = CartographyClassifier(make_net(), record=record, random_state=0).fit(X, y)
    assert_array_equal(callback.dynamics_.true_proba, watched.dynamics_.true_proba)
    assert_array_equal(callback.data_map_.held_out_mask, watched.data_map_.held_out_mask)
    assert callback.data_map_.record == record
    assert_same_weights(fit(make_net()), net)
    assert type(net) is NeuralNetClassifier


def test_fit_starts_anew_and_partial_fit_goes_on():
    callback = DataMapCallback()
    net = fit(make_net(callback))
    first = callback.data_map_
    assert_array_equal(fit(net) and callback.data_map_.confidence, first.confidence)
    net.partial_fit(X, y)
    assert callback.dynamics_.n_epochs == 8
    assert_allclose(callback.dynamics_.true_proba[:, :4].mean(axis=1), first.confidence, rtol=1e-5)
    net.partial_fit(X[:100], y[:100])
    assert callback.dynamics_.true_proba.shape == (100, 4)


def test_it_records_beside_cartography_classifier_and_other_callbacks():
    events = []

    class Spy(Callback):
        def on_epoch_end(self, net, **kwargs):
            events.append(type(net).__name__)

    callback = DataMapCallback()
    net = make_net(callback, Spy())
    watched = CartographyClassifier(net, record="training", random_state=0).fit(X, y)
    inner = dict(watched.estimator_.callbacks_)["DataMapCallback"]
    assert_array_equal(inner.data_map_.confidence, watched.confidence_)
    assert events == ["NeuralNetClassifier"] * 4


def test_a_net_may_have_more_outputs_than_there_are_classes():
    callback = DataMapCallback()
    fit(make_net(callback, module__n_out=5))
    assert callback.data_map_.classes.tolist() == [0, 1, 2, 3, 4]
    assert callback.data_map_.labels.max() == 2


def test_fewer_outputs_than_classes_are_an_error():
    net = make_net(DataMapCallback(), module__n_out=2, criterion=nn.MSELoss)

    class Net(NeuralNetClassifier):
        def get_loss(self, y_pred, y_true, **kwargs):
            return y_pred.square().mean()

    net = Net(**net.get_params(deep=False) | {"criterion": nn.CrossEntropyLoss})
    with pytest.raises(InvalidProbabilitiesError, match="for 3 classes"):
        fit(net)


def test_binary_nets_and_datasets_are_recorded():
    callback = DataMapCallback()
    binary = make_net(
        callback,
        kind=NeuralNetBinaryClassifier,
        module__n_out=1,
        criterion=nn.BCEWithLogitsLoss,
    )
    fit(binary, labels=(y > 0).astype(np.float32))
    assert callback.data_map_.labels.tolist() == (y > 0).astype(int).tolist()
    callback = DataMapCallback()
    fit(make_net(callback, train_split=None), rows=Dataset(X, y), labels=None)
    assert_array_equal(callback.data_map_.labels, y)


def test_clones_searches_and_pickles_work_as_ever(tmp_path):
    keep = Checkpoint(dirname=tmp_path, f_pickle="net.pkl", monitor=None)
    callback = DataMapCallback()
    net = make_net(callback, keep)
    fit(clone(net))
    assert not hasattr(callback, "data_map_")
    fit(net)
    again = pickle.loads((tmp_path / "net.pkl").read_bytes())
    assert type(again) is NeuralNetClassifier
    kept = dict(again.callbacks_)["DataMapCallback"]
    assert_array_equal(kept.data_map_.confidence, callback.data_map_.confidence)
    scores = cross_validate(make_net(DataMapCallback()), X, y, cv=2, return_estimator=True)
    maps = [dict(net.callbacks_)["DataMapCallback"].data_map_ for net in scores["estimator"]]
    assert [len(data_map) for data_map in maps] == [115, 115]


def test_a_failed_training_leaves_its_epochs_and_a_net_as_it_was():
    class Die(Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 3:
                raise RuntimeError("out of luck")

    callback = DataMapCallback()
    net = make_net(callback, Die())
    with pytest.raises(RuntimeError, match="out of luck"):
        fit(net)
    assert callback.data_map_.n_epochs == 2
    assert type(net) is NeuralNetClassifier


def test_rows_never_shown_are_named():
    net = make_net(DataMapCallback(), train_split=None, iterator_train__drop_last=True)
    net.set_params(iterator_train__shuffle=False)
    with pytest.warns(UnseenSamplesWarning, match="6 of 230 rows"):
        fit(net)


@pytest.mark.parametrize("labels", [np.array(["a", "b"])[y % 2], y - 1, y + 0.5])
def test_labels_that_are_no_columns_are_an_error(labels):
    with pytest.raises(ValueError, match=r"must be 0 to n_classes - 1.*CartographyClassifier"):
        fit(make_net(DataMapCallback()), labels=labels)


def test_missing_labels_and_unknown_modes_are_errors():
    with pytest.raises(ValueError, match="requires labels"):
        fit(make_net(DataMapCallback(), train_split=None), labels=None)
    with pytest.raises(ValueError, match="'record' parameter of DataMapCallback .* Got 'never'"):
        fit(make_net(DataMapCallback("never")))
    with pytest.raises(AttributeError, match="No epoch was recorded yet"):
        DataMapCallback().dynamics_  # noqa: B018


def test_the_map_selects_rows():
    callback = DataMapCallback()
    fit(make_net(callback, train_split=None))
    assert len(callback.data_map_.select("ambiguous", 0.33)) == 76
    assert len(DataMapSelector(frac=0.1, region="easy").fit_transform(X, y)) == 23


@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_a_net_whose_callback_was_used_has_the_parameters_of_before(record):
    callback = DataMapCallback(record)
    net = make_net(("map", callback))
    fit(net)
    assert callback.data_map_.n_epochs == 4
    names = {name for name in net.get_params() if name.startswith("callbacks__map__")}
    parameters = ("record", "keep_history", "sample_ids", "log", "history_dir")
    assert names == {f"callbacks__map__{name}" for name in parameters}
    assert clone(callback).record == record
    model = CartographyClassifier(clone(net), random_state=0).fit(X, y)
    assert_array_equal(model.data_map_.labels, y)


def test_the_map_is_there_where_its_warning_is_an_error():
    callback = DataMapCallback()
    with pytest.raises(DegenerateMapWarning, match="one epoch"):
        fit(make_net(callback, max_epochs=1))  # warnings are errors in these tests
    assert callback.data_map_.n_epochs == 1


@pytest.mark.parametrize(
    "params",
    [{"record": None}, {"record": "out_of_fold"}, {"keep_history": "no"}, {"keep_history": 1},
     {"sample_ids": "ids"}, {"sample_ids": ["a"]}, {"sample_ids": np.zeros(230, int)}],
    ids=str,
)  # fmt: skip
def test_parameters_of_a_wrong_kind_are_errors_before_the_training(params):
    net = make_net(DataMapCallback(**params))
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of DataMapCallback"):
        fit(net)
    assert not getattr(net, "history_", None)


@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_the_map_carries_the_names_of_rows(record):
    ids = np.array([f"row {i}" for i in range(len(y))])
    callback = DataMapCallback(record, sample_ids=ids)
    fit(make_net(callback))
    assert_array_equal(callback.data_map_.sample_ids, ids)
    plain = DataMapCallback(record)
    fit(make_net(plain))
    assert_array_equal(plain.data_map_.confidence, callback.data_map_.confidence)


def test_rows_that_a_sampler_never_draws_are_nan_and_counted_by_one_warning():
    weights = np.where(np.arange(len(y)) < 30, 0.0, 1.0)
    sampler = torch.utils.data.WeightedRandomSampler(weights, 4 * len(y))
    callback = DataMapCallback()
    net = make_net(callback, train_split=None, iterator_train__shuffle=False)
    net.set_params(iterator_train__sampler=sampler)
    with pytest.warns(UnseenSamplesWarning, match="30 of 230 rows") as caught:
        fit(net)
    assert len(caught) == 1
    assert np.isnan(callback.data_map_.confidence[:30]).all()
    drawn = callback.dynamics_.true_proba[30:]  # a few rows are not drawn in each epoch
    assert_allclose(callback.data_map_.confidence[30:], np.nanmean(drawn, axis=1), rtol=1e-5)


class Reader(Callback):
    """Read the map while the net trains."""

    def __init__(self, callback):
        self.callback = callback

    def on_epoch_end(self, net, **kwargs):
        self.maps_ = [*getattr(self, "maps_", ()), self.callback.data_map_]


def test_a_map_that_is_read_during_the_training_warns_once_at_its_end():
    callback = DataMapCallback()
    net = make_net(callback, max_epochs=1)
    reader = Reader(callback)
    net.set_params(callbacks=[callback, reader])
    with pytest.warns(DegenerateMapWarning, match="one epoch") as caught:
        fit(net)
    assert len(caught) == 1
    assert reader.maps_[0] is callback.data_map_


def test_a_map_of_a_training_that_failed_warns_as_it_is_read():
    class Dies(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise RuntimeError("out of luck")

    callback = DataMapCallback()
    with pytest.raises(RuntimeError, match="out of luck"):
        fit(make_net(callback, Dies()))
    with pytest.warns(DegenerateMapWarning, match="one epoch"):
        _ = callback.data_map_


@pytest.mark.parametrize("split", [None, "default"])
@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_a_net_that_continues_from_a_checkpoint_continues_its_map(record, split, tmp_path):
    keep = Checkpoint(dirname=tmp_path, monitor=None)
    split = {} if split else {"train_split": None}
    first, second = DataMapCallback(record), DataMapCallback(record)
    fit(make_net(first, keep, **split))
    second.load_state_dict(first.state_dict())
    net = fit(make_net(LoadInitState(keep), second, **split))
    assert len(net.history) == 8
    assert second.data_map_.n_epochs == 8
    assert_array_equal(second.dynamics_.true_proba[:, :4], first.dynamics_.true_proba)
    assert_allclose(
        second.data_map_.confidence, second.dynamics_.true_proba.mean(axis=1), rtol=1e-5
    )
    fit(net)
    assert second.data_map_.n_epochs == 4  # the state is continued once


def test_the_state_of_other_rows_is_refused_before_the_training():
    first = DataMapCallback()
    fit(make_net(first))
    for name, second, labels in [
        ("labels", DataMapCallback(), (y + 1) % 3),
        ("record", DataMapCallback("epoch_end"), y),
        ("keep_history", DataMapCallback(keep_history=False), y),
        ("sample_ids", DataMapCallback(sample_ids=np.arange(len(y))), y),
    ]:
        second.load_state_dict(first.state_dict())
        net = make_net(second)
        with pytest.raises(ValueError, match=f"differs in {name}"):
            fit(net, labels=labels)
        assert len(net.history) == 0
    with pytest.raises(ValueError, match="'state' parameter of DataMapCallback.load_state_dict"):
        first.load_state_dict([1])
    assert DataMapCallback().state_dict() == {}
