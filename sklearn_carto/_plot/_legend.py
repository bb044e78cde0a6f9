"""Legends outside of the axes."""

from __future__ import annotations

from sklearn_carto._plot._fitting import get_size, shorten


def place_legend(ax, handles, names):
    """Place a legend beside the axes, below them in a narrow figure, or inside without layout."""
    root = ax.figure.canvas.figure
    beside: dict = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    if root.get_layout_engine() is None:  # nothing would make room
        beside = {"loc": "best", "framealpha": 0.8}
    legend = ax.legend(handles, names, fontsize="small", **{"frameon": False, **beside})
    width = 72 * root.get_size_inches()[0]
    _shorten_names(legend, 0.3 * width)
    if root.get_layout_engine() is None or get_size(legend)[0] < 0.4 * width:
        return legend
    legend.remove()
    below: dict = {"loc": "outside lower center", "frameon": False, "fontsize": "x-small"}
    below |= {"handlelength": 1.5, "columnspacing": 1.0, "labelspacing": 0.2}
    for n_columns in range(4, 0, -1):
        legend = ax.figure.legend(handles, names, ncols=n_columns, **below)
        _shorten_names(legend, 0.4 * width)
        if get_size(legend)[0] < width:
            break
        if n_columns > 1:
            legend.remove()
    return legend


def _shorten_names(legend, room):
    for text in legend.get_texts():
        text.set_parse_math(False)
        text.set_text(shorten(text, text.get_text(), room))
