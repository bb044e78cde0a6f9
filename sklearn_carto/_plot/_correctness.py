"""Colours of correctness, and histograms; after few epochs correctness takes few values."""

from __future__ import annotations

import numpy as np

from sklearn_carto._plot._colours import choose_ink, get_theme, make_colormap

# up to this number of epochs each value of correctness has a colour and bar of its own; more than
# about ten colours are hard to distinguish (a convention)
_MAX_DISCRETE = 10
MARKERS = "vso"  # of correctness below 1/3, below 2/3 and above
_RANGES = {"confidence": (0, 1), "variability": (0, None), "correctness": (0, 1)}


def get_colours(ax, cmap, correctness, n_epochs):
    """Return the colour map and norm of correctness; discrete if there are few values."""
    import matplotlib
    from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize

    if cmap is None:
        cmap = make_colormap(ax)
    elif isinstance(cmap, str):
        cmap = matplotlib.colormaps[cmap]
    if not takes_few_values(correctness, n_epochs):
        return {"cmap": cmap, "norm": Normalize(0, 1)}
    values, borders = _values_and_borders(n_epochs)
    return {"cmap": ListedColormap(cmap(values)), "norm": BoundaryNorm(borders, len(values))}


def takes_few_values(correctness, n_epochs):
    """Whether correctness is a share of few epochs; the mean of several maps may lie between."""
    counts = correctness * n_epochs
    return n_epochs <= _MAX_DISCRETE and bool(np.allclose(counts, np.round(counts), atol=1e-6))


def set_markers(points, correctness):
    """Give each point a shape for the third that its correctness, or another share, lies in."""
    from matplotlib.markers import MarkerStyle

    styles = [MarkerStyle(marker) for marker in MARKERS]
    paths = [style.get_path().transformed(style.get_transform()) for style in styles]
    points.set_paths([paths[third] for third in _find_thirds(correctness)])


def _find_thirds(correctness):
    return np.clip(np.floor(3 * np.asarray(correctness) + 1e-6), 0, 2).astype(int)


def draw_colorbar(points, ax, few_values, n_epochs, label, *, shapes):
    """Draw the colour bar of correctness, with a tick at each value if there are few."""
    colorbar = ax.figure.colorbar(points, ax=ax, label=label)
    colorbar.solids.set_alpha(1.0)
    if few_values:
        values = _values_and_borders(n_epochs)[0]
        colorbar.set_ticks(values, labels=[_write_share(i, n_epochs) for i in range(len(values))])
        colorbar.minorticks_off()
    else:
        colorbar.ax.yaxis.set_major_formatter("{x:.1f}")
    if shapes:
        places = _values_and_borders(n_epochs)[0] if few_values else np.array([1, 3, 5]) / 6
        write_shapes(colorbar, points, places, places)
    return colorbar


def write_shapes(colorbar, points, places, shares):
    """Write the shapes of points on their colour bar, at places that stand for shares in [0, 1]."""
    for place, third in zip(places, _find_thirds(shares), strict=True):
        colour = choose_ink(points.cmap(points.norm(place))[:3])
        style = {"marker": MARKERS[third], "color": colour, "markeredgewidth": 0}
        colorbar.ax.plot([0.5], [place], markersize=4.2, linestyle="none", zorder=5, **style)


def _write_share(count, n_epochs):
    """Write a share: as a decimal if two digits hold it exactly, else as a fraction."""
    if 100 % n_epochs == 0:
        return f"{count / n_epochs:.{1 if 10 % n_epochs == 0 else 2}f}"
    return f"{count}/{n_epochs}" if 0 < count < n_epochs else f"{count // n_epochs}"


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


def draw_histogram(ax, values, name, n_epochs, few_values):
    """Draw the histogram of a statistic, with a bar for each value of a discrete correctness."""
    from matplotlib.ticker import MaxNLocator

    low, high = _RANGES[name]
    high = max(0.1, values.max()) if high is None else high
    bins = np.linspace(low, high, 21)
    if name == "correctness" and few_values:
        bins = _values_and_borders(n_epochs)[1]
    ax.hist(values, bins=bins, color=get_theme(ax).weak, rwidth=0.9)
    ax.locator_params(axis="x", nbins=3)
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_ylabel("rows", fontsize="small")
    ax.set_title(name, fontsize="medium")
    ax.tick_params(labelsize="small")
    ax.spines[["top", "right"]].set_visible(False)


def _values_and_borders(n_epochs):
    """Return the values that correctness can take, and the borders between them."""
    values = np.arange(n_epochs + 1) / n_epochs
    return values, np.concatenate([values - 0.5 / n_epochs, [1 + 0.5 / n_epochs]])
