"""Dataset cartography for scikit-learn: which rows teach a model, confuse it, or are wrong."""

__version__ = "0.1.0"

from sklearn_carto._classifier import CartographyClassifier
from sklearn_carto._data_map import DataMap
from sklearn_carto._dynamics import TrainingDynamics

__all__ = ["CartographyClassifier", "DataMap", "TrainingDynamics"]
