"""SubsetComparison: the result of a comparison of training sets."""

from __future__ import annotations

import numpy as np

from sklearn_carto._comparison._html import subsets_html
from sklearn_carto._comparison._results import BACKENDS, ComparisonResults, mean_of_numbers
from sklearn_carto._comparison._tables import format_latex, format_text
from sklearn_carto._utils._compat import StrOptions
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._validation import check_params, validate_params
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import UndefinedIntervalWarning


class SubsetComparison(ComparisonResults):
    """Result of :func:`compare_subsets`.

    Printing it shows the summary as a table.

    Parameters
    ----------
    results : dict of str to ndarray of shape (n_fits,)
        See `results_`.
    test_ratio : float
        Ratio of test to training samples in a split.
    train_overlap : float, default=None
        Mean share of the training samples that two splits have in common. None: that of K folds,
        ``1 - test_ratio``.
    unit_scores : sequence of str, default=()
        Columns of the scores that are known to lie in [0, 1].
    stratify : bool, default=True
        Whether the subsets preserve the class proportions.
    match : {"epochs", "steps"}, default="epochs"
        Whether models were trained for equally many epochs or steps.

    Attributes
    ----------
    results_ : dict of str to ndarray of shape (n_fits,)
        One entry for each fit: `region`, `frac`, `split`, `seed`, `n_train` (number of training
        samples), a column `test_<metric>` for each metric and `<name>_<metric>` for each
        out-of-distribution data set, `fit_time` and `score_time` in seconds, and `map_time`, the
        time to draw the shared map (0 for the full set and random).
    scores_ : list of str
        Names of the columns of `results_` that are scores.
    test_ratio, train_overlap : float
        As given.
    unit_scores : list of str
        Columns of the scores that are known to lie in [0, 1].
    stratify : bool
        Whether the subsets preserve the class proportions.
    match : {"epochs", "steps"}
        Whether models were trained for equally many epochs or steps.

    Notes
    -----
    The intervals are those of the corrected resampled t-test of Nadeau and Bengio [1]_, after
    averaging over the seeds of a split: three splits with three seeds each have two degrees of
    freedom. On the test sets of the splits, the correlation of two splits is taken from the ratio
    of test to training samples, as there. An out-of-distribution data set is the same in all
    splits, so that only the training sets vary. To first order, a score is a mean of contributions
    of the training samples; the correlation of two splits is then the share of training samples
    that they have in common, and half of it (s / (s + 1) with s seeds) for the difference to
    random, where half of the variance comes from independent draws. These intervals are
    conservative and, for a mean over K folds, those of the jackknife that deletes a fold. They do
    not include the sampling error of the out-of-distribution data set itself.

    Intervals are not cut at the ends of the range of a score, except in the plot.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning 52,
       2003.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_carto import compare_subsets
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_subsets(
    ...     LogisticRegression(max_iter=1000), X, y, regions=["easy"], cv=3, random_state=0
    ... )
    >>> comparison.summary()["region"].tolist()
    ['full', 'random', 'easy']
    """

    _names = ("region", "replaced")
    _needed_names = ("region",)

    def __init__(
        self,
        results,
        test_ratio,
        *,
        train_overlap=None,
        unit_scores=(),
        stratify=True,
        match="epochs",
    ):
        super().__init__(results, test_ratio, train_overlap=train_overlap, unit_scores=unit_scores)
        settings = {"stratify": ["boolean"], "match": [StrOptions({"epochs", "steps"})]}
        check_params("SubsetComparison", settings, {"stratify": stratify, "match": match})
        self.stratify = stratify
        self.match = match

    @validate_params(as_frame=["boolean"], backend=[BACKENDS])
    def summary(self, *, as_frame=False, backend="pandas"):
        """Average the scores over splits and seeds, with 95 % intervals.

        Parameters
        ----------
        as_frame : bool, default=False
            Whether to return a data frame.
        backend : {"pandas", "polars"}, default="pandas"
            The library of the data frame, which must be installed.

        Returns
        -------
        summary : dict of str to ndarray, pandas.DataFrame or polars.DataFrame
            One entry for each score, region and fraction: `score` (a column of `results_`),
            `region`, `frac`, `n_train`, `n_fits` (number of fits with a score that is not NaN, over
            which the means are taken), `n_splits` (number of their splits, one more than the
            degrees of freedom of the interval of the mean) and `mean`; `vs_full` and `vs_random`,
            the mean difference to the full set and to the random subset of the same size (NaN for
            these themselves, and for "clean", of whose size none is drawn); `mean_low`, `mean_high`
            and likewise for the differences, the ends of the 95 % intervals, see the notes above;
            and `speed_up`, the fit time of the full set divided by that of the subset, without the
            time to draw the map.

        Raises
        ------
        ImportError
            If a data frame is requested and its library is not installed.

        Warns
        -----
        UndefinedIntervalWarning
            If there are fewer than two splits; the intervals are then NaN.
        """
        if len(np.unique(self.results_["split"])) < 2:
            warn(
                "A single split provides no confidence interval; intervals are NaN. Use at least "
                "two splits (cv=2).",
                UndefinedIntervalWarning,
            )
        summary = self._summarize()
        return build_frame(summary, backend, "SubsetComparison.summary") if as_frame else summary

    def _summarize(self):
        results = self.results_
        keys = list(
            dict.fromkeys(zip(results["region"].tolist(), results["frac"].tolist(), strict=True))
        )
        rows = [self._summary_row(*key, score) for score in self.scores_ for key in keys]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _summary_row(self, region, frac, score):
        """Return one entry of the summary."""
        subset, results = {"region": region, "frac": frac}, self.results_
        own, fit_time = (self._mean_by_split(column, **subset) for column in (score, "fit_time"))
        of_subset = (results["region"] == region) & (results["frac"] == frac)
        row = {"score": score, **subset}
        row["n_train"] = mean_of_numbers(self._mean_by_split("n_train", **subset))
        row["n_fits"] = int((~np.isnan(results[score][of_subset])).sum())
        row["n_splits"] = int((~np.isnan(own)).sum())
        references = {"mean": 0.0, "vs_full": np.nan, "vs_random": np.nan}
        if region != "full":
            references["vs_full"] = self._mean_by_split(score, region="full")
        drawn = results["frac"][results["region"] == "random"]  # not of the size of "clean"
        if region not in ("full", "random") and (drawn == frac).any():
            references["vs_random"] = self._mean_by_split(score, region="random", frac=frac)
        for name, reference in references.items():
            to_random = name == "vs_random" or (region == "random" and name == "vs_full")
            interval = self._interval(own - reference, score, to_random=to_random)
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
        full_time = mean_of_numbers(self._mean_by_split("fit_time", region="full"))
        row["speed_up"] = full_time / mean_of_numbers(fit_time)
        return row

    def to_latex(self):
        r"""Format the summary as a table for LaTeX.

        Returns
        -------
        table : str
            A ``tabular`` environment, whose rules need the package booktabs, with the same cells as
            the printed table. Special characters are escaped.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn_carto import compare_subsets
        >>> X, y = load_iris(return_X_y=True)
        >>> comparison = compare_subsets(
        ...     LogisticRegression(max_iter=1000), X, y, regions=["easy"], cv=3, random_state=0
        ... )
        >>> print(comparison.to_latex().splitlines()[2])
        training set & share & rows & mean & to random & to full & speed-up \\
        """
        return format_latex(self._summarize(), self._n_fits())

    def _n_fits(self):
        """Return the number of fits of each training set."""
        n_splits, n_seeds = self._counts()
        return n_splits * n_seeds

    def _counts(self):
        return (len(np.unique(self.results_[name])) for name in ("split", "seed"))

    def plot(self, ax=None, *, score=None):
        """Plot the comparison.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to plot on, one for each score; None: a new figure.
        score : str or list of str, default=None
            Scores to plot, columns of `results_`; None: all.

        Returns
        -------
        display : SubsetComparisonDisplay
            Object that stores the artists.
        """
        from sklearn_carto._plot._comparison import SubsetComparisonDisplay

        return SubsetComparisonDisplay.from_comparison(self, ax=ax, score=score)

    def __str__(self):
        """Format the summary as a table."""
        n_splits, n_seeds = self._counts()
        intervals = "a single split has no intervals"
        if n_splits > 1:
            freedom = _count(n_splits - 1, "degree", "degrees")
            intervals = f"95 % intervals in parentheses, with {freedom} of freedom"
        summary, n_fits = self._summarize(), self._n_fits()
        failed = "; [k of n fits]: the mean over fits with a score"
        text = [
            f"{_count(n_splits, 'split', 'splits')} x {_count(n_seeds, 'seed', 'seeds')}, equal "
            f"{self.match}; {intervals}; speed-up of the fit, without the map"
            f"{failed if (summary['n_fits'] < n_fits).any() else ''}",
            *format_text(summary, n_fits),
        ]
        return "\n".join(text)

    def __repr__(self):
        """Show the number of training sets and fits."""
        n_regions = len(np.unique(self.results_["region"]))
        return f"<SubsetComparison: {n_regions} training sets, {len(self.results_['region'])} fits>"

    def _repr_html_(self):
        """Return the summary as a table, for notebooks."""
        return subsets_html(self._summarize(), self._n_fits(), repr(self)[1:-1])


def _count(number, one, several):
    return f"{number} {one if number == 1 else several}"
