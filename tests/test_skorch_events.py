"""Listeners of a net: several at once, removed after training, and for its own rows only."""

import copy
import gc
import pickle
import threading
import weakref

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from sklearn.base import clone
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier
from skorch.callbacks import Callback, Checkpoint
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from torch.utils.data import IterableDataset, Subset, TensorDataset

from sklearn_carto import CartographyClassifier, compare_subsets
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import NotWatchableError, SampleAlignmentError, UnseenSamplesWarning
from sklearn_carto.integrations.skorch import DataMapCallback

N, N_EPOCHS = 100, 3
X, y, _ = make_cartography(N, n_classes=3, random_state=0)
X, y = X.astype(np.float32), y.astype(np.int64)


class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.dropout = torch.nn.Linear(8, 3), torch.nn.Dropout(0.3)

    def forward(self, X):
        return self.linear(self.dropout(X.float()))


def make_net(kind=NeuralNetClassifier, **params):
    settings = {"criterion": torch.nn.CrossEntropyLoss, "max_epochs": N_EPOCHS, "verbose": 0}
    return kind(Module, **settings | {"batch_size": 10, "lr": 0.1} | params)


def watch(net, rows=X, labels=y, **params):
    return CartographyClassifier(net, random_state=0, **params).fit(rows, labels)


# --- several listeners


def test_several_callbacks_record_one_net():
    callbacks = DataMapCallback("training"), DataMapCallback("epoch_end")
    net = make_net(callbacks=list(zip("ab", callbacks, strict=True))).fit(X, y)
    for one in callbacks:
        assert one.data_map_.n_epochs == N_EPOCHS
        alone = DataMapCallback(one.record)
        torch.manual_seed(0)
        make_net(callbacks=[alone]).fit(X, y)
        torch.manual_seed(0)
        make_net(callbacks=list(zip("ab", callbacks, strict=True))).fit(X, y)
        assert_array_equal(one.data_map_.confidence, alone.data_map_.confidence)
    assert type(net) is NeuralNetClassifier


def test_a_training_that_never_began_leaves_the_next_one_its_map():
    class FailsOnce(Callback):
        failed = False

        def on_train_begin(self, net, **kwargs):
            if not FailsOnce.failed:
                FailsOnce.failed = True
                raise OSError("no server")

    callback = DataMapCallback()
    net = make_net(callbacks=[("maps", callback), ("fails", FailsOnce())])
    with pytest.raises(OSError, match="no server"):
        net.fit(X, y)
    assert net.__class__ is NeuralNetClassifier
    for _ in range(2):
        net.fit(X, y)
        assert callback.data_map_.n_epochs == N_EPOCHS
        assert type(net) is NeuralNetClassifier


def test_a_net_that_is_recorded_twice_can_be_pickled_as_it_trains(tmp_path):
    keep = Checkpoint(dirname=tmp_path, f_pickle="net.pkl", monitor=None)
    net = make_net(callbacks=[("maps", DataMapCallback()), ("keep", keep)])
    model = watch(net)
    kept = pickle.loads((tmp_path / "net.pkl").read_bytes())
    assert type(kept) is NeuralNetClassifier
    assert_array_equal(kept.predict_proba(X), model.predict_proba(X))


def test_clones_made_meanwhile_are_plain_nets_and_hold_no_rows():
    clones = []

    class Clones(Callback):
        def on_epoch_end(self, net, **kwargs):
            clones.append(clone(net))

    rows = X.copy()
    watch(make_net(callbacks=[Clones()]), rows)
    gone = weakref.ref(rows)
    del rows
    gc.collect()
    assert gone() is None
    assert all(type(one) is NeuralNetClassifier for one in clones)


def test_a_net_that_a_callback_makes_of_the_same_type_is_not_recorded():
    class Makes(Callback):
        def on_epoch_end(self, net, **kwargs):
            other = type(net)(**net.get_params(deep=False) | {"callbacks": None, "max_epochs": 1})
            made.append(other.fit(X, y))

    made = []
    model = watch(make_net(callbacks=[Makes()]))
    assert model.n_epochs_ == len(made) == N_EPOCHS
    assert set(vars(model.estimator_)) == set(vars(make_net().fit(X, y)))


def test_copies_made_meanwhile_are_of_a_state_without_listeners():
    class Net(NeuralNetClassifier):
        def __getstate__(self):
            return super().__getstate__() | {"names": set(vars(self))}

    class Copies(Callback):
        def on_epoch_end(self, net, **kwargs):
            copies.append(copy.copy(net))

    copies = []
    net = watch(make_net(Net, callbacks=[Copies()])).estimator_
    assert [(type(one), one.names) for one in copies] == [(Net, set(vars(net)))] * N_EPOCHS


