"""Equal steps: a third of the rows at equal epochs trains a third as long."""

from __future__ import annotations

from sklearn.base import clone

from sklearn_carto._utils._metaestimators import last_step

_EPOCHS = ("max_epochs", "n_epochs", "max_iter")  # of a skorch net, of ours, of scikit-learn


def scale_n_epochs(estimator, ratio):
    """Clone an estimator so that it trains for more epochs.

    Parameters
    ----------
    estimator : estimator
        Or a pipeline that ends in one.
    ratio : float
        By how much.

    Returns
    -------
    estimator : estimator
        A clone whose number of epochs is raised, and `n_iter_no_change`, which counts epochs, too.
    """
    estimator = clone(estimator)
    last = last_step(estimator)
    name = _name_of_epochs(last)
    params = last.get_params(deep=False)
    longer = {name: max(1, round(ratio * params[name]))}
    if "n_iter_no_change" in params:
        longer["n_iter_no_change"] = max(1, round(ratio * params["n_iter_no_change"]))
    last.set_params(**longer)
    return estimator


def check_match(match, estimator):
    """Raise where a way to match is unknown, or an estimator knows no epochs.

    Parameters
    ----------
    match : {"epochs", "steps"}
        What is kept equal.
    estimator : estimator
        The model that is trained.

    Raises
    ------
    ValueError
        If `match` is unknown, or is "steps" and the estimator does not train in epochs.
    """
    if match not in ("epochs", "steps"):
        raise ValueError(f"match must be 'epochs' or 'steps'; got {match!r}.")
    if match == "steps" and not trains_in_epochs(estimator):
        raise ValueError(
            f"{type(last_step(estimator)).__name__} does not train in epochs, or does not say how "
            "many, so that steps cannot be matched. Use match='epochs', which leaves it as it is."
        )


def trains_in_epochs(estimator):
    """Whether an estimator, or the last step of a pipeline, says how many epochs it trains."""
    return _name_of_epochs(last_step(estimator)) is not None


def _name_of_epochs(estimator):
    """Name of the parameter that counts passes over the rows; None where there is none."""
    params = estimator.get_params(deep=False)
    # without partial_fit, `max_iter` counts iterations of a solver, or stages, not passes
    names = _EPOCHS if hasattr(estimator, "partial_fit") else _EPOCHS[:-1]
    return next((name for name in names if params.get(name) is not None), None)
