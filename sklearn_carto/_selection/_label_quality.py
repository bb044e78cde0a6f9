"""Label quality: out-of-fold probabilities, votes of neighbors and in-fold margins combined."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata
from sklearn.isotonic import IsotonicRegression

from sklearn_carto._utils._random_state import rule_generator

# Probabilities are clipped there before a logarithm, in features and in margins. Classifiers that
# are combined one-vs-rest return exact zeros, whose logarithm would outweigh all other epochs.
# 1e-4 and 1e-2 find as many wrong labels (benchmarks/label_errors.py).
CLIP = 1e-3
# Pseudo-votes with the class proportions, so that the logarithm of no vote is finite.
PSEUDO_VOTES = 2.0
# Strength of the pull of the weights toward an average of the windows of epochs; it matters for
# small training sets only, and at 1 to 10 the weights are much the same.
RIDGE = 3.0
# Powers of the probabilities among which those of the true classes are sought.
POWERS = (0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
MAX_FITTED = 20_000  # samples that the few weights are fitted to


def combine_probabilities(windows, votes, y_encoded, seed):
    """Estimate the probability that a sample carries each label, from several estimates of it.

    A conditional logit [1]_: the score of a class is a weighted sum of the logarithms of the
    estimates of its probability. The weights are shared by all classes and maximize the likelihood
    of the labels, less ``RIDGE / 2`` times their squared distance to those of an average of the
    windows.

    Parameters
    ----------
    windows : list of ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities, each the mean over some epochs; at least one.
    votes : list of ndarray of shape (n_samples, n_classes)
        Shares of the labels among neighbors, that of the sample left out; may be empty.
    y_encoded : ndarray of shape (n_samples,)
        Labels, encoded as 0 to n_classes - 1.
    seed : int
        Draws the samples that the weights are fitted to, if there are many.

    Returns
    -------
    probabilities : ndarray of float64 of shape (n_samples, n_classes)
        Probability of each label.

    References
    ----------
    .. [1] D. McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.9, 0.1]])
    >>> combine_probabilities([p], [], np.array([0, 0, 1, 1]), 0).round(1)
    array([[0.8, 0.2],
           [0.7, 0.3],
           [0.3, 0.7],
           [0.8, 0.2]])
    """
    n_samples, n_classes = windows[0].shape
    # at least one sample, so that the logarithm is finite where a class has no label to rate
    shares = np.maximum(np.bincount(y_encoded, minlength=n_classes), 1) / n_samples
    features = [np.log(np.maximum(window, CLIP, dtype=np.float32)) for window in windows]
    # 20 votes and 2 pseudo-votes
    features += [
        np.log((20 * vote + PSEUDO_VOTES * shares) / (20 + PSEUDO_VOTES)).astype(np.float32)
        for vote in votes
    ]
    prior = np.array([1 / len(windows)] * len(windows) + [0.0] * len(votes))
    rows = np.arange(n_samples)
    if n_samples > MAX_FITTED:
        rng = rule_generator(seed, "rows of the conditional logit")
        rows = rng.choice(n_samples, MAX_FITTED, replace=False)
    fitted = np.stack([feature[rows] for feature in features]).astype(np.float64)
    weights = _fit_weights(fitted, y_encoded[rows], prior)
    score = sum(w * feature for w, feature in zip(weights, features, strict=True))
    return softmax(score.astype(np.float64), axis=1)


def _fit_weights(features, y_encoded, prior):
    """Fit the weights of a conditional logit; features: (n_weights, n_rows, n_classes)."""
    own = features[:, np.arange(len(y_encoded)), y_encoded]

    def loss(weights):
        score = np.tensordot(weights, features, axes=1)
        total = logsumexp(score, axis=1, keepdims=True)
        off = weights - prior
        value = total.sum() - (weights @ own).sum() + RIDGE / 2 * off @ off
        gradient = np.tensordot(features, np.exp(score - total), axes=2) - own.sum(axis=1)
        return value, gradient + RIDGE * off

    return minimize(loss, prior, jac=True, method="L-BFGS-B").x


def rank_quality(*evidence):
    """Return the mean percentile rank of each sample, in (0, 1).

    Parameters
    ----------
    *evidence : ndarray of shape (n_samples,)
        Numbers that are low where a label is suspect. NaN: this one is not known of the sample, and
        does not count for it.

    Returns
    -------
    quality : ndarray of shape (n_samples,)
        Mean of the percentile ranks; equal numbers share a rank.

    Examples
    --------
    >>> rank_quality(np.array([0.1, 0.9]), np.array([-2.0, 3.0]))
    array([0.25, 0.75])
    """
    ranks = np.full((len(evidence), len(evidence[0])), np.nan)
    for rank, values in zip(ranks, evidence, strict=True):
        known = ~np.isnan(values)
        rank[known] = (rankdata(values[known]) - 0.5) / max(known.sum(), 1)
    return np.nanmean(ranks, axis=0)


def sharpen(probabilities, y_encoded):
    """Return the probability of each given label, raised to several powers.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Probability of each label.
    y_encoded : ndarray of shape (n_samples,)
        Labels, encoded as 0 to n_classes - 1.

    Returns
    -------
    sharpened : ndarray of float32 of shape (n_powers, n_samples)
        For each of ``POWERS``, that power of the probability of the label, divided by the sum over
        the classes.

    Examples
    --------
    >>> sharpen(np.array([[0.9, 0.1]]), np.array([0]))[[0, -1], 0].round(2)
    array([0.84, 1.  ], dtype=float32)
    """
    log = np.log(np.maximum(probabilities, np.finfo(float).tiny))
    own = y_encoded[:, None]
    return np.stack(
        [np.take_along_axis(softmax(t * log, axis=1), own, axis=1)[:, 0] for t in POWERS]
    ).astype(np.float32)


def true_probabilities(sharpened, noise_rate, n_classes):
    """Estimate the probability that the true class is the given one, for a known noise rate.

    If a share `r` of the labels was replaced by one of the `K - 1` others, each with the same
    probability, a label has the probability ``(1 - r) p + r / (K - 1) * (1 - p)``, where `p` is
    that of the true class. A softmax does not express its lower bound. The true probabilities are
    therefore those of a sharper softmax: of the powers of the estimated ones, that of the highest
    likelihood.

    Parameters
    ----------
    sharpened : ndarray of shape (n_powers, n_samples)
        From :func:`sharpen`.
    noise_rate : float
        Share of wrong labels, `r` above, in (0, 1).
    n_classes : int
        Number of classes, `K` above.

    Returns
    -------
    true : ndarray of shape (n_samples,)
        The probability, `p` above.
    """
    flipped = noise_rate / (n_classes - 1)
    given = (1 - noise_rate) * sharpened + flipped * (1 - sharpened)
    likelihoods = np.log(np.maximum(given, np.finfo(np.float32).tiny)).sum(axis=1, dtype=float)
    return sharpened[likelihoods.argmax()].astype(np.float64)


def error_probabilities(true, quality, noise_rate, n_classes):
    """Estimate the probability that each label is wrong, if labels were flipped uniformly.

    Parameters
    ----------
    true : ndarray of shape (n_samples,)
        Probability `p` that the true class is the given one, from the features alone. With `r` and
        `K` as in :func:`true_probabilities`, the label is wrong with a probability in proportion to
        ``r / (K - 1) * (1 - p)``, and right in proportion to ``(1 - r) p``.
    quality : ndarray of shape (n_samples,)
        Label quality. The probabilities are smoothed to decrease with it (isotonic regression).
    noise_rate : float
        Share of wrong labels, in (0, 1).
    n_classes : int
        Number of classes.

    Returns
    -------
    error_proba : ndarray of shape (n_samples,)
        Probability that the label is wrong, in [0, 1].

    Examples
    --------
    >>> p = np.array([0.0, 0.5, 1.0])
    >>> error_probabilities(p, p, 0.1, 2).round(2)
    array([1. , 0.1, 0. ])
    """
    flipped = noise_rate / (n_classes - 1)
    if noise_rate + flipped >= 1:  # labels hold no information on the true class
        return np.full(len(true), noise_rate)
    wrong, right = flipped * (1 - true), (1 - noise_rate) * true
    raw = wrong / np.maximum(wrong + right, np.finfo(float).tiny)
    # by rank: qualities that differ by a rounding error alone would be interpolated to NaN
    ranks = rankdata(quality.round(12), method="dense")
    return IsotonicRegression(increasing=False, y_min=0, y_max=1).fit_transform(ranks, raw)


def n_rejected(error_proba, fdr):
    """Return how many of the most probable errors can be flagged at a false-discovery rate.

    Parameters
    ----------
    error_proba : ndarray of shape (n_samples,)
        Probability that each label is wrong.
    fdr : float
        Highest expected share of right labels among those flagged, in (0, 1).

    Examples
    --------
    >>> n_rejected(np.array([0.9, 0.2, 0.8]), 0.2)
    2
    """
    right = np.cumsum(1 - np.sort(error_proba)[::-1]) / np.arange(1, len(error_proba) + 1)
    return int(np.flatnonzero(right <= fdr).max(initial=-1)) + 1
