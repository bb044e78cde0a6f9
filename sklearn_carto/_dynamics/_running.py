"""Running statistics: everything a data map holds, in memory that does not grow with epochs."""

from __future__ import annotations

import numpy as np

# EL2N is a score of early training: Paul et al., "Deep Learning on a Data Diet", NeurIPS 2021,
# compute it a few epochs in, averaged over models. The mean over 10 epochs is our convention.
EARLY_EPOCHS = 10
# Probabilities this close to 0 or 1 count as saturated. A convention: log(0.999 / 0.001) = 6.9 is
# the margin of logits beyond which p hardly moves.
SATURATED = 1e-3


def dual_window(n_epochs):
    """Length of the sliding window of the DUAL score for a run of `n_epochs`.

    Cho et al., "Lightweight Dataset Pruning without Full Training", ICML 2025, use a window of 10
    epochs in a run of 30. Shorter runs get half of their epochs, so that there is more than one
    window, and at least the two that a standard deviation needs.
    """
    return max(2, min(10, n_epochs // 2))


class RunningStatistics:
    """Accumulate the statistics of a data map, one epoch and any block of rows at a time.

    Mean and spread are computed by Welford's algorithm in float64: the textbook E[x^2] - E[x]^2
    loses every digit near p = 0.999. Each row counts its own epochs: blocks may come in any order
    that ascends in epoch for each row, and rows that are missing from an epoch are left unchanged.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    window : int
        Length of the sliding window of the DUAL score.
    """

    def __init__(self, n_samples, window):
        self.window = window
        self.n_seen = np.zeros(n_samples, dtype=np.int64)
        self.last_epoch = np.full(n_samples, -1, dtype=np.int64)
        self.mean = np.zeros(n_samples)
        self.squares = np.zeros(n_samples)  # sum of squared deviations from the running mean
        self.n_correct = np.zeros(n_samples, dtype=np.int64)
        self.was_correct = np.zeros(n_samples, dtype=bool)
        self.n_forgotten = np.zeros(n_samples, dtype=np.int64)
        self.first_learned = np.full(n_samples, np.inf)
        self.margin_sum = np.zeros(n_samples)
        self.loss_sum = np.zeros(n_samples)
        self.el2n_sum = np.zeros(n_samples)
        self.n_extreme = np.zeros(n_samples, dtype=np.int64)  # p is saturated
        self.ring = np.zeros((window, n_samples), dtype=np.float32)  # the last `window` epochs,
        self.window_mean = np.zeros(n_samples)  # their mean
        self.window_squares = np.zeros(n_samples)  # and their squared deviations from it
        self.dual_sum = np.zeros(n_samples)  # over complete windows

    def update(self, epoch, observation, rows=slice(None)):
        """Add one epoch of some rows; everything is computed before anything is stored."""
        p = observation.true_proba.astype(np.float64)
        n_seen = self.n_seen[rows] + 1
        delta = p - self.mean[rows]
        mean = self.mean[rows] + delta / n_seen
        squares = self.squares[rows] + delta * (p - mean)
        forgotten = self.was_correct[rows] & ~observation.correct
        newly = observation.correct & np.isinf(self.first_learned[rows])
        first_learned = np.where(newly, epoch, self.first_learned[rows])
        early = np.where(n_seen <= EARLY_EPOCHS, observation.el2n, 0.0)

        self._slide_window(p, n_seen, rows)
        self.n_seen[rows] = n_seen
        self.last_epoch[rows] = epoch
        self.mean[rows] = mean
        self.squares[rows] = squares
        self.n_correct[rows] += observation.correct
        self.was_correct[rows] = observation.correct
        self.n_forgotten[rows] += forgotten
        self.first_learned[rows] = first_learned
        self.margin_sum[rows] += observation.margin
        self.loss_sum[rows] += observation.loss
        self.el2n_sum[rows] += early
        self.n_extreme[rows] += (p < SATURATED) | (p > 1 - SATURATED)

    def _slide_window(self, p, n_seen, rows):
        """Add an epoch to the sliding window and, once it is full, drop the oldest one."""
        if len(n_seen) and (n_seen == n_seen[0]).all():  # usually all rows are at one epoch
            n_seen = n_seen[0]
            place = (n_seen - 1) % self.window, rows
        else:
            place = (n_seen - 1) % self.window, np.arange(self.ring.shape[1])[rows]
        before = self.window_mean[rows]
        # while the window fills, its mean takes the place of the value that leaves: no effect
        leaving = np.where(n_seen > self.window, self.ring[place], before)
        change = p - leaving
        mean = before + change / np.minimum(n_seen, self.window)
        squares = self.window_squares[rows] + change * (p - mean + leaving - before)
        squares = np.maximum(squares, 0.0)
        dual = np.sqrt(squares / (self.window - 1)) * (1.0 - mean)
        self.ring[place] = p
        self.window_mean[rows] = mean
        self.window_squares[rows] = squares
        self.dual_sum[rows] += np.where(n_seen >= self.window, dual, 0.0)

    def results(self):
        """Return the statistics as a dict of arrays, with NaN for rows that were never seen."""
        n_seen = np.where(self.n_seen > 0, self.n_seen, np.nan)
        variability = np.sqrt(self.squares / n_seen)
        confidence = self.mean * (n_seen / n_seen)
        learned = np.isfinite(self.first_learned)
        n_windows = self.n_seen - self.window + 1
        # a run shorter than the window is one window
        spread = np.sqrt(self.window_squares / np.maximum(np.nan_to_num(n_seen) - 1, 1))
        short = spread * (1.0 - self.window_mean)
        dual = np.where(n_windows < 1, short, self.dual_sum / np.maximum(n_windows, 1))
        return {
            "confidence": confidence,
            "variability": variability,
            "correctness": self.n_correct / n_seen,
            "forgetting": np.where(learned, self.n_forgotten, np.inf) * (n_seen / n_seen),
            "first_learned": self.first_learned * (n_seen / n_seen),
            "aum": self.margin_sum / n_seen,
            "el2n": self.el2n_sum / np.minimum(n_seen, EARLY_EPOCHS),
            "aleatoric": np.maximum(confidence * (1 - confidence) - variability**2, 0.0),
            "loss": self.loss_sum / n_seen,
            "dual": dual * (n_seen / n_seen),
        }


STATISTICS = (
    "confidence",
    "variability",
    "correctness",
    "forgetting",
    "first_learned",
    "aum",
    "el2n",
    "aleatoric",
    "loss",
    "dual",
)
