"""Votes of neighbors for the test samples of each fold."""

from __future__ import annotations

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
    shared = (estimator, data, y_encoded, n_classes, neighbors, stream, seed, folds)
    votes, _ = run_parallel(_vote, [(i,) for i in range(len(folds))], shared=shared, n_jobs=n_jobs)
    return votes


def _vote(estimator, data, y_encoded, n_classes, neighbors, stream, seed, folds, i):
    train, test = folds[i]
    excluded = data.excluded_mask()
    if excluded is not None:
        train = train[~excluded[train]]
    if not isinstance(neighbors, str):
        neighbors = neighbors[train], neighbors[test]
    rng, part, X_test = fold_generator(stream, i), data.take(train), take(data.X, test)
    return votes_of(
        estimator,
        part,
        X_test,
        y_encoded[train],
        n_classes,
        neighbors=neighbors,
        rng=rng,
        seed=seed,
    )


def fold_generator(stream, i):
    """Return the generator that draws the samples of a fold among which neighbors are sought."""
    return rule_generator(stream, f"neighbors of fold {i}")


def votes_of(
    estimator, data, X_test, y_encoded, n_classes, *, neighbors="auto", rng=None, seed=None
):
    """Count the labels of the neighbors of each test sample of one fold.

    Parameters
    ----------
    estimator : estimator
        See :func:`fold_votes`.
    data : TrainingSet
        Training samples of the fold.
    X_test : container of shape (n_test, n_features)
        Its test samples.
    y_encoded : ndarray of shape (n_train,)
        Labels of the training samples, encoded as 0 to n_classes - 1.
    n_classes : int
        Number of classes.
    neighbors : "auto" or (array, array), default="auto"
        Features of the training and of the test samples; "auto": those that the estimator takes.
    rng : RandomState
        Draws the samples among which neighbors are sought.
    seed : int, default=None
        Set on every `random_state` of the transformers; None: they are left as they are.

    Returns
    -------
    votes : list of ndarray of shape (n_test, n_classes)
        As :func:`neighbor_votes` returns them; none if there are no numeric features.
    """
    if isinstance(neighbors, str):
        X_train = data.X
        if isinstance(estimator, Pipeline) and why_resampled(estimator) is None:
            head = clone(estimator)
            set_seed(head, seed)
            transformed = fit_transformers(head, X_train, data.y, X_test, data.routed)
            X_train, X_test = transformed[1:3]
        neighbors = numeric_features(X_train), numeric_features(X_test)
    X_train, X_test = neighbors
    if X_train is None or X_test is None:
        return []
    return neighbor_votes(X_train, y_encoded, X_test, n_classes, rng)
