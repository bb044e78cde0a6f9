"""A callback that draws the data map of a skorch net while it trains."""

from __future__ import annotations

import numpy as np
from skorch.callbacks import Callback

from sklearn_carto._dynamics._training_dynamics import RECORDED
from sklearn_carto._inputs._torch_datasets import is_dataset, labels_of
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._diagnostics import warn_of_unseen_rows
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._skorch_events import attach_on_fit_loop
from sklearn_carto._watching._skorch_listeners import make_listener


class DataMapCallback(Callback):
    """Record the training dynamics of a skorch net, from inside its list of callbacks.

    The net is trained just as it would be without. `fit` starts a new map; `partial_fit`, and `fit`
    of a net with ``warm_start=True``, go on with the one there is while rows and labels stay the
    same.

    Parameters
    ----------
    record : {"training", "epoch_end"}, default="training"
        Take the probabilities that arise in the training pass, at no extra pass, or ask for them in
        a pass of its own at the end of each epoch, as :class:`CartographyClassifier` does.
    keep_history : bool, default=True
        Whether every epoch is kept beside the running statistics.

    Attributes
    ----------
    dynamics_ : TrainingDynamics
        What was recorded so far.
    data_map_ : DataMap
        Its map.

    See Also
    --------
    sklearn_carto.CartographyClassifier : The same, with labels of any type.

    Notes
    -----
    In training, probabilities are those of a model that moves within the epoch, with dropout and
    batch statistics on. Rows that `train_split` holds out are recorded by the net's validation pass
    in evaluation mode, and marked in `held_out_mask`.

    Labels must be 0 to n_classes - 1, as torch's losses take them. Where several events are heard,
    the net's own methods come first, then the map, then the callbacks.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from skorch import NeuralNetClassifier
    >>> from sklearn_carto.integrations.skorch import DataMapCallback
    >>> X, y = load_iris(return_X_y=True)
    >>> maps = DataMapCallback()
    >>> net = NeuralNetClassifier(
    ...     torch.nn.Linear, module__in_features=4, module__out_features=3, max_epochs=5,
    ...     criterion=torch.nn.CrossEntropyLoss, callbacks=[maps], verbose=0,
    ... )
    >>> net = net.fit(X.astype("float32"), y)
    >>> maps.data_map_
    <DataMap: 150 rows of 3 classes, 5 epochs>
    """

    def __init__(self, record="training", keep_history=True):
        self.record = record
        self.keep_history = keep_history

    def initialize(self):
        """Forget an earlier map: the net is about to start anew.

        Returns
        -------
        self : DataMapCallback
            The callback.
        """
        if self.record not in RECORDED[:2]:
            raise ValueError(f"record must be 'training' or 'epoch_end'; got {self.record!r}.")
        self.recording_: RunRecorder = None  # type: ignore[assignment]
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Listen to the training that begins.

        Parameters
        ----------
        net : NeuralNet
            The net.
        X, y : container, array-like
            What it is trained on.
        **kwargs : dict
            Not used.
        """
        y_encoded = _codes(labels_of(X) if y is None and is_dataset(X) else y)
        if self.recording_ is None or not np.array_equal(self.recording_.y_encoded, y_encoded):
            classes = np.arange(max(y_encoded.max() + 1, 2))
            self.recording_ = RunRecorder(
                y_encoded,
                classes,
                y_encoded,
                self.keep_history,
                record=self.record,
                more_classes=True,
            )
        attach_on_fit_loop(net, make_listener(net, X, self.recording_), owner=self)

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Say so if there are rows that no epoch showed.

        Parameters
        ----------
        net : NeuralNet
            The net.
        X, y : container, array-like
            What it was trained on.
        **kwargs : dict
            Not used.
        """
        if self.recording_.n_epochs:
            warn_of_unseen_rows(self.recording_.dynamics)

    @property
    def dynamics_(self):
        """What was recorded so far."""
        recording = getattr(self, "recording_", None)
        if recording is None or recording.n_epochs == 0:
            raise AttributeError("No epoch was recorded yet: fit a net that has this callback.")
        return recording.dynamics

    @property
    def data_map_(self):
        """The map of what was recorded so far."""
        return DataMap.from_dynamics(self.dynamics_)


def _codes(y):
    """Labels as positions among a net's outputs."""
    if y is None:
        raise ValueError(
            "A data map needs the labels: pass y to fit, or a torch Dataset of inputs and labels."
        )
    y = y.cpu().numpy() if hasattr(y, "cpu") else np.asarray(y)
    y_encoded = y.reshape(-1) if y.shape[1:] == (1,) else y
    whole = y_encoded.ndim == 1 and y_encoded.dtype.kind in "iufb"
    if not whole or (y_encoded < 0).any() or (y_encoded != y_encoded.astype(int)).any():
        raise ValueError(
            "Labels of a net must be 0 to n_classes - 1, one a row; got an array of type "
            f"{y.dtype} and shape {y.shape}. sklearn_carto.CartographyClassifier takes any labels."
        )
    return y_encoded.astype(np.intp)
