"""cross_distillation: models that are fitted on samples selected by the maps of other models."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.base import clone

from sklearn_carto._comparison._arguments import SETTINGS
from sklearn_carto._comparison._html import matrices_html
from sklearn_carto._comparison._results import ComparisonResults, mean_of_numbers
from sklearn_carto._comparison._trials import Plan, Trial, run_trials
from sklearn_carto._maps._regions import describe_region, parse_region
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._metaestimators import check_classifier
from sklearn_carto._utils._validation import Number, check_params, describe, validate_params
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._find import get_watcher


@validate_params(**SETTINGS, frac=[Number(0, 1, closed="right")])
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
    params=None,
    scoring=None,
    ood=None,
    n_seeds=1,
    match="epochs",
    error_score="raise",
    n_jobs=None,
    random_state=None,
    verbose=0,
    resume=None,
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
    params : dict, default=None
        Arguments of `fit`, for each model that takes them.
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
    resume : str or path-like, default=None
        Folder that keeps each split and seed once it is finished, from which the same call
        continues.

    Returns
    -------
    result : CrossDistillation
        The scores, to print, to plot, or to read from its matrices.

    Raises
    ------
    NotWatchableError
        If a model cannot be watched.
    TerminatedWorkerError
        If a worker process ended. The attribute `partial_results` of this and of any other error or
        interrupt that ends the fits is a CrossDistillation of the splits and seeds that were
        finished, or None.
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
    owner = "cross_distillation"
    estimators = _check_estimators(estimators, owner)
    parse_region(region)
    first = next(iter(estimators))  # any selector: the baselines do not use its map
    trials = [Trial(name, name, region, float(frac)) for name in estimators]
    trials += [Trial("random", first, "random", float(frac)), Trial("full", first, None, 1.0)]
    plan = Plan(
        owner,
        estimators,
        _selectors(selector, estimators),
        trials,
        name_column="reference_model",
        scoring=scoring,
        error_score=error_score,
        match=match,
    )

    def as_result(outcome):
        return CrossDistillation(
            outcome.results,
            outcome.test_ratio,
            describe_region(region),
            float(frac),
            train_overlap=outcome.train_overlap,
            unit_scores=outcome.unit_scores,
        )

    return run_trials(
        plan,
        X,
        y,
        cv=cv,
        groups=groups,
        params=params,
        ood=ood,
        n_seeds=n_seeds,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
        resume=resume,
        as_result=as_result,
    )


def _check_estimators(estimators, owner):
    """Check the models and return them as a dict."""
    named = isinstance(estimators, Mapping) and all(
        isinstance(name, str) and name for name in estimators
    )
    if not named or len(estimators) < 2 or not estimators.keys().isdisjoint({"random", "full"}):
        got = list(estimators) if isinstance(estimators, Mapping) else describe(estimators)
        raise InvalidParameterError(
            f"The 'estimators' parameter of {owner} must be a mapping of names to at least two "
            f"models, none of them named 'random' or 'full'. Got {got} instead."
        )
    for name, estimator in estimators.items():
        check_classifier(estimator, f"estimators[{name!r}]", owner)
        last = estimator.estimator if isinstance(estimator, CartographyClassifier) else estimator
        get_watcher(last)
    return dict(estimators)


def _selectors(selector, estimators):
    """Return a selector for each model, with the model as its proxy model."""
    if selector is not None and not isinstance(selector, DataMapSelector):
        return dict.fromkeys(estimators, selector)  # an error later
    return {
        name: (DataMapSelector() if selector is None else clone(selector)).set_params(
            estimator=clone(estimator)
        )
        for name, estimator in estimators.items()
    }


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
    train_overlap : float, default=None
        Mean share of the training samples that two splits have in common. None: that of K folds,
        ``1 - test_ratio``.
    unit_scores : sequence of str, default=()
        Columns of the scores that are known to lie in [0, 1].

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
    test_ratio, train_overlap : float
        As given.
    unit_scores : list of str
        Columns of the scores that are known to lie in [0, 1].
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

    _names = _needed_names = ("reference_model", "model")

    def __init__(self, results, test_ratio, region, frac, *, train_overlap=None, unit_scores=()):
        super().__init__(results, test_ratio, train_overlap=train_overlap, unit_scores=unit_scores)
        check_params("CrossDistillation", {"frac": [Number(0, 1, closed="right")]}, {"frac": frac})
        if region != "auto":
            parse_region(region)
        self.region = region
        self.frac = frac
        names = (self.results_[column].tolist() for column in self._names)
        self.reference_models_, self.models_ = (list(dict.fromkeys(column)) for column in names)

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
        scores = self._scores_by_split(self._check_score(score))
        return np.apply_along_axis(mean_of_numbers, -1, scores)

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
            Mean, lower and upper end of the interval, see the notes of :class:`SubsetComparison`.

        Raises
        ------
        ValueError
            If the baseline or the score is unknown.
        """
        if not isinstance(baseline, str) or baseline not in self.reference_models_:
            raise InvalidParameterError(
                f"Unknown baseline {baseline!r}. Valid baselines are "
                f"{', '.join(self.reference_models_)}."
            )
        score = self._check_score(score)
        scores = self._scores_by_split(score)
        differences = scores - scores[self.reference_models_.index(baseline)]
        intervals = [
            [
                self._interval(by_split, score, to_random="random" in (baseline, name))
                for by_split in of_name
            ]
            for name, of_name in zip(self.reference_models_, differences, strict=True)
        ]
        return np.moveaxis(np.array(intervals), -1, 0)

    def _scores_by_split(self, score):
        """Scores of shape (n_reference_models, n_models, n_splits), averaged over seeds."""
        return np.array(
            [
                [self._mean_by_split(score, reference_model=name, model=m) for m in self.models_]
                for name in self.reference_models_
            ]
        )

    def plot(self, ax=None, *, score=None, cmap="cividis"):
        """Plot the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on; None: a new figure.
        score : str, default=None
            Score to plot, a column of `results_`; None: the first.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours, from the worst score of a column to the best.

        Returns
        -------
        display : CrossDistillationDisplay
            Object that stores the artists.
        """
        from sklearn_carto._plot._cross_distillation import CrossDistillationDisplay

        return CrossDistillationDisplay.from_cross_distillation(self, ax=ax, score=score, cmap=cmap)

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
                cells = [
                    " " * w if np.isnan(mean) else f"{mean:>{w}.3f}"
                    for mean, w in zip(means, widths, strict=True)
                ]
                text.append(f"{name:<{width}}  {'  '.join(cells)}")
        missing = np.any([np.isnan(self.results_[score]) for score in self.scores_], axis=0)
        if missing.any():
            text += ["", f"{missing.sum()} of {len(missing)} fits are left out: they have no score"]
        return "\n".join(line.rstrip() for line in text)

    def __repr__(self):
        """Show the number of models and fits."""
        n_fits = len(self.results_["split"])
        return f"<CrossDistillation: {len(self.models_)} models, {n_fits} fits>"

    def _repr_html_(self):
        """Return the matrices as a table, for notebooks."""
        return matrices_html(self)
