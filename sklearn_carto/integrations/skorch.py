"""Callbacks of skorch: record training dynamics, and train on a share that they choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from skorch.callbacks import Callback

from sklearn_carto._dynamics._history import HISTORY_DIR, KEEP_HISTORY, check_history_dir
from sklearn_carto._dynamics._training_dynamics import RECORDED
from sklearn_carto._inputs._containers import absent_rows
from sklearn_carto._utils._compat import StrOptions
from sklearn_carto._utils._state import PackedState, check_is_state, digest, pack
from sklearn_carto._utils._typing import ArrayLike, Container, PathType
from sklearn_carto._utils._validation import check_params, check_sample_ids
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._skorch_events import attach_on_fit_loop
from sklearn_carto._watching._skorch_listeners import make_listener
from sklearn_carto.integrations._callback import LOG, MapCallback, make_log
from sklearn_carto.integrations._dynamic_callback import DynamicSubset
from sklearn_carto.integrations._skorch_labels import encoded_labels

if TYPE_CHECKING:
    from sklearn_carto._dynamics._training_dynamics import TrainingDynamics

__all__ = ["DataMapCallback", "DynamicSubset"]


class DataMapCallback(MapCallback, Callback):
    """Record the training dynamics of a skorch net, from inside its list of callbacks.

    The training is not changed. `fit` starts a new map; `partial_fit`, and `fit` of a net with
    ``warm_start=True``, continue the current one as long as rows and labels stay the same.

    Parameters
    ----------
    record : {"training", "epoch_end"}, default="training"
        Whether probabilities are taken from the training forward pass, without an extra pass, or
        from an evaluation pass at the end of each epoch, as :class:`CartographyClassifier` does by
        default.
    keep_history : bool or "float16", default=True
        Whether to keep every epoch beside the running statistics, see :class:`TrainingDynamics`.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows, which the map carries. None: rows are known by their positions.
    log : str or path-like, default=None
        Folder to write each epoch to as it ends, see :mod:`sklearn_carto.logs`. It holds the log of
        one training: that of another one raises a LogConflictError. This requires pyarrow.
    history_dir : str or path-like, default=None
        A folder for the values of every epoch, which `dynamics_` then reads as memory maps, see
        :class:`TrainingDynamics`. Each training writes to a subfolder of its own, which is not
        removed.

    Attributes
    ----------
    dynamics_ : TrainingDynamics
        The training dynamics of the last training.
    data_map_ : DataMap
        Their data map, made once unless further epochs are recorded.
    confidence, variability, correctness : ndarray of shape (n_samples,)
        Statistics of the map; `correctness` is the share of the epochs at which the label was the
        most probable class, whatever its probability.

    See Also
    --------
    sklearn_carto.CartographyClassifier : Watches nets with labels of any type.

    Notes
    -----
    Probabilities of the training forward pass are those of a model that changes within the epoch,
    with dropout and batch statistics active. Rows that `train_split` holds out are recorded in the
    validation pass of the net, in evaluation mode, and marked in `held_out_mask`. If a sampler
    draws a row several times in an epoch, the first of them counts; rows that are never drawn are
    NaN in the map, and counted by a warning.

    The order of rows is that of the loader's sampler. The labels of each batch are compared with
    it, so that a collate function that sorts rows, or a data set that shuffles them, is an error.
    Where the target of a batch is not a whole number for each row (shares of classes, for example),
    nothing can be compared, and the order is trusted.

    The training remains the same bit for bit, with these exceptions. A data set is read once for
    its labels if `y` is not passed to `fit`, which counts if it has a random generator of its own.
    With ``record="epoch_end"``, the evaluation pass also draws from generators that belong to a
    module or a data set, and ``torch.backends.cudnn.benchmark`` may choose other algorithms after
    batches of another size. Outputs that depend on the other rows of a batch are those of the
    batches of `iterator_valid`. If rows are augmented at random, the map is one of augmented rows.

    A net that continues from a checkpoint (`LoadInitState`) starts a new map, unless the state of
    the earlier recording is passed to `load_state_dict` before `fit`.

    Labels must be 0 to n_classes - 1, as torch's losses require. At each event the net's own
    methods are called first, then the recording, then the callbacks.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from skorch import NeuralNetClassifier
    >>> from sklearn_carto.integrations.skorch import DataMapCallback
    >>> X, y = load_iris(return_X_y=True)
    >>> callback = DataMapCallback()
    >>> net = NeuralNetClassifier(
    ...     torch.nn.Linear, module__in_features=4, module__out_features=3, max_epochs=5,
    ...     criterion=torch.nn.CrossEntropyLoss, callbacks=[callback], verbose=0,
    ... )
    >>> net = net.fit(X.astype("float32"), y)
    >>> callback.data_map_
    <DataMap: 150 rows of 3 classes, 5 epochs>
    """

    def __init__(
        self,
        record: Literal["training", "epoch_end"] = "training",
        keep_history: bool | Literal["float16"] = True,
        sample_ids: ArrayLike | None = None,
        log: PathType | None = None,
        history_dir: PathType | None = None,
    ) -> None:
        self.record = record
        self.keep_history = keep_history
        self.sample_ids = sample_ids
        self.log = log
        self.history_dir = history_dir

    def initialize(self) -> Self:
        """Start a new map.

        Returns
        -------
        self : DataMapCallback
            The callback.
        """
        check_params(
            type(self).__name__,
            {
                "record": [StrOptions(set(RECORDED[:2]))],
                "keep_history": KEEP_HISTORY,
                "log": LOG,
                "history_dir": HISTORY_DIR,
            },
            vars(self),
        )
        self._begin_training()
        self._stop_training()
        self.recorder_: RunRecorder = None  # type: ignore[assignment]
        return self

    def on_train_begin(
        self, net: Any, X: Container = None, y: Container = None, **kwargs: Any
    ) -> None:
        """Attach a listener to the training that begins.

        Parameters
        ----------
        net : NeuralNet
            The net.
        X, y : container, array-like
            The training set.
        **kwargs : dict
            Ignored.
        """
        check_history_dir(self.history_dir, self.keep_history, type(self).__name__)
        y_encoded = encoded_labels(X, y, "DataMapCallback")
        if self.recorder_ is None or not np.array_equal(self.recorder_.y_encoded, y_encoded):
            self.recorder_ = self._make_recorder(X, y_encoded)
            self._resume(net)
            self.recorder_.open_log()
        self._watched_name_, self._is_training_ = type(net).__name__, True
        listener = make_listener(net, X, self.recorder_)
        listener.resources.callback(self._stop_training)
        attach_on_fit_loop(net, listener, key=self)

    def _make_recorder(self, X, y_encoded):
        return RunRecorder(
            y_encoded,
            np.arange(max(y_encoded.max() + 1, 2)),
            y_encoded,
            self.keep_history,
            sample_ids=check_sample_ids(self.sample_ids, len(y_encoded), type(self).__name__),
            record=self.record,
            excluded_mask=absent_rows(X, len(y_encoded)),
            more_classes=True,
            log=make_log(self.log, type(self).__name__),
            history_dir=self.history_dir,
        )

    def on_train_end(
        self, net: Any, X: Container = None, y: Container = None, **kwargs: Any
    ) -> None:
        """Make the map.

        Parameters
        ----------
        net : NeuralNet
            The net.
        X, y : container, array-like
            The training set.
        **kwargs : dict
            Ignored.
        """
        self._end_training()

    _state_: dict | None = None  # is continued by the next training

    @property
    def dynamics_(self) -> TrainingDynamics:
        """The training dynamics of the last training."""
        recorder = getattr(self, "recorder_", None)
        if recorder is None or recorder.n_epochs == 0:
            raise AttributeError("No epoch was recorded yet: fit a net that has this callback.")
        return recorder.dynamics

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the recording, to be saved next to a checkpoint of the net.

        Returns
        -------
        state : dict
            Numbers, strings and arrays, as of :meth:`DynamicsRecorder.state_dict`; empty if no
            epoch was recorded yet.
        """
        if not hasattr(self, "dynamics_"):
            return {}
        held_out, n_samples = self.dynamics_.held_out_mask, self.dynamics_.n_samples
        mask = np.zeros(n_samples, dtype=bool) if held_out is None else held_out
        state = _identity(self.recorder_) | self.dynamics_._state_dict()
        if self.recorder_.log is not None:
            state["log"] = self.recorder_.log.run
        return pack(state | {"held_out_mask": mask})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue a recording whose state was saved, in the next `fit`.

        Parameters
        ----------
        state : dict
            What :meth:`state_dict` has returned, in a training on the same rows and labels.

        Raises
        ------
        ValueError
            If this is no such state; and, as `fit` begins, if the state is that of other rows,
            labels or settings.
        """
        self._state_ = check_is_state(state, f"{type(self).__name__}.load_state_dict") or None

    def _resume(self, net):
        """Continue the state that was passed, once."""
        if self._state_ is None:
            return
        state = PackedState(self._state_, f"{type(self).__name__}.load_state_dict", VERSION)
        recorder = self.recorder_
        differing = [
            name
            for name, own in _identity(recorder).items()
            if state.number(name, type(own)) != own
        ]
        if differing:
            raise ValueError(
                f"The 'state' parameter of {state.owner} must be that of a training on the same "
                f"rows, labels and settings. Got one that differs in {', '.join(differing)}."
            )
        held_out = state.array("held_out_mask", (recorder.n_samples,), bool)
        recorder.begin(net.max_epochs, held_out if held_out.any() else None)
        recorder.dynamics._load_state_dict(state)
        recorder.whole_epochs = True
        if recorder.log is not None:
            recorder.log.resume(state.number("log", str) if "log" in state else None)
        self._state_ = None


VERSION = 1  # of the state


def _identity(recorder):
    """Collect what recordings of one run have in common, by value."""
    return {
        "version": VERSION,
        "n_samples": recorder.n_samples,
        "labels": digest(recorder.y_encoded),
        "sample_ids": digest(recorder.sample_ids),
        "record": recorder.record,
        "keep_history": bool(recorder.keep_history),
    }
