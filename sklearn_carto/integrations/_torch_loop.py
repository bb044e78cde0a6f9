"""Base class of the callbacks of torch training loops: rows from the loader, scores by a hook."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_carto._dynamics._history import HISTORY_DIR, KEEP_HISTORY, check_history_dir
from sklearn_carto._inputs._torch_datasets import WAY_OUT, labels_of
from sklearn_carto._recording._batch_arrays import as_vector
from sklearn_carto._recording._batch_sampler import RecordingBatchSampler, recorded_batches, rows_of
from sklearn_carto._recording._class_columns import ClassColumns
from sklearn_carto._recording._label_check import LabelCheck
from sklearn_carto._recording._recorder import PositionRecorder
from sklearn_carto._recording._recorder_state import VERSION
from sklearn_carto._utils._state import PackedState
from sklearn_carto._utils._validation import check_params, check_sample_ids
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import MissingEpochsWarning, SampleAlignmentError
from sklearn_carto.integrations._callback import LOG, RecorderCallback, check_given_ids
from sklearn_carto.integrations._torch_training import (
    Hook,
    as_integers,
    hold_the_same_rows,
    n_ranks,
    scores_of,
)

if TYPE_CHECKING:
    from sklearn_carto._dynamics._training_dynamics import TrainingDynamics

MAX_CLASSES = 2**16  # a model may have more outputs than rows, but not arbitrarily many


@dataclass
class _Epoch:
    """Progress of the epoch that is under way."""

    n_batches: int = 0  # batches that have ended
    n_recorded: int = 0  # forward passes that were recorded
    n_outside: int = 0  # forward passes in training mode outside of any batch
    resumed: bool = False  # its first batches were trained on in an earlier run,
    left_out: bool = False  # which did not record them;
    redraws: bool | None = False  # the sampler draws them again; None: to be determined
    in_batch: bool = False  # a batch is under way,
    recorded: bool = False  # its forward pass was recorded,
    backward: bool = False  # and its loss was backpropagated


class TorchLoopCallback(RecorderCallback):
    """Record the forward passes of a torch training loop.

    Subclasses document the parameters, and state in `way_out` how the model must be called. They
    call the methods in this order: `start`, `observe_loader`, `observe_model`, and `resume` if the
    training continues an earlier one; in each epoch `begin_epoch`, `begin_batch` and `end_batch`
    for each batch, `end_epoch`; `stop`.
    """

    way_out = ""
    _hooks: ExitStack = None  # type: ignore[assignment]
    _batch_sampler: RecordingBatchSampler = None  # type: ignore[assignment]
    _labels: np.ndarray
    _label_check: LabelCheck = None  # type: ignore[assignment]
    _batch: object = None
    _n_left_out = 0

    def __init__(
        self,
        labels: Any = None,
        classes: Any = None,
        from_logits: Any = True,
        keep_history: Any = True,
        sample_ids: Any = None,
        log: Any = None,
        history_dir: Any = None,
    ) -> None:
        flags = {"from_logits": from_logits, "keep_history": keep_history}
        constraints = {"from_logits": ["boolean"], "keep_history": KEEP_HISTORY}
        check_params(self._owner, constraints, flags)
        check_params(self._owner, {"log": LOG}, {"log": log})
        check_params(self._owner, {"history_dir": HISTORY_DIR}, {"history_dir": history_dir})
        if labels is not None:
            as_vector(labels, "labels", self._owner)
        if classes is not None:
            ClassColumns(classes, self._owner)
        if not isinstance(sample_ids, str):
            check_given_ids(sample_ids, self._owner)
        self.labels = labels
        self.classes = classes
        self.from_logits = from_logits
        self.keep_history = keep_history
        self.sample_ids = sample_ids
        self.history_dir = history_dir
        self._log_folder = log  # Lightning sets an attribute `log` of its own

    @property
    def _owner(self):
        return type(self).__name__

    def start(self) -> None:
        """Start a new map."""
        check_history_dir(self.history_dir, self.keep_history, self._owner)
        self.stop()
        self._begin_training()
        self._hooks, self._loader_hook = ExitStack(), ExitStack()
        self._hooks.callback(self._loader_hook.close)
        self._batch_sampler = self._dataset = self._recorder = None  # type: ignore[assignment]
        self._n_left_out, self._epoch = 0, _Epoch()

    def observe_loader(self, loader: Any) -> None:
        """Record which rows the batches of the training loader hold, from its next epoch on.

        A loader that replaces another must yield the same rows in the same order, which is checked
        by the data set or else by its labels.
        """
        self._loader_hook.close()
        self._batch_sampler = self._loader_hook.enter_context(recorded_batches(loader))
        dataset, before = getattr(loader, "base_dataloader", loader).dataset, self._dataset
        same = before is not None and hold_the_same_rows(dataset, before)
        if not same:  # False, or None where it cannot be determined
            labels = self._labels_of(dataset)
            if before is not None and (same is False or not np.array_equal(labels, self._labels)):
                raise SampleAlignmentError(
                    "The training set must consist of the same rows in all epochs of a map; it was "
                    "replaced by one of other rows (Lightning: reload_dataloaders_every_n_epochs, "
                    f"or several loaders at a time). Keep the rows, or index them. {WAY_OUT}"
                )
            self._labels, self._names = labels, self._names_of(dataset)
        self._dataset = dataset

    def _labels_of(self, dataset):
        """Return the label of each row, which must be among the classes where these are given."""
        labels = labels_of(dataset) if self.labels is None else self.labels
        labels = as_vector(labels, "labels", self._owner)
        if labels.shape != (len(dataset),):
            raise ValueError(
                f"labels must have one entry for each of the {len(dataset)} rows of the training "
                f"set; got shape {labels.shape}."
            )
        if self.classes is None:
            return as_integers(labels)
        ClassColumns(self.classes, self._owner).encode(labels)
        return labels

    def _names_of(self, dataset):
        """Return the names of the rows, or None."""
        return check_sample_ids(self.sample_ids, len(dataset), self._owner)

    def observe_model(self, model: Any, n_epochs: Any) -> None:
        """Record the outputs of a model in training, which is called once for each batch."""
        if self._batch_sampler is None:
            raise SampleAlignmentError(
                f"The loader of the training set was not observed. {WAY_OUT}"
            )
        self._watched_name_, self._n_epochs = type(model).__name__, n_epochs
        hook = model.register_forward_hook(self._make_hook(), with_kwargs=True)
        self._hooks.callback(hook.remove)
        if self._state_ is not None:
            self._load_state()

    def _load_state(self):
        """Make the recorder that continues a state, unless that knows no scores yet."""
        state, self._state_ = self._state_, None
        packed = PackedState(state, f"{self._owner}.load_state_dict", VERSION)
        n_classes = packed.number("n_classes", int)
        self._saved_batches = packed.number("n_batches", int) if "n_batches" in packed else 0
        waiting = "waiting_rows" in packed
        self._waiting = packed.array("waiting_rows", (-1,), int) if waiting else np.empty(0, int)
        if not 0 <= n_classes <= MAX_CLASSES + len(self._labels):
            raise packed.error(f"must hold a number of classes. Got {n_classes}")
        if n_classes:
            recorder = self._make_recorder(n_classes)
            recorder.load_state_dict(state)
            self._use(recorder)

    def resume(self, n_done: int, n_batches: int, redraws: bool | None) -> None:
        """Continue an earlier training, whose recording `load_state_dict` has restored.

        Parameters
        ----------
        n_done : int
            Number of batches of the current epoch that it has trained on.
        n_batches : int
            Number of batches of an epoch.
        redraws : bool or None
            Whether the sampler draws these batches again, ahead of those that arrive. None: to be
            determined from the rows that it draws.
        """
        if self._recorder is None:
            self._epoch.left_out = n_done > 0
            warn(
                "The checkpoint holds no recorded epochs: the data map of this resumed training "
                "covers the epochs from here on. To map the whole run, train with this callback "
                "from the beginning.",
                MissingEpochsWarning,
            )
        elif self._saved_batches == n_batches and n_done == 0:
            self._recorder.end_epoch()  # saved after the last batch, ahead of the end of its epoch
        elif n_done and self._saved_batches == n_done:
            self._epoch = _Epoch(n_done, n_recorded=1, resumed=True, redraws=redraws)
        else:
            self._recorder.reset_epoch()
            self._epoch.left_out = n_done > 0

    def _make_hook(self):
        return Hook(self._on_forward)

    def begin_epoch(self) -> None:
        """Begin an epoch, and discard one that was interrupted."""
        self._epoch = _Epoch()
        self._batch_sampler.release()
        if self._recorder is not None:
            self._recorder.reset_epoch()
            self._label_check.discard()

    def begin_batch(self, batch: Any = None) -> None:
        """Begin a batch, whose forward pass is recorded.

        Its labels are those that `batch` carries, or else the keyword arguments of the model.
        """
        epoch, self._batch = self._epoch, batch
        if epoch.left_out:
            return
        self._batch_sampler.hold()
        if epoch.redraws is not False:
            self._skip_redrawn(epoch)
        epoch.in_batch, epoch.recorded, epoch.backward = True, False, False

    def _skip_redrawn(self, epoch):
        """Skip the batches of the earlier training that the sampler has drawn again."""
        drawn, n_done = self._batch_sampler.batches, epoch.n_batches
        if epoch.redraws is None:
            again = rows_of(islice(drawn, n_done))
            if len(drawn) <= n_done or not np.isin(self._waiting, again).all():
                n_done = 0
        for _ in range(n_done):
            self._batch_sampler.skip_batch()
        epoch.redraws = False

    def end_backward(self) -> None:
        """Allow further forward passes of the batch, which are not recorded."""
        self._epoch.backward = True

    def end_batch(self) -> None:
        """End a batch; without a forward pass its rows are missing from the epoch."""
        epoch = self._epoch
        if epoch.in_batch:
            if not epoch.recorded:
                self._batch_sampler.skip_batch()
            epoch.n_batches += 1
            epoch.in_batch, self._batch = False, None

    def end_epoch(self, n_batches: Any) -> None:
        """Record the epoch if it consists of `n_batches` batches; else leave it out."""
        epoch = self._epoch
        if epoch.n_batches and not epoch.n_recorded:
            raise SampleAlignmentError(
                f"{self._watched_name_} was not called in an epoch of training, so that no class "
                f"scores could be recorded. {self.way_out}"
            )
        if epoch.n_outside and not (epoch.n_batches or epoch.left_out):
            raise SampleAlignmentError(
                f"The training loop calls {self._watched_name_} without the callback events of a "
                f"batch, so that the sample indices cannot be determined. {WAY_OUT}"
            )
        if self._recorder is not None:
            self._label_check.flush()
        if epoch.n_batches == n_batches:
            self._check_no_batch_is_left(n_batches)
            self._recorder.end_epoch()
        elif epoch.n_batches or epoch.left_out:
            self._n_left_out += 1
        self.begin_epoch()

    def _check_no_batch_is_left(self, n_batches):
        """Raise an error if the loader did not pass on all batches that it drew in an epoch."""
        drawn = self._batch_sampler.batches
        if drawn and not self._epoch.resumed and n_batches == len(self._batch_sampler):
            raise SampleAlignmentError(
                f"The model was trained on {n_batches} batches of an epoch, in which the sampler "
                f"of the loader drew {len(drawn)} more: the loader drops or replaces batches, so "
                f"that the sample indices cannot be determined. {WAY_OUT}"
            )

    def stop(self) -> None:
        """Remove the hooks from the model and the loader."""
        self._stop_training()
        self._batch = None
        if self._hooks is not None:
            self._hooks.close()
            self._hooks = self._dataset = None  # type: ignore[assignment]

    def _on_forward(self, module, args, kwargs, output):
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
            self._record(module, output, kwargs if self._batch is None else self._batch)
        except Exception:
            self.stop()  # the model may be trained again without this callback
            raise

    def _record(self, module, output, batch):
        if self._epoch.recorded:
            raise SampleAlignmentError(
                f"{self._watched_name_} was called twice for one batch: the call to record "
                f"cannot be determined. {self.way_out} {WAY_OUT}"
            )
        scores = scores_of(output, self._watched_name_)
        if self._recorder is None:
            self._use(self._make_recorder(scores.shape[1] if scores.ndim == 2 else 1))
        index = self._recorder._sample_index
        rows = index.rows_of(rows_of([self._batch_sampler.pop_batch(len(scores))]))
        self._label_check.add(batch, rows, index.y_encoded[rows])
        self._recorder.update(rows, scores)
        self._epoch.recorded = True
        self._epoch.n_recorded += 1

    def _use(self, recorder):
        self._recorder = recorder
        self._label_check = LabelCheck(self._watched_name_, recorder._sample_index.classes)

    def _make_recorder(self, n_columns):
        classes = self.classes
        if classes is None and self._labels.dtype.kind in "iub":
            classes = np.arange(max(n_columns, 2))
        return PositionRecorder(
            len(self._labels),
            labels=self._labels,
            classes=classes,
            sample_ids=self._names,
            n_epochs=self._n_epochs,
            from_logits=self.from_logits,
            missing="nan",
            keep_history=self.keep_history,
            log=self._log_folder,
            history_dir=self.history_dir,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the recording, to be saved in a checkpoint of the training.

        Returns
        -------
        state : dict
            That of :meth:`DynamicsRecorder.state_dict`; empty if nothing was recorded yet.
        """
        state = super().state_dict()
        if self._recorder is not None:
            # of several processes each knows its own batches only
            state["n_batches"] = self._epoch.n_batches if n_ranks() == 1 else 0
        return state

    @property
    def dynamics_(self) -> TrainingDynamics:
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
