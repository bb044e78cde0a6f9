"""Recorders of one fold: of the rows that its model is tested on, and of those it trains on."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._scores import two_columns
from sklearn_carto._watching._run_recorder import RunRecorder


class _PartRecorder(RunRecorder):
    """Record some rows of all, and pass their class scores to an observer.

    Parameters
    ----------
    whole : RunRecorder
        The recorder of all rows.
    rows : ndarray of shape (n_rows,)
        Positions of the rows among all.
    train : ndarray of shape (n_train,)
        Positions of the rows that the fold trains on.
    fold : int
        Number of the fold, for the observer.
    observer : FoldObserver, default=None
        Receives the class scores.
    """

    def __init__(self, whole, rows, train, fold, observer):
        super().__init__(
            whole.labels[rows], whole.classes, whole.y_encoded[rows], False,
            uncertainty=whole.uncertainty,
        )  # fmt: skip
        self.positions, self.fold, self.observer = rows, fold, observer
        self.trained_classes = whole.classes[np.unique(whole.y_encoded[train])]
        self.recorded_mask = np.ones(len(rows), dtype=bool)

    @property
    def has_observer(self):
        """Whether class scores are passed on."""
        return self.observer is not None

    def notify(self, epoch, rows, scores, from_logits):
        """Pass the class scores of a block of rows to the observer."""
        if self.observer is None:
            return
        recorded = self.recorded_mask[rows]
        scores = _of_classes(scores, len(self.classes), from_logits)
        positions = self.positions[rows]
        if not recorded.all():
            positions, scores = positions[recorded], scores[recorded]
        if len(positions):
            self.observer.add(self.fold, epoch, positions, scores, from_logits)


class OutOfFoldRecorder(_PartRecorder):
    """Record the test rows of a fold, in the dynamics of all rows.

    Parameters
    ----------
    whole : RunRecorder
        The recorder of all rows.
    train, test : ndarray of shape (n_train,), ndarray of shape (n_test,)
        Positions of the rows that the fold trains on and of those that it is tested on.
    fold : int, default=0
        Number of the fold, for the observer.
    observer : FoldObserver, default=None
        Receives the class scores.
    in_fold : bool, default=True
        Whether to record the rows that the fold trains on, too.

    Attributes
    ----------
    in_fold : InFoldRecorder
        The recorder of the rows that the fold trains on.
    """

    def __init__(self, whole, train, test, fold=0, observer=None, *, in_fold=True):
        super().__init__(whole, test, train, fold, observer)
        self.whole = whole
        self.in_fold = InFoldRecorder(whole, train, train, fold, observer)
        self.records_in_fold = in_fold

    def parts(self, X, X_eval):
        return [(self, X_eval), (self.in_fold, X)] if self.records_in_fold else [(self, X_eval)]

    def begin(self, n_epochs, held_out_mask=None):
        self.whole.begin(n_epochs)
        self.dynamics = self.whole.dynamics
        self.in_fold.begin(n_epochs, held_out_mask)
        if self.observer is not None:
            self.observer.begin(n_epochs)

    def statistics(self):
        """Return the arguments of :meth:`RunningMeanMap.add` for the test rows."""
        return _statistics_of(self.dynamics, self.positions, self.positions)

    def _add(self, epoch, observation, rows, from_logits, proba):
        super()._add(epoch, observation, self.positions[rows], from_logits, proba)

    def _write_log(self, epoch, observation, rows):
        self.whole._write_log(epoch, observation, rows)  # rows of all


class InFoldRecorder(_PartRecorder):
    """Record the rows that a fold trains on, as a training on these rows alone would be recorded.

    A row that occurs several times counts once. Rows that the training itself holds out are rows
    that the model does not train on; they are left out.
    """

    held_out_mask = None  # of the rows that the training itself holds out

    def __init__(self, *args):
        super().__init__(*args)
        self.uncertainty = False  # no map of it holds entropies

    def begin(self, n_epochs, held_out_mask=None):
        super().begin(n_epochs)
        self.held_out_mask = held_out_mask
        if held_out_mask is not None:
            self.recorded_mask = ~held_out_mask
        trained = np.flatnonzero(self.recorded_mask)
        first = np.unique(self.positions[trained], return_index=True)[1]
        self.recorded_mask = np.zeros(self.n_samples, dtype=bool)
        self.recorded_mask[trained[first]] = True

    def statistics(self):
        """Return the arguments of :meth:`RunningMeanMap.add` for the recorded rows."""
        rows = np.flatnonzero(self.recorded_mask)
        return _statistics_of(self.dynamics, rows, self.positions[rows])


def _statistics_of(dynamics, rows, positions):
    """Return positions, statistics and numbers of epochs of rows, and the origin of margins."""
    statistics, _ = dynamics.statistics()
    taken = {name: values[rows] for name, values in statistics.items()}
    return positions, taken, dynamics.n_seen[rows], dynamics.margin_from


def _of_classes(scores, n_classes, from_logits):
    """Return class scores with one column for each class, given that one of them is the class.

    Outputs of a net beyond the classes have no label: logits without them are those of the
    probabilities divided by their sum over the classes.
    """
    if scores.ndim == 1:
        return two_columns(scores, from_logits)
    if scores.shape[1] == n_classes:
        return scores
    scores = scores[:, :n_classes]
    if from_logits:
        return scores
    total = scores.sum(axis=1, keepdims=True)
    return np.where(total > 0, scores / np.where(total > 0, total, 1), 1 / n_classes)
