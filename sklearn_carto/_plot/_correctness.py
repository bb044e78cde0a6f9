"""Colours and histograms of a map; correctness has few values where there are few epochs."""

from __future__ import annotations

import numpy as np

STEPS = 10  # up to so many epochs each value of correctness has a colour of its own


def steps_of(n_epochs):
    """Values that correctness has after so many epochs."""
    return np.arange(n_epochs + 1) / n_epochs


def colours_of(cmap, n_epochs):
    """Colour map and norm of correctness; steps where there are few values."""
    import matplotlib
    from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize

    if cmap is None:  # plasma without its light end, which would vanish on white
        cmap = ListedColormap(matplotlib.colormaps["plasma"](np.linspace(0.82, 0.0, 256)))
    elif isinstance(cmap, str):
        cmap = matplotlib.colormaps[cmap]
    if n_epochs > STEPS:
        return {"cmap": cmap, "norm": Normalize(0, 1)}
    steps = steps_of(n_epochs)
    borders = np.concatenate([steps - 0.5 / n_epochs, [1 + 0.5 / n_epochs]])
    return {"cmap": ListedColormap(cmap(steps)), "norm": BoundaryNorm(borders, len(steps))}


def make_room(ax):
    """Share the place of a subplot between the map and a column of three histograms."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "histograms=True needs axes made by subplots, whose place can be shared. Pass such "
            "axes, or none."
        )
    by_hand = ax.figure.get_layout_engine() is None  # nobody else keeps texts apart
    spaces = {"wspace": 0.55, "hspace": 0.9} if by_hand else {}
    grid = place.subgridspec(3, 2, width_ratios=(3, 1), **spaces)
    ax.set_subplotspec(grid[:, 0])
    return [ax.figure.add_subplot(grid[i, 1]) for i in range(3)]


def draw_histogram(ax, values, name, limits, steps):
    """Histogram of one statistic; a bar for each value of correctness where these are few."""
    low, high = limits
    high = max(0.1, values.max()) if high is None else high
    bins = np.linspace(low, high, 21)
    if steps is not None and steps <= STEPS:
        bins = np.concatenate([steps_of(steps) - 0.5 / steps, [1 + 0.5 / steps]])
    ax.hist(values, bins=bins, color="0.45", rwidth=0.9)
    ax.set_title(name, fontsize="medium")
    ax.tick_params(labelsize="small")
    ax.spines[["top", "right"]].set_visible(False)
