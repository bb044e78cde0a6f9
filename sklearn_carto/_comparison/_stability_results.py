"""StabilityReport: what the data maps of several seeds have in common."""

from __future__ import annotations

import numpy as np

from sklearn_carto._maps._agreement import MapAgreement, overlap_of_highest
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._region_labels import REGIONS
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._html import html_table
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._validation import Number, validate_params

_RANKED_BY = {"easy-to-learn": (1, "confidence"), "ambiguous": (1, "variability")}
_RANKED_BY["hard-to-learn"] = (-1, "confidence")


class StabilityReport:
    """Stability of a data map over several seeds, as computed by :func:`stability_report`.

    Parameters
    ----------
    data_maps : list of DataMap
        See `data_maps_`.
    mean_map : DataMap
        See `mean_map_`.
    agreement : MapAgreement
        See `agreement_`.
    seeds : ndarray of shape (n_seeds,)
        See `seeds_`.
    threshold : float
        Lowest probability of its region for a row to be stable, in (0, 1].

    Attributes
    ----------
    data_maps_ : list of DataMap
        The map of each seed.
    mean_map_ : DataMap
        Their mean, with `standard_errors` and `region_probabilities`.
    agreement_ : MapAgreement
        The agreement of each pair of maps, with a matrix for each statistic.
    seeds_ : ndarray of shape (n_seeds,)
        The seeds.
    threshold_ : float
        Lowest probability of its region for a row to be stable.
    rank_correlation_ : dict of str to ndarray of shape (n_pairs,)
        Spearman's rank correlation of each statistic, for each pair of seeds, in [-1, 1]; NaN where
        a map is constant.
    region_overlap_ : dict of str to ndarray of shape (n_pairs,)
        Share of the first rows of each region on one map that are among the first on the other, in
        [0, 1]: those of highest confidence, highest variability and lowest confidence.
    chance_ : float
        Expected overlap of rows sampled at random.
    region_ : ndarray of shape (n_samples,)
        Most probable region of each row, the first of those that tie; "excluded" or "unseen" for
        rows without one.
    stable_mask_ : ndarray of bool of shape (n_samples,)
        True for rows whose region has a probability of at least the threshold.
    stable_share_ : float
        Share of these, of the rows that have a region, in [0, 1].

    See Also
    --------
    DataMap.stable_share : The share at another threshold, of `mean_map_`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import stability_report
    >>> X, y = load_iris(return_X_y=True)
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.1)
    >>> report = stability_report(sgd, X, y, n_seeds=3, random_state=0)
    >>> report
    <StabilityReport: 3 seeds, 150 rows>
    >>> sorted(report.region_overlap_)
    ['ambiguous', 'easy-to-learn', 'hard-to-learn']
    """

    @validate_params(
        data_maps=[list],
        mean_map=[DataMap],
        agreement=[MapAgreement],
        seeds=["array-like"],
        threshold=[Number(0, 1, closed="right")],
    )
    def __init__(self, data_maps, mean_map, agreement, *, seeds, threshold=0.8):
        if mean_map.region_probabilities is None:
            raise InvalidParameterError(
                "The 'mean_map' parameter of StabilityReport must hold region_probabilities, as "
                "DataMap.mean of at least two maps does. Got a map without."
            )
        self.data_maps_, self.mean_map_, self.agreement_ = data_maps, mean_map, agreement
        self.seeds_, self.threshold_ = np.asarray(seeds), threshold
        self._pairs = np.triu_indices(len(data_maps), k=1)
        self.chance_ = agreement.chance_
        self.rank_correlation_ = {
            name: matrix[self._pairs] for name, matrix in agreement.rank_correlation_.items()
        }
        self.region_overlap_ = self._overlaps()
        probabilities = mean_map.region_probabilities
        placed = ~np.isnan(probabilities).any(axis=1)
        self.region_ = mean_map.region_labels()
        self.region_[placed] = np.array(REGIONS)[probabilities[placed].argmax(axis=1)]
        self.stable_mask_ = np.nan_to_num(probabilities).max(axis=1) >= threshold - 1e-9
        self.stable_share_ = mean_map.stable_share(threshold)

    def _overlaps(self):
        present = np.all([one._present_mask for one in self.data_maps_], axis=0)
        n_top = round(self.chance_ * present.sum())
        rng = rule_generator(int(self.seeds_[0]), "stability_report")
        overlaps = {}
        for region, (sign, name) in _RANKED_BY.items():
            rows = np.stack([sign * getattr(one, name)[present] for one in self.data_maps_])
            overlaps[region] = overlap_of_highest(rows, n_top, rng)[self._pairs]
        return overlaps

    def summary(self):
        """Return the agreement of the maps and the shares of stable rows as columns.

        Returns
        -------
        summary : dict of str to ndarray of shape (n_measures,)
            `measure` ("rank correlation", "overlap" or "stable share"), `name` (a statistic, a
            region, or "all"), `mean`, `min` and `max` over the pairs of seeds, and `chance`, what
            rows in random order would give. Of "stable share", which is one number of all seeds,
            `min`, `max` and `chance` are NaN; that of a region is the share of its rows.
        """
        records = []
        for item in self.rank_correlation_.items():
            records.append(("rank correlation", *_range_of(*item), 0.0))
        for item in self.region_overlap_.items():
            records.append(("overlap", *_range_of(*item), self.chance_))
        for region in ("all", *REGIONS):
            rows = np.isin(self.region_, REGIONS) if region == "all" else self.region_ == region
            share = self.stable_mask_[rows].mean() if rows.any() else np.nan
            records.append(("stable share", region, share, np.nan, np.nan, np.nan))
        names = ("measure", "name", "mean", "min", "max", "chance")
        columns = zip(*records, strict=True)
        return {name: np.array(values) for name, values in zip(names, columns, strict=True)}

    def to_frame(self, backend="pandas"):
        """Return the rows of the mean map as a data frame, with their stability.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            Library of the data frame; it must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each row of the map, with the columns of :meth:`DataMap.to_frame` of the mean
            map, `region` and `stable`.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown.
        """
        columns = self.mean_map_._columns()
        columns |= {"region": self.region_, "stable": self.stable_mask_}
        return build_frame(columns, backend, "StabilityReport.to_frame")

    def plot(self, **kwargs):
        """Plot the agreement of the maps, and the probability of its region for each row.

        Parameters
        ----------
        **kwargs : dict
            Passed to :meth:`StabilityReportDisplay.plot`.

        Returns
        -------
        display : StabilityReportDisplay
            The plotted display.
        """
        from sklearn_carto._plot._stability import StabilityReportDisplay

        return StabilityReportDisplay.from_report(self, **kwargs)

    def __str__(self):
        """Return a table of the summary."""
        summary = self.summary()
        lines = [
            f"{len(self.data_maps_)} seeds, {self.mean_map_.n_samples} rows; "
            f"{self.stable_share_:.0%} lie in the same region with a probability of at least "
            f"{self.threshold_:.2g}",
            "",
            f"{'measure':<16}  {'name':<18}  {'mean':>5}  {'min':>5}  {'max':>5}  {'chance':>6}",
        ]
        for row in zip(*summary.values(), strict=True):
            numbers = ["" if np.isnan(value) else f"{value:.2f}" for value in row[2:]]
            lines.append(
                f"{row[0]:<16}  {row[1]:<18}  {numbers[0]:>5}  {numbers[1]:>5}  {numbers[2]:>5}  "
                f"{numbers[3]:>6}"
            )
        return "\n".join(lines)

    def __repr__(self):
        """Return a summary: the numbers of seeds and rows."""
        return f"<StabilityReport: {len(self.data_maps_)} seeds, {self.mean_map_.n_samples} rows>"

    def _repr_html_(self):
        """Return the summary as a table, for notebooks."""
        return html_table(repr(self)[1:-1], self.summary(), n_names=2)


def _range_of(name, values):
    """Return a name with mean, minimum and maximum of the values that are not NaN."""
    values = values[~np.isnan(values)]
    if not len(values):
        return name, np.nan, np.nan, np.nan
    return name, values.mean(), values.min(), values.max()
