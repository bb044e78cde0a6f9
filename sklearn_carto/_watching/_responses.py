"""Responses of an estimator: which method, in which blocks of rows, columns in class order."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax
from sklearn.utils import gen_batches

from sklearn_carto._utils._compat import get_chunk_n_rows

MAX_BLOCK = 1 << 16  # rows; bounds what an estimator itself allocates beside its answer


def row_blocks(n_samples, n_classes):
    """Slices of rows such that class scores fit into scikit-learn's working memory."""
    n_rows = get_chunk_n_rows(row_bytes=8 * n_classes, max_n_rows=min(n_samples, MAX_BLOCK))
    return list(gen_batches(n_samples, n_rows))


def choose_response_method(estimator, X):
    """Find how an estimator says best what it thinks of a row.

    Logits are preferred, for they keep the margin of rows whose probability is 0 or 1 in floating
    point, but only where their softmax (or sigmoid) *is* the probability, which is tried out.

    Parameters
    ----------
    estimator : fitted estimator
        With `predict_proba`, `decision_function`, or both.
    X : container
        A few rows.

    Returns
    -------
    method : {"predict_proba", "decision_function"}
        What to call.
    """
    if not hasattr(estimator, "decision_function"):
        return "predict_proba"
    if not hasattr(estimator, "predict_proba"):
        return "decision_function"
    same = are_logits(estimator.decision_function(X), estimator.predict_proba(X))
    return "decision_function" if same else "predict_proba"


def are_logits(scores, probabilities):
    """Whether the softmax of scores (of one dimension: the sigmoid) *is* the probability."""
    logits = np.asarray(scores, dtype=np.float64)
    if logits.ndim == 1:
        logits = np.column_stack([np.zeros_like(logits), logits])
        implied = expit(logits - logits[:, ::-1])
    else:
        implied = softmax(logits, axis=1)
    return implied.shape == probabilities.shape and np.allclose(implied, probabilities, atol=1e-6)


def in_class_order(scores, answered, wanted):
    """Scores with their columns in the order of the wanted classes."""
    if np.array_equal(answered, wanted):
        return scores
    place = {name: i for i, name in enumerate(np.asarray(answered).tolist())}
    order = [place[name] for name in wanted.tolist()]
    if scores.ndim == 1:  # the logit of the second of two classes
        return scores if order == [0, 1] else -scores
    return scores[:, order]
