"""Watch ensembles that grow by `warm_start`: each stage adds members to those there are."""

from __future__ import annotations

from sklearn.base import is_classifier

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import Count
from sklearn_carto._watching._epoch_evaluation import EpochEvaluator
from sklearn_carto._watching._replay import evenly_spaced
from sklearn_carto._watching._watcher import Watcher


class WarmStartWatcher(Watcher):
    """Watch other ensembles with `warm_start` and `n_estimators`; each stage is an epoch.

    At each stage all members predict, so that the cost grows with the number of members times that
    of stages.
    """

    def can_watch(self, estimator):
        return (
            hasattr(estimator, "warm_start")
            and hasattr(estimator, "n_estimators")
            and is_classifier(estimator)
        )

    def watch(
        self, estimator, X, y, recorder, *, X_eval, n_epochs, seed, params, track, checkpoint
    ):
        n_wanted, warm_start = estimator.n_estimators, estimator.warm_start
        if checkpoint.n_done:  # the estimator is one of a stage
            n_wanted, warm_start = checkpoint.facts["n_estimators"], checkpoint.facts["warm_start"]
        if not Count(1).is_satisfied_by(n_wanted):
            raise InvalidParameterError(
                f"The 'n_estimators' parameter of {type(estimator).__name__} must be "
                f"{Count(1)}. Got {n_wanted!r} instead."
            )
        sizes = evenly_spaced(n_epochs, n_wanted)
        recorder.begin(len(sizes))
        evaluator = EpochEvaluator(recorder, X, X_eval, n_recorded=checkpoint.n_done)
        estimator.set_params(warm_start=True)
        n_estimators = estimator.n_estimators  # of the last complete stage
        try:
            for size in track(sizes[checkpoint.n_done :]):
                estimator.set_params(n_estimators=size).fit(X, y, **params)
                n_estimators = size
                evaluator.record(estimator)
                checkpoint.step_done(n_estimators=n_wanted, warm_start=warm_start)
        finally:
            estimator.set_params(warm_start=warm_start, n_estimators=n_estimators)
