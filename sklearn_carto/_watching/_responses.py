"""Responses of an estimator: which method, in which blocks of rows, columns in class order."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax
from sklearn.utils import gen_batches

from sklearn_carto._utils._compat import get_chunk_n_rows

# Number of rows evaluated at a time. A convention: it bounds what an estimator allocates itself,
# beside the scores that scikit-learn's working memory accounts for.
MAX_BLOCK = 1 << 16
# Convention for "equal up to rounding": single precision is exact to 6e-8 near 1, and a softmax of
# some classes loses a digit of it.
RESPONSE_TOLERANCE = 1e-6


def row_blocks(n_samples, n_classes):
    """Return slices of rows whose class scores fit into scikit-learn's working memory."""
    n_rows = get_chunk_n_rows(row_bytes=8 * n_classes, max_n_rows=min(n_samples, MAX_BLOCK))
    return list(gen_batches(n_samples, n_rows))


def choose_response_method(estimator, X):
    """Choose the response method that is recorded: "predict_proba" or "decision_function".

    Logits are preferred, since they keep the margin of rows whose probability is 0 or 1 in floating
    point, but only if their softmax (or sigmoid) equals the probability on the rows of `X`.
    """
    if not hasattr(estimator, "decision_function"):
        return "predict_proba"
    if not hasattr(estimator, "predict_proba"):
        return "decision_function"
    same = are_logits(estimator.decision_function(X), estimator.predict_proba(X))
    return "decision_function" if same else "predict_proba"


def are_logits(scores, probabilities):
    """Whether the softmax of scores (of one dimension: the sigmoid) equals the probability."""
    logits = np.asarray(scores, dtype=np.float64)
    if logits.ndim == 1:
        logits = np.column_stack([np.zeros_like(logits), logits])
        implied = expit(logits - logits[:, ::-1])
    else:
        implied = softmax(logits, axis=1)
    return implied.shape == probabilities.shape and np.allclose(
        implied, probabilities, atol=RESPONSE_TOLERANCE
    )


def in_class_order(scores, scored_classes, classes):
    """Reorder the columns of scores from one order of the classes to another."""
    if np.array_equal(scored_classes, classes):
        return scores
    place = {name: i for i, name in enumerate(np.asarray(scored_classes).tolist())}
    order = [place[name] for name in classes.tolist()]
    if scores.ndim == 1:  # the logit of the second of two classes
        return scores if order == [0, 1] else -scores
    return scores[:, order]
