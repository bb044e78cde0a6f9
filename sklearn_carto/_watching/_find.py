"""Choice of the watcher of an estimator, by its type and methods."""

from __future__ import annotations

from sklearn.frozen import FrozenEstimator

from sklearn_carto._utils._compat import loaded_class
from sklearn_carto._utils._metaestimators import last_step, why_no_classifier
from sklearn_carto._watching._boosters import BOOSTERS
from sklearn_carto._watching._callbacks import CallbackWatcher
from sklearn_carto._watching._forests import ForestWatcher
from sklearn_carto._watching._partial_fit import PartialFitWatcher
from sklearn_carto._watching._pipelines import why_resampled
from sklearn_carto._watching._responses import MLP
from sklearn_carto._watching._skorch import SkorchWatcher
from sklearn_carto._watching._stages import StagesWatcher
from sklearn_carto._watching._warm_start import WarmStartWatcher
from sklearn_carto.exceptions import NotWatchableError

# in order of precedence: an estimator is watched by the first whose kind it is
_WATCHERS = (
    SkorchWatcher(),
    *BOOSTERS,
    StagesWatcher(),
    PartialFitWatcher(),
    ForestWatcher(),
    WarmStartWatcher(),
    CallbackWatcher(),
)


def get_watcher(estimator):
    """Return the watcher of an estimator.

    Parameters
    ----------
    estimator : estimator
        A classifier, or a pipeline that ends in one.

    Returns
    -------
    watcher : Watcher
        Of the last step.

    Raises
    ------
    NotWatchableError
        If the estimator cannot be watched, or provides no class scores.
    """
    last = last_step(estimator)
    problem = why_no_classifier(estimator)
    if problem and not isinstance(last, str):  # "passthrough"
        raise NotWatchableError(
            f"The estimator to watch must be a classifier. Got {problem} instead."
        )
    if isinstance(last, FrozenEstimator):
        raise NotWatchableError(
            "A FrozenEstimator does not train, so that there is nothing to watch. Pass the "
            "estimator itself, or a frozen CartographyClassifier to DataMapSelector."
        )
    watcher = next((watcher for watcher in _WATCHERS if watcher.can_watch(last)), None)
    if watcher is None:
        reason = _why_none(last)
    else:
        reason = _why_no_scores(last) or watcher.refuses(last) or why_resampled(estimator)
    if reason is not None:
        raise NotWatchableError(reason)
    return watcher


def can_watch(estimator):
    """Whether the training of an estimator can be watched."""
    try:
        get_watcher(estimator)
    except NotWatchableError:
        return False
    return True


def _why_no_scores(estimator):
    """Return why class scores cannot be recorded, or None."""
    if hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function"):
        return None
    return (
        f"{type(estimator).__name__} has neither predict_proba nor decision_function, so that it "
        "provides no class scores. Choose an estimator that has, for example "
        "SGDClassifier(loss='log_loss')."
    )


def _why_none(estimator):
    """Return why an estimator is of no kind that can be watched."""
    name = repr(estimator) if isinstance(estimator, str) else type(estimator).__name__
    if hasattr(type(estimator), "partial_fit"):
        mlp = " Set solver='adam' or 'sgd'." if isinstance(estimator, loaded_class(MLP)) else ""
        return (
            f"{name} has no partial_fit with its present parameters, so that it cannot be watched "
            f"while it trains.{mlp}"
        )
    return (
        f"{name} cannot be watched while it trains: it has no partial_fit, staged_predict_proba "
        "or warm_start with n_estimators, shows no iterations to scikit-learn's callbacks, and is "
        "neither a skorch net nor a classifier of XGBoost, LightGBM or CatBoost. Choose an "
        "estimator that trains in steps, for example SGDClassifier(loss='log_loss'), "
        "MLPClassifier(), HistGradientBoostingClassifier(), RandomForestClassifier() or a skorch "
        "NeuralNetClassifier, or a Pipeline that ends in one."
    )
