"""The samples and labels of one training, and the arguments of `fit` that go with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sklearn_carto._inputs._containers import absent_rows, take
from sklearn_carto._utils._compat import _check_method_params


class TrainingSet(NamedTuple):
    """Samples, labels and arguments of `fit`."""

    X: object
    y: np.ndarray
    routed: dict  # from `route_fit_params`
    weights: dict  # `sample_weight`, if given

    @classmethod
    def plain(cls, X, y, params=None):
        """Make the training set of an estimator whose `fit` takes some arguments, if any."""
        return cls(X, y, defaultdict(dict, watched=dict(params or {})), {})

    def take(self, rows):
        """Select rows of the samples, the labels and the arguments."""
        routed: dict = defaultdict(dict)
        for step, params in self.routed.items():
            routed[step] = take_params(params, rows, len(self.y))
        weights = take_params(self.weights, rows, len(self.y))
        return TrainingSet(take(self.X, rows), self.y[rows], routed, weights)

    def excluded_mask(self):
        """Return a mask of the samples that the estimator is given with weight 0; None if none."""
        n_samples, weights = len(self.y), self.routed["watched"].get("sample_weight")
        mask = np.zeros(n_samples, dtype=bool) if weights is None else np.asarray(weights) == 0
        of_net = absent_rows(self.X, n_samples)
        mask = mask if of_net is None else mask | of_net
        return mask if mask.any() else None

    def fit_args(self, estimator):
        """Return the arguments of the methods of callbacks."""
        metadata = self.weights or None
        return {"estimator": estimator, "X": self.X, "y": self.y, "metadata": metadata}


def take_params(params, rows, n_samples):
    """Select rows of those arguments that hold one entry for each of `n_samples` rows.

    The number of rows is that of the labels: X may be a dict of inputs, or a torch Dataset.
    """
    whole = {
        name: value
        for name, value in params.items()
        if isinstance(value, (str, bytes, Mapping))
        or not (hasattr(value, "__len__") or hasattr(value, "__array__"))
        or getattr(value, "shape", None) == ()
    }
    others = {name: value for name, value in params.items() if name not in whole}
    return whole | _check_method_params(np.empty(n_samples), others, rows)
