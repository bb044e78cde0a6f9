"""DataMapSelector: keep the samples in a region of the data map."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer_names
from sklearn.utils import ClassifierTags, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from sklearn_carto._inputs._containers import (
    check_missing,
    n_columns_of,
    n_samples_of,
    same_values,
    take,
)
from sklearn_carto._inputs._fingerprint import fingerprint
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._selection._fit import fit_selection
from sklearn_carto._selection._proxy import as_proxy, can_be_proxy
from sklearn_carto._utils._compat import (
    HasMethods,
    Interval,
    StrOptions,
    _check_feature_names,
    _check_n_features,
    _fit_context,
    _routing_enabled,
    own_request,
)
from sklearn_carto._utils._typing import (
    Array,
    ArrayLike,
    Container,
    CrossValidation,
    Estimator,
    RandomStateType,
    Region,
    Scoring,
)
from sklearn_carto._utils._validation import Count, Number, validate_params


class DataMapSelector(TransformerMixin, OneToOneFeatureMixin, BaseEstimator):
    """Select the samples of a training set that lie in a region of its data map.

    A proxy model [2]_, the model whose training dynamics are recorded, is fitted on the training
    set. Its data map is drawn, and ``max(1, round(frac * n_samples))`` samples of a region are
    kept. The proxy model may be cheaper than the model that is later fitted on them. Samples of
    weight 0 are absent: they are on the map, but are neither selected nor counted.

    `transform` returns the selected samples if it is passed the training set, and any other samples
    unchanged.

    A scikit-learn Pipeline does not allow a step to drop samples ahead of a classifier, because it
    passes on the original `y`. Use :class:`DistilledClassifier` there, or :class:`DataMapSampler`
    in a pipeline of imbalanced-learn.

    Parameters
    ----------
    estimator : estimator, default=None
        The proxy model:

        - a :class:`CartographyClassifier` is used as it is;
        - any other classifier that can be watched is wrapped in one;
        - a fitted CartographyClassifier in a :class:`~sklearn.frozen.FrozenEstimator` is not fitted
          again;
        - None: HistGradientBoostingClassifier with 20 stages if X is dense, SGDClassifier with log
          loss if it is sparse; in :class:`DistilledClassifier` and :func:`compare_subsets`, the
          classifier to fit, if its training can be watched.
    region : str, callable or mapping, default="ambiguous"
        The region, see :meth:`DataMap.select`, or

        - "auto": the selection rule with the best cross-validated score of the final estimator on
          the training set. Candidates are random and easy, and after an estimated noise cut
          weighted (with twice the cut) and dual-beta; for shares of at most .2, random and easy,
          and weighted, median and, with numeric features, prototypes after a cut. A candidate is
          chosen only if its mean gain over random exceeds one standard error; otherwise random is.
        - "clean": all samples but those whose label is suspect. At least half of each class is
          kept. `frac`, `noise_cut` and `stratify` play no part.
        - "prototypes": nearest to the centers of clusters of the numeric features [4]_, found in
          each class.
    frac : float or "auto", default=0.33
        Share of the samples to keep, in (0, 1]. "auto": the smallest share whose cross-validated
        score is at most `tolerance` below that of the best share; tried are all samples, all
        without suspect labels, and .75, .5, .33, .2, .1 and .05 of them in the region. If `region`
        is "auto", it is chosen at a share of .33 first.
    noise_cut : float, mapping of class to float or "auto", default=0.0
        Share of each class, in [0, 1), that is excluded before the region is selected, lowest
        margin first. "auto": the samples whose label is suspect, as many as confident learning
        [3]_ counts from out-of-fold probabilities, at most one half of a class. Ignored if
        `region` is "auto" or "clean".
    stratify : bool, default=True
        Whether to preserve the class proportions. Set to False for the selection of [1]_.
    memory : str, path-like, joblib.Memory or None, default=None
        Where to cache maps. The cache key includes the data, labels, weights, the parameters of the
        proxy model and the version of this package, so that a grid search over `region` and `frac`
        fits the proxy model once for each split.
    random_state : int, RandomState instance or None, default=None
        Seeds the proxy model, the folds of "auto", the random selection rules, and the breaking of
        ties. Pass an int for reproducible output across multiple function calls.
    final_estimator : estimator, default=None
        The estimator that is fitted on the selected samples and scored if `region` or `frac` is
        "auto". None: the proxy model. :class:`DistilledClassifier` and :func:`compare_subsets` set
        it to their estimator.
    scoring : str, callable or None, default=None
        Single metric to score the candidates of "auto". None: `score` of the final estimator, or
        balanced accuracy if the largest class has more than twice the samples of the smallest.
    cv : int, cross-validation generator or iterable, default=4
        Cross-validation of "auto" and "clean", with disjoint test sets. The default leaves three
        quarters of the samples to each fit.
    n_jobs : int, default=None
        Number of folds and candidates of "auto" that are fitted in parallel. It does not affect the
        result.
    tolerance : float, default=None
        If `frac` is "auto", how far the score of the chosen share may lie below the best one, in
        the units of the score. None: one standard error of the mean difference to the best score,
        where differences are taken within each fold, whose test set is as hard for both.

    Attributes
    ----------
    data_map_ : DataMap
        The data map of the training set.
    sample_indices_ : ndarray of shape (n_selected,)
        Indices of the selected samples, in ascending order.
    region_ : str, callable or mapping
        The region; the one that was chosen if `region` is "auto".
    frac_ : float
        The share; the one that was chosen if `frac` is "auto", and the one that is kept if
        `region_` is "clean".
    noise_cut_ : float or dict of class to float
        The noise cut; the one that was estimated if it is determined by "auto" or "clean".
    auto_results_ : dict of str to ndarray of shape (n_candidates,)
        Only if `region` is "auto": the candidates (`region`, and whether there is a `noise_cut`),
        their `mean_score`, `mean_gain` over random and its `standard_error`, which one was
        `chosen`, and the scores `split<k>_score`. A score is NaN if the candidate was dropped
        before this split, if its selection lacks a class, or if the metric is undefined; such a
        candidate is not chosen. Only if `frac` is "auto": the shares `frac` from the largest, their
        `n_rows`, `mean_score`, `mean_difference` to the best one and its `standard_error`,
        `chosen`, and `split<k>_score`.
    region_results_ : dict of str to ndarray of shape (n_candidates,)
        Only if both `region` and `frac` are "auto": the candidates for the region.
    n_features_in_ : int
        Number of features seen during `fit`. Only defined if `X` has two dimensions.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Defined only when `X` has feature names that are all
        strings.

    See Also
    --------
    DistilledClassifier : Fit a classifier on the selected samples.
    DataMapSampler : The same selection as a sampler of imbalanced-learn.
    compare_subsets : Compare the scores of models that are fitted on different regions.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 3.
    .. [2] C. Coleman et al., "Selection via Proxy: Efficient Data Selection for Deep Learning",
       ICLR 2020.
    .. [3] C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in
       Dataset Labels", JAIR 70, 2021.
    .. [4] B. Sorscher et al., "Beyond neural scaling laws: beating power law scaling via data
       pruning", NeurIPS 2022, section 6.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_carto import DataMapSelector
    >>> X, y = load_iris(return_X_y=True)
    >>> selector = DataMapSelector(region="ambiguous", frac=0.2, random_state=0)
    >>> X_selected = selector.fit_transform(X, y)
    >>> X_selected.shape, y[selector.sample_indices_].shape
    ((30, 4), (30,))
    >>> selector.transform(X[:5]).shape  # other samples are returned unchanged
    (5, 4)
    """

    data_map_: DataMap
    sample_indices_: Array
    auto_results_: dict[str, Array]

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit"), None],
        "region": [str, callable, Mapping],
        "frac": [Number(0, 1, closed="right"), StrOptions({"auto"})],
        "noise_cut": [Number(0, 1, closed="left"), Mapping, StrOptions({"auto"})],
        "stratify": ["boolean"],
        "memory": [str, PathLike, HasMethods("cache"), None],
        "random_state": [Count(0, 2**32 - 1), np.random.RandomState, None],
        "final_estimator": [HasMethods("fit"), None],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "cv": ["cv_object"],
        "n_jobs": [Count(1), Interval(Integral, None, -1, closed="right"), None],
        "tolerance": [Number(0, None, closed="left"), None],
    }
    # the groups of an outer cross-validation are not those of the inner one, unless requested
    __metadata_request__fit: ClassVar = {"groups": False}

    def __init__(
        self,
        estimator: Estimator = None,
        *,
        region: Region = "ambiguous",
        frac: float | Literal["auto"] = 0.33,
        noise_cut: float | Mapping[Any, float] | Literal["auto"] = 0.0,
        stratify: bool = True,
        memory: Any = None,
        random_state: RandomStateType = None,
        final_estimator: Estimator = None,
        scoring: Scoring = None,
        cv: CrossValidation = 4,
        n_jobs: int | None = None,
        tolerance: float | None = None,
    ) -> None:
        self.estimator = estimator
        self.region = region
        self.frac = frac
        self.noise_cut = noise_cut
        self.stratify = stratify
        self.memory = memory
        self.random_state = random_state
        self.final_estimator = final_estimator
        self.scoring = scoring
        self.cv = cv
        self.n_jobs = n_jobs
        self.tolerance = tolerance

    def fit(
        self,
        X: Container,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Draw the data map of the training set and select samples.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Training samples, of a type that the proxy model accepts.
        y : array-like of shape (n_samples,)
            Labels of any type. Required. If `X` is a Hugging Face Dataset, also the name of the
            column of the labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, passed to the proxy model. Samples of weight 0 are on the map, but are
            never selected, and count neither in `frac` nor in a noise cut.
        groups : array-like of shape (n_samples,), default=None
            Group labels of the samples, for the `cv` of "auto" and that of a CartographyClassifier,
            for example :class:`~sklearn.model_selection.GroupKFold`.
        **params : dict
            Further arguments of the proxy model's `fit`.

        Returns
        -------
        self : DataMapSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If the region is unknown, a share is out of range, a frozen map was fitted on other
            samples, a class has fewer samples than "auto" has folds, all weights are 0, or the
            metric of "auto" is not finite for random, or for all other candidates.
        TypeError
            If the proxy model does not take one of the arguments.
        """
        if sample_weight is not None:
            params = {**params, "sample_weight": sample_weight}
        if _routing_enabled() and params and self.estimator is not None:
            params = process_routing(self, "fit", **params).estimator.fit
        return self._fit_with_params(X, y, params, groups=groups)

    @_fit_context(prefer_skip_nested_validation=False)
    def _fit_with_params(self, X, y, params, **options):
        """Fit with arguments that are routed already; for `options` see :func:`fit_selection`."""
        fit_selection(self, X, y, params, **options)
        # Keep what `transform` needs to recognise the training set.
        self._check_features(X, reset=True)
        self._training_set = fingerprint(X)
        return self

    def fit_transform(
        self, X: Container, y: ArrayLike | None = None, **fit_params: Any
    ) -> Container:
        """Draw the data map of the training set, and return the selected samples.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Training samples, of a type that the proxy model accepts.
        y : array-like of shape (n_samples,)
            Labels of any type. Required.
        **fit_params : dict
            Further arguments of `fit`.

        Returns
        -------
        X : container of shape (n_selected, n_features)
            The selected samples, in the type of the input; a data frame keeps its index.
        """
        return take(X, self.fit(X, y, **fit_params).sample_indices_)

    def transform(self, X: Container) -> Container:
        """Return the selected samples if X is the training set, otherwise X unchanged.

        To predict or score training samples, use :class:`DistilledClassifier`, which selects
        samples in `fit` only.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The training set, which is recognised by its values, types and feature names in any
            memory layout, or other samples.

        Returns
        -------
        X : container of shape (n_selected, n_features) or (n_samples, n_features)
            The samples, in the type of the input; a data frame keeps its index.
        """
        check_is_fitted(self)
        self._check_features(X, reset=False)
        if n_samples_of(X) != self.data_map_.n_samples or fingerprint(X) != self._training_set:
            return same_values(X)
        return take(X, self.sample_indices_)

    def _check_features(self, X, *, reset):
        """Check or learn the number and the names of features, if X has two dimensions."""
        if reset:  # forget those of an earlier fit
            self.__dict__.pop("n_features_in_", None)
        elif getattr(X, "ndim", 2) == 1 and hasattr(self, "n_features_in_"):
            raise ValueError(
                f"Expected 2D array, got 1D array instead: {type(self).__name__} was fitted on "
                f"{self.n_features_in_} features. Reshape your data with X.reshape(1, -1) if it is "
                "a single sample."
            )
        n_columns = n_columns_of(X)
        if n_columns is not None:
            _check_feature_names(self, X, reset=reset)
            _check_n_features(self, X, reset=reset)
        elif reset:
            self.__dict__.pop("feature_names_in_", None)
        check_missing(X, self)

    @validate_params(indices=["boolean"])
    def get_support(self, indices: bool = False) -> Array:
        """Get a mask, or integer index, of the selected training samples.

        Parameters
        ----------
        indices : bool, default=False
            If True, the return value is an array of integers instead of a boolean mask.

        Returns
        -------
        support : ndarray of shape (n_samples,) of bool, or (n_selected,) of int
            The mask, or the indices in ascending order.
        """
        check_is_fitted(self)
        if indices:
            return self.sample_indices_
        mask = np.zeros(self.data_map_.n_samples, dtype=bool)
        mask[self.sample_indices_] = True
        return mask

    def get_metadata_routing(self) -> Any:
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            Routes metadata of `fit` to `fit` of the proxy model. Weights for the default proxy
            model, and groups, are requested by ``set_fit_request`` of the selector itself.
        """
        request = own_request(self)
        if self.estimator is not None:  # requests weights itself
            request.fit.requests.pop("sample_weight", None)
        router = MetadataRouter(owner=self).add_self_request(request)
        if self.estimator is None or isinstance(self.estimator, FrozenEstimator):
            return router
        mapping = MethodMapping().add(caller="fit", callee="fit")
        proxy = as_proxy(self.estimator) if can_be_proxy(self.estimator) else self.estimator
        return router.add(estimator=proxy, method_mapping=mapping)

    def __sklearn_tags__(self):
        """Take the input tags of the proxy model; a target is required."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_label=False)
        if self.estimator is None:
            tags.input_tags.sparse = tags.input_tags.allow_nan = True
        else:
            tags.input_tags = get_tags(self.estimator).input_tags
        return tags
