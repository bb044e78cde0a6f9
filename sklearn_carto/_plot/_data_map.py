"""DataMapDisplay: the picture of a data map."""

from __future__ import annotations

from inspect import signature

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_carto._plot._arguments import check_plot_kwargs
from sklearn_carto._plot._correctness import STEPS, colours_of, draw_histogram, make_room, steps_of
from sklearn_carto._plot._density import N_CELLS, density_of, levels_of
from sklearn_carto._utils._compat import check_matplotlib_support
from sklearn_carto._utils._quotas import class_quotas

_KINDS = ("scatter", "hexbin", "kde")
_ROOM = 0.09  # above and below the map, for the names of the regions; also, to the right, twice
_CORNERS = {  # place in the axes, and how the text hangs on it
    "easy-to-learn": ((0.02, 0.985), "left", "top"),
    "ambiguous": ((0.98, 0.5), "right", "center"),
    "hard-to-learn": ((0.02, 0.015), "left", "bottom"),
}
_HISTOGRAMS = {"confidence": (0, 1), "variability": (0, None), "correctness": (0, 1)}


class DataMapDisplay:
    """Picture of a data map: variability across, confidence upward, correctness as colour.

    Use :meth:`from_data_map`, :meth:`from_estimator` or :meth:`DataMap.plot` to make and draw one.

    Parameters
    ----------
    data_map : DataMap
        The map to draw.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the map.
    figure_ : matplotlib Figure
        Its figure.
    points_ : matplotlib PathCollection or PolyCollection
        The rows, or the hexagons they fall into.
    held_out_points_ : matplotlib PathCollection or None
        Of a scatter, the rows that the model did not train on, as hollow points with a legend;
        None where all rows are alike.
    crosses_ : matplotlib ErrorbarContainer or None
        The standard errors.
    contours_ : matplotlib QuadContourSet or None
        The contours of ``kind="kde"``.
    colorbar_ : matplotlib Colorbar or None
        What the colours stand for; None where all points have the `color` that was asked for.
    region_texts_ : list of matplotlib Text
        The names of the regions.
    histogram_axes_ : dict of str to matplotlib Axes
        The histograms, by statistic.
    note_ : matplotlib Text or None
        Says how many rows are not drawn, where that is so.

    See Also
    --------
    DataMap.plot : The same in one call.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, figure 1.

    Examples
    --------
    >>> from sklearn_carto import DataMap, DataMapDisplay
    >>> data_map = DataMap(
    ...     confidence=[0.9, 0.5, 0.1], variability=[0.1, 0.4, 0.1], correctness=[1.0, 0.5, 0.0],
    ...     n_epochs=6,
    ... )
    >>> display = DataMapDisplay(data_map)
    >>> display.data_map
    <DataMap: 3 rows, 6 epochs>
    """

    def __init__(self, data_map):
        self.data_map = data_map

    @classmethod
    def from_data_map(cls, data_map, **kwargs):
        """Draw a data map.

        Parameters
        ----------
        data_map : DataMap
            The map.
        **kwargs : dict
            Handed to :meth:`plot`.

        Returns
        -------
        display : DataMapDisplay
            The display, drawn.
        """
        return cls(data_map).plot(**kwargs)

    @classmethod
    def from_estimator(cls, estimator, **kwargs):
        """Draw the data map of a fitted estimator.

        Parameters
        ----------
        estimator : CartographyClassifier, DataMapSelector or DataMapSampler
            Fitted, so that it has a `data_map_`.
        **kwargs : dict
            Handed to :meth:`plot`.

        Returns
        -------
        display : DataMapDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it draws no map.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "data_map_"):
            raise TypeError(
                f"{type(estimator).__name__} has no data_map_: pass a fitted "
                "CartographyClassifier or DataMapSelector (of a DistilledClassifier its "
                "selector_)."
            )
        return cls.from_data_map(estimator.data_map_, **kwargs)

    def plot(
        self,
        ax=None,
        *,
        kind="scatter",
        max_samples=25_000,
        histograms=False,
        region_names=True,
        standard_errors=False,
        cmap=None,
        random_state=0,
        **kwargs,
    ):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: a figure of its own.
        kind : {"scatter", "hexbin", "kde"}, default="scatter"
            A point a row; hexagons with the mean correctness of their rows, the fainter the fewer
            rows; or contours of density around 20, 40, 60, 80 and 95 % of the rows, and points
            outside of them.
        max_samples : int, default=25_000
            At most so many points are drawn, at least 3; of more rows a random choice that leaves
            out no region. Hexagons, contours and histograms count all rows.
        histograms : bool, default=False
            Whether to draw histograms of confidence, variability and correctness beside the map.
        region_names : bool, default=True
            Whether to write the names of the regions into their corners.
        standard_errors : bool, default=False
            Whether each point that is drawn bears a cross of its standard errors, across and
            upward, of a map that is the mean of several.
        cmap : str or matplotlib Colormap, default=None
            Colours of correctness from 0 to 1. None: orange to dark blue, which colour-blind
            readers can tell apart.
        random_state : int, RandomState instance or None, default=0
            Chooses and orders points, so that none hides the others by its place in the data.
        **kwargs : dict
            Handed to matplotlib's `scatter` or `hexbin`, over what we choose: ``color="black"``
            paints all points alike.

        Returns
        -------
        self : DataMapDisplay
            The display, with its artists.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `kind` is unknown, `max_samples` below 3, no row has a place on the map,
            histograms are asked for beside axes that are no subplot, or standard errors of a map
            that holds none.
        TypeError
            If neither this method nor matplotlib's knows an argument.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if standard_errors and self.data_map.standard_errors is None:
            raise ValueError(
                "This data map holds no standard errors; DataMap.mean of several maps gives them."
            )
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}; got {kind!r}.")
        ours = [name for name in signature(self.plot).parameters if name != "kwargs"]
        check_plot_kwargs(kwargs, ours, "hexbin" if kind == "hexbin" else "scatter")
        if max_samples < 3:
            raise ValueError(f"max_samples must be at least 3, one a region; got {max_samples!r}.")
        seen = np.flatnonzero(np.isfinite(self.data_map.confidence))
        if len(seen) == 0:
            raise ValueError("No row of this data map was ever seen; there is nothing to draw.")
        if ax is None:
            size = (9.0, 5.4) if histograms else (7.2, 5.4)
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.contours_ = self.crosses_ = self.held_out_points_ = None
        axes = make_room(ax) if histograms else []
        style = colours_of(cmap, self.data_map.n_epochs) if "color" not in kwargs else {}
        across = max(0.1, 1.05 * self.data_map.variability[seen].max())
        room = _ROOM if region_names else 0.02
        ax.set(
            xlabel="variability",
            ylabel="confidence",
            xlim=(-0.01, across * (1 + 2 * room)),
            ylim=(-room, 1 + room),
            yticks=np.linspace(0, 1, 6),
        )
        rng = check_random_state(random_state)
        if kind == "hexbin":
            n_drawn = len(seen)
            self._draw_hexagons(seen, {**style, **kwargs})
        else:
            rows = self._outside_of_contours(seen) if kind == "kde" else seen
            drawn = _thin(rows, self.data_map.region_labels()[rows], max_samples, rng)
            n_drawn = len(seen) - len(rows) + len(drawn)
            self._draw_points(drawn, {**style, **kwargs})
            if standard_errors:
                self._draw_crosses(drawn)
        self.colorbar_ = None if "color" in kwargs else self._draw_colorbar()
        self.region_texts_ = _write_region_names(ax) if region_names else []
        self.note_ = _write_note(ax, self.data_map.n_samples - len(seen), n_drawn, len(seen))
        self.histogram_axes_ = dict(zip(_HISTOGRAMS, axes, strict=False))
        for name, of_histogram in self.histogram_axes_.items():
            values = getattr(self.data_map, name)[seen]
            steps = self.data_map.n_epochs if name == "correctness" else None
            draw_histogram(of_histogram, values, name, _HISTOGRAMS[name], steps)
        return self

    def _draw_colorbar(self):
        colorbar = self.figure_.colorbar(self.points_, ax=self.ax_, label="correctness")
        colorbar.solids.set_alpha(1.0)
        n_epochs = self.data_map.n_epochs
        if n_epochs <= STEPS:
            colorbar.set_ticks(steps_of(n_epochs))
            colorbar.minorticks_off()
        tenths = n_epochs > STEPS or 10 % n_epochs == 0
        colorbar.ax.yaxis.set_major_formatter("{x:.1f}" if tenths else "{x:.2f}")
        return colorbar

    def _draw_points(self, rows, style):
        held_out = _to_mark(self.data_map.held_out_mask, len(self.data_map))[rows]
        self.points_ = self._scatter(rows[~held_out], len(rows), style)
        if held_out.any():
            points = self._scatter(rows[held_out], len(rows), style)
            points.update_scalarmappable()  # else it would get its colours at drawing time
            colours = points.get_facecolor()
            points.set(array=None, facecolor="none", edgecolor=colours, linewidth=0.9)
            self.held_out_points_ = points
            self._write_legend(held_out.sum())

    def _write_legend(self, n_held_out):
        from matplotlib.lines import Line2D

        handle = Line2D(
            [],
            [],
            color="0.35",
            linestyle="none",
            marker="o",
            markersize=5,
            markerfacecolor="none",
            label=f"held out ({n_held_out:,})",
        )
        self.ax_.legend(handles=[handle], loc="upper right", fontsize="small", frameon=False)

    def _scatter(self, rows, n_drawn, style):
        n = max(n_drawn, 1)
        ours = {
            "s": np.clip(500 / np.sqrt(n), 3.0, 40.0),
            "alpha": np.clip(30 / np.sqrt(n), 0.45, 0.9),
            "linewidths": 0,
            "rasterized": n > 5000,
            "zorder": 2,
        }
        x, y, colour = (
            getattr(self.data_map, name)[rows]
            for name in ("variability", "confidence", "correctness")
        )
        colours = {} if "color" in style else {"c": colour}
        return self.ax_.scatter(x, y, **{**colours, **ours, **style})

    def _draw_crosses(self, rows):
        names = ("variability", "confidence")
        place = [getattr(self.data_map, name)[rows] for name in names]
        reach = [self.data_map.standard_errors[name][rows] for name in names]
        self.crosses_ = self.ax_.errorbar(
            *place, *reach[::-1], fmt="none", ecolor="0.4", elinewidth=0.6, alpha=0.7, zorder=1
        )

    def _draw_hexagons(self, rows, style):
        x, y, colour = (
            getattr(self.data_map, name)[rows]
            for name in ("variability", "confidence", "correctness")
        )
        grid = {"gridsize": 45, "extent": (0, self.ax_.get_xlim()[1], 0, 1), **style}
        self.points_ = self.ax_.hexbin(x, y, C=colour, **{"linewidths": 0.2, **grid})
        grid = {name: grid[name] for name in ("gridsize", "extent")}
        counted = self.ax_.hexbin(x, y, mincnt=1, **grid)
        counts = counted.get_array()
        counted.remove()
        self.points_.set_alpha(0.2 + 0.8 * np.log1p(counts) / np.log1p(counts.max()))

    def _outside_of_contours(self, rows):
        """Draw the contours; return the rows that lie outside of all."""
        x, y = self.data_map.variability[rows], self.data_map.confidence[rows]
        edges = [
            np.linspace(0, self.ax_.get_xlim()[1], N_CELLS + 1),
            np.linspace(0, 1, N_CELLS + 1),
        ]
        density = density_of(x, y, edges)
        levels = levels_of(density)
        middles = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
        greys = [str(grey) for grey in np.linspace(0.92, 0.55, len(levels))]
        self.contours_ = self.ax_.contourf(
            *middles, density.T, levels=[*levels, np.inf], colors=greys, zorder=1
        )
        cells = [
            np.clip(np.digitize(values, edge) - 1, 0, N_CELLS - 1)
            for values, edge in zip((x, y), edges, strict=True)
        ]
        return rows[density[tuple(cells)] < levels[0]]


def _to_mark(mask, n_samples):
    """Mask of the held-out rows; none are marked where all rows are held out."""
    if mask is None or mask.all():
        return np.zeros(n_samples, dtype=bool)
    return mask


def _thin(rows, regions, max_samples, rng):
    """At most so many rows in random order, from each region in proportion, and no region lost."""
    order = rng.permutation(len(rows))
    if len(rows) > max_samples:
        _, of_region, counts = np.unique(regions, return_inverse=True, return_counts=True)
        quotas = class_quotas(max_samples, counts, rng)
        chosen = [order[of_region[order] == i][:quota] for i, quota in enumerate(quotas)]
        order = rng.permutation(np.concatenate(chosen))
    return rows[order]


def _write_region_names(ax):
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=3.5, foreground="white")]
    return [
        ax.text(
            *place,
            name,
            transform=ax.transAxes,
            ha=across,
            va=upward,
            fontsize="large",
            fontweight="bold",
            color="black",
            path_effects=halo,
            zorder=5,
        )
        for name, (place, across, upward) in _CORNERS.items()
    ]


def _write_note(ax, n_unseen, n_drawn, n_seen):
    parts = []
    if n_drawn < n_seen:
        parts.append(f"{n_drawn:,} of {n_seen:,} rows drawn")
    if n_unseen:
        parts.append(f"{n_unseen:,} rows never seen in training")
    if not parts:
        return None
    return ax.text(
        0.98,
        0.02,
        "\n".join(parts),
        transform=ax.transAxes,
        ha="right",
        va="bottom",
        fontsize="small",
        color="0.35",
        zorder=5,
    )
