"""Texts that fit: their sizes follow that of the figure, long ones are wrapped or shortened."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np

_STYLE = 6.4, 4.8  # inches of a figure that the sizes of matplotlib's style are made for
_SMALLEST, _LARGEST = 0.6, 1.5  # factors on the sizes of matplotlib's style
# a figure of the style's own size has texts of at least this share of the style's sizes
_LEAST = 0.7
_GAP = 7.0  # between a text and what lies beside it, in points


def find_root(artist):
    """Find the figure that holds an artist, and not the subfigure."""
    return artist.figure.canvas.figure


def fit_texts(axes, reference, rounds):
    """Fit all texts of axes, now and whenever the size of the figure changes.

    Parameters
    ----------
    axes : list of matplotlib Axes
        Axes of a display, and those of its colour bars.
    reference : tuple of float
        Width and height in inches for which matplotlib's text sizes are made.
    rounds : list of list of callable
        Called one after the other; those of a round on the layout after the rounds before.
    """
    from sklearn_carto._plot._fitter import Fitter

    sizes = [_get_sizes(ax) for ax in axes]
    sizes = list(zip(sizes, map(_get_line_sizes, axes), strict=True))
    Fitter(axes[0].figure, partial(_fit, axes, sizes, reference, rounds))


def _fit(axes, sizes, reference, rounds):
    import matplotlib

    if any(ax.figure is None for ax in axes):  # removed by the caller
        return
    scale = _get_scale(axes, reference)
    for ax, ((ticks, texts), lines) in zip(axes, sizes, strict=True):
        for set_size, size in lines:
            set_size(size * max(scale, 1))
        for name, (size, pad) in ticks.items():
            ax.tick_params(axis=name, labelsize=size * scale, pad=pad * min(scale, 1) ** 2)
        for text, size in texts:
            text.set_fontsize(size * scale)
        for axis in (ax.xaxis, ax.yaxis):
            axis.labelpad = matplotlib.rcParams["axes.labelpad"] * min(scale, 1) ** 2
    for steps in rounds:
        _lay_out(axes[0])
        for step in steps:
            step()


def _get_sizes(ax):
    """Return size and distance of tick labels, by axis, and pairs of other texts and sizes."""
    ticks = {}
    for name, axis in {"x": ax.xaxis, "y": ax.yaxis}.items():
        labels = axis.get_ticklabels()
        if labels:
            ticks[name] = labels[0].get_fontsize(), axis.get_major_ticks()[0].get_pad()
    texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
    if ax.get_legend() is not None:
        texts += ax.get_legend().get_texts()
    return ticks, [(text, text.get_fontsize()) for text in texts]


def _get_line_sizes(ax):
    """Return pairs of a function that sets a size of lines or markers, and the size."""
    from matplotlib.collections import LineCollection

    lines = list(ax.lines)
    if ax.get_legend() is not None:
        lines += ax.get_legend().get_lines()
    pairs = [(line.set_linewidth, line.get_linewidth()) for line in lines]
    pairs += [(line.set_markersize, line.get_markersize()) for line in lines]
    bars = [one for one in ax.collections if isinstance(one, LineCollection)]
    return pairs + [(one.set_linewidth, np.asarray(one.get_linewidth())) for one in bars]


def _get_scale(axes, reference):
    """Compute the factor on the sizes of texts, from the place that the axes have."""
    places = np.array([_get_place(ax).extents for ax in axes])
    low, high = places[:, :2].min(axis=0), places[:, 2:].max(axis=0)
    whole = np.array([0.775, 0.77])  # of a figure, which a grid of axes covers by default
    inches = (high - low) / whole * find_root(axes[0]).get_size_inches()
    scale = (inches / reference).min() ** 0.6  # not as fast as the figure
    # a large figure with much in it, such as a slide, is seen from afar
    least = _LEAST * (inches / _STYLE).min() ** 1.2
    return float(np.clip(max(scale, least), _SMALLEST, _LARGEST))


def _get_place(ax):
    """Return the place of axes in their grid, in shares of the figure."""
    spec = ax.get_subplotspec()
    if spec is None:
        return ax.get_position(original=True)
    return spec.get_topmost_subplotspec().get_position(ax.figure)


def _lay_out(ax):
    """Let the layout engine of the figure, if it has one, find the places of all axes."""
    root = find_root(ax)
    engine = root.get_layout_engine()
    if engine is not None:
        with warnings.catch_warnings():  # matplotlib repeats them when it draws
            warnings.simplefilter("ignore", UserWarning)
            engine.execute(root)


def get_size(artist):
    """Return the width and height of an artist, in points."""
    box = artist.get_window_extent()
    return 72 / find_root(artist).dpi * np.array([box.width, box.height])


def get_room(ax):
    """Return the width and height, in points, that texts centred on axes may take.

    They end at the borders of the figure and half way to the next axes.
    """
    root = find_root(ax)
    boxes = [other.get_window_extent() for other in root.axes if other is not ax]
    own = ax.get_window_extent()
    room = []
    for low, high, across in (("x0", "x1", "y"), ("y0", "y1", "x")):
        ends = [getattr(root.bbox, low), getattr(root.bbox, high)]
        mine = getattr(own, low), getattr(own, high)
        for box in boxes:
            if not _overlap(own, box, across):
                continue
            if getattr(box, low) >= mine[1] - 1:
                ends[1] = min(ends[1], (mine[1] + getattr(box, low)) / 2)
            elif getattr(box, high) <= mine[0] + 1:
                ends[0] = max(ends[0], (mine[0] + getattr(box, high)) / 2)
        center = sum(mine) / 2
        room.append(2 * min(center - ends[0], ends[1] - center))
    return 72 / root.dpi * np.array(room) - _GAP


def _overlap(one, other, axis):
    low, high = f"{axis}0", f"{axis}1"
    return getattr(one, low) < getattr(other, high) and getattr(other, low) < getattr(one, high)


def wrap_labels(ax, title="", x="", y=""):
    """Write the title and the labels of axes, wrapped so that they end before the next axes."""
    width, height = get_room(ax)
    for text, written, room in (
        (ax.title, title, width),
        (ax.xaxis.label, x, width),
        (ax.yaxis.label, y, height),
    ):
        if written:
            wrap(text, written, room)


def wrap(text, written, room):
    """Write words on as many lines as they need, in a number of points."""
    text.set_parse_math(False)
    side = int(text.get_rotation() == 90)
    lines = []
    for paragraph in str(written).split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".lstrip()
            if line and _measure(text, longer)[side] > room:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    text.set_text("\n".join(shorten(text, line, room) for line in lines))


def shorten(text, written, room):
    """Replace the middle of a string by dots, so that a text of it takes a number of points."""
    side = int(text.get_rotation() == 90)
    if _measure(text, written)[side] <= room:
        return written
    low, high = 1, len(written)  # characters that are kept
    while low < high:
        middle = (low + high + 1) // 2
        if _measure(text, _cut(written, middle))[side] <= room:
            low = middle
        else:
            high = middle - 1
    return _cut(written, low)


def _cut(written, n_kept):
    return f"{written[: n_kept - n_kept // 3]}…{written[len(written) - n_kept // 3 :]}"


def _measure(text, written):
    text.set_text(written)
    return get_size(text)


def make_plain(name):
    """Return a name on one line, as it is written in a legend."""
    name = " ".join(str(name).split()) or " "
    return f" {name}" if name[0] == "_" else name  # matplotlib leaves names with _ in front out


def write_ticks(axis, names, room, size, rotation=0):
    """Write names at the ticks 0, 1, ... of an axis, each in a number of points."""
    style = {"parse_math": False, "fontsize": size, "rotation": rotation}
    axis.set_ticks(range(len(names)), [make_plain(name).strip() for name in names], **style)
    labels = axis.get_ticklabels()
    written = [shorten(label, label.get_text(), room) for label in labels]
    axis.set_ticks(range(len(names)), written, **style)


def are_in_one_row(axes):
    """Whether axes lie beside each other in one row of a grid."""
    specs = [ax.get_subplotspec() for ax in axes]
    if any(spec is None for spec in specs):
        return False
    rows = {(id(spec.get_gridspec()), spec.rowspan.start, spec.rowspan.stop) for spec in specs}
    return len(rows) == 1
