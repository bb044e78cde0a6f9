"""Texts on the plot of a data map: names of the regions, a legend, a note on missing rows."""

from __future__ import annotations

_SMALL = {"fontsize": "small", "color": "0.35", "zorder": 5}
_CORNERS = {  # position in axes coordinates, horizontal and vertical alignment
    "easy-to-learn": ((0.02, 0.985), "left", "top"),
    "ambiguous": ((0.98, 0.5), "right", "center"),
    "hard-to-learn": ((0.02, 0.015), "left", "bottom"),
}


def write_region_names(ax):
    """Write the name of each region into its corner, with a white outline."""
    from matplotlib.patheffects import withStroke

    outline = [withStroke(linewidth=3.5, foreground="white")]
    style = {"fontsize": "large", "fontweight": "bold", "color": "black", "zorder": 5}
    return [
        ax.text(*xy, name, transform=ax.transAxes, ha=ha, va=va, path_effects=outline, **style)
        for name, (xy, ha, va) in _CORNERS.items()
    ]


def write_note(ax, n_left_out, n_seen, n_samples):
    """Write how many rows are not drawn; return None if all are."""
    parts = []
    if n_left_out:
        parts.append(f"{n_seen - n_left_out:,} of {n_seen:,} rows drawn")
    if n_seen < n_samples:
        parts.append(f"{n_samples - n_seen:,} rows never seen in training")
    if not parts:
        return None
    return ax.text(
        0.98, 0.02, "\n".join(parts), transform=ax.transAxes, ha="right", va="bottom", **_SMALL
    )


def write_legend(ax, n_held_out):
    """Write what the hollow points are."""
    from matplotlib.lines import Line2D

    handle = Line2D([], [], color="0.35", marker="o", markersize=5, linestyle="none")
    handle.set(markerfacecolor="none", label=f"held out ({n_held_out:,})")
    ax.legend(handles=[handle], loc="upper right", fontsize="small", frameon=False)