def test_methods_give_back_what_they_gave():
    class Net(NeuralNetClassifier):
        def run_single_epoch(self, *args, **kwargs):
            super().run_single_epoch(*args, **kwargs)
            return 42

        def on_train_end(self, net, X=None, y=None, **kwargs):
            super().on_train_end(net, X=X, y=y, **kwargs)
            loader = self.get_iterator(self.get_dataset(X, y))
            self.value_ = self.run_single_epoch(loader, False, "x", self.validation_step)

    assert watch(make_net(Net)).estimator_.value_ == 42


# --- which rows are recorded


def test_a_subset_of_a_data_set_is_watched_as_a_data_set_of_its_own():
    part = Subset(TensorDataset(torch.tensor(X), torch.tensor(y)), list(range(10, 90)))
    model = CartographyClassifier(make_net(), random_state=0).fit(part)
    assert_array_equal(model.confidence_, watch(make_net(), X[10:90], y[10:90]).confidence_)
    recorded = CartographyClassifier(make_net(), record="training", random_state=0).fit(part)
    assert len(recorded.data_map_) == 80


def test_data_sets_can_be_split_into_folds():
    rows = TensorDataset(torch.tensor(X), torch.tensor(y))
    net = make_net(train_split=None)
    model = CartographyClassifier(net, cv=3, random_state=0).fit(rows)
    expected = CartographyClassifier(net, cv=3, random_state=0).fit(X, y)
    assert_allclose(model.confidence_, expected.confidence_, atol=1e-6)
    params = {"regions": ["ambiguous"], "cv": 3, "random_state": 0}
    scores = compare_subsets(net, rows, y, **params).results_["test_score"]
    assert_array_equal(scores, compare_subsets(net, X, y, **params).results_["test_score"])


def test_rows_made_anew_by_train_split_are_not_taken_for_those_of_X():
    order = np.random.RandomState(0).permutation(N)

    def shuffled(dataset, y=None, **kwargs):
        return Dataset(X[order], y[order]), None

    with pytest.raises(SampleAlignmentError, match="cannot be traced to the rows of X"):
        watch(make_net(train_split=shuffled), record="training")


def test_validation_rows_from_elsewhere_fill_no_gaps():
    split = predefined_split(Dataset(10 * X[::-1].copy(), y))
    net = make_net(
        batch_size=16, train_split=split, iterator_train__drop_last=True, max_epochs=N_EPOCHS
    )
    with pytest.warns(UnseenSamplesWarning, match="4 of 100 rows"):
        model = watch(net, record="training")
    assert np.isnan(model.confidence_[96:]).all()


def test_a_net_that_converts_its_rows_is_watched():
    class Net(NeuralNetClassifier):
        def fit(self, X, y, **params):
            return super().fit(np.asarray(X, dtype=np.float32), y, **params)

    for record in ("epoch_end", "training"):
        expected = watch(make_net(), record=record)
        model = watch(make_net(Net), X.astype(np.float64), record=record)
        assert_array_equal(model.confidence_, expected.confidence_)


def test_a_loop_that_leaves_out_batches_is_an_error_and_not_a_wrong_map():
    class Skips(NeuralNetClassifier):
        skipped = 1

        def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
            for i, batch in enumerate(iterator or ()):
                if i != self.skipped:
                    step = step_fn(batch, **fit_params)
                    self.notify("on_batch_end", batch=batch, training=training, **step)

    with pytest.raises(SampleAlignmentError, match="leaves out batches.*Use record='epoch_end'"):
        watch(make_net(Skips, train_split=None), record="training")
    Skips.skipped = -1
    model = watch(make_net(Skips, train_split=None), record="training")
    expected = watch(make_net(train_split=None), record="training")
    assert_array_equal(model.confidence_, expected.confidence_)


def test_labels_other_than_those_of_the_data_set_are_an_error():
    rows = TensorDataset(torch.tensor(X), torch.tensor(y))
    net = make_net(train_split=None)
    with pytest.raises(SampleAlignmentError, match="not those of the data set"):
        watch(net, rows, np.roll(y, 1), record="training")


def test_labels_that_a_collate_function_smoothes_are_no_other_labels():
    class One(Module):
        def forward(self, X):
            return super().forward(X)[:, 0]

    def smooth(batch):
        rows, labels = torch.utils.data.default_collate(batch)
        return rows, labels.float().clip(0.05, 0.95)

    rows, labels = torch.tensor(X), (y > 0).astype(np.int64)
    net = NeuralNetBinaryClassifier(
        One, train_split=None, verbose=0, iterator_train__collate_fn=smooth, max_epochs=N_EPOCHS
    )
    dataset = TensorDataset(rows, torch.tensor(labels))
    assert watch(net, dataset, labels, record="training").n_epochs_ == N_EPOCHS


@pytest.mark.parametrize("convert", [np.asarray, np.array], ids=["X itself", "a copy"])
def test_validation_rows_that_a_net_makes_itself_are_not_taken_for_X(convert):
    class Net(NeuralNetClassifier):
        def get_split_datasets(self, X, y=None, **params):
            return self.get_dataset(convert(X), y), self.get_dataset(X[::-1].copy(), y)

    net = make_net(Net, batch_size=16, iterator_train__drop_last=True)
    with pytest.warns(UnseenSamplesWarning, match="4 of 100 rows"):
        model = watch(net, record="training")
    assert model.dynamics_.n_seen.sum() == 96 * N_EPOCHS


