"""The training whose map is drawn."""

from __future__ import annotations

from contextlib import contextmanager

from sklearn_carto._cli._map_output import save_map
from sklearn_carto._watching._classifier import CartographyClassifier


def make_classifier(learner, options, messages):
    """Return the CartographyClassifier of a learner."""
    return CartographyClassifier(
        learner.estimator,
        n_epochs=learner.n_epochs,
        cv=getattr(options, "cv", None),
        random_state=options.seed,
        verbose=messages.verbose,
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
