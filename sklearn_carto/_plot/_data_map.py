"""DataMapDisplay: the plot of a data map."""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import Any, Literal, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_carto._plot._annotations import (
    make_handles,
    make_room,
    write_note,
    write_region_names,
)
from sklearn_carto._plot._arguments import check_cmap, check_plot_kwargs, get_axes
from sklearn_carto._plot._correctness import (
    add_histogram_axes,
    draw_colorbar,
    draw_histogram,
    get_colours,
    takes_few_values,
)
from sklearn_carto._plot._density import draw_contours, draw_hexagons
from sklearn_carto._plot._fitting import fit_texts, wrap_labels
from sklearn_carto._plot._points import COLOURS, Points, count_crowd, subsample
from sklearn_carto._utils._compat import (
    InvalidParameterError,
    StrOptions,
    check_matplotlib_support,
)
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._typing import Axes, RandomStateType
from sklearn_carto._utils._validation import Count, Number, describe, validate_params

_MARGIN = 0.02  # beyond the rows, in units of the axes
_MAX_OVER = 300  # held-out or excluded rows over hexagons or contours


class DataMapDisplay:
    """Data map visualization: confidence over variability, with correctness as colour.

    It is recommended to use :meth:`from_data_map`, :meth:`from_estimator` or :meth:`DataMap.plot`
    to create a display.

    Parameters
    ----------
    data_map : DataMap
        The map to plot.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the map.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    points_ : matplotlib PathCollection or PolyCollection
        The points, one for each row, or the hexagons.
    held_out_points_ : matplotlib PathCollection or None
        Held-out rows, as hollow points with a legend; None if the map has none, or no others.
        Contours and hexagons do not count them.
    excluded_points_ : matplotlib PathCollection or None
        Excluded rows, as light crosses with a legend; None if the map has none, and for hexagons.
        Contours, hexagons and histograms do not count them.
    crosses_ : matplotlib ErrorbarContainer or None
        Error bars of the standard errors.
    contours_ : matplotlib QuadContourSet or None
        Contours of ``kind="kde"``.
    image_ : matplotlib AxesImage or None
        Mean correctness inside the contours of ``kind="kde"``; None if `color` was passed.
    colorbar_ : matplotlib Colorbar or None
        Colour bar of correctness; None if `color` was passed.
    region_texts_ : list of matplotlib Text
        Names of the regions, in boxes.
    histogram_axes_ : dict of str to matplotlib Axes
        Axes of the histograms, by statistic.
    note_ : matplotlib Text or None
        What else the picture shows: number of rows that are not drawn, rows at the same place;
        None if there is nothing to add.

    See Also
    --------
    DataMap.plot : Plot a map in one call.

    Notes
    -----
    Colours have a contrast of at least 3:1 with white axes, and in a dark style of matplotlib with
    black ones. The shape of a point also shows its correctness: a triangle below 1/3, a square
    below 2/3, and a circle above. The sizes of texts follow that of the figure, and no text covers
    a row.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, figure 1.

    Examples
    --------
    >>> from sklearn_carto import DataMap, DataMapDisplay
    >>> data_map = DataMap(
    ...     confidence=[0.9, 0.5, 0.1], variability=[0.1, 0.4, 0.1], correctness=[1.0, 0.5, 0.0],
    ...     n_epochs=6,
    ... )
    >>> display = DataMapDisplay(data_map)
    >>> display.data_map
    <DataMap: 3 rows, 6 epochs>
    """

    def __init__(self, data_map: Any) -> None:
        if not hasattr(data_map, "region_labels"):
            raise InvalidParameterError(
                "The 'data_map' parameter of DataMapDisplay must be a DataMap. Got "
                f"{describe(data_map)} instead."
            )
        self.data_map = data_map

    @classmethod
    def from_data_map(cls, data_map: Any, **kwargs: Any) -> Self:
        """Plot a data map.

        Parameters
        ----------
        data_map : DataMap
            The map.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : DataMapDisplay
            The plotted display.
        """
        return cls(data_map).plot(**kwargs)

    @classmethod
    def from_estimator(cls, estimator: Any, **kwargs: Any) -> Self:
        """Plot the data map of a fitted estimator.

        Parameters
        ----------
        estimator : CartographyClassifier, DataMapSelector or DataMapSampler
            Fitted estimator with a `data_map_`.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : DataMapDisplay
            The plotted display.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator has no `data_map_`.
        """
        if hasattr(estimator, "fit") and not isinstance(estimator, type):
            check_is_fitted(estimator)
        if not hasattr(estimator, "data_map_"):
            raise InvalidParameterError(
                "The 'estimator' parameter of DataMapDisplay.from_estimator must have a "
                "data_map_: pass a fitted CartographyClassifier or DataMapSelector (of a "
                f"DistilledClassifier its selector_). Got {type(estimator).__name__} instead."
            )
        return cls.from_data_map(estimator.data_map_, **kwargs)

    @validate_params(
        kind=[StrOptions({"scatter", "hexbin", "kde"})],
        max_samples=[Count(3)],
        histograms=["boolean"],
        region_names=["boolean"],
        standard_errors=["boolean"],
        jitter=[Number(0, 0.25)],
        random_state=["random_state"],
    )
    def plot(
        self,
        ax: Axes = None,
        *,
        kind: Literal["scatter", "hexbin", "kde"] = "scatter",
        max_samples: int = 25_000,
        histograms: bool = False,
        region_names: bool = True,
        standard_errors: bool = False,
        cmap: Any = None,
        jitter: float = 0.0,
        random_state: RandomStateType = 0,
        **kwargs: Any,
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on; None: a new figure.
        kind : {"scatter", "hexbin", "kde"}, default="scatter"
            Points, one for each row; hexagons with the mean correctness of their rows, the smaller
            the fewer rows they hold; or contours of a density estimate around 20, 40, 60, 80 and
            95 % of the rows, with the mean correctness of the rows near each place, and points for
            the rows outside. Over hexagons and contours, at most 300 held-out and 300 excluded rows
            are drawn.
        max_samples : int, default=25_000
            Maximum number of points, at least 3. From more rows a random sample, stratified by
            region, is drawn. Hexagons, contours and histograms use all rows.
        histograms : bool, default=False
            Whether to plot histograms of confidence, variability and correctness beside the map.
        region_names : bool, default=True
            Whether to write the names of the regions on the map.
        standard_errors : bool, default=False
            Whether to draw error bars of the standard errors at the points, for a map that is the
            mean of several. From more than 100 points, those of one point in each part of the map
            are drawn.
        cmap : str or matplotlib Colormap, default=None
            Colours of correctness from 0 to 1. None: orange to dark purple, or on dark axes yellow
            to red, which colour-blind readers can distinguish.
        jitter : float, default=0.0
            Largest random shift of a point in confidence, in [0, 0.25]; in variability it is half
            of it. After few epochs many rows lie at the same place. Only points are shifted.
        random_state : int, RandomState instance or None, default=0
            Determines the sample of the points and the order in which they are drawn.
        **kwargs : dict
            Passed to matplotlib's `scatter` or `hexbin`, in place of our defaults;
            ``color="black"`` gives all points the same colour. Arrays of shape (n_samples, ...),
            such as `c` or `s`, hold a value for each row of the map. With `c` there is no colour
            bar, since the colours do not show correctness.

        Returns
        -------
        self : DataMapDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If an argument is of the wrong kind or out of range, or unknown to this method and to
            matplotlib's; if no row of the map was seen in training, if `histograms` is true and
            `ax` is not a subplot, or if `standard_errors` is true and the map holds none.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        # 1. Check the arguments.
        present = self._check_arguments(kind, standard_errors, cmap, kwargs)
        data_map, n_epochs = self.data_map, self.data_map.n_epochs
        few_values = takes_few_values(data_map.correctness[present], n_epochs)
        # 2. Prepare the axes.
        figsize = (9.0, 5.4) if histograms else (7.2, 5.4)
        (self.ax_,) = get_axes(ax, 1, "map", figsize=figsize)
        self.figure_ = self.ax_.figure
        self.histogram_axes_ = add_histogram_axes(self.ax_) if histograms else {}
        limits = self._set_limits(present, jitter)
        # 3. Draw the rows.
        colours = {}
        if not COLOURS & kwargs.keys():
            colours = get_colours(self.ax_, cmap, data_map.correctness[present], n_epochs)
        rng = rule_generator(random_state, "plot")
        shift = rng.uniform(-jitter, jitter, (data_map.n_samples, 2)) * [0.5, 1] if jitter else None
        points = Points(self.ax_, data_map, {**colours, **kwargs}, shift)
        handles, notes = self._draw_rows(present, kind, max_samples, standard_errors, points, rng)
        limits["x"] = self.ax_.get_xlim()  # contours may go beyond the rows
        # 4. Add the colour bar, the texts and the histograms.
        self.colorbar_ = None
        if colours:
            label = "correctness" if kind == "scatter" else "mean correctness"
            shapes = points.shapes and kind != "hexbin"
            self.colorbar_ = draw_colorbar(
                self.points_, self.ax_, few_values, n_epochs, label, shapes=shapes
            )
        self.region_texts_ = write_region_names(self.ax_) if region_names else []
        self.note_ = write_note(self.ax_, notes + self._list_missing(len(present)))
        for name, axes in self.histogram_axes_.items():
            values = getattr(data_map, name)[present]
            draw_histogram(axes, values, name, n_epochs, few_values)
        self._fit(handles, limits, figsize)
        return self

    def _fit(self, handles, limits, figsize):
        """Make the texts fit the figure, now and when its size changes."""
        axes = [self.ax_, *self.histogram_axes_.values()]
        axes += [self.colorbar_.ax] if self.colorbar_ is not None else []
        steps = [partial(wrap_labels, ax, title=name) for name, ax in self.histogram_axes_.items()]
        steps.append(partial(make_room, self.ax_, self.region_texts_, handles, self.note_, limits))
        # histograms leave another width to the map once their titles fit
        fit_texts(axes, figsize, [steps] + [steps[-1:]] * bool(self.histogram_axes_))

    def _check_arguments(self, kind, standard_errors, cmap, kwargs):
        """Check the arguments of `plot`; return the rows that can be selected."""
        held = self.data_map.standard_errors
        if standard_errors and not (held and {"confidence", "variability"} <= held.keys()):
            raise InvalidParameterError(
                "This data map holds no standard errors; DataMap.mean of several maps has them."
            )
        check_cmap(cmap, "DataMapDisplay.plot")
        parameters = [name for name in signature(self.plot).parameters if name != "kwargs"]
        check_plot_kwargs(kwargs, parameters, "hexbin" if kind == "hexbin" else "scatter")
        present = np.flatnonzero(self.data_map._present_mask)
        if len(present) == 0:
            raise ValueError(
                "No row of this data map was seen in training and has a weight above 0; there is "
                "nothing to draw."
            )
        return present

    def _list_missing(self, n_present):
        """List the rows that cannot be drawn, or are not."""
        data_map = self.data_map
        n_unseen = np.isnan(data_map.confidence).sum()
        n_excluded = data_map.n_samples - n_present - n_unseen
        parts = []
        if n_unseen:
            parts.append(f"{n_unseen:,} rows never seen in training")
        if n_excluded and self.excluded_points_ is None:
            parts.append(f"{n_excluded:,} rows of weight 0")
        return parts

    def _set_limits(self, rows, jitter):
        """Set the limits of the axes, and return those that hold all rows."""
        width = max(0.1, 1.05 * self.data_map.variability[rows].max())
        limits = {
            "x": (-0.01 - jitter / 2, width + jitter / 2),
            "y": (-_MARGIN - jitter, 1 + _MARGIN + jitter),
        }
        self.ax_.set(xlabel="variability", ylabel="confidence", yticks=np.linspace(0, 1, 6))
        self.ax_.set(xlim=limits["x"], ylim=limits["y"])
        return limits

    def _draw_rows(self, rows, kind, max_samples, standard_errors, points, rng):
        """Draw the rows in the given kind; return entries of a legend, and notes."""
        self.contours_ = self.image_ = self.crosses_ = None
        self.held_out_points_ = self.excluded_points_ = None
        mask = self.data_map.held_out_mask
        held_out = np.zeros(len(rows), dtype=bool) if mask is None else mask[rows]
        if held_out.all():  # no difference to show
            held_out[:] = False
        trained, handles, notes = rows[~held_out], [], []
        places, correctness = self._get_values(trained)
        if kind == "hexbin":
            self.points_, handles = draw_hexagons(self.ax_, places, correctness, points.style)
            trained = trained[:0]
        elif kind == "kde":
            colours = {name: points.style[name] for name in ("cmap", "norm") if points.coloured}
            self.contours_, self.image_, outside = draw_contours(
                self.ax_, places, correctness, colours
            )
            trained = trained[outside]
            notes.append("contours: 20, 40, 60, 80 and 95% of the rows")
        n_held_out = held_out.sum()
        drawn = self._choose(trained, rows[held_out], kind, max_samples, rng, notes)
        if kind == "scatter":
            crowd = count_crowd(self.data_map, rows)
            if points.shift is not None:
                notes.append(f"jittered by up to {np.abs(points.shift[:, 1]).max():.2g}")
            elif crowd:
                notes.append(f"{crowd:,} rows at one place")
        self._draw_points(drawn, kind, points)
        if standard_errors and kind != "hexbin":
            self.crosses_, n_errors = points.draw_errors(drawn)
            if n_errors < len(drawn):
                notes.append(f"error bars of {n_errors:,} rows")
        excluded = 0
        if kind != "hexbin":
            most = max_samples if kind == "scatter" else _MAX_OVER
            excluded = self._draw_excluded(points, len(drawn), most, rng, notes)
        return handles + make_handles(self.ax_, n_held_out, excluded), notes

    def _choose(self, trained, held_out, kind, max_samples, rng, notes):
        """Choose the rows to draw as points, in random order; note how many are left out."""
        if kind != "scatter" and len(held_out) > _MAX_OVER:
            held_out = self._thin_out(held_out, "held-out rows", _MAX_OVER, rng, notes)
        rows = np.sort(np.concatenate([trained, held_out]))
        return self._thin_out(rows, "rows", max_samples, rng, notes)

    def _thin_out(self, rows, name, max_samples, rng, notes):
        """Draw at most `max_samples` rows; note how many are left out."""
        drawn = subsample(rows, self.data_map.region_labels()[rows], max_samples, rng)
        if len(drawn) < len(rows):
            notes.append(f"{len(drawn):,} of {len(rows):,} {name} drawn")
        return drawn

    def _get_values(self, rows):
        """Return the places of rows, and their correctness."""
        data_map = self.data_map
        return (data_map.variability[rows], data_map.confidence[rows]), data_map.correctness[rows]

    def _draw_points(self, rows, kind, points):
        mask = self.data_map.held_out_mask
        held_out = np.zeros(len(rows), dtype=bool) if mask is None else mask[rows]
        if held_out.all() and kind == "scatter":  # no difference to show
            held_out[:] = False
        if kind != "hexbin":
            self.points_ = points.draw(rows[~held_out], len(rows))
        if held_out.any():
            n_drawn = len(rows) if kind == "scatter" else 2000  # smaller, over colours
            self.held_out_points_ = points.draw_hollow(
                rows[held_out], n_drawn, filled=kind != "scatter"
            )

    def _draw_excluded(self, points, n_drawn, max_samples, rng, notes):
        """Draw the excluded rows as light crosses; return their number."""
        excluded = self.data_map.excluded_mask
        if excluded is None:
            return 0
        rows = np.flatnonzero(excluded & ~np.isnan(self.data_map.confidence))
        if len(rows):
            drawn = self._thin_out(rows, "rows of weight 0", max_samples, rng, notes)
            self.excluded_points_ = points.draw_crosses(drawn, n_drawn + len(drawn))
        return len(rows)
