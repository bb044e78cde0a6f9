"""Reduce the class scores of an epoch to five numbers a row, of arrays and of tensors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_carto._dynamics._scores import LOG_TINY, TINY, ScoreRange, raise_masked, two_columns

# Class scores that are reduced at once. A convention: 2 MB in double precision, which fit into the
# cache of a core.
MAX_SCORES = 1 << 18
# What is recorded is single precision; margins and losses beyond it become its largest numbers.
# Those of probabilities, which are clipped to TINY before a logarithm, lie within 87.3: forests
# return exact zeros.
_HIGHEST = np.finfo(np.float32).max  # in single precision, else numpy 1 clips in double


class Observation(NamedTuple):
    """What is recorded of some rows at one epoch; every array has shape (n_rows,)."""

    true_proba: np.ndarray  # probability of the label, in [0, 1], float32
    correct: np.ndarray  # is the most probable class the label?, bool
    margin: np.ndarray  # log p_label - max over the others of log p, float32
    el2n: np.ndarray  # Euclidean norm of p - onehot(label), in [0, sqrt(2)], float32
    loss: np.ndarray  # -log p_label, float32


def observe(scores, y_encoded, *, from_logits=False):
    """Reduce class scores to what is recorded of each row.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes) or (n_rows,)
        Class probabilities, or logits. One dimension: those of the second of two classes.
    y_encoded : ndarray of shape (n_rows,)
        Column of each row's label; never the label itself.
    from_logits : bool, default=False
        Whether `scores` are logits: their softmax is the probability. Margin and loss then come
        from the logits, so that they are exact where probabilities are 0 or 1 in floating point.
        A logit of -inf, that of a masked class, is one of the smallest probability.

    Returns
    -------
    observation : Observation
        Five arrays of shape (n_rows,), cast once to float32 (``correct`` to bool).

    Examples
    --------
    >>> observation = observe(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1]))
    >>> observation.true_proba.round(2), observation.correct
    (array([0.8, 0.4], dtype=float32), array([ True, False]))
    """
    if scores.ndim == 1:
        scores = two_columns(scores, from_logits)
    n_rows = max(1, MAX_SCORES // scores.shape[1])
    if len(scores) > n_rows:
        starts = range(0, len(scores), n_rows)
        blocks = ((scores[i : i + n_rows], y_encoded[i : i + n_rows]) for i in starts)
        parts = [_observe(*block, from_logits) for block in blocks]
        return Observation(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    return _observe(scores, y_encoded, from_logits)


def _observe(scores, y_encoded, from_logits):
    """Reduce a block of class scores, of shape (n_rows, n_classes)."""
    if from_logits:
        scores = raise_masked(scores)
    dtype = np.float32 if scores.dtype == np.float16 else scores.dtype
    # one row a class: reductions over classes then run along memory, several times as fast
    scores = np.array(scores.T, dtype=dtype, order="C")
    flat = scores.reshape(-1)  # a view, whose index is faster than one of two dimensions
    label = y_encoded.astype(np.intp) * len(y_encoded) + np.arange(len(y_encoded))
    own = flat[label]
    flat[label] = -np.inf
    other = scores.max(axis=0)
    flat[label] = own
    correct = own > other
    ties = np.flatnonzero(own == other)  # the first of the largest counts, as in argmax
    correct[ties] = scores[:, ties].argmax(axis=0) == y_encoded[ties]
    if from_logits:
        margin = own - other
        scores -= np.maximum(own, other)
        own = flat[label]
        np.exp(scores, out=scores)
        total = scores.sum(axis=0)
        loss = np.log(total) - own
        scores /= total
    else:
        log_own = np.log(np.maximum(own, TINY))
        margin = log_own - np.log(np.maximum(other, TINY))
        loss = -log_own
    true_proba = flat[label]
    flat[label] = true_proba - 1.0
    el2n = np.sqrt(np.einsum("ij,ij->j", scores, scores))
    with np.errstate(over="ignore"):
        numbers = (true_proba, margin, el2n, loss)
        true_proba, margin, el2n, loss = (one.astype(np.float32, copy=False) for one in numbers)
    margin, loss = (np.clip(value, -_HIGHEST, _HIGHEST) for value in (margin, loss))
    return Observation(np.clip(true_proba, 0.0, 1.0), correct, margin, el2n, loss)


def observe_tensor(scores, y_encoded, *, from_logits=False):
    """Compute :func:`observe` and :func:`score_range_of` of tensors, on their device.

    Returns an Observation of five tensors of shape (n_rows,), and a ScoreRange of four tensors
    without dimensions. `y_encoded` must have the type int64.
    """
    import torch

    if scores.ndim == 1:
        first = torch.zeros_like(scores) if from_logits else 1 - scores
        scores = torch.stack([first, scores])  # one row a class
    else:
        scores = scores.t().clone(memory_format=torch.contiguous_format)
    if from_logits and torch.isneginf(scores.min()):
        best = scores.amax(dim=0, keepdim=True)
        scores = torch.where(torch.isneginf(scores), best + LOG_TINY, scores)
    min_score, total = scores.min(), scores.sum(dim=0)
    flat, n_rows = scores.view(-1), scores.shape[1]
    label = y_encoded * n_rows + torch.arange(n_rows, device=scores.device)
    own = flat.index_select(0, label)
    flat.scatter_(0, label, torch.full_like(own, -torch.inf))
    other = scores.amax(dim=0)
    flat.scatter_(0, label, own)
    best = own.maximum(other)
    score_range = ScoreRange(min_score, best.max(), total.min(), total.max())
    correct = own > other
    ties = own == other
    if ties.any():  # the first of the largest counts, as in argmax
        correct[ties] = scores[:, ties].argmax(dim=0) == y_encoded[ties]
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
    margin, loss = (value.clamp(-float(_HIGHEST), float(_HIGHEST)) for value in (margin, loss))
    return Observation(true_proba, correct, margin, el2n, loss), score_range
