"""cross_distillation: models that are fitted on samples selected by the maps of other models."""

from __future__ import annotations

import numpy as np

from sklearn_carto._comparison._compare_subsets import check_selector
from sklearn_carto._comparison._results import ComparisonResults
from sklearn_carto._comparison._trials import Plan, Trial, run_trials
from sklearn_carto._maps._regions import describe_region, parse_region
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._watching._find import get_watcher


def cross_distillation(
    estimators,
    X,
    y,
    *,
    region="ambiguous",
    frac=0.33,
    selector=None,
    cv=None,
    groups=None,
    scoring=None,
    ood=None,
    n_seeds=1,
    match="epochs",
    error_score="raise",
    n_jobs=None,
    random_state=None,
    verbose=0,
):
    """Fit each model on the samples that are selected by the map of each model.

    The model whose training dynamics select the samples is called the reference model [1]_. All
    selections have the same size; a random one of this size and the full training set are
    baselines. All models are evaluated on the same test set of each split.

    Parameters
    ----------
    estimators : mapping of str to estimator
        At least two classifiers that can be watched; each one is both a reference model and a model
        to fit.
    X : container of shape (n_samples, n_features)
        The samples.
    y : array-like of shape (n_samples,)
        Labels.
    region : str, callable or mapping, default="ambiguous"
        The region to select, see :meth:`DataMap.select`.
    frac : float, default=0.33
        Share of the training set to keep, in (0, 1].
    selector : DataMapSelector, default=None
        Its `noise_cut`, `stratify` and `memory` are used; the other parameters are ignored.
    cv : int, cross-validation generator or iterable, default=None
        Determines the cross-validation splitting strategy. For this and all following parameters,
        see :func:`compare_subsets`.
    groups : array-like of shape (n_samples,), default=None
        Group labels for the samples, used while splitting the data set.
    scoring : str, callable, list, tuple or dict, default=None
        One or several metrics.
    ood : mapping of str to (X, y), default=None
        Out-of-distribution data sets, on which each model is evaluated too.
    n_seeds : int, default=1
        Number of repetitions of each split with different seeds.
    match : {"epochs", "steps"}, default="epochs"
        What all fits of a model have in common.
    error_score : "raise" or float, default="raise"
        Value to assign to the scores if an error occurs in fitting or scoring.
    n_jobs : int, default=None
        Number of splits and seeds that run in parallel.
    random_state : int, RandomState instance or None, default=None
        Determines the seed of each split and repetition. Pass an int for reproducible output across
        multiple function calls.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    result : CrossDistillation
        The scores, to print, to plot, or to read from its matrices.

    Raises
    ------
    NotWatchableError
        If a model cannot be watched.
    ValueError
        If there are fewer than two models, if one is named "random" or "full", and where
        :func:`compare_subsets` raises.

    See Also
    --------
    map_agreement : Compare the maps of several models.

    References
    ----------
    .. [1] Y. Du et al., "FTFT: Efficient and Robust Fine-Tuning by Transferring Training Dynamics",
       2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_carto import cross_distillation
    >>> X, y = load_iris(return_X_y=True)
    >>> models = {
    ...     "sgd": SGDClassifier(loss="log_loss", alpha=0.1),
    ...     "svm": SGDClassifier(loss="modified_huber", alpha=0.1),
    ... }
    >>> result = cross_distillation(models, X, y, cv=3, random_state=0)
    >>> result.reference_models_, result.models_
    (['sgd', 'svm', 'random', 'full'], ['sgd', 'svm'])
    >>> result.matrix().shape
    (4, 2)
    """
    estimators = dict(estimators)
    if len(estimators) < 2 or not estimators.keys().isdisjoint({"random", "full"}):
        raise ValueError(
            "The 'estimators' parameter must contain at least two models, none of them named "
            f"'random' or 'full'; got {list(estimators)}."
        )
    parse_region(region)
    if not 0 < frac <= 1:
        raise ValueError(f"The 'frac' parameter must be in (0, 1]; got {frac!r}.")
    for estimator in estimators.values():
        get_watcher(estimator)
    selector = DataMapSelector() if selector is None else selector
    selectors = {
        name: check_selector(selector, estimator, scoring).set_params(estimator=estimator)
        for name, estimator in estimators.items()
    }
    first = next(iter(estimators))  # any selector: the baselines do not use its map
    trials = [Trial(name, name, region, float(frac)) for name in estimators]
    trials += [Trial("random", first, "random", float(frac)), Trial("full", first, None, 1.0)]
    plan = Plan(
        estimators,
        selectors,
        trials,
        name_column="reference_model",
        scoring=scoring,
        ood=ood,
        error_score=error_score,
        match=match,
    )
    results, test_ratio = run_trials(
        plan,
        X,
        y,
        cv=cv,
        groups=groups,
        n_seeds=n_seeds,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    return CrossDistillation(results, test_ratio, describe_region(region), float(frac))


class CrossDistillation(ComparisonResults):
    """Result of :func:`cross_distillation`.

    Printing it shows the matrix of each score as a table.

    Parameters
    ----------
    results : dict of str to ndarray of shape (n_fits,)
        See `results_`.
    test_ratio : float
        Ratio of test to training samples in a split.
    region : str
        The region that was selected.
    frac : float
        Share of the samples that were selected.

    Attributes
    ----------
    results_ : dict of str to ndarray of shape (n_fits,)
        One entry for each fit: `reference_model` (the model whose map selected the samples, or the
        baselines "random" and "full"), `model` (the model that was fitted), `frac`, `split`,
        `seed`, `n_train` (number of training samples), a column `test_<metric>` for each metric and
        `<name>_<metric>` for each out-of-distribution data set, and `fit_time`, `score_time` and
        `map_time` in seconds.
    scores_ : list of str
        Names of the columns of `results_` that are scores.
    test_ratio : float
        Ratio of test to training samples in a split.
    region : str
        The region that was selected.
    frac : float
        Share of the samples that were selected.
    reference_models_ : list of str
        Reference models, the rows of a matrix; "random" and "full" are the last ones.
    models_ : list of str
        Fitted models, the columns of a matrix.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import cross_distillation
    >>> X, y = load_iris(return_X_y=True)
    >>> models = {
    ...     loss: SGDClassifier(loss=loss, alpha=0.1) for loss in ("log_loss", "modified_huber")
    ... }
    >>> result = cross_distillation(models, X, y, cv=3, random_state=0)
    >>> result.difference_to("random").shape
    (3, 4, 2)
    """

    _names = ("reference_model", "model")

    def __init__(self, results, test_ratio, region, frac):
        super().__init__(results, test_ratio)
        self.region = region
        self.frac = frac
        self.reference_models_ = list(dict.fromkeys(results["reference_model"].tolist()))
        self.models_ = list(dict.fromkeys(results["model"].tolist()))

    def matrix(self, score=None):
        """Return the mean scores.

        Parameters
        ----------
        score : str, default=None
            A column of `results_`; None: the first score.

        Returns
        -------
        matrix : ndarray of shape (n_reference_models, n_models)
            Rows in the order of `reference_models_`, columns in the order of `models_`.

        Raises
        ------
        ValueError
            If the score is unknown.
        """
        return self._scores_by_split(score).mean(axis=-1)

    def difference_to(self, baseline="random", score=None):
        """Return the mean differences to a baseline, with 95 % intervals.

        Parameters
        ----------
        baseline : str, default="random"
            One of `reference_models_`.
        score : str, default=None
            A column of `results_`; None: the first score.

        Returns
        -------
        differences : ndarray of shape (3, n_reference_models, n_models)
            Mean, lower and upper end of the interval (corrected resampled t-test, after averaging
            over the seeds of a split).

        Raises
        ------
        ValueError
            If the baseline or the score is unknown.
        """
        if baseline not in self.reference_models_:
            raise ValueError(
                f"Unknown baseline {baseline!r}. Valid baselines are "
                f"{', '.join(self.reference_models_)}."
            )
        scores = self._scores_by_split(score)
        differences = scores - scores[self.reference_models_.index(baseline)]
        return np.moveaxis(np.apply_along_axis(self._interval, -1, differences), -1, 0)

    def _scores_by_split(self, score):
        """Scores of shape (n_reference_models, n_models, n_splits), averaged over seeds."""
        score = self.scores_[0] if score is None else score
        if score not in self.scores_:
            raise ValueError(
                f"Unknown score {score!r}. Valid scores are {', '.join(self.scores_)}."
            )
        return np.array(
            [
                [self._mean_by_split(score, reference_model=name, model=m) for m in self.models_]
                for name in self.reference_models_
            ]
        )

    def plot(self, **kwargs):
        """Plot the matrix.

        Parameters
        ----------
        **kwargs : dict
            Passed to :meth:`CrossDistillationDisplay.from_cross_distillation`.

        Returns
        -------
        display : CrossDistillationDisplay
            Object that stores the artists.
        """
        from sklearn_carto._plot._cross_distillation import CrossDistillationDisplay

        return CrossDistillationDisplay.from_cross_distillation(self, **kwargs)

    def __str__(self):
        """Format the matrices as tables."""
        corner = "reference"
        width = max(map(len, [*self.reference_models_, corner]))
        widths = [max(7, len(name)) for name in self.models_]
        header = "  ".join(f"{name:>{w}}" for name, w in zip(self.models_, widths, strict=True))
        text = [f"{self.region}, {self.frac:.0%} of the samples; one row for each reference model"]
        for score in self.scores_:
            text += ["", score, f"{corner:<{width}}  {header}"]
            for name, means in zip(self.reference_models_, self.matrix(score), strict=True):
                cells = [f"{mean:>{w}.3f}" for mean, w in zip(means, widths, strict=True)]
                text.append(f"{name:<{width}}  {'  '.join(cells)}")
        return "\n".join(text)

    def __repr__(self):
        """Show the number of models and fits."""
        n_fits = len(self.results_["split"])
        return f"<CrossDistillation: {len(self.models_)} models, {n_fits} fits>"
