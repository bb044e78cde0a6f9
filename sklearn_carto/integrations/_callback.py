"""Base class of the callbacks of all frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._logs._parquet_log import EpochLog
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._diagnostics import warn_if_uninformative
from sklearn_carto._recording._recorder import DynamicsRecorder
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._state import check_is_state
from sklearn_carto._utils._typing import Array
from sklearn_carto._utils._validation import check_sample_ids, describe

LOG = [str, PathLike, None]  # constraint of a parameter `log`


def make_log(folder, owner):
    """Return the log of a training that begins; None without a folder."""
    return None if folder is None else EpochLog(folder, owner)


def check_given_ids(sample_ids, owner):
    """Check the names of rows whose number is not known yet, as `check_sample_ids` does."""
    if sample_ids is None:
        return
    sized = hasattr(sample_ids, "__len__") and getattr(sample_ids, "shape", None) != ()
    if not sized or isinstance(sample_ids, (str, bytes)):
        raise InvalidParameterError(
            f"The 'sample_ids' parameter of {owner} must hold one id for each row. Got "
            f"{describe(sample_ids)} instead."
        )
    check_sample_ids(sample_ids, len(sample_ids), owner)


class MapCallback:
    """The data map of the training dynamics that a callback has recorded.

    Subclasses implement `dynamics_`, which raises an AttributeError while there is no epoch, set
    `_watched_name_`, call `_begin_training` ahead of a new map, `_end_training` at the end of a
    training, and `_stop_training` where an error ends it.
    """

    # of attributes without the underscore at the end skorch makes parameters
    _watched_name_ = "the model"  # named by warnings
    _cached_: tuple[TrainingDynamics, int, DataMap] | None = None
    _is_training_ = _is_warned_ = False

    @property
    def dynamics_(self) -> TrainingDynamics:
        """The recorded training dynamics."""
        raise NotImplementedError

    @property
    def data_map_(self) -> DataMap:
        """The data map, made once unless further epochs are recorded.

        Its warnings are issued once, at the end of the training.
        """
        dynamics = self.dynamics_
        cached = self._cached_
        if cached is None or cached[0] is not dynamics or cached[1] != dynamics.n_epochs:
            data_map = DataMap.from_dynamics(dynamics)
            cached = self._cached_ = dynamics, dynamics.n_epochs, data_map
            self._is_warned_ = False
        if not (self._is_warned_ or self._is_training_):
            self._is_warned_ = True
            warn_if_uninformative(cached[2], dynamics, self._watched_name_)
        return cached[2]

    @property
    def confidence(self) -> Array:
        """Mean over epochs of the probability of each row's label."""
        return self.data_map_.confidence

    @property
    def variability(self) -> Array:
        """Standard deviation over epochs of the probability of each row's label."""
        return self.data_map_.variability

    @property
    def correctness(self) -> Array:
        """Share of the epochs at which each row's label was the most probable class."""
        return self.data_map_.correctness

    def __getstate__(self):
        """Exclude the map from copies and pickles, which hold the dynamics that it is made of."""
        return {**vars(self), "_cached_": None, "_is_training_": False}

    def _begin_training(self):
        """Drop the map of an earlier training."""
        self._cached_, self._is_training_ = None, True

    def _stop_training(self):
        """Mark the training as stopped, also by an error: a map that is made now may warn."""
        self._is_training_ = False

    def _end_training(self):
        """Make the map, so that its warnings are raised where the training was started."""
        self._stop_training()
        if hasattr(self, "dynamics_"):
            _ = self.data_map_


class RecorderCallback(MapCallback):
    """A callback that records with a DynamicsRecorder, whose state a checkpoint may carry.

    Subclasses set `_recorder` to None as a training begins, and to what `_resumed` returns as soon
    as they can make a recorder.
    """

    _recorder: DynamicsRecorder = None  # type: ignore[assignment]
    _state_: dict | None = None  # is continued by the next recorder

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the recording, to be saved in a checkpoint of the training.

        Returns
        -------
        state : dict
            That of :meth:`DynamicsRecorder.state_dict`; empty if nothing was recorded yet.
        """
        if self._recorder is None:
            return {} if self._state_ is None else dict(self._state_)
        return self._recorder.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue a recording whose state was saved, in the training that runs or comes next.

        The map of that training also covers the epochs of the state. Without this call each
        training starts a new map.

        Parameters
        ----------
        state : dict
            What :meth:`state_dict` has returned, in a training on the same rows and labels.

        Raises
        ------
        ValueError
            If this is no such state; and, as soon as the training begins, if the state is that of
            other rows, labels, classes or settings.
        """
        self._state_ = check_is_state(state, f"{type(self).__name__}.load_state_dict") or None

    def _resumed(self, recorder):
        """Continue the state that was passed, once, in a recorder that was just made.

        Batches of an epoch that had not ended are discarded: frameworks differ in which batches of
        it they train on again.
        """
        if self._state_ is not None:
            recorder.load_state_dict(self._state_)
            recorder.reset_epoch()
            self._state_ = None
        return recorder
