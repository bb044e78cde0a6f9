"""map_agreement: the agreement of data maps of several models or seeds on the same rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import adjusted_mutual_info_score

from sklearn_carto._dynamics._uncertainty import MAP_STATISTICS
from sklearn_carto._maps._averaging import check_maps
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._html import html_table
from sklearn_carto._utils._quotas import check_frac, n_rows_of
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._validation import Count, Number, validate_params


@validate_params(random_state=["random_state"])
def map_agreement(maps, *, frac=0.33, random_state=0):
    """Measure the agreement of several data maps of the same rows.

    Variability depends on the model and the seed far more than confidence does. The agreement of
    maps of several seeds shows how much of a statistic is chance, before rows are selected by it.

    Parameters
    ----------
    maps : mapping of str to DataMap, or sequence of DataMap
        At least two, of the same rows in the same order. Rows that one of the maps has not seen, or
        that are excluded, are left out.
    frac : float, default=0.33
        Share of the rows, those with the highest values of a statistic, whose overlap is measured,
        in (0, 1].
    random_state : int, RandomState instance or None, default=0
        Breaks ties at the border of this share.

    Returns
    -------
    agreement : MapAgreement
        Matrices of the agreement of each pair of maps, to print, plot or read.

    Raises
    ------
    ValueError
        If there are fewer than two maps, if they do not hold the same rows, or if `frac` is not in
        (0, 1].

    See Also
    --------
    DataMap.mean : Average several maps, with standard errors.
    cross_distillation : Evaluate rows selected with one model for the training of another.

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
    check_frac(frac)
    names = list(map(str, maps)) if isinstance(maps, Mapping) else None
    maps = check_maps(list(maps.values()) if names else maps, "map_agreement", at_least=2)
    names = names or [f"map {i}" for i in range(len(maps))]
    present = np.all([one._present_mask for one in maps], axis=0)
    if not present.any():
        raise ValueError(
            "map_agreement needs a row that was seen in the training of every map and is not "
            "excluded; there is none."
        )
    maps = [one.subset(present) for one in maps]
    held = [name for name in MAP_STATISTICS if all(getattr(m, name) is not None for m in maps)]
    values = {name: np.stack([getattr(one, name) for one in maps]) for name in held}
    n_present = maps[0].n_samples
    n_top = n_rows_of(frac, n_present)
    rng = rule_generator(random_state, "map_agreement")
    regions = [one.region_labels(frac) for one in maps]
    disagreement = np.full(len(present), np.nan)
    disagreement[present] = _disagreement(values)
    return MapAgreement(
        names=names,
        chance=n_top / n_present,
        rank_correlation={name: _rank_correlation(rows) for name, rows in values.items()},
        overlap={name: overlap_of_highest(rows, n_top, rng) for name, rows in values.items()},
        mutual_info=_compare_pairs(adjusted_mutual_info_score, regions),
        disagreement=disagreement,
    )


