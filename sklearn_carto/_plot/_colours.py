"""Colours of the displays, on light and on dark axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Between eleven shades a reader with any of the three kinds of colour blindness sees a difference
# (CIEDE2000) of at least 4 from each to the next; all have a contrast of at least 3:1 with the
# background, and their luminance rises. They are shades of matplotlib's "inferno".
_RAMP_ON_LIGHT = (
    "#130b34 #230c4d #3e0966 #64156e #85216b #992865 #ac2f5d #bf3952 #d04545 #df5437 #ee6b23"
)
_RAMP_ON_DARK = (
    "#a22b62 #b63457 #c9404b #da4e3c #e9612c #f57c16 #fb9906 #fbbb20 #f5dd4f #f2f27d #fcffa4"
)
# hues of the palette of Okabe and Ito; differences of at least 10, contrasts of at least 3:1
_PALETTE_ON_LIGHT = "#5b63e5 #cd6b00 #00735c #7b2574 #3c95b4 #815600 #442900"
_PALETTE_ON_DARK = "#1d8bd0 #e86a13 #176e6e #d89aa2 #a2bcff #946853 #f5e73e"
_MIN_CONTRAST = 3.0  # of graphical objects, WCAG 2.2, criterion 1.4.11
_MIN_CONTRAST_OF_TEXT = 4.5  # criterion 1.4.3


@dataclass(frozen=True)
class Theme:
    """Colours of a display that follow matplotlib's style, as red, green and blue in [0, 1]."""

    background: tuple
    foreground: tuple  # of texts and lines
    weak: tuple  # of side remarks
    mark: tuple  # of what lies behind the others
    grid: tuple
    ramp: tuple
    palette: tuple


def get_theme(ax):
    """Return the colours that go with the background of the axes."""
    import matplotlib
    from matplotlib.colors import to_rgb

    background = _flatten(ax)
    on_light = compute_luminance(background) > 0.18  # there white and black contrast alike
    foreground = to_rgb(matplotlib.rcParams["text.color"])
    if compute_contrast(foreground, background) < _MIN_CONTRAST_OF_TEXT:
        foreground = (0.0, 0.0, 0.0) if on_light else (1.0, 1.0, 1.0)
    return Theme(
        background=background,
        foreground=foreground,
        weak=_find_faintest(foreground, background, 1.4 * _MIN_CONTRAST_OF_TEXT),
        mark=_find_faintest(foreground, background, 1.02 * _MIN_CONTRAST),
        grid=_find_faintest(foreground, background, 1.25),
        ramp=tuple((_RAMP_ON_LIGHT if on_light else _RAMP_ON_DARK).split()),
        palette=tuple((_PALETTE_ON_LIGHT if on_light else _PALETTE_ON_DARK).split()),
    )


def make_colormap(ax):
    """Make a colour map for values of which the lowest ones are looked for: they are lightest."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("correctness", get_theme(ax).ramp[::-1])


def compute_luminance(colour):
    """Compute the relative luminance of colours of shape (..., 3), in [0, 1]."""
    colour = np.asarray(colour, dtype=float)
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def compute_contrast(one, other):
    """Compute the contrast ratio of two colours, from 1 to 21.

    References
    ----------
    .. [1] Web Content Accessibility Guidelines 2.2, "contrast ratio".
    """
    values = np.sort([compute_luminance(one), compute_luminance(other)])
    return (values[1] + 0.05) / (values[0] + 0.05)


def choose_ink(colour):
    """Choose black or white, whichever contrasts more with a colour."""
    return max(
        "black", "white", key=lambda ink: compute_contrast([float(ink == "white")] * 3, colour)
    )


def _flatten(ax):
    """Find the opaque colour behind the artists of axes."""
    from matplotlib.colors import to_rgba

    below = np.ones(3)
    for patch in (ax.figure.canvas.figure.patch, ax.figure.patch, ax.patch):
        *colour, alpha = to_rgba(patch.get_facecolor())
        if patch.get_visible():
            below = alpha * np.array(colour) + (1 - alpha) * below
    return tuple(below.tolist())


def _find_faintest(foreground, background, contrast):
    """Mix the foreground into the background until they have a contrast."""
    foreground, background = np.array(foreground), np.array(background)
    for share in np.linspace(0, 1, 101):
        mixed = share * foreground + (1 - share) * background
        if compute_contrast(mixed, background) >= contrast:
            return tuple(mixed.tolist())
    return tuple(foreground.tolist())
