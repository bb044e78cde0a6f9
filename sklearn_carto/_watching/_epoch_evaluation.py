"""Evaluation of a model on all samples after each epoch."""

from __future__ import annotations

import numpy as np

from sklearn_carto._inputs._containers import take
from sklearn_carto._watching._responses import choose_response_method, in_class_order, row_blocks

# Samples on which logits and probabilities are compared, a convention: enough that scores which are
# not logits do not agree with the probabilities by chance, at the cost of one small prediction.
N_COMPARED = 64


class EpochEvaluator:
    """Record the class scores of successive models of one training.

    Parameters
    ----------
    recorder : RunRecorder
        Receives the scores; `begin` has been called.
    X : container of shape (n_samples, n_features)
        Samples to evaluate.
    n_epochs : int, default=None
        Number of models to record; later ones are ignored. None: all.
    response_method : {"predict_proba", "decision_function"}, default=None
        Method to call. None: chosen on the first model.
    """

    def __init__(self, recorder, X, n_epochs=None, response_method=None):
        self.recorder, self.X, self.n_epochs = recorder, X, n_epochs
        self.response_method, self.n_recorded = response_method, 0
        self.blocks = row_blocks(recorder.n_samples, len(recorder.classes))

    def record(self, model):
        """Evaluate a model on all samples, in blocks, and record its scores as one epoch."""
        if self.n_recorded == self.n_epochs:
            return
        if self.response_method is None:
            compared = first_samples(self.X, self.recorder.n_samples)
            self.response_method = choose_response_method(model, compared)
        respond, classes = getattr(model, self.response_method), self.recorder.classes
        scores = (
            (rows, in_class_order(np.asarray(respond(take(self.X, rows))), model.classes_, classes))
            for rows in self.blocks
        )
        from_logits = self.response_method == "decision_function"
        self.recorder.add_epoch(self.n_recorded, scores, model, from_logits=from_logits)
        self.n_recorded += 1


def first_samples(X, n_samples):
    """Return the samples on which responses are compared."""
    return take(X, slice(0, min(N_COMPARED, n_samples)))
