"""A matrix as coloured cells with their numbers in them."""

from __future__ import annotations

import numpy as np


def draw_heat_map(ax, matrix, rows, columns, *, low, high, cmap="cividis", form="{:.2f}"):
    """Draw a matrix.

    Parameters
    ----------
    ax : matplotlib Axes
        Where.
    matrix : ndarray of shape (n_rows, n_columns)
        What; NaN leaves a cell empty.
    rows, columns : list of str
        Names.
    low, high : float
        Values of the first and of the last colour.
    cmap : str or matplotlib Colormap, default="cividis"
        Colours.
    form : str, default="{:.2f}"
        How a number is written.

    Returns
    -------
    image : matplotlib AxesImage
        The cells.
    texts : list of matplotlib Text
        The numbers.
    """
    image = ax.imshow(matrix, vmin=low, vmax=high, cmap=cmap, aspect="auto")
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), rows)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    texts = []
    for i, j in np.argwhere(np.isfinite(matrix)):
        red, green, blue, _ = image.cmap(image.norm(matrix[i, j]))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5  # as the eye weighs colours
        colour = "white" if dark else "black"
        text = form.format(matrix[i, j])
        texts.append(ax.text(j, i, text, ha="center", va="center", color=colour, fontsize="small"))
    return image, texts
