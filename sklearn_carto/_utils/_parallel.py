"""Parallel calls that leave the warning filters of the process as they are."""

from __future__ import annotations

import os
import threading
import warnings
from contextlib import nullcontext

from joblib import Parallel, delayed
from sklearn import config_context, get_config

from sklearn_carto._utils._warnings import collect_warnings


def run_parallel(function, arguments, *, n_jobs=None):
    """Call a function with each of several tuples of arguments, in parallel.

    The workers get the configuration of scikit-learn and, if they are processes, the warning
    filters of the caller. Worker threads share its filters; scikit-learn's ``delayed`` replaces
    them for the duration of a call, which is not thread-safe and can leave them changed.

    Parameters
    ----------
    function : callable
        The function.
    arguments : iterable of tuple
        Positional arguments of each call.
    n_jobs : int, default=None
        Number of parallel workers, as for :class:`joblib.Parallel`.

    Returns
    -------
    results : list
        Results, in the order of the calls.
    collected : list of CollectedWarning
        Warnings of this library, in the order of the calls. The caller issues or drops them.

    Examples
    --------
    >>> run_parallel(pow, [(2, 3), (3, 2)])
    ([8, 9], [])
    """
    call = delayed(_call)
    state = get_config(), list(warnings.filters), os.getpid()
    with _filters_kept():
        outcomes = Parallel(n_jobs=n_jobs)(call(function, of_call, state) for of_call in arguments)
    results = [result for result, _ in outcomes]
    return results, [warning for _, collected in outcomes for warning in collected]


def _filters_kept():
    """Restore the warning filters on exit, which estimators that overlap in threads may change.

    scikit-learn checks each array in a ``catch_warnings``. A thread that is no worker but not the
    main one either leaves them alone, since it would change them for others.
    """
    is_main = threading.current_thread() is threading.main_thread()
    return warnings.catch_warnings() if is_main else nullcontext()


def _call(function, arguments, state):
    """Call a function in a worker; return its result and the warnings of this library."""
    config, filters, caller = state
    with config_context(**config), collect_warnings() as collected:
        if os.getpid() == caller or threading.current_thread() is not threading.main_thread():
            return function(*arguments), collected
        with warnings.catch_warnings():  # in a process of its own, no other thread is affected
            warnings.filters = filters
            return function(*arguments), collected
