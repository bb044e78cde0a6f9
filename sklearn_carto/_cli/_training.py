"""The training whose map is drawn."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._estimators import NAMES
from sklearn_carto._cli._map_output import save_map
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._find import can_watch


def make_classifier(learner, options, messages):
    """Return the CartographyClassifier of a learner."""
    return watched(
        learner,
        cv=getattr(options, "cv", None),
        random_state=options.seed,
        verbose=messages.verbose,
    )


def watched(learner, **params):
    """Return a CartographyClassifier of a learner, after a check that it can be watched."""
    if not can_watch(learner.estimator):
        raise CommandError(
            f"--estimator {learner.name} cannot be watched while it trains. Choose one of "
            f"{', '.join(NAMES)}, or a classifier that trains in steps: one with partial_fit, "
            "warm_start and n_estimators, or a net of skorch."
        )
    return CartographyClassifier(learner.estimator, n_epochs=learner.n_epochs, **params)


def check_folds(y, n_folds, option, way_out):
    """Raise an error that names the option if a class has fewer rows than there are folds."""
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() < n_folds:
        raise CommandError(
            f"{option} trains in {n_folds} folds, but class {str(classes[counts.argmin()])!r} has "
            f"{counts.min()} of the rows. Merge the class with another, leave out its rows, or "
            f"{way_out}."
        )


@contextmanager
def saved_if_interrupted(model, folder, messages):
    """Save the map of the complete epochs if the training is interrupted."""
    try:
        yield
    except BaseException:
        if getattr(model, "interrupted_", False):
            save_map(folder, model.data_map_)
            messages.info(f"map.npz holds the {model.n_epochs_} complete epochs")
        raise
