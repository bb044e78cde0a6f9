"""DataMapSelector: keep the rows of one region of the data map."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from os import PathLike
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer_names
from sklearn.utils import ClassifierTags, check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from sklearn_carto._inputs._containers import check_missing, holds_containers, n_samples_of, take
from sklearn_carto._inputs._fingerprint import fingerprint
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._maps._regions import choose_rows, parse_region
from sklearn_carto._selection._auto import search_region
from sklearn_carto._selection._proxy import ProxyModel, as_proxy, default_proxy
from sklearn_carto._utils._compat import (
    HasMethods,
    Interval,
    StrOptions,
    _check_feature_names,
    _check_n_features,
    _fit_context,
    _routing_enabled,
)


class DataMapSelector(TransformerMixin, OneToOneFeatureMixin, BaseEstimator):
    """Keep the rows of a training set that lie in one region of its data map.

    Watches a probe learn the training set, draws the data map, and keeps exactly
    ``max(1, round(frac * n_samples))`` rows. `transform` returns fewer rows when it meets the
    training set, and any other rows unchanged.

    A step of a plain scikit-learn Pipeline cannot drop rows ahead of a classifier, because the
    pipeline keeps the old `y`. Use :class:`DistilledClassifier` there, or :class:`DataMapSampler`
    in a pipeline of imbalanced-learn.

    Parameters
    ----------
    estimator : estimator, default=None
        The probe. A :class:`CartographyClassifier` is used as it is; any other classifier that
        can be watched is wrapped in one; a fitted CartographyClassifier in a
        :class:`~sklearn.frozen.FrozenEstimator` is not trained again. None: a small
        HistGradientBoostingClassifier watched through its 20 stages on dense rows, SGDClassifier
        with log loss on sparse ones.
    region : str, callable or mapping, default="ambiguous"
        Which rows: see :meth:`DataMap.select`. Besides, "auto" finds the rule that teaches best,
        by cross-validation on the training rows alone: random, median or easy; and after an
        estimated noise cut random, coverage, weighted, dual-beta, median or ambiguous. It is taken
        only if it beats random by more than one standard error; else random is.
    frac : float, default=0.33
        Share of the rows to keep, in (0, 1].
    noise_cut : float, mapping of class to float or "auto", default=0.0
        Share of each class, lowest margin first, that is set aside before any rule, in [0, 1).
        "auto": as many as confident learning [2]_ counts from probabilities out of fold, never more
        than half a class. The region "auto" does not heed it.
    stratify : bool, default=True
        Whether each class keeps its share of the rows. False is the paper's rule.
    memory : str, path-like, joblib.Memory or None, default=None
        Where to cache maps. The key covers data, labels, weights, the probe's parameters and our
        version, so that a grid search over `region` and `frac` trains the probe once a fold.
    random_state : int, RandomState instance or None, default=None
        Breaks ties, draws where a rule draws, and seeds the probe.
    final_estimator : estimator, default=None
        The model that is trained to score the candidates of "auto". None: the probe;
        :class:`DistilledClassifier` and :func:`compare_subsets` put their final estimator here.
    scoring : str, callable or None, default=None
        What "auto" scores by. None: the final estimator's own `score`, or balanced accuracy
        where one class has more than twice the rows of another.
    cv : int, cross-validation generator or iterable, default=4
        Folds of "auto", for candidates and for the noise cut.
    n_jobs : int, default=None
        Folds and candidates of "auto" that run in parallel. The result is the same for any number.

    Attributes
    ----------
    data_map_ : DataMap
        The map of the training set.
    sample_indices_ : ndarray of shape (n_selected,)
        The rows kept, ascending.
    region_ : str, callable or mapping
        The region that was used; of "auto" the one that it chose.
    noise_cut_ : float or dict of class to float
        The cut that was used; of "auto" what it counted.
    auto_results_ : dict of str to ndarray of shape (n_candidates,)
        Only after "auto", what was tried: `region`, `noise_cut` (whether one was made),
        `mean_score`, `mean_gain` over random, its `standard_error`, `chosen`, and
        `split<k>_score`; NaN where a candidate was given up.
    n_features_in_ : int
        Number of features, where X has two dimensions.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has names that are all strings.

    See Also
    --------
    DistilledClassifier : Select, then train on what was selected.
    DataMapSampler : The same rule as a sampler of imbalanced-learn.
    compare_subsets : Find out which region teaches best.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 3.
    .. [2] C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in
       Dataset Labels", JAIR 70, 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_carto import DataMapSelector
    >>> X, y = load_iris(return_X_y=True)
    >>> selector = DataMapSelector(region="ambiguous", frac=0.2, random_state=0)
    >>> X_few = selector.fit_transform(X, y)
    >>> X_few.shape, y[selector.sample_indices_].shape
    ((30, 4), (30,))
    >>> selector.transform(X[:5]).shape  # rows that are not the training set pass through
    (5, 4)
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit"), None],
        "region": [str, callable, Mapping],
        "frac": [Interval(Real, 0, 1, closed="right")],
        "noise_cut": [Interval(Real, 0, 1, closed="left"), Mapping, StrOptions({"auto"})],
        "stratify": ["boolean"],
        "memory": [str, PathLike, HasMethods("cache"), None],
        "random_state": ["random_state"],
        "final_estimator": [HasMethods("fit"), None],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        region="ambiguous",
        frac=0.33,
        noise_cut=0.0,
        stratify=True,
        memory=None,
        random_state=None,
        final_estimator=None,
        scoring=None,
        cv=4,
        n_jobs=None,
    ):
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

    def fit(self, X, y=None, sample_weight=None, **params):
        """Draw the data map and choose rows.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The training rows: what the probe takes.
        y : array-like of shape (n_samples,)
            Labels of any type; needed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, for the probe.
        **params : dict
            Further arguments of the probe's `fit`.

        Returns
        -------
        self : DataMapSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If the region is unknown, a share is out of range, a frozen map is one of other
            rows, or "auto" meets a class with fewer rows than folds.
        """
        if sample_weight is not None:
            params = {**params, "sample_weight": sample_weight}
        return self._fit_with_params(X, y, params, None)

    @_fit_context(prefer_skip_nested_validation=False)
    def _fit_with_params(self, X, y, params, final_estimator_params):
        """Fit, with further arguments of the final estimator's `fit`."""
        if self.region != "auto":
            parse_region(self.region)
        y, _, _ = check_labels(y, self)
        if _routing_enabled() and params:
            params = process_routing(self, "fit", **params).estimator.fit
        random_state = self.random_state
        if random_state is not None and not isinstance(random_state, np.random.RandomState):
            random_state = int(random_state)
        proxy = ProxyModel(
            self.estimator,
            X,
            y,
            seed=random_state,
            memory=self.memory,
            params=params,
            cv=self.cv,
            n_jobs=self.n_jobs,
        )
        self.data_map_ = proxy.data_map
        chosen = select_rows(self, proxy, random_state, final_estimator_params)
        self.sample_indices_, self.region_, self.noise_cut_ = chosen[:3]
        if chosen.auto_results is not None:
            self.auto_results_ = chosen.auto_results
        self._check_columns(X, reset=True)
        self._training_set = fingerprint(X)
        return self

    def transform(self, X):
        """Return fewer rows if X is the training set, and X as it is otherwise.

        To predict or score on training rows too, use :class:`DistilledClassifier`, which selects
        rows while it trains alone.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The training set (known again by its values, types and names of columns, however they
            lie in memory), or other rows.

        Returns
        -------
        X : container of shape (n_selected, n_features) or (n_samples, n_features)
            Of the kind that came in; a data frame keeps its index.
        """
        check_is_fitted(self)
        self._check_columns(X, reset=False)
        if n_samples_of(X) != self.data_map_.n_samples or fingerprint(X) != self._training_set:
            return X
        return take(X, self.sample_indices_)

    def _check_columns(self, X, *, reset):
        if holds_containers(X):  # the inputs of a net, which know no number of features
            return
        _check_feature_names(self, X, reset=reset)
        if hasattr(self, "n_features_in_") and not reset and getattr(X, "ndim", 2) == 1:
            raise ValueError(
                f"Expected 2D array, got 1D array instead: {type(self).__name__} was fitted on "
                f"{self.n_features_in_} features. Reshape your data with X.reshape(1, -1) if it is "
                "a single row."
            )
        _check_n_features(self, X, reset=reset)
        check_missing(X, self)

    def get_support(self, indices=False):
        """Say which training rows are kept.

        Parameters
        ----------
        indices : bool, default=False
            Whether to return indices in the place of a mask.

        Returns
        -------
        support : ndarray of shape (n_samples,) of bool, or (n_selected,) of int
            The mask, or the indices, ascending.
        """
        check_is_fitted(self)
        if indices:
            return self.sample_indices_
        mask = np.zeros(self.data_map_.n_samples, dtype=bool)
        mask[self.sample_indices_] = True
        return mask

    def get_metadata_routing(self):
        """Say which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            Maps `fit` to the `fit` of the probe.
        """
        router = MetadataRouter(owner=self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        if self.estimator is None or isinstance(self.estimator, FrozenEstimator):
            return router
        return router.add(estimator=as_proxy(self.estimator), method_mapping=mapping)

    def __sklearn_tags__(self):
        """Take over what the probe says of its input; a target is needed."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_label=False)
        if self.estimator is None:
            tags.input_tags.sparse = tags.input_tags.allow_nan = True
        else:
            tags.input_tags = get_tags(self.estimator).input_tags
        return tags


class Chosen(NamedTuple):
    """Rows, and how they were chosen."""

    rows: np.ndarray
    region: object
    noise_cut: object
    auto_results: dict | None


def select_rows(selector, proxy, random_state, final_estimator_params=None):
    """Choose rows of a probed training set as a selector's parameters say.

    Parameters
    ----------
    selector : DataMapSelector
        Its parameters count, nothing that it learned.
    proxy : ProxyModel
        The training set.
    random_state : int, RandomState instance or None
        Breaks ties, draws where a rule draws.
    final_estimator_params : dict, default=None
        Further arguments of the final estimator's `fit`; None: those of the probe's that it takes.

    Returns
    -------
    chosen : Chosen
        The rows, ascending, with region and noise cut as they were used.
    """
    region, cut, results = selector.region, selector.noise_cut, None
    if isinstance(region, str) and region == "auto":
        final_estimator = selector.final_estimator
        if final_estimator is None:
            own = selector.estimator
            final_estimator = as_proxy(default_proxy(proxy.X) if own is None else own)
            final_estimator.set_params(cv=None, keep_history=False)  # it learns, and is not watched
            final_estimator_params = proxy.params
        region, cut, results = search_region(
            proxy,
            selector.frac,
            final_estimator=final_estimator,
            final_estimator_params=final_estimator_params,
            scoring=selector.scoring,
            stratify=selector.stratify,
        )
    elif isinstance(cut, str):
        cut = proxy.estimated_cut
    rows = choose_rows(
        proxy.data_map,
        region,
        selector.frac,
        noise_cut=cut,
        stratify=selector.stratify,
        random_state=check_random_state(random_state),
    )
    return Chosen(rows, region, cut, results)
