"""Density of the rows on a data map: contours, and hexagons that fade with their counts."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

N_CELLS = 128  # per side of the grid that counts rows; finer than a contour of 5 inches shows
SHARES = (0.95, 0.8, 0.6, 0.4, 0.2)  # of the rows that lie inside each contour


def draw_contours(ax, x, y):
    """Draw contours of density; return them, and the mask of the rows outside all contours."""
    edges = [np.linspace(0, high, N_CELLS + 1) for high in (ax.get_xlim()[1], 1)]
    density = _compute_density(x, y, edges)
    levels = _compute_levels(density)
    centers = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    greys = [str(grey) for grey in np.linspace(0.92, 0.55, len(levels))]
    contours = ax.contourf(*centers, density.T, levels=[*levels, np.inf], colors=greys, zorder=1)
    cells = [
        np.clip(np.digitize(values, edge) - 1, 0, N_CELLS - 1)
        for values, edge in zip((x, y), edges, strict=True)
    ]
    return contours, density[tuple(cells)] < levels[0]


def draw_hexagons(ax, x, y, values, style):
    """Draw hexagons with the mean value of their rows, the fainter the fewer rows they hold."""
    style = {"linewidths": 0.2, "gridsize": 45, "extent": (0, ax.get_xlim()[1], 0, 1), **style}
    hexagons = ax.hexbin(x, y, C=values, **style)
    geometry = ("gridsize", "extent", "xscale", "yscale", "mincnt")
    shared = {name: style[name] for name in geometry if name in style}
    counted = ax.hexbin(x, y, C=values, reduce_C_function=len, **shared)
    counts = counted.get_array()
    counted.remove()
    hexagons.set_alpha(0.2 + 0.8 * np.log1p(counts) / np.log1p(counts.max()))
    return hexagons


def _compute_density(x, y, edges):
    """Count the rows in each cell, smoothed; no mass leaks over the borders of the map."""
    counts, _, _ = np.histogram2d(x, y, bins=edges)
    # half the bandwidth of Scott's rule in two dimensions, n ** (-1 / 6) standard deviations:
    # the rule is made for one normal cluster, and maps have several
    factor = 0.5 * len(x) ** (-1 / 6)
    widths = [
        max(1.0, factor * np.std(values) / (edge[1] - edge[0]))
        for values, edge in zip((x, y), edges, strict=True)
    ]
    return gaussian_filter(counts, widths, mode="reflect")


def _compute_levels(density):
    """Find the densities above which the given shares of all rows lie, ascending."""
    cells = np.sort(density, axis=None)[::-1]
    inside = np.cumsum(cells) / cells.sum()
    return np.unique(cells[np.searchsorted(inside, SHARES)])
