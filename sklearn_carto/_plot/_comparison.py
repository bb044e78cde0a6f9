"""SubsetComparisonDisplay: the plot of a comparison of subsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from sklearn_carto._plot._arguments import get_axes
from sklearn_carto._utils._compat import (
    HasMethods,
    InvalidParameterError,
    check_matplotlib_support,
)
from sklearn_carto._utils._typing import Axes
from sklearn_carto._utils._validation import validate_params

# the palette of Okabe and Ito, which colour-blind readers can distinguish
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6d31")
_MARKERS = "osD^vP*"
_OF_FULL = {"color": "#222222", "marker": "o"}


class SubsetComparisonDisplay:
    """Subset comparison visualization: scores of models trained on subsets.

    For one fraction, the mean score of each training set with its 95 % confidence interval, and
    vertical lines for the full set and random. For several fractions, scores over the fraction, and
    horizontal lines for the full set and "clean"; for a replacement sweep, scores over the share
    that is replaced. Markers are filled if the confidence interval of the difference to random does
    not contain 0, and hollow otherwise.
    Intervals of scores that are known to lie in [0, 1], such as accuracy, are drawn only within
    this range; the summary holds them in full.

    It is recommended to use :meth:`from_comparison` or :meth:`SubsetComparison.plot` to create a
    display.

    Parameters
    ----------
    comparison : SubsetComparison
        Result of :func:`compare_subsets`.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_scores,)
        Axes, one for each score.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    bars_ : dict of (score, region) to matplotlib ErrorbarContainer
        Error bars of the confidence intervals.
    marks_ : dict of (score, region) to list of matplotlib Line2D
        Markers of the means, one for each fraction.
    references_ : dict of (score, region) to matplotlib Line2D
        Lines of the full set and of random.
    legend_ : matplotlib Legend
        Legend of lines and markers.

    See Also
    --------
    compare_subsets : Compute the scores.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_carto import SubsetComparisonDisplay, compare_subsets
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_subsets(
    ...     LogisticRegression(max_iter=1000), X, y, regions=["easy"], cv=3, random_state=0
    ... )
    >>> SubsetComparisonDisplay(comparison).comparison
    <SubsetComparison: 3 training sets, 9 fits>
    """

    @validate_params(comparison=[HasMethods(["summary", "to_latex"])])
    def __init__(self, comparison: Any) -> None:
        self.comparison = comparison

    @classmethod
    def from_comparison(
        cls, comparison: Any, ax: Axes = None, *, score: str | Sequence[str] | None = None
    ) -> Self:
        """Plot a comparison.

        Parameters
        ----------
        comparison : SubsetComparison
            Result of :func:`compare_subsets`.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to plot on, one for each score; None: a new figure.
        score : str or list of str, default=None
            Scores to plot, columns of `results_`; None: all.

        Returns
        -------
        display : SubsetComparisonDisplay
            The plotted display.
        """
        return cls(comparison).plot(ax, score=score)

    def plot(self, ax: Axes = None, *, score: str | Sequence[str] | None = None) -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to plot on, one for each score; None: a new figure.
        score : str or list of str, default=None
            Scores to plot, columns of `results_`; None: all.

        Returns
        -------
        self : SubsetComparisonDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a score is unknown, or if the number of axes differs from that of the scores.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        summary = self.comparison.summary()
        scores = _choose_scores(summary, score)
        regions = list(dict.fromkeys(summary["region"].tolist()))
        replaced = self._replaced()
        sweep = len(set(summary["frac"][_has_share(summary)].tolist())) > 1 or replaced
        size = (4.6, 3.6) if sweep else (3.6, 0.9 + 0.42 * len(regions))
        room = 2.0  # for the legend, and the names
        room += 0.0 if sweep else 0.09 * max(map(len, regions))
        figsize = (size[0] * len(scores) + room, size[1])
        self.axes_ = get_axes(ax, len(scores), "score", figsize=figsize, sharey=not sweep)
        self.figure_ = self.axes_[0].figure
        self.bars_: dict = {}
        self.marks_: dict = {}
        self.references_: dict = {}
        for axes, name in zip(self.axes_, scores, strict=True):
            of_score = summary["score"] == name
            table = {column: values[of_score] for column, values in summary.items()}
            if replaced:
                self._plot_replacement(axes, name, table, replaced)
            else:
                (self._plot_fractions if sweep else self._plot_one_fraction)(
                    axes, name, table, regions
                )
        self._add_legend(summary, regions)
        return self

    def _add_legend(self, summary, regions):
        """Explain lines and markers, to the right of the last axes."""
        from matplotlib.lines import Line2D

        handles = self.axes_[-1].get_legend_handles_labels()[0]
        if not handles:  # one fraction: the names are written along the axis
            lines: dict = {"full": ("-", _OF_FULL["color"]), "random": ("--", _COLOURS[0])}
            handles = [
                Line2D([], [], linestyle=style, color=colour, linewidth=1, label=name)
                for name, (style, colour) in lines.items()
                if name in regions
            ]
        if len(regions) > 2 and np.isfinite(summary["vs_random_low"]).any():
            marks = {"differs from random": "0.3", "may equal random": "white"}
            handles += [
                Line2D(
                    [],
                    [],
                    linestyle="none",
                    marker="o",
                    color="0.3",
                    markerfacecolor=fill,
                    label=name,
                )
                for name, fill in marks.items()
            ]
        self.legend_ = self.axes_[-1].legend(
            handles=handles,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            fontsize="small",
        )

    def _plot_one_fraction(self, ax, score, table, regions):
        """Plot one fraction: the scores of each training set, the first on top."""
        for i, region in enumerate(regions):
            where = np.flatnonzero(table["region"] == region)
            style = self._draw(ax, score, region, i - 1, table, where, [i], upward=False)
            if region in ("full", "random"):
                self.references_[score, region] = ax.axvline(
                    table["mean"][where[0]],
                    color=style["color"],
                    linestyle="-" if region == "full" else "--",
                    linewidth=1,
                    alpha=0.6,
                    zorder=0,
                )
        ax.set_yticks(range(len(regions)), regions)
        ax.set_ylim(len(regions) - 0.5, -0.5)
        ax.set_xlabel(_readable(score))
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)

    def _plot_fractions(self, ax, score, table, regions):
        """Plot several fractions: scores over the share of rows."""
        for i, region in enumerate(regions):
            where = np.flatnonzero(table["region"] == region)
            if region == "full" or not _has_share(table)[where].any():
                self.references_[score, region] = ax.axhline(
                    table["mean"][where[0]],
                    color="0.2" if region == "full" else _COLOURS[(i - 1) % len(_COLOURS)],
                    linestyle="-" if region == "full" else ":",
                    linewidth=1.2,
                    label=region,
                    zorder=0,
                )
                continue
            where = where[np.argsort(table["frac"][where])]
            shift = 1 + 0.02 * (i - len(regions) / 2)  # so that intervals do not overlap
            shares = 100 * table["frac"][where] * shift
            style = self._draw(ax, score, region, i - 1, table, where, shares, upward=True)
            (line,) = ax.plot(
                shares,
                table["mean"][where],
                color=style["color"],
                marker=style["marker"],
                linestyle="--" if region == "random" else "-",
                linewidth=1.4,
                label=region,
                zorder=2,
            )
            if region == "random":
                self.references_[score, region] = line
        shares = np.unique(100 * table["frac"][_has_share(table)])
        ax.set_xscale("log")
        ax.set_xticks(shares, [f"{share:g}" for share in shares])
        ax.set_xticks([], minor=True)
        ax.set_xlabel("share of the training rows [%]")
        _style_axes(ax, score)

    def _replaced(self):
        """Return the replaced share of each region; empty for other comparisons."""
        results = self.comparison.results_
        if "replaced" not in results:
            return {}
        pairs = zip(results["region"].tolist(), results["replaced"].tolist(), strict=True)
        return {region: share for region, share in pairs if np.isfinite(share)}

    def _plot_replacement(self, ax, score, table, replaced):
        """Plot a replacement sweep: scores over the share of a fixed budget that is replaced."""
        for region, line in (("full", "-"), ("random", "--")):
            self.references_[score, region] = ax.axhline(
                table["mean"][table["region"] == region][0],
                color=_OF_FULL["color"] if region == "full" else _COLOURS[0],
                linestyle=line,
                linewidth=1.2,
                label=region,
                zorder=0,
            )
        order = sorted(replaced, key=replaced.__getitem__)
        where = np.array([np.flatnonzero(table["region"] == region)[0] for region in order])
        shares = 100 * np.array([replaced[region] for region in order])
        style = self._draw(ax, score, "mixtures", 1, table, where, shares, upward=True)
        ax.plot(shares, table["mean"][where], **style, linewidth=1.4, label="mixtures", zorder=2)
        ax.set_xlabel("share of the budget that is replaced [%]")
        _style_axes(ax, score)

    def _draw(self, ax, score, region, number, table, where, places, *, upward):
        """Draw means and intervals; markers are filled where the score differs from random."""
        means = table["mean"][where]
        ends = np.array([table["mean_low"][where], table["mean_high"][where]])
        if score in self.comparison.unit_scores:
            ends = np.clip(ends, 0, 1)
        errors = np.abs(ends - means)
        colour = _COLOURS[number % len(_COLOURS)]
        style = {"color": colour, "marker": _MARKERS[number % len(_MARKERS)]}
        if region == "full":  # so that other regions have the same style in every plot
            style, colour = _OF_FULL, _OF_FULL["color"]
        xy = (places, means) if upward else (means, places)
        self.bars_[score, region] = ax.errorbar(
            *xy,
            **{"yerr" if upward else "xerr": errors},
            fmt="none",
            ecolor=colour,
            elinewidth=1.2,
            capsize=2.5,
            alpha=0.55 if upward else 1.0,
            zorder=1,
        )
        low, high = table["vs_random_low"][where], table["vs_random_high"][where]
        differs = (low > 0) | (high < 0) | (region in ("full", "random"))
        self.marks_[score, region] = [
            ax.plot(
                x,
                y,
                **style,
                linestyle="none",
                markersize=6,
                markerfacecolor=colour if filled else "white",
                zorder=3,
            )[0]
            for x, y, filled in zip(*xy, differs, strict=True)
        ]
        return style


def _has_share(table):
    """Whether each training set is a share that was chosen; "full" and "clean" are not."""
    drawn = table["frac"][table["region"] == "random"]
    return (table["region"] != "full") & np.isin(table["frac"], drawn)


def _style_axes(ax, score):
    ax.set_ylabel(_readable(score))
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _choose_scores(summary, score):
    known = list(dict.fromkeys(summary["score"].tolist()))
    if score is None:
        return known
    scores = list(score) if isinstance(score, (list, tuple, np.ndarray)) else [score]
    unknown = [name for name in scores if not isinstance(name, str) or name not in known]
    if unknown or not scores:
        raise InvalidParameterError(
            f"The 'score' parameter of SubsetComparisonDisplay.plot must be one or several of "
            f"{', '.join(known)}. Got {score!r} instead."
        )
    return list(dict.fromkeys(scores))


def _readable(score):
    return score.replace("_", " ")
