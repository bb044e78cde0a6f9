"""Colours of correctness, and histograms; after few epochs correctness takes few values."""

from __future__ import annotations

import numpy as np

# up to this number of epochs each value of correctness has a colour and bar of its own; more than
# about ten colours are hard to distinguish (a convention)
_MAX_DISCRETE = 10
_RANGES = {"confidence": (0, 1), "variability": (0, None), "correctness": (0, 1)}


def get_colours(cmap, n_epochs):
    """Return the colour map and norm of correctness; discrete if there are few values."""
    import matplotlib
    from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize

    if cmap is None:  # plasma without its light end, which would vanish on white
        cmap = ListedColormap(matplotlib.colormaps["plasma"](np.linspace(0.82, 0.0, 256)))
    elif isinstance(cmap, str):
        cmap = matplotlib.colormaps[cmap]
    if n_epochs > _MAX_DISCRETE:
        return {"cmap": cmap, "norm": Normalize(0, 1)}
    values, borders = _values_and_borders(n_epochs)
    return {"cmap": ListedColormap(cmap(values)), "norm": BoundaryNorm(borders, len(values))}


def draw_colorbar(points, ax, n_epochs):
    """Draw the colour bar of correctness, with a tick at each value if there are few."""
    colorbar = ax.figure.colorbar(points, ax=ax, label="correctness")
    colorbar.solids.set_alpha(1.0)
    if n_epochs <= _MAX_DISCRETE:
        colorbar.set_ticks(_values_and_borders(n_epochs)[0])
        colorbar.minorticks_off()
    one_decimal = n_epochs > _MAX_DISCRETE or 10 % n_epochs == 0
    colorbar.ax.yaxis.set_major_formatter("{x:.1f}" if one_decimal else "{x:.2f}")
    return colorbar


def add_histogram_axes(ax):
    """Split the place of a subplot between the map and a column of three histograms."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "histograms=True needs axes made by subplots, whose place can be shared. Pass such "
            "axes, or none."
        )
    no_layout = ax.figure.get_layout_engine() is None  # then nothing else keeps texts apart
    spaces = {"wspace": 0.55, "hspace": 0.9} if no_layout else {}
    grid = place.subgridspec(3, 2, width_ratios=(3, 1), **spaces)
    ax.set_subplotspec(grid[:, 0])
    return {name: ax.figure.add_subplot(grid[i, 1]) for i, name in enumerate(_RANGES)}


def draw_histogram(ax, values, name, n_epochs):
    """Draw the histogram of a statistic, with a bar for each value of a discrete correctness."""
    low, high = _RANGES[name]
    high = max(0.1, values.max()) if high is None else high
    bins = np.linspace(low, high, 21)
    if name == "correctness" and n_epochs <= _MAX_DISCRETE:
        bins = _values_and_borders(n_epochs)[1]
    ax.hist(values, bins=bins, color="0.45", rwidth=0.9)
    ax.set_title(name, fontsize="medium")
    ax.tick_params(labelsize="small")
    ax.spines[["top", "right"]].set_visible(False)


def _values_and_borders(n_epochs):
    """Return the values that correctness can take, and the borders between them."""
    values = np.arange(n_epochs + 1) / n_epochs
    return values, np.concatenate([values - 0.5 / n_epochs, [1 + 0.5 / n_epochs]])
