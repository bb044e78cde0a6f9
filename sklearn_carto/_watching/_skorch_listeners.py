"""Listeners that record the class scores of a skorch net while it trains."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import numpy as np

from sklearn_carto._checkpoint._training import NO_CHECKPOINT
from sklearn_carto._inputs._containers import n_samples_of
from sklearn_carto._inputs._torch_datasets import WAY_OUT, rows_behind
from sklearn_carto._recording._accumulator import EpochAccumulator, concat_epochs
from sklearn_carto._recording._batch_sampler import recorded_batches, rows_of
from sklearn_carto._recording._label_check import LabelCheck
from sklearn_carto._utils._random_state import generators_kept, modes_kept
from sklearn_carto._watching._skorch_continued import as_split, rows_to_keep
from sklearn_carto._watching._skorch_modules import state_of_modules
from sklearn_carto._watching._skorch_outputs import (
    Evaluator,
    OutputFormat,
    first_output,
    infer_output_format,
)
from sklearn_carto.exceptions import SampleAlignmentError


def make_listener(net, X, recorder, X_eval=None, tick=None, checkpoint=NO_CHECKPOINT):
    """Make the listener for the `record` of a recorder, to be attached before the net trains on X.

    Samples `X_eval` (default: `X`) are evaluated at the end of an epoch. `tick` is called as the
    first epoch begins and as each ends, to show progress. `checkpoint` receives each epoch.
    """
    kind = TrainingPassListener if recorder.record == "training" else EpochEndListener
    return kind(net, X, recorder, X if X_eval is None else X_eval, tick, checkpoint)


class Listener:
    """Record class scores once an epoch; subclasses collect them. See :func:`make_listener`."""

    remedy = ""  # where labels show that rows are in another order

    def __init__(self, net, X, recorder, X_eval, tick=None, checkpoint=NO_CHECKPOINT):
        self.net, self.X, self.recorder, self.X_eval = net, X, recorder, X_eval
        self.tick = tick or (lambda: None)
        self.n_samples = n_samples_of(X)
        self.dataset = None  # that the net made of X or, if it converts X, made first
        self.checkpoint, self.is_saving = checkpoint, False
        # above 0 where a training is continued
        self.n_before = checkpoint.n_done or recorder.n_epochs
        self.n_started = self.n_ended = self.n_before
        self.output_format: OutputFormat = None  # type: ignore[assignment]
        self.evaluators: list[tuple] = []  # pairs of a recorder and an Evaluator
        self.accumulators: dict = {}  # by recorder, and whether samples are trained on
        self.label_check = LabelCheck(type(net).__name__, recorder.classes, self.remedy)
        self.resources = ExitStack()

    def on_dataset(self, X, dataset):
        """Keep the dataset that the net makes of X."""
        if X is self.X or self.dataset is None:
            self.dataset = dataset

    def on_split(self, dataset_train, dataset_valid):
        """Return the training and validation samples, those of the training that is continued."""
        facts = self.checkpoint.facts
        if not facts:
            return dataset_train, dataset_valid
        return tuple(
            as_split(self.dataset, facts[name], now, self._rows_behind(now), self.n_samples)
            for name, now in (("train_rows", dataset_train), ("valid_rows", dataset_valid))
        )

    def before_epoch(self):
        """Restore the generators ahead of the first epoch of a training that is continued."""
        if self.n_started == self.n_before:
            self.checkpoint.restore_generators(self.net.device)

    def after_epoch(self, stopped):
        """Save an epoch that all callbacks have seen, the last one if one of them `stopped` it."""
        if self.n_ended == self.n_started:
            rows = {"train_rows": self.train_rows, "valid_rows": self.valid_rows}
            kept = {name: rows_to_keep(held, self.n_samples) for name, held in rows.items()}
            self.is_saving = True
            self.checkpoint.step_done(stopped=stopped, **kept)
            self.is_saving = False

    def on_epoch_begin(self, dataset_train=None, dataset_valid=None, **kwargs):
        """Determine which samples are held out, ahead of the first epoch."""
        if self.n_started == self.n_before:
            self.tick()
            self.train_rows = self._rows_behind(dataset_train)
            self.valid_rows = self._rows_behind(dataset_valid)
            if self.train_rows is None:
                raise SampleAlignmentError(
                    f"The rows that {type(self.net).__name__} trains on cannot be traced to the "
                    f"rows of X: train_split gave a {type(dataset_train).__name__} of "
                    f"{len(dataset_train)} rows that is no torch Subset of X ({self.n_samples} "
                    "rows)."
                )
            held_out = ~np.isin(np.arange(self.n_samples), self.train_rows)
            self.recorder.begin(self.net.max_epochs, held_out if held_out.any() else None)
        self.n_started += 1
        self.accumulators = {}  # of an epoch that was interrupted
        self.label_check.discard()

    def on_epoch_end(self, *args, **kwargs):
        """Record the epoch."""
        if self.recorder.models is not None:
            self.recorder.models.append(state_of_modules(self.net))
        self.record_epoch()

    def record_epoch(self):
        """Record the scores of the net as it is now, and those that batches added."""
        self._complete_epoch()
        if not self.accumulators:
            raise SampleAlignmentError(f"{type(self.net).__name__} trained on no batch at all.")
        from_logits = self.output_format.from_logits
        for recorder in dict.fromkeys(recorder for recorder, _ in self.accumulators):
            parts = [a.part() for (owner, _), a in self.accumulators.items() if owner is recorder]
            recorder.add_scores(
                self.n_ended, concat_epochs(parts), self.net, from_logits=from_logits
            )
        self.n_ended += 1
        self.accumulators = {}
        self.tick()

    def release(self):
        """Drop all references to the training."""
        for name in ("net", "X", "dataset", "X_eval", "evaluators"):
            setattr(self, name, None)

    def reraise_interrupt(self):
        """Raise the interrupt that skorch suppressed if an epoch did not end, or none started."""
        if self.is_saving or self.n_started > self.n_ended or self.n_ended == self.n_before:
            raise KeyboardInterrupt

    def _complete_epoch(self):
        """Add the scores that no batch of the epoch added."""

    def _add(self, recorder, kind, locate, batch, output):
        key = recorder, kind
        accumulator = self.accumulators.get(key)
        if accumulator is None:
            if self.output_format is None:
                self.output_format, shape = infer_output_format(self.net, first_output(output))
                recorder.check_width(shape, self.net, self.output_format.from_logits)
            options = {"own": True, "locate": locate, "keep_proba": recorder.uncertainty}
            accumulator = EpochAccumulator(*self.output_format, **options)
            self.accumulators[key] = accumulator
        accumulator.add(batch, None, output)

    def _rows_behind(self, dataset):
        def is_whole(whole):
            return whole is self.dataset or whole is self.X or getattr(whole, "X", None) is self.X

        return rows_behind(dataset, is_whole, self.n_samples)


class EpochEndListener(Listener):
    """Evaluate the net on all samples at the end of each epoch, in evaluation mode."""

    def _complete_epoch(self):
        with generators_kept(self.net.device), modes_kept(*vars(self.net).values()):
            self.evaluators = self.evaluators or [
                (recorder, Evaluator(self.net, X, recorder.y_encoded))
                for recorder, X in self.recorder.parts(self.X, self.X_eval)
            ]
            for recorder, evaluator in self.evaluators:
                self._evaluate(recorder, evaluator)

    def _evaluate(self, recorder, evaluator):
        def locate(blocks):
            rows = np.concatenate(blocks)
            return rows, recorder.y_encoded[rows]

        for rows, batch, output in evaluator.outputs():
            if batch is not None:
                self.label_check.add(batch, rows, recorder.y_encoded[rows])
            self._add(recorder, None, locate, rows, output)
            if recorder.has_observer:
                scores = self.output_format.class_scores(output)
                recorder.notify(self.n_ended, rows, scores, self.output_format.from_logits)
        self.label_check.flush()


class TrainingPassListener(Listener):
    """Record the outputs of the training pass, and of the validation pass for held-out samples."""

    remedy = "Use record='epoch_end'. "

    def __init__(self, *args):
        super().__init__(*args)
        # by loader, which may live as long as the training and have workers
        self.batch_samplers: dict = {}
        self.batch_sampler = None
        self.locate = {True: partial(self._locate, True), False: partial(self._locate, False)}

    def on_pass_begin(self, iterator, training):
        """Record the batches of the loader."""
        rows = self.train_rows if training else self.valid_rows
        if rows is None:  # validation data that is not part of X
            return
        if id(iterator) not in self.batch_samplers:
            batch_sampler = self.resources.enter_context(recorded_batches(iterator))
            self.batch_samplers[id(iterator)] = iterator, batch_sampler
        self.batch_sampler = self.batch_samplers[id(iterator)][1]

    def on_batch_end(self, batch=None, training=None, y_pred=None, **kwargs):
        """Add the scores of a batch."""
        if (self.train_rows if training else self.valid_rows) is None:  # not part of X
            return
        if self.batch_sampler is None or y_pred is None:
            missing = "run_single_epoch" if self.batch_sampler is None else "y_pred"
            raise SampleAlignmentError(
                f"{type(self.net).__name__} cannot be recorded during training: its training loop "
                f"does not use skorch's {missing}. Use record='epoch_end'. {WAY_OUT}"
            )
        output = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        names, locate = self.batch_sampler.pop_batch(output.shape[0]), self.locate[bool(training)]
        self.label_check.add_unlocated(batch, names, locate)
        self._add(self.recorder, training, locate, names, output)

    def release(self):
        """Drop all references to the training, and those of the listener to itself."""
        super().release()
        self.locate = {}

    def _locate(self, training, batches):
        rows = (self.train_rows if training else self.valid_rows)[rows_of(batches)]
        return rows, self.recorder.y_encoded[rows]

    def _complete_epoch(self):
        self.label_check.flush()
