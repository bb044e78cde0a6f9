"""A callback of the Hugging Face Trainer that records training dynamics."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from threading import get_ident
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from sklearn_carto._inputs._torch_datasets import LABEL_NAMES
from sklearn_carto._utils._archive import read_archive, write_archive
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._random_state import generators_kept
from sklearn_carto._utils._validation import check_sample_ids
from sklearn_carto.integrations._torch_loop import TorchLoopCallback
from sklearn_carto.integrations._torch_training import Hook

STATE_FILE = "training_dynamics.npz"  # in the folder of a checkpoint
STATE_KIND = "state of a DataMapCallback"


class DataMapCallback(TorchLoopCallback, TrainerCallback):
    """Record the training dynamics of a model for sequence classification.

    Probabilities are taken from the training forward pass itself, without an extra pass. The
    sampler of the Trainer's loader identifies the rows: neither a column of indices nor a subclass
    of the Trainer is required. The training is not changed.

    Parameters
    ----------
    labels : array-like of shape (n_samples,), default=None
        The label of each row of the training set. None: read once from its column, or rows,
        `labels`, `label` or `label_ids`.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the model's outputs. None: the outputs 0, 1, ... themselves, or,
        for labels that are not whole numbers, those that occur, sorted.
    from_logits : bool, default=True
        Whether the model returns logits, as the heads of transformers do. False: probabilities.
    keep_history : bool or "float16", default=True
        Whether to keep every epoch beside the running statistics, see :class:`TrainingDynamics`.
    sample_ids : str or array-like of shape (n_samples,), default=None
        Names of the rows: an array, or the name of a column of the training set, which is not
        passed to the model.
    log : str or path-like, default=None
        Folder to write each epoch to as it ends, see :mod:`sklearn_carto.logs`. It holds the log of
        one training: that of another one raises a LogConflictError. In a
        distributed run each rank writes its share of the rows. This requires pyarrow.
    history_dir : str or path-like, default=None
        A folder for the values of every epoch, which `dynamics_` then reads as memory maps, see
        :class:`TrainingDynamics`. Each training writes to a subfolder of its own, which is not
        removed.

    Attributes
    ----------
    dynamics_ : TrainingDynamics
        The training dynamics of the last training.
    data_map_ : DataMap
        Their data map, made once unless further epochs are recorded.
    confidence, variability, correctness : ndarray of shape (n_samples,)
        Statistics of the map; `correctness` is the share of the epochs at which the label was the
        most probable class, whatever its probability.

    Notes
    -----
    Each ``train()`` starts a new map. Checkpoints hold the state of the recording, in the file
    ``training_dynamics.npz``: after ``train(resume_from_checkpoint=...)`` the map is that of the
    whole run, also if the checkpoint was saved within an epoch (in a distributed run that epoch is
    left out). A checkpoint of other rows, labels or settings raises a ValueError; one without a
    recording draws a MissingEpochsWarning, and the map covers the later epochs.

    Incomplete epochs (`max_steps`) are left out. The statistics of rows that `dataloader_drop_last`
    drops from an epoch, or that a sampler does not draw, are computed over the other epochs. Of a
    row that a sampler draws several times in an epoch, the first pass counts. In a distributed run
    each rank holds the map of all rows.

    The rows of a batch are those that the sampler has drawn, in their order. The labels of each
    batch are compared with the labels of these rows, so that a collate function that sorts or
    replaces rows is an error; in batches that carry no classes, rows are taken as they come.

    Without `labels`, the data set is read once before the training. If reading draws from a random
    generator of the data set itself, this changes its later draws: pass `labels`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from transformers import DistilBertConfig, DistilBertForSequenceClassification
    >>> from transformers import Trainer, TrainingArguments
    >>> from sklearn_carto.integrations.transformers import DataMapCallback
    >>> config = DistilBertConfig(vocab_size=20, dim=8, hidden_dim=8, n_layers=1, n_heads=2)
    >>> rows = [{"input_ids": [i, i + 1], "labels": i % 2} for i in range(12)]
    >>> callback = DataMapCallback()
    >>> settings = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True}
    >>> settings |= {"learning_rate": 0.05, "use_cpu": True}
    >>> trainer = Trainer(
    ...     DistilBertForSequenceClassification(config),
    ...     TrainingArguments(mkdtemp(), **settings),
    ...     train_dataset=rows,
    ...     callbacks=[callback],
    ... )
    >>> _ = trainer.train()
    {...}
    >>> callback.data_map_
    <DataMap: 12 rows of 2 classes, 3 epochs>
    """

    way_out = "The Trainer's compute_loss must call the model itself, once for each batch."

    def on_train_begin(
        self,
        args: Any,
        state: Any,
        control: Any,
        model: Any = None,
        train_dataloader: Any = None,
        **kwargs: Any,
    ) -> None:
        """Start a new map, or continue that of the checkpoint from which the training resumes."""
        self.start()
        frame = _frame_of_training()
        self._trainer, self._compiled = frame and frame.f_locals.get("self"), args.torch_compile
        self.observe_loader(train_dataloader)
        self._trainer = None  # held no longer than needed
        folder = frame and frame.f_locals.get("resume_from_checkpoint")
        if state.global_step and folder and (Path(folder) / STATE_FILE).exists():
            self.load_state_dict(read_archive(Path(folder) / STATE_FILE, STATE_KIND)[0])
        self.observe_model(model, max(1, round(state.num_train_epochs)))
        n_batches, n_accumulated = len(self._batch_sampler), args.gradient_accumulation_steps
        self._resumes = False
        if state.global_step:
            n_done = state.global_step % ceil(n_batches / n_accumulated) * n_accumulated
            n_done = 0 if args.ignore_data_skip else n_done
            self.resume(n_done, n_batches, redraws=True)
            self._resumes = n_done > 0

    def observe_model(self, model: Any, n_epochs: int) -> None:
        """Record the outputs of the model, to which the column of names is not passed.

        Parameters
        ----------
        model : Module
            The model.
        n_epochs : int
            Number of planned epochs.
        """
        super().observe_model(model, n_epochs)
        if isinstance(self.sample_ids, str):
            hook = Hook(self._compilable(self._without_names))
            handle = model.register_forward_pre_hook(hook, with_kwargs=True)
            self._hooks.callback(handle.remove)

    def _make_hook(self):
        thread, training = get_ident(), _frame_of_training()

        def on_forward(*args):
            if _is_running(thread, training):
                self._on_forward(*args)
            else:  # it failed, for which the Trainer has no callback event
                self.stop()

        return Hook(self._compilable(on_forward))

    def _compilable(self, hook):
        return torch.compiler.disable(hook) if self._compiled else hook

    def _without_names(self, module, args, kwargs):
        return args, {name: v for name, v in kwargs.items() if name != self.sample_ids}

    def _names_of(self, dataset):
        if not isinstance(self.sample_ids, str):
            return super()._names_of(dataset)
        # the loader's data set may lack the columns that the model does not take
        for rows in (dataset, getattr(self._trainer, "train_dataset", None)):
            names = _column_of(rows, self.sample_ids)
            if names is not None and len(names) == len(dataset):
                return check_sample_ids(names, len(dataset), self._owner)
        raise InvalidParameterError(
            f"The 'sample_ids' parameter of {self._owner} must be an array, or the name of a "
            f"column of the training set. Got {self.sample_ids!r}, which the rows of the "
            f"{type(dataset).__name__} do not have."
        )

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin a batch."""
        self.begin_batch()

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin the next of the batches whose gradients are accumulated."""
        self.end_batch()
        self.begin_batch()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End the batch."""
        self.end_batch()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End the batch."""
        self.end_batch()

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Save the state of the recording into the checkpoint."""
        # the folders of a search's trials are unknown here, and trials are not resumed
        if not args.should_save or args.save_only_model or state.is_hyper_param_search:
            return
        folder = Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
        if self._recorder is not None and folder.is_dir():
            write_archive(folder / STATE_FILE, STATE_KIND, self.state_dict(), {})

    def _record(self, module, output, batch):
        problem = getattr(getattr(module, "config", None), "problem_type", None)
        if problem in ("regression", "multi_label_classification"):
            raise ValueError(
                f"The problem_type of {type(module).__name__} must be single-label classification; "
                f"got {problem} (the default for num_labels=1 is regression). Set num_labels to "
                "the number of classes, at least 2."
            )
        if all(batch.get(name) is None for name in LABEL_NAMES):
            # a loss that takes the labels out of the batch calls the model without them
            batch = _batch_of_training()
        super()._record(module, output, batch)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin an epoch, or continue the one within which the checkpoint was saved."""
        if not self._resumes:
            self.begin_epoch()
        self._resumes = False

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record the epoch."""
        self.end_epoch(len(self._batch_sampler))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Remove the hooks, and make the map."""
        self.stop()
        self._end_training()


def _frame_of_training():
    """Find the frame of the running call of the Trainer's `train`."""
    frame: FrameType | None = sys._getframe()
    found = None
    while frame is not None:
        if frame.f_globals.get("__name__") == "transformers.trainer":
            found = frame
            if frame.f_code.co_name == "train":
                break
        frame = frame.f_back
    return found


def _batch_of_training():
    """Find the batch that the Trainer trains on; None if it is unknown."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        of_trainer = frame.f_globals.get("__name__") == "transformers.trainer"
        if of_trainer and frame.f_code.co_name in ("_run_epoch", "_inner_training_loop"):
            return frame.f_locals.get("inputs")
        frame = frame.f_back
    return None


def _column_of(dataset, name):
    """Read a column of a data set of rows by name; None if there is none."""
    if name in (getattr(dataset, "column_names", None) or ()):  # of Hugging Face datasets
        return list(dataset[name])
    with generators_kept():
        first = dataset[0] if dataset is not None and len(dataset) else None
        if not isinstance(first, Mapping) or name not in first:
            return None
        values = [dataset[i][name] for i in range(len(dataset))]
    return [value.tolist() if hasattr(value, "tolist") else value for value in values]


def _is_running(thread, frame_of_call):
    """Whether a call made in a thread is still running."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame is not frame_of_call:
        frame = frame.f_back
    return frame is not None
