"""Pipelines whose last step is watched: what stands ahead is fitted, arguments are routed."""

from __future__ import annotations

from collections import defaultdict

from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_carto._utils._compat import _routing_enabled
from sklearn_carto.exceptions import NotWatchableError


def router_of(owner, estimator, method_of):
    """Make the router of a meta-estimator.

    Parameters
    ----------
    owner : estimator
        The meta-estimator.
    estimator : estimator
        What it trains.
    method_of : callable
        Names the method that `fit` is mapped to, of the estimator that is watched.

    Returns
    -------
    router : MetadataRouter
        Maps `fit` to the transformers' `fit_transform` and to that method.
    """
    router, depth = MetadataRouter(owner=owner), 0
    while isinstance(estimator, Pipeline):
        if len(estimator.steps) > 1:
            mapping = MethodMapping().add(caller="fit", callee="fit_transform")
            router.add(**{f"transformers_{depth}": estimator[:-1]}, method_mapping=mapping)
        estimator, depth = estimator.steps[-1][1], depth + 1
    mapping = MethodMapping().add(caller="fit", callee=method_of(estimator))
    return router.add(watched=estimator, method_mapping=mapping)


def sort_by_taker(owner, estimator, method, params):
    """Sort the arguments of `fit` by who takes them.

    Parameters
    ----------
    owner : estimator
        The meta-estimator.
    estimator : estimator
        What it trains.
    method : str
        The method that `fit` is mapped to, of the estimator that is watched.
    params : dict
        The arguments.

    Returns
    -------
    routed : dict of dict
        Of ``"watched"``, and of ``"transformers_0"``, ... for pipelines from the outside in.
    """
    routed: dict[str, dict] = defaultdict(dict)
    if _routing_enabled():
        for name, by_method in process_routing(owner, "fit", **params).items() if params else ():
            routed[name] = by_method[method if name == "watched" else "fit_transform"]
        return routed
    depth = 0
    while isinstance(estimator, Pipeline):
        last = f"{estimator.steps[-1][0]}__"
        own = {name for name in params if "__" in name and not name.startswith(last)}
        routed[f"transformers_{depth}"] = {name: params[name] for name in own}
        params = {n.removeprefix(last): v for n, v in params.items() if n not in own}
        estimator, depth = estimator.steps[-1][1], depth + 1
    routed["watched"] = params
    return routed


def fit_transformers(pipeline, X, y, params, last_params):
    """Fit all steps of a pipeline but the last, once.

    Parameters
    ----------
    pipeline : Pipeline
        A clone; its transformers are replaced by the fitted ones.
    X, y : container, ndarray
        The training set.
    params : dict
        Arguments of these steps.
    last_params : dict
        Arguments of the last step; those that the pipeline's `transform_input` names are
        transformed, too.

    Returns
    -------
    Xt : container
        The training set as the last step sees it.
    last_params : dict
        Its arguments as it sees them.

    Raises
    ------
    NotWatchableError
        If a step is a sampler, which would change the rows.
    """
    for name, step in pipeline.steps[:-1]:
        if hasattr(step, "fit_resample"):
            raise NotWatchableError(
                f"The step {name!r} of the pipeline ({type(step).__name__}) changes the rows, so "
                "that the map would not be one of X. Resample first, or watch the pipeline "
                "without it."
            )
    if len(pipeline.steps) == 1:
        return X, last_params
    head = pipeline[:-1]
    head.transform_input = pipeline.transform_input
    Xt = head.fit_transform(X, y, **params)
    pipeline.steps = [*head.steps, pipeline.steps[-1]]
    asked = set(pipeline.transform_input or ())
    transformed = {
        name: tuple(map(head.transform, value))
        if isinstance(value, tuple)
        else head.transform(value)
        for name, value in last_params.items()
        if name in asked
    }
    return Xt, {**last_params, **transformed}
