"""Record the dynamics of any torch training loop: the loop tells a recorder of each batch."""

from sklearn_carto._recording._recorder import DynamicsRecorder

__all__ = ["DynamicsRecorder"]
