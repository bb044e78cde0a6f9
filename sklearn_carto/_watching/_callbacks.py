"""Watch a solver through scikit-learn's callbacks: each iteration of its `fit` is an epoch.

With ``n_epochs=k`` the first k iterations are recorded and the training goes on to its end: how
many there will be is known only when the solver has converged. The map is then that of a training
of ``max_iter=k``.
"""

from __future__ import annotations

from numbers import Integral

import numpy as np
import sklearn
from sklearn.base import MetaEstimatorMixin, is_classifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import Pipeline

from sklearn_carto._inputs._containers import take
from sklearn_carto._utils._compat import CallbackSupportMixin, callbacks_of
from sklearn_carto._watching._responses import choose_response_method, in_class_order, row_blocks
from sklearn_carto.exceptions import NotWatchableError

method = "fit"
encodes_labels = False
emits_callbacks = True  # its tasks are told to callbacks by the estimator itself
HAS_CALLBACKS = hasattr(CallbackSupportMixin, "set_callbacks")


def can_watch(estimator):
    """Whether this is the way to watch the estimator.

    Raises
    ------
    NotWatchableError
        If it would be, but for its parameters or for the version of scikit-learn.
    """
    reason = why_not(estimator)
    if reason and isinstance(estimator, LogisticRegression):
        raise NotWatchableError(reason)
    return reason is None


def why_not(estimator):
    """Say why no iterations of an estimator can be seen, and the way out; None if they can.

    Of an estimator that takes callbacks it cannot be known ahead whether it calls them.
    """
    name = type(estimator).__name__
    if isinstance(estimator, LogisticRegressionCV):
        return (
            f"{name} trains many models, so that there is no one training to watch. Use "
            "LogisticRegression(solver='lbfgs'), with the C that it found."
        )
    if isinstance(estimator, LogisticRegression) and not HAS_CALLBACKS:
        return (
            f"{name} cannot be watched while it learns: its iterations are heard through "
            "callbacks, which need scikit-learn >= 1.9 (and solver='lbfgs'); this is scikit-learn "
            f"{sklearn.__version__}. Upgrade it, or use SGDClassifier(loss='log_loss')."
        )
    if isinstance(estimator, LogisticRegression) and estimator.solver != "lbfgs":
        return (
            f"{name}(solver={estimator.solver!r}) shows no iterations to callbacks, so that it "
            "cannot be watched while it learns. Use solver='lbfgs', the default."
        )
    if isinstance(estimator, (Pipeline, MetaEstimatorMixin)):
        return (
            f"{name} trains other estimators, and has no iterations of its own: watch the "
            "classifier that it trains."
        )
    if not isinstance(estimator, CallbackSupportMixin):
        return f"{name} takes no callbacks of scikit-learn."
    if not is_classifier(estimator):
        return f"{name} is no classifier, and a data map is drawn of one."
    return None


def watch(estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
    """Train by the estimator's own `fit`, and record each iteration as it ends.

    Parameters
    ----------
    estimator : estimator
        Trained in place; its own callbacks stay.
    X, y : container, ndarray
        The training set.
    recording : RunRecorder
        Where what is seen goes.
    n_epochs : int or None
        How many iterations to record, from the first on; None: all. It never changes the training.
    seed : int or None
        Already set on the estimator.
    params : dict
        Further arguments of `fit`.
    track : callable
        Wraps an iterator over epochs, to show progress.
    asked : container, default=None
        The rows that are recorded; None: X.
    """
    planned = planned_epochs(estimator, n_epochs)
    recording.begin(planned)
    ticks = iter(track(range(planned or 0)))
    iterations = Iterations(recording, X if asked is None else asked, n_epochs)
    own = callbacks_of(estimator)
    estimator.set_callbacks(*own, _IterationCallback(iterations, lambda: next(ticks, None)))
    try:
        estimator.fit(X, y, **params)
    finally:
        estimator.set_callbacks(*own)
    if iterations.n_heard == 0:
        raise NotWatchableError(
            f"{type(estimator).__name__} showed no iteration of its training: it takes callbacks, "
            "but called them with no model as it learned, or there was nothing to learn. Choose a "
            "solver of it that does, or another estimator, for example "
            "SGDClassifier(loss='log_loss')."
        )


def planned_epochs(estimator, n_epochs=None):
    """Say how many iterations there may be at most; None where the estimator does not say."""
    most = [n for n in (n_epochs, getattr(estimator, "max_iter", None)) if isinstance(n, Integral)]
    return max(1, min(most)) if most else None


class Iterations:
    """Record the models of successive iterations of one training.

    Parameters
    ----------
    recording : RunRecorder
        Where what they say goes; it has begun.
    X : container of shape (n_samples, n_features)
        The rows that they are asked about.
    n_epochs : int, default=None
        How many are recorded; None: all.
    """

    def __init__(self, recording, X, n_epochs=None):
        self.recording, self.X, self.n_epochs = recording, X, n_epochs
        self.blocks = row_blocks(recording.n_samples, len(recording.classes))
        self.answer, self.n_heard = None, 0

    def hear(self, model):
        """Record what a model says of the rows."""
        if self.n_heard == self.n_epochs:
            return
        if self.answer is None:
            head = slice(0, min(64, self.recording.n_samples))
            self.answer = choose_response_method(model, take(self.X, head))
        ask, wanted = getattr(model, self.answer), self.recording.classes
        scores = (
            (rows, in_class_order(np.asarray(ask(take(self.X, rows))), model.classes_, wanted))
            for rows in self.blocks
        )
        from_logits = self.answer == "decision_function"
        self.recording.add_epoch(self.n_heard, scores, model, from_logits=from_logits)
        self.n_heard += 1


class _IterationCallback:
    """A callback that hears the iterations of one `fit`: the tasks that it is made of.

    The task `fit` itself ends with the model of the last iteration once more.
    """

    def __init__(self, iterations, tick):
        self.iterations, self.tick = iterations, tick

    def setup(self, estimator, context):
        self.fit = context
        self.tick()

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.parent is self.fit and fitted_estimator is not None:
            self.iterations.hear(fitted_estimator)
            self.tick()

    def teardown(self, estimator, context):
        pass
