"""DynamicsRecorder: record the training dynamics of any training loop."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from sklearn_carto._dynamics._history import HISTORY_DIR, KEEP_HISTORY, check_history_dir
from sklearn_carto._dynamics._scores import ScoreRange, check_n_columns, check_scores
from sklearn_carto._dynamics._training_dynamics import RECORDED, TrainingDynamics
from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._logs._parquet_log import EpochLog, LogRows
from sklearn_carto._maps._diagnostics import make_data_map
from sklearn_carto._recording._accumulator import EpochAccumulator, EpochScores, concat_epochs
from sklearn_carto._recording._batch_arrays import as_array, check_batch, keep_tuples
from sklearn_carto._recording._recorder_state import restore, state_of
from sklearn_carto._recording._sample_index import OWNER, SampleIndex
from sklearn_carto._utils._compat import InvalidParameterError, StrOptions
from sklearn_carto._utils._typing import ArrayLike, ArrayOrTensor, PathType, RowSelector
from sklearn_carto._utils._validation import Count, check_mask, validate_params
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import DoubleSoftmaxWarning, InvalidProbabilitiesError

if TYPE_CHECKING:
    from sklearn_carto._maps._data_map import DataMap

_REMEDY = "Pass from_logits=True if they are logits."
# A convention: the softmax of single precision sums to 1 within about 1e-6, real logits never do.
DOUBLE_SOFTMAX_TOLERANCE = 1e-4


class DynamicsRecorder:
    """Record the training dynamics of any training loop.

    Pass the indices, scores and labels of each batch to `update`, in any order, and call
    `end_epoch` after each epoch. Tensors are reduced on their device and fetched once an epoch.

    Parameters
    ----------
    n_samples : int
        Number of training rows. Rows are identified by their positions 0 to ``n_samples - 1``,
        unless `sample_ids` names them.
    labels : array-like of shape (n_samples,), default=None
        The observed label of each row. None: they are passed to `update`.
    classes : array-like of shape (n_classes,), default=None
        Names of the columns of the scores, in order. A label is one of these names; where no name
        is a number, it may also be the position of a column, 0 to ``n_classes - 1``, as torch's
        losses take it. None: the labels that occur, sorted, or, where `labels` is None, the
        positions themselves.
    n_epochs : int, default=None
        Number of planned epochs; it sets the window of the DUAL score. None: 20.
    from_logits : bool, default=True
        Whether scores are logits. False: probabilities.
    missing : {"nan", "error"}, default="nan"
        What to do if an epoch lacks rows, as with samplers that draw at random: compute the
        statistics of each row over the epochs that include it, with NaN where none does, or raise
        an error. A row that no epoch includes has the first class for a label unless `labels` is
        given.
    keep_history : bool or "float16", default=True
        Whether to keep every epoch beside the running statistics, see :class:`TrainingDynamics`.
    held_out_mask : array-like of bool of shape (n_samples,), default=None
        True for rows that the model does not train on.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows; the indices passed to `update` are then names.
    record : {"training", "epoch_end"}, default="training"
        Whether scores are those of the training forward pass itself, or of an evaluation pass at
        the end of each epoch. It is stored in the map; maps of both kinds are not averaged.
    uncertainty : bool, default=False
        Whether to record the probabilities of all classes for the statistics `predictive_entropy`
        and `mutual_information` of the map, as running sums of O(n_samples * n_classes) memory; the
        probabilities of an epoch are held until it ends.
    log : str or path-like, default=None
        Folder to write each epoch to as it ends, see :mod:`sklearn_carto.logs`. It holds the log of
        one run: that of another one raises a LogConflictError at the first `update`. A recorder
        whose state was loaded continues the log of its run. Within ``torch.distributed`` each rank
        writes its share of the rows. This requires pyarrow.
    history_dir : str or path-like, default=None
        A folder for the history, see :class:`TrainingDynamics`.

    Attributes
    ----------
    epoch : int
        Number of epochs that have ended.

    Notes
    -----
    Within ``torch.distributed``, `end_epoch` gathers the batches of all ranks, so that each holds
    the map of all rows; rows that a distributed sampler adds as padding count once. Recorders of
    separate processes are merged by :meth:`merge`.

    If an epoch includes a row several times, the first of them counts, as with samplers that draw
    with replacement.

    Which row a score belongs to is taken from `indices`, which should come from the data set, next
    to each input: the position within the loader is that of another row as soon as it shuffles. If
    `update` gets labels, they are compared with those of the rows in earlier batches and with
    `labels`; a difference is an error. Where the only labels are those of the constructor, the
    indices are trusted.

    Probabilities of the training forward pass are those of a model that changes within the epoch,
    with dropout active. If rows are augmented at random, the map is one of augmented rows.

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

    _by_position = False  # whether rows are passed by position, also where they have names

    @validate_params(
        n_samples=[Count(1)],
        n_epochs=[Count(1), None],
        from_logits=["boolean"],
        missing=[StrOptions({"error", "nan"})],
        keep_history=KEEP_HISTORY,
        history_dir=HISTORY_DIR,
        record=[StrOptions(set(RECORDED[:2]))],
        uncertainty=["boolean"],
        log=[str, PathLike, None],
    )
    def __init__(
        self,
        n_samples: int,
        *,
        labels: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        n_epochs: int | None = None,
        from_logits: bool = True,
        missing: Literal["nan", "error"] = "nan",
        keep_history: bool | Literal["float16"] = True,
        held_out_mask: ArrayLike | None = None,
        sample_ids: ArrayLike | None = None,
        record: Literal["training", "epoch_end"] = "training",
        uncertainty: bool = False,
        log: PathType | None = None,
        history_dir: PathType | None = None,
    ) -> None:
        check_history_dir(history_dir, keep_history, OWNER)
        self.n_samples, self.from_logits, self.missing = int(n_samples), bool(from_logits), missing
        self.epoch = 0
        if held_out_mask is not None:
            held_out_mask = check_mask(held_out_mask, self.n_samples, "held_out_mask", OWNER)
        self._sample_index = SampleIndex(
            self.n_samples, sample_ids, classes, labels, self._by_position
        )
        self._settings = {
            "n_epochs": n_epochs,
            "keep_history": keep_history if isinstance(keep_history, str) else bool(keep_history),
            "held_out_mask": held_out_mask,
            "sample_ids": self._sample_index.names,
            "record": record,
            "uncertainty": bool(uncertainty),
        }
        # the property `dynamics` sets the labels
        blank = np.zeros(self.n_samples, dtype=int)
        self._dynamics = TrainingDynamics(blank, **self._settings, history_dir=history_dir)
        self._log = None if log is None else EpochLog(log, OWNER)
        self._log_share = 0, 1  # rank among those that have a log, and their number
        self.reset_epoch()

    def update(
        self, indices: ArrayOrTensor, scores: ArrayOrTensor, labels: ArrayOrTensor = None
    ) -> None:
        """Record the scores of a batch.

        Parameters
        ----------
        indices : array-like or tensor of shape (n_rows,)
            Which rows these are: positions, or names where `sample_ids` was given. Preferably on
            the CPU.
        scores : array-like or tensor of shape (n_rows, n_classes), (n_rows, 1) or (n_rows,)
            Logits, or probabilities; a single column or dimension: those of the second of two
            classes. A tensor may belong to the graph of the training; it is copied.
        labels : array-like or tensor of shape (n_rows,), default=None
            The labels of these rows. Required unless `labels` was given at the start.

        Raises
        ------
        ValueError
            If a row does not exist, lengths differ, scores are whole numbers, or labels are
            missing, are none of the classes, or differ from earlier ones of a row; the batch is not
            recorded then. The values of tensors are checked in blocks of some thousand rows, at the
            latest by `end_epoch`, and the whole epoch is then not recorded.
        InvalidProbabilitiesError
            If scores do not have one column for each class.
        """
        self._open_log()
        # 1. Copy what the loop may overwrite after this call; the accumulator copies scores.
        index, owner = self._sample_index, f"{OWNER}.update"
        scores = as_array(scores, "scores", owner)
        indices = _copied(as_array(keep_tuples(indices), "indices", owner))
        labels = None if labels is None else _copied(as_array(labels, "labels", owner))
        check_batch(indices, scores, labels, positions=index.by_position)
        if len(indices) == 0:
            return
        in_blocks = is_tensor(scores)  # reading values of tensors waits for the device
        rows = None if in_blocks else index.rows_of(indices)
        # 2. Check the width, which determines the classes where none were given.
        shape = tuple(scores.shape)
        shape = shape[:1] if shape[1:] == (1,) else shape
        index.infer_classes(2 if len(shape) == 1 else max(shape[1], 2))
        check_n_columns(shape, len(index.columns), "The model")
        # 3. Find rows and labels: of arrays now, of tensors once a block.
        if in_blocks:
            self._accumulator.add((indices, labels), None, scores)
        else:
            y_encoded = index.encode_rows(rows, labels)
            if not is_tensor(y_encoded):
                index.check_unchanged(rows, y_encoded, f"by epoch {self.epoch}")
            self._accumulator.add(rows, y_encoded, scores)

    def end_epoch(self) -> None:
        """Record the batches passed since the last epoch ended.

        Raises
        ------
        ValueError
            If there were none, if a label is unknown or has changed, or if rows are missing; the
            epochs before this one are kept.
        InvalidProbabilitiesError
            If a score is NaN or infinite, if probabilities do not sum to 1, or if scores of
            different ranks differ in width.
        """
        try:
            self._open_log()
            self._add(self._collect_epoch())
        finally:
            self.reset_epoch()

    def _open_log(self):
        """Prepare the log, if there is one, before anything of the run is written."""
        if self._log is not None:
            self._log.open(self._log_rows(), self.epoch)

    def _log_rows(self):
        index, settings = self._sample_index, self._settings
        given = (index.given_y_encoded >= 0).all()
        return LogRows(
            self.n_samples,
            settings["record"],
            index.names,
            index.classes[index.given_y_encoded] if given else None,
            index.classes,
            settings["held_out_mask"],
            planned_epochs=self._dynamics._planned_epochs,
            margin_from="logits" if self.from_logits else "probabilities",
        )

    def _collect_epoch(self):
        """Put together the batches of all ranks, and check them."""
        index, epoch = self._sample_index, self.epoch
        # 1. Gather the ranks. One without a batch has inferred no classes.
        run = None if self._log is None else self._log.run
        gathered = _all_gather((self._accumulator.part(), index.classes, run))
        if self._log is not None:
            self._share_log(self._log, [run for _, _, run in gathered])
        parts = [part for part, _, _ in gathered if part is not None]
        if not parts:
            raise ValueError(f"Epoch {epoch} has no batch: call update before end_epoch.")
        widths = {len(classes): classes for _, classes, _ in gathered if classes is not None}
        if len(widths) > 1:
            counts = " and ".join(str(width) for width in sorted(widths))
            raise InvalidProbabilitiesError(
                f"The scores of all ranks must have one column for each class; got {counts} "
                f"columns at epoch {epoch}."
            )
        index.infer_classes(*widths)
        # 2. Sort by rows, each once; checks of labels also need those that occur again.
        scores = concat_epochs(parts)
        rows = np.concatenate([part.rows for part in parts])
        y_encoded = np.concatenate([part.y_encoded for part in parts])
        # 3. Check scores, rows and labels.
        check_scores(
            scores.score_range, epoch, "the model", from_logits=self.from_logits, remedy=_REMEDY
        )
        if self.missing == "error":
            index.check_complete(scores.rows, len(rows), epoch)
        index.check_labels_unchanged(rows, y_encoded, epoch)
        if epoch == 0:
            self._warn_of_double_softmax(scores.score_range)
        return scores

    def _share_log(self, log, runs):
        """Share the rows over the ranks that have a log; the run of the first of them names all."""
        ranks = [rank for rank, run in enumerate(runs) if run is not None]
        log.run = runs[ranks[0]]
        self._log_share = ranks.index(_rank()), len(ranks)

    def reset_epoch(self) -> None:
        """Discard the batches passed since the last epoch ended, for example after an interrupt."""
        self._new_accumulator()
        if self.epoch == 0:
            self._sample_index.forget_inferred()

    def _new_accumulator(self):
        locate, keep_proba = self._sample_index.locate, self._settings["uncertainty"]
        self._accumulator = EpochAccumulator(self.from_logits, locate=locate, keep_proba=keep_proba)

    @property
    def dynamics(self) -> TrainingDynamics:
        """The recorded training dynamics, a TrainingDynamics."""
        if self.epoch == 0:
            raise ValueError("No epoch has ended yet: call update and end_epoch first.")
        index = self._sample_index
        # unknown labels are those of rows that no epoch includes
        self._dynamics._set_labels(np.maximum(index.y_encoded, 0), index.classes)
        return self._dynamics

    def data_map(self, epochs: RowSelector = None) -> DataMap:
        """Compute the data map of the recorded epochs.

        Parameters
        ----------
        epochs : slice, array-like of int or mask, default=None
            Epochs to include, see :meth:`DataMap.from_dynamics`.

        Returns
        -------
        data_map : DataMap
            One entry for each row, in the order of their positions.

        Warns
        -----
        UnseenSamplesWarning
            If no epoch includes some rows.
        DegenerateMapWarning
            If the map is uninformative: a single epoch, probabilities that hardly change, or
            probabilities all near 0 or 1.
        """
        return make_data_map(self.dynamics, "the model", epochs)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the recording, to be saved in a checkpoint of the training.

        Returns
        -------
        state : dict
            Numbers, strings and arrays: what was recorded, and the batches of the epoch that has
            not ended yet. Where torch is loaded the arrays are tensors, so that
            ``torch.load(weights_only=True)`` reads the state again; npz files and json carry it,
            too. Labels, classes and names of the rows are not part of it.

        Examples
        --------
        >>> recorder = DynamicsRecorder(2, labels=[0, 1])
        >>> recorder.update([0, 1], np.array([[2.0, 0.0], [0.0, 1.0]]))
        >>> recorder.end_epoch()
        >>> resumed = DynamicsRecorder(2, labels=[0, 1])
        >>> resumed.load_state_dict(recorder.state_dict())
        >>> resumed.epoch
        1
        """
        return state_of(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue a recording whose state was saved.

        What this recorder has recorded before is replaced.

        Parameters
        ----------
        state : dict
            What :meth:`state_dict` of a recorder made with the same arguments has returned. The
            planned number of epochs may differ: that of the state stays in force.

        Raises
        ------
        ValueError
            If the state is that of a recorder of other rows, labels, classes or settings, or if it
            cannot be read; nothing is changed then.
        """
        restore(self, state)

    @classmethod
    def merge(cls, recorders: Sequence[DynamicsRecorder]) -> Self:
        """Merge the recorders of several processes of one run, which recorded different rows.

        Parameters
        ----------
        recorders : sequence of DynamicsRecorder
            With ``missing="nan"``, the same settings and number of epochs; each with its history.

        Returns
        -------
        recorder : DynamicsRecorder
            With the rows of all; of a row that several recorded at one epoch, the first counts.

        Raises
        ------
        ValueError
            If they are not of one run, or differ in the label of a row.
        """
        if not isinstance(recorders, Iterable) or isinstance(recorders, (str, bytes, Mapping)):
            recorders = [None]  # type: ignore[list-item]
        recorders = list(recorders)
        if not all(isinstance(recorder, DynamicsRecorder) for recorder in recorders):
            raise InvalidParameterError(
                f"The 'recorders' parameter of {OWNER}.merge must be a sequence of recorders. Got "
                "something else instead."
            )
        if not recorders:
            raise ValueError("merge requires at least one recorder; got none.")
        first, *others = recorders
        for i, other in enumerate(others, start=1):
            for name, value in other._run_settings().items():
                if not np.array_equal(value, first._run_settings()[name]):
                    raise ValueError(
                        f"recorders must be of one run, with the same settings and epochs; "
                        f"recorders[{i}] differs from recorders[0] in {name}."
                    )
        merged = cls(
            first.n_samples,
            classes=first._sample_index.classes,
            from_logits=first.from_logits,
            missing="nan",
            **first._settings,
        )
        index = merged._sample_index
        for other in recorders:
            rows = np.flatnonzero(other._sample_index.y_encoded >= 0)
            y_encoded = other._sample_index.y_encoded[rows]
            index.check_unchanged(rows, y_encoded, "between the recorders")
            index.y_encoded[rows] = y_encoded
        for _ in range(first.epoch):
            merged._add(concat_epochs([other._epoch_scores(merged.epoch) for other in recorders]))
        if first._settings["uncertainty"]:
            merged._merge_uncertainties(recorders)
        return merged

    def _merge_uncertainties(self, recorders):
        """Add the class probabilities of recorders of different rows."""
        n_recorders = np.sum([other._dynamics.n_seen > 0 for other in recorders], axis=0)
        if (n_recorders > 1).any():
            raise ValueError(
                f"{OWNER}.merge with uncertainty=True needs recorders of different rows; "
                f"{(n_recorders > 1).sum()} rows were recorded by several, and their probabilities "
                "are sums over epochs, of which none can be left out."
            )
        for other in recorders:
            self._dynamics._uncertainty.add(other._dynamics._uncertainty)

    def _run_settings(self):
        """Collect what recorders of one run have in common."""
        common = {"n_samples": self.n_samples, "epoch": self.epoch, "from_logits": self.from_logits}
        return common | {"classes": self._sample_index.classes} | self._settings

    def _add(self, scores):
        """Add an epoch, and the labels that it carries."""
        self._sample_index.y_encoded[scores.rows] = scores.y_encoded
        rows = slice(None) if len(scores.rows) == self.n_samples else scores.rows
        margin_from = "logits" if self.from_logits else "probabilities"
        added = {"margin_from": margin_from, "proba": scores.proba}
        self._dynamics._add(self.epoch, scores.observation, rows, **added)
        self.epoch += 1
        if self._log is not None:
            self._log.add(
                self.epoch - 1, rows, scores.observation, scores.y_encoded, self._log_rows(),
                dynamics=self.dynamics, share=self._log_share,
            )  # fmt: skip

    def _epoch_scores(self, epoch):
        """Read a recorded epoch; its scores were checked, and their range is not kept."""
        rows, observation = self._dynamics._observation_at(epoch)
        y_encoded = self._sample_index.y_encoded[rows]
        return EpochScores(rows, y_encoded, observation, ScoreRange(0.0, 1.0, 1.0, 1.0))

    def _warn_of_double_softmax(self, score_range):
        sums_to_one = abs(score_range.worst_sum - 1) < DOUBLE_SOFTMAX_TOLERANCE
        if self.from_logits and score_range.min_score >= 0 and sums_to_one:
            warn(
                "All scores are non-negative and sum to 1, as probabilities do, but are treated as "
                "logits: confidences are compressed. Pass from_logits=False.",
                DoubleSoftmaxWarning,
            )


def _copied(values):
    """Copy an array or tensor, without its graph."""
    return values.detach().clone() if is_tensor(values) else np.array(values)


def _distributed():
    """Return ``torch.distributed``; None outside of a distributed run."""
    torch = sys.modules.get("torch")
    distributed = torch and torch.distributed
    running = distributed and distributed.is_available() and distributed.is_initialized()
    return distributed if running else None


def _rank():
    """Return the rank of this process."""
    distributed = _distributed()
    return distributed.get_rank() if distributed else 0


def _all_gather(value):
    """List the values of all ranks of a distributed run; without one, this value alone."""
    distributed = _distributed()
    if distributed is None:
        return [value]
    gathered: list = [None] * distributed.get_world_size()
    distributed.all_gather_object(gathered, value)
    return gathered


class PositionRecorder(DynamicsRecorder):
    """A recorder to which rows are passed by position, also where `sample_ids` names them."""

    _by_position = True
