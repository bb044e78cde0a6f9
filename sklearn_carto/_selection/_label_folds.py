"""Which labels the folds of a cross-validation can rate."""

from __future__ import annotations

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import UnratedLabelsWarning


def rated_mask(folds, y_encoded, present):
    """Mask of the samples whose label can be rated.

    They are present, and so is a sample of their class in the training set of their fold.

    Parameters
    ----------
    folds : list of (ndarray, ndarray)
        Positions of the training and of the test samples of each fold.
    y_encoded : ndarray of shape (n_samples,)
        Labels, encoded as 0 to n_classes - 1.
    present : ndarray of shape (n_samples,) of bool
        False for the samples of weight 0.

    Returns
    -------
    rated : ndarray of shape (n_samples,) of bool
        The mask.

    Examples
    --------
    >>> folds = [(np.array([0, 1]), np.array([2, 3])), (np.array([2, 3]), np.array([0, 1]))]
    >>> rated_mask(folds, np.array([0, 0, 0, 1]), np.ones(4, dtype=bool))
    array([ True,  True,  True, False])
    """
    rated = present.copy()
    for train, test in folds:
        known = np.unique(y_encoded[train[present[train]]])
        rated[test] &= np.isin(y_encoded[test], known)
    return rated


def check_classes(y_encoded, present):
    """Raise an InvalidParameterError if no class holds two samples that are present."""
    if np.bincount(y_encoded[present]).max(initial=0) < 2:
        raise InvalidParameterError(
            "No label can be rated: y holds at most one sample of each class. Pass at least two "
            "samples of a class."
        )


def check_rated(folds, classes, y_encoded, present):
    """Return the mask of the samples that can be rated, and warn of those that cannot.

    Raises
    ------
    InvalidParameterError
        If the training set of a fold holds a single class, or if no label can be rated.

    Warns
    -----
    UnratedLabelsWarning
        If some labels cannot be rated.
    """
    for i, (train, _) in enumerate(folds):
        known = np.unique(y_encoded[train[present[train]]])
        if len(known) < 2:
            raise InvalidParameterError(
                f"The training set of fold {i} holds samples of the classes "
                f"{classes[known].tolist()} only, and a classifier needs two. Add samples of the "
                "other classes, or use a stratified cv."
            )
    rated = rated_mask(folds, y_encoded, present)
    alone = present & ~rated
    if not rated.any():
        raise InvalidParameterError(
            "No label can be rated: the training set of no fold holds a sample of the classes that "
            "its test set holds. Use a stratified cv."
        )
    if alone.any():
        warn(
            f"{alone.sum()} of {len(alone)} labels are not rated, among them those of the rows "
            f"{np.flatnonzero(alone)[:5].tolist()}: the training set of their fold holds no other "
            f"sample of their class ({classes[np.unique(y_encoded[alone])][:5].tolist()}). Add "
            "samples of it, merge it with another class, or use a stratified cv.",
            UnratedLabelsWarning,
        )
    return rated


def clean_folds(folds, trusted, y_encoded):
    """Leave samples that are not trusted out of training sets, unless one would lose a class.

    Of a class that would be lost, all samples stay.
    """
    clean = []
    for train, test in folds:
        kept = trusted[train]
        lost = np.setdiff1d(y_encoded[train], y_encoded[train[kept]])
        clean.append((train[kept | np.isin(y_encoded[train], lost)], test))
    return clean


def can_train(folds, y_encoded, present):
    """Whether each training set holds samples of two classes that are not excluded."""
    return all(len(np.unique(y_encoded[train[present[train]]])) > 1 for train, _ in folds)


def check_fdr(fdr, noise_rate, owner):
    """Raise an error if a false-discovery rate is given without the share of wrong labels."""
    if fdr is not None and noise_rate is None:
        raise InvalidParameterError(
            f"The 'fdr' parameter of {owner} requires 'noise_rate', the share of wrong labels: the "
            "false-discovery rate depends on it, and data alone do not show it. Pass noise_rate, "
            "for example from a reviewed sample, or leave fdr out."
        )
