"""Checkpoints of skorch nets: callbacks, optimizers, validation splits and generators."""

# ruff: noqa: NPY002  the global generator is what is tested
import os
import pickle
import random
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")
from skorch.callbacks import (  # noqa: E402
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
    ProgressBar,
)
from skorch.dataset import ValidSplit  # noqa: E402
from skorch.helper import predefined_split  # noqa: E402
from torch import nn  # noqa: E402

from sklearn_carto import CartographyClassifier  # noqa: E402
from sklearn_carto._maps._fields import MAP_STATISTICS as FIELDS  # noqa: E402
from sklearn_carto.exceptions import CheckpointError  # noqa: E402
from test_checkpoint import Killed, kill  # noqa: E402, F401
from watchers import X, y  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn_carto.exceptions.HeldOutRowsWarning",
)
X = X.astype(np.float32)
MAX_EPOCHS = 8


class Module(nn.Sequential):
    def __init__(self):
        hidden = nn.Linear(10, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3)
        super().__init__(*hidden, nn.Linear(16, 3))


class RandomSplit:
    """Draws the validation rows from the global generator."""

    def __call__(self, dataset, y=None, **kwargs):
        rows = np.random.permutation(len(dataset))
        parts = rows[40:].tolist(), rows[:40].tolist()
        return tuple(torch.utils.data.Subset(dataset, part) for part in parts)


def make_net(cls=skorch.NeuralNetClassifier, **params):
    return cls(
        params.pop("module", Module),
        **{
            "criterion": nn.CrossEntropyLoss,
            "optimizer": torch.optim.Adam,
            "max_epochs": MAX_EPOCHS,
            "lr": 0.05,
            "batch_size": 32,
            "iterator_train__shuffle": True,
            "verbose": 0,
        }
        | params,
    )


def early_stopping(**params):
    return EarlyStopping(load_best=True, sink=skorch.utils.noop, **params)


def module_in_function(**params):
    class Local(Module):
        pass

    return make_net(module=Local, **params)


def module_made():
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return Module()


def validation_set():
    return torch.utils.data.TensorDataset(torch.tensor(X[:30]), torch.tensor(y[:30]))


NETS = {
    "adam": make_net,
    "rmsprop": lambda: make_net(optimizer=torch.optim.RMSprop, lr=0.01),
    "momentum": lambda: make_net(optimizer=torch.optim.SGD, optimizer__momentum=0.9),
    "no split": lambda: make_net(train_split=None),
    "random split": lambda: make_net(train_split=RandomSplit()),
    "drawn split": lambda: make_net(train_split=ValidSplit(0.3, stratified=False)),
    "shuffled split": lambda: make_net(
        train_split=ValidSplit(0.3, random_state=np.random.RandomState(3))
    ),
    "predefined split": lambda: make_net(train_split=predefined_split(validation_set())),
    "stopping": lambda: make_net(lr=0.2, callbacks=[early_stopping(patience=2)]),
    "patient": lambda: make_net(lr=0.2, callbacks=[early_stopping(patience=6)]),
    "steps": lambda: make_net(
        callbacks=[LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=2, gamma=0.5)]
    ),
    "plateau": lambda: make_net(
        lr=0.2,
        callbacks=[
            LRScheduler("ReduceLROnPlateau", patience=0, monitor="valid_loss"),
        ],
    ),
    "cycle": lambda: make_net(
        callbacks=[
            LRScheduler(
                torch.optim.lr_scheduler.CyclicLR, base_lr=0.01, max_lr=0.1, step_every="batch",
                cycle_momentum=False,
            )
        ]
    ),
    "lambda": lambda: make_net(
        callbacks=[LRScheduler(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda e: 0.9**e)]
    ),
    "clipping": lambda: make_net(callbacks=[GradientNormClipping(0.1), EpochScoring("f1_macro")]),
    "bar": lambda: make_net(callbacks=[ProgressBar(), early_stopping(patience=3)]),
    "module in a function": lambda: module_in_function(callbacks=[early_stopping(patience=3)]),
    "lambda as a module": lambda: make_net(module=lambda: Module()),
    "module made": lambda: make_net(module=module_made()),
    "generator": lambda: make_net(iterator_train__generator=torch.Generator().manual_seed(4)),
    "all": lambda: make_net(
        callbacks=[
            early_stopping(patience=3),
            LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=2),
            GradientNormClipping(0.5),
        ],
        train_split=RandomSplit(),
    ),
}  # fmt: skip
by_net = pytest.mark.parametrize("name", NETS)


