"""Watch skorch nets: their own training loop, callbacks and order of batches."""

from __future__ import annotations

import sys

import numpy as np

from sklearn_carto._checkpoint._training import NO_CHECKPOINT
from sklearn_carto._watching._seeds import torch_seeded
from sklearn_carto._watching._skorch_continued import continue_fit, why_not_continued
from sklearn_carto._watching._skorch_events import attach_listener
from sklearn_carto._watching._skorch_listeners import EpochEndListener, make_listener
from sklearn_carto._watching._skorch_modules import copy_to_evaluate, set_modules
from sklearn_carto._watching._watcher import Watcher
from sklearn_carto.exceptions import NotWatchableError


def is_net(estimator):
    """Whether an estimator is a net of skorch, without an import of skorch."""
    skorch = sys.modules.get("skorch")  # a net cannot exist before skorch is imported
    return skorch is not None and isinstance(estimator, skorch.NeuralNet)


class SkorchWatcher(Watcher):
    """Watch classifiers of skorch, at the end of each epoch or in the training pass."""

    encodes_labels = True
    supports_training_pass = True
    seeds_generators = True

    def can_watch(self, estimator):
        return is_net(estimator)

    def refuses(self, estimator):
        if type(estimator).predict is sys.modules["skorch"].NeuralNet.predict:
            return (
                f"{type(estimator).__name__}.predict returns the output of the module, not labels: "
                "it is not a classifier. Use skorch.NeuralNetClassifier."
            )
        return None

    def refuses_checkpoint(self, estimator):
        return why_not_continued(estimator)

    def encode(self, estimator, y, classes):
        """Encode labels in the type that the net's criterion takes: int64, or float32 if binary."""
        from skorch import NeuralNetBinaryClassifier

        y_encoded = np.searchsorted(classes, y)
        if not isinstance(estimator, NeuralNetBinaryClassifier):
            return y_encoded.astype(np.int64)
        if len(classes) != 2:
            raise ValueError(
                f"{type(estimator).__name__} supports two classes only, but y holds "
                f"{len(classes)}. Use skorch.NeuralNetClassifier."
            )
        return y_encoded.astype(np.float32)

    def watch(
        self, estimator, X, y, recorder, *, X_eval, n_epochs, seed, params, track, checkpoint
    ):
        if "sample_weight" in params:
            raise TypeError(
                f"{type(estimator).__name__}.fit takes no sample_weight: a skorch net takes "
                "weights inside a dict X, which its module and get_loss read."
            )
        if n_epochs is not None:
            estimator.set_params(max_epochs=n_epochs)
        if estimator.max_epochs < 1:
            raise NotWatchableError(
                f"{type(estimator).__name__} must train for at least one epoch; got max_epochs="
                f"{estimator.max_epochs!r}. Set max_epochs of the net, or n_epochs."
            )
        ticks = track(range(checkpoint.n_done, estimator.max_epochs))
        listener = make_listener(
            estimator, X, recorder, X_eval, lambda: next(ticks, None), checkpoint
        )
        with torch_seeded(seed, estimator.device), attach_listener(estimator, listener):
            if checkpoint.n_done:
                trains = continue_fit(estimator, X, y, params, checkpoint)
            else:
                trains = True
                estimator.fit(X, y, **params)
        if trains:
            listener.reraise_interrupt()

    def evaluate(
        self, estimator, X, recorder, *, n_epochs, models, track, X_train=None,
        checkpoint=NO_CHECKPOINT,
    ):  # fmt: skip
        net = copy_to_evaluate(estimator)
        recorder.begin(n_epochs)
        listener = EpochEndListener(net, X, recorder, X)
        for state in track(models[:n_epochs]):
            set_modules(net, state)
            listener.record_epoch()
        listener.release()
