"""A callback of skorch that records training dynamics."""

from __future__ import annotations

import numpy as np
from skorch.callbacks import Callback

from sklearn_carto._dynamics._training_dynamics import RECORDED
from sklearn_carto._inputs._torch_datasets import is_dataset, labels_of
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._skorch_events import attach_on_fit_loop
from sklearn_carto._watching._skorch_listeners import make_listener
from sklearn_carto.integrations._callback import MapCallback


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
    keep_history : bool, default=True
        Whether to keep every epoch beside the running statistics.

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
    validation pass of the net, in evaluation mode, and marked in `held_out_mask`.

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

    def __init__(self, record="training", keep_history=True):
        self.record = record
        self.keep_history = keep_history

    def initialize(self):
        """Start a new map.

        Returns
        -------
        self : DataMapCallback
            The callback.
        """
        if self.record not in RECORDED[:2]:
            raise ValueError(f"record must be 'training' or 'epoch_end'; got {self.record!r}.")
        self._begin_training()
        self.recorder_: RunRecorder = None  # type: ignore[assignment]
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
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
        y_encoded = _encoded(labels_of(X) if y is None and is_dataset(X) else y)
        if self.recorder_ is None or not np.array_equal(self.recorder_.y_encoded, y_encoded):
            classes = np.arange(max(y_encoded.max() + 1, 2))
            self.recorder_ = RunRecorder(
                y_encoded,
                classes,
                y_encoded,
                self.keep_history,
                record=self.record,
                more_classes=True,
            )
        self._watched_name_ = type(net).__name__
        attach_on_fit_loop(net, make_listener(net, X, self.recorder_), key=self)

    def on_train_end(self, net, X=None, y=None, **kwargs):
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

    @property
    def dynamics_(self):
        """The training dynamics of the last training."""
        recorder = getattr(self, "recorder_", None)
        if recorder is None or recorder.n_epochs == 0:
            raise AttributeError("No epoch was recorded yet: fit a net that has this callback.")
        return recorder.dynamics


def _encoded(y):
    """Check labels, which must be positions among the outputs of a net."""
    if y is None:
        raise ValueError(
            "DataMapCallback requires labels: pass y to fit, or a torch Dataset of inputs and "
            "labels."
        )
    y = y.cpu().numpy() if hasattr(y, "cpu") else np.asarray(y)
    y_encoded = y.reshape(-1) if y.shape[1:] == (1,) else y
    whole = y_encoded.ndim == 1 and y_encoded.dtype.kind in "iufb"
    if not whole or (y_encoded < 0).any() or (y_encoded != y_encoded.astype(int)).any():
        raise ValueError(
            "Labels of a net must be 0 to n_classes - 1, one for each row; got an array of type "
            f"{y.dtype} and shape {y.shape}. sklearn_carto.CartographyClassifier supports labels "
            "of any type."
        )
    return y_encoded.astype(np.intp)
