"""TrainingDynamics: the record of what a model predicts for its samples as it trains."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._observation import Observation, observe
from sklearn_carto._dynamics._running import RunningStatistics, dual_window
from sklearn_carto._dynamics._scores import (
    check_scores,
    encode_labels,
    score_range_of,
    two_columns,
)
from sklearn_carto._utils._archive import read_archive, write_archive
from sklearn_carto._utils._validation import check_mask

DEFAULT_N_EPOCHS = 20  # as many as CartographyClassifier trains by default
RECORDED = ("epoch_end", "training", "out_of_fold")
MARGIN_FROM = ("logits", "probabilities", "")  # the last one: nothing is recorded yet


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
    keep_history : bool, default=True
        Whether to keep every epoch, in O(n_samples * n_epochs) memory, beside the running
        statistics, which need O(n_samples).
    held_out_mask : array-like of bool of shape (n_samples,), default=None
        True for rows that the model does not train on.
    excluded_mask : array-like of bool of shape (n_samples,), default=None
        True for rows with sample weight 0; they are recorded, but never selected.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows, where they come from outside.
    record : {"epoch_end", "training", "out_of_fold"}, default="epoch_end"
        Origin of the scores: an evaluation pass after each epoch, the training forward pass
        itself, or models that were not trained on the row.

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
    keep_history : bool
        Whether the history is kept.
    held_out_mask, excluded_mask, sample_ids : ndarray of shape (n_samples,) or None
        As given.
    margin_from : {"logits", "probabilities"} or None
        Whether margins and losses come from logits; None as long as nothing is recorded.
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
        excluded_mask=None,
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
        self._y_encoded = encode_labels(self.labels, self.classes)
        self._planned_epochs = DEFAULT_N_EPOCHS if n_epochs is None else int(n_epochs)
        self.keep_history = keep_history
        self.record = record
        self.margin_from = None
        self.held_out_mask = self._check_mask(held_out_mask, "held_out_mask")
        self.excluded_mask = self._check_mask(excluded_mask, "excluded_mask")
        self.sample_ids = self._check_per_row(sample_ids, "sample_ids")
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
        """Number of epochs recorded for each row, an ndarray of shape (n_samples,)."""
        return self._running.n_seen.copy()

    @property
    def _saturation(self):
        """Share of the recorded probabilities that are saturated."""
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
            Class probabilities in the order of `classes`, or logits. One dimension: the logits of
            the second of two classes.
        rows : slice or ndarray of shape (n_rows,), default=slice(None)
            Which rows these are, each at most once.
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
        scores, y_encoded = np.asarray(scores), self._y_encoded[rows]
        n_rows, n_classes = len(y_encoded), len(self.classes)
        width = 2 if scores.ndim == 1 else scores.shape[-1]
        if len(scores) != n_rows or scores.ndim > 2 or width != n_classes:
            raise ValueError(
                f"scores of shape {scores.shape} do not fit {n_rows} rows of {n_classes} classes: "
                f"shape ({n_rows}, {n_classes}) is required."
            )
        if scores.ndim == 1 and not from_logits:
            raise ValueError(
                "scores of one dimension are the logits of the second of two classes: pass "
                "from_logits=True, or probabilities with one column for each class."
            )
        if scores.ndim == 1:
            scores = two_columns(scores, from_logits)
        if n_rows:
            check_scores(
                score_range_of(scores),
                epoch,
                "the model",
                from_logits=from_logits,
                remedy="Pass from_logits=True if they are logits.",
            )
        if not isinstance(rows, slice) and len(np.unique(rows)) < n_rows:
            raise ValueError(f"rows of epoch {epoch} must not contain a row twice.")
        before = self._running.last_epoch[rows]
        if epoch < 0 or (before >= epoch).any():
            raise ValueError(
                f"epoch must be counted from 0 and must ascend for each row; got {epoch} after "
                f"{before.max(initial=-1)}."
            )
        observation = observe(scores, y_encoded, from_logits=from_logits)
        margin_from = "logits" if from_logits else "probabilities"
        self._add(epoch, observation, rows, margin_from=margin_from)

    def _add(self, epoch, observation, rows=slice(None), *, margin_from):
        """Record the observation of some rows at one epoch, without the checks of `update`."""
        if self.keep_history:
            while len(self._history) <= epoch:
                self._history.append(_blank(self.n_samples))
            for kept, new in zip(self._history[epoch], observation, strict=True):
                kept[rows] = new
        self._running.update(epoch, observation, rows)
        self._n_epochs = max(self._n_epochs, epoch + 1)
        self.margin_from = margin_from

    def _set_labels(self, y_encoded, classes):
        """Set the encoded labels and the classes, where the first epochs determine them."""
        self.classes, self._y_encoded = classes, y_encoded
        self.labels = classes[y_encoded]

    def statistics(self, epochs=None):
        """Compute the statistics of a data map.

        Parameters
        ----------
        epochs : slice, array-like of int or mask, default=None
            Epochs to include, for burn-in and burn-out. None: all.

        Returns
        -------
        statistics : dict of str to ndarray of shape (n_samples,)
            One entry for each statistic.
        n_epochs : int
            Number of epochs that they are computed over.

        Raises
        ------
        ValueError
            If no epoch was recorded or selected, or if `epochs` is given without a history.
        """
        if self.n_epochs == 0:
            raise ValueError("These training dynamics hold no epoch yet: call update first.")
        if epochs is None:
            return self._running.results(), self.n_epochs
        self._check_history("Selecting epochs")
        index = epochs if isinstance(epochs, slice) else np.atleast_1d(epochs)
        selected = np.unique(np.arange(self.n_epochs)[index])  # out of range: numpy's IndexError
        if len(selected) == 0:
            raise ValueError(f"epochs={epochs!r} selects none of the {self.n_epochs} epochs.")
        replay = RunningStatistics(self.n_samples, dual_window(len(selected)))
        for epoch in selected:
            rows, observation = self._observation_at(epoch)
            replay.update(epoch, observation, rows if len(rows) < self.n_samples else slice(None))
        return replay.results(), len(selected)

    def _observation_at(self, epoch):
        """Return the rows that were recorded at one epoch, ascending, and their observation."""
        self._check_history("Reading an epoch")
        whole = self._history[epoch]
        rows = np.flatnonzero(~np.isnan(whole.true_proba))
        return rows, Observation(*(values[rows] for values in whole))

    def save(self, path):
        """Write the dynamics to an npz file that needs no pickle.

        Parameters
        ----------
        path : str or path-like
            The file; no extension is added.
        """
        arrays = {
            "labels": self.labels,
            "classes": self.classes,
            "held_out_mask": self.held_out_mask,
            "excluded_mask": self.excluded_mask,
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
        """Read a file written by :meth:`save`.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        dynamics : TrainingDynamics
            The dynamics, ready to record further epochs.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
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
            excluded_mask=arrays.get("excluded_mask"),
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
            self._history = [Observation(*values) for values in zip(*by_epoch, strict=True)]
        return self

    def _state_dict(self):
        """Copy what was recorded: a flat dict of arrays, numbers and strings."""
        running = vars(self._running).items()
        state = {f"running_{name}": np.array(value) for name, value in running if name != "window"}
        if self.keep_history:
            state |= {name: self._stacked(name) for name in Observation._fields}
        return state | {
            "n_recorded": self.n_epochs,
            "planned_epochs": self._planned_epochs,
            "window": self._running.window,
            "margin_from": self.margin_from or "",
        }

    def _load_state_dict(self, state):
        """Continue from a copy that `_state_dict` made, a PackedState; all of it, or nothing."""
        n_epochs, planned = state.number("n_recorded", int), state.number("planned_epochs", int)
        window, margin_from = state.number("window", int), state.number("margin_from", str)
        if min(n_epochs, planned - 1, window - 2) < 0 or margin_from not in MARGIN_FROM:
            raise state.error("must hold counts of epochs. Got others")
        running = RunningStatistics(self.n_samples, window)
        for name, blank in vars(running).items():
            if name != "window":
                setattr(running, name, state.array(f"running_{name}", blank.shape, blank.dtype))
        history = []
        if self.keep_history:
            blank, shape = _blank(0), (self.n_samples, n_epochs)
            by_epoch = (
                np.ascontiguousarray(state.array(name, shape, values.dtype).T)
                for name, values in zip(Observation._fields, blank, strict=True)
            )
            history = [Observation(*values) for values in zip(*by_epoch, strict=True)]
        self._running, self._history, self._n_epochs = running, history, n_epochs
        self._planned_epochs, self.margin_from = planned, margin_from or None

    def __repr__(self):
        """Return the number of rows and epochs."""
        return f"<TrainingDynamics: {self.n_samples} rows, {self.n_epochs} epochs>"

    def _stacked(self, name):
        self._check_history(name)
        by_epoch = [getattr(observation, name) for observation in self._history]
        return np.stack(by_epoch, axis=1) if by_epoch else np.empty((self.n_samples, 0))

    def _check_history(self, what):
        if not self.keep_history:
            raise ValueError(
                f"{what} needs the recorded history, which keep_history=False did not keep. "
                "Record again with keep_history=True."
            )

    def _check_mask(self, mask, name):
        if mask is None:
            return None
        return check_mask(mask, self.n_samples, name, "TrainingDynamics")

    def _check_per_row(self, values, name):
        if values is None:
            return None
        values = np.asarray(values)
        if values.shape != (self.n_samples,):
            raise ValueError(
                f"{name} must have one entry for each of the {self.n_samples} rows; "
                f"got shape {values.shape}."
            )
        return values


def _blank(n_samples):
    """Observation of an epoch at which no row is recorded yet."""
    blank = [np.full(n_samples, np.nan, dtype=np.float32) for _ in range(5)]
    blank[1] = np.zeros(n_samples, dtype=bool)
    return Observation(*blank)
