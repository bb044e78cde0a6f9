"""Watch an estimator that learns by `partial_fit`: one call over all rows is one epoch."""

from __future__ import annotations

from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_class_weight

from sklearn_carto._inputs._containers import take
from sklearn_carto._watching._responses import choose_response_method, in_class_order, row_blocks
from sklearn_carto._watching._seeds import let_seeds_run_on
from sklearn_carto.exceptions import NotWatchableError

method = "partial_fit"
encodes_labels = False


def can_watch(estimator):
    """Whether this is the way to watch the estimator."""
    return hasattr(estimator, "partial_fit")


def watch(estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
    """Train epoch by epoch, and record each at its end.

    Parameters
    ----------
    estimator : estimator
        Trained in place.
    X, y : container, ndarray
        The training set, as the estimator takes it.
    recording : RunRecorder
        Where what is seen goes.
    n_epochs : int or None
        None: 20.
    seed : int or None
        Already set on the estimator.
    params : dict
        Further arguments of `partial_fit`.
    track : callable
        Wraps the loop over epochs, to show progress.
    asked : container, default=None
        The rows that are recorded; None: X.
    """
    asked = X if asked is None else asked
    _check_no_early_stopping(estimator)
    _resolve_class_weight(estimator, recording.classes, y)
    let_seeds_run_on(estimator)
    n_epochs = 20 if n_epochs is None else n_epochs
    recording.begin(n_epochs)
    first_call = {"classes": recording.classes}
    blocks = row_blocks(recording.n_samples, len(recording.classes))
    answer = None
    for epoch in track(range(n_epochs)):
        n_updates = getattr(estimator, "t_", 0)
        estimator.partial_fit(X, y, **(first_call if epoch == 0 else {}), **params)
        _raise_swallowed_interrupt(estimator, n_updates, len(y))
        if answer is None:
            answer = choose_response_method(
                estimator, take(asked, slice(0, min(64, recording.n_samples)))
            )
        ask = getattr(estimator, answer)
        scores = (
            (rows, in_class_order(ask(take(asked, rows)), estimator.classes_, recording.classes))
            for rows in blocks
        )
        recording.add_epoch(epoch, scores, estimator, from_logits=answer == "decision_function")


def _check_no_early_stopping(estimator):
    if getattr(estimator, "early_stopping", False) is True:
        raise NotWatchableError(
            f"{type(estimator).__name__}(early_stopping=True) cannot be watched: its partial_fit "
            "does not support early stopping. Set early_stopping=False and n_epochs to the number "
            "of epochs wanted."
        )


def _resolve_class_weight(estimator, classes, y):
    """Count "balanced" from y, since `partial_fit` refuses to."""
    if getattr(estimator, "class_weight", None) == "balanced":
        weights = compute_class_weight("balanced", classes=classes, y=y)
        estimator.set_params(class_weight=dict(zip(classes.tolist(), weights, strict=True)))


def _raise_swallowed_interrupt(estimator, n_updates, n_samples):
    """MLPClassifier turns Ctrl-C into a warning; its sample count then stands still."""
    if isinstance(estimator, MLPClassifier) and estimator.t_ - n_updates < n_samples:
        raise KeyboardInterrupt
