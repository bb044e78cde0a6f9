"""What meta-estimators share: delegated predictions, the check that what they hold classifies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if as _untyped_available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_carto._utils._compat import InvalidParameterError, loaded_class
from sklearn_carto._utils._typing import Array, Container, Estimator, Function
from sklearn_carto._utils._validation import describe


def _estimator_has(method):
    def check(self):
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


def available_if(check) -> Callable[[Function], Function]:
    """Return scikit-learn's decorator, by which type checkers do not lose the types of a method."""
    return _untyped_available_if(check)


class DelegatingClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier that fits a clone of `estimator` and delegates predictions to it.

    Subclasses set `estimator_`, `classes_` and `_encodes_labels`: whether the clone was fitted on
    0 to n_classes - 1 instead of the labels.
    """

    _encodes_labels = False
    estimator_: Estimator
    classes_: Array

    def _delegate(self, method, X, **params):
        check_is_fitted(self)
        return getattr(self.estimator_, method)(X, **params)

    @available_if(_estimator_has("predict"))
    def predict(self, X: Container, **params: Any) -> Array:
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
        if not self._encodes_labels:
            return y
        y, n_classes = np.asarray(y, dtype=np.intp), len(self.classes_)
        if (y >= n_classes).any():  # an output of a net that has no label: the best of the others
            y = self._delegate("predict_proba", X, **params)[:, :n_classes].argmax(axis=1)
        return self.classes_[y]

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Container, **params: Any) -> Array:
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
    def predict_log_proba(self, X: Container, **params: Any) -> Array:
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
    def decision_function(self, X: Container, **params: Any) -> Array:
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
    def n_features_in_(self) -> int:
        """Number of features seen in `fit`."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> Array:
        """Names of the features seen in `fit`; defined only if they are all strings."""
        return self.estimator_.feature_names_in_

    def __sklearn_is_fitted__(self):
        """Whether there is a fitted estimator."""
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        """Inherit the tags of the inner estimator."""
        tags = super().__sklearn_tags__()
        if not hasattr(self.estimator, "__sklearn_tags__") or isinstance(self.estimator, type):
            return tags  # not an estimator, as `fit` will state
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.non_deterministic = inner.non_deterministic
        if inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
            tags.classifier_tags.multi_label = False
        return tags


def last_step(estimator):
    """Return the last step of a pipeline, however deep; of any other estimator, itself."""
    while isinstance(estimator, Pipeline) and _has_steps(estimator):
        estimator = estimator.steps[-1][1]
    return estimator


def with_last_step(estimator, last):
    """Replace the last step of a pipeline, however deep, in place; else return `last`."""
    outer, inner = None, estimator
    while last_step(inner) is not inner:
        outer, inner = inner, inner.steps[-1][1]
    if outer is None:
        return last
    outer.steps[-1] = (outer.steps[-1][0], last)
    return estimator


def has_transformers(estimator):
    """Whether an estimator is a pipeline, however deep, with steps ahead of the last one."""
    while last_step(estimator) is not estimator:
        if any(step not in (None, "passthrough") for _, step in estimator.steps[:-1]):
            return True
        estimator = estimator.steps[-1][1]
    return False


def works_in_place(estimator):
    """Whether an estimator, or a part of it, may change the samples that it is given.

    Its parameters say so, or it is a function of the user's own.
    """
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    function = loaded_class("sklearn.preprocessing.FunctionTransformer")
    return any(
        (value is False and name.rpartition("__")[2] in ("copy", "copy_X", "copy_x"))
        or (isinstance(value, function) and value.func is not None)
        for name, value in params.items()
    )


def _has_steps(pipeline):
    steps = pipeline.steps
    pairs = isinstance(steps, list) and all(
        isinstance(step, (tuple, list)) and len(step) == 2 for step in steps
    )
    return pairs and len(steps) > 0


def check_classifier(estimator, name, owner):
    """Raise an InvalidParameterError if a parameter is not a classifier.

    Parameters
    ----------
    estimator : object
        The value of the parameter.
    name : str
        Name of the parameter, for the error.
    owner : str
        Name of the function or class that has the parameter, for the error.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> check_classifier(KMeans(), "estimator", "DistilledClassifier")
    Traceback (most recent call last):
        ...
    sklearn.utils._param_validation.InvalidParameterError: The 'estimator' parameter of \
DistilledClassifier must be a classifier. Got KMeans, a clusterer, instead.
    """
    problem = why_no_classifier(estimator)
    if problem:
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be a classifier. Got {problem} instead."
        )


def why_no_classifier(estimator):
    """Describe an object that is not a classifier, nor a pipeline that ends in one; else None.

    An estimator that scikit-learn's tags give no type is one if it predicts labels and scores.
    """
    if isinstance(estimator, type):
        return f"the class {estimator.__name__}, not an instance of it ({estimator.__name__}()),"
    if not hasattr(estimator, "fit"):
        return describe(estimator)
    last = last_step(estimator)
    if isinstance(last, Pipeline):
        return "a Pipeline without steps" if last.steps == [] else f"a Pipeline of {last.steps!r}"
    if isinstance(last, type):
        return f"a pipeline that ends in the class {last.__name__}, not in an instance of it,"
    kind = _kind_of(last)
    scores = any(hasattr(last, method) for method in ("predict_proba", "decision_function"))
    if kind == "classifier" or (kind is None and scores and hasattr(last, "predict")):
        return None
    where = "" if last is estimator else "a pipeline that ends in "
    what = repr(last) if last is None or isinstance(last, str) else type(last).__name__
    return f"{where}{what}{_NOUNS.get(kind, '')}"


_NOUNS = {
    "regressor": ", a regressor,",
    "clusterer": ", a clusterer,",
    "outlier_detector": ", an outlier detector,",
    "density_estimator": ", a density estimator,",
}


def _kind_of(estimator):
    """Return the type of an estimator, as scikit-learn's tags or, for older ones, it gives it."""
    if isinstance(estimator, ClassifierMixin):  # also if it follows BaseEstimator, which hides it
        return "classifier"
    if hasattr(estimator, "__sklearn_tags__"):
        return get_tags(estimator).estimator_type
    return getattr(estimator, "_estimator_type", None)
