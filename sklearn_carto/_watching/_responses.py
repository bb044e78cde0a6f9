"""Responses of an estimator: which method, in which blocks of rows, columns in class order."""

from __future__ import annotations

from inspect import getattr_static

import numpy as np
from scipy.special import expit, softmax
from sklearn.utils import gen_batches

from sklearn_carto._dynamics._observation import TINY
from sklearn_carto._dynamics._scores import two_columns
from sklearn_carto._utils._compat import get_chunk_n_rows, loaded_class

# Number of rows evaluated at a time. A convention: it bounds what an estimator allocates itself,
# beside the scores that scikit-learn's working memory accounts for.
MAX_BLOCK = 1 << 15
# Class scores evaluated at a time: 128 MB in double precision, of which recording makes two copies.
# The working memory, 1 GB by default, bounds them, too.
MAX_SCORES = 1 << 24
# Rows of a multi-layer perceptron that are evaluated at a time. A convention: large enough that the
# cost of a call does not count, small enough that the outputs of a hidden layer stay in the cache.
MLP_BLOCK = 1 << 12
MLP = "sklearn.neural_network.MLPClassifier"
# Convention for "equal up to rounding": single precision is exact to 6e-8 near 1, and a softmax of
# some classes loses a digit of it.
RESPONSE_TOLERANCE = 1e-6


def row_blocks(n_samples, n_classes, estimator=None):
    """Return slices of rows whose class scores fit into scikit-learn's working memory.

    Those of an `estimator` that is faster on fewer rows are smaller.
    """
    most = MLP_BLOCK if isinstance(estimator, loaded_class(MLP)) else MAX_BLOCK
    most = min(n_samples, most, max(1, MAX_SCORES // n_classes))
    n_rows = get_chunk_n_rows(row_bytes=8 * n_classes, max_n_rows=most)
    return list(gen_batches(n_samples, n_rows))


def response_method(estimator):
    """Return the method whose response is recorded, of a fitted estimator.

    The decision function if it gives logits, or if there are no probabilities.
    """
    if not hasattr(estimator, "predict_proba") or gives_logits(estimator):
        return "decision_function"
    return "predict_proba"


def gives_logits(estimator):
    """Whether the softmax (of two classes: the sigmoid) of the scores is the probability.

    Logits keep the margin of rows whose probability is 0 or 1 in floating point. They are known
    from what a fitted estimator is: that both agree on some rows proves little, since scores of all
    kinds agree where probabilities are 0 and 1.
    """
    for path, condition in _LOGITS.items():
        kind = loaded_class(path)
        if isinstance(estimator, kind) and _inherits_responses(estimator, kind):
            return condition(estimator, len(estimator.classes_))
    return False


def _logistic_regression(estimator, n_classes):
    multi_class = getattr(estimator, "multi_class", "auto")  # scikit-learn < 1.8
    if n_classes == 2:
        return multi_class != "multinomial"  # of scores s, it is the softmax of -s and s
    return multi_class != "ovr" and estimator.solver != "liblinear"


_LOGITS = {
    "sklearn.linear_model.LogisticRegression": _logistic_regression,
    # more classes: one sigmoid for each, divided by their sum
    "sklearn.linear_model.SGDClassifier": lambda estimator, n_classes: (
        estimator.loss == "log_loss" and n_classes == 2
    ),
    "sklearn.ensemble.HistGradientBoostingClassifier": lambda estimator, n_classes: True,
    "sklearn.ensemble.GradientBoostingClassifier": lambda estimator, n_classes: (
        estimator.loss == "log_loss"
    ),
    "sklearn.ensemble.AdaBoostClassifier": lambda estimator, n_classes: n_classes == 2,
}
_RESPONSES = (
    *("predict_proba", "decision_function"),
    *("staged_predict_proba", "staged_decision_function"),
)


def _inherits_responses(estimator, kind):
    """Whether an estimator responds as its base class `kind`, unless a subclass redefines it."""
    return not any(
        name in vars(estimator)
        or getattr_static(type(estimator), name, None) is not getattr_static(kind, name, None)
        for name in _RESPONSES
    )


def are_logits(scores, probabilities):
    """Whether the softmax of scores (of one dimension: the sigmoid) equals the probability."""
    logits = np.asarray(scores, dtype=np.float64)
    if logits.ndim == 1:
        logits = np.column_stack([np.zeros_like(logits), logits])
        implied = expit(logits - logits[:, ::-1])
    else:
        implied = softmax(logits, axis=1)
    return implied.shape == np.shape(probabilities) and np.allclose(
        implied, probabilities, atol=RESPONSE_TOLERANCE
    )


def in_class_order(scores, scored_classes, classes, *, from_logits=False, others=False):
    """Reorder the columns of scores from one order of the classes to another.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_scored_classes) or (n_rows,)
        Probabilities or logits. One dimension: logits of the second of two classes.
    scored_classes : array-like of shape (n_scored_classes,)
        The classes in the order of the columns.
    classes : ndarray of shape (n_classes,)
        The classes in the order wanted. One that is not scored has a probability of 0.
    from_logits : bool, default=False
        Whether scores are logits.
    others : bool, default=False
        Whether further columns, of no class, follow.

    Returns
    -------
    ordered : ndarray of shape (n_rows, n_classes), or more columns with `others`, or (n_rows,)
        The scores; unchanged if the classes are the same.
    """
    same = np.array_equal(scored_classes, classes)
    if same and (others or scores.ndim == 1 or scores.shape[1] == len(classes)):
        return scores
    place = {name: i for i, name in enumerate(np.asarray(scored_classes).tolist())}
    order = [place.get(name) for name in classes.tolist()]
    if scores.ndim == 1:
        if order in ([0, 1], [1, 0]):
            return scores if order == [0, 1] else -scores
        scores = two_columns(scores, from_logits=True)
    rest = [i for i in range(scores.shape[1]) if i not in order] if others else []
    known = [i for i, column in enumerate(order) if column is not None]
    ordered = np.zeros((len(scores), len(order) + len(rest)), dtype=scores.dtype)
    if from_logits and len(known) < len(order):  # a margin as large as one of probabilities
        ordered[:] = scores.max(axis=1, keepdims=True, initial=-np.inf) + np.log(TINY)
    ordered[:, known] = scores[:, [order[i] for i in known]]
    ordered[:, len(order) :] = scores[:, rest]
    return ordered
