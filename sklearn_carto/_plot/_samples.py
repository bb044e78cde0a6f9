"""SampleGridDisplay: a grid of the rows of a region."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from sklearn_carto._plot._arguments import check_cmap, get_axes
from sklearn_carto._plot._colours import get_theme
from sklearn_carto._plot._fitted_text import (
    LITERAL,
    fit_labels,
    fit_line,
    plain_text,
    text_width,
    wrap_text,
)
from sklearn_carto._plot._sample_cells import captions_of, samples_of, titles_of
from sklearn_carto._utils._compat import (
    InvalidParameterError,
    StrOptions,
    check_matplotlib_support,
)
from sklearn_carto._utils._typing import ArrayLike, Axes, RandomStateType, Region
from sklearn_carto._utils._validation import Count, Number, describe, validate_params

_IMAGE_CELL, _TEXT_CELL = (1.35, 1.35), (2.5, 1.25)  # width and height in inches
_GAP, _HEADING = 0.12, 0.32  # inches between cells, and above them
_SIZES = (4.5, 9.0)  # of the font in points
_MOST = 400  # cells
_OWNER = "DataMap.plot_samples"


class SampleGridDisplay:
    """Grid visualization of samples: images or texts, with their labels.

    It is recommended to use :meth:`from_data_map` or :meth:`DataMap.plot_samples` to create a
    display.

    Parameters
    ----------
    samples : list of ndarray, str or None
        What each cell shows: the pixels of an image as ``uint8``, of shape (height, width) or
        (height, width, channels), or a text; None where it is missing.
    rows : ndarray of int of shape (n_shown,)
        Positions of the samples in the data set.
    titles : list of tuple of str
        The line above each cell: a label, and the suggested one if there is one.
    captions : list of tuple of str
        What follows below the title, from long to short; the first that fits is written.
    heading : str, default=""
        Line above the grid.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_shown,)
        Axes of the cells.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    images_ : list of matplotlib AxesImage or None
        The images; None for texts and for missing samples.
    texts_ : list of matplotlib Text or None
        The texts; None for images.
    titles_, captions_ : list of matplotlib Text
        The lines above each cell.

    See Also
    --------
    DataMap.plot_samples : Plot the rows of a region in one call.

    Examples
    --------
    >>> from sklearn_carto import DataMap, SampleGridDisplay
    >>> display = SampleGridDisplay(
    ...     ["a text", None], [3, 7], [("ham",), ("spam", "ham")], [("row 3",), ("row 7",)]
    ... )
    >>> display.rows
    array([3, 7])
    """

    def __init__(
        self, samples: Any, rows: ArrayLike, titles: Any, captions: Any, heading: str = ""
    ) -> None:
        rows = np.asarray(rows)
        lists = {"samples": samples, "titles": titles, "captions": captions}
        for name, values in lists.items():
            if not isinstance(values, list) or len(values) != rows.size or not values:
                raise InvalidParameterError(
                    f"The {name!r} parameter of SampleGridDisplay must be a list with one entry "
                    f"for each of the rows, at least one. Got {describe(values)} instead."
                )
        self.samples, self.rows, self.titles, self.captions = samples, rows, titles, captions
        self.heading = heading

    @classmethod
    @validate_params(
        n=[Count(1, _MOST)],
        kind=[StrOptions({"auto", "image", "text"})],
        stratify=["boolean"],
        random_state=["random_state"],
    )
    def from_data_map(
        cls,
        data_map: Any,
        X: ArrayLike,
        region: Region = "hard",
        n: int = 16,
        *,
        kind: Literal["auto", "image", "text"] = "auto",
        issues: Any = None,
        label_names: Any = None,
        stratify: bool = False,
        random_state: RandomStateType = 0,
        **kwargs: Any,
    ) -> Self:
        """Plot the rows of a region; for the parameters see :meth:`DataMap.plot_samples`.

        Parameters
        ----------
        data_map : DataMap
            The map.
        X : array-like or sequence of length n_samples
            The images or texts.
        region : str, callable or mapping, default="hard"
            Which rows to show.
        n : int, default=16
            Number of rows.
        kind : {"auto", "image", "text"}, default="auto"
            What `X` holds.
        issues : LabelIssues, default=None
            Suggested labels.
        label_names : mapping or list, default=None
            Names of the labels.
        stratify : bool, default=False
            Whether each class keeps its share of the rows.
        random_state : int, RandomState instance or None, default=0
            Breaks ties, and determines random samples.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : SampleGridDisplay
            The plotted display.
        """
        if not hasattr(data_map, "region_labels"):
            raise InvalidParameterError(
                "The 'data_map' parameter of SampleGridDisplay.from_data_map must be a DataMap. "
                f"Got {describe(data_map)} instead."
            )
        check_matplotlib_support(_OWNER)
        frac = min(1.0, n / max(1, data_map._present_mask.sum()))
        rows = data_map.select(
            region, frac, stratify=stratify, random_state=random_state, order="score"
        )
        name = region if isinstance(region, str) else getattr(region, "__name__", "chosen")
        display = cls(
            samples_of(X, rows, data_map.n_samples, kind, _OWNER),
            rows,
            titles_of(data_map, rows, issues, label_names, _OWNER),
            captions_of(data_map, rows),
            f"{name}: {len(rows):,} of {data_map.n_samples:,} rows",
        )
        return display.plot(**kwargs)

    @validate_params(n_columns=[Count(1), None])
    def plot(
        self,
        ax: Axes = None,
        *,
        n_columns: int | None = None,
        figsize: Any = None,
        cmap: Any = "gray",
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Axes to plot on, one for each sample; None: a new figure.
        n_columns : int, default=None
            Number of columns of a new figure. None: about as many as rows, or what leaves the
            samples most room in a `figsize`.
        figsize : tuple of (float, float), default=None
            Width and height of a new figure in inches. None: it depends on the number of samples.
        cmap : str or matplotlib Colormap, default="gray"
            Colours of images with one channel.

        Returns
        -------
        self : SampleGridDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If an argument is of the wrong kind or out of range, or if the figure is too small for
            the samples.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        check_cmap(cmap, "SampleGridDisplay.plot")
        if ax is None:
            self._make_figure(n_columns, figsize)
        else:
            self.axes_ = get_axes(ax, len(self.samples), "sample")
            self.figure_ = self.axes_[0].figure
            if self.figure_.get_layout_engine() is not None:
                self.figure_.draw_without_rendering()  # the layout sets the size of the axes
        boxes = [_size_of(one) for one in self.axes_]
        size = _font_size(min(width for width, _ in boxes))
        level = _first_that_fits(self.captions, [width for width, _ in boxes], 0.85 * size)
        self.images_: list[Any] = []
        self.texts_: list[Any] = []
        self.titles_: list[Any] = []
        self.captions_: list[Any] = []
        cells = zip(self.axes_, boxes, self.samples, self.titles, self.captions, strict=True)
        for one, box, sample, title, captions in cells:
            one.set(xticks=[], yticks=[])
            self._draw_sample(one, box, sample, size, cmap)
            self._write_lines(one, box[0], title, captions[level:] or captions, size)
        return self

    def _make_figure(self, n_columns, figsize):
        """Make a figure with a cell for each sample, and place for two lines above each."""
        import matplotlib.pyplot as plt

        n, are_texts = len(self.samples), any(isinstance(one, str) for one in self.samples)
        width, height = cell = _TEXT_CELL if are_texts else _IMAGE_CELL
        if figsize is None:
            columns = n_columns or min(int(np.ceil(np.sqrt(n))), 4 if are_texts else n)
            columns = min(columns, n)
            n_rows, lines = -(-n // columns), _height_of_lines(width)
            total = columns * (width + _GAP) + _GAP, n_rows * (height + lines + _GAP) + _HEADING
        else:
            total = _check_figsize(figsize)
            columns = min(n_columns or _best_columns(n, total, cell), n)
            n_rows = -(-n // columns)
            width, height = _cell_in(total, n, columns)
            lines = _height_of_lines(width)
        pitch = height + lines + _GAP
        if not are_texts:
            height = min(height, width)
        if min(width, height) < 0.15:
            raise InvalidParameterError(
                f"The 'figsize' parameter of SampleGridDisplay.plot is too small for {n_rows} x "
                f"{columns} samples. Got {figsize}. Pass a larger one, fewer samples, or another "
                "n_columns."
            )
        self.figure_ = plt.figure(figsize=total)
        self.axes_ = np.empty(n, dtype=object)
        for i in range(n):
            row, column = divmod(i, columns)
            left = _GAP + column * (width + _GAP)
            top = _HEADING + row * pitch + lines
            place = (left / total[0], 1 - (top + height) / total[1])
            self.axes_[i] = self.figure_.add_axes(
                (*place, width / total[0], height / total[1]), label=f"sample {i}"
            )
        size = min(_SIZES[1], 1.2 * _font_size(72 * width))
        heading = plain_text(self.heading, one_line=True)
        heading = fit_line(heading, 72 * (total[0] - 2 * _GAP), size)
        self.figure_.text(
            _GAP / total[0], 1 - 0.07 / total[1], heading, va="top", fontsize=size, **LITERAL
        )

    def _draw_sample(self, ax, box, sample, size, cmap):
        """Draw an image, or write a text."""
        image = text = None
        if isinstance(sample, np.ndarray):
            # a frame, since the border of an image can have the colour of the figure
            ax.spines[:].set(linewidth=0.6, color=get_theme(ax).mark)
            smooth = {"interpolation": "antialiased"} if max(sample.shape[:2]) > 32 else {}
            style: dict[str, Any] = {"interpolation": "nearest", **smooth}
            image = ax.imshow(sample, cmap=cmap, vmin=0, vmax=255, **style)
            ax.set_aspect("equal", adjustable="datalim")  # the box keeps its size
            ax.patch.set_visible(False)
        else:
            ax.spines[:].set_linewidth(0.6)
            pad = 0.5 * size
            width, height = box[0] - 2 * pad, box[1] - 2 * pad
            written = "missing" if sample is None else wrap_text(sample, width, height, size)
            text = ax.annotate(
                written,
                (0, 1),
                (pad, -pad),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="left",
                va="top",
                fontsize=size,
                fontstyle="italic" if sample is None else "normal",
                linespacing=1.15,
                clip_on=True,
                **LITERAL,
            )
        self.images_.append(image)
        self.texts_.append(text)

    def _write_lines(self, ax, width, title, captions, size):
        """Write the title and the first caption that fits, above a cell."""
        small = 0.85 * size
        fitting = [line for line in captions if text_width(line, small) <= width]
        shortest = captions[-1] if captions else ""
        caption = fitting[0] if fitting else fit_line(shortest, width, small)
        style: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        style |= {"ha": "left", "va": "bottom", **LITERAL}
        self.captions_.append(
            ax.annotate(caption, (0, 1), (0, 2), fontsize=small, alpha=0.75, **style)
        )
        line = fit_labels(title, width, size)
        above = (0, 3 + 1.15 * small)
        self.titles_.append(ax.annotate(line, (0, 1), above, fontsize=size, **style))


def _first_that_fits(captions, widths, size):
    """Return the place of the first caption that fits most cells, for captions that are alike."""
    shortest = min(map(len, captions))
    for level in range(shortest):
        fit = [
            text_width(lines[level], size) <= width
            for lines, width in zip(captions, widths, strict=True)
        ]
        if np.mean(fit) > 0.5:
            return level
    return max(0, shortest - 1)


def _check_figsize(figsize):
    """Return a width and a height, or raise an error."""
    values = list(figsize) if isinstance(figsize, (list, tuple, np.ndarray)) else []
    number = Number(0, 500, closed="right")
    if len(values) != 2 or not all(map(number.is_satisfied_by, values)):
        raise InvalidParameterError(
            "The 'figsize' parameter of SampleGridDisplay.plot must be a width and a height in "
            f"inches, in (0, 500]. Got {describe(figsize)} instead."
        )
    return float(values[0]), float(values[1])


def _cell_in(figsize, n, columns):
    """Return the width and height of a cell in inches, without the lines above it."""
    width = (figsize[0] - _GAP) / columns - _GAP
    return width, (figsize[1] - _HEADING) / -(-n // columns) - _height_of_lines(width) - _GAP


def _best_columns(n, figsize, cell):
    """Return the number of columns that leaves most room for cells of a shape."""

    def room(columns):
        width, height = _cell_in(figsize, n, columns)
        return min(width / cell[0], height / cell[1])

    return max(range(1, n + 1), key=room)


def _height_of_lines(width):
    """Return the height in inches of the two lines above a cell."""
    return 2.6 * _font_size(72 * width) / 72


def _font_size(width):
    """Return the size of the font in cells of a width in points."""
    return float(np.clip(3.2 + 0.055 * width, *_SIZES))


def _size_of(ax):
    """Return the width and height of axes in points."""
    box = ax.get_window_extent()
    return box.width * 72 / ax.figure.dpi, box.height * 72 / ax.figure.dpi