def seed_all():
    np.random.seed(11)
    random.seed(11)
    torch.manual_seed(11)


def draws():
    return np.random.rand(), random.random(), torch.rand(1).item()


def assert_same_nets(model, expected):
    for name in FIELDS:
        assert_array_equal(getattr(model.data_map_, name), getattr(expected.data_map_, name))
    assert_array_equal(model.data_map_.held_out_mask, expected.data_map_.held_out_mask)
    nets = [one[-1] if hasattr(one, "steps") else one
            for one in (model.estimator_, expected.estimator_)]  # fmt: skip
    first, second = (net.module_.state_dict() for net in nets)
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.equal(value, second[key])
    histories = [
        [{k: v for k, v in epoch.items() if k not in ("dur", "batches")} for epoch in net.history]
        for net in nets
    ]
    assert histories[0] == histories[1]
    first, second = (net.optimizer_.state_dict() for net in nets)
    assert pickle.dumps(first["param_groups"]) == pickle.dumps(second["param_groups"])


@pytest.fixture(autouse=True)
def _generators_kept():
    from sklearn_carto._utils._random_state import generators_kept

    with generators_kept():
        yield


@by_net
@pytest.mark.parametrize(("seed", "after"), [(0, 1), (None, 4)])
def test_a_killed_net_ends_as_one_that_was_not(name, seed, after, tmp_path, kill):  # noqa: F811
    def make(checkpoint=tmp_path / "saved"):
        return CartographyClassifier(NETS[name](), random_state=seed, checkpoint=checkpoint)

    seed_all()
    expected = make(None).fit(X, y)
    end = draws()
    seed_all()
    kill(after)
    with pytest.raises(Killed):
        make().fit(X, y)
    kill.undo()
    if seed is None:
        draws()
    else:
        seed_all()
    model = make().fit(X, y)
    assert_same_nets(model, expected)
    assert draws() == end
    assert_same_nets(make().fit(X, y), expected)


def test_a_net_that_had_stopped_is_not_trained_on(tmp_path, kill, monkeypatch):  # noqa: F811
    def make(checkpoint=tmp_path / "saved"):
        net = make_net(lr=0.3, callbacks=[early_stopping(patience=1)])
        return CartographyClassifier(net, random_state=0, checkpoint=checkpoint)

    expected = make(None).fit(X, y)
    assert expected.n_epochs_ < MAX_EPOCHS  # else nothing is tested
    kill(expected.n_epochs_)  # after the state of the last epoch, ahead of that of the end
    with pytest.raises(Killed):
        make().fit(X, y)
    kill.undo()
    monkeypatch.setattr(skorch.NeuralNet, "train_step", lambda *args, **kwargs: 1 / 0)
    assert_same_nets(make().fit(X, y), expected)


@pytest.mark.parametrize("n_epochs", [None, 5])
def test_nets_of_pipelines_folds_and_training_passes_continue(
    n_epochs, tmp_path, kill  # noqa: F811
):  # fmt: skip
    settings = [{"cv": 2}, {"record": "training"}, {"keep_history": False, "keep_models": True}]
    for i, params in enumerate(settings):

        def make(checkpoint=tmp_path / f"saved {i}", params=params):
            net = make_net(callbacks=[early_stopping(patience=3)])
            if "record" not in params:
                net = make_pipeline(StandardScaler(), net)
            return CartographyClassifier(
                net, random_state=0, n_epochs=n_epochs, checkpoint=checkpoint, **params
            )

        expected = make(None).fit(X, y)
        kill(3)
        with pytest.raises(Killed):
            make().fit(X, y)
        kill.undo()
        assert_same_nets(make().fit(X, y), expected)


