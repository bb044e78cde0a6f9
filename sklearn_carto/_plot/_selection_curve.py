"""SelectionCurveDisplay: the plot of the scores that frac="auto" compares."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np

from sklearn_carto._plot._arguments import get_axes
from sklearn_carto._plot._colours import get_theme
from sklearn_carto._plot._fitting import fit_texts, wrap_labels
from sklearn_carto._plot._legend import place_legend
from sklearn_carto._utils._compat import (
    HasMethods,
    InvalidParameterError,
    check_matplotlib_support,
)
from sklearn_carto._utils._typing import Array, Axes
from sklearn_carto._utils._validation import validate_params

# of the palette of Okabe and Ito; both contrast with white and with black
_COLOUR, _CHOSEN = "#0072b2", "#d55e00"
_SIZE = 6.8, 3.6  # of a figure, in inches


class SelectionCurveDisplay:
    """Selection curve visualization: cross-validated score over the share of the samples.

    A point is the mean score of a share over the folds in which it was scored, and its interval one
    standard error of the mean difference to the best share, which itself has none. The chosen share
    is marked, and a line shows the best score. Markers are hollow where a share was clearly worse
    than the best one, and was not scored on all folds. Where all scores lie in [0, 1], so do the
    intervals.

    It is recommended to use :meth:`from_selector` to create a display.

    Parameters
    ----------
    results : dict of str to ndarray of shape (n_shares,)
        The `auto_results_` of a selector whose `frac` is "auto".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the curve.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    line_ : matplotlib Line2D
        Line through the means.
    bars_ : matplotlib ErrorbarContainer
        Error bars of the standard errors.
    marks_ : list of matplotlib Line2D
        Markers of the means, one for each share, from the largest.
    chosen_ : matplotlib Line2D
        Mark of the chosen share.
    best_ : matplotlib Line2D
        Line at the best score.
    legend_ : matplotlib Legend
        Legend of the marks.

    See Also
    --------
    DataMapSelector : Choose the share with ``frac="auto"``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_carto import DataMapSelector, SelectionCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> selector = DataMapSelector(region="random", frac="auto", random_state=0).fit(X, y)
    >>> display = SelectionCurveDisplay(selector.auto_results_)
    >>> bool(display.results["chosen"].sum() == 1)
    True
    """

    def __init__(self, results: dict[str, Array]) -> None:
        needed = ("frac", "n_rows", "mean_difference", "standard_error", "chosen")
        if not isinstance(results, dict) or any(name not in results for name in needed):
            raise InvalidParameterError(
                "The 'results' parameter of SelectionCurveDisplay must be the auto_results_ of a "
                f"selector whose frac is 'auto'. Got {type(results).__name__} instead, without "
                "such a curve."
            )
        self.results = results

    @classmethod
    @validate_params(selector=[HasMethods(["get_params"])])
    def from_selector(cls, selector: Any, ax: Axes = None) -> Self:
        """Plot the curve of a fitted selector.

        Parameters
        ----------
        selector : DataMapSelector, DataMapSampler or DistilledClassifier
            A fitted selector whose `frac` is "auto", or a classifier with such a `selector_`.
        ax : matplotlib Axes, default=None
            Axes to plot on; None: a new figure.

        Returns
        -------
        display : SelectionCurveDisplay
            The plotted display.

        Raises
        ------
        ValueError
            If the selector is not fitted, or chose no share.
        """
        selector = getattr(selector, "selector_", selector)
        results = getattr(selector, "auto_results_", {})
        if "n_rows" not in results:
            raise InvalidParameterError(
                "The 'selector' parameter of SelectionCurveDisplay.from_selector must be fitted "
                f"with frac='auto'. Got {type(selector).__name__} without the scores of shares."
            )
        return cls(results).plot(ax)

    def plot(self, ax: Axes = None) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on; None: a new figure.

        Returns
        -------
        self : SelectionCurveDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        (self.ax_,) = get_axes(ax, 1, "curve", figsize=_SIZE)
        self.figure_ = self.ax_.figure
        theme = get_theme(self.ax_)
        shares, means, errors = self._curve()
        complete, chosen = np.isfinite(self.results["mean_score"]), self.results["chosen"]
        self.best_ = self.ax_.axhline(
            means[complete].max(),
            color=theme.weak,
            linewidth=1,
            linestyle="--",
            label="best",
            zorder=0,
        )
        (self.line_,) = self.ax_.plot(shares, means, color=_COLOUR, linewidth=1.4, zorder=2)
        self.bars_ = self.ax_.errorbar(
            shares, means, yerr=errors, fmt="none", ecolor=_COLOUR, capsize=2.5, zorder=1
        )
        self.bars_.set_label("one standard error")
        self.marks_ = [
            self.ax_.plot(
                x,
                y,
                color=_COLOUR,
                marker="o",
                markersize=5,
                markerfacecolor=_COLOUR if filled else theme.background,
                zorder=3,
            )[0]
            for x, y, filled in zip(shares, means, complete, strict=True)
        ]
        (self.chosen_,) = self.ax_.plot(
            shares[chosen],
            means[chosen],
            color=_CHOSEN,
            marker="D",
            markersize=9,
            linestyle="none",
            label=f"chosen: {shares[chosen][0]:.3g}% ({self.results['n_rows'][chosen][0]:,} rows)",
            zorder=4,
        )
        if not complete.all():
            self.ax_.plot(
                [],
                [],
                color=_COLOUR,
                marker="o",
                linestyle="none",
                markerfacecolor=theme.background,
                label="dropped after some folds",
            )
        self.ax_.set_xscale("log")
        self.ax_.set_xticks([], minor=True)
        self.ax_.set(xlabel="share of the training rows [%]", ylabel="cross-validated score")
        self.ax_.grid(color=theme.grid)
        self.ax_.set_axisbelow(True)
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.legend_ = place_legend(self.ax_, *self.ax_.get_legend_handles_labels())
        steps = [
            partial(_write_shares, self.ax_, shares),
            partial(wrap_labels, self.ax_, x=self.ax_.get_xlabel(), y=self.ax_.get_ylabel()),
        ]
        fit_texts([self.ax_], _SIZE, [steps])
        return self

    def _curve(self):
        """Return shares in percent, mean scores and standard errors of all shares."""
        splits = [values for name, values in self.results.items() if name.startswith("split")]
        scores = np.array(splits).T
        known = np.isfinite(scores)
        sums = np.where(known, scores, 0.0).sum(axis=1)
        means = np.full(len(scores), np.nan)
        np.divide(sums, known.sum(axis=1), out=means, where=known.any(axis=1))
        errors = np.nan_to_num(self.results["standard_error"])
        if known.any() and ((scores[known] >= 0) & (scores[known] <= 1)).all():
            errors = np.stack([np.minimum(errors, means), np.minimum(errors, 1 - means)])
        return 100 * self.results["frac"], means, errors


def _write_shares(ax, shares):
    """Write the shares below the axis, as many as lie apart."""
    size = ax.xaxis.label.get_fontsize()
    room = 72 * ax.get_window_extent().width / ax.figure.dpi
    places = np.log(shares / shares.min()) * room / max(np.ptp(np.log(shares)), 1e-9)
    kept: list[int] = []
    for i, place in enumerate(places):
        if not kept or abs(places[kept[-1]] - place) > 3 * size:
            kept.append(i)
    ax.set_xticks(shares[kept], [f"{share:.3g}" for share in shares[kept]])
