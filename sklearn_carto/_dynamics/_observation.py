"""What is seen of a row at one epoch: from class scores to five numbers a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_carto._dynamics._scores import ScoreRange, two_columns

TINY = float(np.finfo(np.float32).tiny)  # every probability is clipped to it before a logarithm


class Observation(NamedTuple):
    """What was seen of some rows at one epoch; every array has shape (n_rows,)."""

    true_proba: np.ndarray  # probability of the label, in [0, 1], float32
    correct: np.ndarray  # is the most probable class the label?, bool
    margin: np.ndarray  # log p_label - max over the others of log p, float32
    el2n: np.ndarray  # Euclidean norm of p - onehot(label), in [0, sqrt(2)], float32
    loss: np.ndarray  # -log p_label, float32


def observe(scores, columns, *, from_logits=False):
    """Reduce class scores to what is recorded of each row.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes) or (n_rows,)
        Class probabilities, or logits. One dimension: those of the second of two classes.
    columns : ndarray of shape (n_rows,)
        Column of each row's label; never the label itself.
    from_logits : bool, default=False
        Whether `scores` are logits: their softmax is the probability. Margin and loss then come
        from the logits, so that they are exact where probabilities are 0 or 1 in floating point.

    Returns
    -------
    observation : Observation
        Five arrays of shape (n_rows,), cast once to float32 (``correct`` to bool).

    Examples
    --------
    >>> seen = observe(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1]))
    >>> seen.true_proba.round(2), seen.correct
    (array([0.8, 0.4], dtype=float32), array([ True, False]))
    """
    if scores.ndim == 1:
        scores = two_columns(scores, from_logits)
    dtype = np.float32 if scores.dtype == np.float16 else scores.dtype
    # a line a class: what runs over classes then runs over whole lines, several times as fast
    scores = np.array(scores.T, dtype=dtype, order="C")
    own_place = columns, np.arange(len(columns))
    own = scores[own_place]
    scores[own_place] = -np.inf
    other = scores.max(axis=0)
    scores[own_place] = own
    correct = own > other
    ties = np.flatnonzero(own == other)  # the first of the highest counts, as in argmax
    correct[ties] = scores[:, ties].argmax(axis=0) == columns[ties]
    if from_logits:
        margin = own - other
        scores -= np.maximum(own, other)
        own = scores[own_place]
        np.exp(scores, out=scores)
        total = scores.sum(axis=0)
        loss = np.log(total) - own
        scores /= total
    else:
        log_own = np.log(np.maximum(own, TINY))
        margin = log_own - np.log(np.maximum(other, TINY))
        loss = -log_own
    true_proba = scores[own_place]
    scores[own_place] -= 1.0
    el2n = np.sqrt(np.einsum("ij,ij->j", scores, scores))
    single = (value.astype(np.float32, copy=False) for value in (true_proba, margin, el2n, loss))
    true_proba, margin, el2n, loss = single
    return Observation(np.clip(true_proba, 0.0, 1.0), correct, margin, el2n, loss)


def observe_tensor(scores, columns, *, from_logits=False):
    """Do as :func:`observe` and :func:`score_range_of` do, on the device that the scores lie on.

    Parameters
    ----------
    scores : tensor of shape (n_rows, n_classes) or (n_rows,)
        Class probabilities, or logits; one dimension: the logit, or the probability, of the second
        of two classes.
    columns : int64 tensor of shape (n_rows,)
        Column of each row's label.
    from_logits : bool, default=False
        Whether `scores` are logits.

    Returns
    -------
    observation : Observation
        Of five tensors of shape (n_rows,).
    quality : ScoreRange
        Of four tensors without dimensions.
    """
    import torch

    if scores.ndim == 1:
        first = torch.zeros_like(scores) if from_logits else 1 - scores
        scores = torch.stack([first, scores])  # a line a class
    else:
        scores = scores.t().clone(memory_format=torch.contiguous_format)
    lowest, total = scores.min(), scores.sum(dim=0)
    flat, n_rows = scores.view(-1), scores.shape[1]
    label = columns * n_rows + torch.arange(n_rows, device=scores.device)
    own = flat.index_select(0, label)
    flat.scatter_(0, label, torch.full_like(own, -torch.inf))
    other = scores.amax(dim=0)
    flat.scatter_(0, label, own)
    best = own.maximum(other)
    quality = ScoreRange(lowest, best.max(), total.min(), total.max())
    correct = own > other
    ties = own == other
    if ties.any():  # the first of the highest counts, as in argmax
        correct[ties] = scores[:, ties].argmax(dim=0) == columns[ties]
    if from_logits:
        margin = own - other
        scores -= best
        own = flat.index_select(0, label)
        scores.exp_()
        total = scores.sum(dim=0)
        loss = total.log() - own
        scores /= total
    else:
        log_own = own.clamp(min=TINY).log()
        margin = log_own - other.clamp(min=TINY).log()
        loss = -log_own
    true_proba = flat.index_select(0, label)
    flat.scatter_(0, label, true_proba - 1.0)
    el2n = scores.square_().sum(dim=0).sqrt_()
    numbers = (true_proba.clamp(0.0, 1.0), margin, el2n, loss)
    true_proba, margin, el2n, loss = (value.float() for value in numbers)
    return Observation(true_proba, correct, margin, el2n, loss), quality
