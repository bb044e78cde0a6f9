"""The mean of several data maps of the same rows, with standard errors."""

from __future__ import annotations

from collections.abc import Iterable, Set

import numpy as np

from sklearn_carto._dynamics._uncertainty import MAP_STATISTICS
from sklearn_carto._maps._fields import MASKS
from sklearn_carto._maps._region_labels import region_probabilities
from sklearn_carto._utils._arrays import same_entries
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe

_SHARED = ("labels", "sample_ids", *MASKS)


def check_maps(maps, caller, *, at_least=1) -> list:
    """Return maps as a list.

    If they are no data maps, too few, or not maps of the same rows recorded in the same mode, an
    error names the `caller`.
    """
    if isinstance(maps, Set):
        raise InvalidParameterError(
            f"The 'maps' parameter of {caller} must be a list; a set has no order. Got {maps!r} "
            "instead."
        )
    listed = list(maps) if isinstance(maps, Iterable) and not isinstance(maps, str) else [maps]
    for i, one in enumerate(listed):
        if not hasattr(one, "region_labels"):
            raise InvalidParameterError(
                f"The 'maps' parameter of {caller} must hold data maps. Got {describe(one)} at "
                f"position {i} instead."
            )
    if len(listed) < at_least or not isinstance(maps, Iterable):
        raise InvalidParameterError(
            f"The 'maps' parameter of {caller} must hold at least "
            f"{'one map' if at_least == 1 else f'{at_least} maps'}. Got {describe(maps)} instead."
        )
    for i, other in enumerate(listed[1:], start=1):
        _check_same_rows(listed[0], other, i, caller)
    return listed


def _check_same_rows(first, other, i, caller):
    if other.n_samples != first.n_samples:
        raise ValueError(
            f"{caller} needs maps of the same rows; map {i} has {other.n_samples} rows, "
            f"map 0 {first.n_samples}."
        )
    differing = [name for name in _SHARED if not _share(first, other, name)]
    differing += ["record"] if first.record != other.record else []
    if differing:
        raise ValueError(
            f"{caller} needs maps of the same rows in the same order, recorded in the same mode; "
            f"map {i} differs from map 0 in {differing[0]}."
        )


def _share(first, other, name):
    """Whether two maps hold the same values of a field; a mask of no row equals none."""
    one, two = getattr(first, name), getattr(other, name)
    if name in MASKS:
        one, two = (np.zeros(first.n_samples, bool) if m is None else m for m in (one, two))
    return same_entries(one, two)


def average_maps(maps, **region_params):
    """Average the statistics of each row over several maps; return the fields of the mean map.

    `region_params` are the parameters of :meth:`DataMap.region_labels`.
    """
    maps = check_maps(maps, "DataMap.mean")
    first = maps[0]
    held = [name for name in MAP_STATISTICS if all(getattr(m, name) is not None for m in maps)]
    stacks = {name: np.stack([getattr(one, name) for one in maps]) for name in held}
    return {
        **{name: stack.mean(axis=0) for name, stack in stacks.items()},
        **{name: getattr(first, name) for name in (*_SHARED, "classes", "record")},
        "standard_errors": {name: _standard_error(stack) for name, stack in stacks.items()},
        "region_probabilities": region_probabilities(maps, **region_params)
        if len(maps) > 1
        else None,
        "n_epochs": sum(one.n_epochs for one in maps),
        "margin_from": first.margin_from if len({m.margin_from for m in maps}) == 1 else None,
    }


def _standard_error(stack):
    if len(stack) == 1:
        return np.full(stack.shape[1], np.nan)
    with np.errstate(invalid="ignore"):  # infinite where a row was never learned
        return stack.std(axis=0, ddof=1) / np.sqrt(len(stack))
