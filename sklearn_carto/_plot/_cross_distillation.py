"""CrossDistillationDisplay: which model chooses rows for which."""

from __future__ import annotations

import numpy as np

from sklearn_carto._plot._arguments import get_axes
from sklearn_carto._plot._heat_map import draw_heat_map
from sklearn_carto._utils._compat import check_matplotlib_support


class CrossDistillationDisplay:
    """Picture of a cross-distillation: who chose the rows, who learned from them, and how well.

    Each cell is the score of the model of its column on the rows that the model of its row chose;
    colours are relative to the best and the worst of the column, so that models can be compared
    with themselves. A star marks cells whose difference to random is clear.

    Use :meth:`from_cross_distillation` or :meth:`CrossDistillation.plot` to make and draw one.

    Parameters
    ----------
    cross_distillation : CrossDistillation
        What :func:`cross_distillation` found.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the matrix.
    figure_ : matplotlib Figure
        Its figure.
    image_ : matplotlib AxesImage
        The cells.
    texts_ : list of matplotlib Text
        The scores.

    See Also
    --------
    cross_distillation : What is drawn.

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

    def __init__(self, cross_distillation):
        self.cross_distillation = cross_distillation

    @classmethod
    def from_cross_distillation(cls, cross_distillation, **kwargs):
        """Draw a cross-distillation.

        Parameters
        ----------
        cross_distillation : CrossDistillation
            What :func:`cross_distillation` found.
        **kwargs : dict
            Handed to :meth:`plot`.

        Returns
        -------
        display : CrossDistillationDisplay
            The display, drawn.
        """
        return cls(cross_distillation).plot(**kwargs)

    def plot(self, ax=None, *, score=None, cmap="cividis"):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None: a figure of its own.
        score : str, default=None
            A column of `results_`; None: the first score.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours, from the worst of a column to its best.

        Returns
        -------
        self : CrossDistillationDisplay
            The display, with its artists.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the score is unknown.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        found = self.cross_distillation
        matrix = found.matrix(score)
        _, low, high = found.difference_to("random", score)
        figsize = 1.6 + 0.9 * len(found.models_), 1.2 + 0.5 * len(found.reference_models_)
        (self.ax_,) = get_axes(ax, 1, "matrix", figsize=figsize)
        self.figure_ = self.ax_.figure
        worst, best = matrix.min(axis=0), matrix.max(axis=0)
        relative = (matrix - worst) / np.where(best > worst, best - worst, 1.0)
        self.image_, self.texts_ = draw_heat_map(
            self.ax_, relative, found.reference_models_, found.models_, low=0, high=1, cmap=cmap
        )
        clear = (low > 0) | (high < 0)
        for text, value, star in zip(self.texts_, matrix.ravel(), clear.ravel(), strict=True):
            text.set_text(f"{value:.3f}{'*' if star else ''}")
        self.ax_.set(xlabel="trained", ylabel="chose the rows")
        name = (found.scores_[0] if score is None else score).replace("_", " ")
        self.ax_.set_title(
            f"{name}, {found.region}, {found.frac:.0%} of the rows", fontsize="medium"
        )
        return self
