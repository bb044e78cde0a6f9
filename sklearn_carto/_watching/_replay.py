"""Replay of the stages of a trained ensemble, block by block of samples."""

from __future__ import annotations

import numpy as np

from sklearn_carto._inputs._containers import take
from sklearn_carto._watching._responses import row_blocks
from sklearn_carto._watching._watcher import Watcher
from sklearn_carto.exceptions import NotWatchableError


def replay(estimator, parts, track, scores_at, ends, classes, from_logits, checkpoint):
    """Record some stages of a trained ensemble; no array holds the scores of all samples.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    parts : list of (RunRecorder, container)
        Receivers of the scores, and the samples of each; `begin` of the first begins for all.
    track : callable
        Wraps the sequence of blocks of samples.
    scores_at : callable
        Takes a block of samples and `ends`, and yields their scores at each of these stages.
    ends : list of int
        Number of stages at each epoch, ascending.
    classes : ndarray of shape (n_classes,) or None
        Classes in the order of the columns of the scores; None if the estimator has no `classes_`.
    from_logits : bool
        Whether scores are logits.
    checkpoint : TrainingCheckpoint
        Receives each complete block.
    """
    if not ends:
        raise NotWatchableError(
            f"{type(estimator).__name__} has no stage that it could predict at."
        )
    parts[0][0].begin(len(ends))
    options = {"from_logits": from_logits, "scored_classes": classes}
    blocks = [*_blocks_from(checkpoint.n_rows, parts)]
    tracked = track([rows for *_, rows in blocks])
    for rows, (recorder, X, _) in zip(tracked, blocks, strict=True):
        for epoch, scores in enumerate(scores_at(take(X, rows), ends)):
            recorder.add_block(epoch, rows, scores, estimator, **options)
        checkpoint.block_done(rows.stop - rows.start)


def _blocks_from(n_done, parts):
    """Yield the blocks of rows after the first ones: their size may be another than before."""
    for recorder, X in parts:
        start = min(n_done, recorder.n_samples)
        n_done, n_left = n_done - start, recorder.n_samples - start
        for rows in row_blocks(n_left, len(recorder.classes)) if n_left else ():
            yield recorder, X, slice(start + rows.start, start + rows.stop)


def evenly_spaced(n_epochs, n_stages):
    """Choose evenly spaced numbers of stages, the last of which is all of them.

    Examples
    --------
    >>> evenly_spaced(4, 100)
    [25, 50, 75, 100]
    """
    n_epochs = n_stages if n_epochs is None else min(n_epochs, n_stages)
    return np.round(np.arange(1, n_epochs + 1) * n_stages / n_epochs).astype(int).tolist()


def at_ends(stages, ends):
    """Yield those of successive stages, counted from 1, whose number is among `ends`."""
    wanted = set(ends)
    return (scores for number, scores in enumerate(stages, 1) if number in wanted)


class ReplayWatcher(Watcher):
    """Watch ensembles that are trained first, and evaluated stage by stage afterwards.

    Subclasses implement `evaluate`.
    """

    replays = True

    def fit(self, estimator, X, y, params, classes):
        """Train the ensemble; `classes` are those of the training samples."""
        estimator.fit(X, y, **params)

    def watch(
        self, estimator, X, y, recorder, *, X_eval, n_epochs, seed, params, track, checkpoint
    ):
        checkpoint.once(lambda: self.fit(estimator, X, y, params, recorder.trained_classes))
        options = {"n_epochs": n_epochs, "track": track, "checkpoint": checkpoint}
        self.evaluate(estimator, X_eval, recorder, models=None, X_train=X, **options)
