"""Watch forests and bags: trained once; a stage predicts the mean of its first members."""

from __future__ import annotations

from copy import copy
from itertools import accumulate

import numpy as np
from sklearn.utils import check_array

from sklearn_carto._checkpoint._training import NO_CHECKPOINT
from sklearn_carto._utils._compat import loaded_class
from sklearn_carto._watching._replay import ReplayWatcher, at_ends, evenly_spaced, replay

_BAG = "sklearn.ensemble.BaggingClassifier"
_KINDS = (
    "sklearn.ensemble.RandomForestClassifier",
    "sklearn.ensemble.ExtraTreesClassifier",
    _BAG,
)


class ForestWatcher(ReplayWatcher):
    """Watch ensembles that predict the mean of their members; each member is an epoch."""

    def can_watch(self, estimator):
        return any(
            isinstance(estimator, kind) and type(estimator).predict_proba is kind.predict_proba
            for kind in map(loaded_class, _KINDS)
        )

    def evaluate(
        self, estimator, X, recorder, *, n_epochs, models, track, X_train=None,
        checkpoint=NO_CHECKPOINT,
    ):  # fmt: skip
        members = _bag_members if isinstance(estimator, loaded_class(_BAG)) else _trees

        def means(block, ends):
            sums = at_ends(accumulate(members(estimator, block)), ends)
            return (total / n_members for n_members, total in zip(ends, sums, strict=True))

        # each member predicts once, so that the cost is linear in their number
        ends = evenly_spaced(n_epochs, len(estimator.estimators_))
        classes = getattr(estimator, "classes_", None)
        parts = recorder.parts(X_train, X)
        replay(estimator, parts, track, means, ends, classes, False, checkpoint)


def _trees(forest, block):
    """Yield the probabilities of each tree."""
    # converted once, as the forest does before its trees predict
    block = check_array(block, dtype=np.float32, accept_sparse="csr", ensure_all_finite=False)
    for tree in forest.estimators_:
        yield tree.predict_proba(block, check_input=False)


def _bag_members(bag, block):
    """Yield the probabilities of each member, as those of a bag of that member alone."""
    for member, features in zip(bag.estimators_, bag.estimators_features_, strict=True):
        alone = copy(bag)
        alone.estimators_, alone.estimators_features_ = [member], [features]
        alone.n_estimators = 1
        yield alone.predict_proba(block)
