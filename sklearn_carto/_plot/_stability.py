"""StabilityReportDisplay: the plot of the stability of a data map."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np

from sklearn_carto._plot._arguments import check_cmap, get_axes
from sklearn_carto._plot._colours import get_theme, make_colormap
from sklearn_carto._plot._correctness import set_markers, write_shapes
from sklearn_carto._plot._fitting import fit_texts, get_size, wrap_labels, write_ticks
from sklearn_carto._utils._compat import InvalidParameterError, check_matplotlib_support
from sklearn_carto._utils._typing import Axes
from sklearn_carto._utils._validation import Count, describe, validate_params

_SIZE = 12.0, 3.8  # of a figure, in inches


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
    def plot(self, ax: Axes = None, *, max_samples: int = 5000, cmap: Any = None) -> Self:
        """Plot.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Three axes to plot on; None: a new figure.
        max_samples : int, default=5000
            Largest number of rows on the map; more are thinned out evenly. None: all.
        cmap : str or matplotlib Colormap, default=None
            Colours of the probability of the most probable region, from 1/3 to 1. None: those of
            :class:`DataMapDisplay`.

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
        self.axes_ = get_axes(ax, 3, "part of the report", figsize=_SIZE)
        self.figure_ = self.axes_[0].figure
        self.ranges_: dict = {}
        self.points_: dict = {}
        summary, labels, names = self.report.summary(), [], []
        for axes, measure in zip(self.axes_, ("rank correlation", "overlap"), strict=False):
            rows = summary["measure"] == measure
            table = {name: of[rows] for name, of in summary.items()}
            names.append([name.replace("_", " ") for name in table["name"]])
            labels.append((axes, {"title": self._plot_ranges(axes, measure, table)}))
        labels += self._plot_map(self.axes_[2], max_samples, cmap)
        steps = [partial(wrap_labels, axes, **of_axes) for axes, of_axes in labels]
        rounds = [[partial(_write_names, self.axes_[:2], names)], steps]
        fit_texts([*self.axes_, self.colorbar_.ax], _SIZE, rounds)
        return self

    def _plot_ranges(self, ax, measure, table):
        places, theme = np.arange(len(table["name"])), get_theme(ax)
        self.ranges_[measure] = ax.hlines(
            places, table["min"], table["max"], color=theme.weak, linewidth=2
        )
        (self.points_[measure],) = ax.plot(
            table["mean"], places, "o", color=theme.foreground, markersize=5
        )
        ax.set_yticks(places, labels=[""] * len(places))
        ax.set_ylim(len(places) - 0.5, -0.5)
        low = np.nanmin([*table["min"], 0.0])
        ax.set_xlim(low - 0.03, 1.03)
        ax.locator_params(axis="x", nbins=4)
        if measure == "overlap":
            ax.axvline(self.report.chance_, color=theme.mark, linestyle="--", linewidth=1)
            title = f"overlap of the first {self.report.chance_:.0%}; dashed: chance"
        else:
            title = "rank correlation between seeds"
        ax.title.set_fontsize("medium")
        ax.grid(axis="x", color=theme.grid)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        return f"{title}\npoints: means, lines: ranges"

    def _plot_map(self, ax, max_samples, cmap):
        report = self.report
        highest = report.mean_map_.region_probabilities.max(axis=1)
        rows = np.flatnonzero(~np.isnan(highest))
        n_known = len(rows)
        if max_samples is not None and n_known > max_samples:
            rows = rows[np.linspace(0, n_known - 1, max_samples).astype(int)]
        rows = rows[np.argsort(-highest[rows], kind="stable")]  # unstable rows on top
        self.rows_ = ax.scatter(
            report.mean_map_.variability[rows],
            report.mean_map_.confidence[rows],
            c=highest[rows],
            s=float(np.clip(6000 / max(len(rows), 1), 3, 14)),
            linewidths=0,
            rasterized=len(rows) > 5000,
            vmin=1 / 3,
            vmax=1,
            cmap=make_colormap(ax) if cmap is None else cmap,
        )
        if len(rows):
            set_markers(self.rows_, 1.5 * highest[rows] - 0.5)
        self.colorbar_ = self.figure_.colorbar(self.rows_, ax=ax, ticks=[1 / 3, 2 / 3, 1])
        self.colorbar_.ax.set_yticklabels(["1/3", "2/3", "1"])
        thirds = np.array([1, 3, 5]) / 6
        write_shapes(self.colorbar_, self.rows_, (1 + 2 * thirds) / 3, thirds)
        ax.set(xlabel="variability", ylabel="confidence", ylim=(-0.02, 1.02))
        ax.set_xlim(left=0)
        ax.locator_params(axis="x", nbins=3)
        ax.title.set_fontsize("medium")
        ax.spines[["top", "right"]].set_visible(False)
        stable = f"{report.stable_share_:.0%} of the rows are stable"
        if len(rows) < n_known:
            stable += f"\n{len(rows):,} of {n_known:,} rows drawn"
        bar = self.colorbar_.ax
        return [(ax, {"title": stable}), (bar, {"y": "probability of the region"})]


def _write_names(axes, names):
    """Write the names of two axes, upright where they would leave no room for the picture."""
    for ax, written in zip(axes, names, strict=True):
        size = ax.xaxis.label.get_fontsize()
        width = get_size(ax.figure.canvas.figure.patch)[0]
        if width > 430:
            write_ticks(ax.yaxis, written, 0.2 * width, size)
            continue
        cell = get_size(ax.patch)[1] / len(written)
        write_ticks(ax.yaxis, written, 0.95 * cell, 0.85 * size, rotation=90)
        for label in ax.get_yticklabels():
            label.set_va("center")
