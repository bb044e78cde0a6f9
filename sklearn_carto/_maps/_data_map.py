"""The data map: where each training row lies."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._maps._averaging import average_maps
from sklearn_carto._maps._regions import choose_rows
from sklearn_carto._utils._archive import read_archive, write_archive
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._quotas import check_frac, n_rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_A_ROW = (*STATISTICS, "labels", "held_out_mask", "sample_ids")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DataMap:
    """Where each training row lies; one entry a row, in the order of X.

    Maps usually come from :class:`CartographyClassifier`, :meth:`from_dynamics` or :meth:`load`.
    Only `confidence`, `variability`, `correctness` and `n_epochs` must be given, which is what
    published maps hold; what needs more says so.

    Parameters
    ----------
    confidence : array-like of shape (n_samples,)
        Mean over epochs of the probability of the label, in [0, 1].
    variability : array-like of shape (n_samples,)
        Population standard deviation over epochs of the same, in [0, 0.5].
    correctness : array-like of shape (n_samples,)
        Share of the epochs at which the most probable class is the label, in [0, 1].
    n_epochs : int
        Number of epochs behind these numbers.
    forgetting : array-like of shape (n_samples,), default=None
        How often the row was right and then wrong; infinite where it was never right.
    first_learned : array-like of shape (n_samples,), default=None
        First epoch, counted from 0, at which the row was right; infinite where never.
    aum : array-like of shape (n_samples,), default=None
        Mean over epochs of log p of the label less the largest other log p.
    el2n : array-like of shape (n_samples,), default=None
        Mean over the first 10 epochs of the distance of the probabilities to the one-hot label,
        in [0, sqrt(2)].
    aleatoric : array-like of shape (n_samples,), default=None
        Mean over epochs of p (1 - p), in [0, 0.25]; None: derived from the first two.
    loss : array-like of shape (n_samples,), default=None
        Mean over epochs of -log p of the label.
    dual : array-like of shape (n_samples,), default=None
        Mean over sliding windows of spread times (1 - mean), see :func:`metrics.dual`.
    labels : array-like of shape (n_samples,), default=None
        The label that each row carries.
    classes : array-like of shape (n_classes,), default=None
        The labels that occur; None: read from `labels`.
    held_out_mask : array-like of shape (n_samples,), default=None
        True for rows that the model did not train on.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows, where they come from outside.
    margin_from : {"logits", "probabilities"}, default=None
        Where `aum` and `loss` come from.
    record : {"epoch_end", "training", "out_of_fold"}, default="epoch_end"
        How the probabilities were asked for.
    standard_errors : mapping of str to ndarray of shape (n_samples,), default=None
        Standard error of each statistic, of a mean over several maps.

    Raises
    ------
    ValueError
        If lengths differ or a statistic leaves its range.

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
    labels: NDArray | None = None
    classes: NDArray | None = None
    held_out_mask: NDArray[np.bool_] | None = None
    sample_ids: NDArray | None = None
    margin_from: str | None = None
    record: str = "epoch_end"
    standard_errors: Mapping[str, NDArray[np.float64]] | None = None

    def __post_init__(self):
        """Check lengths and ranges, and make the arrays read-only."""
        for name in (*_A_ROW, "classes"):
            values = getattr(self, name)
            if values is not None:
                values = np.array(values, dtype=float if name in STATISTICS else None)
                values.flags.writeable = False
                object.__setattr__(self, name, values)
        if self.aleatoric is None:
            spread = self.confidence * (1 - self.confidence) - self.variability**2
            object.__setattr__(self, "aleatoric", np.maximum(spread, 0.0))
        if self.classes is None and self.labels is not None:
            object.__setattr__(self, "classes", np.unique(self.labels))
        for name in _A_ROW:
            values = getattr(self, name)
            if values is not None and values.shape != (self.n_samples,):
                raise ValueError(
                    f"{name} has shape {values.shape}; a map of {self.n_samples} rows needs "
                    f"({self.n_samples},)."
                )
        if self.n_epochs < 1:
            raise ValueError(f"n_epochs must be at least 1; got {self.n_epochs!r}.")
        for name, highest in {"confidence": 1, "variability": 0.5, "correctness": 1}.items():
            values = getattr(self, name)
            if (values < -1e-6).any() or (values > highest + 1e-6).any():
                raise ValueError(
                    f"{name} must lie in [0, {highest}]; got [{values.min():g}, {values.max():g}]. "
                    "A count of correct epochs is divided by the number of epochs first."
                )

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.confidence)

    @classmethod
    def from_dynamics(cls, dynamics, epochs=None):
        """Draw the map of recorded dynamics.

        Parameters
        ----------
        dynamics : TrainingDynamics
            What was recorded.
        epochs : slice, array-like of int or mask, default=None
            Which epochs count: ``slice(2, None)`` leaves out a burn-in of two, ``slice(5)`` all
            after the fifth. Needs the recorded history. None: all.

        Returns
        -------
        data_map : DataMap
            The map. A row that no epoch saw has NaN everywhere.

        Raises
        ------
        ValueError
            If no epoch is left, or `epochs` is given where no history was kept.
        """
        statistics, n_epochs = dynamics.statistics(epochs)
        return cls(
            n_epochs=n_epochs,
            labels=dynamics.labels,
            classes=dynamics.classes,
            held_out_mask=dynamics.held_out_mask,
            sample_ids=dynamics.sample_ids,
            margin_from=dynamics.margin_from,
            record=dynamics.record,
            **statistics,
        )

    @classmethod
    def mean(cls, maps):
        """Average the maps of several seeds or models over the same rows.

        Parameters
        ----------
        maps : sequence of DataMap
            At least one; the same rows with the same labels in the same order.

        Returns
        -------
        data_map : DataMap
            Mean of each statistic that all maps hold, infinite where one of them is;
            `standard_errors` holds the standard error of each row (``ddof=1`` over the square root
            of the number of maps), NaN for a single map; `n_epochs` is the sum.

        Raises
        ------
        ValueError
            If rows, labels, names of rows or the way of recording differ.
        """
        return cls(**average_maps(maps))

    def select(self, region, frac, *, noise_cut=0.0, stratify=True, random_state=None):
        """Choose rows.

        Parameters
        ----------
        region : str, callable or mapping
            ``"ambiguous"`` (highest variability), ``"easy"`` or ``"easy-to-learn"`` (highest
            confidence), ``"hard"`` or ``"hard-to-learn"`` (lowest confidence), ``"random"``,
            ``"coverage"`` [2]_, ``"weighted"``, ``"dual-beta"`` [3]_, ``"median"`` [4]_;
            ``"corner-easy"``, ``"corner-ambiguous"``, ``"corner-hard"`` (nearest to variability and
            confidence (0, 1), (0.5, 0.5) and (0, 0), each axis scaled to [0, 1]);
            ``"<high|low>-<statistic>"`` for any statistic of the map; a callable that takes the
            map and gives a score a row, the highest taken first; a mapping of these to shares that
            sum to 1, no row twice.
        frac : float
            Share of the rows, in (0, 1]; exactly ``max(1, round(frac * n_samples))`` are chosen.
        noise_cut : float or mapping of class to float, default=0.0
            Share of each class, lowest margin first, set aside before the rule, in [0, 1).
        stratify : bool, default=True
            Whether each class keeps its share of the rows, at least one while the budget allows.
            False is the paper's rule.
        random_state : int, RandomState instance or None, default=None
            Breaks ties (never the order of rows does), and draws where a rule draws.

        Returns
        -------
        indices : ndarray of shape (n_rows,)
            The chosen rows, ascending.

        Raises
        ------
        ValueError
            If the region is unknown, a share is out of range, rows were never seen, or the map
            lacks what the rule needs.

        References
        ----------
        .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 3.
        .. [2] H. Zheng et al., "Coverage-centric Coreset Selection for High Pruning Rates",
           ICLR 2023.
        .. [3] Y. Cho et al., "Lightweight Dataset Pruning without Full Training via Example
           Difficulty and Prediction Uncertainty", ICML 2025.
        .. [4] X. Xia et al., "Moderate Coreset", ICLR 2023.
        """
        return choose_rows(
            self,
            region,
            frac,
            noise_cut=noise_cut,
            stratify=stratify,
            random_state=random_state,
        )

    def region_labels(self, frac=0.33, confidence=0.5):
        """Name the region of each row.

        Parameters
        ----------
        frac : float, default=0.33
            Share of the rows, those of highest variability, that are called ambiguous. Rows that
            tie with the last of them are ambiguous too; rows that never moved are not.
        confidence : float, default=0.5
            Of the other rows, those at or above this confidence are easy to learn, those below
            hard to learn.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            ``"easy-to-learn"``, ``"ambiguous"`` or ``"hard-to-learn"``; ``"unseen"`` for rows that
            no epoch saw.

        Raises
        ------
        ValueError
            If `frac` lies outside (0, 1].

        Notes
        -----
        The paper draws no borders; these are a convention of this library.
        """
        check_frac(frac)
        seen = np.isfinite(self.confidence)
        labels = np.where(self.confidence >= confidence, "easy-to-learn", "hard-to-learn")
        if seen.any():
            n_ambiguous = n_rows_of(frac, seen.sum())
            border = np.sort(self.variability[seen])[-n_ambiguous]
            labels[(self.variability >= border) & (self.variability > 0)] = "ambiguous"
        return np.where(seen, labels, "unseen")

    def to_frame(self, backend="pandas"):
        """Return the map as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            Which library's frame; it must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each training row, a column for each statistic that the map holds, ahead of
            them `sample_id` and `label` where known, behind them `held_out` and the standard
            errors, `<statistic>_se`.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown.
        """
        columns = {"sample_id": self.sample_ids, "label": self.labels}
        columns |= {name: getattr(self, name) for name in STATISTICS}
        columns |= {"held_out": self.held_out_mask}
        columns |= {f"{name}_se": error for name, error in (self.standard_errors or {}).items()}
        return build_frame(columns, backend, "DataMap.to_frame")

    def save(self, path):
        """Write the map to an npz file that needs no pickle.

        Parameters
        ----------
        path : str or path-like
            Where to write; the name is taken as it is.

        Raises
        ------
        ValueError
            If labels or names of rows are Python objects other than strings.
        """
        arrays = {name: getattr(self, name) for name in (*_A_ROW, "classes")}
        arrays |= {f"se_{name}": error for name, error in (self.standard_errors or {}).items()}
        facts = {name: getattr(self, name) for name in ("n_epochs", "margin_from", "record")}
        write_archive(path, "DataMap", arrays, facts)

    @classmethod
    def load(cls, path):
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : str or path-like
            Where to read.

        Returns
        -------
        data_map : DataMap
            The map.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file does not hold a data map.
        """
        arrays, facts = read_archive(path, "DataMap")
        names = {field.name for field in fields(cls)}
        errors = {name[3:]: values for name, values in arrays.items() if name.startswith("se_")}
        held = {name: values for name, values in arrays.items() if name in names}
        return cls(standard_errors=errors or None, **held, **facts)

    def plot(self, **kwargs):
        """Draw the map.

        Parameters
        ----------
        **kwargs : dict
            Handed to :meth:`DataMapDisplay.from_data_map`.

        Returns
        -------
        display : DataMapDisplay
            The display, drawn.
        """
        from sklearn_carto._plot._data_map import DataMapDisplay

        return DataMapDisplay.from_data_map(self, **kwargs)

    def __len__(self):
        """Return the number of rows."""
        return self.n_samples

    def __repr__(self):
        """Say how large the map is."""
        of = "" if self.classes is None else f" of {len(self.classes)} classes"
        return f"<DataMap: {self.n_samples} rows{of}, {self.n_epochs} epochs>"
