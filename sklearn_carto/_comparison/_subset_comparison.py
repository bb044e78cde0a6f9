"""SubsetComparison: what a comparison of training sets found."""

from __future__ import annotations

import warnings

import numpy as np

from sklearn_carto._comparison._intervals import corrected_interval
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import UndefinedIntervalWarning


class SubsetComparison:
    """What :func:`compare_subsets` found; print it, plot it, or turn it into a frame.

    Parameters
    ----------
    results : dict of str to ndarray of shape (n_fits,)
        See `results_`.
    test_ratio : float
        Test rows for each training row of a split.
    stratify : bool
        Whether the subsets keep the shares of the classes.
    match : {"epochs", "steps"}
        Whether models trained equally many epochs, or equally many steps.

    Attributes
    ----------
    results_ : dict of str to ndarray of shape (n_fits,)
        One entry a fit: `region`, `frac`, `split`, `seed`, `n_train` (rows), a column
        `test_<metric>` for each metric and `<name>_<metric>` for each data set out of
        distribution, `fit_time` and `score_time` (seconds), and `map_time`, what the shared map
        took (0 for the full set and random).
    test_ratio : float
        Test rows for each training row of a split.
    stratify : bool
        Whether the subsets keep the shares of the classes.
    match : {"epochs", "steps"}
        Whether models trained equally many epochs, or equally many steps.

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

    _not_scores = ("region", "frac", "split", "seed", "n_train", "replaced")
    _times = ("fit_time", "score_time", "map_time")

    def __init__(self, results, test_ratio, *, stratify=True, match="epochs"):
        self.results_ = results
        self.test_ratio = test_ratio
        self.stratify = stratify
        self.match = match

    def summary(self):
        """Average over splits and seeds, with 95 % intervals.

        Returns
        -------
        summary : dict of str to ndarray
            One entry a score, region and fraction: `score` (name of the column of `results_`),
            `region`, `frac`, `n_train`, `mean`; `vs_full` and `vs_random`, the mean difference to
            the full set and to the random subset of the same size (NaN for themselves);
            `mean_low` and `mean_high` and likewise for the differences, 95 % intervals of the
            corrected resampled t-test, seeds averaged within a split; `speed_up`, the training
            time of the full set over that of the subset, without the time of the map.

        Warns
        -----
        UndefinedIntervalWarning
            If there are fewer than two splits; the intervals are then NaN.
        """
        results = self.results_
        if len(np.unique(results["split"])) < 2:
            warn(
                "One split gives no confidence interval; intervals are NaN. Use cv of 2 or more.",
                UndefinedIntervalWarning,
            )
        keys = list(dict.fromkeys(zip(results["region"].tolist(), results["frac"], strict=True)))
        scores = [name for name in results if name not in (*self._not_scores, *self._times)]
        lines = [self._line(score, region, frac) for score in scores for region, frac in keys]
        return {name: np.array([line[name] for line in lines]) for name in lines[0]}

    def _line(self, score, region, frac):
        own = self._by_split(score, region, frac)
        line = {"score": score, "region": region, "frac": frac}
        line["n_train"] = self._by_split("n_train", region, frac).mean()
        references = {"mean": 0.0, "vs_full": np.nan, "vs_random": np.nan}
        if region != "full":
            references["vs_full"] = self._by_split(score, "full", 1.0)
        if region not in ("full", "random"):
            references["vs_random"] = self._by_split(score, "random", frac)
        for name, reference in references.items():
            triple = corrected_interval(own - reference, self.test_ratio)
            line |= dict(zip((name, f"{name}_low", f"{name}_high"), triple, strict=True))
        full = self._by_split("fit_time", "full", 1.0).mean()
        line["speed_up"] = full / self._by_split("fit_time", region, frac).mean()
        return line

    def _by_split(self, column, region, frac):
        """Mean over the seeds of each split."""
        results = self.results_
        chosen = (results["region"] == region) & (results["frac"] == frac)
        values, splits = results[column][chosen], results["split"][chosen]
        return np.array([values[splits == split].mean() for split in np.unique(splits)])

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
        return build_frame(self.results_, backend, "SubsetComparison.to_frame")

    def plot(self, **kwargs):
        """Draw the comparison.

        Parameters
        ----------
        **kwargs : dict
            Handed to :meth:`SubsetComparisonDisplay.from_comparison`.

        Returns
        -------
        display : SubsetComparisonDisplay
            The display, drawn.
        """
        from sklearn_carto._plot._comparison import SubsetComparisonDisplay

        return SubsetComparisonDisplay.from_comparison(self, **kwargs)

    def __str__(self):
        """Write the summary as a table."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedIntervalWarning)
            summary = self.summary()
        n_splits, n_seeds = (len(np.unique(self.results_[name])) for name in ("split", "seed"))
        text = [
            f"{_counted(n_splits, 'split')} x {_counted(n_seeds, 'seed')}, equal {self.match}; "
            "differences with 95 % intervals (corrected resampled t-test); speed-up of the "
            "training, map aside",
        ]
        width = max(map(len, [*summary["region"].tolist(), *summary["score"].tolist()]))
        score = None
        for i in range(len(summary["score"])):
            line = {name: values[i] for name, values in summary.items()}
            if line["score"] != score:
                score = line["score"]
                text.append("")
                text.append(
                    f"{score:<{width}}  share    rows   mean  {'to random (interval)':<24}  "
                    f"{'to full (interval)':<24} speed-up"
                )
            share = f"{100 * line['frac']:.3g}%"
            differences = "  ".join(_difference(line, to) for to in ("vs_random", "vs_full"))
            text.append(
                f"{line['region']:<{width}} {share:>6} "
                f"{line['n_train']:>7.0f}  {line['mean']:.3f}  {differences}  "
                f"{line['speed_up']:>6.1f}x"
            )
        return "\n".join(text)

    def __repr__(self):
        """Say how much was compared."""
        n_regions = len(np.unique(self.results_["region"]))
        return f"<SubsetComparison: {n_regions} training sets, {len(self.results_['region'])} fits>"


def _difference(line, to):
    if np.isnan(line[to]):
        return " " * 24
    text = f"{line[to]:+.3f}"
    if not np.isnan(line[f"{to}_low"]):
        text += f" ({line[f'{to}_low']:+.3f}, {line[f'{to}_high']:+.3f})"
    return f"{text:<24}"


def _counted(number, name):
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
