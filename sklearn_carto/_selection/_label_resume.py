"""The folder in which a LabelIssueDetector keeps the folds that are finished."""

from __future__ import annotations

from functools import partial
from numbers import Integral

from sklearn_carto._inputs._fingerprint import fingerprint
from sklearn_carto._inputs._kept_outcomes import KeptOutcomes
from sklearn_carto._inputs._result_folder import ResultFolder


def open_folder(detector, estimator, n_epochs, data, neighbors, ids, seed):
    """Open the folder of `resume`, or raise an error that names what differs there; None without.

    What is left out of account are the parameters that the training of a fold does not depend on.
    """
    if detector.resume is None:
        return None
    cv = detector.cv  # an iterable may be read once only; its folds are told apart by their rows
    depends_on = {
        "X": data.X,
        "y": data.y,
        "arguments of fit": dict(data.routed),
        "cv": cv if isinstance(cv, Integral) or hasattr(cv, "split") else "rows",
        "neighbors": neighbors,
        "n_epochs": n_epochs,
        "sample_ids": ids,
    }
    owner = type(detector).__name__
    return ResultFolder(detector.resume, owner, {"estimator": estimator}, depends_on, seed)


def keep_folds(folder, folds, i_pass):
    """Return what makes the KeptOutcomes of the folds of one pass, by the rows of each fold."""
    names = [
        f"pass{i_pass}-fold{i}-{fingerprint(train, test)[:12]}"
        for i, (train, test) in enumerate(folds)
    ]
    return partial(KeptOutcomes, folder, names)
