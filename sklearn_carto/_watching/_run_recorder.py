"""One training run that is being recorded: blocks of rows in, whole epochs kept."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._observation import Observation, observe
from sklearn_carto._dynamics._scores import (
    check_n_columns,
    check_scores,
    score_range_of,
    two_columns,
)
from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto.exceptions import SampleAlignmentError


class RunRecorder:
    """Check, reduce and keep what an estimator says of its training rows.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The labels, as the user gave them.
    classes : ndarray of shape (n_classes,)
        The labels that occur, sorted.
    y_encoded : ndarray of shape (n_samples,)
        Position of each label among the classes.
    keep_history : bool
        Whether every epoch is kept beside the running statistics.
    sample_ids : ndarray of shape (n_samples,), default=None
        Names of the rows.
    record : {"epoch_end", "training"}, default="epoch_end"
        Whether rows are asked about in a pass of its own, or heard while the model trains.
    more_classes : bool, default=False
        Whether a model may have outputs beyond the classes, which are then 0, 1, ...
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
    ):
        self.labels, self.classes, self.y_encoded = labels, classes, y_encoded
        self.keep_history, self.sample_ids, self.record = keep_history, sample_ids, record
        self.more_classes, self.whole_epochs = more_classes, False
        self.whole, self.fold = self, None
        self.dynamics: TrainingDynamics = None  # type: ignore[assignment]

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.y_encoded)

    @property
    def n_epochs(self):
        """Number of epochs recorded so far."""
        return 0 if self.dynamics is None else self.dynamics.n_epochs

    def of_rows(self, rows):
        """Make the recording of a fold, which writes its rows into the recording of all."""
        part = RunRecorder(self.labels, self.classes, self.y_encoded[rows], self.keep_history)
        part.whole, part.fold = self, rows
        return part

    def begin(self, n_epochs, held_out_mask=None):
        """Start to record, once the number of epochs is known; go on where a training does."""
        if self.whole is not self:
            if self.whole.dynamics is None:
                self.whole.begin(n_epochs)
                self.whole.dynamics.record = "out_of_fold"
            self.dynamics = self.whole.dynamics
        if self.dynamics is not None:
            if self.whole is self:
                self._check_held_out_unchanged(held_out_mask)
            return
        self.dynamics = TrainingDynamics(
            self.labels,
            classes=self.classes,
            n_epochs=n_epochs,
            keep_history=self.keep_history,
            held_out_mask=held_out_mask,
            sample_ids=self.sample_ids,
            record=self.record,
        )

    def _check_held_out_unchanged(self, held_out_mask):
        masks = self.dynamics.held_out_mask, held_out_mask
        before, now = (np.zeros(self.n_samples, bool) if m is None else m for m in masks)
        if not np.array_equal(before, now):
            raise SampleAlignmentError(
                "train_split holds out other rows than in the epochs before (of those, "
                f"{(before & ~now).sum()} are trained on now), so that they do not belong to one "
                "map. Give it a random_state, set train_split=None, or start anew with fit."
            )

    def add_epoch(self, epoch, blocks, estimator, *, from_logits):
        """Record a whole epoch at once, so that an interrupted one leaves no trace.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        blocks : iterable of (rows, scores)
            Slices of rows in order, and their class scores.
        estimator : estimator
            Who answered; errors name it.
        from_logits : bool
            Whether scores are logits.
        """
        seen = [
            self._observe(epoch, rows, scores, estimator, from_logits) for rows, scores in blocks
        ]
        whole = Observation(*(np.concatenate(part) for part in zip(*seen, strict=True)))
        self._add_whole(epoch, seen[0] if len(seen) == 1 else whole, slice(None), from_logits)

    def add_scores(self, epoch, gathered, estimator, *, from_logits):
        """Record a whole epoch that was gathered from batches; some rows may be missing.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        gathered : EpochScores
            What the batches said.
        estimator : estimator
            Who answered; errors name it.
        from_logits : bool
            Whether scores were logits.
        """
        self._judge(gathered.quality, epoch, estimator, from_logits)
        rows = slice(None) if len(gathered.rows) == self.n_samples else gathered.rows
        self._add_whole(epoch, gathered.seen, rows, from_logits)

    def _add_whole(self, epoch, seen, rows, from_logits):
        self.whole_epochs = True
        self.dynamics._add(epoch, seen, self._place(rows))
        self.dynamics.margin_from = "logits" if from_logits else "probabilities"

    def add_block(self, epoch, rows, scores, estimator, *, from_logits):
        """Record one block of rows; used where stages run inside blocks."""
        seen = self._observe(epoch, rows, scores, estimator, from_logits)
        self.dynamics._add(epoch, seen, self._place(rows))
        self.dynamics.margin_from = "logits" if from_logits else "probabilities"

    def _place(self, rows=slice(None)):
        return rows if self.fold is None else self.fold[rows]

    def complete(self):
        """Whether there is at least one epoch, and none of which some blocks of rows lack."""
        if self.dynamics is None or self.dynamics.n_epochs == 0:
            return False
        n_seen = self.dynamics.n_seen
        return self.whole_epochs or n_seen.min() == n_seen.max()

    def _observe(self, epoch, rows, scores, estimator, from_logits):
        scores = np.asarray(scores)
        if from_logits and scores.shape[1:] == (1,):
            scores = scores[:, 0]
        self.check_width(scores.shape, estimator, from_logits)
        if scores.ndim == 1:
            scores = two_columns(scores, from_logits)
        self._judge(score_range_of(scores), epoch, estimator, from_logits)
        return observe(scores, self.y_encoded[rows], from_logits=from_logits)

    def check_width(self, shape, estimator, from_logits):
        """Raise where scores of a shape do not hold one column a class."""
        if not from_logits and len(shape) == 1:
            shape = (*shape, 0)  # a lone probability is of nobody knows which class
        if self.more_classes and len(shape) == 2 and shape[1] > len(self.classes):
            self.classes = self.dynamics.classes = np.arange(shape[1])
        check_n_columns(shape, len(self.classes), type(estimator).__name__)

    def _judge(self, quality, epoch, estimator, from_logits):
        name, remedy = type(estimator).__name__, _remedy(estimator)
        check_scores(quality, epoch, name, from_logits=from_logits, remedy=remedy)


def _remedy(estimator):
    criterion = getattr(estimator, "criterion_", None)
    if criterion is None:
        return "Its predict_proba must return one probability for each class."
    return (
        f"The module returns what {type(criterion).__name__} does not make into probabilities "
        f"(predict_nonlinearity={estimator.predict_nonlinearity!r}): for raw logits use "
        "criterion=torch.nn.CrossEntropyLoss, or set predict_nonlinearity to the function that "
        "turns the output into probabilities."
    )
