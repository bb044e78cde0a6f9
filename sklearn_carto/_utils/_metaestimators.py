"""What meta-estimators share: delegation of the prediction methods, the last step of a pipeline."""

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
    """A classifier that fits a clone of `estimator` and delegates predictions to it.

    Subclasses set `estimator_`, `classes_` and `_encodes_labels`: whether the clone was fitted on
    0 to n_classes - 1 instead of the labels.
    """

    _encodes_labels = False

    def _delegate(self, method, X, **params):
        check_is_fitted(self)
        return getattr(self.estimator_, method)(X, **params)

    @available_if(_estimator_has("predict"))
    def predict(self, X, **params):
        """Predict the label of each sample.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Samples, passed to the inner estimator as they are.
        **params : dict
            Further arguments of the inner estimator's method.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predicted labels.
        """
        y = self._delegate("predict", X, **params)
        return self.classes_[np.asarray(y, dtype=np.intp)] if self._encodes_labels else y

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X, **params):
        """Predict the probability of each class.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Samples, passed to the inner estimator as they are.
        **params : dict
            Further arguments of the inner estimator's method.

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
            Samples, passed to the inner estimator as they are.
        **params : dict
            Further arguments of the inner estimator's method.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self._delegate("predict_log_proba", X, **params)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X, **params):
        """Compute the decision function of each sample.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Samples, passed to the inner estimator as they are.
        **params : dict
            Further arguments of the inner estimator's method.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Confidence scores, as the inner estimator returns them.
        """
        return self._delegate("decision_function", X, **params)

    @property
    def n_features_in_(self):
        """Number of features seen in `fit`."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        """Names of the features seen in `fit`; defined only if they are all strings."""
        return self.estimator_.feature_names_in_

    def __sklearn_is_fitted__(self):
        """Whether there is a fitted estimator."""
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        """Inherit the tags of the inner estimator."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.non_deterministic = inner.non_deterministic
        if inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
            tags.classifier_tags.multi_label = False
        return tags


def last_step(estimator):
    """Return the last step of a pipeline, however deep; of any other estimator, itself."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator
