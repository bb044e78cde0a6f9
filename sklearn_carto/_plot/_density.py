"""How densely rows lie on a map: a smoothed count of rows a cell, and its contours."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

N_CELLS = 128  # a side, of the grid that rows are counted on
SHARES = (0.95, 0.8, 0.6, 0.4, 0.2)  # of the rows that lie inside each contour


def density_of(x, y, edges):
    """Count rows a cell, smoothed; mass does not leak over the borders of the map.

    Parameters
    ----------
    x, y : ndarray of shape (n_rows,)
        Where the rows lie.
    edges : list of two ndarrays of shape (N_CELLS + 1,)
        Borders of the cells.

    Returns
    -------
    density : ndarray of shape (N_CELLS, N_CELLS)
        Rows a cell.
    """
    counts, _, _ = np.histogram2d(x, y, bins=edges)
    spread = 0.5 * len(x) ** (-1 / 6)  # half of Scott's rule, for maps have several crowds
    widths = [
        max(1.0, spread * np.std(values) / (edge[1] - edge[0]))
        for values, edge in zip((x, y), edges, strict=True)
    ]
    return gaussian_filter(counts, widths, mode="reflect")


def levels_of(density):
    """Find the densities above which the shares of all rows lie.

    Parameters
    ----------
    density : ndarray of shape (N_CELLS, N_CELLS)
        Rows a cell.

    Returns
    -------
    levels : ndarray of shape (n_levels,)
        Ascending.
    """
    cells = np.sort(density, axis=None)[::-1]
    inside = np.cumsum(cells) / cells.sum()
    return np.unique(cells[np.searchsorted(inside, SHARES)])
