"""StabilityReportDisplay: the plot of the stability of a data map."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from sklearn_carto._plot._arguments import check_cmap, get_axes
from sklearn_carto._utils._compat import InvalidParameterError, check_matplotlib_support
from sklearn_carto._utils._typing import Axes
from sklearn_carto._utils._validation import Count, describe, validate_params


class StabilityReportDisplay:
    """Stability report visualization: agreement of the maps, and the mean map.

    The first axes show the rank correlation of each statistic between two seeds, the second the
    overlap of the first rows of each region: the mean over the pairs of seeds as a point, and their
    range as a line. The third axes show the mean map, coloured by the probability of the most
    probable region.

    It is recommended to use :meth:`from_report` or :meth:`StabilityReport.plot` to create a
    display.

    Parameters
    ----------
    report : StabilityReport
        Result of :func:`stability_report`.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (3,)
        Axes of the statistics, the regions and the map.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    ranges_ : dict of str to matplotlib LineCollection
        Ranges, "rank correlation" and "overlap".
    points_ : dict of str to matplotlib Line2D
        Means, by the same names.
    rows_ : matplotlib PathCollection
        Rows of the mean map.
    colorbar_ : matplotlib Colorbar
        Colours of the probabilities.

    See Also
    --------
    stability_report : Compute the report.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import StabilityReportDisplay, stability_report
    >>> X, y = load_iris(return_X_y=True)
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.1)
    >>> report = stability_report(sgd, X, y, n_seeds=3, random_state=0)
    >>> StabilityReportDisplay(report).report
    <StabilityReport: 3 seeds, 150 rows>
    """

    def __init__(self, report: Any) -> None:
        if not hasattr(report, "region_overlap_"):
            raise InvalidParameterError(
                "The 'report' parameter of StabilityReportDisplay must be a StabilityReport. Got "
                f"{describe(report)} instead."
            )
        self.report = report

    @classmethod
    def from_report(cls, report: Any, **kwargs: Any) -> Self:
        """Plot a report.

        Parameters
        ----------
        report : StabilityReport
            Result of :func:`stability_report`.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : StabilityReportDisplay
            The plotted display.
        """
        return cls(report).plot(**kwargs)

    @validate_params(max_samples=[Count(1), None])
    def plot(self, ax: Axes = None, *, max_samples: int = 5000, cmap: Any = "cividis") -> Self:
        """Plot.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Three axes to plot on; None: a new figure.
        max_samples : int, default=5000
            Largest number of rows on the map; more are thinned out evenly. None: all.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours of the probability of the most probable region, from 1/3 to 1.

        Returns
        -------
        self : StabilityReportDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a parameter is invalid, or if the number of axes differs.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        check_cmap(cmap, f"{type(self).__name__}.plot")
        self.axes_ = get_axes(ax, 3, "part of the report", figsize=(12.0, 3.8))
        self.figure_ = self.axes_[0].figure
        self.ranges_: dict = {}
        self.points_: dict = {}
        summary = self.report.summary()
        for axes, measure in zip(self.axes_, ("rank correlation", "overlap"), strict=False):
            rows = summary["measure"] == measure
            self._plot_ranges(axes, measure, {name: of[rows] for name, of in summary.items()})
        self._plot_map(self.axes_[2], max_samples, cmap)
        return self

    def _plot_ranges(self, ax, measure, table):
        places = np.arange(len(table["name"]))
        self.ranges_[measure] = ax.hlines(
            places, table["min"], table["max"], color="0.3", linewidth=2
        )
        (self.points_[measure],) = ax.plot(table["mean"], places, "o", color="0.3")
        ax.set_yticks(places, [name.replace("_", " ") for name in table["name"]])
        ax.set_ylim(len(places) - 0.5, -0.5)
        low = np.nanmin([*table["min"], 0.0])
        ax.set_xlim(low - 0.03, 1.03)
        if measure == "overlap":
            ax.axvline(self.report.chance_, color="0.6", linestyle="--", linewidth=1)
            title = f"overlap of the first {self.report.chance_:.0%} (dashed: chance)"
        else:
            title = "rank correlation between seeds"
        ax.set_title(title, fontsize="medium")
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)

    def _plot_map(self, ax, max_samples, cmap):
        report = self.report
        highest = report.mean_map_.region_probabilities.max(axis=1)
        rows = np.flatnonzero(~np.isnan(highest))
        if max_samples is not None and len(rows) > max_samples:
            rows = rows[np.linspace(0, len(rows) - 1, max_samples).astype(int)]
        rows = rows[np.argsort(-highest[rows], kind="stable")]  # unstable rows on top
        self.rows_ = ax.scatter(
            report.mean_map_.variability[rows],
            report.mean_map_.confidence[rows],
            c=highest[rows],
            s=float(np.clip(6000 / max(len(rows), 1), 3, 14)),
            linewidths=0,
            vmin=1 / 3,
            vmax=1,
            cmap=cmap,
        )
        self.colorbar_ = self.figure_.colorbar(self.rows_, ax=ax)
        self.colorbar_.set_label("probability of the region")
        ax.set(xlabel="variability", ylabel="confidence", ylim=(-0.02, 1.02))
        ax.set_xlim(left=0)
        ax.set_title(f"{report.stable_share_:.0%} of the rows are stable", fontsize="medium")
        ax.spines[["top", "right"]].set_visible(False)
