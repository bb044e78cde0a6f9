"""Hear a torch model train: the rows of each batch from its loader, what it says by a hook."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from sklearn_carto._data_map import DataMap
from sklearn_carto._dynamics import warn_of_unseen_rows
from sklearn_carto._recorder import DynamicsRecorder
from sklearn_carto._row_tee import rows_heard, rows_of
from sklearn_carto._torch_datasets import labels_of
from sklearn_carto.exceptions import RowsChangedError


class HearsTraining:
    """What callbacks of training loops have in common: they begin, hear batches, and end epochs.

    Subclasses set `labels`, `classes`, `from_logits`, `keep_history`, and say by `way_out` what to
    do where the model is never called.
    """

    labels: object
    classes: object
    from_logits: bool
    keep_history: bool
    way_out = ""
    _recorder: DynamicsRecorder = None  # type: ignore[assignment]
    _heard: ExitStack = None  # type: ignore[assignment]

    def begin_hearing(self):
        """Start a new map."""
        self.end_hearing()
        self._heard, self._n_batches = ExitStack(), 0
        self._recorder = None  # type: ignore[assignment]

    def listen_to(self, loader):
        """Hear which rows the batches of a loader hold, from its next epoch on.

        Parameters
        ----------
        loader : DataLoader
            Of the training set.
        """
        self._rows = self._heard.enter_context(rows_heard(loader))
        dataset = getattr(loader, "base_dataloader", loader).dataset
        self._labels = np.asarray(labels_of(dataset) if self.labels is None else self.labels)
        if self._labels.shape != (len(dataset),):
            raise ValueError(
                f"labels must have one entry for each of the {len(dataset)} rows of the training "
                f"set; got shape {self._labels.shape}."
            )

    def listen_to_model(self, model, n_epochs):
        """Hear what a model says of each batch.

        Parameters
        ----------
        model : Module
            Each of its forward passes in training is that of a batch.
        n_epochs : int or None
            How many epochs are planned.
        """
        self._name, self._n_epochs = type(model).__name__, n_epochs
        self._heard.callback(model.register_forward_hook(self._hear).remove)

    def begin_epoch(self):
        """Forget what was heard of an epoch that broke off."""
        self._n_batches = 0
        if self._recorder is not None:
            self._recorder.discard()

    def end_epoch(self, n_batches):
        """Record the epoch, unless it broke off.

        Parameters
        ----------
        n_batches : int
            How many batches an epoch has.
        """
        if self._n_batches == 0 and n_batches:
            raise RowsChangedError(
                f"An epoch of training has passed in which {self._name} was never called. "
                f"{self.way_out}"
            )
        if self._n_batches == n_batches:
            self._recorder.end_epoch()
        self.begin_epoch()

    def end_hearing(self):
        """Take the hook off the model, and let the loader be as it was."""
        if self._heard is not None:
            self._heard.close()
            self._heard = None  # type: ignore[assignment]

    def _hear(self, module, args, output):
        import torch

        if not (module.training and torch.is_grad_enabled()):  # a validation pass
            return
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
        batch = self._rows.next_batch(len(scores))
        self._recorder.update(rows_of([batch]), scores)
        self._n_batches += 1

    @property
    def dynamics_(self):
        """What was recorded so far of the last training."""
        if self._recorder is None or self._recorder.epoch == 0:
            raise AttributeError(
                "No whole epoch was recorded yet: train a model with this callback."
            )
        return self._recorder.dynamics

    @property
    def data_map_(self):
        """The map of what was recorded so far of the last training."""
        return DataMap.from_dynamics(self.dynamics_)

    def warn_of_unseen_rows(self):
        """Say which rows no epoch showed."""
        if self._recorder is not None and self._recorder.epoch:
            warn_of_unseen_rows(self._recorder.dynamics)


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
