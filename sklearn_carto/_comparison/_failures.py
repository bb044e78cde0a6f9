"""Fits of a comparison that failed."""

from __future__ import annotations

from collections import Counter

from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import FailedFitsWarning

_N_NAMED = 3  # errors that the warning names


def describe_failure(error):
    """Describe an error in one line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")


def warn_of_failures(fits, plan):
    """Warn once of the fits that failed: how many, which, and why."""
    failed = [fit for fit in fits if fit["error"] is not None]
    if not failed:
        return
    counts = Counter(fit["error"] for fit in failed)
    reasons = []
    for error, count in counts.most_common(_N_NAMED):
        first = next(fit for fit in failed if fit["error"] == error)
        names = [name for name in plan.columns[:-4] if name in first]  # without n_train and times
        where = ", ".join(f"{name}={first[name]!r}" for name in names)
        reasons.append(f"{error} ({count} of them, the first with {where})")
    more = f"; and {len(counts) - _N_NAMED} other errors" if len(counts) > _N_NAMED else ""
    warn(
        f"Fitting or scoring failed for {len(failed)} of {len(fits)} fits; their scores are set to "
        f"{plan.error_score}. {'; '.join(reasons)}{more}",
        FailedFitsWarning,
    )
