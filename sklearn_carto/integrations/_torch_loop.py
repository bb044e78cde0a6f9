"""Base class of the callbacks of torch training loops: rows from the loader, scores by a hook."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from sklearn_carto._inputs._torch_datasets import WAY_OUT, labels_of
from sklearn_carto._recording._batch_sampler import RecordingBatchSampler, recorded_batches, rows_of
from sklearn_carto._recording._recorder import DynamicsRecorder
from sklearn_carto.exceptions import SampleAlignmentError
from sklearn_carto.integrations._callback import RecorderCallback


@dataclass
class _Epoch:
    """Progress of the epoch that is under way."""

    n_batches: int = 0  # batches that have ended
    n_recorded: int = 0  # forward passes that were recorded
    n_outside: int = 0  # forward passes in training mode outside of any batch
    in_batch: bool = False  # a batch is under way,
    recorded: bool = False  # its forward pass was recorded,
    backward: bool = False  # and its loss was backpropagated


class TorchLoopCallback(RecorderCallback):
    """Record the forward passes of a torch training loop.

    Subclasses document the parameters, and state in `way_out` how the model must be called. They
    call the methods in this order: `start`, `observe_loader`, `observe_model`; in each epoch
    `begin_epoch`, `begin_batch` and `end_batch` for each batch, `end_epoch`; `stop`.
    """

    way_out = ""
    _hooks: ExitStack = None  # type: ignore[assignment]
    _batch_sampler: RecordingBatchSampler = None  # type: ignore[assignment]
    _labels: np.ndarray
    _n_left_out = 0

    def __init__(self, labels=None, classes=None, from_logits=True, keep_history=True):
        self.labels = labels
        self.classes = classes
        self.from_logits = from_logits
        self.keep_history = keep_history

    def start(self):
        """Start a new map."""
        self.stop()
        self._begin_training()
        self._hooks, self._loader_hook = ExitStack(), ExitStack()
        self._hooks.callback(self._loader_hook.close)
        self._batch_sampler = self._dataset = self._recorder = None  # type: ignore[assignment]
        self._n_left_out, self._epoch = 0, _Epoch()

    def observe_loader(self, loader):
        """Record which rows the batches of the training loader hold, from its next epoch on.

        A loader that replaces another must yield the same rows in the same order, which is checked
        by the data set or else by its labels.
        """
        self._loader_hook.close()
        self._batch_sampler = self._loader_hook.enter_context(recorded_batches(loader))
        dataset, before = getattr(loader, "base_dataloader", loader).dataset, self._dataset
        same = before is not None and _hold_the_same_rows(dataset, before)
        if not same:  # False, or None where it cannot be determined
            labels = np.asarray(labels_of(dataset) if self.labels is None else self.labels)
            labels = _as_integers(labels) if self.classes is None else labels
            if labels.shape != (len(dataset),):
                raise ValueError(
                    f"labels must have one entry for each of the {len(dataset)} rows of the "
                    f"training set; got shape {labels.shape}."
                )
            if before is not None and (same is False or not np.array_equal(labels, self._labels)):
                raise SampleAlignmentError(
                    "The training set must consist of the same rows in all epochs of a map; it was "
                    "replaced by one of other rows (Lightning: reload_dataloaders_every_n_epochs, "
                    f"or several loaders at a time). Keep the rows, or index them. {WAY_OUT}"
                )
            self._labels = labels
        self._dataset = dataset

    def observe_model(self, model, n_epochs):
        """Record the outputs of a model in training, which is called once for each batch."""
        if self._batch_sampler is None:
            raise SampleAlignmentError(
                f"The loader of the training set was not observed. {WAY_OUT}"
            )
        self._watched_name_, self._n_epochs = type(model).__name__, n_epochs
        self._hooks.callback(model.register_forward_hook(self._make_hook()).remove)

    def _make_hook(self):
        return Hook(self._on_forward)

    def begin_epoch(self):
        """Begin an epoch, and discard one that was interrupted."""
        self._epoch = _Epoch()
        if self._recorder is not None:
            self._recorder.reset_epoch()

    def begin_batch(self):
        """Begin a batch, whose forward pass is recorded."""
        epoch = self._epoch
        epoch.in_batch, epoch.recorded, epoch.backward = True, False, False

    def end_backward(self):
        """Allow further forward passes of the batch, which are not recorded."""
        self._epoch.backward = True

    def end_batch(self):
        """End a batch; without a forward pass its rows are missing from the epoch."""
        epoch = self._epoch
        if epoch.in_batch:
            if not epoch.recorded:
                self._batch_sampler.skip_batch()
            epoch.n_batches += 1
            epoch.in_batch = False

    def end_epoch(self, n_batches):
        """Record the epoch if it consists of `n_batches` batches; else leave it out."""
        epoch = self._epoch
        if epoch.n_batches and not epoch.n_recorded:
            raise SampleAlignmentError(
                f"{self._watched_name_} was not called in an epoch of training, so that no class "
                f"scores could be recorded. {self.way_out}"
            )
        if epoch.n_outside and not epoch.n_batches:
            raise SampleAlignmentError(
                f"The training loop calls {self._watched_name_} without the callback events of a "
                f"batch, so that the sample indices cannot be determined. {WAY_OUT}"
            )
        if epoch.n_batches == n_batches:
            self._recorder.end_epoch()
        else:
            self._n_left_out += 1
        self.begin_epoch()

    def stop(self):
        """Remove the hooks from the model and the loader."""
        if self._hooks is not None:
            self._hooks.close()
            self._hooks = self._dataset = None  # type: ignore[assignment]

    def _on_forward(self, module, args, output):
        import torch

        epoch = self._epoch
        if not (module.training and torch.is_grad_enabled()):  # a validation pass
            return
        if not epoch.in_batch:
            epoch.n_outside += 1
            return
        if epoch.recorded and epoch.backward:  # an optimizer that evaluates the batch again
            return
        try:
            self._record(module, output)
        except Exception:
            self.stop()  # the model may be trained again without this callback
            raise

    def _record(self, module, output):
        if self._epoch.recorded:
            raise SampleAlignmentError(
                f"{self._watched_name_} was called twice for one batch: the call to record "
                f"cannot be determined. {self.way_out} {WAY_OUT}"
            )
        scores = _scores_of(output, self._watched_name_)
        if self._recorder is None:
            self._recorder = self._resumed(self._make_recorder(scores))
        batch = self._batch_sampler.pop_batch(len(scores))
        self._recorder.update(rows_of([batch]), scores)
        self._epoch.recorded = True
        self._epoch.n_recorded += 1

    def _make_recorder(self, scores):
        n_classes = scores.shape[1] if scores.shape[1:] not in ((), (1,)) else 2
        encoded = np.issubdtype(self._labels.dtype, np.integer) and self.classes is None
        return DynamicsRecorder(
            len(self._labels),
            labels=self._labels,
            classes=np.arange(n_classes) if encoded else self.classes,
            n_epochs=self._n_epochs,
            from_logits=self.from_logits,
            missing="nan",
            keep_history=self.keep_history,
        )

    @property
    def dynamics_(self):
        """The training dynamics of the last training."""
        if self._recorder is None or self._recorder.epoch == 0:
            reason = "train a model with this callback."
            if self._n_left_out:
                reason = (
                    f"{self._n_left_out} ended before all batches were trained on (max_steps, a "
                    "limit), and are left out. Train for at least one complete epoch."
                )
            raise AttributeError(f"No complete epoch was recorded yet: {reason}")
        return self._recorder.dynamics


class Hook:
    """A hook of a module that calls a function; its copies and pickles do nothing."""

    def __init__(self, function=None):
        self.function = function

    def __call__(self, *args):
        """Call the function."""
        if self.function is not None:
            self.function(*args)

    def __reduce__(self):
        """Copy without the function."""
        return Hook, ()


def _hold_the_same_rows(one, other):
    """Whether data sets hold the same rows in the same order; None: cannot be determined."""
    from torch import equal
    from torch.utils.data import Subset, TensorDataset

    while isinstance(one, Subset) and isinstance(other, Subset):
        if not np.array_equal(one.indices, other.indices):
            return False
        one, other = one.dataset, other.dataset
    if type(one) is type(other) is TensorDataset:
        pairs = zip(one.tensors, other.tensors, strict=False)
        return len(one.tensors) == len(other.tensors) and all(equal(*pair) for pair in pairs)
    return True if one is other else None


def _as_integers(labels):
    """Convert floating point labels to integers."""
    if labels.dtype.kind != "f":
        return labels
    if (labels != np.round(labels)).any():
        raise ValueError(
            "labels must be classes, one for each row; got continuous values "
            f"({labels[:3].tolist()}, ...), as of a target of regression. Pass labels=."
        )
    return labels.astype(int)


def _scores_of(output, name):
    """Find the class scores among the outputs of a model: its logits, or the first output."""
    if hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, dict) and "logits" in output:
        output = output["logits"]
    elif isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not hasattr(output, "detach") or output.ndim not in (1, 2):
        got = type(output).__name__
        if hasattr(output, "shape"):
            got = f"shape {tuple(output.shape)}"
        raise ValueError(
            f"The output of {name} must be class scores of shape (n_rows, n_classes); got {got}. "
            "Data maps of models that label each token or pixel are not supported."
        )
    return output
