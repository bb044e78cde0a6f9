"""CrossDistillationDisplay: the plot of a cross-distillation."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np

from sklearn_carto._plot._arguments import check_cmap, get_axes
from sklearn_carto._plot._fitting import fit_texts, wrap_labels
from sklearn_carto._plot._heat_map import draw_heat_map, plan_heat_map
from sklearn_carto._utils._compat import HasMethods, check_matplotlib_support
from sklearn_carto._utils._typing import Axes
from sklearn_carto._utils._validation import validate_params


class CrossDistillationDisplay:
    """Cross-distillation visualization: a matrix of scores.

    A cell shows the score of the model of its column, trained on rows that were selected with the
    reference model of its row. Colours are relative to the best and the worst score of the column.
    A star marks cells whose confidence interval of the difference to random does not contain 0.

    It is recommended to use :meth:`from_cross_distillation` or :meth:`CrossDistillation.plot` to
    create a display.

    Parameters
    ----------
    cross_distillation : CrossDistillation
        Result of :func:`cross_distillation`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the matrix.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    image_ : matplotlib AxesImage
        Image of the matrix.
    colorbar_ : matplotlib Colorbar
        Colours, from the worst score of a column to the best.
    texts_ : list of matplotlib Text
        Scores in the cells.

    See Also
    --------
    cross_distillation : Compute the scores.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import CrossDistillationDisplay, cross_distillation
    >>> X, y = load_iris(return_X_y=True)
    >>> models = {
    ...     loss: SGDClassifier(loss=loss, alpha=0.1) for loss in ("log_loss", "modified_huber")
    ... }
    >>> found = cross_distillation(models, X, y, cv=3, random_state=0)
    >>> CrossDistillationDisplay(found).cross_distillation
    <CrossDistillation: 2 models, 24 fits>
    """

    @validate_params(cross_distillation=[HasMethods(["matrix", "difference_to"])])
    def __init__(self, cross_distillation: Any) -> None:
        self.cross_distillation = cross_distillation

    @classmethod
    def from_cross_distillation(
        cls,
        cross_distillation: Any,
        ax: Axes = None,
        *,
        score: str | None = None,
        cmap: Any = "cividis",
    ) -> Self:
        """Plot a cross-distillation.

        Parameters
        ----------
        cross_distillation : CrossDistillation
            Result of :func:`cross_distillation`.
        ax : matplotlib Axes, default=None
            Axes to plot on; None: a new figure.
        score : str, default=None
            Score to plot, a column of `results_`; None: the first.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours, from the worst score of a column to the best.

        Returns
        -------
        display : CrossDistillationDisplay
            The plotted display.
        """
        return cls(cross_distillation).plot(ax, score=score, cmap=cmap)

    def plot(self, ax: Axes = None, *, score: str | None = None, cmap: Any = "cividis") -> Self:
        """Plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on; None: a new figure.
        score : str, default=None
            Score to plot, a column of `results_`; None: the first.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours, from the worst score of a column to the best.

        Returns
        -------
        self : CrossDistillationDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the score is unknown.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        check_cmap(cmap, f"{type(self).__name__}.plot")
        result = self.cross_distillation
        matrix = result.matrix(score)
        _, low, high = result.difference_to("random", score)
        n_rows, n_columns = matrix.shape
        figsize = 2.6 + 0.9 * n_columns, 1.6 + 0.5 * n_rows
        (self.ax_,) = get_axes(ax, 1, "matrix", figsize=figsize)
        self.figure_ = self.ax_.figure
        known = np.isfinite(matrix)
        worst = matrix.min(axis=0, where=known, initial=np.inf)
        best = matrix.max(axis=0, where=known, initial=-np.inf)
        relative = np.full(matrix.shape, np.nan)  # the cell of a model without scores stays empty
        spread = np.where(best > worst, best - worst, 1.0)
        np.divide(matrix - np.where(best >= worst, worst, 0.0), spread, out=relative, where=known)
        self.image_, self.texts_ = draw_heat_map(
            self.ax_, relative, result.reference_models_, result.models_, low=0, high=1, cmap=cmap
        )
        differs = (low > 0) | (high < 0)
        for text, value, star in zip(self.texts_, matrix[known], differs[known], strict=True):
            text.set_text(f"{value:.3f}{'*' if star else ''}")
        self.colorbar_ = self.figure_.colorbar(self.image_, ax=self.ax_, ticks=[0, 1])
        self.colorbar_.ax.set_yticklabels(["worst", "best"])
        name = (result.scores_[0] if score is None else score).replace("_", " ")
        labels = {
            "title": f"{name}, {result.region}, {result.frac:.0%} of the rows",
            "x": "model that is trained",
            "y": "model that selects the rows",
        }
        if differs[known].any():
            labels["x"] += "\n* differs from random"
        rounds = plan_heat_map(self.ax_, result.reference_models_, result.models_, self.texts_)
        rounds[2] += [
            partial(wrap_labels, self.ax_, **labels),
            partial(wrap_labels, self.colorbar_.ax, y="score within its column"),
        ]
        self.ax_.title.set_fontsize("medium")
        fit_texts([self.ax_, self.colorbar_.ax], figsize, rounds)
        return self
