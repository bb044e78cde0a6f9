"""DistilledClassifier: select rows, then train on what was selected."""

from __future__ import annotations

from numbers import Integral

from sklearn.base import clone
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_carto._inputs._containers import check_same_length, refuse_missing, take
from sklearn_carto._inputs._labels import check_labels, check_not_regressor
from sklearn_carto._selection._final_estimator import train
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._utils._compat import (
    HasMethods,
    _check_method_params,
    _fit_context,
    _routing_enabled,
)
from sklearn_carto._utils._metaestimators import DelegatingClassifier
from sklearn_carto._watching._find import can_watch, check_fit_params


def default_selector(estimator):
    """Make the selector that is used where none is given.

    The estimator watches itself if it can; its seed is the selector's, so that one seed settles
    all.
    """
    seed = estimator.get_params().get("random_state")
    return DataMapSelector(
        clone(estimator) if can_watch(estimator) else None,
        random_state=seed if isinstance(seed, Integral) else None,
    )


def with_final_estimator(selector, estimator):
    """Clone a selector; the final estimator judges for "auto", unless another one does."""
    selector = clone(selector)
    return (
        selector
        if selector.final_estimator is not None
        else selector.set_params(final_estimator=clone(estimator))
    )


class DistilledClassifier(DelegatingClassifier):
    """Train a classifier on the rows that a selector keeps.

    The way to train on less at the end of a scikit-learn pipeline, in `cross_validate` and in
    `GridSearchCV`: rows are selected while it trains alone, and each row counts when it predicts.

    Parameters
    ----------
    estimator : estimator
        The classifier that is trained on the selected rows.
    selector : DataMapSelector, default=None
        What selects them. None: ``DataMapSelector(estimator)`` where the estimator can be watched,
        else ``DataMapSelector()``. To search over ``selector__region``, pass one.

    Attributes
    ----------
    estimator_ : estimator
        The trained classifier.
    selector_ : DataMapSelector
        The fitted selector, with `data_map_` and `sample_indices_`.
    classes_ : ndarray of shape (n_classes,)
        The labels that the classifier was trained on.
    n_features_in_ : int
        Number of features, where the inner estimator knows it.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where the inner estimator knows them.

    See Also
    --------
    DataMapSelector : Select alone.
    compare_subsets : Find out which region teaches best.

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
        """Select rows and train on them.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The training rows: what selector and estimator take.
        y : array-like of shape (n_samples,)
            Labels of any type.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights: whole for the selector's probe, those of the selected rows for the estimator.
        **params : dict
            Further arguments, for both; those with one entry a row are indexed like weights.

        Returns
        -------
        self : DistilledClassifier
            The fitted classifier.
        """
        check_not_regressor(self.estimator)
        y, classes, _ = check_labels(y, self)
        check_same_length(X, y)
        refuse_missing(X, self)
        if sample_weight is not None:
            params = {**params, "sample_weight": sample_weight}
        for_selector = for_estimator = params
        if _routing_enabled() and params:
            routed = process_routing(self, "fit", **params)
            for_selector, for_estimator = routed.selector.fit, routed.estimator.fit
        else:
            check_fit_params(self.estimator, "fit", for_estimator)
        given = self._selector()
        selector = with_final_estimator(given, self.estimator)
        final_estimator_params = for_estimator if given.final_estimator is None else None
        selector._fit_with_params(X, y, for_selector, final_estimator_params)
        rows = selector.sample_indices_
        model = train(
            clone(self.estimator),
            take(X, rows),
            y[rows],
            params=_check_method_params(X, for_estimator, indices=rows),
            classes=classes,
        )
        self.selector_ = selector
        self.estimator_, self.classes_, self._encodes_labels = model
        return self

    def _selector(self):
        return default_selector(self.estimator) if self.selector is None else self.selector

    def get_metadata_routing(self):
        """Say which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            Maps `fit` to the `fit` of selector and estimator.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return (
            MetadataRouter(owner=self)
            .add(selector=self._selector(), method_mapping=mapping)
            .add(estimator=self.estimator, method_mapping=mapping)
        )
