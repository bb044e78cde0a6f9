"""Base class of the callbacks of all frameworks."""

from __future__ import annotations

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._diagnostics import warn_if_uninformative


class MapCallback:
    """The data map of the training dynamics that a callback has recorded.

    Subclasses implement `dynamics_`, which raises an AttributeError while there is no epoch, set
    `_watched_name_`, call `_begin_training` ahead of a new map, and `_end_training` at the end of a
    training.
    """

    # of attributes without the underscore at the end skorch makes parameters
    _watched_name_ = "the model"  # named by warnings
    _cached_: tuple[TrainingDynamics, int, DataMap] | None = None

    @property
    def dynamics_(self):
        """The recorded training dynamics."""
        raise NotImplementedError

    @property
    def data_map_(self):
        """The data map, made once unless further epochs are recorded."""
        dynamics = self.dynamics_
        cached = self._cached_
        if cached is None or cached[0] is not dynamics or cached[1] != dynamics.n_epochs:
            data_map = DataMap.from_dynamics(dynamics)
            cached = self._cached_ = dynamics, dynamics.n_epochs, data_map
            warn_if_uninformative(data_map, dynamics, self._watched_name_)
        return cached[2]

    @property
    def confidence(self):
        """Mean over epochs of the probability of each row's label."""
        return self.data_map_.confidence

    @property
    def variability(self):
        """Standard deviation over epochs of the probability of each row's label."""
        return self.data_map_.variability

    @property
    def correctness(self):
        """Share of the epochs at which each row's label was the most probable class."""
        return self.data_map_.correctness

    def __getstate__(self):
        """Exclude the map from copies and pickles, which hold the dynamics that it is made of."""
        return {**vars(self), "_cached_": None}

    def _begin_training(self):
        """Drop the map of an earlier training."""
        self._cached_ = None

    def _end_training(self):
        """Make the map, so that its warnings are raised where the training was started."""
        if hasattr(self, "dynamics_"):
            _ = self.data_map_
