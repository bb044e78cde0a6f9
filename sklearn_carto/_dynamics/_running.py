"""Running statistics: everything a data map holds, in memory that does not grow with epochs."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._observation import Observation

# EL2N is a score of early training: Paul et al., "Deep Learning on a Data Diet", NeurIPS 2021,
# compute it a few epochs in, averaged over models. The mean over 10 epochs is our convention.
EARLY_EPOCHS = 10
# Probabilities this close to 0 or 1 count as saturated. A convention: log(0.999 / 0.001) = 6.9 is
# the margin of logits beyond which p hardly moves.
SATURATED = 1e-3
# Rows that are updated at once, so that what is computed for them stays in the cache of a core.
BLOCK = 16384
COUNTERS = ("n_seen", "last_epoch", "n_correct", "n_forgotten", "first_learned", "n_extreme")


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
    Counters are as narrow as the epochs allow, and become wider as these grow.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    window : int
        Length of the sliding window of the DUAL score.
    """

    n_seen: np.ndarray
    last_epoch: np.ndarray  # -1: not seen yet
    n_correct: np.ndarray
    n_forgotten: np.ndarray
    first_learned: np.ndarray  # -1: not learned yet
    n_extreme: np.ndarray  # epochs at which p is saturated

    def __init__(self, n_samples, window):
        self.window = window
        for name in COUNTERS:
            setattr(self, name, np.zeros(n_samples, dtype=np.int8))
        self.last_epoch[:] = self.first_learned[:] = -1
        self.was_correct = np.zeros(n_samples, dtype=bool)
        self.mean = np.zeros(n_samples)
        self.squares = np.zeros(n_samples)  # sum of squared deviations from the running mean
        self.margin_sum = np.zeros(n_samples)
        self.loss_sum = np.zeros(n_samples)
        self.el2n_sum = np.zeros(n_samples)
        self.ring = np.zeros((window, n_samples), dtype=np.float32)  # the last `window` epochs,
        self.window_mean = np.zeros(n_samples)  # their mean
        self.window_squares = np.zeros(n_samples)  # and their squared deviations from it
        self.dual_sum = np.zeros(n_samples)  # over complete windows

    def update(self, epoch, observation, rows=slice(None)):
        """Add one epoch of some rows, given by a slice or by their positions."""
        for here, rows_here in blocks_of(rows, len(self.mean)):
            self._update(epoch, Observation(*(values[here] for values in observation)), rows_here)

    def _update(self, epoch, observation, rows):
        """Add one epoch of a block of rows; all is computed before it is stored."""
        n_seen = self.n_seen[rows]
        largest = int(n_seen.max()) + 1
        together = (n_seen == n_seen[0]).all()  # usually all rows are at one epoch
        n_seen = largest if together else n_seen.astype(np.int64) + 1
        self._widen(max(largest, epoch))
        p, correct = observation.true_proba.astype(np.float64), observation.correct
        old_mean = self.mean[rows]
        delta = p - old_mean
        mean = old_mean + delta / n_seen
        squares = self.squares[rows] + delta * (p - mean)
        forgotten = self.was_correct[rows] & ~correct
        newly = correct & (self.first_learned[rows] < 0)
        early = _choose(n_seen <= EARLY_EPOCHS, observation.el2n, 0.0)
        extreme = (p < SATURATED) | (p > 1 - SATURATED)

        self._slide_window(p, n_seen, rows)
        self.n_seen[rows] = n_seen
        self.last_epoch[rows] = epoch
        self.mean[rows] = mean
        self.squares[rows] = squares
        self.n_correct[rows] += correct
        self.was_correct[rows] = correct
        self.n_forgotten[rows] += forgotten
        self.first_learned[rows] = np.where(newly, epoch, self.first_learned[rows])
        self.margin_sum[rows] += observation.margin
        self.loss_sum[rows] += observation.loss
        self.el2n_sum[rows] += early
        self.n_extreme[rows] += extreme

    def _slide_window(self, p, n_seen, rows):
        """Add an epoch to the sliding window and, once it is full, drop the oldest one."""
        together = isinstance(n_seen, int)
        place = (n_seen - 1) % self.window, rows if together else _positions(rows, len(self.mean))
        before = self.window_mean[rows]
        # while the window fills, its mean takes the place of the value that leaves: no effect
        leaving = _choose(n_seen > self.window, self.ring[place], before)
        change = p - leaving
        mean = before + change / np.minimum(n_seen, self.window)
        squares = self.window_squares[rows] + change * (p - mean + leaving - before)
        squares = np.maximum(squares, 0.0)
        self.ring[place] = p
        self.window_mean[rows] = mean
        self.window_squares[rows] = squares
        if together and n_seen < self.window:
            return
        dual = np.sqrt(squares / (self.window - 1)) * (1.0 - mean)
        self.dual_sum[rows] += _choose(n_seen >= self.window, dual, 0.0)

    def _widen(self, largest):
        """Widen the counters if they do not hold a number of epochs."""
        if largest > np.iinfo(self.n_seen.dtype).max:
            dtype = np.int16 if largest <= np.iinfo(np.int16).max else np.int32
            for name in COUNTERS:
                setattr(self, name, getattr(self, name).astype(dtype))

    def arrays(self):
        """Return all arrays by name; `first_learned` is infinite where there is none, as in a map.

        It is single precision, which holds every epoch there may be.
        """
        arrays = {name: value for name, value in vars(self).items() if name != "window"}
        first_learned = self.first_learned.astype(np.float32)
        first_learned[self.first_learned < 0] = np.inf
        return arrays | {"first_learned": first_learned}

    def set_arrays(self, arrays):
        """Set all arrays, as `arrays` returned them; counters may be wider than needed."""
        first_learned = arrays["first_learned"]
        learned = np.isfinite(first_learned)
        arrays = arrays | {"first_learned": np.where(learned, first_learned, -1).astype(np.int64)}
        self._widen(max(int(arrays[name].max(initial=0)) for name in COUNTERS))
        for name, values in arrays.items():
            setattr(self, name, values.astype(getattr(self, name).dtype, copy=False))

    def variability(self):
        """Return the standard deviation over epochs, NaN for rows that were never seen."""
        return np.sqrt(self.squares / self._n_seen_or_nan())

    def _n_seen_or_nan(self):
        return np.where(self.n_seen > 0, self.n_seen.astype(np.float64), np.nan)

    def results(self):
        """Return the statistics as a dict of arrays, with NaN for rows that were never seen."""
        n_seen, variability = self._n_seen_or_nan(), self.variability()
        confidence = self.mean * (n_seen / n_seen)
        first_learned = self.first_learned.astype(np.float64)
        first_learned[self.first_learned < 0] = np.inf
        forgetting = self.n_forgotten.astype(np.float64)
        forgetting[self.first_learned < 0] = np.inf
        n_windows = self.n_seen.astype(np.int64) - self.window + 1
        # a run shorter than the window is one window
        spread = np.sqrt(self.window_squares / np.maximum(np.nan_to_num(n_seen) - 1, 1))
        short = spread * (1.0 - self.window_mean)
        dual = np.where(n_windows < 1, short, self.dual_sum / np.maximum(n_windows, 1))
        return {
            "confidence": confidence,
            "variability": variability,
            "correctness": self.n_correct / n_seen,
            "forgetting": forgetting * (n_seen / n_seen),
            "first_learned": first_learned * (n_seen / n_seen),
            "aum": self.margin_sum / n_seen,
            "el2n": self.el2n_sum / np.minimum(n_seen, EARLY_EPOCHS),
            "aleatoric": np.maximum(confidence * (1 - confidence) - variability**2, 0.0),
            "loss": self.loss_sum / n_seen,
            "dual": dual * (n_seen / n_seen),
        }