def test_a_checkpoint_of_skorch_beside_ours(tmp_path, kill):  # noqa: F811
    def make(where, checkpoint):
        callback = Checkpoint(dirname=str(tmp_path / where), load_best=True, sink=skorch.utils.noop)
        net = make_net(lr=0.2, callbacks=[callback])
        return CartographyClassifier(net, random_state=0, checkpoint=checkpoint)

    expected = make("first", None).fit(X, y)
    kill(3)
    with pytest.raises(Killed):
        make("second", tmp_path / "saved").fit(X, y)
    kill.undo()
    assert_same_nets(make("second", tmp_path / "saved").fit(X, y), expected)
    first, second = (sorted(os.listdir(tmp_path / name)) for name in ("first", "second"))
    assert first == second


def test_a_data_set_continues_and_is_not_saved(tmp_path, kill):  # noqa: F811
    class Rows(torch.utils.data.Dataset):
        def __init__(self):
            self.lock = threading.Lock()  # cannot be pickled

        def __len__(self):
            return len(X)

        def __getitem__(self, i):
            return X[i], y[i]

    def make(checkpoint=tmp_path / "saved"):
        net = make_net(train_split=None)
        return CartographyClassifier(net, random_state=0, checkpoint=checkpoint)

    expected = make(None).fit(Rows(), y)
    kill(3)
    with pytest.raises(Killed):
        make().fit(Rows(), y)
    kill.undo()
    assert_same_nets(make().fit(Rows(), y), expected)
    with pytest.raises(CheckpointError, match="which differs in the labels y"):
        make().fit(Rows(), np.roll(y, 1))


def test_what_cannot_be_continued_is_refused_before_it_trains(tmp_path):
    class Own(skorch.NeuralNetClassifier):
        def fit(self, X, y=None, **params):
            return super().fit(X, y, **params)

    from sklearn_carto.integrations.skorch import DataMapCallback

    nets = {
        "redefines fit": Own(Module),
        "DataMapCallback attaches itself": make_net(callbacks=[DataMapCallback()]),
    }
    for message, net in nets.items():
        model = CartographyClassifier(net, checkpoint=tmp_path / "saved")
        with pytest.raises(CheckpointError, match=message):
            model.fit(X, y)
    assert not (tmp_path / "saved").exists()


def test_accelerate_is_refused(tmp_path):
    pytest.importorskip("accelerate")
    from skorch.hf import AccelerateMixin

    class Accelerated(AccelerateMixin, skorch.NeuralNetClassifier):
        pass

    net = Accelerated(Module, accelerator=None)
    model = CartographyClassifier(net, checkpoint=tmp_path / "saved")
    with pytest.raises(CheckpointError, match="trains with accelerate"):
        model.fit(X, y)


def test_what_cannot_be_pickled_is_an_error_and_its_epoch_is_kept(tmp_path):
    class Holds(skorch.callbacks.Callback):
        def on_train_begin(self, net, **kwargs):
            self.rows = (row for row in range(3))

    model = CartographyClassifier(
        make_net(callbacks=[Holds()]), random_state=0, checkpoint=tmp_path / "saved"
    )
    with pytest.raises(CheckpointError, match="cannot be saved in a checkpoint"):
        model.fit(X, y)
    assert model.interrupted_
    assert model.n_epochs_ == 1


