"""MapAgreementDisplay: the picture of how far data maps agree."""

from __future__ import annotations

import numpy as np

from sklearn_carto._plot._arguments import get_axes
from sklearn_carto._plot._heat_map import draw_heat_map
from sklearn_carto._utils._compat import check_matplotlib_support


class MapAgreementDisplay:
    """Picture of how far data maps agree: a matrix a statistic.

    Above the diagonal stands the rank correlation of a statistic, below it the overlap of the rows
    that are highest in it; the last matrix is the adjusted mutual information of the regions.

    Use :meth:`from_agreement` or :meth:`MapAgreement.plot` to make and draw one.

    Parameters
    ----------
    agreement : MapAgreement
        What :func:`map_agreement` found.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_statistics + 1,)
        Axes, one a matrix.
    figure_ : matplotlib Figure
        Their figure.
    images_ : dict of str to matplotlib AxesImage
        The matrices, by statistic; "regions" is the last.

    See Also
    --------
    map_agreement : What is drawn.

    Examples
    --------
    >>> from sklearn_carto import DataMap, MapAgreementDisplay, map_agreement
    >>> facts = {"variability": [0.1, 0.2], "correctness": [1, 0], "n_epochs": 5}
    >>> maps = [DataMap(confidence=[0.9, p], **facts) for p in (0.3, 0.6)]
    >>> MapAgreementDisplay(map_agreement(maps)).agreement
    <MapAgreement: 2 maps of 2 rows>
    """

    def __init__(self, agreement):
        self.agreement = agreement

    @classmethod
    def from_agreement(cls, agreement, **kwargs):
        """Draw an agreement.

        Parameters
        ----------
        agreement : MapAgreement
            What :func:`map_agreement` found.
        **kwargs : dict
            Handed to :meth:`plot`.

        Returns
        -------
        display : MapAgreementDisplay
            The display, drawn.
        """
        return cls(agreement).plot(**kwargs)

    def plot(self, ax=None, *, statistics=("confidence", "variability"), cmap="cividis"):
        """Draw.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Where to draw, one axes for each statistic and one for the regions; None: a figure of
            its own.
        statistics : sequence of str, default=("confidence", "variability")
            Which statistics.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours from 0 to 1.

        Returns
        -------
        self : MapAgreementDisplay
            The display, with its artists.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a statistic is unknown, or there are not as many axes as matrices.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        found = self.agreement
        for name in statistics:
            if name not in found.rank_correlation_:
                known = ", ".join(found.rank_correlation_)
                raise ValueError(f"Unknown statistic {name!r}. The maps hold {known}.")
        n_matrices = len(statistics) + 1
        side = 1.4 + 0.7 * len(found.names_)
        figsize = (side * n_matrices, side)
        self.axes_ = get_axes(ax, n_matrices, "statistic and one for the regions", figsize=figsize)
        self.figure_ = self.axes_[0].figure
        self.images_ = {}
        matrices = {name: self._halves(name) for name in statistics}
        titles = {
            name: f"{name}\nrank correlation \\ overlap (chance {found.chance_:.2f})"
            for name in statistics
        }
        matrices["regions"] = _without_diagonal(found.mutual_info_)
        titles["regions"] = "regions\nadjusted mutual information"
        for axes, (name, matrix) in zip(self.axes_, matrices.items(), strict=True):
            self.images_[name], _ = draw_heat_map(
                axes, matrix, found.names_, found.names_, low=0, high=1, cmap=cmap
            )
            axes.set_title(titles[name], fontsize="medium")
        return self

    def _halves(self, statistic):
        """Rank correlation above the diagonal, overlap below it."""
        correlation = self.agreement.rank_correlation_[statistic]
        overlap = self.agreement.overlap_[statistic]
        return _without_diagonal(np.triu(correlation) + np.tril(overlap, k=-1))


def _without_diagonal(matrix):
    return np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)
