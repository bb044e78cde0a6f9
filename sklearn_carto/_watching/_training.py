"""One training of an estimator, prepared and recorded."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from functools import partial

from sklearn_carto._utils._progress import progress
from sklearn_carto._watching._find import get_watcher
from sklearn_carto._watching._pipelines import fit_transformers
from sklearn_carto._watching._seeds import set_seed


def train_and_record(estimator, data, X_eval, recorder, seed, task, *, n_epochs, verbose):
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
    """
    # 1. Prepare the estimator, and what its last step takes.
    watcher = get_watcher(estimator)
    set_seed(estimator, seed)
    watched, X, X_eval, params = fit_transformers(estimator, data.X, data.y, X_eval, data.routed)
    y = watcher.encode(watched, data.y, recorder.classes)

    # 2. Connect progress and callbacks.
    predicts = watcher.method == "partial_fit"  # at the end of each epoch
    attributes = partial(_reconstruction_attributes, estimator) if predicts else None

    def track(steps):
        tasks = steps if watcher.emits_callbacks else task.track(steps, attributes)
        return progress(tasks, description="epochs", verbose=verbose, total=len(steps))

    # 3. Train and record.
    with task.propagate_to(watched) if watcher.emits_callbacks else nullcontext():
        options = {"n_epochs": n_epochs, "seed": seed, "params": params, "track": track}
        watcher.watch(watched, X, y, recorder, X_eval=X_eval, **options)
    task.close()


def _reconstruction_attributes(estimator):
    """Return the attributes of a CartographyClassifier whose training stopped at this epoch."""
    return {
        "estimator_": deepcopy(estimator),
        "classes_": estimator.classes_,
        "_encodes_labels": False,
    }
