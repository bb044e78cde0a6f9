"""SubsetComparisonDisplay: the plot of a comparison of subsets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from sklearn_carto._plot._arguments import get_axes
from sklearn_carto._plot._colours import get_theme
from sklearn_carto._plot._fitting import (
    are_in_one_row,
    fit_texts,
    make_plain,
    wrap_labels,
    write_ticks,
)
from sklearn_carto._plot._legend import place_legend
from sklearn_carto._utils._compat import (
    HasMethods,
    InvalidParameterError,
    check_matplotlib_support,
)
from sklearn_carto._utils._typing import Axes
from sklearn_carto._utils._validation import validate_params

_MARKERS = "osD^vP*"


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
        self._theme = get_theme(self.axes_[0])
        self.bars_: dict = {}
        self.marks_: dict = {}
        self.references_: dict = {}
        steps: list = []
        for axes, name in zip(self.axes_, scores, strict=True):
            of_score = summary["score"] == name
            table = {column: values[of_score] for column, values in summary.items()}
            if replaced:
                labels = self._plot_replacement(axes, name, table, replaced)
            else:
                labels = (self._plot_fractions if sweep else self._plot_one_fraction)(
                    axes, name, table, regions
                )
            steps.append(partial(wrap_labels, axes, **labels))
        rounds = [steps] if sweep else [[partial(_write_names, self.axes_, regions)], steps]
        self._add_legend(summary, regions, figsize)
        fit_texts(list(self.axes_), figsize, rounds)
        return self

    def _add_legend(self, summary, regions, figsize):
        """Explain lines and markers, to the right of the last axes or where there is room."""
        from matplotlib.lines import Line2D

        theme, ax = self._theme, self.axes_[-1]
        handles, names = [], []
        style: dict
        for handle in ax.lines:
            if handle.get_gid() in {*regions, "mixtures"}:
                handles.append(handle)
                names.append(handle.get_gid())
        if not handles:  # one fraction: the names are written along the axis
            lines = {"full": ("-", theme.foreground), "random": ("--", theme.palette[0])}
            for name, (line, colour) in lines.items():
                if name in regions:
                    style = {"linestyle": line, "color": colour, "linewidth": 1}
                    handles.append(Line2D([], [], label=name, **style))
                    names.append(name)
        if len(regions) > 2 and np.isfinite(summary["vs_random_low"]).any():
            marks = {"differs from random": theme.weak, "may equal random": theme.background}
            for name, fill in marks.items():
                style = {"linestyle": "none", "marker": "o", "markerfacecolor": fill}
                handles.append(Line2D([], [], color=theme.weak, label=name, **style))
                names.append(name)
        if np.isfinite(summary["mean_low"]).any():
            style = {"marker": "|", "markersize": 5, "linewidth": 1.2}
            names.append("95% interval")
            handles.append(Line2D([], [], color=theme.weak, label=names[-1], **style))
        self.legend_ = place_legend(ax, handles, [make_plain(name) for name in names])

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
        ax.set_yticks(range(len(regions)), labels=[""] * len(regions))
        ax.set_ylim(len(regions) - 0.5, -0.5)
        ax.grid(axis="x", color=self._theme.grid)
        ax.locator_params(axis="x", nbins=4)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        return {"x": _readable(score)}

    def _plot_fractions(self, ax, score, table, regions):
        """Plot several fractions: scores over the share of rows."""
        gaps = np.diff(np.log(np.unique(table["frac"][_has_share(table)])))
        step = min(0.02, 0.6 * gaps.min() / len(regions)) if len(gaps) else 0.02
        for i, region in enumerate(regions):
            where = np.flatnonzero(table["region"] == region)
            if region == "full" or not _has_share(table)[where].any():
                self.references_[score, region] = ax.axhline(
                    table["mean"][where[0]],
                    color=self._get_style(region, i - 1)["color"],
                    linestyle="-" if region == "full" else ":",
                    linewidth=1.2,
                    label=region,
                    gid=region,
                    zorder=0,
                )
                continue
            where = where[np.argsort(table["frac"][where])]
            # so that intervals do not lie on each other; they stay beside their own share
            shift = np.exp(step * (i - len(regions) / 2))
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
                gid=region,
                zorder=2,
            )
            if region == "random":
                self.references_[score, region] = line
        shares = np.unique(100 * table["frac"][_has_share(table)])
        ax.set_xscale("log")
        ax.set_xticks(shares, [f"{share:g}" for share in shares])
        ax.set_xticks([], minor=True)
        return self._style_axes(ax, score, "share of the training rows [%]")

    def _style_axes(self, ax, score, label):
        """Style axes whose scores go upward; return their labels."""
        ax.set(xlabel=" ", ylabel=" ")
        ax.locator_params(axis="y", nbins=6)
        ax.grid(color=self._theme.grid)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        return {"x": label, "y": _readable(score)}

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
                color=self._get_style(region, 0)["color"],
                linestyle=line,
                linewidth=1.2,
                label=region,
                gid=region,
                zorder=0,
            )
        order = sorted(replaced, key=replaced.__getitem__)
        where = np.array([np.flatnonzero(table["region"] == region)[0] for region in order])
        shares = 100 * np.array([replaced[region] for region in order])
        style = self._draw(ax, score, "mixtures", 1, table, where, shares, upward=True)
        ax.plot(
            shares,
            table["mean"][where],
            **style,
            linewidth=1.4,
            label="mixtures",
            gid="mixtures",
            zorder=2,
        )
        return self._style_axes(ax, score, "share of the budget that is replaced [%]")

    def _get_style(self, region, number):
        """Return the colour and marker of a region, the same ones in every plot."""
        if region == "full":
            return {"color": self._theme.foreground, "marker": "o"}
        palette = self._theme.palette
        return {
            "color": palette[number % len(palette)],
            # another marker in each round of the colours, so that no pair repeats in 49
            "marker": _MARKERS[(number + number // len(palette)) % len(_MARKERS)],
        }

    def _draw(self, ax, score, region, number, table, where, places, *, upward):
        """Draw means and intervals; markers are filled where the score differs from random."""
        means = table["mean"][where]
        ends = np.array([table["mean_low"][where], table["mean_high"][where]])
        if score in self.comparison.unit_scores:
            ends = np.clip(ends, 0, 1)
        errors = np.abs(ends - means)
        style = self._get_style(region, number)
        colour = style["color"]
        xy = (places, means) if upward else (means, places)
        self.bars_[score, region] = ax.errorbar(
            *xy,
            **{"yerr" if upward else "xerr": errors},
            fmt="none",
            ecolor=colour,
            elinewidth=1.2,
            capsize=2.5,
            alpha=0.6 if upward else 1.0,
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
                markerfacecolor=colour if filled else self._theme.background,
                zorder=3,
            )[0]
            for x, y, filled in zip(*xy, differs, strict=True)
        ]
        return style


def _write_names(axes, names):
    """Write the names of training sets along the axes, or only the first ones of a row."""
    size = axes[0].xaxis.label.get_fontsize()
    room = 0.3 * 72 * axes[0].figure.canvas.figure.get_size_inches()[0]
    shared = are_in_one_row(axes)
    for i, ax in enumerate(axes):
        if i and shared:
            ax.tick_params(axis="y", labelleft=False)
        else:
            write_ticks(ax.yaxis, names, room, size)


def _has_share(table):
    """Whether each training set is a share that was chosen; "full" and "clean" are not."""
    drawn = table["frac"][table["region"] == "random"]
    return (table["region"] != "full") & np.isin(table["frac"], drawn)


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
