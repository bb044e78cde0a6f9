"""Heat map: a matrix as coloured cells with numbers."""

from __future__ import annotations

from functools import partial

import numpy as np

from sklearn_carto._plot._colours import choose_ink, get_theme
from sklearn_carto._plot._fitting import get_size, write_ticks

_SMALLEST = 4.5  # size of numbers that are still written, in points


def draw_heat_map(ax, matrix, rows, columns, *, low, high, cmap="cividis", form="{:.2f}"):
    """Draw a matrix as coloured cells with their numbers; a cell with NaN stays empty.

    The colours range from `low` to `high`. The image and the list of texts are returned.
    """
    theme = get_theme(ax)
    image = ax.imshow(matrix, vmin=low, vmax=high, cmap=cmap, aspect="auto")
    ax.set_xticks(range(len(columns)), labels=[""] * len(columns))
    ax.set_yticks(range(len(rows)), labels=[""] * len(rows))
    ax.spines[:].set(color=theme.mark, linewidth=0.8)  # no colour map contrasts with all axes
    ax.tick_params(length=0)
    for place in np.arange(1, len(columns)) - 0.5:  # lines between cells of the same colour
        ax.axvline(place, color=theme.mark, linewidth=0.8)
    for place in np.arange(1, len(rows)) - 0.5:
        ax.axhline(place, color=theme.mark, linewidth=0.8)
    texts = []
    for i, j in np.argwhere(np.isfinite(matrix)):
        colour = choose_ink(image.cmap(image.norm(matrix[i, j]))[:3])
        text = form.format(matrix[i, j])
        if not text.strip("-0."):  # no minus before a zero
            text = text.lstrip("-")
        texts.append(ax.text(j, i, text, ha="center", va="center", color=colour))
    return image, texts


def plan_heat_map(ax, rows, columns, texts):
    """Return rounds that write the names, and size the numbers, so that they fit.

    Names of columns are turned where they are wider than their cells. Names are shortened, and
    numbers hidden, where even small ones do not fit. Without `rows` the rows are not named.
    """
    share = 0.22 if len(ax.figure.axes) < 3 else 0.12  # of the figure, for names of rows
    return [
        [partial(_name_rows, ax, rows, share)] if len(rows) else [],
        [partial(_name_columns, ax, columns)],
        [],
        [partial(_fit_numbers, ax, texts, len(columns))],
    ]


def _name_rows(ax, rows, share):
    width = get_size(ax.figure.canvas.figure.patch)[0]
    line = 0.8 * get_size(ax.patch)[1] / len(rows)
    size = max(min(ax.xaxis.label.get_fontsize(), line), _SMALLEST)
    write_ticks(ax.yaxis, rows, share * width, size)


def _name_columns(ax, columns):
    width, height = get_size(ax.figure.canvas.figure.patch)
    cell = get_size(ax.patch)[0] / len(columns)
    size = ax.xaxis.label.get_fontsize()
    write_ticks(ax.xaxis, columns, 10 * width, size)
    if max(get_size(label)[0] for label in ax.get_xticklabels()) > cell - 3:
        size = max(min(size, 0.8 * cell), _SMALLEST)
        write_ticks(ax.xaxis, columns, 0.3 * height, size, rotation=90)


def _fit_numbers(ax, texts, n_columns):
    size = ax.xaxis.label.get_fontsize()
    cell = get_size(ax.patch) / [n_columns, ax.get_yticks().size]
    sizes = []
    for text in texts:
        text.set(fontsize=size, visible=True)
        sizes.append((0.9 * cell / get_size(text)).min() * size)
    size = min([0.9 * size, *sizes])
    for text in texts:
        text.set(fontsize=size, visible=size >= _SMALLEST)
