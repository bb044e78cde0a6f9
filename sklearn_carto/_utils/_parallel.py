"""Parallel calls that keep what was finished, and leave the warning filters as they are."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, nullcontext
from contextvars import ContextVar
from typing import NamedTuple

import joblib
from joblib import Parallel, delayed
from sklearn import config_context, get_config

from sklearn_carto._utils._dask import is_lost_worker, run_on_dask
from sklearn_carto._utils._shared import Shared
from sklearn_carto._utils._thread_limits import limited_blas, limited_openmp, uses_worker_threads
from sklearn_carto._utils._warnings import collect_warnings
from sklearn_carto.exceptions import TerminatedWorkerError

_N_NAMED = 5  # tasks that an error names

# A warning of joblib when it replaces a worker. As an error, it ends the thread of joblib that
# waits for the workers, and the call would never end.
_STOPPED = "A worker stopped while some jobs were given"

# number of workers of the calls that this one is part of
_n_outer_workers: ContextVar[int] = ContextVar("_n_outer_workers", default=1)


class Outcome(NamedTuple):
    """What a task returned, and the warnings of this library that it gave."""

    result: object
    collected: list


def run_parallel(
    function, arguments, *, shared=(), n_jobs=None, finished=None, on_finished=None, show=None
):
    """Call a function with each of several tuples of arguments, in parallel.

    The workers get the configuration of scikit-learn and, if they are processes, the warning
    filters of the caller. Worker threads share its filters; scikit-learn's ``delayed`` replaces
    them for the duration of a call, which is not thread-safe and can leave them changed.

    A call within a worker of another call takes at most its share of the processor's cores. So do
    BLAS and OpenMP: by joblib in processes, by threadpoolctl in threads.

    Parameters
    ----------
    function : callable
        The function.
    arguments : iterable of tuple
        Further positional arguments of each call. They are pickled for each call and should be
        small.
    shared : tuple, default=()
        First positional arguments, the same in all calls, which are pickled once. The function
        must not modify them.
    n_jobs : int, default=None
        Number of parallel workers, as for :class:`joblib.Parallel`.
    finished : dict of int to Outcome, default=None
        Outcomes that are known already, by the number of the call. Further ones are added as soon
        as they are known, so that it holds what was finished if an error is raised.
    on_finished : callable, default=None
        Takes the number of a call and its Outcome, as soon as this is known.
    show : callable, default=None
        Takes an iterable and its length as `total`, and shows the progress.

    Returns
    -------
    results : list
        Results, in the order of the calls.
    collected : list of CollectedWarning
        Warnings of this library, in the order of the calls. The caller issues or drops them.

    Raises
    ------
    TerminatedWorkerError
        If a worker process ended.

    Examples
    --------
    >>> run_parallel(pow, [(2, 3), (3, 2)])
    ([8, 9], [])
    >>> run_parallel(pow, [(3,), (2,)], shared=(2,))
    ([8, 4], [])
    """
    arguments = list(arguments)
    finished = {} if finished is None else finished
    missing = [number for number in range(len(arguments)) if number not in finished]
    outcomes = _run(function, Shared(shared), arguments, missing, n_jobs)
    with _filters_kept(), closing(outcomes), _workers_watched(len(missing), finished):
        shown = outcomes if show is None else show(outcomes, total=len(missing))
        for number, outcome in shown:
            finished[number] = outcome
            if on_finished is None:
                continue
            try:
                on_finished(number, outcome)
            except KeyboardInterrupt:  # in the midst of keeping what is finished
                on_finished(number, outcome)
                raise
    in_order = [finished[number] for number in range(len(arguments))]
    return [one.result for one in in_order], [w for one in in_order for w in one.collected]


def _run(function, shared, arguments, missing, n_jobs):
    """Yield number and outcome of each missing call, in the order in which they are finished."""
    if not missing:
        return
    n_outer, n_jobs = _n_outer_workers.get(), n_jobs
    if n_outer > 1:  # the workers of the outer call take the other cores
        n_cores = max(1, joblib.cpu_count() // n_outer)
        n_jobs = (
            1 if n_jobs is None or n_cores == 1 else min(joblib.effective_n_jobs(n_jobs), n_cores)
        )
    n_workers = n_outer * max(1, min(joblib.effective_n_jobs(n_jobs), len(missing)))
    in_threads = n_workers > n_outer and uses_worker_threads()
    with limited_blas(n_workers) if in_threads else nullcontext() as controller:
        state = get_config(), list(warnings.filters), os.getpid(), n_workers, controller
        calls = ((shared, function, arguments[number], number, state) for number in missing)
        on_dask = run_on_dask(_call, calls)
        if on_dask is not None:
            yield from on_dask
            return
        call = delayed(_call)
        try:
            # in batches, an error would take the results of other calls with it
            parallel = Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
        except ValueError:  # a backend that returns all results at once
            parallel = Parallel(n_jobs=n_jobs, batch_size=1)
        yield from parallel(call(*of_call) for of_call in calls)


@contextmanager
def _workers_watched(n_missing, finished):
    """Turn the errors of joblib and Dask about a worker process that ended into one of ours."""
    n_before = len(finished)
    try:
        yield
    except Exception as error:
        is_lokys = isinstance(error, BrokenProcessPool) and "Terminated" in type(error).__name__
        if isinstance(error, TerminatedWorkerError) or not (is_lokys or is_lost_worker(error)):
            raise
        n_finished = len(finished) - n_before
        raise TerminatedWorkerError(
            f"A worker process ended after {n_finished} of {n_missing} tasks: the operating system "
            "killed it, mostly because memory ran out, or compiled code crashed. Use fewer workers "
            "(n_jobs), a smaller model or less data, or find the crash with n_jobs=1. The original "
            f"error: {error}"
        ) from error


@contextmanager
def _filters_kept():
    """Restore the warning filters on exit, which estimators that overlap in threads may change.

    scikit-learn checks each array in a ``catch_warnings``. A thread that is no worker but not the
    main one either leaves them alone, since it would change them for others.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with warnings.catch_warnings():
        if _is_error(_STOPPED):
            warnings.filterwarnings("default", message=_STOPPED)
        yield


def _is_error(text):
    """Whether the filters make an error of a UserWarning."""
    for action, message, category, module, line in warnings.filters:
        of_all = module is None and line == 0 and issubclass(UserWarning, category)
        if of_all and (message is None or message.match(text)):
            return action == "error"
    return False


def _call(shared, function, arguments, number, state):
    """Call a function in a worker; return the number of the call and its Outcome."""
    config, filters, caller, n_workers, controller = state
    token = _n_outer_workers.set(n_workers)
    limit = nullcontext() if controller is None else limited_openmp(controller, n_workers)
    try:
        with limit, config_context(**config), collect_warnings() as collected:
            if os.getpid() == caller or threading.current_thread() is not threading.main_thread():
                return number, Outcome(function(*shared.value, *arguments), collected)
            with warnings.catch_warnings():  # in a process of its own, no other thread is affected
                warnings.filters = filters
                return number, Outcome(function(*shared.value, *arguments), collected)
    finally:
        _n_outer_workers.reset(token)
