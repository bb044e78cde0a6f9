"""One training of an estimator, prepared and recorded."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from functools import partial

from sklearn_carto._checkpoint._training import NO_CHECKPOINT
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._utils._progress import progress
from sklearn_carto._watching._find import get_watcher
from sklearn_carto._watching._pipelines import fit_transformers
from sklearn_carto._watching._seeds import set_seed


def train_and_record(
    estimator, data, X_eval, recorder, seed, task, *, n_epochs, verbose,
    checkpoint=NO_CHECKPOINT,
):  # fmt: skip
    """Train an estimator in place and record its class scores.

    Parameters
    ----------
    estimator : estimator
        A clone, or a pipeline that ends in what is watched.
    data : TrainingSet
        Training samples.
    X_eval : container of shape (n_samples_eval, ...) or None
        Samples whose scores are recorded; None: the training samples.
    recorder : RunRecorder
        Receives the scores.
    seed : int or None
        Set on every `random_state`.
    task : TrainingTask
        The task of this training.
    n_epochs : int or None
        Number of epochs to record.
    verbose : int
        Whether to show a progress bar.
    checkpoint : TrainingCheckpoint, default=NO_CHECKPOINT
        Receives each complete step. If it continues an earlier run, `estimator` is its own.
    """
    # 1. Prepare the estimator, and what its last step takes.
    watcher = get_watcher(estimator)
    if not (watcher.seeds_generators and checkpoint.n_done):
        device = getattr(last_step(estimator), "device", None) if watcher.seeds_generators else None
        checkpoint.restore_generators(device)
    if not checkpoint.continues:
        set_seed(estimator, seed)
    if checkpoint.inputs is None:
        watched, *inputs = _prepare(estimator, data, X_eval, checkpoint)
    else:
        watched, inputs = last_step(estimator), checkpoint.inputs
    X, X_eval, params = inputs
    checkpoint.keep_inputs(estimator, data.X, inputs)
    y = watcher.encode(watched, data.y, recorder.classes)

    # 2. Connect progress and callbacks.
    predicts = watcher.method == "partial_fit"  # at the end of each epoch
    attributes = partial(_reconstruction_attributes, estimator) if predicts else None

    def track(steps):
        tasks = steps if watcher.emits_callbacks else task.track(steps, attributes)
        counts = {"total": checkpoint.n_done + len(steps), "initial": checkpoint.n_done}
        return progress(tasks, description="epochs", verbose=verbose, **counts)

    # 3. Train and record.
    with task.propagate_to(watched) if watcher.emits_callbacks else nullcontext():
        watcher.watch(
            watched, X, y, recorder, X_eval=X_eval, n_epochs=n_epochs, seed=seed, params=params,
            track=track, checkpoint=checkpoint,
        )  # fmt: skip
    task.close()


def _prepare(estimator, data, X_eval, checkpoint):
    """Fit the transformers of a pipeline, or transform again where nothing had to be kept."""
    if checkpoint.continues:  # without transformers
        X = data.X
        return last_step(estimator), X, X if X_eval is None else X_eval, data.routed["watched"]
    return fit_transformers(estimator, data.X, data.y, X_eval, data.routed)


def _reconstruction_attributes(estimator):
    """Return the attributes of a CartographyClassifier whose training stopped at this epoch."""
    return {
        "estimator_": deepcopy(estimator),
        "classes_": estimator.classes_,
        "_encodes_labels": False,
    }
