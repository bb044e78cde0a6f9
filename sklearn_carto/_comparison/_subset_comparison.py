"""SubsetComparison: the result of a comparison of training sets."""

from __future__ import annotations

import warnings

import numpy as np

from sklearn_carto._comparison._results import ComparisonResults
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
    stratify : bool
        Whether the subsets preserve the class proportions.
    match : {"epochs", "steps"}
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
    test_ratio : float
        Ratio of test to training samples in a split.
    stratify : bool
        Whether the subsets preserve the class proportions.
    match : {"epochs", "steps"}
        Whether models were trained for equally many epochs or steps.

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

    def __init__(self, results, test_ratio, *, stratify=True, match="epochs"):
        super().__init__(results, test_ratio)
        self.stratify = stratify
        self.match = match

    def summary(self):
        """Average the scores over splits and seeds, with 95 % intervals.

        Returns
        -------
        summary : dict of str to ndarray
            One entry for each score, region and fraction: `score` (a column of `results_`),
            `region`, `frac`, `n_train` and `mean`; `vs_full` and `vs_random`, the mean difference
            to the full set and to the random subset of the same size (NaN for these themselves);
            `mean_low`, `mean_high` and likewise for the differences, the ends of the 95 % interval
            of the corrected resampled t-test, after averaging over the seeds of a split; and
            `speed_up`, the fit time of the full set divided by that of the subset, without the time
            to draw the map.

        Warns
        -----
        UndefinedIntervalWarning
            If there are fewer than two splits; the intervals are then NaN.
        """
        results = self.results_
        if len(np.unique(results["split"])) < 2:
            warn(
                "A single split provides no confidence interval; intervals are NaN. Use at least "
                "two splits (cv=2).",
                UndefinedIntervalWarning,
            )
        keys = list(dict.fromkeys(zip(results["region"].tolist(), results["frac"], strict=True)))
        rows = [self._summary_row(*key, score) for score in self.scores_ for key in keys]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _summary_row(self, region, frac, score):
        """Return one entry of the summary."""
        subset = {"region": region, "frac": frac}
        own, fit_time = (self._mean_by_split(column, **subset) for column in (score, "fit_time"))
        row = {"score": score, **subset}
        row["n_train"] = self._mean_by_split("n_train", **subset).mean()
        references = {"mean": 0.0, "vs_full": np.nan, "vs_random": np.nan}
        if region != "full":
            references["vs_full"] = self._mean_by_split(score, region="full")
        if region not in ("full", "random"):
            references["vs_random"] = self._mean_by_split(score, region="random", frac=frac)
        for name, reference in references.items():
            interval = self._interval(own - reference)
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
        row["speed_up"] = self._mean_by_split("fit_time", region="full").mean() / fit_time.mean()
        return row

    def plot(self, **kwargs):
        """Plot the comparison.

        Parameters
        ----------
        **kwargs : dict
            Passed to :meth:`SubsetComparisonDisplay.from_comparison`.

        Returns
        -------
        display : SubsetComparisonDisplay
            Object that stores the artists.
        """
        from sklearn_carto._plot._comparison import SubsetComparisonDisplay

        return SubsetComparisonDisplay.from_comparison(self, **kwargs)

    def __str__(self):
        """Format the summary as a table."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedIntervalWarning)
            summary = self.summary()
        n_splits, n_seeds = (len(np.unique(self.results_[name])) for name in ("split", "seed"))
        text = [
            f"{_count(n_splits, 'split')} x {_count(n_seeds, 'seed')}, equal {self.match}; "
            "differences with 95 % intervals (corrected resampled t-test); speed-up of the fit, "
            "without the map",
        ]
        width = max(map(len, [*summary["region"].tolist(), *summary["score"].tolist()]))
        score = None
        for i in range(len(summary["score"])):
            row = {name: values[i] for name, values in summary.items()}
            if row["score"] != score:
                score = row["score"]
                text.append("")
                text.append(
                    f"{score:<{width}}  share    rows   mean  {'to random (interval)':<24}  "
                    f"{'to full (interval)':<24} speed-up"
                )
            share = f"{100 * row['frac']:.3g}%"
            differences = "  ".join(_difference(row, to) for to in ("vs_random", "vs_full"))
            text.append(
                f"{row['region']:<{width}} {share:>6} "
                f"{row['n_train']:>7.0f}  {row['mean']:.3f}  {differences}  "
                f"{row['speed_up']:>6.1f}x"
            )
        return "\n".join(text)

    def __repr__(self):
        """Show the number of training sets and fits."""
        n_regions = len(np.unique(self.results_["region"]))
        return f"<SubsetComparison: {n_regions} training sets, {len(self.results_['region'])} fits>"


def _difference(row, to):
    if np.isnan(row[to]):
        return " " * 24
    text = f"{row[to]:+.3f}"
    if not np.isnan(row[f"{to}_low"]):
        text += f" ({row[f'{to}_low']:+.3f}, {row[f'{to}_high']:+.3f})"
    return f"{text:<24}"


def _count(number, name):
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
