"""compare_maps: the rows that moved between the data maps of two versions of a data set."""

from __future__ import annotations

import numpy as np

from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._region_labels import REGIONS
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._html import html_table
from sklearn_carto._utils._random_state import draw_seed
from sklearn_carto._utils._validation import Count, Number, describe, validate_params

SHIFTED = ("confidence", "variability", "correctness")


@validate_params(
    a=[DataMap],
    b=[DataMap],
    by_position=["boolean"],
    confidence=[Number(0, 1)],
    variability=[Number(0, 0.5)],
    random_state=["random_state"],
)
def compare_maps(
    a, b, *, by_position=False, frac=0.33, confidence=0.5, variability=0.1, random_state=0
):
    """Compare the data maps of two versions of a data set, row by row.

    Rows are matched by their `sample_ids`. Maps of two seeds differ, too: compare maps that are
    means of several seeds (:meth:`DataMap.mean`), or see :func:`stability_report` for how far rows
    move by chance.

    Parameters
    ----------
    a, b : DataMap
        The maps before and after.
    by_position : bool, default=False
        Whether to match rows by their position instead, for maps without ids of the same rows in
        the same order.
    frac, confidence, variability : float, default=0.33, 0.5, 0.1
        Parameters of :meth:`DataMap.region_labels`. The regions are those of each whole map, with
        the rows that the other one lacks.
    random_state : int, RandomState instance or None, default=0
        Breaks ties between the regions, alike on both maps if they hold as many rows.

    Returns
    -------
    comparison : MapComparison
        The rows that moved, were added, removed or relabelled, to print, plot or read.

    Raises
    ------
    ValueError
        If a map holds no ids, or holds one twice, if the maps have no id in common, if they differ
        in length with ``by_position=True``, or if a threshold is out of range.

    See Also
    --------
    map_agreement : Agreement of several maps of the same rows.

    Examples
    --------
    >>> from sklearn_carto import DataMap, compare_maps
    >>> before = DataMap(
    ...     confidence=[0.9, 0.1, 0.5], variability=[0.1, 0.1, 0.4], correctness=[1, 0, 0.5],
    ...     n_epochs=5, labels=["cat", "dog", "dog"], sample_ids=["a", "b", "c"],
    ... )
    >>> after = DataMap(
    ...     confidence=[0.8, 0.9], variability=[0.1, 0.1], correctness=[1, 1], n_epochs=5,
    ...     labels=["cat", "cat"], sample_ids=["d", "b"],
    ... )
    >>> comparison = compare_maps(before, after, variability=0.3)
    >>> comparison
    <MapComparison: 1 common row, 1 moved, 1 relabelled, 1 added, 2 removed>
    >>> comparison.sample_ids_, comparison.region_a_, comparison.region_b_
    (array(['b'], dtype='<U1'), array(['hard-to-learn'], dtype='<U13'), array(['easy-to-learn'], \
dtype='<U13'))
    """
    seed = draw_seed(random_state)
    rows_a, rows_b, ids = _match(a, b, by_position)
    regions = [one.region_labels(frac, confidence, variability, seed) for one in (a, b)]
    added, removed = (_others(m, rows) for m, rows in ((b, rows_b), (a, rows_a)))
    return MapComparison(
        a.subset(rows_a),
        b.subset(rows_b),
        ids,
        regions[0][rows_a],
        regions[1][rows_b],
        added_ids=added,
        removed_ids=removed,
    )


def _match(a, b, by_position):
    """Return the positions of the common rows on both maps, in the order of the first, and ids."""
    if by_position:
        if a.n_samples != b.n_samples:
            raise ValueError(
                "compare_maps(by_position=True) needs maps of the same rows in the same order; got "
                f"{a.n_samples} and {b.n_samples} rows. Match them by sample_ids."
            )
        rows = np.arange(a.n_samples)
        ids = next((m.sample_ids for m in (a, b) if m.sample_ids is not None), rows)
        return rows, rows, ids
    places = [_places(one, name) for one, name in ((a, "a"), (b, "b"))]
    pairs = [(row, places[1][key]) for key, row in places[0].items() if key in places[1]]
    if not pairs:
        raise ValueError(
            "compare_maps found no sample id that both maps hold; the first are "
            f"{next(iter(places[0]))!r} and {next(iter(places[1]))!r}. Ids must be of one type on "
            "both maps; for the same rows in the same order pass by_position=True."
        )
    rows_a, rows_b = np.array(pairs).T
    return rows_a, rows_b, a.sample_ids[rows_a]


