"""Scores of a comparison: the names of their columns, their range, and their values."""

from __future__ import annotations

from collections.abc import Mapping, Set
from difflib import get_close_matches
from numbers import Real

from sklearn.base import ClassifierMixin
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_carto._utils._compat import InvalidParameterError, _routing_enabled
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._utils._validation import describe

# scikit-learn's names of metrics from 0 to 1; those that average over classes have suffixes
_UNIT_METRICS = (
    *("accuracy", "balanced_accuracy", "top_k_accuracy", "average_precision"),
    *("f1", "precision", "recall", "jaccard", "roc_auc"),
)


def check_metrics(scoring, estimators, owner):
    """Raise an error if a metric is unknown, or if there is none."""
    if isinstance(scoring, (list, tuple, Mapping, Set)) and not scoring:
        raise InvalidParameterError(
            f"The 'scoring' parameter of {owner} must hold at least one metric. Got {scoring!r}."
        )
    several = isinstance(scoring, (list, tuple, Set))
    metrics = (
        scoring.values() if isinstance(scoring, Mapping) else scoring if several else [scoring]
    )
    names = get_scorer_names()
    for metric in metrics:
        named = isinstance(metric, str) and metric in names
        if not (named or scoring is None or (callable(metric) and not several)):
            close = get_close_matches(str(metric), names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise InvalidParameterError(
                f"The 'scoring' parameter of {owner} must be None, a callable, the name of a "
                "scorer, a list of names, or a dict of name to one of these; see "
                f"sklearn.metrics.get_scorer_names(). Got {describe(metric)}.{hint}"
            )
    for estimator in estimators:
        check_scoring(estimator, scoring)


def metric_names(scoring):
    """Return the names of the metrics; None for a callable, which may return several."""
    if callable(scoring):
        return None
    if isinstance(scoring, Set):
        return sorted(scoring)
    return ["score"] if scoring is None or isinstance(scoring, str) else list(scoring)


def unit_metrics(scoring, estimators):
    """Return the names of the metrics that are known to lie in [0, 1]."""
    if isinstance(scoring, str):
        return ["score"] if _is_unit(scoring) else []
    if scoring is None:
        scores = [getattr(type(last_step(estimator)), "score", None) for estimator in estimators]
        return ["score"] if all(score is ClassifierMixin.score for score in scores) else []
    if callable(scoring):
        return []
    named = scoring.items() if isinstance(scoring, Mapping) else [(name, name) for name in scoring]
    return [name for name, metric in named if isinstance(metric, str) and _is_unit(metric)]


def _is_unit(metric):
    return any(metric == unit or metric.startswith(f"{unit}_") for unit in _UNIT_METRICS)


def score_columns(metrics, sets, reserved, owner):
    """Return the columns ``<set>_<metric>`` of the scores; a name that occurs twice is an error."""
    columns = [f"{name}_{metric}" for name in sets for metric in metrics]
    taken = list(reserved)
    for column in columns:
        if column in taken:
            raise InvalidParameterError(
                f"The 'ood' and 'scoring' parameters of {owner} must give each score a column of "
                f"its own, but {column!r} occurs twice. Rename the data set or the metric."
            )
        taken.append(column)
    return columns


def score_params(estimator, scoring, params):
    """Select the arguments of `fit` that the scorers request too, by metadata routing."""
    if not params or not _routing_enabled():
        return {}
    router = MetadataRouter(owner="compare_subsets").add(
        scorer=check_scoring(estimator, scoring),
        method_mapping=MethodMapping().add(caller="fit", callee="score"),
    )
    consumed = router.consumes("fit", params)
    requested = {name: value for name, value in params.items() if name in consumed}
    return dict(process_routing(router, "fit", **requested).scorer.score) if requested else {}


def as_metrics(scored, owner):
    """Convert what a scorer returned to a dict of metric to float."""
    metrics = scored if isinstance(scored, Mapping) else {"score": scored}
    if not metrics:
        raise InvalidParameterError(
            f"The 'scoring' parameter of {owner} must return at least one number for each model "
            "and data set. Got an empty dict."
        )
    return {name: _as_number(value, owner) for name, value in metrics.items()}


def _as_number(value, owner):
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()  # of numpy or torch
    if not isinstance(value, Real):
        raise InvalidParameterError(
            f"The 'scoring' parameter of {owner} must return a number, or a dict of numbers, for "
            f"each model and data set. Got {describe(value)} instead."
        )
    return float(value)
