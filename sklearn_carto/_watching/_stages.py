"""Watch an ensemble through its stages: trained once, then asked after each stage."""

from __future__ import annotations

import numpy as np

from sklearn_carto._inputs._containers import take
from sklearn_carto._utils._warnings import warn
from sklearn_carto._watching._responses import choose_response_method, in_class_order, row_blocks
from sklearn_carto.exceptions import HeldOutRowsWarning

method = "fit"
encodes_labels = False


def can_watch(estimator):
    """Whether this is the way to watch the estimator."""
    return hasattr(estimator, "staged_predict_proba")


def watch(estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
    """Train, then replay the stages; cost linear in the number of stages.

    Parameters
    ----------
    estimator : estimator
        Trained in place.
    X, y : container, ndarray
        The training set.
    recording : RunRecorder
        Where what is seen goes.
    n_epochs : int or None
        How many evenly spaced stages to record, the last among them; None: all. It never changes
        the training.
    seed : int or None
        Already set on the estimator.
    params : dict
        Further arguments of `fit`.
    track : callable
        Wraps the loop over blocks of rows, to show progress.
    asked : container, default=None
        The rows that are recorded; None: X.
    """
    asked = X if asked is None else asked
    estimator.fit(X, y, **params)
    if params.get("X_val") is None:
        _warn_of_held_out_rows(estimator)
    head = take(asked, slice(0, min(64, recording.n_samples)))
    answer = choose_response_method(estimator, head)
    from_logits = answer == "decision_function" and hasattr(estimator, f"staged_{answer}")
    staged = getattr(estimator, f"staged_{answer if from_logits else 'predict_proba'}")
    n_stages = sum(1 for _ in staged(take(asked, slice(0, 1))))
    epoch_of_stage = {stage: epoch for epoch, stage in enumerate(spread(n_epochs, n_stages))}
    recording.begin(len(epoch_of_stage))
    for rows in track(row_blocks(recording.n_samples, len(recording.classes))):
        for stage, scores in enumerate(staged(take(asked, rows))):
            if stage in epoch_of_stage:
                scores = in_class_order(scores, estimator.classes_, recording.classes)
                recording.add_block(
                    epoch_of_stage[stage], rows, scores, estimator, from_logits=from_logits
                )


def _warn_of_held_out_rows(estimator):
    """Say that an ensemble that stops early holds rows out; it does not tell which."""
    if hasattr(estimator, "do_early_stopping_"):
        remedy = "early_stopping=False"
        holds_out = estimator.do_early_stopping_ and estimator.validation_fraction is not None
    else:
        remedy = "n_iter_no_change=None"
        holds_out = getattr(estimator, "n_iter_no_change", None) is not None
    if holds_out:
        warn(
            f"{type(estimator).__name__} stops early: it held out "
            f"{estimator.validation_fraction:.0%} of the rows and does not say which, so that the "
            f"map holds them unmarked. Set {remedy} for a map of rows that it trained on alone.",
            HeldOutRowsWarning,
        )


def spread(n_epochs, n_stages):
    """Choose evenly spaced stages, counted from 0, the last among them.

    Examples
    --------
    >>> spread(4, 100).tolist()
    [24, 49, 74, 99]
    """
    n_epochs = n_stages if n_epochs is None else min(n_epochs, n_stages)
    return np.round(np.arange(1, n_epochs + 1) * n_stages / n_epochs).astype(int) - 1
