"""Arguments of `fit`: which model takes which, and the rows that weights exclude."""

from __future__ import annotations

from inspect import Parameter, signature

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_carto._inputs._containers import absent_rows
from sklearn_carto._utils._compat import InvalidParameterError, _routing_enabled
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._utils._validation import check_sample_weight
from sklearn_carto._watching._boosters import OFFSETS
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._find import get_watcher
from sklearn_carto._watching._skorch import is_net

# arguments that are set by the classifier that is fitted, never by the user
_RESERVED = {"X", "y", "classes"}


def takes_param(estimator, name, method="fit"):
    """Return whether a method of an estimator takes an argument.

    An argument without the prefix of a step goes to the last step of a pipeline. What an estimator
    takes by ``**fit_params`` is taken by the estimator inside it, if there is one.
    """
    if isinstance(estimator, CartographyClassifier):
        if name == "sample_ids" or (name == "groups" and estimator.cv is not None):
            return True
        watcher = get_watcher(estimator.estimator)
        return takes_param(estimator.estimator, name, watcher.method)
    if isinstance(estimator, Pipeline):
        step, _, rest = name.partition("__")
        last_name, last = estimator.steps[-1]
        if not rest or step == last_name:
            return takes_param(last, rest or name, method)
        return step in estimator.named_steps and takes_param(estimator.named_steps[step], rest)
    if not hasattr(estimator, method):  # "passthrough"
        return False
    parameters = signature(getattr(estimator, method)).parameters
    if name in parameters:
        return name not in _RESERVED and parameters[name].kind is not Parameter.VAR_KEYWORD
    if all(parameter.kind is not Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return False
    if is_net(estimator):
        return name != "sample_weight"
    if name == "groups":
        return hasattr(estimator, "cv")
    inner = getattr(estimator, "estimator", None)
    if isinstance(inner, Pipeline) and "__" not in name:
        return False
    return inner is None or takes_param(inner, name)


def params_taken(estimator, params):
    """Select the arguments that `fit` of an estimator takes or, with metadata routing, requests."""
    if _routing_enabled():
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner="DataMapSelector")
        router.add(estimator=estimator, method_mapping=mapping)
        return router.route_params(caller="fit", params=params).estimator.fit
    return {name: value for name, value in params.items() if takes_param(estimator, name)}


def check_params_taken(params, estimator, owner):
    """Raise a TypeError that names the arguments that `fit` of the proxy model does not take.

    With metadata routing, scikit-learn has checked them.
    """
    unknown = (
        [] if _routing_enabled() else [name for name in params if not takes_param(estimator, name)]
    )
    if unknown:
        name = _name(estimator)
        raise _unknown_error(owner, unknown, f"the proxy model ({name}) does not take", [estimator])


def assign_params(params, proxy, estimator, owner):
    """Divide the arguments of `fit` between the proxy model and the final estimator.

    Parameters
    ----------
    params : dict
        The arguments. The prefix ``selector__`` means the proxy model alone; the others are for
        each model that takes them.
    proxy : CartographyClassifier or FrozenEstimator
        The proxy model; one that is frozen takes none.
    estimator : estimator
        The final estimator.
    owner : str
        Name of the class that was given the arguments.

    Returns
    -------
    for_proxy, for_estimator : dict
        The arguments of each, without ``selector__``.

    Raises
    ------
    TypeError
        If no model takes an argument, naming it.
    """
    own = {n.removeprefix("selector__"): v for n, v in params.items() if n.startswith("selector__")}
    shared = {name: value for name, value in params.items() if not name.startswith("selector__")}
    for_estimator = params_taken(estimator, shared)
    # offsets of boosters cannot be watched
    for_proxy = {n: v for n, v in _taken_by_proxy(proxy, shared).items() if n not in OFFSETS}
    unknown = [name for name in shared if name not in {*for_proxy, *for_estimator}]
    if unknown:
        names = f"neither the proxy model ({_name(proxy)}) nor {_name(estimator)} takes"
        raise _unknown_error(owner, unknown, names, [proxy, estimator])
    unknown = [f"selector__{name}" for name in own if name not in _taken_by_proxy(proxy, own)]
    if unknown:
        names = f"the proxy model ({_name(proxy)}) does not take"
        raise _unknown_error(owner, unknown, names, [proxy])
    return for_proxy | own, for_estimator


