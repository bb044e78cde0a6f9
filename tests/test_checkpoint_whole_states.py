"""Checkpoints hold what pickles of nets, optimizers, callbacks and tensors leave out."""

import pytest

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")
from torch import nn  # noqa: E402

from sklearn_carto import CartographyClassifier  # noqa: E402
from sklearn_carto.exceptions import CheckpointError  # noqa: E402
from test_checkpoint import Killed, kill  # noqa: E402, F401
from test_checkpoint_skorch import X, assert_same_nets, make_net, y  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn_carto.exceptions.HeldOutRowsWarning",
)


class AccumulatingNet(skorch.NeuralNetClassifier):
    """Takes a step every three batches, of which an epoch of 4 leaves one over."""

    def train_step(self, batch, **fit_params):
        step = self.train_step_single(batch, **fit_params)
        self.n_batches_ = getattr(self, "n_batches_", 0) + 1
        if self.n_batches_ % 3 == 0:
            self.optimizer_.step()
            self.optimizer_.zero_grad()
        return step


class CountingSGD(torch.optim.SGD):
    """Divides the learning rate by the number of steps."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.n_steps = 0

    def step(self, closure=None):
        self.n_steps += 1
        for group in self.param_groups:
            group["lr"] = 0.2 / self.n_steps
        return super().step(closure)


class CountingFromZero(CountingSGD):
    """Begins again at 0, without an error, if its attribute is lost."""

    n_steps = 0


class ClampedNet(skorch.NeuralNetClassifier):
    """Clamps its weights after each step."""

    def initialize_optimizer(self, *args, **kwargs):
        super().initialize_optimizer(*args, **kwargs)

        def clamp(optimizer, *args):
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.data.clamp_(-0.2, 0.2)

        self.optimizer_.register_step_post_hook(clamp)
        return self


class ScaledGradients(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(10, 3))
        self.scale = 0.1
        self[0].weight.register_hook(lambda gradient: gradient * self.scale)


class ClippedGradients(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(10, 3))

        def clip(parameter):
            parameter.grad.clamp_(-0.001, 0.001)

        self[0].weight.register_post_accumulate_grad_hook(clip)


class Tied(nn.Sequential):
    def __init__(self):
        first, second = nn.Linear(10, 10), nn.Linear(10, 10)
        second.weight = first.weight
        super().__init__(first, nn.ReLU(), second, nn.Linear(10, 3))


class LoadsNot:
    """Can be pickled, but what was pickled cannot be loaded, as of some progress bars."""

    def __reduce__(self):
        return _raise, ()


def _raise():
    raise RecursionError("maximum recursion depth exceeded")


class Bar(skorch.callbacks.Callback):
    """Leaves its bar out of its pickles."""

    def on_epoch_begin(self, net, **kwargs):
        self.bar_ = LoadsNot()

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "bar_"}


class BarInState(Bar):
    def __getstate__(self):
        return vars(self)


NETS = {
    "gradients that accumulate": lambda: make_net(cls=AccumulatingNet),
    "attributes of an optimizer": lambda: make_net(optimizer=CountingSGD),
    "attributes of the class of an optimizer": lambda: make_net(optimizer=CountingFromZero),
    "LBFGS": lambda: make_net(optimizer=torch.optim.LBFGS, lr=0.1),
    "hooks of an optimizer": lambda: make_net(cls=ClampedNet),
    "hooks of gradients": lambda: make_net(module=ScaledGradients),
    "hooks after gradients": lambda: make_net(module=ClippedGradients),
    "tied weights": lambda: make_net(module=Tied),
    "a bar that cannot be loaded": lambda: make_net(callbacks=[Bar()]),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("after", [1, 4])
def test_what_a_pickle_leaves_out_continues(name, after, tmp_path, kill):  # noqa: F811
    def make(checkpoint=tmp_path / "saved"):
        return CartographyClassifier(NETS[name](), random_state=0, checkpoint=checkpoint)

    expected = make(None).fit(X, y)
    kill(after)
    with pytest.raises(Killed):
        make().fit(X, y)
    kill.undo()
    assert_same_nets(make().fit(X, y), expected)


def test_what_cannot_be_loaded_is_an_error_at_the_first_epoch(tmp_path):
    net = make_net(callbacks=[BarInState()])
    model = CartographyClassifier(net, random_state=0, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match=r"what was pickled cannot be loaded \(RecursionErr"):
        model.fit(X, y)
    assert model.n_epochs_ == 1


CALLS = []


def count(gradient):
    CALLS.append(1)


class CountedTied(Tied):
    def __init__(self):
        super().__init__()
        self[0].weight.register_hook(count)


def test_a_hook_is_restored_once_where_modules_share_a_weight(tmp_path, kill):  # noqa: F811
    def n_calls(checkpoint):
        CALLS.clear()
        net = make_net(module=CountedTied)
        CartographyClassifier(net, random_state=0, checkpoint=checkpoint).fit(X, y)
        return len(CALLS)

    of_whole = n_calls(None)
    kill(6)  # of eight epochs
    with pytest.raises(Killed):
        n_calls(tmp_path)
    kill.undo()
    assert n_calls(tmp_path) == of_whole * 2 / 8
