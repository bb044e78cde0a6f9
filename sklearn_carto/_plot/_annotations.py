"""Texts on the plot of a data map: names of the regions, a legend, a note on missing rows."""

from __future__ import annotations

EXCLUDED_COLOUR = "0.75"  # light, behind the others
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


def write_note(ax, parts):
    """Write what is not drawn; return None if there are no parts to write."""
    if not parts:
        return None
    return ax.text(
        0.98, 0.02, "\n".join(parts), transform=ax.transAxes, ha="right", va="bottom", **_SMALL
    )


def write_legend(ax, n_held_out, n_excluded):
    """Write what hollow points and crosses are."""
    from matplotlib.lines import Line2D

    hollow, cross = (Line2D([], [], markersize=5, linestyle="none") for _ in range(2))
    hollow.set(color="0.35", marker="o", markerfacecolor="none")
    hollow.set_label(f"held out ({n_held_out:,})")
    cross.set(color=EXCLUDED_COLOUR, marker="x")
    cross.set_label(f"weight 0 ({n_excluded:,})")
    counts = {hollow: n_held_out, cross: n_excluded}
    handles = [handle for handle, count in counts.items() if count]
    if handles:
        ax.legend(handles=handles, loc="upper right", fontsize="small", frameon=False)
