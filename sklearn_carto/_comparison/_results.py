"""The results that all comparisons share: one entry for each fit."""

from __future__ import annotations

import numpy as np

from sklearn_carto._comparison._intervals import corrected_interval
from sklearn_carto._utils._frames import build_frame


class ComparisonResults:
    """Scores and times of the fits of a comparison; a base class.

    Subclasses set `_names`, the columns of `results_` that name a training set or a model.

    Parameters
    ----------
    results : dict of str to ndarray of shape (n_fits,)
        Names, `frac`, `split`, `seed`, `n_train`, times, and scores.
    test_ratio : float
        Ratio of test to training samples in a split.
    """

    _names: tuple[str, ...] = ()
    _settings = ("frac", "split", "seed", "n_train")
    _times = ("fit_time", "score_time", "map_time")

    def __init__(self, results, test_ratio):
        self.results_ = results
        self.test_ratio = test_ratio

    @property
    def scores_(self):
        """Names of the columns of `results_` that are scores."""
        others = {*self._names, *self._settings, *self._times}
        return [name for name in self.results_ if name not in others]

    def to_frame(self, backend="pandas"):
        """Return `results_` as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            The library of the data frame, which must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            One row for each fit.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown.
        """
        return build_frame(self.results_, backend, f"{type(self).__name__}.to_frame")

    def _mean_by_split(self, column, **values):
        """Mean over seeds, of shape (n_splits,), of the fits with these values in their columns."""
        results = self.results_
        fits = np.all([results[name] == value for name, value in values.items()], axis=0)
        of_fits, splits = results[column][fits], results["split"][fits]
        return np.array([of_fits[splits == split].mean() for split in np.unique(splits)])

    def _interval(self, by_split):
        """Mean over splits, with the lower and upper end of its 95 % interval."""
        return corrected_interval(by_split, self.test_ratio)
