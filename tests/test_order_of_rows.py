"""Batches whose rows are in another order than their indices are an error, on every route."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

torch = pytest.importorskip("torch")

from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate

from sklearn_carto import CartographyClassifier
from sklearn_carto._recording._label_check import LabelCheck
from sklearn_carto.exceptions import SampleAlignmentError
from sklearn_carto.integrations._torch_loop import TorchLoopCallback
from sklearn_carto.integrations.torch import DynamicsRecorder

N, K = 24, 3
RNG = np.random.RandomState(0)
X = RNG.normal(size=(N, 4)).astype(np.float32)
y = RNG.randint(K, size=N)
NAMES = np.array(["ant", "bee", "cat"])
ERROR = pytest.raises(SampleAlignmentError, match="holds the same labels in another order")


def by_first_feature(batch):
    """Sort a batch, as is done for packed sequences."""
    first = (row["x"] if isinstance(row, dict) else row[0] for row in batch)
    order = np.argsort([float(x[0]) for x in first])
    return default_collate([batch[i] for i in order])


class Rows(Dataset):
    """Rows of one form."""

    def __init__(self, form):
        self.form = form

    def __len__(self):
        return N

    def __getitem__(self, i):
        one_hot = np.eye(K, dtype=np.float32)[y[i]]
        return {
            "pair": (X[i], y[i]),
            "column": (X[i], y[i : i + 1]),
            "floats": (X[i], np.float32(y[i])),
            "labels": {"x": X[i], "labels": y[i]},
            "label": {"x": X[i], "label": y[i]},
            "label_ids": {"x": X[i], "label_ids": y[i]},
            "one-hot": (X[i], one_hot),
            "mask and labels": (X[i], np.ones(5, int), y[i]),
            "labels and index": (X[i], y[i], i),
            "labels and weight": (X[i], y[i], np.float32(i / N)),
            "index": (X[i], i),
            "smoothed": (X[i], np.float32(0.9 * one_hot + 0.1 / K)),
            "shares": (X[i], np.float32(0.7 * one_hot + 0.3 * np.eye(K)[i % K])),
            "y": {"x": X[i], "y": y[i]},
            "mapping": (X[i], {"labels": y[i]}),
            "two targets": (X[i], (np.ones(2, np.float32), y[i])),
            "nothing": (X[i],),
        }[self.form]


def inputs_of(batch):
    return batch["x"] if isinstance(batch, dict) else batch[0]


def train(callback, loader, with_batch=True):
    """Run two epochs of a torch training loop that a callback records."""
    torch.manual_seed(0)
    model = nn.Linear(4, K)
    callback.start()
    callback.observe_loader(loader)
    callback.observe_model(model, 2)
    for _ in range(2):
        callback.begin_epoch()
        for batch in loader:
            callback.begin_batch(batch if with_batch else None)
            model(inputs_of(batch)).sum().backward()
            callback.end_batch()
        callback.end_epoch(len(loader))
    callback.stop()
    return callback


CARRY_LABELS = [
    *("pair", "column", "floats", "labels", "label", "label_ids", "one-hot"),
    *("mask and labels", "labels and index", "labels and weight"),
    *("smoothed", "y", "mapping", "two targets"),
]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("form", CARRY_LABELS)
def test_a_sorted_batch_is_an_error_in_a_torch_loop(form, named):
    labels, classes = (NAMES[y], NAMES) if named else (y, None)
    rows = Rows(form)
    train(TorchLoopCallback(labels, classes), DataLoader(rows, batch_size=6, shuffle=True))
    with ERROR:
        loader = DataLoader(rows, batch_size=6, shuffle=True, collate_fn=by_first_feature)
        train(TorchLoopCallback(labels, classes), loader)


@pytest.mark.parametrize("form", ["index", "shares", "nothing"])
def test_batches_without_labels_are_recorded_as_their_sampler_drew_them(form):
    callback = train(TorchLoopCallback(y), DataLoader(Rows(form), batch_size=6, shuffle=True))
    assert_array_equal(callback.dynamics_.labels, y)


def test_labels_that_a_model_is_called_with_are_compared():
    check = TorchLoopCallback(y)

    class Model(nn.Linear):
        def forward(self, x, labels=None):
            return super().forward(x)

    def run(collate_fn):
        loader = DataLoader(Rows("labels"), batch_size=6, collate_fn=collate_fn)
        model = Model(4, K)
        check.start()
        check.observe_loader(loader)
        check.observe_model(model, 1)
        check.begin_epoch()
        for batch in loader:
            check.begin_batch()
            model(batch["x"], labels=batch["labels"]).sum().backward()
            check.end_batch()
        check.end_epoch(len(loader))

    run(default_collate)
    with ERROR:
        run(by_first_feature)


def test_other_labels_than_those_of_the_data_set_are_an_error():
    with pytest.raises(SampleAlignmentError, match="holds other labels .* in 6 of 6 rows"):
        train(TorchLoopCallback((y + 1) % K), DataLoader(Rows("pair"), batch_size=6))


def test_labels_that_are_names_in_numbers_may_be_columns_or_names_in_the_batch():
    tens = np.array([10, 20, 30])
    for batch_labels in (y, tens[y]):
        dataset = TensorDataset(torch.as_tensor(X), torch.as_tensor(batch_labels))
        callback = train(TorchLoopCallback(tens[y], tens), DataLoader(dataset, batch_size=6))
        assert_array_equal(callback.dynamics_.labels, tens[y])


class OnDevice(torch.Tensor):
    """A tensor that claims to lie on another device."""

    device = torch.device("meta")


def test_labels_on_a_device_are_compared_by_the_end_of_the_epoch():
    check, rows = LabelCheck("Net", np.arange(K)), np.arange(3)
    right, wrong = (torch.tensor(v).as_subclass(OnDevice) for v in ([0, 1, 2], [2, 1, 0]))
    check.add((X, right), rows, np.arange(3))
    check.add((X, wrong), rows, np.arange(3))  # is not read: that would wait for the device
    with ERROR:
        check.flush()
    with ERROR:
        check.add((X, wrong), rows, np.arange(3))  # the first of an epoch is read at once


def located(batches):
    rows = np.concatenate(batches)
    return rows, y[rows]


def unlocated_check(*batches):
    """Add pairs of labels and row names, the first of which is compared at once."""
    check = LabelCheck("Net", np.arange(K))
    for labels, names in batches:
        check.add_unlocated((X, labels), names, located)
    return check


FIRST, THEN = [3, 1, 2], [8, 5, 7]


def test_labels_of_rows_that_are_located_later_are_compared_by_the_end_of_the_epoch():
    right = [(torch.as_tensor(y[rows]), rows) for rows in (FIRST, THEN, [0])]
    unlocated_check(*right).flush()
    wrong = torch.as_tensor((y[THEN] + 1) % K)
    check = unlocated_check(*right, (wrong, THEN))
    with pytest.raises(SampleAlignmentError, match=r"other labels .* in 3 of 3 rows.*\[8, 5, 7\]"):
        check.flush()
    with pytest.raises(SampleAlignmentError, match="in 3 of 3 rows"):  # the first one at once
        unlocated_check((wrong, THEN))


def test_labels_that_are_compared_later_may_be_overwritten_until_then():
    labels = torch.as_tensor(y[FIRST])
    check = unlocated_check((labels.clone(), FIRST), (labels, FIRST))
    labels += 1
    check.flush()


def test_labels_that_are_compared_later_may_be_indices():
    names = [(torch.as_tensor(rows), rows) for rows in (FIRST, THEN, FIRST)]
    unlocated_check(*names).flush()


def test_labels_of_an_interrupted_epoch_are_not_compared():
    right, wrong = torch.as_tensor(y[FIRST]), torch.as_tensor((y[FIRST] + 1) % K)
    check = unlocated_check((right, FIRST), (wrong, FIRST))
    check.discard()
    check.flush()


def make_net(**params):
    skorch = pytest.importorskip("skorch")
    return skorch.NeuralNetClassifier(
        nn.Linear, criterion=nn.CrossEntropyLoss, module__in_features=4, module__out_features=K,
        max_epochs=2, batch_size=6, verbose=0, **{"train_split": None} | params,
    )  # fmt: skip


SORTED = {
    ("training", "arrays"): {"iterator_train__collate_fn": by_first_feature},
    ("training", "data set"): {"iterator_train__collate_fn": by_first_feature},
    ("epoch_end", "arrays"): {"iterator_valid__collate_fn": by_first_feature},
    ("epoch_end", "data set"): {"iterator_valid__collate_fn": by_first_feature},
}


@pytest.mark.parametrize("callback", [False, True])
@pytest.mark.parametrize(("record", "kind"), SORTED)
def test_a_sorted_batch_of_a_net_is_an_error(record, kind, callback):
    params = SORTED[record, kind]
    rows = X if kind == "arrays" else TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    if callback:
        from sklearn_carto.integrations.skorch import DataMapCallback

        model = make_net(**params, callbacks=[DataMapCallback(record)])
    else:
        model = CartographyClassifier(make_net(**params), record=record)
    with ERROR:
        model.fit(rows, y)


def test_a_sorted_batch_of_held_out_rows_is_an_error():
    from skorch.dataset import ValidSplit

    net = make_net(train_split=ValidSplit(3), iterator_valid__collate_fn=by_first_feature)
    with ERROR:
        CartographyClassifier(net, record="training").fit(X, y)


@pytest.mark.parametrize("as_type", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize("later", [False, True])
def test_a_recorder_compares_labels_of_a_batch_with_those_it_knows(as_type, later):
    recorder, order = DynamicsRecorder(N, labels=None if later else y), np.argsort(X[:, 0])
    scores = as_type(np.zeros((N, K), np.float32))
    if later:
        recorder.update(np.arange(N), scores, as_type(y))
        recorder.end_epoch()

    def record():
        recorder.update(np.arange(N), scores, as_type(y[order]))
        recorder.end_epoch()

    with pytest.raises(ValueError, match="labels of .* rows have changed by epoch .* indices"):
        record()


@pytest.mark.parametrize("as_batch", [list, tuple, lambda labels: [NAMES[i] for i in labels]])
def test_labels_in_a_list_are_compared(as_batch):
    check, rows = LabelCheck("Net", NAMES), np.arange(4)
    check.add([X[:4], as_batch([0, 1, 2, 1])], rows, np.array([0, 1, 2, 1]))
    with ERROR:
        check.add([X[:4], as_batch([1, 2, 1, 0])], rows, np.array([0, 1, 2, 1]))
