"""Equal steps: a fit on a third of the samples takes a third of the steps for equal epochs."""

from __future__ import annotations

from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._metaestimators import last_step

# of a skorch net, of CartographyClassifier, of scikit-learn
_N_EPOCHS_PARAMS = ("max_epochs", "n_epochs", "max_iter")


def scale_n_epochs(estimator, ratio):
    """Clone an estimator and multiply its number of epochs by a ratio.

    If it is a pipeline, its last step is changed. `n_iter_no_change` counts epochs, too.
    """
    estimator = clone(estimator)
    last = last_step(estimator)
    name = _n_epochs_param(last)
    params = last.get_params(deep=False)
    scaled = {name: max(1, round(ratio * params[name]))}
    if "n_iter_no_change" in params:
        scaled["n_iter_no_change"] = max(1, round(ratio * params["n_iter_no_change"]))
    last.set_params(**scaled)
    return estimator


def check_match(match, estimator):
    """Raise an error if `match` is "steps" and the model has no number of epochs."""
    if match == "steps" and not trains_in_epochs(estimator):
        raise InvalidParameterError(
            f"match='steps' is not supported: {type(last_step(estimator)).__name__} does not train "
            "in epochs, or has no parameter for their number. Use match='epochs'."
        )


def trains_in_epochs(estimator):
    """Whether an estimator, or the last step of a pipeline, has a number of epochs."""
    return _n_epochs_param(last_step(estimator)) is not None


def _n_epochs_param(estimator):
    """Name of the parameter that sets the number of epochs, or None."""
    params = estimator.get_params(deep=False)
    # without partial_fit, `max_iter` counts iterations of a solver or stages, not epochs
    names = _N_EPOCHS_PARAMS if hasattr(estimator, "partial_fit") else _N_EPOCHS_PARAMS[:-1]
    return next((name for name in names if params.get(name) is not None), None)