def test_an_interrupt_while_a_state_is_saved_is_raised(tmp_path, monkeypatch):
    from sklearn_carto._checkpoint._folder import CheckpointFolder

    def make(checkpoint=tmp_path / "saved"):
        return CartographyClassifier(make_net(), random_state=0, checkpoint=checkpoint)

    write, n_written = CheckpointFolder.write_state, []

    def interrupted(self, *args):
        n_written.append(1)
        if len(n_written) == 3:
            raise KeyboardInterrupt
        write(self, *args)

    monkeypatch.setattr(CheckpointFolder, "write_state", interrupted)
    model = make()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert (model.interrupted_, model.n_epochs_) == (True, 3)
    monkeypatch.undo()
    assert_same_nets(clone(model).fit(X, y), make(None).fit(X, y))


SCRIPT = """
import os, signal, sys
import numpy as np, skorch, torch
from torch import nn
from skorch.callbacks import EarlyStopping
from sklearn_carto import CartographyClassifier
from sklearn_carto._checkpoint._folder import CheckpointFolder

class Block(nn.Sequential):
    pass

class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3))
        self.out = nn.Linear(8, 3)
    def forward(self, x):
        return self.out(self.block(x))

class Own(skorch.callbacks.Callback):
    def on_epoch_end(self, net, **kwargs):
        self.seen = getattr(self, "seen", 0) + 1

rng = np.random.RandomState(0)
X, y = rng.normal(size=(90, 5)).astype(np.float32), np.array(list("abc"))[np.arange(90) % 3]
stops = EarlyStopping(patience=7, load_best=True, sink=lambda text: None)
net = skorch.NeuralNetClassifier(
    Module, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, max_epochs=8, verbose=0,
    callbacks=[stops, Own()], batch_size=16, iterator_train__shuffle=True,
)
folder, kill_after = sys.argv[1] or None, int(sys.argv[2])
write, n_written = CheckpointFolder.write_state, []
def killing(self, *args):
    if len(n_written) == kill_after:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, *args)
    n_written.append(1)
if kill_after:
    CheckpointFolder.write_state = killing
model = CartographyClassifier(net, random_state=0, checkpoint=folder).fit(X, y)
own = dict(model.estimator_.callbacks_)["Own"]
state = model.estimator_.module_.state_dict()
weights = [value.numpy().tobytes().hex() for value in state.values()]
print(own.seen, type(own) is Own, model.confidence_.tobytes().hex(), *weights)
"""


def test_a_script_that_is_killed_continues_with_its_own_classes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def run(folder, kill_after=0):
        command = [sys.executable, "-W", "ignore", script, str(folder), str(kill_after)]
        return subprocess.run(command, capture_output=True, text=True)

    expected = run("")
    assert expected.stdout.startswith("8 True"), expected.stderr
    assert run(tmp_path / "saved", kill_after=3).returncode == -signal.SIGKILL
    assert run(tmp_path / "saved").stdout == expected.stdout


@pytest.mark.parametrize("keep_history", [True, False])
def test_rows_that_epochs_leave_out_continue(keep_history, tmp_path, kill):  # noqa: F811
    def make(checkpoint=tmp_path / "saved"):
        net = make_net(iterator_train__drop_last=True, train_split=None, batch_size=50)
        return CartographyClassifier(
            net, random_state=0, record="training", keep_history=keep_history, checkpoint=checkpoint
        )

    expected = make(None).fit(X, y)
    assert len(set(expected.dynamics_.n_seen)) > 1
    kill(3)
    with pytest.raises(Killed):
        make().fit(X, y)
    kill.undo()
    model = make().fit(X, y)
    assert_array_equal(model.dynamics_.n_seen, expected.dynamics_.n_seen)
    for name in FIELDS:
        assert_array_equal(getattr(model.data_map_, name), getattr(expected.data_map_, name))


def test_a_module_that_is_made_with_other_weights_is_named(tmp_path, kill):  # noqa: F811
    def make():
        return CartographyClassifier(make_net(module=Module()), checkpoint=tmp_path / "saved")

    kill(2)
    with pytest.raises(Killed):
        make().fit(X, y)
    kill.undo()
    with pytest.raises(
        CheckpointError, match=r"estimator__module \(its weights .* seed torch before"
    ):
        make().fit(X, y)
