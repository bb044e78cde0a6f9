"""DistilledClassifier: a classifier that is fitted on a selection of the training samples."""

from __future__ import annotations

from numbers import Integral

from sklearn.base import clone
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_carto._inputs._containers import check_missing, check_same_length, take
from sklearn_carto._inputs._labels import check_labels, check_not_regressor
from sklearn_carto._selection._final_estimator import fit_final_estimator
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._utils._compat import (
    HasMethods,
    _check_method_params,
    _fit_context,
    _routing_enabled,
)
from sklearn_carto._utils._metaestimators import DelegatingClassifier
from sklearn_carto._watching._find import can_watch
from sklearn_carto._watching._pipelines import check_fit_params


def default_selector(estimator):
    """Create the selector that is used if none is given.

    Its proxy model is the estimator itself if it can be watched, and its seed is that of the
    estimator, so that one seed determines the result.
    """
    seed = estimator.get_params().get("random_state")
    return DataMapSelector(
        clone(estimator) if can_watch(estimator) else None,
        random_state=seed if isinstance(seed, Integral) else None,
    )


def with_final_estimator(selector, estimator):
    """Clone a selector and set its `final_estimator`, unless it has one."""
    selector = clone(selector)
    if selector.final_estimator is None:
        selector.set_params(final_estimator=clone(estimator))
    return selector


class DistilledClassifier(DelegatingClassifier):
    """Meta-estimator that fits a classifier on the samples that a selector keeps.

    Samples are selected in `fit` only; prediction and scoring use all samples. It can therefore be
    the last step of a :class:`~sklearn.pipeline.Pipeline`, and be passed to
    :func:`~sklearn.model_selection.cross_validate` and
    :class:`~sklearn.model_selection.GridSearchCV`, also with training samples to predict.

    Parameters
    ----------
    estimator : estimator
        The classifier that is fitted on the selected samples.
    selector : DataMapSelector, default=None
        The selector. None: ``DataMapSelector(estimator)`` if the estimator can be watched, else
        ``DataMapSelector()``. Pass one to search over its parameters, such as
        ``selector__region``.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    selector_ : DataMapSelector
        The fitted selector, with `data_map_` and `sample_indices_`.
    classes_ : ndarray of shape (n_classes,)
        The class labels of the selected samples.
    n_features_in_ : int
        Number of features seen during `fit`. Only defined if the underlying estimator exposes it.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen during `fit`. Only defined if the underlying estimator exposes
        them.

    See Also
    --------
    DataMapSelector : The selector as a transformer.
    compare_subsets : Compare the scores of models that are fitted on different regions.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_carto import DataMapSelector, DistilledClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> selector = DataMapSelector(region="coverage", frac=0.2, random_state=0)
    >>> model = DistilledClassifier(LogisticRegression(max_iter=1000), selector).fit(X, y)
    >>> len(model.selector_.sample_indices_)
    30
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit")],
        "selector": [DataMapSelector, None],
    }

    def __init__(self, estimator, selector=None):
        self.estimator = estimator
        self.selector = selector

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, **params):
        """Select samples and fit the classifier on them.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Training samples, of a type that the selector and the estimator accept.
        y : array-like of shape (n_samples,)
            Labels of any type.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. The selector's proxy model receives all of them, the estimator those of
            the selected samples.
        **params : dict
            Further arguments of both; those with one entry for each sample are indexed like the
            weights. If metadata routing is enabled, they are routed by the requests of the
            selector's proxy model and of the estimator.

        Returns
        -------
        self : DistilledClassifier
            The fitted classifier.
        """
        check_not_regressor(self.estimator)
        y, classes, _ = check_labels(y, self)
        check_same_length(X, y)
        check_missing(X, self)
        if sample_weight is not None:
            params = {**params, "sample_weight": sample_weight}
        # 1. Assign the parameters to selector and estimator.
        selector_params = estimator_params = params
        if _routing_enabled() and params:
            routed = process_routing(self, "fit", **params)
            selector_params, estimator_params = routed.selector.fit, routed.estimator.fit
        else:
            check_fit_params(self.estimator, "fit", estimator_params)
        # 2. Select samples; candidates of "auto" are fitted like the estimator.
        selector = self._selector()
        final_estimator_params = estimator_params if selector.final_estimator is None else None
        selector = with_final_estimator(selector, self.estimator)
        selector._fit_with_params(X, y, selector_params, final_estimator_params)
        # 3. Fit the estimator on them.
        selected = selector.sample_indices_
        model = fit_final_estimator(
            clone(self.estimator),
            take(X, selected),
            y[selected],
            params=_check_method_params(X, estimator_params, indices=selected),
            classes=classes,
        )
        self.selector_ = selector
        self.estimator_, self.classes_, self._encodes_labels = model
        return self

    def _selector(self):
        return default_selector(self.estimator) if self.selector is None else self.selector

    def get_metadata_routing(self):
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            Routes metadata of `fit` to `fit` of the selector and of the estimator.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return (
            MetadataRouter(owner=self)
            .add(selector=self._selector(), method_mapping=mapping)
            .add(estimator=self.estimator, method_mapping=mapping)
        )
