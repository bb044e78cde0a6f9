"""Pipelines: their last step, which is watched, and the transformers ahead of it."""

from __future__ import annotations

import sys

from sklearn_carto.exceptions import NotWatchableError


def is_net(estimator):
    """Whether an estimator is a net of skorch, which is not imported for that."""
    skorch = sys.modules.get("skorch")  # a net cannot exist before skorch is imported
    return skorch is not None and isinstance(estimator, skorch.NeuralNet)


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
