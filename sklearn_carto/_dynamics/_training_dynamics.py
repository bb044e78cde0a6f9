"""What was recorded while a model trained."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._observation import Observation, observe
from sklearn_carto._dynamics._running import RunningStatistics, dual_window
from sklearn_carto._utils._archive import read_archive, write_archive
from sklearn_carto.exceptions import InvalidProbabilitiesError

RECORDED = ("epoch_end", "training", "out_of_fold")


class TrainingDynamics:
    """What a model said of each training row, epoch by epoch.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        The label that each row carries. Any type; a label is never used as an index.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the columns of recorded scores. None: the sorted labels.
    n_epochs : int, default=None
        How many epochs are planned; more or fewer may be recorded. It sets the window of the
        DUAL score. None: 20.
    keep_history : bool, default=True
        Whether to keep every epoch, in O(n_samples * n_epochs) memory, beside the running
        statistics, which need O(n_samples).
    held_out_mask : array-like of shape (n_samples,), default=None
        True for rows that the model does not train on.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows, where they come from outside.
    record : {"epoch_end", "training", "out_of_fold"}, default="epoch_end"
        How probabilities were asked for: in a pass of its own after each epoch, as they arise
        while the model trains, or of models that did not train on the row.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels in the order of the columns of recorded scores.
    n_samples : int
        Number of rows.
    n_epochs : int
        Number of epochs recorded so far.
    n_seen : ndarray of shape (n_samples,)
        Number of epochs that saw each row.
    margin_from : {"logits", "probabilities"} or None
        Where margins and losses come from; None as long as nothing is recorded.
    true_proba, correct, margin, el2n, loss : ndarray of shape (n_samples, n_epochs)
        The history: probability of the label; whether the most probable class is the label; log p
        of the label less the largest other log p; distance of the probabilities to the one-hot
        label; -log p of the label. Only with ``keep_history=True``.

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

    def __init__(
        self,
        labels,
        *,
        classes=None,
        n_epochs=None,
        keep_history=True,
        held_out_mask=None,
        sample_ids=None,
        record="epoch_end",
    ):
        self.labels = np.asarray(labels)
        if self.labels.ndim != 1:
            raise ValueError(f"labels must have one dimension; got shape {self.labels.shape}.")
        self.classes = np.unique(self.labels) if classes is None else np.asarray(classes)
        if len(np.unique(self.classes)) < len(self.classes):
            raise ValueError(f"classes must name each class once; got {self.classes.tolist()}.")
        if n_epochs is not None and n_epochs < 1:
            raise ValueError(f"n_epochs must be at least 1; got {n_epochs!r}.")
        if record not in RECORDED:
            raise ValueError(f"record must be one of {', '.join(RECORDED)}; got {record!r}.")
        self._y_encoded = _columns(self.labels, self.classes)
        self._planned_epochs = 20 if n_epochs is None else int(n_epochs)
        self.keep_history = keep_history
        self.record = record
        self.margin_from = None
        self.held_out_mask = self._one_a_row(held_out_mask, "held_out_mask", dtype=bool)
        self.sample_ids = self._one_a_row(sample_ids, "sample_ids")
        self._running = RunningStatistics(self.n_samples, dual_window(self._planned_epochs))
        self._history: list[Observation] = []
        self._n_epochs = 0

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.labels)

    @property
    def n_epochs(self):
        """Number of epochs recorded so far."""
        return self._n_epochs

    @property
    def n_seen(self):
        """Number of epochs that saw each row, an ndarray of shape (n_samples,)."""
        return self._running.n_seen.copy()

    @property
    def _saturation(self):
        """Share of all recorded probabilities that lie within 0.001 of 0 or 1."""
        return self._running.n_extreme.sum() / max(self._running.n_seen.sum(), 1)

    true_proba = property(lambda self: self._stacked("true_proba"))
    correct = property(lambda self: self._stacked("correct"))
    margin = property(lambda self: self._stacked("margin"))
    el2n = property(lambda self: self._stacked("el2n"))
    loss = property(lambda self: self._stacked("loss"))

    def update(self, epoch, scores, rows=slice(None), *, from_logits=False):
        """Record the class scores of some rows at one epoch.

        Parameters
        ----------
        epoch : int
            The epoch, counted from 0; it must ascend for each row.
        scores : ndarray of shape (n_rows, n_classes) or (n_rows,)
            Class probabilities in the order of `classes`, or logits. One dimension is for logits
            alone: that of the second of two classes.
        rows : slice or ndarray of shape (n_rows,), default=slice(None)
            Which rows these are. No row twice.
        from_logits : bool, default=False
            Whether `scores` are logits.

        Raises
        ------
        ValueError
            If `scores` has not one row for each of `rows`, or not one column a class; if an epoch
            does not ascend, or a row is named twice.
        InvalidProbabilitiesError
            If a score is NaN or infinite, or if probabilities are negative or do not sum to 1;
            nothing of the call is recorded.
        """
        scores, y_encoded = np.asarray(scores), self._y_encoded[rows]
        width = 2 if scores.ndim == 1 else scores.shape[-1]
        if len(scores) != len(y_encoded) or scores.ndim > 2 or width != len(self.classes):
            raise ValueError(
                f"scores of shape {scores.shape} do not fit {len(y_encoded)} rows of "
                f"{len(self.classes)} classes: shape ({len(y_encoded)}, {len(self.classes)}) is "
                "needed."
            )
        if scores.ndim == 1 and not from_logits:
            raise ValueError(
                "scores of one dimension are the logits of the second of two classes: pass "
                "from_logits=True, or probabilities with a column for each class."
            )
        if not np.isfinite(scores).all():
            raise InvalidProbabilitiesError(f"scores of epoch {epoch} hold NaN or infinity.")
        if not from_logits and (
            scores.min(initial=0) < -1e-6 or np.abs(scores.sum(axis=1) - 1).max(initial=0) > 1e-3
        ):
            raise InvalidProbabilitiesError(
                f"scores of epoch {epoch} are no probabilities: they must not be negative, and "
                "each row must sum to 1. Pass from_logits=True if they are logits."
            )
        if not isinstance(rows, slice) and len(np.unique(rows)) < len(y_encoded):
            raise ValueError(f"rows of epoch {epoch} name a row twice.")
        before = self._running.last_epoch[rows]
        if epoch < 0 or (before >= epoch).any():
            raise ValueError(
                f"Epochs are counted from 0 and must ascend for each row; got {epoch} after "
                f"{before.max(initial=-1)}."
            )
        self._add(epoch, observe(scores, y_encoded, from_logits=from_logits), rows)
        self.margin_from = "logits" if from_logits else "probabilities"

    def _add(self, epoch, seen, rows=slice(None)):
        """Record what was seen of some rows at one epoch.

        Parameters
        ----------
        epoch : int
            The epoch, counted from 0; it must ascend for each row.
        seen : Observation
            What was seen, five arrays of shape (n_rows,).
        rows : slice or ndarray of shape (n_rows,), default=slice(None)
            Which rows these are. No row twice.
        """
        if self.keep_history:
            while len(self._history) <= epoch:
                self._history.append(_blank(self.n_samples))
            for kept, new in zip(self._history[epoch], seen, strict=True):
                kept[rows] = new
        self._running.update(epoch, seen, rows)
        self._n_epochs = max(self._n_epochs, epoch + 1)

    def statistics(self, epochs=None):
        """Return what a data map holds.

        Parameters
        ----------
        epochs : slice, array-like of int or mask, default=None
            Which epochs count, for burn-in and burn-out; None: all.

        Returns
        -------
        statistics : dict of str to ndarray of shape (n_samples,)
            One entry a statistic.
        n_epochs : int
            The number of epochs behind them.

        Raises
        ------
        ValueError
            If no epoch was recorded or chosen, or if `epochs` is given without a history.
        """
        if self.n_epochs == 0:
            raise ValueError("These training dynamics hold no epoch yet.")
        if epochs is None:
            return self._running.results(), self.n_epochs
        self._need_history("Choosing epochs")
        wanted = epochs if isinstance(epochs, slice) else np.atleast_1d(epochs)
        chosen = np.unique(np.arange(self.n_epochs)[wanted])  # numpy refuses what is out of range
        if len(chosen) == 0:
            raise ValueError(f"epochs={epochs!r} chooses none of the {self.n_epochs} epochs.")
        replay = RunningStatistics(self.n_samples, dual_window(len(chosen)))
        for epoch in chosen:
            rows, seen = self._seen_at(epoch)
            replay.update(epoch, seen, rows if len(rows) < self.n_samples else slice(None))
        return replay.results(), len(chosen)

    def _seen_at(self, epoch):
        """Return what was seen at one epoch.

        Parameters
        ----------
        epoch : int
            The epoch, counted from 0.

        Returns
        -------
        rows : ndarray of shape (n_rows,)
            The rows that it saw, ascending.
        seen : Observation
            What was seen of them, five arrays of shape (n_rows,).
        """
        self._need_history("Looking at an epoch")
        seen = self._history[epoch]
        rows = np.flatnonzero(~np.isnan(seen.true_proba))
        return rows, Observation(*(values[rows] for values in seen))

    def save(self, path):
        """Write the dynamics to an npz file that needs no pickle.

        Parameters
        ----------
        path : str or path-like
            Where to write; the name is taken as it is.
        """
        arrays = {
            "labels": self.labels,
            "classes": self.classes,
            "held_out_mask": self.held_out_mask,
            "sample_ids": self.sample_ids,
        }
        running = {f"running_{k}": v for k, v in vars(self._running).items() if k != "window"}
        if self.keep_history and self._history:
            arrays |= {name: self._stacked(name) for name in Observation._fields}
        facts = {
            "n_epochs": self.n_epochs,
            "planned_epochs": self._planned_epochs,
            "window": self._running.window,
            "keep_history": self.keep_history,
            "record": self.record,
            "margin_from": self.margin_from,
        }
        write_archive(path, "TrainingDynamics", arrays | running, facts)

    @classmethod
    def load(cls, path):
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : str or path-like
            Where to read.

        Returns
        -------
        dynamics : TrainingDynamics
            The dynamics, ready to record further epochs.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file does not hold training dynamics.
        """
        arrays, facts = read_archive(path, "TrainingDynamics")
        self = cls(
            arrays["labels"],
            classes=arrays["classes"],
            n_epochs=facts["planned_epochs"],
            keep_history=facts["keep_history"],
            held_out_mask=arrays.get("held_out_mask"),
            sample_ids=arrays.get("sample_ids"),
            record=facts["record"],
        )
        self.margin_from = facts["margin_from"]
        self._n_epochs = facts["n_epochs"]
        self._running = RunningStatistics(self.n_samples, facts["window"])
        for name in vars(self._running).keys() - {"window"}:
            setattr(self._running, name, arrays[f"running_{name}"])
        if "true_proba" in arrays:
            by_epoch = (np.ascontiguousarray(arrays[name].T) for name in Observation._fields)
            self._history = [Observation(*seen) for seen in zip(*by_epoch, strict=True)]
        return self

    def __repr__(self):
        """Say how much was recorded."""
        return f"<TrainingDynamics: {self.n_samples} rows, {self.n_epochs} epochs>"

    def _stacked(self, name):
        self._need_history(name)
        columns = [getattr(seen, name) for seen in self._history]
        return np.stack(columns, axis=1) if columns else np.empty((self.n_samples, 0))

    def _need_history(self, what):
        if not self.keep_history:
            raise ValueError(
                f"{what} needs the recorded history, which keep_history=False did not keep. "
                "Record again with keep_history=True."
            )

    def _one_a_row(self, values, name, dtype=None):
        if values is None:
            return None
        values = np.asarray(values, dtype=dtype)
        if values.shape != (self.n_samples,):
            raise ValueError(
                f"{name} must have one entry for each of the {self.n_samples} rows; "
                f"got shape {values.shape}."
            )
        return values


def _blank(n_samples):
    nothing = [np.full(n_samples, np.nan, dtype=np.float32) for _ in range(5)]
    nothing[1] = np.zeros(n_samples, dtype=bool)
    return Observation(*nothing)


def _columns(labels, classes):
    """Column of each label among the classes."""
    order = np.argsort(classes)
    place = np.searchsorted(classes, labels, sorter=order)
    columns = order[np.minimum(place, len(classes) - 1)]
    unknown = classes[columns] != labels
    if np.any(unknown):
        raise ValueError(
            f"labels hold {np.unique(labels[unknown]).tolist()}, not among the classes "
            f"{classes.tolist()}."
        )
    return columns
