"""Arguments of the displays' ``plot``: axes, and what is passed on to matplotlib."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import signature

import numpy as np


def get_axes(ax, n_axes, item, **kwargs):
    """Return the axes to draw on.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of Axes or None
        The axes that the user passed; None: those of a new figure.
    n_axes : int
        How many are needed.
    item : str
        What is drawn on each, for the error.
    **kwargs : dict
        Passed to ``matplotlib.pyplot.subplots`` for a new figure.

    Returns
    -------
    axes : ndarray of matplotlib Axes of shape (n_axes,)
        The axes.

    Raises
    ------
    ValueError
        If the user passed another number of axes.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(1, n_axes, layout="constrained", **kwargs)
    axes = np.ravel(ax)
    if len(axes) != n_axes:
        raise ValueError(f"ax must hold {n_axes} axes, one for each {item}; got {len(axes)}.")
    return axes


def check_plot_kwargs(kwargs, parameters, method):
    """Raise an error of our own if neither `plot` nor matplotlib takes an argument.

    Parameters
    ----------
    kwargs : dict
        What the user passed.
    parameters : list of str
        Parameters of `plot`.
    method : {"scatter", "hexbin"}
        Method of matplotlib's Axes that takes the rest.

    Raises
    ------
    TypeError
        If an argument is unknown.
    """
    from matplotlib.artist import ArtistInspector
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection, PolyCollection

    artist = ArtistInspector(PolyCollection if method == "hexbin" else PathCollection)
    aliases = {alias for names in artist.aliasd.values() for alias in names}
    known = {*signature(getattr(Axes, method)).parameters, *artist.get_setters(), *aliases}
    for name in sorted(kwargs.keys() - known):
        close = get_close_matches(name, parameters, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise TypeError(
            f"DataMapDisplay.plot got an unexpected argument {name!r}.{hint} Known are "
            f"{', '.join(parameters)}, and those of matplotlib's {method}."
        )
