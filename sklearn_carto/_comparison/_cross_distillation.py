"""cross_distillation: whether one model can choose the rows that another one learns from."""

from __future__ import annotations

import numpy as np

from sklearn_carto._comparison._compare_subsets import check_selector
from sklearn_carto._comparison._intervals import corrected_interval
from sklearn_carto._comparison._trials import Plan, Trial, run_trials
from sklearn_carto._maps._regions import describe_region, parse_region
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._utils._frames import build_frame
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
    """Choose rows by the map of each model, and train each model on them.

    The budget is the same everywhere, a random subset of that size and the full set are among the
    training sets, and each model is scored on the same test rows.

    Parameters
    ----------
    estimators : mapping of str to estimator
        At least two classifiers that can be watched; each one draws a map and learns from all.
    X : container of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Labels.
    region : str, callable or mapping, default="ambiguous"
        Which rows, see :meth:`DataMap.select`.
    frac : float, default=0.33
        Share of the training fold, in (0, 1].
    selector : DataMapSelector, default=None
        Its `noise_cut`, `stratify` and `memory` are used; the rest is overridden.
    cv : int, cross-validation generator or iterable, default=None
        As all that follow, see :func:`compare_subsets`.
    groups : array-like of shape (n_samples,), default=None
        Groups that stay together.
    scoring : str, callable, list, tuple or dict, default=None
        One scorer or several.
    ood : mapping of str to (X, y), default=None
        Data sets from elsewhere.
    n_seeds : int, default=1
        How often each split is repeated.
    match : {"epochs", "steps"}, default="epochs"
        What is kept equal when models train on fewer rows.
    error_score : "raise" or float, default="raise"
        What a training set scores that a model could not be trained or scored on.
    n_jobs : int, default=None
        Splits and seeds that run in parallel.
    random_state : int, RandomState instance or None, default=None
        From which one seed is drawn for each split and seed.
    verbose : int, default=0
        Whether to show progress.

    Returns
    -------
    found : CrossDistillation
        Print it, plot it, or ask for its matrices.

    Raises
    ------
    NotWatchableError
        If a model cannot be watched.
    ValueError
        If there are fewer than two models, one is called "random" or "full", or what
        :func:`compare_subsets` refuses.

    See Also
    --------
    map_agreement : How far the maps agree.

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
    >>> found = cross_distillation(models, X, y, cv=3, random_state=0)
    >>> found.reference_models_, found.models_
    (['sgd', 'svm', 'random', 'full'], ['sgd', 'svm'])
    >>> found.matrix().shape
    (4, 2)
    """
    estimators = dict(estimators)
    if len(estimators) < 2 or not estimators.keys().isdisjoint({"random", "full"}):
        raise ValueError(
            "cross_distillation needs at least two models, none of them called 'random' or "
            f"'full'; got {list(estimators)}."
        )
    parse_region(region)
    if not 0 < frac <= 1:
        raise ValueError(f"frac must lie in (0, 1]; got {frac!r}.")
    for estimator in estimators.values():
        get_watcher(estimator)
    selector = DataMapSelector() if selector is None else selector
    selectors = {
        name: check_selector(selector, estimator, scoring).set_params(estimator=estimator)
        for name, estimator in estimators.items()
    }
    first = next(iter(estimators))
    trials = [Trial(name, name, region, float(frac)) for name in estimators]
    trials += [Trial("random", first, "random", float(frac)), Trial("full", first, None, 1.0)]
    plan = Plan(
        estimators,
        selectors,
        trials,
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
    results["probe"] = results.pop("region")  # random and the full set have no probe of their own
    return CrossDistillation(results, test_ratio, describe_region(region), float(frac))


class CrossDistillation:
    """What :func:`cross_distillation` found.

    Parameters
    ----------
    results : dict of str to ndarray of shape (n_fits,)
        See `results_`.
    test_ratio : float
        Test rows for each training row of a split.
    region : str
        Which rows were chosen.
    frac : float
        Share of the rows.

    Attributes
    ----------
    results_ : dict of str to ndarray of shape (n_fits,)
        One entry a fit: `probe` (whose map chose the rows; "random" and "full" for the baselines),
        `model` (which one was trained), `frac`, `split`, `seed`, `n_train`, a column
        `test_<metric>` for each metric and `<name>_<metric>` for each data set out of
        distribution, `fit_time`, `score_time` and `map_time` (seconds).
    test_ratio : float
        Test rows for each training row of a split.
    region : str
        Which rows were chosen.
    frac : float
        Share of the rows.
    reference_models_ : list of str
        Who chose the rows, in the order of the rows of a matrix; "random" and "full" come last.
    models_ : list of str
        Who was trained, in the order of its columns.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import cross_distillation
    >>> X, y = load_iris(return_X_y=True)
    >>> models = {
    ...     loss: SGDClassifier(loss=loss, alpha=0.1) for loss in ("log_loss", "modified_huber")
    ... }
    >>> found = cross_distillation(models, X, y, cv=3, random_state=0)
    >>> found.difference_to("random").shape
    (3, 4, 2)
    """

    _not_scores = ("probe", "model", "frac", "split", "seed", "n_train")
    _times = ("fit_time", "score_time", "map_time")

    def __init__(self, results, test_ratio, region, frac):
        self.results_ = results
        self.test_ratio = test_ratio
        self.region = region
        self.frac = frac
        self.reference_models_ = list(dict.fromkeys(results["probe"].tolist()))
        self.models_ = list(dict.fromkeys(results["model"].tolist()))

    @property
    def scores_(self):
        """Names of the columns of `results_` that are scores."""
        return [n for n in self.results_ if n not in (*self._not_scores, *self._times)]

    def matrix(self, score=None):
        """Return the mean scores.

        Parameters
        ----------
        score : str, default=None
            A column of `results_`; None: the first score.

        Returns
        -------
        matrix : ndarray of shape (n_probes, n_models)
            Rows as in `reference_models_`, columns as in `models_`.

        Raises
        ------
        ValueError
            If the score is unknown.
        """
        return self._by_split(score).mean(axis=-1)

    def difference_to(self, baseline="random", score=None):
        """Return the mean difference to a baseline, with its 95 % interval.

        Parameters
        ----------
        baseline : str, default="random"
            One of `reference_models_`.
        score : str, default=None
            A column of `results_`; None: the first score.

        Returns
        -------
        differences : ndarray of shape (3, n_probes, n_models)
            Mean, lower and upper end (corrected resampled t-test, seeds averaged within a split).

        Raises
        ------
        ValueError
            If the baseline or the score is unknown.
        """
        if baseline not in self.reference_models_:
            raise ValueError(
                f"Unknown baseline {baseline!r}. Known are {', '.join(self.reference_models_)}."
            )
        by_split = self._by_split(score)
        gains = by_split - by_split[self.reference_models_.index(baseline)]
        intervals = [
            [corrected_interval(cell, self.test_ratio) for cell in of_probe] for of_probe in gains
        ]
        return np.moveaxis(np.array(intervals), -1, 0)

    def _by_split(self, score):
        """Scores of shape (n_probes, n_models, n_splits), the mean over seeds."""
        score = self.scores_[0] if score is None else score
        if score not in self.scores_:
            raise ValueError(f"Unknown score {score!r}. Known are {', '.join(self.scores_)}.")
        results = self.results_
        places = [
            np.searchsorted(np.unique(results["split"]), results["split"]),
            *(
                np.array([names.index(one) for one in results[column].tolist()])
                for column, names in (("probe", self.reference_models_), ("model", self.models_))
            ),
        ]
        shape = len(self.reference_models_), len(self.models_), len(np.unique(results["split"]))
        sums, counts = np.zeros(shape), np.zeros(shape)
        split, probe, model = places
        np.add.at(sums, (probe, model, split), results[score])
        np.add.at(counts, (probe, model, split), 1)
        return sums / counts

    def to_frame(self, backend="pandas"):
        """Return `results_` as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            Which library's frame; it must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each fit.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown.
        """
        return build_frame(self.results_, backend, "CrossDistillation.to_frame")

    def plot(self, **kwargs):
        """Draw the matrix.

        Parameters
        ----------
        **kwargs : dict
            Handed to :meth:`CrossDistillationDisplay.from_cross_distillation`.

        Returns
        -------
        display : CrossDistillationDisplay
            The display, drawn.
        """
        from sklearn_carto._plot._cross_distillation import CrossDistillationDisplay

        return CrossDistillationDisplay.from_cross_distillation(self, **kwargs)

    def __str__(self):
        """Write the matrices as tables."""
        width = max(map(len, [*self.reference_models_, "rows of"]))
        columns = [max(7, len(name)) for name in self.models_]
        heads = "  ".join(f"{name:>{w}}" for name, w in zip(self.models_, columns, strict=True))
        text = [f"{self.region}, {self.frac:.0%} of the rows; a row for each model that chose them"]
        for score in self.scores_:
            text += ["", score, f"{'rows of':<{width}}  {heads}"]
            for name, line in zip(self.reference_models_, self.matrix(score), strict=True):
                cells = [f"{value:>{w}.3f}" for value, w in zip(line, columns, strict=True)]
                text.append(f"{name:<{width}}  {'  '.join(cells)}")
        return "\n".join(text)

    def __repr__(self):
        """Say how much was tried."""
        n_fits = len(self.results_["split"])
        return f"<CrossDistillation: {len(self.models_)} models, {n_fits} fits>"
