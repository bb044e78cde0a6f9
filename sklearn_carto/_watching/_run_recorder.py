"""RunRecorder: record one training run of an estimator."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._history import blank_observation, folder_of
from sklearn_carto._dynamics._labels import narrow
from sklearn_carto._dynamics._observation import observe
from sklearn_carto._dynamics._scores import (
    check_n_columns,
    check_scores,
    score_range_of,
    two_columns,
)
from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._dynamics._uncertainty import class_probabilities
from sklearn_carto._logs._parquet_log import LogRows
from sklearn_carto._watching._response import Response
from sklearn_carto.exceptions import SampleAlignmentError


class RunRecorder:
    """Check, reduce and record the class scores of an estimator for its training rows.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The labels, as the user gave them.
    classes : ndarray of shape (n_classes,)
        The labels that occur, sorted.
    y_encoded : ndarray of shape (n_samples,)
        Position of each label among the classes.
    keep_history : bool or "float16"
        Whether to keep every epoch beside the running statistics.
    sample_ids : ndarray of shape (n_samples,), default=None
        Names of the rows.
    record : {"epoch_end", "training", "out_of_fold"}, default="epoch_end"
        Whether scores are those of an evaluation pass, of the training forward pass, or of models
        that were not trained on the row.
    more_classes : bool, default=False
        Whether outputs of a net beyond the classes, which are then 0, 1, ..., are classes, too.
        Otherwise they are columns without a label.
    excluded_mask : ndarray of bool of shape (n_samples,), default=None
        True for rows with sample weight 0.
    uncertainty : bool, default=False
        Whether to record the probabilities of all classes.
    models : list, default=None
        Receives the model of each epoch, where it is kept.
    log : EpochLog, default=None
        Receives what is recorded.
    history_dir : str or path-like, default=None
        The folder of the history.
    """

    def __init__(
        self,
        labels,
        classes,
        y_encoded,
        keep_history,
        sample_ids=None,
        record="epoch_end",
        more_classes=False,
        excluded_mask=None,
        uncertainty=False,
        models=None,
        log=None,
        history_dir=None,
    ):
        self.history_dir = None if history_dir is None else folder_of(history_dir)
        self.labels, self.classes = labels, classes
        self.y_encoded = narrow(y_encoded, len(classes))
        self.keep_history, self.sample_ids, self.record = keep_history, sample_ids, record
        self.excluded_mask, self.more_classes = excluded_mask, more_classes
        self.uncertainty, self.models, self.log = uncertainty, models, log
        self.planned_epochs = None  # number of epochs that sets windows, if not that of `begin`
        self.whole_epochs = False
        self.journal: list | None = None  # receives what the dynamics receive
        self.trained_classes = classes  # those that the training samples have
        self.dynamics: TrainingDynamics = None  # type: ignore[assignment]

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.y_encoded)

    @property
    def n_epochs(self):
        """Number of epochs recorded so far."""
        return 0 if self.dynamics is None else self.dynamics.n_epochs

    @property
    def has_observer(self):
        """Whether class scores are passed on to `notify`."""
        return False

    def notify(self, epoch, rows, scores, from_logits):
        """Pass the class scores of a block of rows on, before they are reduced."""

    def parts(self, X, X_eval):
        """Return pairs of a recorder and the samples that it records the scores of.

        The model trains on `X`, and `X_eval` are the samples of this recorder.
        """
        return [(self, X_eval)]

    def begin(self, n_epochs, held_out_mask=None):
        """Begin to record, once the number of epochs is known, or continue an earlier training."""
        if self.dynamics is not None:
            self._check_held_out_unchanged(held_out_mask)
            return
        self.dynamics = TrainingDynamics(
            self.labels,
            classes=self.classes,
            n_epochs=n_epochs if self.planned_epochs is None else self.planned_epochs,
            keep_history=self.keep_history,
            held_out_mask=held_out_mask,
            excluded_mask=self.excluded_mask,
            sample_ids=self.sample_ids,
            record=self.record,
            uncertainty=self.uncertainty,
            history_dir=self.history_dir,
        )

    def _check_held_out_unchanged(self, held_out_mask):
        masks = self.dynamics.held_out_mask, held_out_mask
        before, now = (np.zeros(self.n_samples, bool) if m is None else m for m in masks)
        if not np.array_equal(before, now):
            raise SampleAlignmentError(
                "train_split must hold out the same rows as in the earlier epochs of the map; "
                f"{(before & ~now).sum()} of those are trained on now. Set its random_state, set "
                "train_split=None, or start a new map with fit."
            )

    def open_log(self, run=None, anew=False):
        """Prepare the log, if there is one.

        Parameters
        ----------
        run : str, default=None
            Key of the log of an earlier recording that was restored.
        anew : bool, default=False
            Whether its epochs are written again, from the history. Otherwise the files of complete
            epochs are kept.
        """
        if self.log is None:
            return
        if run is not None:
            self.log.resume(run)
        anew = anew or run is None
        self.log.open(self._log_rows(), 0 if anew else self.n_epochs)
        if not self.n_epochs:
            return
        if anew and self.keep_history:
            self.log.write_epochs(range(self.n_epochs), self._log_rows(), self.dynamics)
        else:
            self.log.add_missing(self.n_epochs, self._log_rows(), self.dynamics)

    def _log_rows(self):
        dynamics = self.dynamics
        of_run = (
            {}
            if dynamics is None
            else {
                "held_out_mask": dynamics.held_out_mask,
                "planned_epochs": dynamics._planned_epochs,
                "margin_from": dynamics.margin_from,
            }
        )
        return LogRows(
            self.n_samples,
            self.record,
            self.sample_ids,
            self.labels,
            self.classes,
            excluded_mask=self.excluded_mask,
            **of_run,
        )

    def add_epoch(self, epoch, blocks, estimator, *, from_logits, scored_classes):
        """Record a whole epoch at once, so that an interrupted epoch is not recorded in part.

        `blocks` yields slices of rows in order, and their class scores, with columns in the order
        of `scored_classes`. Errors name the estimator.
        """
        response = Response(type(estimator).__name__, epoch, from_logits, scored_classes)
        response.check_classes(self.trained_classes)
        whole, probas, start = blank_observation(self.n_samples), [], 0
        for rows, scores in blocks:
            observation, proba = self._observe(response, rows, scores, estimator)
            stop = start + len(observation.true_proba)
            for values, new in zip(whole, observation, strict=True):
                values[start:stop] = new
            start = stop
            probas.append(proba)
        proba = np.concatenate(probas) if self.uncertainty else None
        self.whole_epochs = True
        self._add(epoch, whole, slice(None), from_logits, proba)

    def add_scores(self, epoch, scores, estimator, *, from_logits):
        """Record a whole epoch, accumulated from batches; some rows may be missing."""
        self._check_scores(scores.score_range, epoch, estimator, from_logits)
        rows = slice(None) if len(scores.rows) == self.n_samples else scores.rows
        self.whole_epochs = True
        self._add(epoch, scores.observation, rows, from_logits, scores.proba)

    def add_block(self, epoch, rows, scores, estimator, *, from_logits, scored_classes):
        """Record one block of rows, where the loop over epochs runs inside of one over blocks."""
        response = Response(type(estimator).__name__, epoch, from_logits, scored_classes)
        response.check_classes(self.trained_classes)
        observation, proba = self._observe(response, rows, scores, estimator)
        self._add(epoch, observation, rows, from_logits, proba)

    def _add(self, epoch, observation, rows, from_logits, proba):
        margin_from = "logits" if from_logits else "probabilities"
        if self.journal is not None:
            self.journal.append((epoch, observation, rows, margin_from, proba))
        self.dynamics._add(epoch, observation, rows, margin_from=margin_from, proba=proba)
        self._write_log(epoch, observation, rows)

    def _write_log(self, epoch, observation, rows):
        if self.log is not None:
            y_encoded = self.y_encoded[rows]
            self.log.add(
                epoch, rows, observation, y_encoded, self._log_rows(), dynamics=self.dynamics
            )

    def complete(self):
        """Whether there is at least one epoch, and none that lacks some blocks of rows."""
        if self.dynamics is None or self.dynamics.n_epochs == 0:
            return False
        n_seen = self.dynamics._running.n_seen
        return self.whole_epochs or bool(n_seen.min() == n_seen.max())

    def _observe(self, response, rows, scores, estimator):
        """Return the observation of some rows, and their probabilities if these are recorded."""
        y_encoded = self.y_encoded[rows]
        scores = response.as_array(scores, len(y_encoded), self.classes)
        if scores.ndim == 1:
            scores = two_columns(scores, from_logits=True)
        self._check_scores(score_range_of(scores), response.epoch, estimator, response.from_logits)
        self.notify(response.epoch, rows, scores, response.from_logits)
        from_logits, proba = response.from_logits, None
        if self.uncertainty:
            proba = class_probabilities(scores, from_logits=from_logits)
        return observe(scores, y_encoded, from_logits=from_logits), proba

    def check_width(self, shape, estimator, from_logits):
        """Raise an error if outputs of a net do not have a column for each class."""
        if not from_logits and len(shape) == 1:
            shape = (*shape, 0)  # a single probability does not determine its class
        if len(shape) == 2 and shape[1] > len(self.classes):
            if self.more_classes:
                self.classes = np.arange(shape[1])
                self.dynamics._set_labels(self.y_encoded, self.classes)
            return  # as the net alone would train; further columns have no label
        check_n_columns(shape, len(self.classes), type(estimator).__name__)

    def _check_scores(self, score_range, epoch, estimator, from_logits):
        name, remedy = type(estimator).__name__, _remedy(estimator)
        check_scores(score_range, epoch, name, from_logits=from_logits, remedy=remedy)


def _remedy(estimator):
    criterion = getattr(estimator, "criterion_", None)
    if criterion is None:
        return "Its predict_proba must return one probability for each class."
    return (
        f"The outputs of the module are not turned into probabilities for "
        f"{type(criterion).__name__} (predict_nonlinearity={estimator.predict_nonlinearity!r}). "
        "For logits use criterion=torch.nn.CrossEntropyLoss, or set predict_nonlinearity to the "
        "function that maps outputs to probabilities."
    )
