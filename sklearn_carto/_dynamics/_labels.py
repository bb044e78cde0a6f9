"""Encoded labels in little memory."""

from __future__ import annotations

import numpy as np


def narrow(y_encoded, n_classes):
    """Return encoded labels in the narrowest type of integers that holds those of the classes.

    Examples
    --------
    >>> narrow(np.array([0, 2]), 3)
    array([0, 2], dtype=int8)
    """
    for dtype in (np.int8, np.int16):
        if n_classes - 1 <= np.iinfo(dtype).max:
            return y_encoded.astype(dtype)
    return y_encoded.astype(np.int32)


def are_restored(labels, classes):
    """Whether the class of each label is the label itself, in value and type."""
    if labels.dtype != classes.dtype:
        return False
    if labels.dtype.kind == "O":
        return set(map(type, labels)) == set(map(type, classes)) == {str}
    return labels.dtype.kind != "f" or not np.signbit(labels[labels == 0]).any()
