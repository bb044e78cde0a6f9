"""What the callbacks of torch training loops have in common, in a loop written by hand."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")

from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from sklearn_carto.exceptions import UnseenSamplesWarning
from sklearn_carto.integrations._torch_loop import TorchLoopCallback

N, K = 23, 3
X = torch.as_tensor(np.random.RandomState(0).normal(size=(N, 4)).astype(np.float32))
y = torch.arange(N) % K


def make_loader(dataset=None, **params):
    torch.manual_seed(0)
    dataset = TensorDataset(X, y) if dataset is None else dataset
    return DataLoader(dataset, **{"batch_size": 4, "shuffle": True} | params)


def make_model(n_out=K):
    torch.manual_seed(1)
    return nn.Linear(4, n_out)


def train(callback, loader=None, model=None, n_epochs=3, until=None, inputs_of=lambda b: b[0]):
    """Train a model with a callback, as the loops of the frameworks do."""
    loader = make_loader() if loader is None else loader
    model = make_model() if model is None else model
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    callback.start()
    callback.observe_loader(loader)
    callback.observe_model(model, n_epochs)
    for epoch in range(n_epochs):
        callback.begin_epoch()
        for i, batch in enumerate(loader):
            if (epoch, i) == until:
                return model
            callback.begin_batch()
            loss = nn.functional.cross_entropy(model(inputs_of(batch)), labels_in(batch))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            callback.end_batch()
        callback.end_epoch(len(loader))
    callback.stop()
    callback._end_training()
    return model


def labels_in(batch):
    return batch["labels"] if isinstance(batch, dict) else batch[1]


def saved(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("until", [(1, 0), (1, 3), (2, 0)])
def test_a_training_continues_the_state_of_another(until):
    cut, resumed, whole = (TorchLoopCallback() for _ in range(3))
    train(whole, n_epochs=4)
    train(cut, until=until, n_epochs=4)
    resumed.load_state_dict(saved(cut.state_dict()))
    train(resumed, n_epochs=4 - until[0])
    kept = slice(0, until[0])  # an epoch that was cut starts anew
    assert resumed.data_map_.n_epochs == 4
    for name in ("true_proba", "correct"):
        histories = (getattr(callback.dynamics_, name)[:, kept] for callback in (resumed, whole))
        assert_array_equal(*histories)
    assert_allclose(
        resumed.data_map_.confidence, resumed.dynamics_.true_proba.mean(axis=1), rtol=1e-5
    )


def test_a_state_is_continued_once():
    first, second = TorchLoopCallback(), TorchLoopCallback()
    train(first)
    second.load_state_dict(first.state_dict())
    assert saved(second.state_dict()).keys() == first.state_dict().keys()
    train(second)
    assert second.data_map_.n_epochs == 6
    train(second)
    assert second.data_map_.n_epochs == 3


def test_a_callback_that_recorded_nothing_has_an_empty_state():
    first, second = TorchLoopCallback(), TorchLoopCallback()
    second.load_state_dict(saved(first.state_dict()))
    train(second)
    assert second.data_map_.n_epochs == 3


@pytest.mark.parametrize("state", [None, 1, "state", [], {"epoch": 3}], ids=str)
def test_what_is_no_state_is_refused_at_once(state):
    with pytest.raises(ValueError, match="'state' parameter of TorchLoopCallback.load_state_dict"):
        TorchLoopCallback().load_state_dict(state)


def test_the_state_of_other_labels_is_refused_before_the_training():
    first, second = TorchLoopCallback(), TorchLoopCallback(labels=(y + 1) % K)
    train(first)
    second.load_state_dict(first.state_dict())
    model = make_model()
    before = model.weight.detach().clone()
    with pytest.raises(ValueError, match="differs in the labels of 23 rows"):
        train(second, model=model)
    assert_array_equal(model.weight.detach(), before)


class Reading(TorchLoopCallback):
    """Read the map after each epoch."""

    def end_epoch(self, n_batches):
        super().end_epoch(n_batches)
        _ = self.data_map_


@pytest.mark.parametrize("kind", [TorchLoopCallback, Reading])
def test_rows_that_are_never_drawn_are_nan_and_counted_by_one_warning(kind):
    weights = [0.0] * 5 + [1.0] * (N - 5)
    sampler = torch.utils.data.WeightedRandomSampler(weights, 4 * N)
    callback = kind()
    with pytest.warns(UnseenSamplesWarning, match="5 of 23 rows") as caught:
        train(callback, make_loader(shuffle=False, sampler=sampler))
    assert len(caught) == 1
    assert_array_equal(np.isnan(callback.data_map_.confidence), np.arange(N) < 5)


def test_names_of_rows_are_carried_by_the_map():
    names = [f"row {i}" for i in range(N)]
    callback, plain = TorchLoopCallback(sample_ids=names), TorchLoopCallback()
    train(callback)
    train(plain)
    assert callback.data_map_.sample_ids.tolist() == names
    assert_array_equal(callback.data_map_.confidence, plain.data_map_.confidence)


@pytest.mark.parametrize(
    "params",
    [{"from_logits": "probabilities"}, {"from_logits": None}, {"keep_history": "no"},
     {"keep_history": 1}, {"labels": "labels"}, {"labels": 3}, {"labels": [[1], [1, 2]]},
     {"classes": 3}, {"classes": "abc"}, {"classes": []}, {"classes": [1, 1]}, {"classes": [1, 0]},
     {"sample_ids": 3}],
    ids=str,
)  # fmt: skip
def test_parameters_of_a_wrong_kind_are_errors_at_once(params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of TorchLoopCallback"):
        TorchLoopCallback(**params)


@pytest.mark.parametrize(
    "params",
    [{"labels": [0, 1]}, {"labels": ["a"] * N, "classes": ["b", "c", "d"]}, {"sample_ids": ["a"]},
     {"sample_ids": ["a"] * N}, {"labels": [None] * N}, {"labels": np.linspace(0, 1, N)}],
    ids=lambda params: " ".join(params),
)  # fmt: skip
def test_labels_and_names_that_do_not_fit_are_errors_before_the_training(params):
    model = make_model()
    before = model.weight.detach().clone()
    with pytest.raises(ValueError, match=next(iter(params))):
        train(TorchLoopCallback(**params), model=model)
    assert_array_equal(model.weight.detach(), before)


NAMES = np.array(["cat", "ant", "bee"])


@pytest.mark.parametrize("labels", [None, y.numpy(), NAMES[y], y], ids=["data", "int", "str", "pt"])
def test_classes_name_the_columns_whatever_the_labels_are(labels):
    plain, callback = TorchLoopCallback(), TorchLoopCallback(labels, NAMES)
    train(plain)
    train(callback)
    assert callback.data_map_.labels.tolist() == NAMES[y].tolist()
    assert callback.data_map_.classes.tolist() == NAMES.tolist()
    assert_array_equal(callback.data_map_.confidence, plain.data_map_.confidence)


def test_outputs_beyond_the_labels_are_columns_without_a_label():
    callback = TorchLoopCallback()
    train(callback, model=make_model(n_out=7))
    assert callback.data_map_.classes.tolist() == list(range(7))
    assert_array_equal(callback.data_map_.labels, y)
