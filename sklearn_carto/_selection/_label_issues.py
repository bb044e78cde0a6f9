"""LabelIssues: the labels that are probably wrong, and how good each label is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._inputs._containers import check_same_length
from sklearn_carto._inputs._dataset_columns import sample_columns
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._selection._label_issues_html import issues_html
from sklearn_carto._selection._label_quality import (
    error_probabilities,
    n_rejected,
    sharpen,
    true_probabilities,
)
from sklearn_carto._selection._label_recall import planted_ranks
from sklearn_carto._utils._compat import StrOptions
from sklearn_carto._utils._frames import build_frame
from sklearn_carto._utils._packages import require
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._typing import Array, Container, Frame
from sklearn_carto._utils._validation import Count, Number, validate_params

_IN_FOLD = ("confidence", "variability", "correctness", "aum")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class LabelIssues:
    """Label issues of a data set, as returned by :func:`find_label_issues`.

    Arrays hold one entry for each sample, in the order of the samples. A sample that is not rated,
    because its class has no other sample or its weight is 0, has a label quality of NaN and is no
    issue.

    Parameters
    ----------
    label_quality : ndarray of shape (n_samples,)
        Quality of each label, in (0, 1): the mean of its percentile ranks by out-of-fold
        probability and by in-fold margin. Low: the label is suspect. It ranks the labels of one
        data set; it is no probability.
    is_label_issue : ndarray of shape (n_samples,) of bool
        Whether the label is probably wrong: the labels of lowest quality.
    given_label : ndarray of shape (n_samples,)
        The labels that were given.
    suggested_label : ndarray of shape (n_samples,)
        The most probable of the other labels.
    suggested_proba : ndarray of shape (n_samples,)
        Its out-of-fold probability, in [0, 1].
    predicted_label : ndarray of shape (n_samples,)
        The most probable label, out of fold; where it is not the given one, the suggested one.
    given_proba : ndarray of shape (n_samples,)
        Out-of-fold probability of the given label, in [0, 1].
    ranking : ndarray of shape (n_rated,)
        Positions of the rated samples, lowest label quality first.
    sharpened_proba : ndarray of shape (n_powers, n_samples)
        `given_proba` of softmaxes that are sharper by several powers, of which `with_noise_rate`
        takes the likeliest.
    planted_ranks : ndarray of shape (n_rated,)
        For each rated sample, how many of the other labels are less probable than one that is drawn
        from the other classes in place of its own, see :meth:`recall_at`.
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    error_proba : ndarray of shape (n_samples,), default=None
        Probability that the label is wrong, in [0, 1], if the given `noise_rate` is the share of
        wrong labels, and these were drawn uniformly from the other classes. None without
        `noise_rate`.
    noise_rate : float, default=None
        The share of wrong labels that was given.
    data_map : DataMap, default=None
        Out-of-fold data map; None if the estimator cannot be watched.
    in_fold_map : DataMap, default=None
        Mean data map of the models that are trained on the sample.
    sample_ids : ndarray of shape (n_samples,), default=None
        Ids of the samples.

    See Also
    --------
    find_label_issues : Find label issues.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import find_label_issues
    >>> X, y = load_iris(return_X_y=True)
    >>> y[:3] = 2  # wrong labels
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.01)
    >>> issues = find_label_issues(sgd, X, y, random_state=0)
    >>> sorted(issues.label_quality.argsort()[:3].tolist())
    [0, 1, 2]
    >>> issues.suggested_label[:3]
    array([0, 0, 0])
    """

    label_quality: np.ndarray
    is_label_issue: np.ndarray
    given_label: np.ndarray
    suggested_label: np.ndarray
    suggested_proba: np.ndarray
    predicted_label: np.ndarray
    given_proba: np.ndarray
    ranking: np.ndarray
    sharpened_proba: np.ndarray
    planted_ranks: np.ndarray
    classes: np.ndarray
    error_proba: np.ndarray | None = None
    noise_rate: float | None = None
    data_map: DataMap | None = None
    in_fold_map: DataMap | None = None
    sample_ids: np.ndarray | None = None

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.label_quality)

    @property
    def n_issues(self) -> int:
        """Number of label issues."""
        return int(self.is_label_issue.sum())

    @validate_params(
        noise_rate=[Number(0, 1, closed="neither")], fdr=[Number(0, 1, closed="neither"), None]
    )
    def with_noise_rate(self, noise_rate: float, fdr: float | None = None) -> Self:
        """Return these label issues for a known share of wrong labels; nothing is trained again.

        Parameters
        ----------
        noise_rate : float
            Share of wrong labels, in (0, 1), for example from a reviewed sample.
        fdr : float, default=None
            False-discovery rate, in (0, 1): the expected share of right labels among the label
            issues. None: the share `noise_rate` of the labels are issues.

        Returns
        -------
        label_issues : LabelIssues
            With `error_proba`, and label issues of that number. Both hold if wrong labels were
            drawn uniformly from the other classes.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import SGDClassifier
        >>> from sklearn_carto import find_label_issues
        >>> X, y = load_iris(return_X_y=True)
        >>> sgd = SGDClassifier(loss="log_loss", alpha=0.01)
        >>> find_label_issues(sgd, X, y, random_state=0).with_noise_rate(0.02)
        <LabelIssues: 3 of 150 labels of 3 classes>
        """
        rated = self.ranking
        error_proba = np.full(self.n_samples, np.nan)
        n_classes = len(self.classes)
        true = true_probabilities(self.sharpened_proba[:, rated], noise_rate, n_classes)
        error_proba[rated] = error_probabilities(
            true, self.label_quality[rated], noise_rate, n_classes
        )
        n_issues = round(noise_rate * len(rated))
        if fdr is not None:
            n_issues = n_rejected(error_proba[rated], fdr)
        return replace(
            self,
            error_proba=error_proba,
            noise_rate=float(noise_rate),
            is_label_issue=mask_of(rated[:n_issues], self.n_samples),
        )

    @validate_params(k=[Count(1)])
    def recall_at(self, k: int) -> float:
        """Estimate which share of uniformly drawn wrong labels the `k` worst ones would contain.

        In thought, each label in turn is replaced by one that is drawn from the other classes; its
        out-of-fold probability is then that of the drawn label, since the models that predict it
        are not trained on the sample. The estimate is the share of these labels that would be among
        the `k` least probable ones. It does not show which share of the `k` labels is wrong: that
        depends on how many labels are wrong, which data alone do not show.

        Parameters
        ----------
        k : int
            Number of labels that are reviewed, at least 1; all of them if there are fewer.

        Returns
        -------
        recall : float
            Estimated recall, in [0, 1].

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import SGDClassifier
        >>> from sklearn_carto import find_label_issues
        >>> X, y = load_iris(return_X_y=True)
        >>> sgd = SGDClassifier(loss="log_loss", alpha=0.01)
        >>> issues = find_label_issues(sgd, X, y, random_state=0)
        >>> bool(issues.recall_at(15) > 0.7)
        True
        """
        return float(np.mean(self.planted_ranks < k))

    @validate_params(indices=["boolean"])
    def get_support(self, indices: bool = False) -> Array:
        """Get a mask, or integer index, of the samples without a label issue.

        Parameters
        ----------
        indices : bool, default=False
            If True, the return value is an array of integers instead of a boolean mask.

        Returns
        -------
        support : ndarray of shape (n_samples,) of bool, or (n_clean,) of int
            The mask, or the indices in ascending order.
        """
        mask = ~self.is_label_issue
        return np.flatnonzero(mask) if indices else mask

    def to_frame(
        self, X: Container = None, backend: Literal["pandas", "polars"] = "pandas"
    ) -> Frame:
        """Return a data frame of all samples, lowest label quality first.

        Parameters
        ----------
        X : container of shape (n_samples, ...), default=None
            The samples, to be shown beside their labels: a data frame or Hugging Face Dataset
            adds its columns, a dict of inputs a column for each of them, anything else with one
            entry for each sample (text, for example) the column `x`.
        backend : {"pandas", "polars"}, default="pandas"
            Library of the data frame; it must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each sample: `row` (its position), `sample_id`, `label_quality`,
            `is_label_issue`, `given_label`, `suggested_label`, `suggested_proba`, `given_proba`,
            `error_proba`, the statistics of the out-of-fold map, those of the in-fold map as
            `in_fold_<statistic>`, and the columns of `X`, each if there is one.

        Raises
        ------
        ImportError
            If the library is not installed.
        ValueError
            If `backend` is unknown, or `X` has another number of samples.
        """
        order = np.concatenate([self.ranking, np.flatnonzero(np.isnan(self.label_quality))])
        columns = {"row": np.arange(self.n_samples), "sample_id": self.sample_ids}
        columns |= {name: getattr(self, name) for name in _SHOWN}
        if self.data_map is not None:
            columns |= {name: getattr(self.data_map, name, None) for name in STATISTICS}
        if self.in_fold_map is not None:
            columns |= {f"in_fold_{name}": getattr(self.in_fold_map, name) for name in _IN_FOLD}
        if X is not None:
            check_same_length(X, self.given_label)
            columns |= sample_columns(X, columns)
        sorted_columns = {
            name: None if values is None else np.asarray(values)[order]
            for name, values in columns.items()
        }
        return build_frame(sorted_columns, backend, "LabelIssues.to_frame")

    @validate_params(layout=[StrOptions({"datalab", "cleanlearning"})])
    def to_cleanlab(self, layout: Literal["datalab", "cleanlearning"] = "datalab") -> Frame:
        """Return the label issues as a data frame in the layout of cleanlab.

        Parameters
        ----------
        layout : {"datalab", "cleanlearning"}, default="datalab"
            That of ``Datalab.get_issues("label")``, with the score in the column `label_score`, or
            that of ``CleanLearning.find_label_issues``, which names it `label_quality`.

        Returns
        -------
        frame : pandas.DataFrame
            A row for each sample, in the order of the samples, with the columns `is_label_issue`,
            the score, `given_label` and `predicted_label`. As in cleanlab, a low score is suspect.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = require("pandas", "LabelIssues.to_cleanlab", "pandas")
        score = "label_score" if layout == "datalab" else "label_quality"
        return pandas.DataFrame(
            {
                "is_label_issue": self.is_label_issue,
                score: self.label_quality,
                "given_label": self.given_label,
                "predicted_label": self.predicted_label,
            }
        )

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.n_samples

    def __repr__(self):
        """Return a summary: the numbers of samples, classes and issues."""
        return (
            f"<LabelIssues: {self.n_issues} of {self.n_samples} labels of {len(self.classes)} "
            "classes>"
        )

    def _repr_html_(self):
        return issues_html(self)


