"""DynamicsRecorder: record the dynamics of any training loop, told by the loop itself."""

from __future__ import annotations

import sys

import numpy as np

from sklearn_carto._dynamics._scores import ScoreRange, check_n_columns, check_scores
from sklearn_carto._dynamics._training_dynamics import RECORDED, TrainingDynamics
from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._maps._diagnostics import make_data_map
from sklearn_carto._recording._accumulator import (
    MAX_WAITING,
    EpochAccumulator,
    EpochScores,
    concat_epochs,
)
from sklearn_carto._recording._sample_index import SampleIndex, check_batch
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import DoubleSoftmaxWarning, InvalidProbabilitiesError

_REMEDY = "Pass from_logits=True if they are logits."


class DynamicsRecorder:
    """Record the training dynamics of any loop.

    Tell it of each batch, in any order, which rows it held and what the model said of them, and of
    the end of each epoch. What lies on a device is reduced there and fetched once an epoch.

    Parameters
    ----------
    n_samples : int
        Number of training rows. Rows are named by their positions 0 to ``n_samples - 1``, unless
        `sample_ids` names them.
    labels : array-like of shape (n_samples,), default=None
        The label that each row carries. None: they are told batch by batch.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the columns of the scores. None: the labels that occur, sorted,
        or, where `labels` is None, the columns 0 to ``n_classes - 1`` themselves, which is what
        torch's losses take.
    n_epochs : int, default=None
        How many epochs are planned; it sets the window of the DUAL score. None: 20.
    from_logits : bool, default=True
        Whether scores are logits. False: probabilities.
    missing : {"error", "nan"}, default="error"
        What to do about rows that an epoch did not show: raise and name them, or take each row's
        statistics over the epochs that saw it, and NaN where none did.
    keep_history : bool, default=True
        Whether every epoch is kept beside the running statistics.
    held_out_mask : array-like of shape (n_samples,), default=None
        True for rows that the model does not train on.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows; batches then name them so.
    record : {"training", "epoch_end"}, default="training"
        Whether scores are those of the training pass itself, or of a pass of its own at the end of
        each epoch. The map says so; maps of both kinds are not averaged.

    Attributes
    ----------
    epoch : int
        Number of epochs that have ended.

    Notes
    -----
    Within ``torch.distributed``, `end_epoch` gathers what all ranks saw, so that each holds the
    map of all rows; the rows by which a distributed sampler pads its shards count once. Recorders
    that ran apart are put together by :meth:`merge`.

    Probabilities of the training pass are those of a model that moves within the epoch, with
    dropout on.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_carto.integrations.torch import DynamicsRecorder
    >>> recorder = DynamicsRecorder(3)
    >>> for epoch in range(2):
    ...     recorder.update([2, 0], np.array([[0.0, 1.0 + epoch], [2.0, 0.0]]), [1, 0])
    ...     recorder.update([1], np.array([[1.0, 1.0]]), [1])
    ...     recorder.end_epoch()
    >>> recorder.data_map().confidence.round(2)
    array([0.88, 0.5 , 0.81])
    """

    def __init__(
        self,
        n_samples,
        *,
        labels=None,
        classes=None,
        n_epochs=None,
        from_logits=True,
        missing="error",
        keep_history=True,
        held_out_mask=None,
        sample_ids=None,
        record="training",
    ):
        if not isinstance(n_samples, (int, np.integer)) or n_samples < 1:
            raise ValueError(f"n_samples must be a whole number above 0; got {n_samples!r}.")
        if missing not in ("error", "nan"):
            raise ValueError(f"missing must be 'error' or 'nan'; got {missing!r}.")
        if record not in RECORDED[:2]:
            raise ValueError(f"record must be one of {RECORDED[:2]}; got {record!r}.")
        self.n_samples, self.from_logits, self.missing = int(n_samples), from_logits, missing
        self.epoch = 0
        self._settings = {
            "n_epochs": n_epochs,
            "keep_history": keep_history,
            "held_out_mask": held_out_mask,
            "sample_ids": sample_ids,
            "record": record,
        }
        self._sample_index = SampleIndex(self.n_samples, sample_ids, classes, labels)
        # made now to check the settings; `dynamics` puts in the labels and classes
        blank = np.full(self.n_samples, 0 if classes is None else self._sample_index.classes[0])
        named = None if classes is None else self._sample_index.classes
        self._dynamics = TrainingDynamics(blank, classes=named, **self._settings)
        self._accumulator: EpochAccumulator = None  # type: ignore[assignment]
        self._waiting: list = []
        self._kinds: list = []  # of what waits, for only the like can be joined
        self._n_waiting = 0

    def update(self, indices, scores, labels=None):
        """Tell what the model said of a batch.

        Parameters
        ----------
        indices : array-like or tensor of shape (n_rows,)
            Which rows these are: positions, or their names where `sample_ids` was given. Best on
            the CPU.
        scores : array-like or tensor of shape (n_rows, n_classes), (n_rows, 1) or (n_rows,)
            Logits, or probabilities; of a single column or dimension, those of the second of two
            classes. A tensor may belong to the graph of the training; it is copied.
        labels : array-like or tensor of shape (n_rows,), default=None
            The labels of these rows. Needed where they were not given at the start.

        Raises
        ------
        ValueError
            If a row does not exist, lengths differ, scores are whole numbers, or labels are needed
            and missing. Of tensors, rows and labels are looked at some thousands at a time, or as
            the epoch ends.
        InvalidProbabilitiesError
            If scores do not hold one column a class.
        """
        batch = [_copied(values) for values in (indices, scores, labels)]
        check_batch(*batch)
        if len(batch[0]) == 0:
            return
        kinds = [_kind(part) for part in batch]
        if kinds != self._kinds:
            self._take_in()
            self._kinds = kinds
        self._waiting.append(batch)
        self._n_waiting += batch[1].numel() if is_tensor(batch[1]) else batch[1].size
        if not is_tensor(batch[1]) or self._n_waiting >= MAX_WAITING:
            self._take_in()

    def _take_in(self):
        """Check batches that wait, all at once, and hand them to the accumulator."""
        waiting, self._waiting, self._n_waiting = self._waiting, [], 0
        if not waiting:
            return
        indices, scores, labels = (_joined(parts) for parts in zip(*waiting, strict=True))
        sample_index = self._sample_index
        rows = sample_index.rows_of(indices)
        if sample_index.classes is None:
            sample_index.classes = np.arange(2 if scores.ndim == 1 else max(scores.shape[1], 2))
        shape = scores.shape[:1] if scores.shape[1:] == (1,) else scores.shape
        check_n_columns(shape, len(sample_index.classes), "The model")
        columns = sample_index.columns[rows] if labels is None else sample_index.columns_of(labels)
        if labels is None and (columns < 0).any():
            raise ValueError(
                "The labels of these rows are unknown: pass them to update, or labels= to "
                "DynamicsRecorder."
            )
        if self._accumulator is None:
            self._accumulator = EpochAccumulator(self.from_logits, own=True)
        self._accumulator.add(rows, columns.reshape(-1), scores)

    def end_epoch(self):
        """Record what was told since the last epoch ended.

        Raises
        ------
        ValueError
            If there was nothing, if a label is unknown or has changed, or if rows are missing;
            the epochs before this one are kept.
        InvalidProbabilitiesError
            If a score is NaN or infinite, if probabilities do not sum to 1, or if ranks gave
            scores of other widths.
        """
        try:
            self._take_in()
            self._keep(self._gathered())
        finally:
            self.reset_epoch()

    def _gathered(self):
        """Put together what all ranks were told of this epoch, and check it."""
        sample_index, epoch = self._sample_index, self.epoch
        told = _of_all_ranks((self._accumulator and self._accumulator.part(), sample_index.classes))
        parts = [part for part, _ in told if part is not None]
        if not parts:
            raise ValueError(f"Epoch {epoch} ends before any row was seen: call update first.")
        # a rank that saw no row has inferred no classes
        widths = {len(classes): classes for _, classes in told if classes is not None}
        if len(widths) > 1:
            counts = " and of ".join(str(width) for width in sorted(widths))
            raise InvalidProbabilitiesError(
                f"The ranks gave scores of {counts} columns at epoch {epoch}: one column a class "
                "is needed, the same on each."
            )
        (sample_index.classes,) = widths.values()
        gathered, rows = concat_epochs(parts), np.concatenate([part.rows for part in parts])
        check_scores(
            gathered.quality, epoch, "the model", from_logits=self.from_logits, remedy=_REMEDY
        )
        if self.missing == "error":
            sample_index.refuse_missing(gathered.rows, len(rows), epoch)
        sample_index.check_labels_unchanged(
            rows, np.concatenate([part.columns for part in parts]), epoch
        )
        if epoch == 0:
            self._warn_of_double_softmax(gathered.quality)
        return gathered

    def reset_epoch(self):
        """Forget what was told since the last epoch ended, for example of one that broke off."""
        self._accumulator = None  # type: ignore[assignment]
        self._waiting, self._n_waiting = [], 0
        if self.epoch == 0:
            self._sample_index.forget_inferred()

    @property
    def dynamics(self):
        """What was recorded so far, a TrainingDynamics."""
        if self.epoch == 0:
            raise ValueError("No epoch has ended yet: call update and end_epoch first.")
        sample_index = self._sample_index
        unknown = np.flatnonzero(sample_index.columns < 0)
        if len(unknown):
            raise ValueError(
                f"The labels of {len(unknown)} rows are unknown, because no epoch showed them, "
                f"among them {sample_index.some_names(unknown)}: pass labels= to DynamicsRecorder."
            )
        self._dynamics.classes, self._dynamics._y_encoded = (
            sample_index.classes,
            sample_index.columns.copy(),
        )
        self._dynamics.labels = sample_index.classes[sample_index.columns]
        return self._dynamics

    def data_map(self, epochs=None):
        """Draw the map of what was recorded so far.

        Parameters
        ----------
        epochs : slice, array-like of int or mask, default=None
            Which epochs count, see :meth:`DataMap.from_dynamics`.

        Returns
        -------
        data_map : DataMap
            One entry a row, in the order of their positions.

        Warns
        -----
        UnseenSamplesWarning
            If no epoch showed some rows.
        DegenerateMapWarning
            If the map says little: one epoch, no movement, or probabilities all near 0 or 1.
        """
        return make_data_map(self.dynamics, "the model", epochs)

    @classmethod
    def merge(cls, recorders):
        """Put together what several processes recorded of the same run, each of its own rows.

        Parameters
        ----------
        recorders : sequence of DynamicsRecorder
            With ``missing="nan"``, the same settings and number of epochs; each with its history.

        Returns
        -------
        recorder : DynamicsRecorder
            With the rows of all; of a row that several saw at one epoch, the first counts.

        Raises
        ------
        ValueError
            If they do not belong together, or know other labels of a row.
        """
        recorders = list(recorders)
        if not recorders:
            raise ValueError("merge needs a recorder at least; got none.")
        first, *others = recorders
        for i, other in enumerate(others, start=1):
            for name, value in other._facts().items():
                if not np.array_equal(value, first._facts()[name]):
                    raise ValueError(
                        f"recorders[{i}] differs from recorders[0] in {name}: recorders to merge "
                        "must be of one run, with the same settings and epochs."
                    )
        merged = cls(
            first.n_samples,
            classes=first._sample_index.classes,
            from_logits=first.from_logits,
            missing="nan",
            **first._settings,
        )
        for other in recorders:
            known = np.flatnonzero(other._sample_index.columns >= 0)
            columns = other._sample_index.columns[known]
            merged._sample_index.check_unchanged(known, columns, "between the recorders")
            merged._sample_index.columns[known] = columns
        for _ in range(first.epoch):
            parts = [other._part(merged.epoch) for other in recorders]
            merged._keep(concat_epochs(parts))
        return merged

    def _facts(self):
        """Tell what recorders of one run have in common."""
        facts = {"n_samples": self.n_samples, "epoch": self.epoch, "from_logits": self.from_logits}
        return facts | {"classes": self._sample_index.classes} | self._settings

    def _keep(self, gathered):
        self._sample_index.columns[gathered.rows] = gathered.columns
        whole = len(gathered.rows) == self.n_samples
        self._dynamics._add(self.epoch, gathered.seen, slice(None) if whole else gathered.rows)
        self._dynamics.margin_from = "logits" if self.from_logits else "probabilities"
        self.epoch += 1

    def _part(self, epoch):
        """Take an epoch that has ended out of the history."""
        rows, seen = self._dynamics._seen_at(epoch)
        return EpochScores(
            rows, self._sample_index.columns[rows], seen, ScoreRange(0.0, 1.0, 1.0, 1.0)
        )

    def _warn_of_double_softmax(self, quality):
        if self.from_logits and quality.lowest >= 0 and abs(quality.total - 1) < 1e-4:
            warn(
                "All scores are non-negative and sum to 1, as probabilities do, but are taken for "
                "logits: the map is squeezed together. Pass from_logits=False.",
                DoubleSoftmaxWarning,
            )


def _copied(values):
    """Copy values out of the reach of the training, and of its graph."""
    if values is None:
        return None
    return values.detach().clone() if is_tensor(values) else np.array(values)


def _kind(values):
    """Tell which values can be joined to each other."""
    return None if values is None else (type(values), values.shape[1:])


def _joined(parts):
    if parts[0] is None:
        return None
    if not is_tensor(parts[0]):
        return np.concatenate(parts)
    import torch

    return torch.cat(parts)


def _of_all_ranks(told):
    """List what all ranks of a distributed run tell; alone, what this one tells."""
    torch = sys.modules.get("torch")
    distributed = torch and torch.distributed
    if not (distributed and distributed.is_available() and distributed.is_initialized()):
        return [told]
    everything: list = [None] * distributed.get_world_size()
    distributed.all_gather_object(everything, told)
    return everything
