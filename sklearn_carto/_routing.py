"""Which arguments of `fit` go to which step of a pipeline whose last step is watched."""

from __future__ import annotations

from collections import defaultdict

from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_carto._utils._compat import _routing_enabled


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
