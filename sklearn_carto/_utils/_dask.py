"""Parallel calls on a Dask cluster, where joblib's backend for it is active."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager

from joblib import parallel_config
from joblib.parallel import get_active_backend


def run_on_dask(function, calls):
    """Submit calls to the cluster of joblib's backend "dask", if that is active.

    joblib waits for ever if a worker is killed by what it runs, and sends arguments that lie inside
    of others with each task. Within a worker, joblib takes threads, as it does within the processes
    of loky.

    Parameters
    ----------
    function : callable
        The function.
    calls : iterable of tuple
        Positional arguments of each call. The first one is the same in all calls, and is sent to
        the cluster once.

    Returns
    -------
    outcomes : generator or None
        What the calls return, in the order in which they are finished; None if another backend is
        active.
    """
    backend, _ = get_active_backend()
    if type(backend).__name__ != "DaskDistributedBackend" or "distributed" not in sys.modules:
        return None
    return _run(backend.client, getattr(backend, "submit_kwargs", {}), function, calls)


def _run(client, options, function, calls):
    from distributed import as_completed

    calls = list(calls)
    options = {"pure": False, **options}
    with ExitStack() as stack:
        # to all workers: what a single one holds is lost with it
        shared = client.scatter(calls[0][0], hash=False, broadcast=True)
        stack.callback(shared.release)
        left = {
            client.submit(_with_threads, function, shared, *rest, **options) for _, *rest in calls
        }
        stack.callback(lambda: client.cancel(list(left)) if left else None)  # on an error
        with _outside_of_the_worker():
            # with the results: these are lost with the worker that still holds them
            for future, result in as_completed(list(left), with_results=True, raise_errors=False):
                left.discard(future)
                if future.status != "finished":
                    future.result()  # raises what the call raised
                yield result


def _with_threads(function, *args):
    with parallel_config(backend="threading"):
        return function(*args)


def is_lost_worker(error):
    """Whether an error of Dask says that workers, or the data on them, were lost."""
    kind = type(error)
    names = ("KilledWorker", "FutureCancelledError", "FuturesCancelledError")
    return kind.__module__.startswith("distributed") and kind.__name__ in names


@contextmanager
def _outside_of_the_worker():
    """Leave the threads of a Dask worker while it waits, so that it can run what it waits for."""
    from distributed import rejoin, secede
    from distributed.utils import thread_state

    if not hasattr(thread_state, "execution_state"):
        yield
        return
    secede()
    try:
        yield
    finally:
        rejoin()
