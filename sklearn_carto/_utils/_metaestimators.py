"""What every classifier here that trains another one has in common: it answers as that one does."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _estimator_has(method):
    def check(self):
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


class DelegatingClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier that trains a clone of `estimator` and answers through it.

    Subclasses set `estimator_`, `classes_` and, where the clone was trained on codes 0..K-1 in
    the place of labels, `_label_codes`.
    """

    _label_codes = False

    def _delegate(self, method, X, **params):
        check_is_fitted(self)
        return getattr(self.estimator_, method)(X, **params)

    @available_if(_estimator_has("predict"))
    def predict(self, X, **params):
        """Predict the label of each row.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            What the inner estimator takes.
        **params : dict
            Handed to the inner estimator.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels.
        """
        answer = self._delegate("predict", X, **params)
        return self.classes_[np.asarray(answer, dtype=np.intp)] if self._label_codes else answer

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X, **params):
        """Predict the probability of each class.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            What the inner estimator takes.
        **params : dict
            Handed to the inner estimator.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self._delegate("predict_proba", X, **params)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X, **params):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            What the inner estimator takes.
        **params : dict
            Handed to the inner estimator.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self._delegate("predict_log_proba", X, **params)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X, **params):
        """Score each class.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            What the inner estimator takes.
        **params : dict
            Handed to the inner estimator.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Scores as the inner estimator gives them.
        """
        return self._delegate("decision_function", X, **params)

    @property
    def n_features_in_(self):
        """Number of features seen in `fit`."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        """Names of the features seen in `fit`; only where they are all strings."""
        return self.estimator_.feature_names_in_

    def __sklearn_is_fitted__(self):
        """Tell whether there is a trained estimator."""
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        """Take over what the inner estimator says of itself."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.non_deterministic = inner.non_deterministic
        if inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
            tags.classifier_tags.multi_label = False
        return tags


def last_step(estimator):
    """Return the last step of a pipeline, however deep; anything else is its own last step."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator
