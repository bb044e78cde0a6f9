"""DataMapSampler: the rule of DataMapSelector as a sampler of imbalanced-learn."""

from __future__ import annotations

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_target_type
from sklearn.utils.multiclass import check_classification_targets

from sklearn_carto._inputs._containers import holds_containers, take
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._utils._compat import _check_feature_names, _check_n_features, _fit_context


class DataMapSampler(BaseSampler):
    """Keep the rows of one region of the data map, in a pipeline of imbalanced-learn.

    The same rule as :class:`DataMapSelector`, as `fit_resample`; a class of its own, since that
    pipeline refuses an object that has both `transform` and `fit_resample`. It takes no weights.

    Parameters
    ----------
    estimator : estimator, default=None
        The probe; see :class:`DataMapSelector`.
    region : str, callable or mapping, default="ambiguous"
        Which rows: see :class:`DataMapSelector`.
    frac : float, default=0.33
        Share of the rows to keep, in (0, 1].
    noise_cut : float, mapping of class to float or "auto", default=0.0
        Share of each class, lowest margin first, that is set aside before any rule, in [0, 1);
        "auto": as many as confident learning counts.
    stratify : bool, default=True
        Whether each class keeps its share of the rows. False is the paper's rule.
    memory : str, path-like, joblib.Memory or None, default=None
        Where to cache maps.
    random_state : int, RandomState instance or None, default=None
        Breaks ties, draws where a rule draws, and seeds the probe.
    final_estimator : estimator, default=None
        The model that is trained to score the candidates of the region "auto". None: the probe.
    scoring : str, callable or None, default=None
        What "auto" scores by; see :class:`DataMapSelector`.
    cv : int, cross-validation generator or iterable, default=4
        Folds of "auto".
    n_jobs : int, default=None
        Folds and candidates of "auto" that run in parallel.

    Attributes
    ----------
    data_map_ : DataMap
        The map of the training set.
    sample_indices_ : ndarray of shape (n_selected,)
        The rows kept, ascending.
    region_, noise_cut_ : as the parameters
        What was used; of "auto" what it chose and counted.
    auto_results_ : dict of str to ndarray of shape (n_candidates,)
        Only after "auto": what was tried, see :class:`DataMapSelector`.
    sampling_strategy_ : dict of label to int
        How many rows of each class were kept.
    n_features_in_ : int
        Number of features, where X has two dimensions.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has names that are all strings.

    See Also
    --------
    DataMapSelector : The same as a transformer.
    DistilledClassifier : The same inside a classifier.

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
    sampling_strategy = "auto"  # asked for by the base class; the region says what is sampled
    _parameter_constraints: dict = DataMapSelector._parameter_constraints

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

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_resample(self, X, y):
        """Draw the data map and keep the rows of the region.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The training rows: what the probe takes.
        y : array-like of shape (n_samples,)
            Labels of any type.

        Returns
        -------
        X_resampled : container of shape (n_selected, n_features)
            Of the kind that came in.
        y_resampled : array-like of shape (n_selected,)
            Of the kind that came in.
        """
        check_classification_targets(y)
        labels, _ = check_target_type(y, indicate_one_vs_all=True)
        if not holds_containers(X):  # the inputs of a net know no number of features
            _check_feature_names(self, X, reset=True)
            _check_n_features(self, X, reset=True)
        return self._fit_resample(X, y, labels)

    def _fit_resample(self, X, y, labels):
        selector = DataMapSelector(**self.get_params(deep=False)).fit(X, labels)
        for name in ("data_map_", "region_", "noise_cut_", "auto_results_"):
            if hasattr(selector, name):
                setattr(self, name, getattr(selector, name))
        self.sample_indices_ = rows = selector.sample_indices_
        names, counts = np.unique(np.asarray(labels)[rows], return_counts=True)
        self.sampling_strategy_ = dict(zip(names.tolist(), counts.tolist(), strict=True))
        return take(X, rows), take(y, rows)

    def __sklearn_tags__(self):
        """Take over what the probe says of its input."""
        tags = super().__sklearn_tags__()
        inner = DataMapSelector(**self.get_params(deep=False)).__sklearn_tags__().input_tags
        for name in ("sparse", "allow_nan", "string"):
            setattr(tags.input_tags, name, getattr(inner, name))
        tags.sampler_tags.sample_indices = True
        return tags