_SHOWN = (
    "label_quality",
    "is_label_issue",
    "given_label",
    "suggested_label",
    "suggested_proba",
    "given_proba",
    "error_proba",
)


def issues_of(rating, y, classes, y_encoded, stream, ids, records):
    """Make the label issues of a rating; `stream` seeds the breaking of ties."""
    n_samples, rows = len(y), rating.rows
    probabilities, own_class = rating.probabilities, y_encoded[rows]
    places = np.arange(len(rows))
    own = probabilities[places, own_class]
    others = probabilities.copy()
    others[places, own_class] = -1.0
    suggested, predicted = y_encoded.copy(), y_encoded.copy()
    suggested[rows] = others.argmax(axis=1)
    predicted[rows] = probabilities.argmax(axis=1)

    keys = rule_generator(stream, "ties").random_sample(len(rows))
    order = rows[np.lexsort((keys, rating.quality))]
    watched = records.in_fold_map is not None
    return LabelIssues(
        label_quality=_spread(rating.quality, rows, n_samples),
        is_label_issue=mask_of(order[: rating.n_issues], n_samples),
        given_label=y,
        suggested_label=classes[suggested],
        suggested_proba=_spread(others.max(axis=1), rows, n_samples),
        predicted_label=classes[predicted],
        classes=classes,
        given_proba=_spread(own, rows, n_samples),
        data_map=records.out_of_fold_map if watched else None,
        in_fold_map=records.in_fold_map,
        sample_ids=ids,
        planted_ranks=planted_ranks(probabilities, own_class, stream),
        ranking=order,
        sharpened_proba=_spread(sharpen(probabilities, own_class), rows, n_samples),
    )


def _spread(values, rows, n_samples):
    """Spread values of some rows over all rows; NaN elsewhere."""
    whole = np.full((*values.shape[:-1], n_samples), np.nan, dtype=values.dtype)
    whole[..., rows] = values
    return whole


def mask_of(rows, n_samples):
    """Return a mask of some rows."""
    mask = np.zeros(n_samples, dtype=bool)
    mask[rows] = True
    return mask
