"""MapAgreementDisplay: the plot of the agreement of data maps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from sklearn_carto._plot._arguments import check_cmap, get_axes
from sklearn_carto._plot._fitting import are_in_one_row, fit_texts, wrap_labels
from sklearn_carto._plot._heat_map import draw_heat_map, plan_heat_map
from sklearn_carto._utils._compat import InvalidParameterError, check_matplotlib_support
from sklearn_carto._utils._typing import Axes
from sklearn_carto._utils._validation import describe, validate_params


class MapAgreementDisplay:
    """Map agreement visualization: a matrix for each statistic.

    A matrix shows the rank correlation of a statistic above the diagonal, and the overlap of the
    rows with its highest values below. The last matrix is the adjusted mutual information of the
    regions.

    It is recommended to use :meth:`from_agreement` or :meth:`MapAgreement.plot` to create a
    display.

    Parameters
    ----------
    agreement : MapAgreement
        Result of :func:`map_agreement`.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_statistics + 1,)
        Axes of the matrices.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    images_ : dict of str to matplotlib AxesImage
        Images of the matrices, by statistic; "regions" is the last.
    colorbar_ : matplotlib Colorbar
        Colours of the values from 0 to 1; lower ones have the colour of 0.

    See Also
    --------
    map_agreement : Compute the agreement.

    Examples
    --------
    >>> from sklearn_carto import DataMap, MapAgreementDisplay, map_agreement
    >>> shared = {"variability": [0.1, 0.2], "correctness": [1, 0], "n_epochs": 5}
    >>> maps = [DataMap(confidence=[0.9, p], **shared) for p in (0.3, 0.6)]
    >>> MapAgreementDisplay(map_agreement(maps)).agreement
    <MapAgreement: 2 maps of 2 rows>
    """

    def __init__(self, agreement: Any) -> None:
        if not hasattr(agreement, "rank_correlation_"):
            raise InvalidParameterError(
                "The 'agreement' parameter of MapAgreementDisplay must be a MapAgreement. Got "
                f"{describe(agreement)} instead."
            )
        self.agreement = agreement

    @classmethod
    def from_agreement(cls, agreement: Any, **kwargs: Any) -> Self:
        """Plot an agreement.

        Parameters
        ----------
        agreement : MapAgreement
            Result of :func:`map_agreement`.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : MapAgreementDisplay
            The plotted display.
        """
        return cls(agreement).plot(**kwargs)

    @validate_params(statistics=[list, tuple])
    def plot(
        self,
        ax: Axes = None,
        *,
        statistics: Sequence[str] = ("confidence", "variability"),
        cmap: Any = "cividis",
    ) -> Self:
        """Plot.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Axes to plot on, one for each statistic and one for the regions; None: a new figure.
        statistics : sequence of str, default=("confidence", "variability")
            Statistics to plot.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours from 0 to 1.

        Returns
        -------
        self : MapAgreementDisplay
            The display, with its artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the maps do not hold a statistic, or if the number of axes differs.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        agreement = self.agreement
        check_cmap(cmap, "MapAgreementDisplay.plot")
        for name in statistics:
            if name not in agreement.rank_correlation_:
                held = ", ".join(agreement.rank_correlation_)
                raise InvalidParameterError(f"Unknown statistic {name!r}. The maps hold {held}.")
        n_matrices = len(statistics) + 1
        side = max(1.4 + 0.7 * len(agreement.names_), 3.0)
        figsize = (side * n_matrices, side)
        self.axes_ = get_axes(ax, n_matrices, "statistic and one for the regions", figsize=figsize)
        self.figure_ = self.axes_[0].figure
        self.images_ = {}
        matrices = {name: self._matrix(name) for name in statistics}
        halves = (
            f"rank correlation above, overlap below the diagonal (chance {agreement.chance_:.2f})"
        )
        titles = {name: f"{name.replace('_', ' ')}\n{halves}" for name in statistics}
        matrices["regions"] = _without_diagonal(agreement.mutual_info_)
        titles["regions"] = "regions\nadjusted mutual information"
        shared = are_in_one_row(self.axes_)  # then the names of the first matrix hold for all
        names = agreement.names_
        rounds: list = [[], [], [], []]
        for i, (axes, (name, matrix)) in enumerate(zip(self.axes_, matrices.items(), strict=True)):
            self.images_[name], texts = draw_heat_map(
                axes, matrix, names, names, low=0, high=1, cmap=cmap
            )
            axes.title.set_fontsize("medium")
            rows = () if shared and i else names
            plan = plan_heat_map(axes, rows, names, texts)
            for steps, more in zip(rounds, plan, strict=True):
                steps += more
            rounds[2].append(partial(wrap_labels, axes, title=titles[name]))
        bar = self.figure_.colorbar(self.images_["regions"], ax=list(self.axes_), pad=0.02)
        self.colorbar_ = bar
        rounds[2].append(partial(wrap_labels, bar.ax, y="agreement"))
        fit_texts([*self.axes_, bar.ax], figsize, rounds)
        return self

    def _matrix(self, statistic):
        """Build the matrix: rank correlation above the diagonal, overlap below."""
        correlation = self.agreement.rank_correlation_[statistic]
        overlap = self.agreement.overlap_[statistic]
        return _without_diagonal(np.triu(correlation) + np.tril(overlap, k=-1))


def _without_diagonal(matrix):
    return np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)
