"""Warnings that point to the line of the user, and their collection in parallel workers."""

from __future__ import annotations

import re
import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

# packages whose frames are skipped: this library, and those that call it
_SKIPPED_PACKAGES = {
    *("sklearn_carto", "sklearn", "imblearn", "joblib", "contextlib"),
    *("threading", "concurrent", "multiprocessing"),
    *("skorch", "torch", "transformers", "accelerate", "lightning", "pytorch_lightning", "keras"),
}


class CollectedWarning(NamedTuple):
    """A warning that was collected instead of issued."""

    message: str
    category: type


_collector: ContextVar[list[CollectedWarning] | None] = ContextVar("_collector", default=None)


def warn(message, category):
    """Issue a warning at the line of the user that called this library, or collect it."""
    collected = _collector.get()
    if collected is not None:
        collected.append(CollectedWarning(message, category))
        return
    frame, level = sys._getframe(1), 2
    while (
        frame.f_globals.get("__name__", "").partition(".")[0] in _SKIPPED_PACKAGES and frame.f_back
    ):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def collect_warnings():
    """Collect the warnings of this library in the current thread, instead of issuing them.

    In contrast to :class:`warnings.catch_warnings`, nothing that other threads share is changed,
    so that it can be used in parallel workers.

    Yields
    ------
    collected : list of CollectedWarning
        Filled while the context is active.

    Examples
    --------
    >>> with collect_warnings() as collected:
    ...     warn("few rows", UserWarning)
    >>> collected
    [CollectedWarning(message='few rows', category=<class 'UserWarning'>)]
    """
    collected: list[CollectedWarning] = []
    token = _collector.set(collected)
    try:
        yield collected
    finally:
        _collector.reset(token)


def warn_once(collected, where=""):
    """Issue collected warnings, those that differ in numbers alone once, with their count.

    Parameters
    ----------
    collected : iterable of CollectedWarning
        The warnings.
    where : str, default=""
        Where they were collected, such as " in 6 splits and seeds"; follows the count.
    """
    alike: dict[tuple, list[CollectedWarning]] = {}
    for one in collected:
        key = one.category, re.sub(r"\d+(\.\d+)?", "", one.message)
        alike.setdefault(key, []).append(one)
    for first, *others in alike.values():
        count = f" (issued {1 + len(others)} times{where})" if others else ""
        warn(first.message + count, first.category)
