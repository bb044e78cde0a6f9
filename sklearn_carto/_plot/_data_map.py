"""DataMapDisplay: the plot of a data map."""

from __future__ import annotations

from inspect import signature
from typing import Any, Literal, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_carto._plot._annotations import (
    EXCLUDED_COLOUR,
    write_legend,
    write_note,
    write_region_names,
)
from sklearn_carto._plot._arguments import check_cmap, check_plot_kwargs, get_axes
from sklearn_carto._plot._correctness import (
    add_histogram_axes,
    draw_colorbar,
    draw_histogram,
    get_colours,
)
from sklearn_carto._plot._density import draw_contours, draw_hexagons
from sklearn_carto._utils._compat import (
    InvalidParameterError,
    StrOptions,
    check_matplotlib_support,
)
from sklearn_carto._utils._quotas import class_quotas
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._typing import Axes, RandomStateType
from sklearn_carto._utils._validation import Count, describe, validate_params

_COLOURS = {"color", "c", "facecolor", "facecolors", "fc"}  # in place of correctness
# space above, below and (twice) right of the rows, in units of the axes: a region name is as high
_MARGIN, _MARGIN_WITHOUT_NAMES = 0.09, 0.02


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
        Held-out rows, as hollow points with a legend; None if the map has none, or no others, and
        for hexagons.
    excluded_points_ : matplotlib PathCollection or None
        Excluded rows, as light crosses with a legend; None if the map has none, and for hexagons.
        Contours, hexagons and histograms do not count them.
    crosses_ : matplotlib ErrorbarContainer or None
        Error bars of the standard errors.
    contours_ : matplotlib QuadContourSet or None
        Contours of ``kind="kde"``.
    colorbar_ : matplotlib Colorbar or None
        Colour bar of correctness; None if `color` was passed.
    region_texts_ : list of matplotlib Text
        Names of the regions.
    histogram_axes_ : dict of str to matplotlib Axes
        Axes of the histograms, by statistic.
    note_ : matplotlib Text or None
        Number of rows that are not drawn; None if all are.

    See Also
    --------
    DataMap.plot : Plot a map in one call.

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
        random_state: RandomStateType = 0,
        **kwargs: Any,
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on; None: a new figure.
        kind : {"scatter", "hexbin", "kde"}, default="scatter"
            Points, one for each row; hexagons with the mean correctness of their rows, the fainter
            the fewer rows they hold; or contours of a density estimate around 20, 40, 60, 80 and
            95 % of the rows, with points for the rows outside.
        max_samples : int, default=25_000
            Maximum number of points, at least 3. From more rows a random sample, stratified by
            region, is drawn. Hexagons, contours and histograms use all rows.
        histograms : bool, default=False
            Whether to plot histograms of confidence, variability and correctness beside the map.
        region_names : bool, default=True
            Whether to write the names of the regions on the map.
        standard_errors : bool, default=False
            Whether to draw error bars of the standard errors at each point, for a map that is the
            mean of several.
        cmap : str or matplotlib Colormap, default=None
            Colours of correctness from 0 to 1. None: orange to dark blue, which colour-blind
            readers can distinguish.
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
        n_epochs = self.data_map.n_epochs
        # 2. Prepare the axes.
        figsize = (9.0, 5.4) if histograms else (7.2, 5.4)
        (self.ax_,) = get_axes(ax, 1, "map", figsize=figsize)
        self.figure_ = self.ax_.figure
        self.histogram_axes_ = add_histogram_axes(self.ax_) if histograms else {}
        self._set_limits(present, _MARGIN if region_names else _MARGIN_WITHOUT_NAMES)
        # 3. Draw the rows.
        colours = {} if _COLOURS & kwargs.keys() else get_colours(cmap, n_epochs)
        rng = rule_generator(random_state, "plot")
        n_left_out = self._draw_rows(
            present, kind, max_samples, standard_errors, {**colours, **kwargs}, rng
        )
        # 4. Add the colour bar, the texts and the histograms.
        self.colorbar_ = draw_colorbar(self.points_, self.ax_, n_epochs) if colours else None
        self.region_texts_ = write_region_names(self.ax_) if region_names else []
        self.note_ = write_note(self.ax_, self._list_missing(n_left_out, len(present)))
        for name, axes in self.histogram_axes_.items():
            draw_histogram(axes, getattr(self.data_map, name)[present], name, n_epochs)
        return self

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

    def _list_missing(self, n_left_out, n_present):
        """List what is not drawn."""
        data_map = self.data_map
        n_unseen = np.isnan(data_map.confidence).sum()
        n_excluded = data_map.n_samples - n_present - n_unseen
        parts = []
        if n_left_out:
            parts.append(f"{n_present - n_left_out:,} of {n_present:,} rows drawn")
        if n_unseen:
            parts.append(f"{n_unseen:,} rows never seen in training")
        if n_excluded and self.excluded_points_ is None:
            parts.append(f"{n_excluded:,} rows of weight 0")
        return parts

    def _set_limits(self, rows, margin):
        width = max(0.1, 1.05 * self.data_map.variability[rows].max())
        self.ax_.set(
            xlabel="variability",
            ylabel="confidence",
            xlim=(-0.01, width * (1 + 2 * margin)),
            ylim=(-margin, 1 + margin),
            yticks=np.linspace(0, 1, 6),
        )

    def _draw_rows(self, rows, kind, max_samples, standard_errors, style, rng):
        """Draw the rows in the given kind; return the number of points that are left out."""
        self.contours_ = self.crosses_ = self.held_out_points_ = self.excluded_points_ = None
        if kind == "hexbin":
            x, y, correctness = self._coordinates(rows)
            self.points_ = draw_hexagons(self.ax_, x, y, correctness, style)
            return 0
        if kind == "kde":
            x, y, _ = self._coordinates(rows)
            self.contours_, outside = draw_contours(self.ax_, x, y)
            rows = rows[outside]
        drawn = _subsample(rows, self.data_map.region_labels()[rows], max_samples, rng)
        self._draw_points(drawn, style)
        if standard_errors:
            self._draw_crosses(drawn)
        return len(rows) - len(drawn)

    def _coordinates(self, rows):
        """Return the coordinates of rows, and their correctness."""
        names = ("variability", "confidence", "correctness")
        return [getattr(self.data_map, name)[rows] for name in names]

    def _draw_points(self, rows, style):
        mask = self.data_map.held_out_mask
        if mask is None or mask.all():  # no difference to show
            mask = np.zeros(self.data_map.n_samples, dtype=bool)
        held_out = mask[rows]
        self.points_ = self._scatter(rows[~held_out], len(rows), style)
        if held_out.any():
            points = self._scatter(rows[held_out], len(rows), style)
            points.update_scalarmappable()  # else the colours would be set when it is drawn
            colours = points.get_facecolor()
            points.set(array=None, facecolor="none", edgecolor=colours, linewidth=0.9)
            self.held_out_points_ = points
        n_excluded = self._draw_excluded(len(rows))
        write_legend(self.ax_, held_out.sum(), n_excluded)

    def _draw_excluded(self, n_drawn):
        """Draw the excluded rows as light crosses; return their number."""
        excluded = self.data_map.excluded_mask
        if excluded is None:
            return 0
        rows = np.flatnonzero(excluded & ~np.isnan(self.data_map.confidence))
        if len(rows):
            style = {"color": EXCLUDED_COLOUR, "marker": "x", "linewidths": 0.8, "zorder": 1}
            self.excluded_points_ = self._scatter(rows, n_drawn + len(rows), style)
        return len(rows)

    def _scatter(self, rows, n_drawn, style):
        n = max(n_drawn, 1)
        defaults = {
            # the area that points cover, n * s, grows with sqrt(n) only; bounds chosen by eye
            "s": np.clip(500 / np.sqrt(n), 3.0, 40.0),
            "alpha": np.clip(30 / np.sqrt(n), 0.45, 0.9),
            "linewidths": 0,
            "rasterized": n > 5000,  # in vector files, which grow with the number of points
            "zorder": 2,
        }
        x, y, correctness = self._coordinates(rows)
        colours = {} if _COLOURS & style.keys() else {"c": correctness}
        style = {name: self._take(value, rows) for name, value in style.items()}
        return self.ax_.scatter(x, y, **{**colours, **defaults, **style})

    def _take(self, value, rows):
        """Index an array with a value for each row of the map; other values are left alone."""
        if isinstance(value, (str, dict)) or not np.iterable(value):
            return value
        array = np.asarray(value)
        n_samples = self.data_map.n_samples
        # three or four numbers are one colour
        is_colour = array.ndim == 1 and n_samples in (3, 4) and not isinstance(value, np.ndarray)
        return array[rows] if len(array) == n_samples and not is_colour else value

    def _draw_crosses(self, rows):
        x, y, _ = self._coordinates(rows)
        errors = self.data_map.standard_errors
        self.crosses_ = self.ax_.errorbar(
            x,
            y,
            xerr=errors["variability"][rows],
            yerr=errors["confidence"][rows],
            fmt="none",
            ecolor="0.4",
            elinewidth=0.6,
            alpha=0.7,
            zorder=1,
        )


def _subsample(rows, regions, max_samples, rng):
    """Shuffle rows, and draw at most `max_samples`: from each region its share, at least one."""
    order = rng.permutation(len(rows))
    if len(rows) > max_samples:
        _, of_region, counts = np.unique(regions, return_inverse=True, return_counts=True)
        quotas = class_quotas(max_samples, counts, rng)
        chosen = [order[of_region[order] == i][:quota] for i, quota in enumerate(quotas)]
        order = rng.permutation(np.concatenate(chosen))
    return rows[order]