def test_rows_held_out_anew_do_not_go_on_with_a_map():
    callback = DataMapCallback("epoch_end")
    net = make_net(callbacks=[callback], train_split=ValidSplit(0.3)).fit(X, y)
    with pytest.raises(
        SampleAlignmentError, match="must hold out the same rows as in the earlier epochs"
    ):
        net.partial_fit(X, y)
    assert callback.data_map_.n_epochs == N_EPOCHS
    same = make_net(callbacks=[callback], train_split=ValidSplit(5)).fit(X, y).partial_fit(X, y)
    assert same.history[-1]["epoch"] == callback.data_map_.n_epochs == 2 * N_EPOCHS


def test_a_stream_of_rows_is_refused():
    class Stream(IterableDataset):
        def __iter__(self):
            return zip(X, y, strict=True)

    with pytest.raises(
        SampleAlignmentError, match=r"Stream is an IterableDataset.*DynamicsRecorder"
    ):
        watch(make_net(), Stream(), y)


# --- how nets are evaluated


def test_rows_in_reverse_and_in_half_precision_are_watched():
    backward = watch(make_net(), X[::-1], y[::-1])
    assert_array_equal(backward.confidence_, watch(make_net(), X[::-1].copy(), y[::-1]).confidence_)
    half = torch.tensor(X).bfloat16()
    expected = watch(make_net(), half.float())
    assert_array_equal(watch(make_net(), half).confidence_, expected.confidence_)
    assert expected._is_training_set(half.float(), y)
    assert not expected._is_training_set(half, y)
    learning = torch.tensor(X, requires_grad=True)
    assert watch(make_net(train_split=None), learning.detach())._is_training_set(learning, y)


def test_a_net_that_predicts_no_labels_is_refused():
    with pytest.raises(NotWatchableError, match=r"NeuralNet\.predict .*NeuralNetClassifier"):
        watch(make_net(NeuralNet))


def predict_in_another_thread(model):
    finished = threading.Event()
    thread = threading.Thread(target=lambda: (model.predict(X), finished.set()))
    thread.start()
    return thread, finished.wait(5)


def test_a_net_of_the_user_predicts_while_another_trains():
    model, finished = watch(make_net()), []

    class Predicts(Callback):
        def on_epoch_end(self, net, **kwargs):
            finished.append(predict_in_another_thread(model)[1])

    watch(make_net(callbacks=[Predicts()]))
    assert finished == [True] * N_EPOCHS


def test_threads_that_compare_subsets_give_the_scores_of_none():
    def compare(n_jobs):
        params = {"regions": ["ambiguous"], "cv": 3, "random_state": 0, "n_jobs": n_jobs}
        net = make_net(iterator_train__shuffle=True, max_epochs=8, train_split=None)
        return compare_subsets(net, X, y, **params).results_["test_score"]

    with joblib.parallel_backend("threading"):
        assert_array_equal(compare(3), compare(1))


class Copies(Callback):
    """Makes a net of the state of one that trains."""

    def on_epoch_end(self, net, **kwargs):
        self.state = net.__getstate__()
        self.copy = NeuralNetClassifier.__new__(NeuralNetClassifier)
        vars(self.copy).update(vars(net))  # as a net with its own __deepcopy__ may do


def test_the_state_of_a_net_that_trains_holds_no_listener():
    copies = Copies()
    net = make_net(callbacks=[("map", DataMapCallback()), ("copies", copies)]).fit(X, y)
    assert set(copies.state) == set(net.__getstate__())
    copies.copy.callbacks[0][1].initialize()
    copies.copy.partial_fit(X, y)
    assert copies.copy.callbacks[0][1].data_map_.n_epochs == N_EPOCHS


class CallsByPosition(NeuralNetClassifier):
    """Passes the arguments of its events by position, as skorch declares them."""

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        super().on_epoch_begin(net, dataset_train, dataset_valid, **kwargs)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        for batch in iterator:
            self.on_batch_begin(self, batch, training)
            step = step_fn(batch, **fit_params)
            self.history.record_batch(prefix + "_loss", step["loss"].item())
            self.history.record_batch(prefix + "_batch_size", len(batch[0]))
            self.on_batch_end(self, batch, training, **step)


@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_events_take_their_arguments_by_position(record):
    nets = [
        watch(make_net(kind, callbacks="disable"), record=record)
        for kind in (NeuralNetClassifier, CallsByPosition)
    ]
    assert_array_equal(*(net.dynamics_.true_proba for net in nets))


def test_the_class_of_a_net_is_not_kept_alive():
    class Redefined(NeuralNetClassifier):
        pass

    kind = weakref.ref(Redefined)
    watch(make_net(Redefined))
    del Redefined
    gc.collect()
    assert kind() is None
