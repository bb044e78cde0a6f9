"""Watch a skorch net: its own loop, its own callbacks, its own order of batches; we only listen."""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager

import numpy as np

from sklearn_carto._watching._seeds import generators_kept, torch_seeded
from sklearn_carto.exceptions import DoubleSoftmaxWarning, RowsChangedError

method = "fit"
encodes_labels = True  # nets are trained on 0..K-1, whatever the user's labels
FAST_BLOCK = 2048


def can_watch(estimator):
    """Whether this is the way to watch the estimator."""
    skorch = sys.modules.get("skorch")  # a net cannot exist before skorch is imported
    return skorch is not None and isinstance(estimator, skorch.NeuralNet)


def encode(estimator, codes, n_classes):
    """Give the labels the type that the net's criterion takes.

    Parameters
    ----------
    estimator : NeuralNet
        The net.
    codes : ndarray of shape (n_samples,)
        Position of each label among the classes.
    n_classes : int
        Number of classes.

    Returns
    -------
    y : ndarray of shape (n_samples,)
        int64, or float32 for a binary net.

    Raises
    ------
    ValueError
        If a binary net gets more than two classes.
    """
    from skorch import NeuralNetBinaryClassifier

    if not isinstance(estimator, NeuralNetBinaryClassifier):
        return codes.astype(np.int64)
    if n_classes != 2:
        raise ValueError(
            f"{type(estimator).__name__} tells two classes apart, but y holds {n_classes}. "
            "Use skorch.NeuralNetClassifier."
        )
    return codes.astype(np.float32)


