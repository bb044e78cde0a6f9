"""Evaluation of a model on all samples after each epoch."""

from __future__ import annotations

from copy import deepcopy

from sklearn_carto._inputs._containers import take
from sklearn_carto._watching._mlp_pass import can_pass, equals_predictions, forward_pass
from sklearn_carto._watching._responses import response_method, row_blocks

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
        Samples that the models train on.
    X_eval : container of shape (n_samples_eval, n_features), default=None
        Samples to evaluate; None: `X`.
    n_epochs : int, default=None
        Number of models to record; later ones are ignored. None: all.
    copy : callable, default=deepcopy
        Copies a model, if the recorder keeps them.
    n_recorded : int, default=0
        Number of models that were recorded before.
    """

    def __init__(self, recorder, X, X_eval=None, n_epochs=None, copy=deepcopy, n_recorded=0):
        self.n_epochs, self.n_recorded = n_epochs, n_recorded
        self.models, self.copy = recorder.models, copy
        self.parts = recorder.parts(X, X if X_eval is None else X_eval)
        # whether a forward pass of ours is known to equal the model's; None: not compared yet
        self.passes: list[bool | None] = [None] * len(self.parts)

    def record(self, model):
        """Evaluate a model on all samples, in blocks, and record its scores as one epoch."""
        if self.n_recorded == self.n_epochs:
            return
        if self.models is not None:
            self.models.append(self.copy(model))
        method = response_method(model)
        from_logits, classes = method == "decision_function", getattr(model, "classes_", None)
        for part, (recorder, X) in enumerate(self.parts):
            recorder.add_epoch(
                self.n_recorded,
                self._scores(model, method, part),
                model,
                from_logits=from_logits,
                scored_classes=classes,
            )
            if self.passes[part] is None:
                self.passes[part] = can_pass(model, X) and equals_predictions(model, X)
        self.n_recorded += 1

    def _scores(self, model, method, part):
        """Yield slices of the samples of a part, and their class scores.

        The model's own method evaluates them at first, and thereby checks them.
        """
        recorder, X = self.parts[part]
        n_samples, n_classes = recorder.n_samples, len(recorder.classes)
        if self.passes[part] and can_pass(model, X):
            for rows in row_blocks(n_samples, n_classes):
                yield rows, forward_pass(model, X[rows])
            return
        respond = getattr(model, method)
        for rows in row_blocks(n_samples, n_classes, model):
            yield rows, respond(take(X, rows))


def first_samples(X, n_samples):
    """Return the samples on which responses are compared."""
    return take(X, slice(0, min(N_COMPARED, n_samples)))
