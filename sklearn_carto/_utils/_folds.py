"""Which rows are asked of models that did not train on them."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.model_selection import StratifiedKFold, check_cv


def disjoint_folds(cv, y, classes, seed):
    """Give each fold with the rows outside of it, which hold every class.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable
        Where the folds come from.
    y : ndarray of shape (n_samples,)
        Labels.
    classes : ndarray of shape (n_classes,)
        Those that occur, sorted.
    seed : int, RandomState instance or None
        Shuffles the rows where `cv` is an int.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Rows of each fold, and those outside of it.

    Raises
    ------
    ValueError
        If folds share rows or leave some out, or if a class is missing outside of one.
    """
    if isinstance(cv, Integral):
        counts = np.unique(y, return_counts=True)[1]
        if counts.min() < cv:
            raise ValueError(
                f"cv={cv} splits the rows of each class into {cv} folds, but class "
                f"{classes[counts.argmin()].tolist()!r} has {counts.min()}. Lower cv."
            )
        cv = StratifiedKFold(cv, shuffle=True, random_state=seed)
    splits = check_cv(cv, y, classifier=True).split(np.zeros(len(y)), y)
    folds = [(test, train) for train, test in splits]
    tested = np.concatenate([fold for fold, _ in folds])
    if not np.array_equal(np.sort(tested), np.arange(len(y))):
        raise ValueError("cv must put each row into exactly one test fold.")
    for _, rest in folds:
        if len(np.unique(y[rest])) < len(classes):
            raise ValueError("cv must leave rows of every class outside of each fold.")
    return folds
