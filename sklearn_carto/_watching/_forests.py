"""Watch a forest: trained once; after each stage its answer is the mean of the trees so far."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.utils import check_array

from sklearn_carto._containers import take
from sklearn_carto._watching._recording import in_class_order, row_blocks
from sklearn_carto._watching._stages import spread

method = "fit"
encodes_labels = False


def can_watch(estimator):
    """Whether this is the way to watch the estimator: it answers with the mean of its trees."""
    return (
        isinstance(estimator, (RandomForestClassifier, ExtraTreesClassifier))
        and type(estimator).predict_proba is RandomForestClassifier.predict_proba
    )


def watch(estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
    """Train, then ask one tree after the other; cost linear in the number of trees.

    Parameters
    ----------
    estimator : RandomForestClassifier or ExtraTreesClassifier
        Trained in place.
    X, y : container, ndarray
        The training set.
    recording : Recording
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
    stages = spread(n_epochs, len(estimator.estimators_)).tolist()
    epoch_of_stage = {stage: epoch for epoch, stage in enumerate(stages)}
    recording.begin(len(stages))
    for rows in track(row_blocks(recording.n_samples, len(recording.classes))):
        block = take(asked, rows)  # converted once, as the forest does before it asks its trees
        block = check_array(block, dtype=np.float32, accept_sparse="csr", ensure_all_finite=False)
        total = 0.0
        for stage, tree in enumerate(estimator.estimators_):
            total = total + tree.predict_proba(block, check_input=False)
            if stage in epoch_of_stage:
                scores = in_class_order(total / (stage + 1), estimator.classes_, recording.classes)
                recording.block(epoch_of_stage[stage], rows, scores, estimator, from_logits=False)
