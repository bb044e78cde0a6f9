"""One fold of a proxy model: the map of its training samples, and the evidence on labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from sklearn_carto._inputs._containers import n_samples_of
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._selection._label_evidence import FoldEvidence, LabelObserver, rate_labels
from sklearn_carto._selection._label_votes import fold_generator, votes_of
from sklearn_carto._utils._random_state import draw_seed
from sklearn_carto._watching._fold_training import record_evaluation
from sklearn_carto._watching._responses import in_class_order
from sklearn_carto._watching._training_set import TrainingSet


class Fold(NamedTuple):
    """A split of the training set, and the results of a proxy model fitted on its larger part."""

    train: np.ndarray  # indices of the samples that the proxy model is fitted on
    test: np.ndarray  # indices of the others
    data_map: DataMap  # of the samples in `train`
    evidence: FoldEvidence  # on the labels of all


def fit_fold(proxy, X, y, params, X_test, y_test):
    """Fit a proxy model on the training samples of a fold.

    Parameters
    ----------
    proxy : CartographyClassifier
        The proxy model, not fitted.
    X : container of shape (n_train, n_features)
        Training samples.
    y : ndarray of shape (n_train,)
        Their labels; each class occurs.
    params : dict
        Arguments of `fit`.
    X_test : container of shape (n_test, n_features)
        The other samples.
    y_test : ndarray of shape (n_test,)
        Their labels, which the evidence does not depend on.

    Returns
    -------
    data_map : DataMap
        Of the training samples.
    evidence : FoldEvidence
        On the labels. The training samples have the positions 0 to n_train - 1, and the others
        follow.
    """
    if proxy.cv is None and proxy.record == "epoch_end":
        data_map, observer, data = record_evaluation(
            proxy, X, y, X_test, y_test, LabelObserver, params
        )
        evidence = observer.evidence()
    else:  # epochs of other samples are not recorded: the final model counts
        proxy.fit(X, y, **params)
        data_map, n_train = proxy.data_map_, len(y)
        test = np.arange(n_train, n_train + n_samples_of(X_test))
        probabilities = [_predict(proxy, X_test)]
        evidence = FoldEvidence(test, probabilities, [], np.arange(n_train), data_map.aum)
        data = TrainingSet.plain(X, y, None)
    _, classes, y_encoded = check_labels(y, proxy)
    seed = draw_seed(0 if proxy.random_state is None else proxy.random_state)
    rng = fold_generator(seed, 0)
    votes = votes_of(proxy.estimator, data, X_test, y_encoded, len(classes), rng=rng, seed=seed)
    return data_map, evidence._replace(votes=votes)


def _predict(proxy, X_test):
    """Return out-of-fold probabilities in the order of the sorted classes."""
    if hasattr(proxy, "predict_proba"):
        probabilities = proxy.predict_proba(X_test)
    else:
        scores = proxy.decision_function(X_test)
        # softmax of (-s / 2, s / 2) is the sigmoid of s
        scores = np.column_stack([-scores, scores]) / 2 if scores.ndim == 1 else scores
        probabilities = softmax(scores, axis=1)
    return in_class_order(probabilities, proxy.classes_, np.sort(proxy.classes_))


def rate_proxy_labels(folds, y_encoded, n_classes, seed, present):
    """Rate the labels of a training set by the folds of its proxy model.

    Returns
    -------
    quality : ndarray of shape (n_samples,)
        Label quality, in (0, 1); NaN of samples that are not present.
    suspect : ndarray of shape (n_samples,) of bool
        In each class the samples of lowest quality, as many as confident learning counts there, but
        at most half of the class: one count for all classes would take most of a small class.
    """
    evidence = [
        fold.evidence._replace(test=fold.test, train=fold.train[fold.evidence.train])
        for fold in folds
    ]
    rating = rate_labels(evidence, y_encoded, n_classes, seed, present=present)
    quality = np.full(len(y_encoded), np.nan)
    quality[rating.rows] = rating.quality
    suspect = np.zeros(len(y_encoded), dtype=bool)
    for label, count in enumerate(rating.issue_counts):
        of_class = rating.rows[y_encoded[rating.rows] == label]
        worst = np.argsort(quality[of_class], kind="stable")[: min(count, len(of_class) // 2)]
        suspect[of_class[worst]] = True
    return quality, suspect
