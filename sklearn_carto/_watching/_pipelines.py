"""Pipelines whose last step is watched: metadata routing, and fitting of the transformers."""

from __future__ import annotations

from collections import defaultdict

from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_carto._utils._compat import _routing_enabled
from sklearn_carto._utils._metaestimators import last_step


def _nested_pipelines(estimator):
    """Yield a pipeline and the pipelines nested in its last step, from the outside in."""
    while isinstance(estimator, Pipeline):
        yield estimator
        estimator = estimator.steps[-1][1]


def why_resampled(estimator):
    """Return why the samples that the last step trains on are not those of X, or None."""
    for pipeline in _nested_pipelines(estimator):
        for name, step in pipeline.steps[:-1]:
            if hasattr(step, "fit_resample"):
                return (
                    f"The step {name!r} of the pipeline ({type(step).__name__}) changes the rows, "
                    "so that the data map would not be one of X. Resample first, or watch the "
                    "pipeline without it."
                )
    return None


def make_router(owner, estimator, method):
    """Map `fit` of `owner` to `fit_transform` of the transformers and `method` of the last step."""
    router = MetadataRouter(owner=owner)
    for depth, pipeline in enumerate(_nested_pipelines(estimator)):
        if len(pipeline.steps) > 1:
            mapping = MethodMapping().add(caller="fit", callee="fit_transform")
            router.add(**{f"transformers_{depth}": pipeline[:-1]}, method_mapping=mapping)
    mapping = MethodMapping().add(caller="fit", callee=method)
    return router.add(watched=last_step(estimator), method_mapping=mapping)


def route_fit_params(owner, estimator, method, params):
    """Route the arguments of `fit` to the transformers and to `method` of the last step.

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
    for depth, pipeline in enumerate(_nested_pipelines(estimator)):
        last = f"{pipeline.steps[-1][0]}__"
        own = {name for name in params if "__" in name and not name.startswith(last)}
        routed[f"transformers_{depth}"] = {name: params[name] for name in own}
        params = {n.removeprefix(last): v for n, v in params.items() if n not in own}
    routed["watched"] = params
    return routed


def fit_transformers(estimator, X, y, X_eval, routed):
    """Fit the transformers of a pipeline, however deep, and transform what its last step takes.

    Parameters
    ----------
    estimator : estimator
        A clone; its transformers are replaced by the fitted ones. Without a pipeline, nothing is
        transformed.
    X : container of shape (n_samples, n_features)
        Training samples.
    y : ndarray of shape (n_samples,)
        Their labels.
    X_eval : container of shape (n_samples_eval, n_features) or None
        Samples to evaluate; None: the training samples.
    routed : dict of dict
        From :func:`route_fit_params`.

    Returns
    -------
    watched : estimator
        The last step.
    Xt, Xt_eval : container
        Samples as the last step takes them.
    params : dict
        Its arguments; those that `transform_input` of a pipeline names are transformed.
    """
    params = routed["watched"]
    for depth, pipeline in enumerate(_nested_pipelines(estimator)):
        if len(pipeline.steps) == 1:
            continue
        head = pipeline[:-1]
        head.transform_input = pipeline.transform_input
        X = head.fit_transform(X, y, **routed[f"transformers_{depth}"])
        pipeline.steps = [*head.steps, pipeline.steps[-1]]
        for name in params.keys() & set(pipeline.transform_input or ()):
            params = {**params, name: _transform(head, params[name])}
        if X_eval is not None:
            X_eval = head.transform(X_eval)
    return last_step(estimator), X, X if X_eval is None else X_eval, params


def _transform(head, value):
    """Transform a container, or each of a tuple of containers, for example of an `eval_set`."""
    return tuple(map(head.transform, value)) if isinstance(value, tuple) else head.transform(value)
