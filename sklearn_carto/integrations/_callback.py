"""Base class of the callbacks of all frameworks."""

from __future__ import annotations

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._diagnostics import make_data_map


class MapCallback:
    """The data map of the training dynamics that a callback has recorded.

    Subclasses implement `dynamics_`, which raises an AttributeError while there is no epoch, set
    `_watched_name`, and call `_end_training` at the end of a training.
    """

    _watched_name = "the model"  # named by warnings
    _cached: tuple[TrainingDynamics, int, DataMap] | None = None

    @property
    def dynamics_(self):
        """The recorded training dynamics."""
        raise NotImplementedError

    @property
    def data_map_(self):
        """The data map, made once unless further epochs are recorded."""
        dynamics = self.dynamics_
        cached = self._cached
        if cached is None or cached[0] is not dynamics or cached[1] != dynamics.n_epochs:
            data_map = make_data_map(dynamics, self._watched_name)
            cached = self._cached = dynamics, dynamics.n_epochs, data_map
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

    def _end_training(self):
        """Make the map, so that its warnings are raised where the training was started."""
        if hasattr(self, "dynamics_"):
            _ = self.data_map_
