"""Watch a skorch net: its own loop, its own callbacks, its own order of batches; we only listen."""

from __future__ import annotations

import sys

import numpy as np

from sklearn_carto._watching._seeds import torch_seeded
from sklearn_carto._watching._skorch_events import attach_listener, make_listener

method = "fit"
encodes_labels = True  # nets are trained on 0..K-1, whatever the user's labels
supports_training_pass = True  # its training pass can be recorded, too


def is_net(estimator):
    """Whether an estimator is a net of skorch, which is not imported for that."""
    skorch = sys.modules.get("skorch")  # a net cannot exist before skorch is imported
    return skorch is not None and isinstance(estimator, skorch.NeuralNet)


can_watch = is_net


def predicts_labels(estimator):
    """Whether a net is a classifier; a bare NeuralNet predicts what its module gives."""
    return type(estimator).predict is not sys.modules["skorch"].NeuralNet.predict


def encode(estimator, y_encoded, n_classes):
    """Give the labels the type that the net's criterion takes.

    Parameters
    ----------
    estimator : NeuralNet
        The net.
    y_encoded : ndarray of shape (n_samples,)
        Position of each label among the classes.
    n_classes : int
        Number of classes.

    Returns
    -------
    y : ndarray of shape (n_samples,)
        int64, or float32 for a binary net.

    Raises
    ------
    ValueError
        If a binary net gets more than two classes.
    """
    from skorch import NeuralNetBinaryClassifier

    if not isinstance(estimator, NeuralNetBinaryClassifier):
        return y_encoded.astype(np.int64)
    if n_classes != 2:
        raise ValueError(
            f"{type(estimator).__name__} tells two classes apart, but y holds {n_classes}. "
            "Use skorch.NeuralNetClassifier."
        )
    return y_encoded.astype(np.float32)


def watch(estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
    """Train the net by its own `fit`, and record each epoch in a pass of its own or as it trains.

    Parameters
    ----------
    estimator : NeuralNet
        Trained in place.
    X, y : container, ndarray
        The training set; `y` encoded.
    recording : RunRecorder
        Where what is seen goes.
    n_epochs : int or None
        None: the net's own `max_epochs`.
    seed : int or None
        Seeds torch, numpy and Python for the time of the training.
    params : dict
        Further arguments of `fit`.
    track : callable
        Wraps an iterator over epochs, to show progress.
    asked : container, default=None
        The rows that are recorded; None: X.
    """
    if "sample_weight" in params:
        raise TypeError(
            f"{type(estimator).__name__}.fit takes no sample_weight: a skorch net takes weights "
            "inside a dict X, which its module and get_loss read."
        )
    if n_epochs is not None:
        estimator.set_params(max_epochs=n_epochs)
    ticks = track(range(estimator.max_epochs))
    listener = make_listener(estimator, X, recording, asked, lambda: next(ticks, None))
    with torch_seeded(seed, estimator.device), attach_listener(estimator, listener):
        estimator.fit(X, y, **params)
    listener.finish()