def watch(estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
    """Train the net by its own `fit`, and record at the end of each epoch.

    Parameters
    ----------
    estimator : NeuralNet
        Trained in place.
    X, y : container, ndarray
        The training set; `y` encoded.
    recording : Recording
        Where what is seen goes.
    n_epochs : int or None
        None: the net's own `max_epochs`.
    seed : int or None
        Seeds torch, numpy and Python for the time of the training.
    params : dict
        Further arguments of `fit`.
    track : callable
        Wraps an iterator over epochs, to show progress.
    asked : container, default=None
        The rows that are recorded; None: X.
    """
    if "sample_weight" in params:
        raise TypeError(
            f"{type(estimator).__name__}.fit takes no sample_weight: a skorch net takes weights "
            "inside a dict X, which its module and get_loss read."
        )
    if n_epochs is not None:
        estimator.set_params(max_epochs=n_epochs)
    ticks = track(range(estimator.max_epochs))
    listener = _Listener(estimator, X, len(y), asked, recording, ticks)
    with torch_seeded(seed, estimator.device), _overheard(estimator, listener):
        estimator.fit(X, y, **params)
    listener.finish()


class _Listener:
    """What we do at the events of a net's training loop."""

    def __init__(self, net, X, n_samples, asked, recording, ticks):
        self.net, self.X, self.n_samples, self.asked = net, X, n_samples, asked
        self.recording, self.ticks = recording, ticks
        self.n_begun = self.n_ended = 0
        self.ask = None

    def on_epoch_begin(self, dataset_train=None, dataset_valid=None, **kwargs):
        if self.n_begun == 0:
            next(self.ticks, None)
            trained = _rows_behind(dataset_train, self.net, self.X, self.n_samples)
            held_out = ~np.isin(np.arange(self.n_samples), trained)
            self.recording.begin(self.net.max_epochs, held_out if held_out.any() else None)
        self.n_begun += 1

    def on_epoch_end(self, **kwargs):
        with generators_kept(self.net.device), _modes_kept(self.net):
            if self.ask is None:
                asked = self.X if self.asked is None else self.asked
                self.ask = _Question(self.net, asked, self.recording)
            blocks = self.ask.blocks()
            self.recording.epoch(self.n_ended, blocks, self.net, from_logits=self.ask.from_logits)
        self.n_ended += 1
        next(self.ticks, None)

    def finish(self):
        if self.n_begun > self.n_ended:  # skorch swallowed a Ctrl-C in the middle of an epoch
            raise KeyboardInterrupt


@contextmanager
def _overheard(net, listener):
    """Let a listener hear the events of a net, after the net's own methods, before callbacks.

    The net becomes, for the time of its training, an instance of a subclass: nothing is added to
    its parameters, its callbacks or its state, and a copy or a pickle made meanwhile (by a
    checkpoint, say) is one of the original class.
    """
    original = type(net)

    def hear(event):
        def on_event(self, net_, **kwargs):
            getattr(original, event)(self, net_, **kwargs)
            if self is net:
                getattr(listener, event)(**kwargs)

        return on_event

    def __reduce_ex__(self, protocol):
        return original.__new__, (original,), self.__getstate__()

    members = {event: hear(event) for event in ("on_epoch_begin", "on_epoch_end")}
    members |= {"__reduce_ex__": __reduce_ex__, "__module__": original.__module__}
    members |= {"__doc__": original.__doc__, "__qualname__": original.__qualname__}
    net.__class__ = type(original.__name__, (original,), members)
    try:
        yield
    finally:
        net.__class__ = original


@contextmanager
def _modes_kept(net):
    """Leave each submodule in training or evaluation mode, as it was found."""
    import torch

    roots = [value for value in vars(net).values() if isinstance(value, torch.nn.Module)]
    modes = {module: module.training for root in roots for module in root.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


class _Question:
    """How a net is asked for the scores of all its rows, in order.

    Logits are kept where the net's nonlinearity is their softmax or sigmoid, which is tried out
    on the first block; else the probabilities that the nonlinearity makes.
    """

    def __init__(self, net, X, recording):
        self.net, self.X, self.recording = net, X, recording
        self.nonlinearity = net._get_predict_nonlinearity()
        self.block = _block_size(net, X)
        first = next(self._outputs())
        self.from_logits = self._are_logits(first)

    def blocks(self):
        """Yield rows and their scores."""
        start = 0
        for output in self._outputs():
            rows = slice(start, start + len(output))
            scores = output if self.from_logits else self.nonlinearity(output)
            yield rows, scores.float().cpu().numpy()
            start += len(output)
        if start != self.recording.n_samples:
            raise RowsChangedError(
                f"The net's iterator gave {start} rows of {self.recording.n_samples}: an iterator "
                "that drops or repeats rows cannot be watched (drop_last, a sampler)."
            )

    def _outputs(self):
        import torch

        with torch.no_grad():
            for output in self._in_blocks() if self.block else self._by_loader():
                output = output[0] if isinstance(output, tuple) else output
                yield output.reshape(-1) if output.shape[1:] == (1,) else output

    def _in_blocks(self):
        import torch

        self.net._set_training(False)
        for start in range(0, len(self.X), self.block):
            block = torch.as_tensor(self.X[start : start + self.block])
            yield self.net.infer(block.to(self.net.device))

    def _by_loader(self):
        return self.net.forward_iter(self.X, training=False, device=None)

    def _are_logits(self, output):
        import torch

        output = output.float()
        answer = self.nonlinearity(output).float()
        if torch.equal(answer, output):
            return False
        if output.ndim == 1:
            return torch.allclose(torch.sigmoid(output), answer[:, -1], atol=1e-6)
        if not torch.allclose(torch.softmax(output, dim=1), answer, atol=1e-6):
            return False
        if bool((output >= 0).all()) and torch.allclose(
            output.sum(dim=1), torch.ones_like(output[:, 0]), atol=1e-4
        ):
            warnings.warn(
                f"The module of {type(self.net).__name__} returns probabilities, and "
                f"{type(self.net.criterion_).__name__} applies a softmax to them again: training "
                "is slow and the map is squeezed together. Remove the softmax from the module.",
                DoubleSoftmaxWarning,
                stacklevel=2,
            )
        return True


def _block_size(net, X):
    """Rows that can be sliced by hand at a time; None: the net's own iterator must do it.

    By hand is allowed where everything between an array and the module is skorch's own. Blocks
    are then as large as the net's batches for validation, and larger for tables of numbers, where
    the size of a block cannot matter.
    """
    import torch
    from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier
    from skorch.dataset import Dataset
    from torch.utils.data import DataLoader

    if not isinstance(X, (np.ndarray, torch.Tensor)) or net.device is None:
        return None
    options = {name for name in net.get_params(deep=False) if name.startswith("iterator_valid__")}
    harmless = {f"iterator_valid__{name}" for name in ("batch_size", "num_workers", "pin_memory")}
    own = (NeuralNet, NeuralNetClassifier, NeuralNetBinaryClassifier)
    names = (
        "get_dataset",
        "get_iterator",
        "evaluation_step",
        "infer",
        "predict_proba",
        "forward_iter",
    )
    if not (
        net.dataset is Dataset
        and net.iterator_valid is DataLoader
        and options <= harmless
        and all(any(getattr(type(net), n) is getattr(c, n) for c in own) for n in names)
    ):
        return None
    floating = X.dtype.kind == "f" if isinstance(X, np.ndarray) else X.is_floating_point()
    if X.ndim == 2 and floating:
        return FAST_BLOCK
    size = net.get_params_for("iterator_valid").get("batch_size", net.batch_size)
    return len(X) if size == -1 else size


def _rows_behind(dataset, net, X, n_samples):
    """Rows of X that a data set holds, through any nesting of subsets."""
    from torch.utils.data import Subset

    indices = None
    while isinstance(dataset, Subset):
        own = np.asarray(dataset.indices)
        indices = own if indices is None else own[indices]
        dataset = dataset.dataset
    same = dataset is X or getattr(dataset, "X", None) is X or type(dataset) is net.dataset
    if not (same and len(dataset) == n_samples):
        raise RowsChangedError(
            f"The rows that {type(net).__name__} trains on cannot be traced to the rows of X: "
            f"train_split gave a {type(dataset).__name__} of {len(dataset)} rows that is no "
            f"torch Subset of X ({n_samples} rows)."
        )
    return np.arange(n_samples) if indices is None else indices
