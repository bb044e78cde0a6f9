"""Heat map: a matrix as coloured cells with numbers."""

from __future__ import annotations

import numpy as np


def draw_heat_map(ax, matrix, rows, columns, *, low, high, cmap="cividis", form="{:.2f}"):
    """Draw a matrix as coloured cells with their numbers; a cell with NaN stays empty.

    The colours range from `low` to `high`. The image and the list of texts are returned.
    """
    image = ax.imshow(matrix, vmin=low, vmax=high, cmap=cmap, aspect="auto")
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), rows)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    texts = []
    for i, j in np.argwhere(np.isfinite(matrix)):
        red, green, blue, _ = image.cmap(image.norm(matrix[i, j]))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5  # luma, ITU-R BT.601
        colour = "white" if dark else "black"
        text = form.format(matrix[i, j])
        texts.append(ax.text(j, i, text, ha="center", va="center", color=colour, fontsize="small"))
    return image, texts
