"""The mean of several data maps of the same rows, with standard errors."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._running import STATISTICS

_SHARED = ("labels", "sample_ids", "held_out_mask", "excluded_mask", "record")


def check_same_rows(maps, caller):
    """Raise a ValueError if maps do not hold the same rows, recorded in the same mode."""
    if not maps:
        raise ValueError(f"{caller} needs at least one map.")
    first = maps[0]
    for i, other in enumerate(maps[1:], start=1):
        if other.n_samples != first.n_samples:
            raise ValueError(
                f"{caller} needs maps of the same rows; map {i} has {other.n_samples} rows, "
                f"map 0 {first.n_samples}."
            )
        for name in _SHARED:
            if not np.array_equal(getattr(first, name), getattr(other, name)):
                raise ValueError(
                    f"{caller} needs maps of the same rows in the same order, recorded in the "
                    f"same mode; map {i} differs from map 0 in {name}."
                )


def average_maps(maps):
    """Average the statistics of each row over several maps; return the fields of the mean map."""
    maps = list(maps)
    check_same_rows(maps, "DataMap.mean")
    first = maps[0]
    held = [name for name in STATISTICS if all(getattr(m, name) is not None for m in maps)]
    stacks = {name: np.stack([getattr(one, name) for one in maps]) for name in held}
    return {
        **{name: stack.mean(axis=0) for name, stack in stacks.items()},
        **{name: getattr(first, name) for name in (*_SHARED, "classes")},
        "standard_errors": {name: _standard_error(stack) for name, stack in stacks.items()},
        "n_epochs": sum(one.n_epochs for one in maps),
        "margin_from": first.margin_from if len({m.margin_from for m in maps}) == 1 else None,
    }


def _standard_error(stack):
    if len(stack) == 1:
        return np.full(stack.shape[1], np.nan)
    with np.errstate(invalid="ignore"):  # infinite where a row was never learned
        return stack.std(axis=0, ddof=1) / np.sqrt(len(stack))
