"""TrainingDynamics: the record of what a model predicts for its samples as it trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np

from sklearn_carto._dynamics._arguments import check_epochs, check_parts, check_rows, check_shape
from sklearn_carto._dynamics._history import (
    HISTORY_DIR,
    KEEP_HISTORY,
    blank_observation,
    check_history_dir,
    make_history,
)
from sklearn_carto._dynamics._labels import are_restored, narrow
from sklearn_carto._dynamics._observation import Observation, observe
from sklearn_carto._dynamics._replay import replay_history
from sklearn_carto._dynamics._running import RunningStatistics, dual_window
from sklearn_carto._dynamics._scores import check_scores, encode_labels, score_range_of
from sklearn_carto._dynamics._state import MAX_EPOCHS, archived_state, read_state, state_of
from sklearn_carto._dynamics._uncertainty import RunningUncertainty, class_probabilities
from sklearn_carto._utils._archive import damage_named, read_archive, write_archive
from sklearn_carto._utils._arrays import as_labels, as_names
from sklearn_carto._utils._compat import InvalidParameterError, StrOptions
from sklearn_carto._utils._html import html_table
from sklearn_carto._utils._interrupts import interrupts_wait
from sklearn_carto._utils._typing import Array, ArrayLike, PathType, RowSelector
from sklearn_carto._utils._validation import Count, check_mask, describe, validate_params

DEFAULT_N_EPOCHS = 20  # as many as CartographyClassifier trains by default
RECORDED = ("epoch_end", "training", "out_of_fold")


def _recorded(name: str) -> Any:
    """Make the property of what was recorded, whose type is declared where it is used."""
    return property(lambda self: self._stacked(name))


class TrainingDynamics:
    """Training dynamics: the predictions of a model for each sample, epoch by epoch.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        The observed label of each row, of any type; a label is never used as an index.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the columns of recorded scores. None: the sorted labels.
    n_epochs : int, default=None
        Number of planned epochs; more or fewer may be recorded. It sets the window of the DUAL
        score. None: 20.
    keep_history : bool or "float16", default=True
        Whether to keep every epoch, in O(n_samples * n_epochs) memory, beside the running
        statistics, which need O(n_samples). True: 17 bytes for each row and epoch; ``"float16"``:
        9 bytes, rounded to three digits, of which only the statistics of chosen epochs are made:
        those of all epochs do not depend on it.
    held_out_mask : array-like of bool of shape (n_samples,), default=None
        True for rows that the model does not train on.
    excluded_mask : array-like of bool of shape (n_samples,), default=None
        True for rows with sample weight 0; they are recorded, but never selected.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows, where they come from outside.
    record : {"epoch_end", "training", "out_of_fold"}, default="epoch_end"
        Origin of the scores: an evaluation pass after each epoch, the training forward pass
        itself, or models that were not trained on the row.
    uncertainty : bool, default=False
        Whether to record the probabilities of all classes for `predictive_entropy` and
        `mutual_information`, as running sums of O(n_samples * n_classes) memory. They are those of
        all epochs: a choice of epochs has none.
    history_dir : str or path-like, default=None
        A folder, which is made if it does not exist. The history is then written to npy files in a
        subfolder of its own, which is not removed, and read as memory maps, so that it needs no
        memory. A copy, a pickle, a file of :meth:`save` and joined dynamics hold the values
        themselves, and have their history in memory.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels in the order of the columns of recorded scores.
    n_samples : int
        Number of rows.
    n_epochs : int
        Number of epochs recorded so far.
    n_seen : ndarray of shape (n_samples,)
        Number of epochs recorded for each row.
    labels : ndarray of shape (n_samples,)
        The observed label of each row.
    record : {"epoch_end", "training", "out_of_fold"}
        Origin of the scores.
    keep_history : bool or "float16"
        Whether the history is kept.
    uncertainty : bool
        Whether the probabilities of all classes are recorded.
    held_out_mask, excluded_mask, sample_ids : ndarray of shape (n_samples,) or None
        As given.
    margin_from : {"logits", "probabilities"} or None
        Whether margins and losses come from logits; None as long as nothing is recorded.
    true_proba, correct, margin, el2n, loss : ndarray of shape (n_samples, n_epochs)
        The history: probability of the label; whether the most probable class is the label; log p
        of the label less the largest other log p; distance of the probabilities to the one-hot
        label; -log p of the label. Memory maps with `history_dir`. Not with
        ``keep_history=False``.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_carto import DataMap, TrainingDynamics
    >>> dynamics = TrainingDynamics(["cat", "dog"])
    >>> dynamics.update(0, np.array([[0.5, 0.5], [0.5, 0.5]]))
    >>> dynamics.update(1, np.array([[0.9, 0.1], [0.7, 0.3]]))
    >>> DataMap.from_dynamics(dynamics).confidence.round(2)
    array([0.7, 0.4])
    """

    @validate_params(
        n_epochs=[Count(1, MAX_EPOCHS), None],
        keep_history=KEEP_HISTORY,
        history_dir=HISTORY_DIR,
        record=[StrOptions(set(RECORDED))],
        uncertainty=["boolean"],
    )
    def __init__(
        self,
        labels: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        n_epochs: int | None = None,
        keep_history: bool | Literal["float16"] = True,
        held_out_mask: ArrayLike | None = None,
        excluded_mask: ArrayLike | None = None,
        sample_ids: ArrayLike | None = None,
        record: Literal["epoch_end", "training", "out_of_fold"] = "epoch_end",
        uncertainty: bool = False,
        history_dir: PathType | None = None,
    ) -> None:
        check_history_dir(history_dir, keep_history, "TrainingDynamics")
        labels = as_labels(labels, "labels", "TrainingDynamics")
        if classes is None:
            self.classes = np.unique(labels)
        else:
            self.classes = as_labels(classes, "classes", "TrainingDynamics").copy()
        if len(np.unique(self.classes)) < len(self.classes):
            raise InvalidParameterError(
                "The 'classes' parameter of TrainingDynamics must name each class once. Got "
                f"{describe(self.classes.tolist())} instead."
            )
        y_encoded = encode_labels(labels, self.classes)
        self._y_encoded = narrow(y_encoded, len(self.classes))
        self._labels = None if are_restored(labels, self.classes) else labels.copy()
        self._planned_epochs = DEFAULT_N_EPOCHS if n_epochs is None else int(n_epochs)
        self.keep_history = keep_history if isinstance(keep_history, str) else bool(keep_history)
        self.record = record
        self.margin_from = None
        self.held_out_mask = self._check_mask(held_out_mask, "held_out_mask")
        self.excluded_mask = self._check_mask(excluded_mask, "excluded_mask")
        self.sample_ids = None
        if sample_ids is not None:
            self.sample_ids = as_names(
                sample_ids, self.n_samples, "sample_ids", "TrainingDynamics"
            ).copy()
        self._running = RunningStatistics(self.n_samples, dual_window(self._planned_epochs))
        self._uncertainty: Any = None
        if uncertainty:
            self._uncertainty = RunningUncertainty(self.n_samples, len(self.classes))
        self._n_epochs = 0
        self._history = make_history(self.n_samples, keep_history, history_dir)

    @property
    def labels(self) -> Array:
        """The observed label of each row, an ndarray of shape (n_samples,)."""
        return self.classes[self._y_encoded] if self._labels is None else self._labels

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self._y_encoded)

    @property
    def n_epochs(self) -> int:
        """Number of epochs recorded so far."""
        return self._n_epochs

    @property
    def n_seen(self) -> Array:
        """Number of epochs recorded for each row, an ndarray of shape (n_samples,)."""
        return self._running.n_seen.astype(np.int64)

    @property
    def uncertainty(self) -> bool:
        """Whether the probabilities of all classes are recorded."""
        return self._uncertainty is not None

    @property
    def _saturation(self):
        """Share of the recorded probabilities that are saturated."""
        n_extreme, n_seen = self._running.n_extreme, self._running.n_seen
        return n_extreme.sum(dtype=np.int64) / max(n_seen.sum(dtype=np.int64), 1)

    def _variability(self):
        """Compute the variability of the map of all epochs, without the map."""
        return self._running.variability()

    true_proba: Array = _recorded("true_proba")
    correct: Array = _recorded("correct")
    margin: Array = _recorded("margin")
    el2n: Array = _recorded("el2n")
    loss: Array = _recorded("loss")

    @validate_params(epoch=[Count(0)], from_logits=["boolean"])
    def update(
        self,
        epoch: int,
        scores: ArrayLike,
        rows: RowSelector = slice(None),
        *,
        from_logits: bool = False,
    ) -> None:
        """Record the class scores of some rows at one epoch.

        Parameters
        ----------
        epoch : int
            The epoch, counted from 0 and below 1,000,000; it must ascend for each row.
        scores : array-like of shape (n_rows, n_classes) or (n_rows,)
            Class probabilities in the order of `classes`, or logits. One dimension: the logits of
            the second of two classes.
        rows : slice, array-like of int or mask, default=slice(None)
            Which rows these are: positions from 0, each at most once, or a mask of shape
            (n_samples,).
        from_logits : bool, default=False
            Whether `scores` are logits.

        Raises
        ------
        ValueError
            If `scores` does not have one row for each of `rows` and one column for each class, if
            epochs do not ascend, or if a row occurs twice.
        InvalidProbabilitiesError
            If a score is NaN or infinite, or if probabilities are negative or do not sum to 1;
            nothing of the call is recorded.
        """
        rows = check_rows(rows, self.n_samples)
        y_encoded = self._y_encoded[rows]
        scores = check_shape(scores, len(y_encoded), len(self.classes), from_logits)
        if len(y_encoded):
            check_scores(
                score_range_of(scores),
                epoch,
                "the model",
                from_logits=from_logits,
                remedy="Pass from_logits=True if they are logits.",
            )
        last = int(self._running.last_epoch[rows].max(initial=-1))
        if not last < epoch < MAX_EPOCHS:
            raise InvalidParameterError(
                "The 'epoch' parameter of TrainingDynamics.update must be counted from 0, must "
                f"ascend for each row, and must be below {MAX_EPOCHS:,}. Got {epoch} after {last}."
            )
        observation = observe(scores, y_encoded, from_logits=from_logits)
        margin_from = "logits" if from_logits else "probabilities"
        proba = class_probabilities(scores, from_logits=from_logits) if self.uncertainty else None
        self._add(int(epoch), observation, rows, margin_from=margin_from, proba=proba)

    def _add(self, epoch, observation, rows=slice(None), *, margin_from, proba=None):
        """Record the observation of some rows at one epoch, without the checks of `update`.

        `proba` holds the probabilities of all classes, which `uncertainty` needs.
        """
        with interrupts_wait():  # until all of it is recorded
            if self._history is not None:  # first: a full disk is an error
                self._history.write(epoch, observation, rows)
            if proba is not None and self._uncertainty is not None:
                self._uncertainty.update(proba, rows)
            self._running.update(epoch, observation, rows)
            self._n_epochs = max(self._n_epochs, epoch + 1)
            self.margin_from = margin_from

    def _set_labels(self, y_encoded, classes):
        """Set the encoded labels and the classes, where the first epochs determine them."""
        self.classes, self._y_encoded = classes, narrow(y_encoded, len(classes))
        self._labels = None

    def statistics(self, epochs: RowSelector = None) -> tuple[dict[str, Any], int]:
        """Compute the statistics of a data map.

        Parameters
        ----------
        epochs : slice, int, array-like of int or mask, default=None
            Epochs to include, for burn-in and burn-out; negative ones count from the end. None:
            all.

        Returns
        -------
        statistics : dict of str to ndarray of shape (n_samples,)
            One entry for each statistic; without `epochs`, also `predictive_entropy` and
            `mutual_information` if they are recorded.
        n_epochs : int
            Number of epochs that they are computed over.

        Raises
        ------
        ValueError
            If no epoch was recorded or selected, if `epochs` names one that does not exist, or if
            it is given without a history.
        """
        if self.n_epochs == 0:
            raise ValueError("These training dynamics hold no epoch yet: call update first.")
        if epochs is None:
            statistics = self._running.results()
            if self._uncertainty is not None:
                statistics |= self._uncertainty.results(self._running.n_seen)
            return statistics, self.n_epochs
        self._check_history("Selecting epochs")
        selected = check_epochs(epochs, self.n_epochs)
        return replay_history(self._history, selected), len(selected)

    def _observation_at(self, epoch):
        """Return the rows that were recorded at one epoch, ascending, and their observation."""
        self._check_history("Reading an epoch")
        whole = self._history.epochs()[epoch] or blank_observation(self.n_samples)
        rows = np.flatnonzero(~np.isnan(whole.true_proba))
        single = (v if v.dtype == bool else v.astype(np.float32, copy=False) for v in whole)
        return rows, Observation(*(values[rows] for values in single))

    @classmethod
    def concatenate(cls, parts: Sequence[TrainingDynamics]) -> Self:
        """Join training dynamics of the same rows, such as two halves of a run.

        Parameters
        ----------
        parts : sequence of TrainingDynamics
            At least one, in the order of training, each with its history. The epochs of a part
            follow those of the part before it.

        Returns
        -------
        dynamics : TrainingDynamics
            The training dynamics of all epochs.

        Raises
        ------
        ValueError
            If these are no training dynamics, if they differ in labels, classes, sample ids, masks
            or the recording mode, or if one of them holds no history.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_carto import TrainingDynamics
        >>> halves = TrainingDynamics(["cat", "dog"]), TrainingDynamics(["cat", "dog"])
        >>> for half in halves:
        ...     half.update(0, np.array([[0.5, 0.5], [0.1, 0.9]]))
        >>> TrainingDynamics.concatenate(halves)
        <TrainingDynamics: 2 rows, 2 epochs>
        """
        parts = check_parts(parts, cls)
        first, total = parts[0], sum(part.n_epochs for part in parts)
        whole = cls(
            first.labels,
            classes=first.classes,
            n_epochs=max(total, first._planned_epochs),
            keep_history="float16" if {p.keep_history for p in parts} == {"float16"} else True,
            held_out_mask=first.held_out_mask,
            excluded_mask=first.excluded_mask,
            sample_ids=first.sample_ids,
            record=first.record,
            uncertainty=all(part.uncertainty for part in parts),
        )
        for part in parts:
            if whole._uncertainty is not None:
                whole._uncertainty.add(part._uncertainty)
            begin = whole.n_epochs
            recorded = [
                epoch for epoch, seen in enumerate(part._history.epochs()) if seen is not None
            ]
            # a resumed run may have counted on; the first part keeps its numbers
            skipped = min(recorded, default=0) if begin else 0
            for epoch in recorded:
                rows, observation = part._observation_at(epoch)
                rows = rows if len(rows) < whole.n_samples else slice(None)
                place = begin + epoch - skipped
                whole._add(place, observation, rows, margin_from=part.margin_from)
        return whole

    def save(self, path: PathType) -> None:
        """Save the dynamics to an npz file, without pickle.

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
        Labels and sample ids that are Python objects are saved as text, see :meth:`DataMap.save`.
        """
        state = self._state_dict()
        arrays = {name: state.pop(name) for name in [*state] if isinstance(state[name], np.ndarray)}
        arrays |= {
            "labels": self.labels,
            "classes": self.classes,
            "held_out_mask": self.held_out_mask,
            "excluded_mask": self.excluded_mask,
            "sample_ids": self.sample_ids,
        }
        facts = {"n_epochs": state.pop("n_recorded"), **state}
        facts |= {"keep_history": self.keep_history, "record": self.record}
        facts |= {"uncertainty": self.uncertainty}
        write_archive(path, "TrainingDynamics", arrays, facts)

    @classmethod
    def load(cls, path: PathType) -> Self:
        """Load dynamics that were saved by :meth:`save`.

        Parameters
        ----------
        path : str or path-like
            Path of the file.

        Returns
        -------
        dynamics : TrainingDynamics
            The dynamics, ready to record further epochs.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If the file does not hold training dynamics, or is damaged.
        """
        arrays, facts = read_archive(path, "TrainingDynamics")
        with damage_named(path, "TrainingDynamics"):
            self = cls(
                arrays.pop("labels"),
                classes=arrays.pop("classes"),
                n_epochs=facts.pop("planned_epochs"),
                keep_history=facts.pop("keep_history"),
                held_out_mask=arrays.pop("held_out_mask", None),
                excluded_mask=arrays.pop("excluded_mask", None),
                sample_ids=arrays.pop("sample_ids", None),
                record=facts.pop("record", "epoch_end"),
                uncertainty=facts.pop("uncertainty", False),
            )
            self._load_state_dict(archived_state(self, arrays, facts))
        return self

    def _state_dict(self):
        """Copy what was recorded: a flat dict of arrays, numbers and strings."""
        return state_of(self)

    def _load_state_dict(self, state):
        """Continue from a copy that `_state_dict` made, a PackedState; all of it, or nothing."""
        vars(self).update(read_state(self, state))

    def __repr__(self):
        """Return the number of rows and epochs."""
        return f"<TrainingDynamics: {self.n_samples} rows, {self.n_epochs} epochs>"

    def _repr_html_(self):
        """Return a table of what is recorded, for notebooks."""
        masks = {"held out": self.held_out_mask, "excluded": self.excluded_mask}
        facts: dict[str, Any] = {
            "rows": self.n_samples,
            "classes": len(self.classes),
            "epochs": self.n_epochs,
        }
        facts |= {name: int(mask.sum()) for name, mask in masks.items() if mask is not None}
        facts |= {"recorded": self.record.replace("_", " "), "history": str(self.keep_history)}
        return html_table(repr(self)[1:-1], {"": [*facts], "value": [*facts.values()]})

    def _stacked(self, name):
        self._check_history(name)
        return self._history.stacked(name)

    def _check_history(self, what):
        if self._history is None:
            raise ValueError(
                f"{what} needs the recorded history, which keep_history=False did not keep. "
                "Record again with keep_history=True."
            )

    def _check_mask(self, mask, name):
        if mask is None:
            return None
        return check_mask(mask, self.n_samples, name, "TrainingDynamics").copy()
