"""Warnings that name the line of the user, however deep in this library they arise."""

from __future__ import annotations

import sys
import warnings

# what stands between the user's line and ours: this library, and those that call it
BETWEEN = {
    *("sklearn_carto", "sklearn", "imblearn", "joblib", "contextlib"),
    *("threading", "concurrent", "multiprocessing"),
    *("skorch", "torch", "transformers", "accelerate", "lightning", "pytorch_lightning", "keras"),
}


def warn(message, category):
    """Warn, at the line of who called into these libraries.

    Parameters
    ----------
    message : str
        What is wrong, and the way out.
    category : type
        The class of the warning.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_globals.get("__name__", "").partition(".")[0] in BETWEEN and frame.f_back:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
