"""Watch an ensemble grow by `warm_start`: each stage adds members to those that it has."""

from __future__ import annotations

from sklearn.base import is_classifier

from sklearn_carto._inputs._containers import take
from sklearn_carto._watching._responses import in_class_order, row_blocks
from sklearn_carto._watching._stages import spread

method = "fit"
encodes_labels = False


def can_watch(estimator):
    """Whether this is the way to watch the estimator."""
    return (
        hasattr(estimator, "warm_start")
        and hasattr(estimator, "n_estimators")
        and is_classifier(estimator)
    )


def watch(estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
    """Grow the ensemble stage by stage, and record each at its end.

    All members are asked at each stage, so that the cost grows with their number times that of the
    stages: for what shows its stages in no better way.

    Parameters
    ----------
    estimator : estimator
        Trained in place, to as many members as its `n_estimators` says.
    X, y : container, ndarray
        The training set.
    recording : RunRecorder
        Where what is seen goes.
    n_epochs : int or None
        How many evenly spaced stages, the last of them the whole ensemble; None: one a member.
    seed : int or None
        Already set on the estimator.
    params : dict
        Further arguments of `fit`.
    track : callable
        Wraps the loop over stages, to show progress.
    asked : container, default=None
        The rows that are recorded; None: X.
    """
    asked = X if asked is None else asked
    blocks = row_blocks(recording.n_samples, len(recording.classes))
    sizes = (spread(n_epochs, estimator.n_estimators) + 1).tolist()
    recording.begin(len(sizes))
    # what is a softmax of scores with one member need not be one with several
    from_logits = not hasattr(estimator, "predict_proba")
    answer = "decision_function" if from_logits else "predict_proba"
    warm_start = estimator.warm_start
    estimator.set_params(warm_start=True)
    try:
        for epoch, size in enumerate(track(sizes)):
            estimator.set_params(n_estimators=size).fit(X, y, **params)
            answers = ((rows, getattr(estimator, answer)(take(asked, rows))) for rows in blocks)
            scores = (
                (rows, in_class_order(some, estimator.classes_, recording.classes))
                for rows, some in answers
            )
            recording.add_epoch(epoch, scores, estimator, from_logits=from_logits)
    finally:
        estimator.set_params(warm_start=warm_start)
