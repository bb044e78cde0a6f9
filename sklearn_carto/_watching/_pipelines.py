"""Pipelines whose last step is watched: metadata routing, and fitting of the transformers."""

from __future__ import annotations

from collections import defaultdict
from inspect import Parameter, signature
from numbers import Integral

from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_carto._inputs._containers import copy_rows
from sklearn_carto._utils._compat import _routing_enabled
from sklearn_carto._utils._metaestimators import last_step, works_in_place


def _nested_pipelines(estimator):
    """Yield a pipeline and the pipelines nested in its last step, from the outside in."""
    while last_step(estimator) is not estimator:
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


def make_router(owner, estimator, method, cv=None):
    """Map `fit` of `owner` to `fit_transform` of the transformers and `method` of the last step.

    `fit` is also mapped to `split` of a cross-validation generator `cv`; an int stands for one that
    takes groups.
    """
    router = MetadataRouter(owner=owner)
    for depth, pipeline in enumerate(_nested_pipelines(estimator)):
        if len(pipeline.steps) > 1:
            mapping = MethodMapping().add(caller="fit", callee="fit_transform")
            router.add(**{f"transformers_{depth}": pipeline[:-1]}, method_mapping=mapping)
    splitter = StratifiedGroupKFold() if isinstance(cv, Integral) else cv
    if hasattr(splitter, "get_metadata_routing"):
        mapping = MethodMapping().add(caller="fit", callee="split")
        router.add(splitter=splitter, method_mapping=mapping)
    mapping = MethodMapping().add(caller="fit", callee=method)
    return router.add(watched=last_step(estimator), method_mapping=mapping)


def route_fit_params(owner, estimator, method, params, cv=None):
    """Route the arguments of `fit` to the transformers, `method` of the last step, and `cv`.

    Returns
    -------
    routed : dict of dict
        Of ``"watched"``, of ``"transformers_0"``, ... for pipelines from the outside in, and of
        ``"splitter"``.

    Raises
    ------
    TypeError
        If nothing takes an argument.
    """
    routed: dict[str, dict] = defaultdict(dict)
    params = {name: value for name, value in params.items() if value is not None}
    if _routing_enabled():
        methods = {"watched": method, "splitter": "split"}
        for name, by_method in process_routing(owner, "fit", **params).items() if params else ():
            routed[name] = by_method[methods.get(name, "fit_transform")]
        return routed
    if cv is not None and "groups" in params:
        routed["splitter"]["groups"] = params["groups"]
        if "groups" not in signature(getattr(last_step(estimator), method)).parameters:
            del params["groups"]
    for depth, pipeline in enumerate(_nested_pipelines(estimator)):
        last = f"{pipeline.steps[-1][0]}__"
        own = {name for name in params if "__" in name and not name.startswith(last)}
        routed[f"transformers_{depth}"] = {name: params[name] for name in own}
        _check_step_params(pipeline, own)
        params = {n.removeprefix(last): v for n, v in params.items() if n not in own}
    routed["watched"] = params
    check_fit_params(last_step(estimator), method, params)
    return routed


def _check_step_params(pipeline, names):
    """Raise a TypeError where a pipeline has no such step, or the step takes no such argument."""
    steps = dict(pipeline.steps[:-1])
    for name in sorted(names):
        step, _, argument = name.partition("__")
        if steps.get(step) in (None, "passthrough"):
            raise TypeError(
                f"{type(pipeline).__name__} has no step {step!r} that is fitted, so {name} cannot "
                f"be passed to fit. Its steps are {[step for step, _ in pipeline.steps]}."
            )
        if not isinstance(steps[step], Pipeline):  # which routes to its own steps
            check_fit_params(steps[step], "fit", {argument: None})


def check_fit_params(estimator, method, params):
    """Raise a TypeError where a method of an estimator does not take one of some arguments."""
    parameters = signature(getattr(estimator, method)).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    unknown = sorted(params.keys() - parameters.keys())
    if unknown and Parameter.VAR_KEYWORD not in kinds:
        raise TypeError(
            f"{type(estimator).__name__}.{method} takes no {', '.join(unknown)}, so it cannot be "
            "passed to fit."
        )


def fit_transformers(estimator, X, y, X_eval, routed):
    """Fit the transformers of a pipeline, however deep, and transform what its last step takes.

    The samples are not changed: transformers that work in place get a copy.

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
    if last_step(estimator) is not estimator and works_in_place(estimator):
        X, X_eval = copy_rows(X), None if X_eval is None else copy_rows(X_eval)
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


def transform_samples(estimator, X):
    """Transform samples by the fitted transformers of a pipeline, for its last step.

    Returns the last step and the samples as it takes them; without a pipeline, `X` itself.
    """
    for pipeline in _nested_pipelines(estimator):
        if len(pipeline.steps) > 1:
            X = pipeline[:-1].transform(X)
    return last_step(estimator), X


def fit_unwatched(estimator, X, y, routed):
    """Fit a classifier, or a pipeline that ends in one, with the arguments routed to its steps.

    Parameters
    ----------
    estimator : estimator
        A clone.
    X : container of shape (n_samples, n_features)
        Training samples.
    y : ndarray of shape (n_samples,)
        Their labels.
    routed : dict of dict
        From :func:`route_fit_params`.
    """
    if why_resampled(estimator) is None:
        last, Xt, _, params = fit_transformers(estimator, X, y, None, routed)
        last.fit(Xt, y, **params)
        return
    params, prefix = {}, ""  # the pipeline itself knows how its samplers are fitted
    for depth, pipeline in enumerate(_nested_pipelines(estimator)):
        of_steps = routed[f"transformers_{depth}"]
        params |= {f"{prefix}{name}": value for name, value in of_steps.items()}
        if not _routing_enabled():
            prefix += f"{pipeline.steps[-1][0]}__"
    params |= {f"{prefix}{name}": value for name, value in routed["watched"].items()}
    estimator.fit(X, y, **params)


def _transform(head, value):
    """Transform a container, or each of a tuple of containers, for example of an `eval_set`."""
    return tuple(map(head.transform, value)) if isinstance(value, tuple) else head.transform(value)
