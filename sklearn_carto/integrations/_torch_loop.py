"""Hear a torch model train: the rows of each batch from its loader, what it says by a hook."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from sklearn_carto._inputs._torch_datasets import WAY_OUT, labels_of
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._diagnostics import warn_of_unseen_rows, warn_where_degenerate
from sklearn_carto._recording._batch_sampler import RecordingBatchSampler, recorded_batches, rows_of
from sklearn_carto._recording._recorder import DynamicsRecorder
from sklearn_carto.exceptions import SampleAlignmentError


class TorchLoopCallback:
    """What callbacks of training loops have in common: they begin, hear batches, and end epochs.

    Subclasses set `labels`, `classes`, `from_logits`, `keep_history`, and say by `way_out` how the
    model must be called.
    """

    labels: object
    classes: object
    from_logits: bool
    keep_history: bool
    way_out = ""
    _recorder: DynamicsRecorder = None  # type: ignore[assignment]
    _hearing: ExitStack = None  # type: ignore[assignment]
    _rows: RecordingBatchSampler = None  # type: ignore[assignment]
    _labels: np.ndarray
    _n_left_out = 0

    def start(self):
        """Start a new map."""
        self.stop()
        self._hearing, self._loader = ExitStack(), ExitStack()
        self._hearing.callback(self._loader.close)
        self._rows = self._dataset = self._recorder = None  # type: ignore[assignment]
        self._n_left_out = 0
        self._forget_epoch()

    def observe_loader(self, loader):
        """Hear which rows the batches of a loader hold, from its next epoch on.

        Parameters
        ----------
        loader : DataLoader
            Of the training set. One that replaces another must be of the same rows in the same
            order: known by their data set, and where that is another by its labels.
        """
        self._loader.close()
        self._rows = self._loader.enter_context(recorded_batches(loader))
        dataset, before = getattr(loader, "base_dataloader", loader).dataset, self._dataset
        same = before is not None and _hold_the_same_rows(dataset, before)
        if not same:  # or nobody knows
            labels = np.asarray(labels_of(dataset) if self.labels is None else self.labels)
            labels = _as_codes(labels) if self.classes is None else labels
            if labels.shape != (len(dataset),):
                raise ValueError(
                    f"labels must have one entry for each of the {len(dataset)} rows of the "
                    f"training set; got shape {labels.shape}."
                )
            if before is not None and (same is False or not np.array_equal(labels, self._labels)):
                raise SampleAlignmentError(
                    "The training set was replaced by one of other rows while the model trained "
                    "(Lightning: reload_dataloaders_every_n_epochs, or several loaders at a time), "
                    "so that its epochs do not belong to one map. Keep the rows, or number them "
                    f"yourself. {WAY_OUT}"
                )
            self._labels = labels
        self._dataset = dataset

    def observe_model(self, model, n_epochs):
        """Hear what a model says of each batch.

        Parameters
        ----------
        model : Module
            Its forward pass in training is that of a batch.
        n_epochs : int or None
            How many epochs are planned.
        """
        if self._rows is None:
            raise SampleAlignmentError(f"The loader of the training set was never heard. {WAY_OUT}")
        self._name, self._n_epochs = type(model).__name__, n_epochs
        hook = self._make_hook()
        self._hearing.callback(model.register_forward_hook(hook).remove)

    def _make_hook(self):
        return Hook(self._on_forward)

    def _forget_epoch(self):
        self._n_batches = self._n_heard = self._n_between = 0
        self._open = False

    def begin_epoch(self):
        """Forget what was heard of an epoch that broke off."""
        self._forget_epoch()
        if self._recorder is not None:
            self._recorder.reset_epoch()

    def begin_batch(self):
        """Listen to the model until it has been heard, or the batch ends."""
        self._open, self._called, self._learned = True, False, False

    def note_backward(self):
        """Note that the loss was told back: the model may be called again, for the same rows."""
        self._learned = True

    def end_batch(self):
        """Stop listening to the model; of a batch that it was not called for, rows are unseen."""
        if self._open:
            if not self._called:
                self._rows.skip_batch()
            self._n_batches += 1
            self._open = False

    def end_epoch(self, n_batches):
        """Record the epoch, unless it broke off.

        Parameters
        ----------
        n_batches : int
            How many batches an epoch has.
        """
        if self._n_batches and not self._n_heard:
            raise SampleAlignmentError(
                f"An epoch of training has passed in which {self._name} was never called. "
                f"{self.way_out}"
            )
        if self._n_between and not self._n_batches:
            raise SampleAlignmentError(
                f"The training loop calls {self._name} without saying when a batch begins, so that "
                f"nobody knows its rows. {WAY_OUT}"
            )
        if self._n_batches == n_batches:
            self._recorder.end_epoch()
        else:
            self._n_left_out += 1
        self.begin_epoch()

    def stop(self):
        """Take the hook off the model, and let the loader be as it was."""
        if self._hearing is not None:
            self._hearing.close()
            self._hearing = self._dataset = None  # type: ignore[assignment]

    def _on_forward(self, module, args, output):
        import torch

        if not (module.training and torch.is_grad_enabled()):  # a validation pass
            return
        if not self._open:
            self._n_between += 1
            return
        if self._called and self._learned:  # an optimizer that asks again, of the same rows
            return
        try:
            self._record(module, output)
        except Exception:
            self.stop()  # whoever trains next, maybe without us, shall not hear it again
            raise

    def _record(self, module, output):
        if self._called:
            raise SampleAlignmentError(
                f"{self._name} was called twice for one batch, so that nobody knows which call "
                f"counts. {self.way_out} {WAY_OUT}"
            )
        scores = _scores_of(output, self._name)
        if self._recorder is None:
            n_classes = scores.shape[1] if scores.shape[1:] not in ((), (1,)) else 2
            codes = np.issubdtype(self._labels.dtype, np.integer) and self.classes is None
            self._recorder = DynamicsRecorder(
                len(self._labels),
                labels=self._labels,
                classes=np.arange(n_classes) if codes else self.classes,
                n_epochs=self._n_epochs,
                from_logits=self.from_logits,
                missing="nan",
                keep_history=self.keep_history,
            )
        batch = self._rows.pop_batch(len(scores))
        self._recorder.update(rows_of([batch]), scores)
        self._called = True
        self._n_heard += 1

    @property
    def dynamics_(self):
        """What was recorded so far of the last training."""
        if self._recorder is None or self._recorder.epoch == 0:
            why = "train a model with this callback."
            if self._n_left_out:
                why = (
                    f"{self._n_left_out} ended before all batches were trained on (max_steps, a "
                    "limit), and are left out. Train for a whole epoch at least."
                )
            raise AttributeError(f"No whole epoch was recorded yet: {why}")
        return self._recorder.dynamics

    @property
    def data_map_(self):
        """The map of what was recorded so far of the last training."""
        return DataMap.from_dynamics(self.dynamics_)

    def warn_of_the_map(self):
        """Say which rows no epoch showed, and where the map says little."""
        if self._recorder is not None and self._recorder.epoch:
            warn_of_unseen_rows(self.dynamics_)
            warn_where_degenerate(self.data_map_, self.dynamics_, self._name)


class Hook:
    """A hook of a module; a copy or a pickle of the model holds one that does nothing.

    Parameters
    ----------
    hear : callable, default=None
        Is called with what torch calls the hook with.
    """

    def __init__(self, hear=None):
        self.hear = hear

    def __call__(self, *args):
        """Let it be heard."""
        if self.hear is not None:
            self.hear(*args)

    def __reduce__(self):
        """Copy without what is heard."""
        return Hook, ()


def _hold_the_same_rows(one, other):
    """Whether data sets hold the same rows in the same order, or None where nobody knows."""
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


def _as_codes(labels):
    """Whole numbers for labels that are whole, whatever their type."""
    if labels.dtype.kind != "f":
        return labels
    if (labels != np.round(labels)).any():
        raise ValueError(
            f"Labels are shares or a target of regression ({labels[:3].tolist()}, ...); a data map "
            "needs one class a row. Pass labels=."
        )
    return labels.astype(int)


def _scores_of(output, name):
    """Class scores among the outputs of a model: its logits, or what it gives first."""
    if hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, dict) and "logits" in output:
        output = output["logits"]
    elif isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not hasattr(output, "detach") or output.ndim not in (1, 2):
        what = tuple(output.shape) if hasattr(output, "shape") else type(output).__name__
        raise ValueError(
            f"The {name} gave {what}; a data map needs one line of class scores a row, of shape "
            "(n_rows, n_classes). Models that label each token or pixel have no data map."
        )
    return output
