"""Arguments of the displays' ``plot``: axes, and what is passed on to matplotlib."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import signature

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe


def get_axes(ax, n_axes, item, **kwargs):
    """Return `n_axes` axes, each for an `item`: those that the user passed, or of a new figure.

    The keyword arguments are passed to ``matplotlib.pyplot.subplots``. Another number of axes than
    `n_axes`, and what is no axes, raise an error.
    """
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is None:
        _, ax = plt.subplots(1, n_axes, layout="constrained", **kwargs)
    axes = np.ravel(np.asarray(ax, dtype=object))
    if not all(isinstance(one, Axes) for one in axes):
        raise InvalidParameterError(
            f"The 'ax' parameter of plot must be matplotlib Axes, one for each {item}, or None. "
            f"Got {describe(ax)} instead."
        )
    if any(one.name == "3d" for one in axes):
        raise InvalidParameterError(
            "The 'ax' parameter of plot must be axes of two dimensions. "
            f"Got {describe(ax)} instead."
        )
    if len(axes) != n_axes:
        raise ValueError(f"ax must hold {n_axes} axes, one for each {item}; got {len(axes)}.")
    return axes


def check_cmap(cmap, owner):
    """Raise an error unless a colour map is None, one of matplotlib's, or the name of one."""
    import matplotlib
    from matplotlib.colors import Colormap

    is_name = isinstance(cmap, str) and cmap in matplotlib.colormaps
    if cmap is None or isinstance(cmap, Colormap) or is_name:
        return
    close = get_close_matches(str(cmap), list(matplotlib.colormaps), n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise InvalidParameterError(
        f"The 'cmap' parameter of {owner} must be a Colormap of matplotlib, or the name of one. "
        f"Got {describe(cmap)} instead.{hint}"
    )


def check_plot_kwargs(kwargs, parameters, method):
    """Raise an error if an argument is neither a parameter of `plot` nor of matplotlib's method.

    Matplotlib's own error would name a collection, and not the display.
    """
    from matplotlib.artist import ArtistInspector
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection, PolyCollection

    artist = ArtistInspector(PolyCollection if method == "hexbin" else PathCollection)
    aliases = {alias for names in artist.aliasd.values() for alias in names}
    known = {*signature(getattr(Axes, method)).parameters, *artist.get_setters(), *aliases}
    known -= {"self", "x", "y", "C", "data", "kwargs", "array"}  # the display passes these itself
    for name in sorted(kwargs.keys() - known):
        close = get_close_matches(name, parameters, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidParameterError(
            f"DataMapDisplay.plot got an unexpected argument {name!r}.{hint} Known are "
            f"{', '.join(parameters)}, and those of matplotlib's {method}."
        )