def _taken_by_proxy(proxy, params):
    return {} if isinstance(proxy, FrozenEstimator) else params_taken(proxy, params)


def _unknown_error(owner, unknown, takers, estimators):
    hint = ""
    if any(name.endswith("sample_weight") for name in unknown) and any(map(_is_net, estimators)):
        hint = " A skorch net takes weights inside a dict X, which its module and get_loss read."
    return TypeError(
        f"{_call_of(owner)} got {', '.join(map(repr, unknown))}, which {takers}. Check the "
        f"spelling, or leave it out.{hint}"
    )


def _name(estimator):
    if isinstance(estimator, (CartographyClassifier, FrozenEstimator)):
        estimator = estimator.estimator
    return type(last_step(estimator)).__name__


def _is_net(estimator):
    if isinstance(estimator, CartographyClassifier):
        estimator = estimator.estimator
    return is_net(last_step(estimator))


def prefix_params(estimator, params):
    """Prefix arguments without the name of a step by that of the last step of a pipeline.

    `fit` of a pipeline requires it, unless metadata routing is enabled.
    """
    if _routing_enabled() or not isinstance(estimator, Pipeline):
        return params
    name, last = estimator.steps[-1]
    of_steps = {key: value for key, value in params.items() if "__" in key}
    of_last = prefix_params(last, {key: params[key] for key in params if "__" not in key})
    return of_steps | {f"{name}__{key}": value for key, value in of_last.items()}


def excluded_rows(estimator, params, X, n_samples, owner):
    """Find the samples that weights exclude from the training of an estimator.

    Parameters
    ----------
    estimator : estimator
        The estimator; of a pipeline, the weights of the last step count.
    params : dict
        Arguments of its `fit`.
    X : container of shape (n_samples, n_features)
        The samples; the weights of a skorch net are an entry `sample_weight` of a dict.
    n_samples : int
        Number of samples.
    owner : str
        Name of the class that was given the weights, for errors.

    Returns
    -------
    excluded_mask : ndarray of shape (n_samples,) of bool, or None
        True where the weight is 0; None if it is nowhere.

    Raises
    ------
    ValueError
        If weights are no finite numbers of at least 0, one for each sample, or all 0.
    """
    weights = check_sample_weight(_weights_of(estimator, params), n_samples, _call_of(owner))
    excluded = np.zeros(n_samples, dtype=bool) if weights is None else weights == 0
    of_net = absent_rows(X, n_samples)
    if of_net is not None:
        excluded |= of_net
    if excluded.all():
        raise InvalidParameterError(
            f"The weights passed to {_call_of(owner)} exclude every sample. Pass positive weights."
        )
    return excluded if excluded.any() else None


def _weights_of(estimator, params):
    """Return the sample weights of the estimator that learns, or None."""
    if isinstance(estimator, CartographyClassifier):
        if _routing_enabled() and params:
            method = get_watcher(estimator.estimator).method
            return process_routing(estimator, "fit", **params)["watched"][method].get(
                "sample_weight"
            )
        estimator = estimator.estimator
    if not isinstance(estimator, Pipeline):
        return params.get("sample_weight")
    name, last = estimator.steps[-1]
    if _routing_enabled():
        of_last = process_routing(estimator, "fit", **params)[name]["fit"] if params else {}
    else:
        prefix = f"{name}__"
        of_last = {key.removeprefix(prefix): value for key, value in params.items()}
    return _weights_of(last, of_last)


def _call_of(owner):
    """Name of what arguments were passed to: a function, or the `fit` of a class."""
    return f"{owner}.fit" if owner[0].isupper() else owner
