"""Cross-validation folds whose training sets hold every class."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.model_selection import StratifiedKFold, check_cv


def make_folds(cv, y, random_state, *, used_by=""):
    """Split samples into training and test sets.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable
        Number of stratified, shuffled folds, or how to split.
    y : ndarray of shape (n_samples,)
        Labels.
    random_state : int, RandomState instance or None
        Shuffles the samples if `cv` is an int.
    used_by : str, default=""
        The option that needs the folds, for error messages.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Indices of the training and of the test samples, as `cv.split` yields them.

    Raises
    ------
    ValueError
        If a class has fewer samples than folds, if there are fewer than two folds, or if a class
        is missing in a training set.
    """
    name = f"The 'cv' parameter{f' used by {used_by}' if used_by else ''}"
    classes, counts = np.unique(y, return_counts=True)
    splitter = cv
    if isinstance(cv, Integral):
        if counts.min() < cv:
            rare = classes[counts.argmin()].tolist()
            instead = f", or use a fixed value instead of {used_by}" if used_by else ""
            raise ValueError(
                f"{name} must be at most the number of samples in each class; got {cv}, but class "
                f"{rare!r} has {counts.min()}. Lower cv{instead}."
            )
        splitter = StratifiedKFold(cv, shuffle=True, random_state=random_state)
    folds = list(check_cv(splitter, y, classifier=True).split(np.zeros(len(y)), y))
    if len(folds) < 2:
        raise ValueError(f"{name} must yield at least two folds; got {cv!r}.")
    if any(len(np.unique(y[train])) < len(classes) for train, _ in folds):
        raise ValueError(
            f"{name} must leave samples of every class in each training set; got {cv!r}. Use a "
            "stratified splitter."
        )
    return folds


def disjoint_folds(cv, y, random_state):
    """Make folds in which each sample is in exactly one test set; see :func:`make_folds`."""
    folds = make_folds(cv, y, random_state)
    tested = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(tested), np.arange(len(y))):
        raise ValueError(
            f"The 'cv' parameter must put each sample in exactly one test set; got {cv!r}."
        )
    return folds
