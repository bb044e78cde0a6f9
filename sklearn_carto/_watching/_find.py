"""Which way an estimator is watched while it learns, chosen by what it is."""

from __future__ import annotations

import inspect

from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier

from sklearn_carto._inputs._labels import check_not_regressor
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._watching import (
    _boosters,
    _callbacks,
    _forests,
    _partial_fit,
    _skorch,
    _stages,
    _warm_start,
)
from sklearn_carto.exceptions import NotWatchableError

# in the order of asking
_WATCHERS = (_skorch, *_boosters.WAYS, _stages, _partial_fit, _forests, _warm_start, _callbacks)


def get_watcher(estimator):
    """Find how to watch an estimator learn.

    Parameters
    ----------
    estimator : estimator
        A classifier, or a pipeline that ends in one.

    Returns
    -------
    way : module or Booster
        With `method` (what `fit` is mapped to), `encodes_labels`, and `watch`.

    Raises
    ------
    NotWatchableError
        If there is none, or if the estimator could be watched but says nothing of its rows.
    """
    last = last_step(estimator)
    name = repr(last) if isinstance(last, str) else type(last).__name__  # "passthrough"
    if isinstance(last, FrozenEstimator):
        raise NotWatchableError(
            "A FrozenEstimator does not train, so there is nothing to watch. Pass the estimator "
            "itself, or a frozen CartographyClassifier to DataMapSelector."
        )
    if not isinstance(last, str):
        check_not_regressor(last)
    for way in _WATCHERS:
        if way.can_watch(last):
            if not (hasattr(last, "predict_proba") or hasattr(last, "decision_function")):
                raise NotWatchableError(
                    f"{name} has neither predict_proba nor decision_function, so it says nothing "
                    "of how sure it is of a row. Choose one that has, for example "
                    "SGDClassifier(loss='log_loss')."
                )
            if way is _skorch and not _skorch.predicts_labels(last):
                raise NotWatchableError(
                    f"{name}.predict gives no labels: it is no classifier. Use "
                    "skorch.NeuralNetClassifier."
                )
            return way
    if hasattr(type(last), "partial_fit"):
        mlp = " Set solver='adam' or 'sgd'." if isinstance(last, MLPClassifier) else ""
        raise NotWatchableError(
            f"{name} has no partial_fit with the parameters that it was given, so that it cannot "
            f"be watched while it learns.{mlp}"
        )
    raise NotWatchableError(
        f"{name} cannot be watched while it learns: it has no partial_fit, staged_predict_proba "
        "or warm_start with n_estimators, shows no iterations to scikit-learn's callbacks, and is "
        "neither a skorch net nor a classifier of XGBoost, LightGBM or CatBoost. Choose an "
        "estimator that trains in steps, for example SGDClassifier(loss='log_loss'), "
        "MLPClassifier(), HistGradientBoostingClassifier(), RandomForestClassifier() or a skorch "
        "NeuralNetClassifier, or a Pipeline that ends in one."
    )


def can_watch(estimator):
    """Whether an estimator can be watched while it learns."""
    try:
        get_watcher(estimator)
    except NotWatchableError:
        return False
    return True


def check_fit_params(estimator, method, params):
    """Raise where an estimator does not take what it is given, naming the estimator."""
    signature = inspect.signature(getattr(estimator, method))
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    unknown = sorted(params.keys() - signature.parameters.keys())
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        raise TypeError(
            f"{type(estimator).__name__}.{method} takes no {', '.join(unknown)}, so it cannot be "
            "passed to fit."
        )
