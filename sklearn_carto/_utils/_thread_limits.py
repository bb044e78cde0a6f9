"""Threads of BLAS and OpenMP in worker threads: each worker has its share of the cores."""

from __future__ import annotations

from contextlib import contextmanager

import joblib
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController


def uses_worker_threads():
    """Whether the active backend of joblib has threads as workers."""
    backend, _ = get_active_backend()
    return getattr(backend, "uses_threads", False)  # as joblib reads it


@contextmanager
def limited_blas(n_workers):
    """Limit the threads of BLAS, whose number is that of the process, to a worker's share."""
    controller = ThreadpoolController()
    with controller.limit(limits=_share(n_workers), user_api="blas"):
        yield controller


@contextmanager
def limited_openmp(controller, n_workers):
    """Limit the threads of OpenMP, whose number is that of the calling thread."""
    with controller.limit(limits=_share(n_workers), user_api="openmp"):
        yield


def _share(n_workers):
    return max(1, joblib.cpu_count() // n_workers)
