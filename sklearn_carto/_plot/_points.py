"""Rows on a data map as points: their sizes, shapes and places."""

from __future__ import annotations

import numpy as np

from sklearn_carto._plot._colours import get_theme
from sklearn_carto._plot._correctness import set_markers
from sklearn_carto._utils._quotas import class_quotas

COLOURS = {"color", "c", "facecolor", "facecolors", "fc"}  # in place of correctness
_MAX_ERRORS = 100  # rows whose error bars are drawn, and so many cells of a grid beyond
_N_CELLS = 12  # per side of this grid
_CROWD = 0.1  # share of the rows at one place from which their number is written


class Points:
    """Draws rows of a data map as points.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes of the map.
    data_map : DataMap
        The map.
    style : dict of str to object
        Arguments for matplotlib's `scatter`, those of the caller among them.
    shift : ndarray of shape (n_samples, 2) or None
        Jitter, which is added to variability and confidence.
    """

    def __init__(self, ax, data_map, style, shift=None):
        self.ax, self.data_map, self.style, self.shift = ax, data_map, style, shift
        places = np.stack([data_map.variability, data_map.confidence], axis=1)
        self._n_places = len(np.unique(np.round(places, 3), axis=0)) if shift is None else np.inf
        inches = ax.get_window_extent().width / ax.figure.dpi
        self._scale = np.clip(inches / 5, 0.6, 2.0)
        self.coloured = not COLOURS & style.keys()
        self.shapes = not (COLOURS | {"marker"}) & style.keys()

    def draw(self, rows, n_drawn, **given):
        """Draw rows; the sizes are those for a number of rows that are drawn in all."""
        n = min(max(n_drawn, 1), max(self._n_places, 1))
        defaults = {
            # the area that points cover, n * s, grows with sqrt(n) only; bounds chosen by eye
            "s": self._scale * np.clip(500 / np.sqrt(n), 3.0, 40.0),
            "rasterized": n_drawn > 5000,  # in vector files, which grow with the number of points
            "zorder": 2,
        }
        given = {**self.style, **given}
        if "marker" not in given:  # an edge that keeps points apart; it would hide a cross
            width = float(np.clip(8 / np.sqrt(n), 0.05, 0.4))
            defaults |= {"edgecolors": [get_theme(self.ax).background], "linewidths": width}
        colours = {} if COLOURS & given.keys() else {"c": self.data_map.correctness[rows]}
        given = {name: self._take(value, rows) for name, value in given.items()}
        if "color" in given:
            given = {name: given[name] for name in given if name not in ("cmap", "norm")}
        points = self.ax.scatter(*self._places(rows), **{**colours, **defaults, **given})
        if self.shapes and "marker" not in given and len(rows):
            set_markers(points, self.data_map.correctness[rows])
        return points

    def draw_hollow(self, rows, n_drawn, *, filled):
        """Draw rows as hollow points with coloured edges; filled ones hide what is behind them."""
        points = self.draw(rows, n_drawn)
        points.update_scalarmappable()  # else the colours would be set when it is drawn
        colours = points.get_facecolor()
        inside = get_theme(self.ax).background if filled else "none"
        points.set(array=None, facecolor=inside, edgecolor=colours, linewidth=0.9)
        return points

    def draw_crosses(self, rows, n_drawn):
        """Draw rows as crosses behind the others."""
        style = {"color": [get_theme(self.ax).mark], "marker": "x", "linewidths": 0.8, "zorder": 1}
        return self.draw(rows, n_drawn, **style)

    def draw_errors(self, rows):
        """Draw error bars of rows far enough from each other; return them and their number."""
        places = np.stack(self._places(rows), axis=1)
        if len(rows) > _MAX_ERRORS:
            spread = np.maximum(np.ptp(places, axis=0), 1e-9)
            cells = np.floor(_N_CELLS * (places - places.min(axis=0)) / spread).astype(int)
            first = np.unique(cells, axis=0, return_index=True)[1]  # rows come in random order
            rows, places = rows[first], places[first]
        errors = self.data_map.standard_errors
        bars = self.ax.errorbar(
            *places.T,
            xerr=errors["variability"][rows],
            yerr=errors["confidence"][rows],
            fmt="none",
            ecolor=get_theme(self.ax).weak,
            elinewidth=0.7,
            zorder=3,
        )
        return bars, len(rows)

    def _places(self, rows):
        places = np.stack([self.data_map.variability[rows], self.data_map.confidence[rows]])
        return places if self.shift is None else places + self.shift[rows].T

    def _take(self, value, rows):
        """Index an array with a value for each row of the map; other values are left alone."""
        if isinstance(value, (str, dict)) or not np.iterable(value):
            return value
        array = np.asarray(value)
        n_samples = self.data_map.n_samples
        # three or four numbers are one colour
        is_colour = array.ndim == 1 and n_samples in (3, 4) and not isinstance(value, np.ndarray)
        return array[rows] if len(array) == n_samples and not is_colour else value


def count_crowd(data_map, rows):
    """Count the rows at the fullest place; 0 if they are fewer than a tenth of all."""
    places = np.stack([data_map.variability[rows], data_map.confidence[rows]], axis=1)
    counts = np.unique(np.round(places, 3), axis=0, return_counts=True)[1]
    return int(counts.max()) if counts.max() >= max(_CROWD * len(rows), 5) else 0


def subsample(rows, regions, max_samples, rng):
    """Shuffle rows, and draw at most `max_samples`: from each region its share, at least one."""
    order = rng.permutation(len(rows))
    if len(rows) > max_samples:
        _, of_region, counts = np.unique(regions, return_inverse=True, return_counts=True)
        quotas = class_quotas(max_samples, counts, rng)
        chosen = [order[of_region[order] == i][:quota] for i, quota in enumerate(quotas)]
        order = rng.permutation(np.concatenate(chosen))
    return rows[order]
