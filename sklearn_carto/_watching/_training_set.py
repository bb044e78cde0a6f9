"""The samples and labels of one training, and the arguments of `fit` that go with them."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from sklearn_carto._inputs._containers import take
from sklearn_carto._utils._compat import _check_method_params


class TrainingSet(NamedTuple):
    """Samples, labels and arguments of `fit`."""

    X: object
    y: np.ndarray
    routed: dict  # from `route_fit_params`
    weights: dict  # `sample_weight`, if given

    def take(self, rows):
        """Select rows of the samples, the labels and the arguments."""
        routed: dict = defaultdict(dict)
        for step, params in self.routed.items():
            routed[step] = _check_method_params(self.X, params, rows)
        weights = _check_method_params(self.X, self.weights, rows)
        return TrainingSet(take(self.X, rows), self.y[rows], routed, weights)

    def fit_args(self, estimator):
        """Return the arguments of the methods of callbacks."""
        metadata = self.weights or None
        return {"estimator": estimator, "X": self.X, "y": self.y, "metadata": metadata}
