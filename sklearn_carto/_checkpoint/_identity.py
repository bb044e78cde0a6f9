"""The identity of a fit: what must be the same for a checkpoint to be continued."""

from __future__ import annotations

import sys
from copy import copy
from numbers import Integral

import numpy as np

from sklearn_carto._inputs._code import library_names
from sklearn_carto._inputs._fingerprint import known_fingerprint

# parameters of the classifier that do not change what is trained and recorded
_NEUTRAL = (
    "checkpoint", "verbose", "log", "history_dir", "estimator", "cv", "random_state",
)  # fmt: skip
_GENERATORS = (np.random.RandomState, np.random.Generator)


def identity_of(classifier, X, recorder, routed):
    """Describe a fit by the values of its data and parameters.

    Values that cannot be read, such as the rows of a torch Dataset of the user's own class, are
    described by their type and length alone; code that cannot be pickled by what is known of it.

    Parameters
    ----------
    classifier : CartographyClassifier
        Its parameters; a generator that is passed as a `random_state` has advanced if a fit of the
        same process was interrupted, so that of generators only the type counts.
    X : container of shape (n_samples, n_features)
        Samples.
    recorder : RunRecorder
        Knows the labels and the names of the samples.
    routed : dict of dict
        Further arguments of `fit`.

    Returns
    -------
    identity : dict of str to str
        Names, as an error gives them, to digests.
    """
    arguments = {
        f"the argument {name} of fit": known_fingerprint(value)
        for params in routed.values()
        for name, value in params.items()
    }
    params, classes = classifier.get_params(deep=False), recorder.classes
    dates = classes.dtype.str if classes.dtype.kind in "mM" else ""  # which are numbers in a list
    own = {
        f"the parameter {name}": known_fingerprint(value)
        for name, value in params.items()
        if name not in _NEUTRAL
    }
    return {
        **_versions(classifier.estimator),
        "the type of the classifier": _kind_of(classifier),
        "the number of samples": str(recorder.n_samples),
        "the samples X": known_fingerprint(X),
        "the labels y": known_fingerprint(dates, classes.tolist(), recorder.y_encoded),
        "the sample_ids": known_fingerprint(recorder.sample_ids),
        **arguments,
        **own,
        "the parameter random_state": _of_seed(params["random_state"]),
        "the parameter cv": _of_cv(params["cv"]),
        **_of_estimator(classifier.estimator),
    }


def differing(before, now):
    """List the names of what differs between two identities, the most specific ones."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if "the number of samples" in names:  # then all that has one entry for each differs, too
        names = [name for name in names if not name.startswith(("the samples", "the labels"))]
    inner = [name for name in names if "estimator__" in name]

    def is_outer(name):
        ends_in_steps = name.rpartition("__")[2] in ("steps", "transformers", "estimators")
        return any(other.startswith(f"{name}__") for other in inner) or (
            ends_in_steps and any(other != name for other in inner)
        )

    return [name for name in names if not is_outer(name)]


def _of_seed(seed):
    return type(seed).__name__ if isinstance(seed, _GENERATORS) else known_fingerprint(seed)


def _of_cv(cv):
    if cv is None or isinstance(cv, Integral):
        return known_fingerprint(cv)
    if not hasattr(cv, "split"):  # the folds themselves, or a generator of them: see `plan`
        return "folds"
    cv = copy(cv)
    for name, value in getattr(cv, "__dict__", {}).items():
        if isinstance(value, _GENERATORS):
            setattr(cv, name, type(value).__name__)
    return known_fingerprint(cv)


def _kind_of(estimator):
    kind = type(estimator)
    return f"{kind.__module__}.{kind.__qualname__} {known_fingerprint(kind)}"


def _of_estimator(estimator):
    found = {"the type of the estimator": _kind_of(estimator)}
    if not hasattr(estimator, "get_params"):
        return found
    params = estimator.get_params(deep=True)
    return found | {
        f"the parameter estimator__{n}": known_fingerprint(v) for n, v in params.items()
    }


def _versions(estimator):
    """Versions of the libraries that train, whose models another version may not read.

    Classes of the user's own count by the libraries that they inherit from.
    """
    parts = [estimator]
    if hasattr(estimator, "get_params"):
        parts += estimator.get_params(deep=True).values()
    names = library_names(part for part in parts if hasattr(part, "fit"))
    names |= {"sklearn", "numpy", "sklearn_carto"} | ({"torch"} if "skorch" in names else set())
    modules = {name: sys.modules.get(name) for name in sorted(names)}
    found = {name: getattr(module, "__version__", None) for name, module in modules.items()}
    return {f"the version of {name}": str(number) for name, number in found.items() if number}
