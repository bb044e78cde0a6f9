"""Watch solvers through scikit-learn's callbacks: each iteration of `fit` is an epoch.

With ``n_epochs=k`` the first k iterations are recorded and training goes on to its end: how many
there will be is known only when the solver has converged. The map is then that of a training with
``max_iter=k``.
"""

from __future__ import annotations

from copy import deepcopy
from numbers import Integral

import sklearn
from sklearn.base import MetaEstimatorMixin, is_classifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import Pipeline

from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import CallbackSupportMixin, callbacks_of
from sklearn_carto._watching._epoch_evaluation import EpochEvaluator
from sklearn_carto._watching._watcher import Watcher
from sklearn_carto.exceptions import NotWatchableError

HAS_CALLBACKS = hasattr(CallbackSupportMixin, "set_callbacks")


class CallbackWatcher(Watcher):
    """Watch classifiers that call scikit-learn's callbacks; each iteration is an epoch."""

    emits_callbacks = True

    def can_watch(self, estimator):
        # LogisticRegression is always of this kind, so that its error names what to change
        return isinstance(estimator, LogisticRegression) or self.refuses(estimator) is None

    def refuses(self, estimator):
        """Return why an estimator calls no callbacks, or None.

        Whether an estimator that supports callbacks calls them is known only once it trains.
        """
        name = type(estimator).__name__
        if isinstance(estimator, LogisticRegressionCV):
            return (
                f"{name} trains many models, so that there is no one training to watch. Use "
                "LogisticRegression(solver='lbfgs'), with the C that it found."
            )
        if isinstance(estimator, LogisticRegression) and not HAS_CALLBACKS:
            return (
                f"{name} cannot be watched while it trains: its iterations are recorded through "
                "callbacks, which need scikit-learn >= 1.9 (and solver='lbfgs'); this is "
                f"scikit-learn {sklearn.__version__}. Upgrade it, or use "
                "SGDClassifier(loss='log_loss')."
            )
        if isinstance(estimator, LogisticRegression) and estimator.solver != "lbfgs":
            return (
                f"{name}(solver={estimator.solver!r}) shows no iterations to callbacks, so that it "
                "cannot be watched while it trains. Use solver='lbfgs', the default."
            )
        if isinstance(estimator, (Pipeline, MetaEstimatorMixin)):
            return (
                f"{name} trains other estimators and has no iterations itself. Watch the "
                "classifier that it trains."
            )
        if not isinstance(estimator, CallbackSupportMixin):
            return f"{name} does not support scikit-learn's callbacks."
        if not is_classifier(estimator):
            return f"{name} is not a classifier; data maps are defined for classifiers only."
        return None

    def watch(
        self, estimator, X, y, recorder, *, X_eval, n_epochs, seed, params, track, checkpoint
    ):
        max_epochs = max_n_epochs(estimator, n_epochs)
        recorder.begin(max_epochs)
        ticks = iter(track(range(max_epochs or 0)))
        evaluator = EpochEvaluator(recorder, X, X_eval, n_epochs, _copy_without_callbacks)
        own = callbacks_of(estimator)
        callback = _IterationCallback(evaluator, lambda: next(ticks, None))
        estimator.set_callbacks(*own, callback)
        complete = False
        try:
            estimator.fit(X, y, **params)
            complete = True
        finally:
            estimator.set_callbacks(*own)
            if not complete and callback.last is not None:  # so that it can predict
                _keep_fitted(estimator, callback.last)
        if evaluator.n_recorded == 0:
            raise NotWatchableError(
                f"{type(estimator).__name__} showed no iteration of its training: it supports "
                "callbacks, but called them with no fitted model, or training took no iteration. "
                "Choose a solver that does, or another estimator, for example "
                "SGDClassifier(loss='log_loss')."
            )


def max_n_epochs(estimator, n_epochs=None):
    """Return the largest possible number of iterations; None if there is no `max_iter`."""
    most = (n_epochs, getattr(estimator, "max_iter", None))
    limits = [limit for limit in most if isinstance(limit, Integral)]
    return max(1, min(limits)) if limits else None


def _keep_fitted(estimator, model):
    """Give an estimator whose training was interrupted what its last complete iteration learned."""
    learned = {name: value for name, value in vars(model).items() if name.endswith("_")}
    vars(estimator).update(learned)


def _copy_without_callbacks(model):
    """Copy the model of an iteration, which shares the callbacks of the estimator that trains."""
    copied = clone(model).set_callbacks()
    _keep_fitted(copied, model)
    vars(copied).update(deepcopy(vars(copied)))  # the solver may go on in the same arrays
    return copied


class _IterationCallback:
    """A callback that records the iterations of one `fit`: the tasks directly below it.

    The task `fit` itself ends with the model of the last iteration once more.
    """

    def __init__(self, evaluator, tick):
        self.evaluator, self.tick, self.last = evaluator, tick, None

    def setup(self, estimator, context):
        self.fit = context
        self.tick()

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.parent is self.fit and fitted_estimator is not None:
            self.evaluator.record(fitted_estimator)
            self.last = fitted_estimator
            self.tick()

    def teardown(self, estimator, context):
        pass
