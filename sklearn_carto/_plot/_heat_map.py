"""Heat map: a matrix as coloured cells with numbers."""

from __future__ import annotations

import numpy as np

from sklearn_carto._plot._colours import choose_ink, get_theme
from sklearn_carto._plot._fitting import get_size, lay_out, write_ticks

_SMALLEST = 4.5  # size of numbers that are still written, in points


def draw_heat_map(ax, matrix, rows, columns, *, low, high, cmap="cividis", form="{:.2f}"):
    """Draw a matrix as coloured cells with their numbers; a cell with NaN stays empty.

    The colours range from `low` to `high`. The image and the list of texts are returned.
    """
    theme = get_theme(ax)
    image = ax.imshow(matrix, vmin=low, vmax=high, cmap=cmap, aspect="auto")
    ax.set_xticks(range(len(columns)), labels=[""] * len(columns))
    ax.set_yticks(range(len(rows)), labels=[""] * len(rows))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    for place in np.arange(1, len(columns)) - 0.5:  # lines between cells of the same colour
        ax.axvline(place, color=theme.background, linewidth=1)
    for place in np.arange(1, len(rows)) - 0.5:
        ax.axhline(place, color=theme.background, linewidth=1)
    texts = []
    for i, j in np.argwhere(np.isfinite(matrix)):
        colour = choose_ink(image.cmap(image.norm(matrix[i, j]))[:3])
        text = form.format(matrix[i, j])
        texts.append(ax.text(j, i, text, ha="center", va="center", color=colour))
    return image, texts


def fit_heat_map(ax, rows, columns, texts):
    """Write the names of rows and columns, and size the numbers, so that they fit.

    Names of columns are turned where they are wider than their cells. Names are shortened, and
    numbers hidden, where even small ones do not fit. Without `rows` the rows are not named.
    """
    size = ax.xaxis.label.get_fontsize()
    root = ax.figure.canvas.figure
    width, height = 72 * root.get_size_inches()
    whole = get_size(ax.patch)
    line = min(size, 0.8 * whole[1] / max(ax.get_yticks().size, 1))
    share = 0.22 if len(ax.figure.axes) < 3 else 0.12
    if len(rows):
        write_ticks(ax.yaxis, rows, share * width, max(line, _SMALLEST))
        lay_out(ax)
    cell = get_size(ax.patch)[0] / len(columns)
    write_ticks(ax.xaxis, columns, 10 * width, size)
    widest = max(get_size(label)[0] for label in ax.get_xticklabels())
    if widest > cell - 3:
        size = max(min(size, 0.8 * cell), _SMALLEST)
        write_ticks(ax.xaxis, columns, 0.3 * height, size, rotation=90)
    lay_out(ax)
    _fit_numbers(ax, texts, len(columns))


def _fit_numbers(ax, texts, n_columns):
    if not texts:
        return
    size = ax.xaxis.label.get_fontsize()
    cell = get_size(ax.patch) / [n_columns, ax.get_yticks().size]
    sizes = []
    for text in texts:
        text.set(fontsize=size, visible=True)
        sizes.append((0.9 * cell / get_size(text)).min() * size)
    size = min(0.9 * size, *sizes)
    for text in texts:
        text.set(fontsize=size, visible=size >= _SMALLEST)
