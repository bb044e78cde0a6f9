"""The data map of samples along a training that has ended."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from sklearn_carto._dynamics._scores import encode_labels
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._utils._progress import progress
from sklearn_carto._watching._find import get_watcher
from sklearn_carto._watching._pipelines import transform_samples
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto.exceptions import NotWatchableError


def score_samples(
    estimator, X, y, classes, *, n_epochs, planned_epochs, models, sample_ids, uncertainty, verbose
):
    """Evaluate the epochs of a trained estimator on samples that it was not trained on.

    Parameters
    ----------
    estimator : estimator
        Fitted; a pipeline transforms the samples once.
    X : container of shape (n_samples, n_features)
        The samples.
    y : ndarray of shape (n_samples,)
        Their labels, of the classes of the training.
    classes : ndarray of shape (n_classes,)
        These classes, sorted.
    n_epochs : int
        Number of epochs that were recorded in the training.
    planned_epochs : int
        Number of epochs that were planned, which sets the window of the DUAL score.
    models : list or None
        The model of each epoch, if these were kept.
    sample_ids : ndarray of shape (n_samples,) or None
        Names of the samples.
    uncertainty : bool
        Whether to record the probabilities of all classes.
    verbose : int
        Whether to show a progress bar.

    Returns
    -------
    data_map : DataMap
        Its `held_out_mask` is True for all rows.
    """
    watcher = get_watcher(estimator)
    if models is None and not watcher.replays:
        raise NotWatchableError(
            "CartographyClassifier.score_map needs the model of each epoch, which "
            f"{type(last_step(estimator)).__name__} does not store. Fit with keep_models=True, "
            "or use an estimator whose stages can be evaluated again, for example "
            "HistGradientBoostingClassifier()."
        )
    y_encoded = _encode(y, classes)
    last, X = transform_samples(estimator, X)
    recorder = RunRecorder(
        y, classes, y_encoded, False, sample_ids=sample_ids, uncertainty=uncertainty
    )
    recorder.planned_epochs = planned_epochs
    track = partial(progress, description="epochs", verbose=verbose)
    watcher.evaluate(
        last, X, recorder, n_epochs=n_epochs, models=models,
        track=lambda steps: track(steps, total=len(steps)),
    )  # fmt: skip
    held_out = np.ones(len(y), dtype=bool)
    return replace(DataMap.from_dynamics(recorder.dynamics), held_out_mask=held_out)


def _encode(y, classes):
    known = set(classes.tolist())
    unknown = [label for label in np.unique(y).tolist() if label not in known]
    if unknown:
        raise InvalidParameterError(
            "The 'y' parameter of CartographyClassifier.score_map must hold labels that fit has "
            f"seen, {classes.tolist()}. Got {unknown[:5]}, which have no column in the predicted "
            "probabilities. Drop these rows, or fit on all classes."
        )
    return encode_labels(y, classes)
