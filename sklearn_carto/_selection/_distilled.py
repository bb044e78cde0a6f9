"""DistilledClassifier: a classifier that is fitted on a selection of the training samples."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
    process_routing,
)
from sklearn.utils.validation import check_consistent_length

from sklearn_carto._inputs._containers import check_missing, check_same_length, take
from sklearn_carto._inputs._dataset_columns import named_labels
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._selection._final_estimator import fit_final_estimator
from sklearn_carto._selection._fit import check_classes_left, check_final_estimator, proxy_of
from sklearn_carto._selection._fit_params import (
    assign_params,
    excluded_rows,
    takes_param,
)
from sklearn_carto._selection._proxy import can_be_proxy
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import (
    HasMethods,
    InvalidParameterError,
    _fit_context,
    _routing_enabled,
    own_request,
)
from sklearn_carto._utils._metaestimators import (
    DelegatingClassifier,
)
from sklearn_carto._utils._typing import ArrayLike, Container, Estimator
from sklearn_carto._watching._training_set import take_params


def default_selector(estimator):
    """Create the selector that is used if none is given.

    Its seed is that of the estimator, so that one seed determines the result.
    """
    seed = estimator.get_params().get("random_state")
    return DataMapSelector(random_state=int(seed) if isinstance(seed, Integral) else None)


def complete_selector(selector, estimator):
    """Clone a selector and set what it lacks to the estimator that is fitted on the selection.

    Its proxy model is that estimator if this can be watched, and so is the final estimator of
    "auto". None: the default selector.
    """
    selector = default_selector(estimator) if selector is None else _clone_selector(selector)
    if selector.estimator is None:
        if can_be_proxy(estimator):
            selector.set_params(estimator=clone(estimator))
        elif _routing_enabled():  # the default proxy model requests weights as the estimator does
            _copy_weight_request(estimator, selector)
    if selector.final_estimator is None:
        selector.set_params(final_estimator=clone(estimator))
    return selector


def _clone_selector(selector):
    if hasattr(selector.cv, "__next__"):
        raise InvalidParameterError(
            f"The 'cv' parameter of {type(selector).__name__} is an iterator, which can be used "
            "once only, but the selector is copied. Pass a list of its folds."
        )
    return clone(selector)


def _copy_weight_request(estimator, selector):
    if own_request(selector).fit.requests.get("sample_weight") is None:
        consumed = get_routing_for_object(estimator).consumes("fit", ["sample_weight"])
        selector.set_fit_request(sample_weight=bool(consumed))


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
        The selector, of which a clone is fitted. None: ``DataMapSelector()`` with the seed of the
        estimator. If the selector has no `estimator` of its own, the proxy model is the estimator
        that is fitted on the selected samples, provided that its training can be watched;
        otherwise the default of :class:`DataMapSelector`. ``selector_.estimator`` shows which (None
        is the default). Pass a selector to search over its parameters, such as
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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

    selector_: DataMapSelector

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit")],
        "selector": [DataMapSelector, None],
    }
    # the groups of an outer cross-validation are not those of the inner one, unless requested
    __metadata_request__fit: ClassVar = {"groups": False}

    def __init__(self, estimator: Estimator, selector: DataMapSelector | None = None) -> None:
        self.estimator = estimator
        self.selector = selector

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Container,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Select samples and fit the classifier on them.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Training samples, of a type that the selector and the estimator accept.
        y : array-like of shape (n_samples,)
            Labels of any type. If `X` is a Hugging Face Dataset, also the name of the column of the
            labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, for each of the selector's proxy model and the estimator that takes
            them. Samples of weight 0 are never selected.
        groups : array-like of shape (n_samples,), default=None
            Group labels of the samples, for the `cv` of a selector with "auto" or "clean", and
            that of the estimator, if it is a search.
        **params : dict
            Further arguments of `fit`, for each of the proxy model and the estimator that takes
            them; for a pipeline ``<step>__<name>``, or without a prefix for its last step. The
            prefix ``selector__`` means the proxy model alone. The proxy model receives all entries
            of arguments with one entry for each sample, the estimator those of the selected
            samples. If metadata routing is enabled, arguments are routed by the requests of the
            proxy model and of the estimator instead.

        Returns
        -------
        self : DistilledClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If the selected samples have a single class, and where :class:`DataMapSelector` raises.
        TypeError
            If neither the proxy model nor the estimator takes one of the arguments.
        """
        name = type(self).__name__
        check_final_estimator(self.estimator, name)
        y, _, _ = check_labels(named_labels(X, y), self)
        check_same_length(X, y)
        check_consistent_length(y, groups)
        check_missing(X, self)
        if sample_weight is not None:
            params = {**params, "sample_weight": sample_weight}
        # 1. Assign the arguments to selector and estimator.
        selector = complete_selector(self.selector, self.estimator)
        proxy_params, estimator_params = self._assign(params, groups, selector, X)
        excluded = excluded_rows(self.estimator, estimator_params, X, len(y), name)
        check_classes_left(y, excluded, name)
        # 2. Select samples; candidates of "auto" are fitted like the estimator.
        own_final = None if self.selector is None else self.selector.final_estimator
        selector._fit_with_params(
            X,
            y,
            proxy_params,
            groups=groups,
            final_estimator_params=estimator_params if own_final is None else None,
            excluded_mask=excluded,
        )
        # 3. Fit the estimator on them.
        selected = selector.sample_indices_
        _check_selected(y[selected], name)
        excluded = selector.data_map_.excluded_mask
        model = fit_final_estimator(
            clone(self.estimator),
            take(X, selected),
            y[selected],
            params=take_params(estimator_params, selected, len(y)),
            classes=np.unique(y if excluded is None else y[~excluded]),
        )
        self.selector_ = selector
        self.estimator_, self.classes_, self._encodes_labels = model
        return self

    def _assign(self, params, groups, selector, X):
        """Divide the arguments of `fit` between the proxy model and the estimator."""
        if _routing_enabled():
            if groups is not None and get_routing_for_object(self).consumes("fit", ["groups"]):
                params = {**params, "groups": groups}
            if not params:
                return {}, {}
            routed = process_routing(self, "fit", **params)
            for_selector = dict(routed.selector.fit)
            for_selector.pop("groups", None)
            if selector.estimator is not None and for_selector:
                for_selector = process_routing(selector, "fit", **for_selector).estimator.fit
            return for_selector, routed.estimator.fit
        if groups is not None and takes_param(self.estimator, "groups"):
            params = {**params, "groups": groups}
        frozen = isinstance(selector.estimator, FrozenEstimator)
        proxy = selector.estimator if frozen else proxy_of(selector.estimator, X)
        return assign_params(params, proxy, self.estimator, type(self).__name__)

    def get_metadata_routing(self) -> Any:
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            Routes metadata of `fit` to `fit` of the selector and of the estimator.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        request = own_request(self)
        request.fit.requests.pop("sample_weight", None)  # of the selector and of the estimator
        return (
            MetadataRouter(owner=self)
            .add_self_request(request)
            .add(selector=complete_selector(self.selector, self.estimator), method_mapping=mapping)
            .add(estimator=self.estimator, method_mapping=mapping)
        )


def _check_selected(y, owner):
    """Raise an error if the selected samples have a single class."""
    classes = np.unique(y).tolist()
    if len(classes) < 2:
        raise ValueError(
            f"{owner} needs at least two classes, but all {len(y)} selected samples have the class "
            f"{classes[0]!r}. Raise the selector's frac, set its stratify=True, or choose another "
            "region."
        )
