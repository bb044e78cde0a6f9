"""Forward passes of multi-layer perceptrons, without the checks and copies of `predict_proba`."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from sklearn_carto._utils._compat import loaded_class
from sklearn_carto._watching._responses import MLP

# Rows that pass through all layers at once. A convention: large enough that the cost of a call does
# not count, small enough that the outputs of a hidden layer stay in the cache of a core.
PASS_BLOCK = 512
_HIDDEN = {
    "identity": lambda values: None,
    "logistic": lambda values: expit(values, out=values),
    "tanh": lambda values: np.tanh(values, out=values),
    "relu": lambda values: np.maximum(values, 0, out=values),
}


def can_pass(model, X):
    """Whether `forward_pass` computes what `predict_proba` does, of samples that it has accepted.

    The model is an MLPClassifier itself, and the samples an array in its own precision.
    """
    if type(model) is not loaded_class(MLP) or "predict_proba" in vars(model):
        return False
    if type(X) not in (np.ndarray, np.memmap) or X.ndim != 2 or X.dtype.kind != "f":
        return False
    weights = [*model.coefs_, *model.intercepts_]
    known = model.activation in _HIDDEN and model.out_activation_ in ("softmax", "logistic")
    return known and all(type(w) is np.ndarray and w.dtype == X.dtype for w in weights)


def equals_predictions(model, X):
    """Whether the first samples get the same probabilities, bit for bit."""
    first = X[:PASS_BLOCK]
    return np.array_equal(forward_pass(model, first), model.predict_proba(first))


def forward_pass(model, X):
    """Compute the class probabilities of samples.

    Parameters
    ----------
    model : MLPClassifier
        Trained.
    X : ndarray of shape (n_samples, n_features)
        Samples for which `can_pass` holds. They must be finite.

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes)
        What `predict_proba` returns for as many samples at once as pass together.
    """
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    activate, n_samples = _HIDDEN[model.activation], len(X)
    n_rows = min(PASS_BLOCK, n_samples)
    hidden = [np.empty((n_rows, len(bias)), dtype=X.dtype) for _, bias in layers[:-1]]
    output = np.empty((n_samples, len(layers[-1][1])), dtype=X.dtype)
    for start in range(0, n_samples, PASS_BLOCK):
        values = X[start : start + PASS_BLOCK]
        for i, (weights, bias) in enumerate(layers):
            space = hidden[i] if i < len(hidden) else output[start:]
            values = np.matmul(values, weights, out=space[: len(values)])
            values += bias
            if i < len(hidden):
                activate(values)
    if model.out_activation_ == "logistic":
        second = expit(output, out=output)[:, 0]
        return np.stack([1 - second, second], axis=1)
    # the maximum does not depend on the order, and is several times as fast along memory
    output -= np.ascontiguousarray(output.T).max(axis=0)[:, np.newaxis]
    np.exp(output, out=output)
    output /= output.sum(axis=1)[:, np.newaxis]
    return output
