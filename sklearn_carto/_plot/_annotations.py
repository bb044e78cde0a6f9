"""Texts on the plot of a data map: names of the regions, a legend, notes; none covers a row."""

from __future__ import annotations

import numpy as np

from sklearn_carto._plot._colours import get_theme
from sklearn_carto._plot._fitting import get_size, wrap

_REGIONS = ("easy-to-learn", "ambiguous", "hard-to-learn")
_ROUNDING = 1.08  # by which a text is wider if it is saved at another resolution
_PAD, _GAP = 0.3, 0.35  # around the name in a box and around the box, in units of the text size


def write_region_names(ax):
    """Write the name of each region in a box, as figure 1 of the paper does."""
    theme = get_theme(ax)
    box: dict = {"boxstyle": f"round,pad={_PAD}", "linewidth": 0.8}
    box |= {"facecolor": theme.background, "edgecolor": theme.foreground}
    style: dict = {
        "fontsize": "large",
        "fontweight": "bold",
        "color": theme.foreground,
        "zorder": 5,
    }
    texts = [ax.text(0, 0, name, transform=ax.transAxes, bbox=box, **style) for name in _REGIONS]
    texts[0].set(ha="left", va="top")
    texts[1].set(ha="right", va="center", rotation=90)
    texts[2].set(ha="left", va="bottom")
    return texts


def write_note(ax, parts):
    """Write what is not drawn; return None if there are no parts to write."""
    if not parts:
        return None
    style = {"fontsize": "small", "color": get_theme(ax).weak, "zorder": 5}
    written = "\n".join(parts)
    return ax.text(1, 0, written, transform=ax.transAxes, ha="right", va="bottom", **style)


def make_handles(ax, n_held_out, n_excluded):
    """Make the entries of a legend for hollow points and crosses, where there are any."""
    from matplotlib.lines import Line2D

    theme = get_theme(ax)
    hollow, cross = (Line2D([], [], markersize=5, linestyle="none") for _ in range(2))
    hollow.set(color=theme.weak, marker="o", markerfacecolor="none")
    hollow.set_label(f"held out ({n_held_out:,})")
    cross.set(color=theme.mark, marker="x")
    cross.set_label(f"weight 0 ({n_excluded:,})")
    counts = {hollow: n_held_out, cross: n_excluded}
    return [handle for handle, count in counts.items() if count]


def make_room(ax, names, handles, note, limits):
    """Widen the limits of the axes by bands that hold the texts, so that they cover no row.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes of the map.
    names : list of matplotlib Text
        Names of the regions, or none.
    handles : list of matplotlib Line2D
        Entries of the legend, or none.
    note : matplotlib Text or None
        Note.
    limits : dict of str to tuple of float
        Limits of the rows, "x" and "y". Those of the axes are written to "drawn"; other limits are
        left alone, since the caller has set them.
    """
    if "drawn" in limits and limits["drawn"] != (ax.get_xlim(), ax.get_ylim()):
        return
    whole = get_size(ax.patch)
    legend = _write_legend(ax, handles, whole[0]) if handles else None
    if note is not None:
        room = whole[0] / _ROUNDING - note.get_fontsize()
        wrap(note, limits.setdefault("note", note.get_text()), room)
    size = names[0].get_fontsize() if names else 0.0
    gap = _GAP * size
    thick = get_size(names[0])[1] + 2 * (_PAD * size + gap) if names else 0.0
    top, top_below = _stack(names[:1], legend, whole[0], thick)
    bottom, bottom_below = _stack(names[2:], note, whole[0], thick)
    _place_names(names, whole, gap + _PAD * size)
    if legend is not None:
        legend.set_bbox_to_anchor((0, 0, 1, 1 - top_below / whole[1]), ax.transAxes)
    if note is not None:
        space = 0.4 * note.get_fontsize()
        note.set_position((1 - space / whole[0], (bottom_below + space) / whole[1]))
    # a small or empty figure keeps a third of its height for the rows
    shrink = min(1.0, 0.65 * whole[1] / max(top + bottom, 1e-9))
    low, high = limits["y"]
    scale = (high - low) / (whole[1] - shrink * (top + bottom))  # units of the data in a point
    ax.set_ylim(low - shrink * bottom * scale, high + shrink * top * scale)
    left, right = limits["x"]
    right += (right - left) * thick / max(whole[0] - thick, thick + 1.0)
    ax.set_xlim(left, right)
    limits["drawn"] = (ax.get_xlim(), ax.get_ylim())


def _write_legend(ax, handles, width):
    """Write a legend with as many columns as fit into a width."""
    style: dict = {
        "borderaxespad": 0.2,
        "borderpad": 0.3,
        "handletextpad": 0.2,
        "columnspacing": 1.0,
    }
    size = 0.85 * ax.xaxis.label.get_fontsize()
    style |= {"loc": "upper right", "frameon": False, "markerscale": max(1.0, size / 8.5)}
    for n_columns in range(len(handles), 0, -1):
        legend = ax.legend(handles=handles, ncols=n_columns, fontsize=size, **style)
        if get_size(legend)[0] < width:
            break
    return legend


def _stack(names, other, width, thick):
    """Return the height of a band of a name and another text, and the part below the other."""
    if other is None:
        return (thick if names else 0.0), 0.0
    size = get_size(other)
    height = size[1] + 4.0
    if not names:
        return height, 0.0
    if size[0] + get_size(names[0])[0] + 2 * thick < width:
        return max(height, thick), 0.0
    return height + thick, thick


def _place_names(names, whole, margin):
    if names:
        x, y = np.minimum(margin / whole, 0.4)
        for text, place in zip(names, [(x, 1 - y), (1 - x, 0.5), (x, y)], strict=True):
            text.set_position(place)
