"""Watch a forest or a bag: trained once; each stage answers with the mean of its members."""

from __future__ import annotations

from copy import copy

import numpy as np
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.utils import check_array

from sklearn_carto._inputs._containers import take
from sklearn_carto._watching._responses import in_class_order, row_blocks
from sklearn_carto._watching._stages import spread

method = "fit"
encodes_labels = False


def can_watch(estimator):
    """Whether this is the way to watch the estimator: it answers with the mean of its members."""
    return any(
        isinstance(estimator, kind) and type(estimator).predict_proba is kind.predict_proba
        for kind in (RandomForestClassifier, ExtraTreesClassifier, BaggingClassifier)
    )


def watch(estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
    """Train, then ask one member after the other; cost linear in their number.

    Parameters
    ----------
    estimator : RandomForestClassifier, ExtraTreesClassifier or BaggingClassifier
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
    answers = _of_bag if isinstance(estimator, BaggingClassifier) else _of_trees
    stages = spread(n_epochs, len(estimator.estimators_)).tolist()
    epoch_of_stage = {stage: epoch for epoch, stage in enumerate(stages)}
    recording.begin(len(stages))
    for rows in track(row_blocks(recording.n_samples, len(recording.classes))):
        total = 0.0
        for stage, scores in enumerate(answers(estimator, take(asked, rows))):
            total = total + scores
            if stage in epoch_of_stage:
                scores = in_class_order(total / (stage + 1), estimator.classes_, recording.classes)
                recording.add_block(
                    epoch_of_stage[stage], rows, scores, estimator, from_logits=False
                )


def _of_trees(forest, block):
    """Yield the probabilities that each tree gives."""
    # converted once, as the forest does before it asks its trees
    block = check_array(block, dtype=np.float32, accept_sparse="csr", ensure_all_finite=False)
    for tree in forest.estimators_:
        yield tree.predict_proba(block, check_input=False)


def _of_bag(bag, block):
    """Yield the probabilities that each member gives, asked as a bag of that member alone."""
    for member, features in zip(bag.estimators_, bag.estimators_features_, strict=True):
        alone = copy(bag)
        alone.estimators_, alone.estimators_features_ = [member], [features]
        alone.n_estimators = 1
        yield alone.predict_proba(block)
