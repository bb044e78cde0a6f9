"""A callback of the Hugging Face Trainer that records training dynamics."""

from __future__ import annotations

import sys
from math import ceil
from threading import get_ident
from types import FrameType

import torch
from transformers import TrainerCallback

from sklearn_carto.integrations._torch_loop import Hook, TorchLoopCallback


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
    keep_history : bool, default=True
        Whether to keep every epoch beside the running statistics.

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
    Each ``train()`` starts a new map, also when it resumes from a checkpoint: the map then covers
    the epochs of this run. Incomplete epochs (`max_steps`, a checkpoint within an epoch) are left
    out. The statistics of rows that `dataloader_drop_last` drops from an epoch are computed over
    the other epochs. In a distributed run each rank holds the map of all rows.

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

    def on_train_begin(self, args, state, control, model=None, train_dataloader=None, **kwargs):
        """Start a new map."""
        self.start()
        self._compiled = args.torch_compile
        self.observe_loader(train_dataloader)
        n_steps = ceil(len(self._batch_sampler) / args.gradient_accumulation_steps)
        # resumed from a checkpoint within an epoch, whose first batches are skipped
        self._resumes = state.global_step % n_steps > 0 and not args.ignore_data_skip
        self.observe_model(model, max(1, round(state.num_train_epochs)))

    def _make_hook(self):
        thread, training = get_ident(), _frame_of_training()

        def on_forward(*args):
            if _is_running(thread, training):
                self._on_forward(*args)
            else:  # it failed, for which the Trainer has no callback event
                self.stop()

        return Hook(torch.compiler.disable(on_forward) if self._compiled else on_forward)

    def on_step_begin(self, args, state, control, **kwargs):
        """Begin a batch."""
        if not self._resumes:
            self.begin_batch()

    def on_substep_end(self, args, state, control, **kwargs):
        """Begin the next of the batches whose gradients are accumulated."""
        self.end_batch()
        self.on_step_begin(args, state, control)

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        """End the batch."""
        self.end_batch()

    def on_step_end(self, args, state, control, **kwargs):
        """End the batch."""
        self.end_batch()

    def _record(self, module, output, batch):
        problem = getattr(getattr(module, "config", None), "problem_type", None)
        if problem in ("regression", "multi_label_classification"):
            raise ValueError(
                f"The problem_type of {type(module).__name__} must be single-label classification; "
                f"got {problem} (the default for num_labels=1 is regression). Set num_labels to "
                "the number of classes, at least 2."
            )
        super()._record(module, output, batch)

    def on_epoch_begin(self, args, state, control, **kwargs):
        """Begin an epoch."""
        self.begin_epoch()

    def on_epoch_end(self, args, state, control, **kwargs):
        """Record the epoch."""
        if self._resumes:
            self._resumes, self._n_left_out = False, self._n_left_out + 1
        else:
            self.end_epoch(len(self._batch_sampler))

    def on_train_end(self, args, state, control, **kwargs):
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


def _is_running(thread, frame_of_call):
    """Whether a call made in a thread is still running."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame is not frame_of_call:
        frame = frame.f_back
    return frame is not None