def blocks_of(rows, n_samples, size=BLOCK):
    """Cut rows into blocks that stay in the cache.

    Parameters
    ----------
    rows : slice or ndarray of int of shape (n_rows,)
        Positions among `n_samples` rows.
    n_samples : int
        Number of all rows.
    size : int, default=BLOCK
        Largest number of rows of a block.

    Yields
    ------
    here : slice
        Places of the block among `rows`.
    rows_here : slice or ndarray of int
        Positions of the block among all rows.

    Examples
    --------
    >>> list(blocks_of(slice(4, None), 9, size=3))
    [(slice(0, 3, None), slice(4, 7, 1)), (slice(3, 6, None), slice(7, 9, 1))]
    """
    if isinstance(rows, slice):
        rows = range(n_samples)[rows]
    for start in range(0, len(rows), size):
        here = slice(start, start + size)
        part = rows[here]
        if isinstance(part, range):
            stop = part.stop if part.stop >= 0 else None
            part = slice(part.start, stop, part.step)
        yield here, part


def _positions(rows, n_samples):
    return np.arange(n_samples)[rows] if isinstance(rows, slice) else rows


def _choose(condition, one, other):
    """Choose between arrays by a condition for each row, or by one for all rows."""
    if np.ndim(condition):
        return np.where(condition, one, other)
    return one if condition else other


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
