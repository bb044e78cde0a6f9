"""Entropies of the class probabilities over epochs, from running sums."""

from __future__ import annotations

import numpy as np
from scipy.special import entr, softmax

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._dynamics._scores import raise_masked, two_columns

UNCERTAINTIES = ("predictive_entropy", "mutual_information")
MAP_STATISTICS = (*STATISTICS, *UNCERTAINTIES)  # a data map holds the last two if recorded


def class_probabilities(scores, *, from_logits):
    """Return the probabilities of class scores, of shape (n_rows, n_classes) in double precision.

    Scores of shape (n_rows,) are those of the second of two classes. Rounding is removed: no
    probability is below 0, and each row sums to 1.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim == 1:
        scores = two_columns(scores, from_logits)
    if from_logits:
        return softmax(raise_masked(scores), axis=1)
    proba = np.maximum(scores, 0.0)
    return proba / proba.sum(axis=1, keepdims=True)


def decompose_entropy(mean_proba, mean_entropy):
    """Return the entropy of the mean probabilities, and what it exceeds the mean entropy by.

    `mean_proba` has shape (n_samples, n_classes), all else (n_samples,). The difference cannot be
    negative, since the entropy is concave.
    """
    predictive = entr(mean_proba).sum(axis=1)
    return predictive, np.maximum(predictive - mean_entropy, 0.0)


class RunningUncertainty:
    """Accumulate class probabilities and their entropies, any block of rows at a time.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    n_columns : int
        Number of classes; it grows if an epoch has more columns, which are classes without a label.
    """

    def __init__(self, n_samples, n_columns):
        self.proba_sum = np.zeros((n_samples, n_columns))
        self.entropy_sum = np.zeros(n_samples)

    def update(self, proba, rows=slice(None)):
        """Add the probabilities of some rows at one epoch, of shape (n_rows, n_columns)."""
        self._widen(proba.shape[1])
        self.proba_sum[rows, : proba.shape[1]] += proba
        self.entropy_sum[rows] += entr(proba).sum(axis=1)

    def add(self, other):
        """Add the epochs of another part of the training."""
        self._widen(other.proba_sum.shape[1])
        self.proba_sum[:, : other.proba_sum.shape[1]] += other.proba_sum
        self.entropy_sum += other.entropy_sum

    def results(self, n_seen):
        """Return the two entropies as a dict of arrays, NaN for rows that were never seen."""
        n_seen = np.where(n_seen > 0, n_seen, np.nan)
        entropies = decompose_entropy(self.proba_sum / n_seen[:, None], self.entropy_sum / n_seen)
        return dict(zip(UNCERTAINTIES, entropies, strict=True))

    def _widen(self, n_columns):
        n_more = n_columns - self.proba_sum.shape[1]
        if n_more > 0:
            self.proba_sum = np.pad(self.proba_sum, ((0, 0), (0, n_more)))
