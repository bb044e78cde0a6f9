"""Recording the training pass of a net gives the map of a naive loop over the same run."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, LoadInitState
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from torch import nn
from torch.utils.data import DataLoader, WeightedRandomSampler

from sklearn_carto import CartographyClassifier, DataMapSelector
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import (
    InvalidProbabilitiesError,
    NotWatchableError,
    SampleAlignmentError,
    UnseenSamplesWarning,
)

X, y, _ = make_cartography(230, n_classes=3, random_state=0)
X = X.astype(np.float32)
NAMES = np.array(["ash", "elm", "oak"])
N_EPOCHS = 4


class Module(nn.Module):
    def __init__(self, n_out=3, last=None):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, n_out)
        )
        self.last = last

    def forward(self, X):
        X = self.layers(X)
        return X if self.last is None else self.last(X)


def make_net(kind=NeuralNetClassifier, **params):
    settings = {
        "module": Module,
        "criterion": nn.CrossEntropyLoss,
        "max_epochs": N_EPOCHS,
        "lr": 0.05,
        "batch_size": 32,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
    }
    return kind(**{**settings, **params})


def watch(net, rows=X, labels=y):
    return CartographyClassifier(net, record="training", random_state=0).fit(rows, labels)


def fit_bare(net, rows=X, labels=y):
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    return clone(net).fit(rows, labels if labels.dtype.kind == "f" else labels.astype(np.int64))


def assert_same_weights(one, other):
    for name, value in one.module_.state_dict().items():
        assert_array_equal(value, other.module_.state_dict()[name], err_msg=name)


class Numbered(torch.utils.data.Dataset):
    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        return X[i], y[i], i


@pytest.fixture(scope="module")
def naive():
    """Record in a plain torch loop what each row gets while it is trained on."""
    torch.manual_seed(0)
    module = Module()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    loader = DataLoader(Numbered(), 32, shuffle=True)
    true_proba = np.full((len(y), N_EPOCHS), np.nan)
    correct = np.zeros((len(y), N_EPOCHS), dtype=bool)
    for epoch in range(N_EPOCHS):
        for rows, labels, places in loader:
            optimizer.zero_grad()
            output = module(rows)
            nn.functional.cross_entropy(output, labels).backward()
            optimizer.step()
            proba = torch.softmax(output, dim=1).detach()
            true_proba[places, epoch] = proba[torch.arange(len(labels)), labels]
            correct[places, epoch] = proba.argmax(dim=1) == labels
    return true_proba, correct


@pytest.mark.parametrize("n_workers", [0, 2])
def test_map_equals_a_naive_loop(naive, n_workers):
    true_proba, correct = naive
    model = watch(make_net(iterator_train__num_workers=n_workers), labels=NAMES[y])
    assert_allclose(model.dynamics_.true_proba, true_proba, atol=1e-6)
    assert_array_equal(model.dynamics_.correct, correct)
    assert_allclose(model.variability_, true_proba.std(axis=1), atol=1e-6)
    assert model.data_map_.record == "training"
    assert model.data_map_.margin_from == "logits"
    assert model.data_map_.held_out_mask is None


@pytest.mark.parametrize("train_split", [None, ValidSplit(5)], ids=["all", "split"])
def test_weights_equal_those_of_a_bare_fit_bit_for_bit(train_split):
    net = make_net(train_split=train_split)
    model, bare = watch(net), fit_bare(net)
    assert_same_weights(bare, model.estimator_)
    assert bare.history[:, "train_loss"] == model.estimator_.history[:, "train_loss"]
    assert type(model.estimator_) is NeuralNetClassifier
    pickle.loads(pickle.dumps(model))


def test_no_forward_pass_is_added():
    class Counting(Module):
        n_rows = 0

        def forward(self, X):
            Counting.n_rows += len(X)
            return super().forward(X)

    watch(make_net(module=Counting))
    assert Counting.n_rows == N_EPOCHS * len(X)


def test_held_out_rows_are_those_of_the_validation_pass():
    net = make_net(train_split=ValidSplit(5))
    model = watch(net)
    at_end = CartographyClassifier(net, random_state=0).fit(X, y)
    held_out = model.data_map_.held_out_mask
    assert_array_equal(held_out, at_end.data_map_.held_out_mask)
    assert held_out.sum() == 46
    ours, theirs = model.dynamics_.true_proba, at_end.dynamics_.true_proba
    assert_allclose(ours[held_out], theirs[held_out], atol=1e-6)
    assert np.abs(ours[~held_out] - theirs[~held_out]).max() > 0.01  # dropout, a moving model


def test_validation_rows_from_elsewhere_are_not_recorded():
    split = predefined_split(Dataset(X[:20], y[:20].astype(np.int64)))
    model = watch(make_net(train_split=split))
    assert_same_weights(fit_bare(make_net(train_split=split)), model.estimator_)
    assert_array_equal(model.dynamics_.n_seen, N_EPOCHS)


@pytest.mark.parametrize(
    ("criterion", "last"), [(nn.BCEWithLogitsLoss, None), (nn.BCELoss, nn.Sigmoid())]
)
def test_binary_nets_are_recorded(criterion, last):
    names = np.array(["no", "yes"])[(y > 0).astype(int)]
    net = make_net(
        NeuralNetBinaryClassifier, module__n_out=1, module__last=last, criterion=criterion
    )
    expected = []

    class Spy(Callback):
        def on_batch_end(self, net, batch=None, y_pred=None, **kwargs):
            probability = y_pred if last is not None else torch.sigmoid(y_pred)
            is_label = batch[1].reshape(-1) > 0.5
            probability = probability.detach().reshape(-1)
            expected.append(torch.where(is_label, probability, 1 - probability).sum())

    model = watch(net.set_params(callbacks=[Spy()]), labels=names)
    assert_allclose(model.dynamics_.true_proba.sum(), np.sum(expected), rtol=1e-5)
    assert_same_weights(fit_bare(net, labels=(y > 0).astype(np.float32)), model.estimator_)


def test_a_nonlinearity_of_the_users_own_is_applied():
    def sharpen(output):
        return torch.softmax(3 * output, dim=1)

    sharp = watch(make_net(predict_nonlinearity=sharpen)).dynamics_
    plain = watch(make_net()).dynamics_
    assert sharp.margin_from == "probabilities"
    assert_allclose(sharp.margin, 3 * plain.margin, rtol=1e-3, atol=1e-3)


def test_raw_logits_under_nll_are_an_error():
    with pytest.raises(InvalidProbabilitiesError, match=r"predict_nonlinearity.*CrossEntropyLoss"):
        watch(make_net(criterion=nn.NLLLoss))


def test_rows_that_an_epoch_leaves_out_count_over_those_that_showed_them():
    net = make_net(iterator_train__drop_last=True)
    model = watch(net)
    assert model.dynamics_.n_seen.sum() == N_EPOCHS * 224
    assert np.isnan(model.dynamics_.true_proba).sum() == N_EPOCHS * 6
    assert_allclose(model.confidence_, np.nanmean(model.dynamics_.true_proba, axis=1), rtol=1e-5)


def test_rows_that_no_epoch_shows_are_named_and_never_selected():
    net = make_net(iterator_train__drop_last=True, iterator_train__shuffle=False)
    model = CartographyClassifier(net, record="training", random_state=0)
    with pytest.warns(
        UnseenSamplesWarning, match=r"6 of 230 rows .* \[224, 225, 226, 227, 228\]"
    ) as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__  # the line that the user wrote
    assert np.isnan(model.confidence_[224:]).all()
    with pytest.warns(UnseenSamplesWarning):
        selector = DataMapSelector(model, frac=1.0).fit(X, y)
    assert_array_equal(selector.sample_indices_, np.arange(224))


def test_of_a_row_drawn_twice_in_an_epoch_the_first_time_counts():
    torch.manual_seed(5)
    sampler = WeightedRandomSampler(torch.ones(len(y)), 400)
    model = CartographyClassifier(
        make_net(iterator_train__sampler=sampler, iterator_train__shuffle=None, max_epochs=1),
        record="training",
        random_state=0,
    )
    with pytest.warns(match="never seen|one epoch"):
        model.fit(X, y)
    assert model.dynamics_.n_seen.max() == 1


def test_a_torch_dataset_is_watched_by_its_own_labels(naive):
    dataset = Dataset(X, y.astype(np.int64))
    for given in (None, y):
        model = watch(make_net(), rows=dataset, labels=given)
        assert_allclose(model.dynamics_.true_proba, naive[0], atol=1e-6)
        assert_array_equal(model.data_map_.labels, y)
    assert model._is_training_set(dataset, y)
    selector = DataMapSelector(model, region="easy", frac=0.1, random_state=0)
    part = selector.fit_transform(dataset, y)
    assert part.indices == selector.sample_indices_.tolist()


@pytest.mark.parametrize("kind", [dict, tuple])
def test_several_inputs_are_watched(kind):
    class Two(Module):
        def forward(self, left, right):
            return super().forward(torch.cat([left, right], dim=1))

    rows = {"left": X[:, :3], "right": X[:, 3:]} if kind is dict else (X[:, :3], X[:, 3:])
    net = make_net(module=Two)
    if kind is tuple:

        class Net(NeuralNetClassifier):
            def infer(self, x, **fit_params):
                return self.module_(*x)

        net = make_net(Net, module=Two)
    expected = watch(make_net())
    for record in ("training", "epoch_end"):
        model = CartographyClassifier(net, record=record, random_state=0).fit(rows, NAMES[y])
        assert_array_equal(model.predict(rows), NAMES[expected.predict(X)])
        if record == "training":
            assert_array_equal(model.confidence_, expected.confidence_)


def test_several_inputs_of_other_lengths_are_an_error():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        watch(make_net(), rows=(X, X[:20]))


def test_early_stopping_is_a_normal_end():
    stopper = EarlyStopping(monitor="train_loss", patience=1, threshold=10.0)
    model = watch(make_net(callbacks=[stopper], max_epochs=30))
    assert not model.interrupted_
    assert model.n_epochs_ == len(model.estimator_.history) < 30


def test_checkpoints_and_loading_them_work_as_ever(tmp_path):
    keep = Checkpoint(dirname=tmp_path, monitor="train_loss_best")
    net = make_net(callbacks=[keep, LoadInitState(keep)])
    first = watch(net)
    again = watch(net)
    assert len(first.estimator_.history) == N_EPOCHS
    assert len(again.estimator_.history) == 2 * N_EPOCHS  # the net goes on where it was
    assert again.n_epochs_ == N_EPOCHS  # what was recorded is this training's
    assert again.confidence_.mean() > first.confidence_.mean()


def test_warm_start_acts_inside_one_fit():
    model = watch(make_net(warm_start=True))
    assert_array_equal(model.confidence_, watch(make_net()).confidence_)
    again = model.fit(X, y)
    assert_array_equal(again.confidence_, watch(make_net()).confidence_)


def test_ctrl_c_discards_the_epoch_and_is_raised_again():
    class Press(Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 3:
                raise KeyboardInterrupt

    model = CartographyClassifier(make_net(callbacks=[Press()]), record="training", random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_epochs_ == 2
    assert_array_equal(model.dynamics_.true_proba, watch(make_net()).dynamics_.true_proba[:, :2])


@pytest.fixture
def accelerate():
    """The library without the settings that a process keeps once it has made an Accelerator."""
    library = pytest.importorskip("accelerate")
    library.state.AcceleratorState._reset_state(reset_partial_state=True)
    yield library
    library.state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_nets_under_accelerate_with_mixed_precision_are_watched(record, accelerate):
    from skorch.hf import AccelerateMixin

    class Net(AccelerateMixin, NeuralNetClassifier):
        pass

    class Outputs(Callback):
        seen: list = []  # noqa: RUF012

        def on_batch_end(self, net, batch=None, y_pred=None, **kwargs):
            proba = torch.softmax(y_pred.detach().float(), dim=1)
            self.seen.append(proba[torch.arange(len(proba)), batch[1]].sum())

    accelerator = accelerate.Accelerator(mixed_precision="bf16", cpu=True)
    net = make_net(Net, accelerator=accelerator, callbacks=[Outputs()])
    model = CartographyClassifier(net, record=record, random_state=0).fit(X, NAMES[y])
    expected = np.sum(Outputs.seen)
    bare = fit_bare(net)
    assert_same_weights(bare, model.estimator_)
    if record == "training":
        assert_allclose(model.dynamics_.true_proba.sum(), expected, rtol=1e-5)
    assert model.dynamics_.true_proba.shape == (230, N_EPOCHS)


@pytest.mark.gpu
@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_a_net_on_a_gpu_is_watched(record):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    net = make_net(device="cuda")
    model = CartographyClassifier(net, record=record, random_state=0).fit(X, NAMES[y])
    assert model.dynamics_.true_proba.shape == (230, N_EPOCHS)
    if record == "epoch_end":
        proba = model.predict_proba(X)[np.arange(len(y)), y]
        assert_allclose(model.dynamics_.true_proba[:, -1], proba, atol=1e-5)


def test_a_loop_of_the_nets_own_is_an_error_and_not_a_wrong_map():
    class Net(NeuralNetClassifier):
        def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
            for batch in list(iterator)[::-1]:
                step = step_fn(batch, **fit_params)
                self.notify("on_batch_end", batch=batch, training=training, loss=step["loss"])

    with pytest.raises(SampleAlignmentError, match=r"y_pred.*record='epoch_end'.*DynamicsRecorder"):
        watch(make_net(Net))


def test_a_collate_function_that_adds_rows_is_an_error():
    def mirrored(batch):
        rows, labels = torch.utils.data.default_collate(batch)
        return torch.cat([rows, -rows]), torch.cat([labels, labels])

    with pytest.raises(SampleAlignmentError, match=r"32 rows got 64 outputs"):
        watch(make_net(iterator_train__collate_fn=mirrored))


def test_what_shows_no_training_pass_is_refused():
    with pytest.raises(NotWatchableError, match=r"supports skorch nets only; got SGDClassifier"):
        CartographyClassifier(SGDClassifier(loss="log_loss"), record="training").fit(X, y)
    with pytest.raises(ValueError, match="cannot be combined with cv"):
        CartographyClassifier(make_net(), record="training", cv=3).fit(X, y)


def test_maps_of_both_kinds_are_not_averaged():
    from sklearn_carto import DataMap

    at_end = CartographyClassifier(make_net(), random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="differs from map 0 in record"):
        DataMap.mean([watch(make_net()).data_map_, at_end.data_map_])
