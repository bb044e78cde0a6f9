"""The interface of all watchers."""

from __future__ import annotations

from sklearn_carto._checkpoint._training import NO_CHECKPOINT
from sklearn_carto._watching._epoch_evaluation import EpochEvaluator


class Watcher:
    """Train estimators of one kind and record their class scores after each epoch.

    Watchers hold no state: one instance serves all estimators of its kind.

    Attributes
    ----------
    method : {"fit", "partial_fit"}
        Method of the estimator that trains it; metadata of `fit` is routed to it.
    encodes_labels : bool
        Whether the estimator is trained on 0 to n_classes - 1 instead of the labels.
    supports_training_pass : bool
        Whether scores can be recorded in the training forward pass, ``record="training"``.
    emits_callbacks : bool
        Whether the estimator itself calls scikit-learn's callbacks while it trains.
    replays : bool
        Whether the epochs can be evaluated again from the trained estimator alone.
    seeds_generators : bool
        Whether `watch` seeds the global generators, which are restored at its end.
    """

    method = "fit"
    encodes_labels = False
    supports_training_pass = False
    emits_callbacks = False
    replays = False
    seeds_generators = False

    def can_watch(self, estimator):
        """Whether an estimator is of the kind that this watcher serves."""
        raise NotImplementedError

    def refuses(self, estimator):
        """Return why an estimator of this kind cannot be watched with its parameters, or None."""
        return None

    def refuses_checkpoint(self, estimator):
        """Return why a checkpoint cannot hold the training of an estimator, or None."""
        return None

    def encode(self, estimator, y, classes):
        """Return the labels `y` as the estimator takes them."""
        return y

    def watch(
        self, estimator, X, y, recorder, *, X_eval, n_epochs, seed, params, track, checkpoint
    ):
        """Train an estimator in place and record its class scores.

        Parameters
        ----------
        estimator : estimator
            A clone, with `seed` set on every `random_state`.
        X : container of shape (n_samples, ...)
            Training samples, as the estimator takes them.
        y : ndarray of shape (n_samples,)
            Their labels, as `encode` returns them.
        recorder : RunRecorder
            Receives the class scores.
        X_eval : container of shape (n_samples_eval, ...)
            Samples whose scores are recorded; `X` itself unless they are out of fold.
        n_epochs : int or None
            Number of epochs to record; None: as many as the estimator trains for. Only estimators
            that train epoch by epoch (`partial_fit`, nets) are also trained for that number.
        seed : int or None
            Seed of generators that no `random_state` sets.
        params : dict
            Further arguments of `method`.
        track : callable
            Wraps the sequence of epochs or of blocks of samples, to show progress and to run
            callbacks; without those that a checkpoint holds.
        checkpoint : TrainingCheckpoint
            Receives each complete step. If it holds some, `estimator` is that of the last one, and
            `recorder` has recorded these.
        """
        raise NotImplementedError

    def evaluate(
        self, estimator, X, recorder, *, n_epochs, models, track, X_train=None,
        checkpoint=NO_CHECKPOINT,
    ):  # fmt: skip
        """Record the class scores of samples at each epoch of a training that has ended.

        Parameters
        ----------
        estimator : estimator
            The trained estimator, which is not changed.
        X : container of shape (n_samples, ...)
            Samples, as the estimator takes them.
        recorder : RunRecorder
            Receives the class scores.
        n_epochs : int
            Number of epochs that were recorded in the training.
        models : list or None
            What was kept of each epoch; None if the watcher `replays`.
        track : callable
            Wraps the sequence of epochs or of blocks of samples, to show progress.
        X_train : container of shape (n_train, ...), default=None
            Training samples, for a recorder of folds, which records them, too.
        checkpoint : TrainingCheckpoint, default=NO_CHECKPOINT
            Receives each complete block of samples, where stages are replayed.
        """
        recorder.begin(n_epochs)
        evaluator = EpochEvaluator(recorder, X_train, X)
        for model in track(models[:n_epochs]):
            evaluator.record(model)
