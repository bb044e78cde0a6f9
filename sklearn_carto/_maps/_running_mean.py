"""The mean of data maps that come one after the other, each of some of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._maps._data_map import DataMap


class RunningMeanMap:
    """Average the statistics of each row over the models that they are known of.

    Memory does not grow with the number of models. The mean of each row is that of
    :meth:`DataMap.mean` over the maps that hold it.

    Parameters
    ----------
    n_samples : int
        Number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> mean = RunningMeanMap(3)
    >>> others = dict.fromkeys(STATISTICS, np.zeros(2))
    >>> mean.add(np.array([0, 1]), {**others, "confidence": np.array([0.2, 0.6])}, 5, "logits")
    >>> mean.add(np.array([1, 2]), {**others, "confidence": np.array([0.8, 0.4])}, 5, "logits")
    >>> mean.data_map().confidence.round(2)
    array([0.2, 0.7, 0.4])
    """

    def __init__(self, n_samples):
        self.n_maps = np.zeros(n_samples, dtype=np.intp)
        self.n_epochs = np.zeros(n_samples, dtype=np.intp)
        self.totals = {name: np.zeros(n_samples) for name in STATISTICS}
        self.squares = {name: np.zeros(n_samples) for name in STATISTICS}
        self.margins: set = set()

    def add(self, rows, statistics, n_epochs, margin_from):
        """Add the map of one model.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,)
            Positions of its rows among all, each once.
        statistics : dict of str to ndarray of shape (n_rows,)
            One entry for each statistic.
        n_epochs : int or ndarray of shape (n_rows,)
            Number of epochs that they are computed over.
        margin_from : {"logits", "probabilities"}
            What margins and losses come from.
        """
        n_before = self.n_maps[rows]
        with np.errstate(invalid="ignore"):  # infinite where a row was never learned
            for name, total in self.totals.items():
                before = total[rows] / np.maximum(n_before, 1)
                total[rows] += statistics[name]
                # Welford's algorithm: the sum of squared deviations from the mean
                deviation = statistics[name] - total[rows] / (n_before + 1)
                self.squares[name][rows] += (statistics[name] - before) * deviation
        self.n_maps[rows] += 1
        self.n_epochs[rows] += n_epochs
        self.margins.add(margin_from)

    def data_map(self, **known):
        """Make the map of the means, NaN for rows that no map held.

        Standard errors are those of the mean (``ddof=1``), NaN for a row that a single map held or
        whose mean is infinite; there are none if no row was held by two. `n_epochs` is the largest
        number of epochs of a row, of all models together. `known` are further fields of the map:
        labels, masks, names and the recording mode.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            means = {name: total / self.n_maps for name, total in self.totals.items()}
            n_others = np.where(self.n_maps > 1, self.n_maps - 1, np.nan)
            errors = {
                name: np.where(
                    np.isfinite(means[name]), np.sqrt(squares / n_others / self.n_maps), np.nan
                )
                for name, squares in self.squares.items()
            }
        fields: dict[str, Any] = {**means, **known}
        return DataMap(
            **fields,
            n_epochs=int(self.n_epochs.max()),
            margin_from=self.margins.pop() if len(self.margins) == 1 else None,
            standard_errors=errors if (self.n_maps > 1).any() else None,
        )
