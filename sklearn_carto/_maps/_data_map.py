"""DataMap: the training dynamics of each row, summarised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._dynamics._uncertainty import MAP_STATISTICS
from sklearn_carto._inputs._containers import check_same_length
from sklearn_carto._inputs._dataset_columns import sample_columns
from sklearn_carto._maps._averaging import average_maps
from sklearn_carto._maps._fields import FACTS, PER_ROW, check_fields
from sklearn_carto._maps._map_views import MapViews
from sklearn_carto._maps._region_labels import REGIONS, label_regions
from sklearn_carto._maps._regions import choose_rows
from sklearn_carto._utils._archive import damage_named, read_archive, write_archive
from sklearn_carto._utils._arrays import as_rows
from sklearn_carto._utils._compat import InvalidParameterError, StrOptions
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._typing import (
    Array,
    ArrayLike,
    Container,
    Frame,
    PathType,
    RandomStateType,
    Region,
    RowSelector,
)
from sklearn_carto._utils._validation import Number, validate_params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DataMap(MapViews):
    """Data map: statistics of the training dynamics of each row.

    A map usually comes from :class:`CartographyClassifier`, :meth:`from_dynamics` or :meth:`load`.
    Arrays have one entry for each row, in the order of `X`. The statistics of a row that was never
    seen in training are NaN. Only `confidence`, `variability`,
    `correctness` and `n_epochs` are required, which is what published maps hold; methods that need
    another statistic raise an error if it is missing.

    Parameters
    ----------
    confidence : array-like of shape (n_samples,)
        Mean over epochs of the predicted probability of the label, in [0, 1].
    variability : array-like of shape (n_samples,)
        Standard deviation (``ddof=0``) over epochs of the same probability, in [0, 0.5].
    correctness : array-like of shape (n_samples,)
        Share of epochs at which the predicted class is the label, in [0, 1].
    n_epochs : int
        Number of recorded epochs.
    forgetting : array-like of shape (n_samples,), default=None
        Number of times that a correct prediction became incorrect at the next epoch; infinite if
        the prediction was never correct.
    first_learned : array-like of shape (n_samples,), default=None
        First epoch, counted from 0, with a correct prediction; infinite if there is none.
    aum : array-like of shape (n_samples,), default=None
        Area under the margin: mean over epochs of log p of the label minus the largest other log p.
    el2n : array-like of shape (n_samples,), default=None
        Mean over the first 10 epochs of the norm of the class probabilities minus the one-hot
        label, in [0, sqrt(2)].
    aleatoric : array-like of shape (n_samples,), default=None
        Mean over epochs of p (1 - p), in [0, 0.25]; None: computed from `confidence` and
        `variability`.
    loss : array-like of shape (n_samples,), default=None
        Mean over epochs of the cross-entropy loss, -log p of the label.
    dual : array-like of shape (n_samples,), default=None
        DUAL score, see :func:`metrics.dual`.
    predictive_entropy : array-like of shape (n_samples,), default=None
        Entropy of the mean over epochs of the class probabilities, in nats, in [0, log n_classes];
        see :func:`metrics.predictive_entropy`.
    mutual_information : array-like of shape (n_samples,), default=None
        What `predictive_entropy` exceeds the mean entropy of the epochs by, in nats, in
        [0, log n_classes]; see :func:`metrics.mutual_information`.
    labels : array-like of shape (n_samples,), default=None
        Label of each row.
    classes : array-like of shape (n_classes,), default=None
        The distinct labels; None: those that occur in `labels`.
    held_out_mask : array-like of bool of shape (n_samples,), default=None
        True for rows that the model was not trained on.
    excluded_mask : array-like of bool of shape (n_samples,), default=None
        True for rows with sample weight 0; they are never selected, and count neither in a budget
        nor in a rank.
    sample_ids : array-like of shape (n_samples,), default=None
        Identifiers of the rows, for example the index of a data frame.
    margin_from : {"logits", "probabilities"}, default=None
        What `aum` and `loss` were computed from.
    record : {"epoch_end", "training", "out_of_fold"}, default="epoch_end"
        When the probabilities were recorded: after each epoch, in the forward pass of the
        training, or after each epoch by models that were not trained on the row.
    standard_errors : mapping of str to array-like of shape (n_samples,), default=None
        Standard errors of the statistics of a mean over several maps.
    region_probabilities : array-like of shape (n_samples, 3), default=None
        Of a mean over several maps, the share of them on which :meth:`region_labels` places each
        row in the regions easy-to-learn, ambiguous and hard-to-learn, the columns in this order, in
        [0, 1]. NaN for rows that are excluded, or that one of the maps has not seen.

    Raises
    ------
    ValueError
        If a value is of the wrong kind, lengths differ, a statistic is out of range or NaN for some
        of the rows only, or if `classes` lacks a label.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.

    Examples
    --------
    >>> from sklearn_carto import DataMap
    >>> data_map = DataMap(
    ...     confidence=[0.9, 0.5, 0.1], variability=[0.1, 0.4, 0.1], correctness=[1.0, 0.5, 0.0],
    ...     n_epochs=6, labels=["a", "b", "b"],
    ... )
    >>> data_map.select("ambiguous", 0.33, stratify=False)
    array([1])
    >>> data_map.region_labels().tolist()
    ['easy-to-learn', 'ambiguous', 'hard-to-learn']
    """

    confidence: NDArray[np.float64]
    variability: NDArray[np.float64]
    correctness: NDArray[np.float64]
    n_epochs: int
    forgetting: NDArray[np.float64] | None = None
    first_learned: NDArray[np.float64] | None = None
    aum: NDArray[np.float64] | None = None
    el2n: NDArray[np.float64] | None = None
    aleatoric: NDArray[np.float64] | None = None
    loss: NDArray[np.float64] | None = None
    dual: NDArray[np.float64] | None = None
    predictive_entropy: NDArray[np.float64] | None = None
    mutual_information: NDArray[np.float64] | None = None
    labels: NDArray | None = None
    classes: NDArray | None = None
    held_out_mask: NDArray[np.bool_] | None = None
    excluded_mask: NDArray[np.bool_] | None = None
    sample_ids: NDArray | None = None
    margin_from: str | None = None
    record: str = "epoch_end"
    standard_errors: Mapping[str, NDArray[np.float64]] | None = None
    region_probabilities: NDArray[np.float64] | None = None

    if TYPE_CHECKING:  # the method that is generated takes any array-like

        def __init__(
            self,
            *,
            confidence: ArrayLike,
            variability: ArrayLike,
            correctness: ArrayLike,
            n_epochs: int,
            forgetting: ArrayLike | None = None,
            first_learned: ArrayLike | None = None,
            aum: ArrayLike | None = None,
            el2n: ArrayLike | None = None,
            aleatoric: ArrayLike | None = None,
            loss: ArrayLike | None = None,
            dual: ArrayLike | None = None,
            predictive_entropy: ArrayLike | None = None,
            mutual_information: ArrayLike | None = None,
            labels: ArrayLike | None = None,
            classes: ArrayLike | None = None,
            held_out_mask: ArrayLike | None = None,
            excluded_mask: ArrayLike | None = None,
            sample_ids: ArrayLike | None = None,
            margin_from: str | None = None,
            record: str = "epoch_end",
            standard_errors: Mapping[str, ArrayLike] | None = None,
            region_probabilities: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self):
        """Check the fields, and keep copies of the arrays that cannot be written to."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in check_fields(values).items():
            object.__setattr__(self, name, value)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self.confidence)

    @property
    def _present_mask(self):
        """Mask of the rows that can be selected: seen in training, and not excluded."""
        seen = ~np.isnan(self.confidence)
        return seen if self.excluded_mask is None else seen & ~self.excluded_mask

    @classmethod
    @validate_params(dynamics=[TrainingDynamics])
    def from_dynamics(cls, dynamics: TrainingDynamics, epochs: RowSelector = None) -> Self:
        """Create the map of recorded training dynamics.

        Parameters
        ----------
        dynamics : TrainingDynamics
            The recorded training dynamics.
        epochs : slice, array-like of int or mask, default=None
            Epochs to use: ``slice(2, None)`` leaves out the first two as burn-in, ``slice(5)`` uses
            the first five. This needs the recorded history. None: all.

        Returns
        -------
        data_map : DataMap
            The map. The statistics of a row that no epoch contained are NaN.

        Raises
        ------
        ValueError
            If no epoch is left or `epochs` names one that was not recorded, or if `epochs` is given
            and no history was recorded.
        """
        statistics, n_epochs = dynamics.statistics(epochs)
        return cls(
            n_epochs=n_epochs,
            labels=dynamics.labels,
            classes=dynamics.classes,
            held_out_mask=dynamics.held_out_mask,
            excluded_mask=dynamics.excluded_mask,
            sample_ids=dynamics.sample_ids,
            margin_from=dynamics.margin_from,
            record=dynamics.record,
            **statistics,
        )

    @classmethod
    @validate_params(
        confidence=[Number(0, 1)], variability=[Number(0, 0.5)], random_state=["random_state"]
    )
    def mean(
        cls,
        maps: Sequence[DataMap],
        *,
        frac: float = 0.33,
        confidence: float = 0.5,
        variability: float = 0.1,
        random_state: RandomStateType = 0,
    ) -> Self:
        """Average the maps of several seeds or models on the same rows.

        Parameters
        ----------
        maps : sequence of DataMap
            At least one map; all must hold the same rows with the same labels in the same order.
        frac, confidence, variability : float, default=0.33, 0.5, 0.1
            Parameters of :meth:`region_labels` for the `region_probabilities`.
        random_state : int, RandomState instance or None, default=0
            Breaks ties between the regions, alike on all maps.

        Returns
        -------
        data_map : DataMap
            Map with the mean of each statistic that all maps hold, infinite where one of them is,
            and NaN for rows that one of them has not seen. Its `standard_errors` are those of the
            mean (``ddof=1``, divided by the square root of the number of maps), NaN for a single
            map; `n_epochs` is the sum. Its `region_probabilities` are the shares of the maps on
            which a row lies in each region, None for a single map.

        Raises
        ------
        ValueError
            If the number of rows, the labels, the sample ids, one of the masks or the recording
            mode differ, if these are no maps, or if a threshold is out of range.

        See Also
        --------
        stability_report : Draw the maps of several seeds and measure what they agree on.
        """
        region_params = {
            "frac": frac,
            "confidence": confidence,
            "variability": variability,
            "random_state": random_state,
        }
        return cls(**average_maps(maps, **region_params))

    @validate_params(
        stratify=["boolean"],
        random_state=["random_state"],
        order=[StrOptions({"position", "score"})],
        return_ids=["boolean"],
    )
    def select(
        self,
        region: Region,
        frac: float,
        *,
        noise_cut: float | Mapping[Any, float] = 0.0,
        stratify: bool = True,
        random_state: RandomStateType = None,
        order: Literal["position", "score"] = "position",
        return_ids: bool = False,
    ) -> Array:
        """Select rows by their place on the map.

        Rows that were never seen in training, or that are excluded, are not selected, and count
        neither in `frac` nor in the share of a class.

        Parameters
        ----------
        region : str, callable or mapping
            Which rows to prefer:

            - ``"ambiguous"``: highest variability [1]_.
            - ``"easy"`` or ``"easy-to-learn"``: highest confidence [1]_.
            - ``"hard"`` or ``"hard-to-learn"``: lowest confidence [1]_.
            - ``"random"``: a random sample.
            - ``"coverage"``: a random sample from each of 50 bins of the margin [2]_.
            - ``"weighted"``: a random sample that prefers high variability.
            - ``"dual-beta"``: a random sample weighted by the DUAL score, and by confidence: easier
              rows the smaller `frac` is [3]_.
            - ``"median"``: nearest to the median confidence [4]_.
            - ``"corner-easy"``, ``"corner-ambiguous"``, ``"corner-hard"``: nearest to variability
              and confidence (0, 1), (0.5, 0.5) and (0, 0), each axis scaled to [0, 1].
            - ``"high-<statistic>"`` or ``"low-<statistic>"``, for any statistic of the map.
            - A callable that takes the map and returns a score for each row, of shape
              (n_samples,); the highest scores are selected.
            - A mapping of these to shares that sum to 1; no row is selected twice.
        frac : float
            Share of the rows to select, in (0, 1]; exactly ``max(1, round(frac * n_rows))`` of the
            rows that can be selected.
        noise_cut : float or mapping of class to float, default=0.0
            Share of each class to exclude before rows are selected, lowest margin first, in [0, 1).
        stratify : bool, default=True
            Whether each class keeps its share of the rows, and at least one row if there are as
            many rows to select as classes. ``False`` is the rule of [1]_. To look for wrong labels,
            pass ``False``: they are no equal share of each class, and a budget spread over the
            classes misses most of them.
        random_state : int, RandomState instance or None, default=None
            Breaks ties, and determines random samples. Pass an int for the same rows at each call.
            Each region draws from a stream of its own, so that samples of different regions at one
            seed are independent.
        order : {"position", "score"}, default="position"
            Order of the rows: ascending, or the best of the region first, such as the lowest
            confidence for ``"hard"``. Then the rows of a mixture come region by region, and
            those of a random sample in random order.
        return_ids : bool, default=False
            Whether to return the `sample_ids` of the rows in place of their positions.

        Returns
        -------
        rows : ndarray of shape (n_rows,)
            Positions of the selected rows from 0, for ``X[rows]`` of an array and ``X.iloc[rows]``
            of a data frame (``X.loc`` takes labels of the index, which are other rows); or their
            `sample_ids`.

        Raises
        ------
        ValueError
            If the region is unknown, a share is out of range, no row can be selected, or the map
            does not hold a statistic, the labels or the `sample_ids` that are needed.

        Warns
        -----
        UnseenSamplesWarning
            If some rows were never seen in training.
        HeldOutRowsWarning
            If some rows were held out; they are ranked separately, and keep their share.
        MissingClassesWarning
            If fewer rows are selected than there are classes.

        References
        ----------
        .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 3.
        .. [2] H. Zheng et al., "Coverage-centric Coreset Selection for High Pruning Rates",
           ICLR 2023.
        .. [3] Y. Cho et al., "Lightweight Dataset Pruning without Full Training via Example
           Difficulty and Prediction Uncertainty", ICML 2025.
        .. [4] X. Xia et al., "Moderate Coreset", ICLR 2023.
        """
        ids = self.sample_ids
        if return_ids and ids is None:
            raise InvalidParameterError(
                "The 'return_ids' parameter of DataMap.select needs sample_ids, which this map "
                "does not hold. Pass return_ids=False for positions."
            )
        rows = choose_rows(
            self,
            region,
            frac,
            noise_cut=noise_cut,
            stratify=stratify,
            random_state=random_state,
            order=order,
        )
        return rows if ids is None or not return_ids else ids[rows]

    def subset(self, rows: ArrayLike) -> Self:
        """Return the map of some of the rows.

        Parameters
        ----------
        rows : array-like of int or bool
            Positions of the rows, each at most once, or a mask of shape (n_samples,).

        Returns
        -------
        data_map : DataMap
            Map of these rows in the given order; `classes` are those of the whole map.

        Raises
        ------
        ValueError
            If there is no row, if a row is not on the map or named twice, or if a mask has another
            length.

        Examples
        --------
        >>> from sklearn_carto import DataMap
        >>> data_map = DataMap(
        ...     confidence=[0.9, 0.5, 0.1], variability=[0.1, 0.4, 0.1], correctness=[1, 0.5, 0],
        ...     n_epochs=6,
        ... )
        >>> data_map.subset(data_map.variability < 0.3).confidence
        array([0.9, 0.1])
        """
        rows = as_rows(rows, self.n_samples, "rows", "DataMap.subset")
        if len(rows) == 0:
            raise InvalidParameterError(
                "The 'rows' parameter of DataMap.subset must hold at least one row. Got none."
            )
        held = {name: getattr(self, name) for name in PER_ROW if getattr(self, name) is not None}
        errors = self.standard_errors
        return replace(
            self,
            **{name: values[rows] for name, values in held.items()},
            standard_errors=errors and {name: values[rows] for name, values in errors.items()},
        )

    @validate_params(
        confidence=[Number(0, 1)], variability=[Number(0, 0.5)], random_state=["random_state"]
    )
    def region_labels(
        self,
        frac: float = 0.33,
        confidence: float = 0.5,
        variability: float = 0.1,
        random_state: RandomStateType = 0,
    ) -> Array:
        """Assign each row to a region.

        Parameters
        ----------
        frac : float, default=0.33
            Largest share of the rows that may be ambiguous: those with the highest variability.
        confidence : float, default=0.5
            Threshold for rows that are not ambiguous: easy-to-learn at or above, hard-to-learn
            below.
        variability : float, default=0.1
            Lowest variability of an ambiguous row, a fifth of the largest that is possible. Without
            it a map of low variability would hold no hard rows: a row whose label is wrong varies
            more than most, but not much.
        random_state : int, RandomState instance or None, default=0
            Breaks ties at the border of the share.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            ``"easy-to-learn"``, ``"ambiguous"`` or ``"hard-to-learn"``; ``"excluded"`` for excluded
            rows, and ``"unseen"`` for rows that no epoch contained.

        Raises
        ------
        ValueError
            If `frac` is not in (0, 1], or a threshold is out of range.

        Notes
        -----
        The paper [1]_ gives no thresholds; these are a convention of this library.

        References
        ----------
        .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.
        """
        return label_regions(self, frac, confidence, variability, random_state)

    @validate_params(threshold=[Number(0, 1, closed="right")])
    def stable_share(self, threshold: float = 0.8) -> float:
        """Compute the share of rows that lie in the same region on most of several maps.

        Parameters
        ----------
        threshold : float, default=0.8
            Lowest probability of a region for a row to be stable, in (0, 1]: of five maps, four
            must agree.

        Returns
        -------
        share : float
            Share of the rows whose most probable region has at least this probability, in [0, 1],
            of those that have a region; NaN if none has.

        Raises
        ------
        ValueError
            If the map holds no `region_probabilities`, or if `threshold` is out of range.

        Examples
        --------
        >>> from sklearn_carto import DataMap
        >>> shared = {"variability": [0.1, 0.1], "correctness": [1, 1], "n_epochs": 5}
        >>> maps = [DataMap(confidence=[0.9, p], **shared) for p in (0.3, 0.6)]
        >>> DataMap.mean(maps, frac=0.1, variability=0.5).stable_share()
        0.5
        """
        if self.region_probabilities is None:
            raise InvalidParameterError(
                "DataMap.stable_share needs region_probabilities, which a single map does not "
                "hold. Average the maps of several seeds with DataMap.mean."
            )
        highest = self.region_probabilities.max(axis=1)
        placed = highest[~np.isnan(highest)]
        return float((placed >= threshold - 1e-9).mean()) if len(placed) else np.nan

    @validate_params(regions=["boolean"])
    def to_frame(
        self,
        backend: Literal["pandas", "polars"] = "pandas",
        *,
        X: Container = None,
        regions: bool = False,
    ) -> Frame:
        """Return the map as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            Library of the data frame; it must be installed.
        X : container of shape (n_samples, ...), default=None
            The samples, in the order of the rows, to be shown beside their statistics: a data frame
            or Hugging Face Dataset adds its columns, a dict of inputs a column for each of them,
            anything else with one entry for each sample (text, for example) the column `x`.
        regions : bool, default=False
            Whether to add the column `region`, see :meth:`region_labels`.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each row of the map. The columns are `sample_id`, `label`, `region`, the
            statistics, `held_out`, `excluded`, the standard errors `<statistic>_se` and the
            probabilities of the regions `proba_easy_to_learn`, `proba_ambiguous` and
            `proba_hard_to_learn`, each if the map holds it, and the columns of `X`. Of these, a
            name that is taken gets an underscore.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown, or `X` has another number of samples.
        """
        columns = self._columns(regions)
        if X is not None:
            check_same_length(X, self.confidence)
            columns |= sample_columns(X, [name for name in columns if columns[name] is not None])
        return build_frame(columns, backend, "DataMap.to_frame")

    def _columns(self, regions=False):
        """Return the columns of the data frame; those that the map does not hold are None."""
        columns = {"sample_id": self.sample_ids, "label": self.labels}
        columns["region"] = self.region_labels() if regions else None
        columns |= {name: getattr(self, name) for name in MAP_STATISTICS}
        columns |= {"held_out": self.held_out_mask, "excluded": self.excluded_mask}
        columns |= {f"{name}_se": error for name, error in (self.standard_errors or {}).items()}
        if self.region_probabilities is not None:
            names = (f"proba_{region.replace('-', '_')}" for region in REGIONS)
            columns |= dict(zip(names, self.region_probabilities.T, strict=True))
        return columns

    def save(self, path: PathType) -> None:
        """Save the map to an npz file, without pickle.

        Parameters
        ----------
        path : str or path-like
            Path of the file. Its suffix is ``.npz``, or it has none; no suffix is appended. An old
            file is replaced once the new one is complete.

        Raises
        ------
        ValueError
            If the path has another suffix, or is not that of a file.

        Notes
        -----
        Labels and sample ids of numpy's types are saved as they are. Those that are Python objects
        are saved as text: JSON for strings, numbers, booleans, None and (as lists) tuples, and
        ``{"type": name, "text": text}`` for other objects, with ``bytes.hex()``, the ISO 8601 form
        of dates and times, and ``str`` of anything else. :meth:`load` restores ``bytes``, ``UUID``,
        ``date``, ``datetime`` and ``Decimal``; objects of other types, such as those of pandas,
        become their text.
        """
        arrays = {name: getattr(self, name) for name in (*PER_ROW, "classes")}
        arrays |= {f"se_{name}": error for name, error in (self.standard_errors or {}).items()}
        metadata = {name: getattr(self, name) for name in FACTS}
        write_archive(path, "DataMap", arrays, metadata)

    @classmethod
    def load(cls, path: PathType) -> Self:
        """Load a map that was saved by :meth:`save`.

        Parameters
        ----------
        path : str or path-like
            Path of the file.

        Returns
        -------
        data_map : DataMap
            The map.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If the file does not hold a data map, or is damaged.
        """
        arrays, metadata = read_archive(path, "DataMap")
        with damage_named(path, "DataMap"):
            errors = {name[3:]: values for name, values in arrays.items() if name[:3] == "se_"}
            held = {name: values for name, values in arrays.items() if name[:3] != "se_"}
            return cls(standard_errors=errors or None, **held, **metadata)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.n_samples

    def __repr__(self):
        """Return a summary: the numbers of rows, classes and epochs."""
        classes = "" if self.classes is None else f" of {len(self.classes)} classes"
        return f"<DataMap: {self.n_samples} rows{classes}, {self.n_epochs} epochs>"
