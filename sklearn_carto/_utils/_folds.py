"""Cross-validation folds: pairs of training and test samples, checked whoever made them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from numbers import Integral

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe, is_flag
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import MissingClassesWarning

N_NAMED = 5  # rows that an error names


def make_folds(
    cv, y, random_state, *, X=None, groups=None, used_by="", once=False, small_classes=False
):
    """Split samples into training and test sets.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable
        Number of stratified, shuffled folds, or how to split.
    y : ndarray of shape (n_samples,)
        Labels.
    random_state : int, RandomState instance or None
        Shuffles the samples if `cv` is an int.
    X : array-like of shape (n_samples, n_features), default=None
        Samples, for a cross-validation generator that depends on them.
    groups : array-like of shape (n_samples,), default=None
        Group of each sample. An int `cv` then keeps the samples of a group together.
    used_by : str, default=""
        The option that needs the folds, for error messages.
    once : bool, default=False
        Whether each sample must be in exactly one test set.
    small_classes : bool, default=False
        Whether classes may have fewer samples than there are folds. If all have, there are fewer
        folds: as many as the largest class has samples.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Positions of the training and of the test samples, as :func:`check_folds` returns them.

    Raises
    ------
    ValueError
        If a class has fewer samples than folds, if there are fewer than two folds, or if folds
        cannot be used, see :func:`check_folds`.

    Warns
    -----
    MissingClassesWarning
        If a class is missing in a training set.
    """
    name = f"The 'cv' parameter{f' used by {used_by}' if used_by else ''}"
    groups = check_groups(groups, len(y), used_by)
    folds = cv
    if isinstance(cv, Integral):
        if small_classes:
            cv = min(cv, max(2, np.unique(y, return_counts=True)[1].max()))
        _check_number(cv, y, groups, name, used_by, small_classes)
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = kind(int(cv), shuffle=True, random_state=random_state)
    if isinstance(cv, type):
        raise InvalidParameterError(
            f"{name} must not be a class. Got {cv.__name__} instead of an instance, "
            f"{cv.__name__}()."
        )
    if hasattr(cv, "split") and not isinstance(cv, str):
        with warnings.catch_warnings():
            if small_classes:
                warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            folds = list(cv.split(np.zeros(len(y)) if X is None else X, y, groups))
    folds = check_folds(folds, len(y), name)
    if len(folds) < 2:
        raise InvalidParameterError(f"{name} must yield at least two folds; got {cv!r}.")
    if once:
        _check_tested_once(folds, len(y), name)
    _warn_of_missing_classes(folds, y, name)
    return folds


def check_folds(folds, n_samples, name):
    """Check that folds are pairs of disjoint training and test samples.

    A sample may be in several test sets, or in none, as those of ShuffleSplit.

    Parameters
    ----------
    folds : iterable of (array-like, array-like)
        Training and test samples of each fold: their positions, or masks of all samples.
    n_samples : int
        Number of samples.
    name : str
        What yields the folds, for error messages: "The 'cv' parameter".

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Positions of the training and of the test samples.

    Raises
    ------
    InvalidParameterError
        If there is no fold; if a fold is no such pair, one of its sets is empty or holds positions
        out of range, if it tests a sample that it trains on, or tests one twice. The error names
        the fold, counted from 0, and the rows.

    Examples
    --------
    >>> check_folds([([0, 1], [2]), ([1, 2], [1])], 3, "The 'cv' parameter")
    Traceback (most recent call last):
        ...
    sklearn.utils._param_validation.InvalidParameterError: The 'cv' parameter must yield disjoint \
