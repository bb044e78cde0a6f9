"""Density of the rows on a data map: contours, and hexagons that grow with their counts."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from sklearn_carto._plot._colours import get_theme

N_CELLS = 128  # per side of the grid that counts rows; finer than a contour of 5 inches shows
_FLAT = 6.0  # width of the kernel in cells, of rows that all have one value
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

    The limits of the axes are widened where the contours go beyond the rows.

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
    bandwidths = _compute_bandwidths(x, y)
    right = max(ax.get_xlim()[1], x.max() + 3 * bandwidths[0])
    edges = [np.linspace(0, high, N_CELLS + 1) for high in (right, 1)]
    cells = [width / edge[1] for width, edge in zip(bandwidths, edges, strict=True)]
    widths = [max(1.0, width) if width > 1e-3 else _FLAT for width in cells]
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
    drawn = density.max(axis=1) >= levels[0]
    ax.set_xlim(right=max(ax.get_xlim()[1], edges[0][1:][drawn].max()))
    places = [
        np.clip(np.digitize(values, edge) - 1, 0, N_CELLS - 1)
        for values, edge in zip((x, y), edges, strict=True)
    ]
    return contours, image, density[tuple(places)] < levels[0]


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
    box = ax.get_window_extent()
    n_across = int(np.clip(9 * box.width / ax.figure.dpi, 15, 60))  # cells of 8 points
    # rows of regular hexagons are closer than columns, by the square root of 3
    shape = box.height / box.width * np.ptp(ax.get_xlim()) / np.ptp(ax.get_ylim())
    n_upward = max(4, round(n_across * shape / ax.get_xlim()[1] / np.sqrt(3)))
    gridsize, extent = (n_across, n_upward), (0, ax.get_xlim()[1], 0, 1)
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


def _compute_bandwidths(x, y):
    """Compute the widths of the kernel in variability and in confidence."""
    # half the bandwidth of Scott's rule in two dimensions, n ** (-1 / 6) standard deviations:
    # the rule is made for one normal cluster, and maps have several
    return [0.5 * len(x) ** (-1 / 6) * np.std(values) for values in (x, y)]


def _compute_levels(density):
    """Find the densities above which the given shares of all rows lie, ascending."""
    cells = np.sort(density, axis=None)[::-1]
    inside = np.cumsum(cells) / cells.sum()
    return np.unique(cells[np.searchsorted(inside, SHARES)])
