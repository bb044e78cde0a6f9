"""Arguments of a display that are handed on to matplotlib."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import signature


def check_plot_kwargs(kwargs, ours, method):
    """Raise where nobody knows an argument; matplotlib would name a collection, not us."""
    from matplotlib.artist import ArtistInspector
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection, PolyCollection

    artist = ArtistInspector(PolyCollection if method == "hexbin" else PathCollection)
    aliases = {alias for names in artist.aliasd.values() for alias in names}
    theirs = {*signature(getattr(Axes, method)).parameters, *artist.get_setters(), *aliases}
    for name in sorted(kwargs.keys() - theirs):
        close = get_close_matches(name, ours, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise TypeError(
            f"DataMapDisplay.plot does not know the argument {name!r}.{hint} Known are "
            f"{', '.join(ours)}, and those of matplotlib's {method}."
        )
