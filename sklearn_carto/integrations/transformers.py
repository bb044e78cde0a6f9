"""A callback that draws the data map of a model while the Hugging Face Trainer trains it."""

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

    The probabilities are those of the training pass itself, at no extra pass; rows are told apart
    by the sampler of the Trainer's loader, so that no column of indices and no Trainer of one's own
    is needed. The model is trained just as it would be without.

    Parameters
    ----------
    labels : array-like of shape (n_samples,), default=None
        The label of each row of the training set. None: read once from its column, or rows,
        `labels`, `label` or `label_ids`.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the model's outputs. None: the outputs 0, 1, ... themselves, or,
        of labels that are no whole numbers, those that occur, sorted.
    from_logits : bool, default=True
        Whether the model gives logits, as the heads of transformers do. False: probabilities.
    keep_history : bool, default=True
        Whether every epoch is kept beside the running statistics.

    Attributes
    ----------
    dynamics_ : TrainingDynamics
        What was recorded so far of the last training.
    data_map_ : DataMap
        Its map.

    Notes
    -----
    Each ``train()`` starts a new map, also one that resumes from a checkpoint: the map is then one
    of the epochs that this run trained. An epoch of which not all batches were trained on
    (`max_steps`, a checkpoint in its middle) is left out. Rows that `dataloader_drop_last` leaves
    out of an epoch count over the epochs that saw them. Of several ranks each holds the map of all
    rows.

    Labels that are not given are read from the data set ahead of the training. One that draws from
    a generator of its own as its rows are read then draws otherwise: give `labels`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from transformers import DistilBertConfig, DistilBertForSequenceClassification
    >>> from transformers import Trainer, TrainingArguments
    >>> from sklearn_carto.integrations.transformers import DataMapCallback
    >>> config = DistilBertConfig(vocab_size=20, dim=8, hidden_dim=8, n_layers=1, n_heads=2)
    >>> rows = [{"input_ids": [i, i + 1], "labels": i % 2} for i in range(12)]
    >>> maps = DataMapCallback()
    >>> settings = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True}
    >>> settings |= {"learning_rate": 0.05, "use_cpu": True}
    >>> trainer = Trainer(
    ...     DistilBertForSequenceClassification(config),
    ...     TrainingArguments(mkdtemp(), **settings),
    ...     train_dataset=rows,
    ...     callbacks=[maps],
    ... )
    >>> _ = trainer.train()
    {...}
    >>> maps.data_map_
    <DataMap: 12 rows of 2 classes, 3 epochs>
    """

    way_out = "The Trainer's compute_loss must call the model itself, once a batch."

    def __init__(self, labels=None, classes=None, from_logits=True, keep_history=True):
        self.labels = labels
        self.classes = classes
        self.from_logits = from_logits
        self.keep_history = keep_history

    def on_train_begin(self, args, state, control, model=None, train_dataloader=None, **kwargs):
        """Start a new map."""
        self.start()
        self._compiled = args.torch_compile
        self.observe_loader(train_dataloader)
        n_steps = ceil(len(self._rows) / args.gradient_accumulation_steps)
        # from a checkpoint in the middle of an epoch: its first batches are skipped
        self._resumes = state.global_step % n_steps > 0 and not args.ignore_data_skip
        self.observe_model(model, max(1, round(state.num_train_epochs)))

    def _make_hook(self):
        thread, training = get_ident(), _frame_of_training()

        def hear(module, args, output):
            if _runs(thread, training):
                self._on_forward(module, args, output)
            else:  # it died, and the Trainer tells no callback of that
                self.stop()

        return Hook(torch.compiler.disable(hear) if self._compiled else hear)

    def on_step_begin(self, args, state, control, **kwargs):
        """Hear a new batch."""
        if not self._resumes:
            self.begin_batch()

    def on_substep_end(self, args, state, control, **kwargs):
        """Hear the next of the batches whose gradients are accumulated."""
        self.end_batch()
        self.on_step_begin(args, state, control)

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        """Hear no more of the batch."""
        self.end_batch()

    def on_step_end(self, args, state, control, **kwargs):
        """Hear no more of the batch."""
        self.end_batch()

    def _record(self, module, output):
        problem = getattr(getattr(module, "config", None), "problem_type", None)
        if problem in ("regression", "multi_label_classification"):
            raise ValueError(
                f"{type(module).__name__} trains on a {problem.replace('_', ' ')} (problem_type of "
                "its config, which is regression where num_labels=1); a data map needs one class a "
                "row. Set num_labels to the number of classes, 2 at least."
            )
        super()._record(module, output)

    def on_epoch_begin(self, args, state, control, **kwargs):
        """Hear a new epoch."""
        self.begin_epoch()

    def on_epoch_end(self, args, state, control, **kwargs):
        """Record the epoch."""
        if self._resumes:
            self._resumes, self._n_left_out = False, self._n_left_out + 1
        else:
            self.end_epoch(len(self._rows))

    def on_train_end(self, args, state, control, **kwargs):
        """Stop listening."""
        self.stop()
        self.warn_of_the_map()


def _frame_of_training():
    """Find the call of the Trainer's `train` that is under way."""
    frame: FrameType | None = sys._getframe()
    found = None
    while frame is not None:
        if frame.f_globals.get("__name__") == "transformers.trainer":
            found = frame
            if frame.f_code.co_name == "train":
                break
        frame = frame.f_back
    return found


def _runs(thread, training):
    """Whether a call that a thread has made is still under way."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame is not training:
        frame = frame.f_back
    return frame is not None
