"""Checkpoints of one training: what watchers save as it goes on, and continue from."""

from __future__ import annotations

import time

from sklearn_carto._checkpoint._pickles import references_of
from sklearn_carto._checkpoint._records import n_bytes
from sklearn_carto._inputs._torch_datasets import is_any_dataset
from sklearn_carto._utils._metaestimators import has_transformers

MAX_WAITING = 2**26  # bytes of the journal that wait in memory within a step
# Saves within a replay take at most a twentieth of its time: less than a timing can show, so that
# the blocks that are lost with a killed process cost little to replay.
REPLAY_SHARE = 20


class NoCheckpoint:
    """A training that is not saved, with the interface of :class:`TrainingCheckpoint`."""

    n_done = 0  # steps that are complete
    n_rows = 0  # samples that a replay has evaluated
    estimator = inputs = None  # of the training that is continued
    facts: dict = {}  # noqa: RUF012
    is_finished = False

    def __init__(self, seed=None):
        self.seed = seed

    @property
    def continues(self):
        """Whether an earlier run has saved a part of the training."""
        return self.estimator is not None

    def once(self, train):
        """Train; nothing is saved."""
        train()

    def keep_inputs(self, estimator, original, inputs):
        """Do nothing."""

    def step_done(self, **facts):
        """Do nothing."""

    def block_done(self, n_rows):
        """Do nothing."""

    def restore_generators(self, device=None):
        """Do nothing."""

    def finish(self, estimator=None, mean=None):
        """Do nothing."""


NO_CHECKPOINT = NoCheckpoint()


class TrainingCheckpoint(NoCheckpoint):
    """The checkpoint of one training among those of a fit.

    Parameters
    ----------
    fit : FitCheckpoint
        The checkpoint of the fit.
    number : int
        Number of the training: that of its fold, or the number of folds.
    recorder : RunRecorder
        What the training records with.

    Attributes
    ----------
    seed : int or None
        Seed of the fit.
    n_done : int
        Number of complete steps: epochs, or blocks of samples of a replay.
    n_rows : int
        Number of samples in these blocks.
    estimator : estimator or None
        The estimator of the last step; None if there is none.
    facts : dict
        What `step_done` was called with.
    inputs : tuple or None
        What `keep_inputs` was called with.
    """

    def __init__(self, fit, number, recorder):
        super().__init__(fit.seed)
        self.fit, self.number, self.recorder = fit, number, recorder
        self.n_done, self.n_rows, self.is_trained, self.is_finished = 0, 0, False, False
        self.is_tried = False  # whether a pickle of the estimator was loaded
        self.estimator = self.inputs = self.device = None
        self.facts: dict = {}
        self.references: dict = {}
        self._saved_at, self._save_took = time.monotonic(), 0.0

    def once(self, train):
        """Train an estimator whose stages are replayed, unless an earlier run has."""
        if not self.is_trained:
            train()
            self.is_trained = True
            self.fit.save_model(self)

    def keep_inputs(self, estimator, original, inputs):
        """Receive the estimator that trains and its inputs; save these if they were transformed.

        Transformers that change samples in place return those that they were given.
        """
        self.watched = estimator
        if self.continues:
            return
        self.references = references_of(estimator)
        unchanged = inputs[0] is original and is_any_dataset(original)
        if has_transformers(estimator) and not unchanged:
            self.fit.save_inputs(self, inputs)

    def step_done(self, **facts):
        """Save, at the end of an epoch."""
        self.n_done += 1
        self.facts = facts
        self.fit.save(self)

    def block_done(self, n_rows):
        """Save, at the end of a block of samples of a replay, but not too often."""
        self.n_done += 1
        self.n_rows += n_rows
        waits = time.monotonic() - self._saved_at
        if waits >= REPLAY_SHARE * self._save_took:
            started = time.monotonic()
            self.fit.save(self)
            self._saved_at = time.monotonic()
            self._save_took = self._saved_at - started

    def restore_generators(self, device=None):
        """Set the generators as they were when the training was saved, once."""
        self.device = device
        self.fit.restore_generators(device)

    def finish(self, estimator=None, mean=None):
        """Save the end of the training: the fit is complete, or the next fold may begin."""
        if self.is_finished:
            return
        self.is_finished = True
        self.fit.finish(self, estimator, mean)


class Journal(list):
    """What waits to be appended to the journal; a long step is written in several files."""

    def __init__(self, write):
        super().__init__()
        self.write, self.n_bytes = write, 0

    def append(self, entry):
        super().append(entry)
        self.n_bytes += n_bytes(entry)
        if self.n_bytes > MAX_WAITING:
            self.write()

    def clear(self):
        super().clear()
        self.n_bytes = 0
