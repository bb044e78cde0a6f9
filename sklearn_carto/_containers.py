"""Containers of rows: what is asked of them, whatever they are."""

from __future__ import annotations

import numpy as np
from sklearn.utils import assert_all_finite, get_tags


def refuse_missing(X, owner):
    """Raise where an array holds NaN or infinity and its owner does not take them.

    Rows that a selection leaves out are seen by no final estimator, so that it cannot complain.
    Frames, text and sparse matrices are left to the estimators that see them.

    Parameters
    ----------
    X : container of shape (n_samples, n_features)
        Rows.
    owner : estimator
        Who was given them; its tags say what it takes.

    Raises
    ------
    ValueError
        If a value is missing or infinite.
    """
    if isinstance(X, np.ndarray) and not get_tags(owner).input_tags.allow_nan:
        assert_all_finite(X, estimator_name=type(owner).__name__, input_name="X")