training and test sets. Fold 1 trains on rows that it tests: [1].
    """
    if isinstance(folds, (str, Mapping)) or not isinstance(folds, Iterable):
        raise InvalidParameterError(
            f"{name} must be a number of folds, a cross-validation generator or an iterable of "
            f"pairs of training and test samples. Got {describe(folds)} instead."
        )
    folds = list(folds)
    if not folds:
        raise InvalidParameterError(
            f"{name} must yield at least one fold; it yields none. An iterator can be used once "
            "only: pass a list of its folds."
        )
    return [_check_fold(fold, i, n_samples, name) for i, fold in enumerate(folds)]


def _check_fold(fold, i, n_samples, name):
    if not isinstance(fold, (tuple, list, np.ndarray)) or len(fold) != 2:
        raise InvalidParameterError(
            f"{name} must yield pairs of training and test samples. Fold {i} is {describe(fold)}."
        )
    subject = f"{name} must yield positions of samples, or masks. The {{}} set of fold {i}"
    train = _positions(fold[0], subject.format("training"), n_samples)
    test = _positions(fold[1], subject.format("test"), n_samples)
    both = np.intersect1d(train, test)
    if len(both):
        raise InvalidParameterError(
            f"{name} must yield disjoint training and test sets. Fold {i} trains on rows that it "
            f"tests: {_named(both)}."
        )
    _check_no_repeats(test, f"{name} must not yield a sample twice. Fold {i} tests", n_samples)
    return train, test


def _positions(part, subject, n_samples):
    """Convert the samples of a fold, positions or a mask, to positions."""
    try:
        rows = np.asarray(part)
    except (TypeError, ValueError):  # rows of unequal length
        rows = np.empty(0, dtype=object)
    if rows.shape == (0,) and rows.dtype.kind in "iufb":
        raise InvalidParameterError(f"{subject} is empty.")
    if rows.dtype.kind == "b" and rows.shape == (n_samples,):
        rows = np.flatnonzero(rows)
        if not len(rows):
            raise InvalidParameterError(f"{subject} is empty.")
    if rows.dtype.kind not in "iu" or rows.ndim != 1:
        raise InvalidParameterError(
            f"{subject} is {describe(part)}, but there are {n_samples} samples."
        )
    outside = rows[(rows < 0) | (rows >= n_samples)]
    if len(outside):
        raise InvalidParameterError(
            f"{subject} holds {_named(outside)}, but the {n_samples} samples have the positions 0 "
            f"to {n_samples - 1}."
        )
    return rows.astype(np.intp, copy=False)


def _check_no_repeats(tested, subject, n_samples):
    twice = np.flatnonzero(np.bincount(tested, minlength=n_samples) > 1)
    if len(twice):
        raise InvalidParameterError(f"{subject} rows several times: {_named(twice)}.")


def _check_tested_once(folds, n_samples, name):
    tested = np.concatenate([test for _, test in folds])
    subject = f"{name} must put each sample in exactly one test set. Its folds"
    _check_no_repeats(tested, f"{subject} test", n_samples)
    never = np.setdiff1d(np.arange(n_samples), tested)
    if len(never):
        raise InvalidParameterError(f"{subject} test some rows never: {_named(never)}.")


def _check_number(cv, y, groups, name, used_by, small_classes):
    """Raise if there cannot be that number of stratified folds."""
    if is_flag(cv) or cv < 2:
        raise InvalidParameterError(f"{name} must be at least 2 folds. Got {cv!r}.")
    classes, counts = np.unique(y, return_counts=True)
    instead = f", or use a fixed value instead of {used_by}" if used_by else ""
    if counts.min() < cv and not small_classes:
        rare = classes[counts.argmin()].tolist()
        raise InvalidParameterError(
            f"{name} must be at most the number of samples in each class; got {cv}, but class "
            f"{rare!r} has {counts.min()}. Lower cv{instead}."
        )
    if groups is not None and len(set(groups.tolist())) < cv:
        raise InvalidParameterError(
            f"{name} must be at most the number of groups; got {cv}, but there are "
            f"{len(set(groups.tolist()))}. Lower cv{instead}."
        )


def check_groups(groups, n_samples, used_by):
    """Return groups as an array, or raise if there is not one for each sample; None: None."""
    if groups is None:
        return None
    try:
        values = np.asarray(groups)
    except (TypeError, ValueError):  # rows of unequal length
        values = np.empty(0)
    if values.shape != (n_samples,):
        raise InvalidParameterError(
            f"The 'groups' parameter{f' used by {used_by}' if used_by else ''} must hold one group "
            f"for each of the {n_samples} samples. Got {describe(groups)} instead."
        )
    missing = [i for i, group in enumerate(values.tolist()) if group is None or group != group]
    if missing:
        raise InvalidParameterError(
            f"The 'groups' parameter{f' used by {used_by}' if used_by else ''} must not hold "
            f"missing groups. Got them in the rows {_named(missing)}."
        )
    return values


def _warn_of_missing_classes(folds, y, name):
    classes, y_encoded = np.unique(y, return_inverse=True)
    for i, (train, _) in enumerate(folds):
        present = np.bincount(y_encoded[train], minlength=len(classes)) > 0
        if not present.all():
            warn(
                f"{name} leaves no samples of the classes {classes[~present].tolist()} in the "
                f"training set of fold {i}: its model gives them a probability of 0. Use a "
                "stratified splitter.",
                MissingClassesWarning,
            )


def _named(rows):
    """Name some rows in an error."""
    rows = np.asarray(rows).tolist()
    rest = f" and {len(rows) - N_NAMED} others" if len(rows) > N_NAMED else ""
    return f"{rows[:N_NAMED]}{rest}"
