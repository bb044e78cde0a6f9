"""DataMapSampler: DataMapSelector as a sampler of imbalanced-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_target_type

from sklearn_carto._inputs._containers import check_same_length, n_columns_of, take
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._selection._fit import fit_selection
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._utils._compat import _check_feature_names, _check_n_features, _fit_context
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


class DataMapSampler(BaseSampler):
    """Select the samples in a region of the data map, as a sampler of imbalanced-learn.

    It selects the same samples as :class:`DataMapSelector`. It is a separate class because the
    pipeline of imbalanced-learn does not accept an object with both `transform` and
    `fit_resample`. It does not support sample weights.

    Parameters
    ----------
    estimator : estimator, default=None
        The proxy model, whose training dynamics are recorded; see :class:`DataMapSelector`.
    region : str, callable or mapping, default="ambiguous"
        The region, see :meth:`DataMap.select`, or one of :class:`DataMapSelector`.
    frac : float or "auto", default=0.33
        Share of the samples to keep, in (0, 1]. "auto": the smallest share whose cross-validated
        score is as good as the best; see :class:`DataMapSelector`.
    noise_cut : float, mapping of class to float or "auto", default=0.0
        Share of each class, in [0, 1), that is excluded before the region is selected, lowest
        margin first. "auto": the samples whose label is suspect.
    stratify : bool, default=True
        Whether to preserve the class proportions. Set to False for the selection of [1]_.
    memory : str, path-like, joblib.Memory or None, default=None
        Where to cache maps.
    random_state : int, RandomState instance or None, default=None
        Seeds the proxy model, the folds of "auto", the random selection rules, and the breaking of
        ties.
    final_estimator : estimator, default=None
        The estimator that is fitted on the selected samples and scored if `region` or `frac` is
        "auto". None: the proxy model.
    scoring : str, callable or None, default=None
        Single metric to score the candidates of "auto"; see :class:`DataMapSelector`.
    cv : int, cross-validation generator or iterable, default=4
        Cross-validation of "auto" and "clean".
    n_jobs : int, default=None
        Number of folds and candidates of "auto" that are fitted in parallel.
    tolerance : float, default=None
        If `frac` is "auto", how far the score of the chosen share may lie below the best one; see
        :class:`DataMapSelector`.

    Attributes
    ----------
    data_map_ : DataMap
        The data map of the training set.
    sample_indices_ : ndarray of shape (n_selected,)
        Indices of the selected samples, in ascending order.
    region_ : str, callable or mapping
        The region; the one that was chosen if `region` is "auto".
    frac_ : float
        The share; the one that was chosen if `frac` is "auto".
    noise_cut_ : float or dict of class to float
        The noise cut; the one that was estimated if it is determined by "auto" or "clean".
    auto_results_ : dict of str to ndarray of shape (n_candidates,)
        Only if `region` or `frac` is "auto": the candidates and their scores; see
        :class:`DataMapSelector`.
    region_results_ : dict of str to ndarray of shape (n_candidates,)
        Only if both `region` and `frac` are "auto": the candidates for the region.
    sampling_strategy_ : dict of label to int
        Number of selected samples in each class.
    n_features_in_ : int
        Number of features seen during `fit_resample`. Only defined if `X` has two dimensions.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit_resample`. Defined only when `X` has feature names that
        are all strings.

    See Also
    --------
    DataMapSelector : The same selection as a transformer.
    DistilledClassifier : Fit a classifier on the selected samples.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 3.

    Examples
    --------
    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_carto import DataMapSampler
    >>> X, y = load_iris(return_X_y=True)
    >>> sampler = DataMapSampler(region="coverage", frac=0.2, random_state=0)
    >>> model = make_pipeline(sampler, LogisticRegression(max_iter=1000)).fit(X, y)
    >>> len(model[0].sample_indices_)
    30
    """

    _sampling_type = "bypass"
    sampling_strategy = "auto"  # read by the base class; `region` determines what is sampled
    _parameter_constraints: dict = DataMapSelector._parameter_constraints

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

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_resample(self, X: Container, y: ArrayLike) -> tuple[Container, Array]:
        """Draw the data map and select samples.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Training samples, of a type that the proxy model accepts.
        y : array-like of shape (n_samples,)
            Labels of any type.

        Returns
        -------
        X_resampled : container of shape (n_selected, n_features)
            The selected samples, in the type of the input.
        y_resampled : array-like of shape (n_selected,)
            Their labels, in the type of the input.
        """
        labels: Any = y
        if len(getattr(labels, "shape", ())) == 2 and labels.shape[1] > 1:  # one column a class
            labels, _ = check_target_type(y, indicate_one_vs_all=True)
        labels, _, _ = check_labels(labels, self)
        check_same_length(X, labels)
        resampled = self._fit_resample(X, y, labels)
        if n_columns_of(X) is not None:
            _check_feature_names(self, X, reset=True)
            _check_n_features(self, X, reset=True)
        return resampled

    def _fit_resample(self, X, y, labels):
        fit_selection(self, X, labels, {})
        selected = self.sample_indices_
        classes, counts = np.unique(np.asarray(labels)[selected], return_counts=True)
        self.sampling_strategy_ = dict(zip(classes.tolist(), counts.tolist(), strict=True))
        return take(X, selected), take(y, selected)

    def __sklearn_tags__(self):
        """Take the input tags of the proxy model."""
        tags = super().__sklearn_tags__()
        input_tags = DataMapSelector(**self.get_params(deep=False)).__sklearn_tags__().input_tags
        for name in ("sparse", "allow_nan", "string"):
            setattr(tags.input_tags, name, getattr(input_tags, name))
        tags.sampler_tags.sample_indices = True
        return tags
