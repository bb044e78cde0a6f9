"""Record the training dynamics of any torch training loop, whose batches are passed on."""

from sklearn_carto._recording._recorder import DynamicsRecorder

__all__ = ["DynamicsRecorder"]
