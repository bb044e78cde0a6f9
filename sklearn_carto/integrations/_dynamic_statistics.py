"""The running statistics that rules of dynamic subsets read."""

from __future__ import annotations

import numpy as np

# of the statistics of a map: the higher, the more often a row is drawn
WEIGHTS = {
    "variability": lambda statistics: statistics["variability"],
    "loss": lambda statistics: statistics["loss"],
    "confidence": lambda statistics: 1.0 - statistics["confidence"],
    "aleatoric": lambda statistics: statistics["aleatoric"],
    "el2n": lambda statistics: statistics["el2n"],
}
_LEAST = {"variability": 2}  # epochs that a statistic needs


class Seen:
    """What was recorded of some rows, read from training dynamics as they grow.

    Parameters
    ----------
    n_rows : int
        Number of rows.

    Attributes
    ----------
    last_loss : ndarray of shape (n_rows,)
        Mean loss of the epochs recorded since the dynamics were last read, which is that of the
        last epoch if they are read once an epoch; NaN for rows that no epoch included.
    """

    def __init__(self, n_rows):
        self.last_loss = np.full(n_rows, np.nan)
        self.loss_sum = np.zeros(n_rows)
        self.n_seen = np.zeros(n_rows, dtype=np.int64)
        self._read: tuple | None = None

    def read(self, dynamics, rows):
        """Read the rows of training dynamics that these rows are."""
        running = dynamics._running
        loss_sum, n_seen = running.loss_sum[rows], running.n_seen[rows]
        new = n_seen > self.n_seen
        self.last_loss[new] = (loss_sum - self.loss_sum)[new] / (n_seen - self.n_seen)[new]
        self.loss_sum, self.n_seen = loss_sum, n_seen
        self._read = running, rows

    def values(self, name):
        """Return what the weights of a rule are made of, NaN for rows that were seen too rarely."""
        if self._read is None:
            return np.full(len(self.n_seen), np.nan)
        running, rows = self._read
        values = WEIGHTS[name](running.results())[rows]
        return np.where(self.n_seen >= _LEAST.get(name, 1), values, np.nan)

    def state(self):
        """Return the arrays that a state consists of."""
        return {"last_loss": self.last_loss, "loss_sum": self.loss_sum, "n_seen": self.n_seen}

    def load(self, state):
        """Read a PackedState, of as many rows."""
        shape = self.n_seen.shape
        self.last_loss = state.array("last_loss", shape, np.float64)
        self.loss_sum = state.array("loss_sum", shape, np.float64)
        self.n_seen = state.array("n_seen", shape, np.int64)
