"""Votes of neighbors for the test samples of each fold."""

from __future__ import annotations

from functools import partial

from sklearn.pipeline import Pipeline

from sklearn_carto._inputs._containers import n_samples_of, take
from sklearn_carto._selection._neighbors import neighbor_votes, numeric_features
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._validation import describe
from sklearn_carto._watching._pipelines import fit_transformers, why_resampled
from sklearn_carto._watching._seeds import set_seed


def check_neighbors(neighbors, n_samples, owner):
    """Return the features of samples in which neighbors are sought, or what stands for them.

    "auto" and None are returned as they are; anything else is converted to numbers.
    """
    if neighbors is None or isinstance(neighbors, str):
        return neighbors
    features = None
    if hasattr(neighbors, "__len__") or hasattr(neighbors, "shape"):
        features = numeric_features(neighbors)
    if features is None or n_samples_of(neighbors) != n_samples:
        raise InvalidParameterError(
            f"The 'neighbors' parameter of {owner} must be 'auto', None, or numeric features of "
            f"shape ({n_samples}, n_features), such as embeddings, in which neighbors are sought. "
            f"Got {describe(neighbors)} instead."
        )
    return features


def fold_votes(
    estimator, data, y_encoded, n_classes, folds, neighbors, *, stream, seed=None, n_jobs=None
):
    """Count the labels of the neighbors of each test sample, among the training samples.

    Parameters
    ----------
    estimator : estimator
        If it is a pipeline, neighbors are sought in what its last step takes: the transformers are
        fitted on the training samples of each fold. Of a pipeline with a sampler, in the samples.
    data : TrainingSet
        All samples, labels and arguments of `fit`.
    y_encoded : ndarray of shape (n_samples,)
        Labels, encoded as 0 to n_classes - 1.
    n_classes : int
        Number of classes.
    folds : list of (ndarray, ndarray)
        Training and test samples of each fold.
    neighbors : "auto", None or array of shape (n_samples, n_features)
        Where to seek neighbors, see :func:`check_neighbors`.
    stream : int
        Seeds the draw of samples among which neighbors are sought.
    seed : int, default=None
        Set on every `random_state` of the transformers; None: they are left as they are.
    n_jobs : int, default=None
        Number of folds in parallel.

    Returns
    -------
    votes : list of list of ndarray of shape (n_test, n_classes)
        For each fold, as :func:`neighbor_votes` returns them; none if there are no numeric
        features.
    """
    transforms = isinstance(estimator, Pipeline) and why_resampled(estimator) is None
    if isinstance(neighbors, str) and not transforms:
        neighbors = numeric_features(data.X)
    if neighbors is None:
        return [[] for _ in folds]
    vote = partial(_vote, estimator, data, y_encoded, n_classes, neighbors, stream, seed)
    votes, _ = run_parallel(vote, list(enumerate(folds)), n_jobs=n_jobs)
    return votes


def _vote(estimator, data, y_encoded, n_classes, neighbors, stream, seed, i, fold):
    train, test = fold
    excluded = data.excluded_mask()
    if excluded is not None:
        train = train[~excluded[train]]
    if isinstance(neighbors, str):
        head, part = clone(estimator), data.take(train)
        set_seed(head, seed)
        X_test = take(data.X, test)
        _, X_train, X_test, _ = fit_transformers(head, part.X, part.y, X_test, part.routed)
        X_train, X_test = numeric_features(X_train), numeric_features(X_test)
        if X_train is None:
            return []
    else:
        X_train, X_test = neighbors[train], neighbors[test]
    rng = rule_generator(stream, f"neighbors of fold {i}")
    return neighbor_votes(X_train, y_encoded[train], X_test, n_classes, rng)
