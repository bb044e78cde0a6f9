"""Density of the rows on a data map: contours, and hexagons that grow with their counts."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from sklearn_carto._plot._colours import get_theme

N_CELLS = 128  # per side of the grid that counts rows; finer than a contour of 5 inches shows
SHARES = (0.95, 0.8, 0.6, 0.4, 0.2)  # of the rows that lie inside each contour
_SMALLEST = 0.45  # side of a hexagon that holds the fewest rows, in units of its cell
_IN_LEGEND = 9.0  # width of the largest hexagon of the legend, in points


def draw_contours(ax, places, values, colours):
    """Draw contours of density, and the mean value of the rows near each place between them.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes of the map.
    places : pair of ndarray of shape (n_samples,)
        Variability and confidence of the rows.
    values : ndarray of shape (n_samples,)
        The values that colours show.
    colours : dict of str to object
        Colour map and norm of the values; empty: the contours are filled with greys.

    Returns
    -------
    contours : matplotlib QuadContourSet
        The contours.
    image : matplotlib AxesImage or None
        The mean values, inside the outermost contour.
    outside_mask : ndarray of shape (n_samples,)
        The rows outside of all contours.
    """
    x, y = places
    edges = [np.linspace(0, high, N_CELLS + 1) for high in (ax.get_xlim()[1], 1)]
    widths = _compute_widths(x, y, edges)
    counts, _, _ = np.histogram2d(x, y, bins=edges)
    # no mass leaks over the borders of the map
    density = gaussian_filter(counts, widths, mode="reflect")
    levels = _compute_levels(density)
    centers = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    theme, image = get_theme(ax), None
    if colours:
        sums, _, _ = np.histogram2d(x, y, bins=edges, weights=values)
        sums = gaussian_filter(sums, widths, mode="reflect")
        means = np.divide(sums, density, out=np.zeros_like(sums), where=density > 0)
        outermost = ax.contourf(*centers, density.T, levels=[levels[0], np.inf], colors="k")
        image = _draw_image(ax, means, edges, outermost, colours)
    else:
        shades = [
            tuple(share * np.array(theme.foreground) + (1 - share) * np.array(theme.background))
            for share in np.linspace(0.08, 0.45, len(levels))
        ]
        ax.contourf(*centers, density.T, levels=[*levels, np.inf], colors=shades, zorder=1)
    lines = {"colors": [theme.background], "linewidths": 0.9, "zorder": 1.5}
    contours = ax.contour(*centers, density.T, levels=levels, **lines)
    cells = [
        np.clip(np.digitize(values, edge) - 1, 0, N_CELLS - 1)
        for values, edge in zip((x, y), edges, strict=True)
    ]
    return contours, image, density[tuple(cells)] < levels[0]


def _draw_image(ax, means, edges, outermost, colours):
    """Draw the mean values, cut along the outermost contour."""
    from matplotlib.path import Path

    paths = [path for path in outermost.get_paths() if len(path.vertices)]
    outermost.remove()
    limits = ax.get_xlim(), ax.get_ylim()
    extent = (*edges[0][[0, -1]], *edges[1][[0, -1]])
    style = {"origin": "lower", "aspect": "auto", "interpolation": "bilinear", "zorder": 1}
    image = ax.imshow(means.T, extent=extent, **style, **colours)
    ax.set(xlim=limits[0], ylim=limits[1])
    image.set_clip_path(Path.make_compound_path(*paths), ax.transData)
    return image


def draw_hexagons(ax, places, values, style):
    """Draw hexagons with the mean value of their rows, the larger the more rows they hold.

    Returns
    -------
    hexagons : matplotlib PolyCollection
        The hexagons.
    handles : list of matplotlib Line2D
        Entries of a legend: the sizes of the emptiest and the fullest hexagon.
    """
    from matplotlib.lines import Line2D

    x, y = places
    inches = ax.get_window_extent().width / ax.figure.dpi
    gridsize = int(np.clip(9 * inches, 15, 60))  # cells of 8 points
    extent = (0, ax.get_xlim()[1], 0, 1)
    style = {"linewidths": 0.2, "gridsize": gridsize, "extent": extent, **style}
    hexagons = ax.hexbin(x, y, C=values, **style)
    geometry = ("gridsize", "extent", "xscale", "yscale", "mincnt")
    shared = {name: style[name] for name in geometry if name in style}
    counted = ax.hexbin(x, y, C=values, reduce_C_function=len, **shared)
    counts = np.asarray(counted.get_array())
    counted.remove()
    if not len(counts):
        return hexagons, []
    few, many = np.log([counts.min(), counts.max()])
    fullness = (
        (np.log(counts) - few) / max(many - few, 1e-9) if many > few else np.ones(len(counts))
    )
    sides = _SMALLEST + (1 - _SMALLEST) * fullness
    polygons = [path.vertices for path in hexagons.get_paths()]  # one for all, or one for each
    if len(polygons) == 1:
        polygons = polygons * len(sides)
    hexagons.set_verts(
        [
            polygon.mean(axis=0) + side * (polygon - polygon.mean(axis=0))
            for polygon, side in zip((polygon[:6] for polygon in polygons), sides, strict=True)
        ]
    )
    marker = {"marker": "H", "linestyle": "none", "color": get_theme(ax).weak}
    handles = [
        Line2D([], [], markersize=_IN_LEGEND * side, label=_count(count), **marker)
        for side, count in sorted({(sides.min(), counts.min()), (sides.max(), counts.max())})
    ]
    return hexagons, handles


def _count(n):
    return f"{int(n):,} row{'s' if n != 1 else ''}"


def _compute_widths(x, y, edges):
    """Compute the widths of the kernel, in cells."""
    # half the bandwidth of Scott's rule in two dimensions, n ** (-1 / 6) standard deviations:
    # the rule is made for one normal cluster, and maps have several
    factor = 0.5 * len(x) ** (-1 / 6)
    return [
        max(1.0, factor * np.std(values) / (edge[1] - edge[0]))
        for values, edge in zip((x, y), edges, strict=True)
    ]


def _compute_levels(density):
    """Find the densities above which the given shares of all rows lie, ascending."""
    cells = np.sort(density, axis=None)[::-1]
    inside = np.cumsum(cells) / cells.sum()
    return np.unique(cells[np.searchsorted(inside, SHARES)])
