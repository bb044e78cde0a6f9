"""Warnings that point to the line of the user."""

from __future__ import annotations

import sys
import warnings

# packages whose frames are skipped: this library, and those that call it
_SKIPPED_PACKAGES = {
    *("sklearn_carto", "sklearn", "imblearn", "joblib", "contextlib"),
    *("threading", "concurrent", "multiprocessing"),
    *("skorch", "torch", "transformers", "accelerate", "lightning", "pytorch_lightning", "keras"),
}


def warn(message, category):
    """Issue a warning at the line of the user that called this library."""
    frame, level = sys._getframe(1), 2
    while (
        frame.f_globals.get("__name__", "").partition(".")[0] in _SKIPPED_PACKAGES and frame.f_back
    ):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
