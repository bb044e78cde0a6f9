"""MapComparisonDisplay: the plot of a comparison of two data maps."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, Self

import numpy as np

from sklearn_carto._plot._arguments import check_cmap, get_axes
from sklearn_carto._plot._colours import get_theme
from sklearn_carto._plot._fitting import fit_texts, wrap_labels
from sklearn_carto._plot._heat_map import draw_heat_map, plan_heat_map
from sklearn_carto._plot._legend import place_legend
from sklearn_carto._utils._compat import (
    InvalidParameterError,
    StrOptions,
    check_matplotlib_support,
)
from sklearn_carto._utils._typing import Axes
from sklearn_carto._utils._validation import Count, describe, validate_params

_RELABELLED_COLOUR = "#d55e00"  # of Okabe and Ito; contrasts with white and with black

_SIZE = 5.2, 4.0  # of a figure, in inches


class MapComparisonDisplay:
    """Map comparison visualization: transitions between regions, or arrows on the map.

    It is recommended to use :meth:`from_comparison` or :meth:`MapComparison.plot` to create a
    display.

    Parameters
    ----------
    comparison : MapComparison
        Result of :func:`compare_maps`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    image_ : matplotlib AxesImage or None
        Image of the transitions.
    texts_ : list of matplotlib Text
        Numbers of rows in the cells.
    colorbar_ : matplotlib Colorbar or None
        Colour bar of the transitions.
    arrows_ : dict of str to matplotlib Quiver
        Arrows of rows with the same label, "kept", and of the relabelled ones, "relabelled", which
        begin with a circle.

    See Also
    --------
    compare_maps : Compute the comparison.

    Examples
    --------
    >>> from sklearn_carto import DataMap, MapComparisonDisplay, compare_maps
    >>> shared = {"variability": [0.1, 0.1], "correctness": [1, 1], "n_epochs": 5}
    >>> maps = [DataMap(confidence=[0.9, p], **shared) for p in (0.3, 0.6)]
    >>> MapComparisonDisplay(compare_maps(*maps, by_position=True, variability=0.2)).comparison
    <MapComparison: 2 common rows, 1 moved, 0 relabelled, 0 added, 0 removed>
    """

    def __init__(self, comparison: Any) -> None:
        if not hasattr(comparison, "transitions_"):
            raise InvalidParameterError(
                "The 'comparison' parameter of MapComparisonDisplay must be a MapComparison. Got "
                f"{describe(comparison)} instead."
            )
        self.comparison = comparison

    @classmethod
    def from_comparison(cls, comparison: Any, **kwargs: Any) -> Self:
        """Plot a comparison.

        Parameters
        ----------
        comparison : MapComparison
            Result of :func:`compare_maps`.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : MapComparisonDisplay
            The plotted display.
        """
        return cls(comparison).plot(**kwargs)

    @validate_params(kind=[StrOptions({"transitions", "arrows"})], max_arrows=[Count(1)])
    def plot(
        self,
        ax: Axes = None,
        *,
        kind: Literal["transitions", "arrows"] = "transitions",
        max_arrows: int = 200,
        cmap: Any = "cividis",
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on; None: a new figure.
        kind : {"transitions", "arrows"}, default="transitions"
            What to plot: the number of rows by region on the first and the second map, coloured by
            the share of the region of the first; or an arrow on the map for each row whose region
            or label differs.
        max_arrows : int, default=200
            Largest number of arrows; those of the furthest rows are drawn.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours of the shares from 0 to 1.

        Returns
        -------
        self : MapComparisonDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a parameter is invalid.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        check_cmap(cmap, f"{type(self).__name__}.plot")
        (self.ax_,) = get_axes(ax, 1, "comparison", figsize=_SIZE)
        self.figure_ = self.ax_.figure
        self.image_: Any = None
        self.colorbar_: Any = None
        self.texts_: list = []
        self.arrows_: dict = {}
        if kind == "transitions":
            self._plot_transitions(cmap)
        else:
            self._plot_arrows(max_arrows)
        return self

    def _plot_transitions(self, cmap):
        counts, regions = self.comparison.transitions_, self.comparison.regions_
        totals = counts.sum(axis=1, keepdims=True)
        shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
        self.image_, self.texts_ = draw_heat_map(
            self.ax_, shares, regions, regions, low=0, high=1, cmap=cmap
        )
        for text, count in zip(self.texts_, counts[np.isfinite(shares)], strict=True):
            text.set_text(f"{count:,}")
        self.ax_.set(xlabel="second map", ylabel="first map")
        label = "share of the row"
        self.colorbar_ = self.figure_.colorbar(self.image_, ax=self.ax_, label=label)
        n_moved, n_common = self.comparison.moved_mask_.sum(), counts.sum()
        self.ax_.set_title(f"{n_moved:,} of {n_common:,} common rows moved", fontsize="medium")
        rounds = plan_heat_map(self.ax_, regions, regions, self.texts_)
        rounds[2] += [partial(wrap_labels, self.ax_, title=self.ax_.get_title())]
        rounds[2] += [partial(wrap_labels, self.colorbar_.ax, y=label)]
        fit_texts([self.ax_, self.colorbar_.ax], _SIZE, rounds)

    def _plot_arrows(self, max_arrows):
        from matplotlib.lines import Line2D

        result, distances = self.comparison, self.comparison._distances()
        shown = (result.moved_mask_ | result.relabelled_mask_) & np.isfinite(distances)
        rows = np.flatnonzero(shown)
        rows = np.sort(rows[np.argsort(-distances[rows], kind="stable")[:max_arrows]])
        a, b = result.map_a_, result.map_b_
        handles = []
        groups = {
            "kept": (rows[~result.relabelled_mask_[rows]], get_theme(self.ax_).weak),
            "relabelled": (rows[result.relabelled_mask_[rows]], _RELABELLED_COLOUR),
        }
        for name, (group, colour) in groups.items():
            if len(group):
                starts = a.variability[group], a.confidence[group]
                marks = {"color": colour, "marker": "o", "fillstyle": "none", "markersize": 4}
                if name == "relabelled":
                    self.ax_.plot(*starts, linestyle="none", **marks)
                else:
                    marks["marker"] = ""
                label = "label kept" if name == "kept" else "relabelled"
                handles.append(Line2D([0, 1], [0, 0], label=label, markevery=[0], **marks))
                self.arrows_[name] = self.ax_.quiver(
                    *starts,
                    (b.variability - a.variability)[group],
                    (b.confidence - a.confidence)[group],
                    **{"angles": "xy", "scale_units": "xy", "scale": 1},
                    **{"units": "inches", "width": 1.2 / 72},
                    color=colour,
                )
        self.ax_.set(xlabel="variability", ylabel="confidence", ylim=(-0.02, 1.02))
        widest = np.nanmax([a.variability, b.variability]) if len(rows) else 0.5
        self.ax_.set_xlim(-0.02 * widest, max(1.05 * widest, 1e-3))
        self.ax_.set_title(f"{len(rows):,} of {shown.sum():,} rows that changed", fontsize="medium")
        self.ax_.spines[["top", "right"]].set_visible(False)
        if "relabelled" in self.arrows_:
            place_legend(self.ax_, handles, [handle.get_label() for handle in handles])
        step = partial(wrap_labels, self.ax_, title=self.ax_.get_title())
        fit_texts([self.ax_], _SIZE, [[step]])
