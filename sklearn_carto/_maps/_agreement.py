"""map_agreement: how far maps of the same rows, drawn by several models or seeds, agree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.utils import check_random_state

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._maps._averaging import check_same_rows
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._quotas import check_frac, n_rows_of


def map_agreement(maps, *, frac=0.33, random_state=0):
    """Ask how far several data maps of the same rows agree.

    Variability depends on model and seed far more than confidence does; before rows are kept or
    thrown away by a statistic, one should know how much of it is chance.

    Parameters
    ----------
    maps : mapping of str to DataMap, or sequence of DataMap
        At least two, of the same rows in the same order.
    frac : float, default=0.33
        Share of the rows, those with the highest value, whose overlap is counted, in (0, 1].
    random_state : int, RandomState instance or None, default=0
        Breaks ties at the border of the highest share.

    Returns
    -------
    agreement : MapAgreement
        Print it, plot it, or ask for its matrices.

    Raises
    ------
    ValueError
        If there are fewer than two maps, or they do not hold the same rows; if `frac` lies outside
        (0, 1].

    See Also
    --------
    DataMap.mean : The average map, with the standard error of each row.
    cross_distillation : Whether one model can choose rows for another.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 6.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import CartographyClassifier, map_agreement
    >>> X, y = load_iris(return_X_y=True)
    >>> learner = SGDClassifier(loss="log_loss", alpha=0.1)
    >>> maps = {
    ...     f"seed {seed}": CartographyClassifier(learner, random_state=seed).fit(X, y).data_map_
    ...     for seed in range(2)
    ... }
    >>> agreement = map_agreement(maps)
    >>> bool(agreement.rank_correlation_["confidence"][0, 1] > 0.9)
    True
    """
    named = maps if isinstance(maps, Mapping) else {f"map {i}": m for i, m in enumerate(maps)}
    names, maps = list(named), list(named.values())
    if len(maps) < 2:
        raise ValueError(f"map_agreement needs at least two maps; got {len(maps)}.")
    check_same_rows(maps, "map_agreement")
    check_frac(frac)
    held = [name for name in STATISTICS if all(getattr(m, name) is not None for m in maps)]
    values = {name: np.stack([getattr(one, name) for one in maps]) for name in held}
    seen = np.all([np.isfinite(one.confidence) for one in maps], axis=0)
    n_top = n_rows_of(frac, seen.sum())
    rng = check_random_state(random_state)
    regions = [one.region_labels(frac)[seen] for one in maps]
    return MapAgreement(
        names=names,
        chance=n_top / max(seen.sum(), 1),
        rank_correlation={name: _rank_correlation(rows[:, seen]) for name, rows in values.items()},
        overlap={name: _overlap(rows[:, seen], n_top, rng) for name, rows in values.items()},
        mutual_info=_of_pairs(adjusted_mutual_info_score, regions),
        disagreement=_disagreement(values, seen),
    )


def _rank_correlation(rows):
    """Spearman's: correlation of ranks, ties at their mean; NaN where all rows are alike."""
    ranks = rankdata(rows, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(ranks)


def _overlap(rows, n_top, rng):
    """Share of the highest rows of one map that are among the highest of the other."""
    order = [np.lexsort((rng.random_sample(len(row)), -row))[:n_top] for row in rows]
    return _of_pairs(lambda a, b: len(np.intersect1d(a, b)) / n_top, order)


def _of_pairs(measure, parts):
    """Fill the symmetric matrix of a measure of two parts."""
    matrix = np.eye(len(parts))
    for i in range(len(parts)):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = measure(parts[i], parts[j])
    return matrix


def _disagreement(values, seen):
    """Spread over the maps of a row's place: of its rank, in confidence and in variability."""
    n_seen = max(seen.sum(), 1)
    spread = np.full(len(seen), np.nan)
    places = [
        rankdata(values[name][:, seen], axis=1) / n_seen for name in ("confidence", "variability")
    ]
    spread[seen] = np.sqrt(np.mean([place.var(axis=0) for place in places], axis=0))
    return spread


class MapAgreement:
    """What :func:`map_agreement` found.

    Parameters
    ----------
    names : list of str
        Names of the maps.
    chance : float
        See `chance_`.
    rank_correlation, overlap : dict of str to ndarray of shape (n_maps, n_maps)
        See the attributes.
    mutual_info : ndarray of shape (n_maps, n_maps)
        See `mutual_info_`.
    disagreement : ndarray of shape (n_samples,)
        See `disagreement_`.

    Attributes
    ----------
    names_ : list of str
        Names of the maps, in the order of rows and columns.
    rank_correlation_ : dict of str to ndarray of shape (n_maps, n_maps)
        Spearman's rank correlation of each statistic that all maps hold, in [-1, 1]; NaN where a
        map holds one value alone.
    overlap_ : dict of str to ndarray of shape (n_maps, n_maps)
        Share of the rows highest in a statistic on one map that are highest on the other, too, in
        [0, 1].
    chance_ : float
        The overlap that rows drawn at random would have.
    mutual_info_ : ndarray of shape (n_maps, n_maps)
        Adjusted mutual information of the regions of the rows: 0 by chance, at most 1.
    disagreement_ : ndarray of shape (n_samples,)
        How far the maps disagree on a row: the standard deviation over the maps of its rank as a
        share of all ranks, root mean square over confidence and variability; NaN for rows that a
        map never saw.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_carto import DataMap, map_agreement
    >>> facts = {"variability": [0.1, 0.2, 0.3], "correctness": [1, 1, 0], "n_epochs": 5}
    >>> one = DataMap(confidence=[0.9, 0.6, 0.3], **facts)
    >>> other = DataMap(confidence=[0.6, 0.9, 0.3], **facts)
    >>> agreement = map_agreement({"one": one, "other": other})
    >>> agreement.rank_correlation_["confidence"].round(1)
    array([[1. , 0.5],
           [0.5, 1. ]])
    >>> agreement.most_disputed(2)
    array([0, 1])
    """

    def __init__(self, names, chance, rank_correlation, overlap, mutual_info, disagreement):
        self.names_ = names
        self.chance_ = chance
        self.rank_correlation_ = rank_correlation
        self.overlap_ = overlap
        self.mutual_info_ = mutual_info
        self.disagreement_ = disagreement

    def most_disputed(self, n_rows=10):
        """Return the rows on which the maps disagree most.

        Parameters
        ----------
        n_rows : int, default=10
            How many.

        Returns
        -------
        rows : ndarray of shape (n_rows,)
            Their indices, the most disputed first.
        """
        order = np.argsort(-self.disagreement_, kind="stable")  # NaN comes last
        return order[: min(n_rows, np.isfinite(self.disagreement_).sum())]

    def to_frame(self, backend="pandas"):
        """Return the agreement of each pair of maps as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            Which library's frame; it must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each pair of maps and statistic: `first`, `second`, `statistic`,
            `rank_correlation`, `overlap`, `chance`, and `mutual_info` of the pair's regions.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown.
        """
        lines = list(self._lines())
        columns = {name: np.array([line[name] for line in lines]) for name in lines[0]}
        return build_frame(columns, backend, "MapAgreement.to_frame")

    def plot(self, **kwargs):
        """Draw the matrices.

        Parameters
        ----------
        **kwargs : dict
            Handed to :meth:`MapAgreementDisplay.from_agreement`.

        Returns
        -------
        display : MapAgreementDisplay
            The display, drawn.
        """
        from sklearn_carto._plot._agreement import MapAgreementDisplay

        return MapAgreementDisplay.from_agreement(self, **kwargs)

    def _lines(self):
        for i in range(len(self.names_)):
            for j in range(i + 1, len(self.names_)):
                for statistic, correlations in self.rank_correlation_.items():
                    yield {
                        "first": self.names_[i],
                        "second": self.names_[j],
                        "statistic": statistic,
                        "rank_correlation": correlations[i, j],
                        "overlap": self.overlap_[statistic][i, j],
                        "chance": self.chance_,
                        "mutual_info": self.mutual_info_[i, j],
                    }

    def __str__(self):
        """Write the mean over all pairs as a table."""
        pairs = np.triu_indices(len(self.names_), k=1)
        text = [
            f"{len(self.names_)} maps, mean over {len(pairs[0])} pairs; adjusted mutual "
            f"information of the regions {self.mutual_info_[pairs].mean():.2f}",
            "",
            f"{'statistic':<14} rank correlation  overlap of the top {self.chance_:.0%}",
        ]
        for statistic, correlations in self.rank_correlation_.items():
            text.append(
                f"{statistic:<14} {correlations[pairs].mean():>16.2f}  "
                f"{self.overlap_[statistic][pairs].mean():>7.2f}"
            )
        return "\n".join(text)

    def __repr__(self):
        """Say how many maps were compared."""
        return f"<MapAgreement: {len(self.names_)} maps of {len(self.disagreement_)} rows>"