def _rank_correlation(rows):
    """Spearman's rank correlation; NaN if a statistic is constant."""
    if rows.shape[1] < 2:
        return np.full((len(rows), len(rows)), np.nan)
    ranks = rankdata(rows, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(ranks)


def overlap_of_highest(rows, n_top, rng):
    """Compute the share of the highest rows of one map that are among the highest of another."""
    order = [np.lexsort((rng.random_sample(len(row)), -row))[:n_top] for row in rows]
    return _compare_pairs(lambda a, b: len(np.intersect1d(a, b)) / n_top, order)


def _compare_pairs(measure, items):
    """Compute the symmetric matrix of a measure of two items, 1 on the diagonal."""
    matrix = np.eye(len(items))
    for i in range(len(items)):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = measure(items[i], items[j])
    return matrix


def _disagreement(values):
    """Compute the spread over the maps of the rank of a row, in confidence and variability."""
    ranks = [
        rankdata(values[name], axis=1) / values[name].shape[1]
        for name in ("confidence", "variability")
    ]
    return np.sqrt(np.mean([rank.var(axis=0) for rank in ranks], axis=0))


class MapAgreement:
    """Agreement of several data maps, as computed by :func:`map_agreement`.

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
        map is constant.
    overlap_ : dict of str to ndarray of shape (n_maps, n_maps)
        Share of the rows with the highest values of a statistic on one map that have the highest
        values on the other, too, in [0, 1].
    chance_ : float
        Expected overlap of rows sampled at random.
    mutual_info_ : ndarray of shape (n_maps, n_maps)
        Adjusted mutual information of the regions of the rows: 0 if they agree by chance, at
        most 1.
    disagreement_ : ndarray of shape (n_samples,)
        Disagreement of the maps on each row: standard deviation over the maps of its rank divided
        by the number of rows, root mean square over confidence and variability; NaN for rows that
        were not seen in the training of a map, or are excluded.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_carto import DataMap, map_agreement
    >>> shared = {"variability": [0.1, 0.2, 0.3], "correctness": [1, 1, 0], "n_epochs": 5}
    >>> one = DataMap(confidence=[0.9, 0.6, 0.3], **shared)
    >>> other = DataMap(confidence=[0.6, 0.9, 0.3], **shared)
    >>> agreement = map_agreement({"one": one, "other": other})
    >>> agreement.rank_correlation_["confidence"].round(1)
    array([[1. , 0.5],
           [0.5, 1. ]])
    >>> agreement.most_disputed(2)
    array([0, 1])
    """

    @validate_params(
        names=[list],
        chance=[Number(0, 1)],
        rank_correlation=[dict],
        overlap=[dict],
        mutual_info=[np.ndarray],
        disagreement=[np.ndarray],
    )
    def __init__(self, names, chance, rank_correlation, overlap, mutual_info, disagreement):
        self.names_ = names
        self.chance_ = chance
        self.rank_correlation_ = rank_correlation
        self.overlap_ = overlap
        self.mutual_info_ = mutual_info
        self.disagreement_ = disagreement

    @validate_params(n_rows=[Count(1)])
    def most_disputed(self, n_rows=10):
        """Return the rows on which the maps disagree most.

        Parameters
        ----------
        n_rows : int, default=10
            Number of rows to return.

        Returns
        -------
        rows : ndarray of shape (n_rows,)
            Indices of the rows, the most disputed first.
        """
        order = np.argsort(-self.disagreement_, kind="stable")  # NaN comes last
        return order[: min(n_rows, np.isfinite(self.disagreement_).sum())]

    def to_frame(self, backend="pandas"):
        """Return the agreement of each pair of maps as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            Library of the data frame; it must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each pair of maps and each statistic, with columns `first`, `second`,
            `statistic`, `rank_correlation`, `overlap`, `chance`, and `mutual_info` of the regions.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown.
        """
        records = list(self._records())
        columns = {name: np.array([record[name] for record in records]) for name in records[0]}
        return build_frame(columns, backend, "MapAgreement.to_frame")

    def plot(self, **kwargs):
        """Plot the matrices.

        Parameters
        ----------
        **kwargs : dict
            Passed to :meth:`MapAgreementDisplay.plot`.

        Returns
        -------
        display : MapAgreementDisplay
            The plotted display.
        """
        from sklearn_carto._plot._agreement import MapAgreementDisplay

        return MapAgreementDisplay.from_agreement(self, **kwargs)

    def _records(self):
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
        """Return a table of means over all pairs of maps."""
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
        """Return a summary: the numbers of maps and rows."""
        return f"<MapAgreement: {len(self.names_)} maps of {len(self.disagreement_)} rows>"

    def _repr_html_(self):
        """Return the table of all pairs of maps, for notebooks."""
        records = list(self._records())
        columns = {name: [record[name] for record in records] for name in records[0]}
        return html_table(repr(self)[1:-1], columns, n_names=3)