def _places(data_map, name):
    """Return the position of each id of a map."""
    ids = data_map.sample_ids
    if ids is None:
        raise InvalidParameterError(
            f"The {name!r} parameter of compare_maps must hold sample_ids, by which rows are "
            "matched. Pass sample_ids to fit or, for the same rows in the same order, "
            "by_position=True to compare_maps."
        )
    if ids.dtype.kind in "mM":  # the same time in any unit
        ids = ids.astype(f"{ids.dtype.kind}8[ns]")
    places = {key: row for row, key in enumerate(ids.tolist())}
    if len(places) < len(ids):
        raise InvalidParameterError(
            f"The {name!r} parameter of compare_maps must hold each of its sample_ids once. Got "
            f"{len(ids) - len(places)} that repeat another."
        )
    return places


def _others(data_map, rows):
    """Return the ids of the rows of a map that are not among some; none where all are."""
    others = np.setdiff1d(np.arange(data_map.n_samples), rows)
    return others if data_map.sample_ids is None else data_map.sample_ids[others]


class MapComparison:
    """Comparison of the data maps of two versions of a data set, by :func:`compare_maps`.

    Parameters
    ----------
    map_a, map_b : DataMap
        See `map_a_` and `map_b_`.
    sample_ids, region_a, region_b : ndarray of shape (n_common,)
        See the attributes.
    added_ids, removed_ids : ndarray
        See the attributes.

    Attributes
    ----------
    map_a_, map_b_ : DataMap
        The maps of the common rows, in the order of the first map.
    sample_ids_ : ndarray of shape (n_common,)
        Ids of the common rows; their positions if the maps hold no ids.
    region_a_, region_b_ : ndarray of shape (n_common,)
        Region of each common row on both maps.
    moved_mask_ : ndarray of bool of shape (n_common,)
        True for rows whose region differs.
    relabelled_mask_ : ndarray of bool of shape (n_common,)
        True for rows whose label differs; False for all rows if a map holds no labels.
    shifts_ : dict of str to ndarray of shape (n_common,)
        Confidence, variability and correctness on the second map less those on the first; NaN for
        rows that one of the trainings has not seen.
    added_ids_, removed_ids_ : ndarray of shape (n_added,) and (n_removed,)
        Ids of the rows on the second map only, and on the first map only.
    relabelled_ids_ : ndarray of shape (n_relabelled,)
        Ids of the rows whose label differs.
    regions_ : list of str
        The regions, in the order of rows and columns of `transitions_`: "excluded" and "unseen"
        follow if rows are in them.
    transitions_ : ndarray of int of shape (n_regions, n_regions)
        Number of common rows by region on the first map (rows) and on the second (columns).

    Examples
    --------
    >>> from sklearn_carto import DataMap, compare_maps
    >>> shared = {"variability": [0.1, 0.1], "correctness": [1, 1], "n_epochs": 5}
    >>> maps = [DataMap(confidence=[0.9, p], **shared) for p in (0.3, 0.6)]
    >>> comparison = compare_maps(*maps, by_position=True, variability=0.2)
    >>> comparison.transitions_
    array([[1, 0, 0],
           [0, 0, 0],
           [1, 0, 0]])
    >>> comparison.shifts_["confidence"].round(1)
    array([0. , 0.3])
    """

    @validate_params(
        map_a=[DataMap],
        map_b=[DataMap],
        sample_ids=[np.ndarray],
        region_a=[np.ndarray],
        region_b=[np.ndarray],
        added_ids=[np.ndarray],
        removed_ids=[np.ndarray],
    )
    def __init__(self, map_a, map_b, sample_ids, region_a, region_b, *, added_ids, removed_ids):
        lengths = {len(v) for v in (map_a, map_b, sample_ids, region_a, region_b)}
        if len(lengths) > 1:
            raise InvalidParameterError(
                "MapComparison needs maps, ids and regions of the same rows. Got "
                f"{describe(sorted(lengths))} rows."
            )
        self.map_a_, self.map_b_, self.sample_ids_ = map_a, map_b, sample_ids
        self.region_a_, self.region_b_ = region_a, region_b
        self.added_ids_, self.removed_ids_ = added_ids, removed_ids
        self.moved_mask_ = region_a != region_b
        self.relabelled_mask_ = _relabelled(map_a.labels, map_b.labels, len(sample_ids))
        self.relabelled_ids_ = sample_ids[self.relabelled_mask_]
        self.shifts_ = {name: getattr(map_b, name) - getattr(map_a, name) for name in SHIFTED}
        found = {*region_a.tolist(), *region_b.tolist()}
        self.regions_ = [*REGIONS, *(name for name in ("excluded", "unseen") if name in found)]
        self.transitions_ = np.array(
            [
                [int(((region_a == one) & (region_b == two)).sum()) for two in self.regions_]
                for one in self.regions_
            ]
        )

    @validate_params(n_rows=[Count(1)])
    def most_moved(self, n_rows=10):
        """Return the ids of the rows that moved furthest on the map.

        Parameters
        ----------
        n_rows : int, default=10
            Number of rows to return.

        Returns
        -------
        sample_ids : ndarray of shape (n_rows,)
            Their ids, the furthest first. The distance is that of the shifts of confidence and of
            twice the variability, so that both axes of the map weigh the same.
        """
        order = np.argsort(-self._distances(), kind="stable")  # NaN comes last
        return self.sample_ids_[order[: min(n_rows, np.isfinite(self._distances()).sum())]]

    def _distances(self):
        return np.hypot(self.shifts_["confidence"], 2 * self.shifts_["variability"])

    def to_frame(self, backend="pandas"):
        """Return the common rows as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            Library of the data frame; it must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each common row, in the order of the first map, with columns `sample_id`,
            `label_a`, `label_b` (if the maps hold labels), `region_a`, `region_b`, `moved`,
            `relabelled`, `confidence_shift`, `variability_shift` and `correctness_shift`.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown.
        """
        columns = {
            "sample_id": self.sample_ids_,
            "label_a": self.map_a_.labels,
            "label_b": self.map_b_.labels,
            "region_a": self.region_a_,
            "region_b": self.region_b_,
            "moved": self.moved_mask_,
            "relabelled": self.relabelled_mask_,
        }
        columns |= {f"{name}_shift": values for name, values in self.shifts_.items()}
        return build_frame(columns, backend, "MapComparison.to_frame")

    def plot(self, **kwargs):
        """Plot the transitions between the regions, or an arrow for each row that moved.

        Parameters
        ----------
        **kwargs : dict
            Passed to :meth:`MapComparisonDisplay.plot`.

        Returns
        -------
        display : MapComparisonDisplay
            The plotted display.
        """
        from sklearn_carto._plot._map_comparison import MapComparisonDisplay

        return MapComparisonDisplay.from_comparison(self, **kwargs)

    def __str__(self):
        """Return the counts and the table of transitions."""
        width = max(map(len, self.regions_))
        lines = [
            f"{self._counts()}; mean shift of confidence "
            f"{np.nanmean(self.shifts_['confidence']):+.3f}"
            if np.isfinite(self.shifts_["confidence"]).any()
            else self._counts(),
            "",
            " " * width + "".join(f"  {name:>{width}}" for name in self.regions_),
        ]
        for name, counts in zip(self.regions_, self.transitions_, strict=True):
            lines.append(f"{name:<{width}}" + "".join(f"  {count:>{width}}" for count in counts))
        return "\n".join(lines)

    def __repr__(self):
        """Return a summary: the numbers of rows."""
        return f"<MapComparison: {self._counts()}>"

    def _repr_html_(self):
        """Return the table of transitions, for notebooks."""
        columns: dict = {"from": self.regions_}
        columns |= {f"to {name}": self.transitions_[:, i] for i, name in enumerate(self.regions_)}
        return html_table(repr(self)[1:-1], columns)

    def _counts(self):
        n_common = len(self.sample_ids_)
        return (
            f"{n_common} common row{'' if n_common == 1 else 's'}, {self.moved_mask_.sum()} moved, "
            f"{self.relabelled_mask_.sum()} relabelled, {len(self.added_ids_)} added, "
            f"{len(self.removed_ids_)} removed"
        )


def _relabelled(labels_a, labels_b, n_rows):
    if labels_a is None or labels_b is None:
        return np.zeros(n_rows, dtype=bool)
    if labels_a.dtype.kind == labels_b.dtype.kind and labels_a.dtype.kind in "mM":
        return labels_a != labels_b  # the same time in any unit
    pairs = zip(labels_a.tolist(), labels_b.tolist(), strict=True)
    return np.array([one != two for one, two in pairs], dtype=bool)
