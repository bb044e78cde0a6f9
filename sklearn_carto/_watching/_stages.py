"""Watch ensembles with `staged_predict_proba`: trained once, then replayed stage by stage."""

from __future__ import annotations

from collections.abc import Iterable

from sklearn_carto._checkpoint._training import NO_CHECKPOINT
from sklearn_carto._inputs._containers import take
from sklearn_carto._utils._validation import describe
from sklearn_carto._utils._warnings import warn
from sklearn_carto._watching._replay import ReplayWatcher, at_ends, evenly_spaced, replay
from sklearn_carto._watching._responses import response_method
from sklearn_carto.exceptions import HeldOutRowsWarning, InvalidProbabilitiesError


class StagesWatcher(ReplayWatcher):
    """Watch ensembles with `staged_predict_proba`; each stage is an epoch."""

    def can_watch(self, estimator):
        if not hasattr(estimator, "staged_predict_proba"):
            return False
        return not hasattr(estimator, "predict_proba") or not _redefines(
            type(estimator), "predict_proba", "staged_predict_proba"
        )

    def fit(self, estimator, X, y, params, classes):
        super().fit(estimator, X, y, params, classes)
        if params.get("X_val") is None:
            _warn_of_held_out_rows(estimator)

    def evaluate(
        self, estimator, X, recorder, *, n_epochs, models, track, X_train=None,
        checkpoint=NO_CHECKPOINT,
    ):  # fmt: skip
        # 1. Choose the response.
        response = response_method(estimator)
        from_logits = response == "decision_function" and hasattr(estimator, f"staged_{response}")
        staged = getattr(estimator, f"staged_{response if from_logits else 'predict_proba'}")
        stages = staged(take(X, slice(0, 1)))
        if not isinstance(stages, Iterable):
            raise InvalidProbabilitiesError(
                f"staged_predict_proba of {type(estimator).__name__} must yield an array for each "
                f"stage; it returned {describe(stages)}."
            )
        n_stages = sum(1 for _ in stages)

        # 2. Replay the stages; the cost is linear in their number.
        def scores_at(block, ends):
            return at_ends(staged(block), ends)

        ends, classes = evenly_spaced(n_epochs, n_stages), getattr(estimator, "classes_", None)
        parts = recorder.parts(X_train, X)
        replay(estimator, parts, track, scores_at, ends, classes, from_logits, checkpoint)


def _redefines(kind, method, other):
    """Whether a subclass redefines one method without the other, whose results then differ."""
    for base in kind.__mro__:
        if method in vars(base) or other in vars(base):
            return other not in vars(base)
    return False


def _warn_of_held_out_rows(estimator):
    """Warn where early stopping held rows out: the estimator does not store which."""
    if hasattr(estimator, "do_early_stopping_"):
        remedy = "early_stopping=False"
        holds_out = estimator.do_early_stopping_ and estimator.validation_fraction is not None
    else:
        remedy = "n_iter_no_change=None"
        holds_out = getattr(estimator, "n_iter_no_change", None) is not None
    if holds_out:
        warn(
            f"{type(estimator).__name__} stops early: it held out "
            f"{estimator.validation_fraction:.0%} of the rows and does not store which, so that "
            f"they are not marked in the data map. Set {remedy} to record training rows only.",
            HeldOutRowsWarning,
        )
