"""The results that all comparisons share: one entry for each fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from sklearn_carto._comparison._intervals import corrected_interval, overlap_correction
from sklearn_carto._utils._compat import InvalidParameterError, StrOptions
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._typing import Array, Frame
from sklearn_carto._utils._validation import Number, check_params, describe, validate_params

BACKENDS = StrOptions({"pandas", "polars"})


class ComparisonResults:
    """Scores and times of the fits of a comparison; a base class.

    Subclasses set `_names`, the columns of `results_` that name a training set or a model, and
    `_needed_names`, those that cannot be left out.

    Parameters
    ----------
    results : dict of str to ndarray of shape (n_fits,)
        Names, `frac`, `split`, `seed`, `n_train`, times, and scores.
    test_ratio : float
        Ratio of test to training samples in a split.
    train_overlap : float, default=None
        Mean share of the training samples that two splits have in common. None: that of K folds,
        ``1 - test_ratio``.
    unit_scores : sequence of str, default=()
        Columns of the scores that are known to lie in [0, 1].
    """

    _names: tuple[str, ...] = ()
    _needed_names: tuple[str, ...] = ()
    _settings = ("frac", "split", "seed", "n_train")
    _times = ("fit_time", "score_time", "map_time")

    def __init__(
        self,
        results: dict[str, Array],
        test_ratio: float,
        *,
        train_overlap: float | None = None,
        unit_scores: Sequence[str] = (),
    ) -> None:
        owner = type(self).__name__
        settings: dict = {"test_ratio": [Number(0, None, closed="left")]}
        settings |= {"train_overlap": [Number(0, 1), "nan", None], "unit_scores": ["array-like"]}
        check_params(
            owner,
            settings,
            {"test_ratio": test_ratio, "train_overlap": train_overlap, "unit_scores": unit_scores},
        )
        self.results_: dict[str, Array] = self._check_results(results, owner)
        self.test_ratio = test_ratio
        self.train_overlap = max(0.0, 1 - test_ratio) if train_overlap is None else train_overlap
        self.unit_scores = list(unit_scores)
        unknown = [name for name in self.unit_scores if name not in self.scores_]
        if unknown:
            raise InvalidParameterError(
                f"The 'unit_scores' parameter of {owner} must hold scores, of "
                f"{', '.join(self.scores_)}. Got {unknown[0]!r} in it."
            )

    def _check_results(self, results, owner):
        """Return the columns as arrays; each needs an entry for each fit, and none is missing."""
        needed = (*self._needed_names, *self._settings, *self._times)
        missing = [
            name for name in needed if not isinstance(results, Mapping) or name not in results
        ]
        if missing:
            raise InvalidParameterError(
                f"The 'results' parameter of {owner} must be a dict with the columns "
                f"{', '.join(needed)}. Got {describe(results)} instead."
            )
        results = {name: np.asarray(values) for name, values in results.items()}
        shapes = {values.shape for values in results.values()}
        if len(shapes) > 1 or not all(len(shape) == 1 and shape[0] for shape in shapes):
            raise InvalidParameterError(
                f"The columns of the 'results' parameter of {owner} must have one entry for each "
                f"fit, and there must be at least one fit. Got shapes {sorted(shapes)}."
            )
        if len(results) == len({*needed, *self._names} & results.keys()):
            raise InvalidParameterError(
                f"The 'results' parameter of {owner} must hold at least one score. Got the columns "
                f"{', '.join(results)}."
            )
        for name in results.keys() - {*self._names, "split", "seed"}:
            if results[name].dtype.kind not in "biuf":
                raise InvalidParameterError(
                    f"The 'results' parameter of {owner} must hold numbers in each column but "
                    f"those of names. Got the column {name!r} of dtype {results[name].dtype}."
                )
        return results

    @property
    def scores_(self) -> list[str]:
        """Names of the columns of `results_` that are scores."""
        others = {*self._names, *self._settings, *self._times}
        return [name for name in self.results_ if name not in others]

    @validate_params(backend=[BACKENDS])
    def to_frame(self, backend: Literal["pandas", "polars"] = "pandas") -> Frame:
        """Return `results_` as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            The library of the data frame, which must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            One row for each fit.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown.
        """
        return build_frame(self.results_, backend, f"{type(self).__name__}.to_frame")

    def _check_score(self, score):
        """Return the name of a score, by default the first; raise an error if it is unknown."""
        if score is None:
            return self.scores_[0]
        if not isinstance(score, str) or score not in self.scores_:
            raise InvalidParameterError(
                f"Unknown score {score!r}. Valid scores are {', '.join(self.scores_)}."
            )
        return score

    def _mean_by_split(self, column, **values):
        """Mean over seeds, of shape (n_splits,), of the fits with these values in their columns.

        Fits with NaN are left out; the mean is NaN if no fit remains.
        """
        results = self.results_
        fits = np.all([results[name] == value for name, value in values.items()], axis=0)
        of_fits, splits = results[column][fits], results["split"][fits]
        return np.array(
            [mean_of_numbers(of_fits[splits == split]) for split in np.unique(results["split"])]
        )

    def _interval(self, by_split, score, *, to_random=False):
        """Mean over splits, with the lower and upper end of its 95 % interval.

        `by_split` holds a score for each split, or its difference to a random subset or another
        training set.
        """
        correction = self.test_ratio
        if not score.startswith("test_"):  # of a data set that is the same in all splits
            n_seeds = len(np.unique(self.results_["seed"]))
            correction = overlap_correction(self.train_overlap, n_seeds if to_random else None)
        return corrected_interval(by_split, correction)


def mean_of_numbers(values):
    """Mean of the values that are not NaN; NaN if there is none."""
    values = values[~np.isnan(values)]
    return values.mean() if len(values) else np.nan
