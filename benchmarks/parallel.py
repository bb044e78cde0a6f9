"""Parallel calls: equal results, what is sent to workers, time, threads, and kills.

Usage: ``python benchmarks/parallel.py``. Prints, on this machine:

1. whether results over joblib's backends equal those of a single process;
2. bytes that are pickled for each task, beside those of joblib given the same tasks;
3. time with two workers divided by that with one, as the median of alternating pairs;
4. threads in each worker;
5. the splits and seeds that are lost if the process, or a worker, is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
from scipy.sparse import random as random_sparse
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    compare_subsets,
    cross_distillation,
    find_label_issues,
    stability_report,
)
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto.exceptions import TerminatedWorkerError

TIMES = {"fit_time", "score_time", "map_time"}
SGD = SGDClassifier(loss="log_loss", alpha=0.01)
PROXY = CartographyClassifier(SGD, n_epochs=5)


def data(n_samples=600, n_features=20):
    return make_classification(n_samples, n_features, n_informative=5, random_state=0)


def calls():
    """Return calls on small data; each takes `n_jobs` and returns arrays to compare."""
    X, y = data()
    given = {"random_state": 0, "cv": 3}
    selector = DataMapSelector(PROXY, cv=2, random_state=0)

    def columns(result):
        return [v for name, v in sorted(result.results_.items()) if name not in TIMES]

    def selected(**params):
        fitted = DataMapSelector(PROXY, cv=2, random_state=0, **params).fit(X, y)
        return [fitted.sample_indices_]

    return {
        "compare_subsets": lambda n: columns(
            compare_subsets(GaussianNB(), X, y, selector=selector, n_jobs=n, **given)
        ),
        "cross_distillation": lambda n: columns(
            cross_distillation({"a": PROXY, "b": SGD}, X, y, n_jobs=n, **given)
        ),
        "stability_report": lambda n: [
            one.confidence
            for one in stability_report(PROXY, X, y, n_jobs=n, random_state=0).data_maps_
        ],
        "find_label_issues": lambda n: [
            find_label_issues(SGD, X, y, n_jobs=n, **given).label_quality
        ],
        'region="auto"': lambda n: selected(region="auto", n_jobs=n),
        'frac="auto"': lambda n: selected(frac="auto", n_jobs=n),
    }


@contextmanager
def backend_of(name):
    """Make a backend active; Dask's is a cluster of two processes on this machine."""
    if name != "dask":
        with joblib.parallel_config(backend=name):
            yield
        return
    from distributed import Client, LocalCluster

    local = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1"}
    with (
        LocalCluster(**local, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        yield


def show_equality(backends):
    print("\n1. results that differ from those of a single process, of all arrays")
    alone = {name: call(1) for name, call in calls().items()}
    for backend in backends:
        with backend_of(backend):
            n_arrays = n_differ = 0
            for name, call in calls().items():
                pairs = list(zip(call(2), alone[name], strict=True))
                n_arrays += len(pairs)
                n_differ += sum(
                    not np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs
                )
        print(f"   {backend:<10} {n_differ} of {n_arrays}")


def nothing(X, _):
    return None


@contextmanager
def bytes_sent():
    """Count the bytes of each message to the workers of loky."""
    from joblib.externals.loky.backend import queues

    sent, dumps = [], queues.dumps

    def count(obj, reducers=None):
        pickled = dumps(obj, reducers=reducers)
        sent.append(len(pickled))
        return pickled

    queues.dumps = count
    try:
        yield sent
    finally:
        queues.dumps = dumps


def show_bytes():
    print(
        "\n2. bytes for each of 10 tasks: joblib given X in each task; here; once a call, in a file"
    )
    containers = {
        "array, 16 MB": np.random.RandomState(0).normal(size=(20000, 100)),
        "sparse, 12 MB": random_sparse(10000, 1000, 0.1, format="csr", random_state=0),
        "list of 100,000 texts": [f"text number {i} of a list of texts" for i in range(100_000)],
    }
    try:
        import pandas

        frame = pandas.DataFrame(
            {"x": np.arange(2e5), "text": containers["list of 100,000 texts"] * 2}
        )
        containers["data frame with texts"] = frame
    except ImportError:
        pass
    for name, X in containers.items():
        with bytes_sent() as plain:
            joblib.Parallel(n_jobs=2)(joblib.delayed(nothing)(X, i) for i in range(10))
        with bytes_sent() as shared:
            run_parallel(nothing, [(i,) for i in range(10)], shared=(X,), n_jobs=2)
        print(f"   {name:<24} {sum(plain) / 10:>12,.0f} {sum(shared) / 10:>8,.0f}")


def show_time(n_pairs=5):
    print("\n3. time of n_jobs=2 divided by n_jobs=1, median of alternating pairs (least, most)")
    X, y = data(4000, 40)
    mlp = MLPClassifier((64,), max_iter=15, random_state=0)
    selector = DataMapSelector(CartographyClassifier(mlp, n_epochs=10))

    def run(n_jobs):
        start = time.perf_counter()
        compare_subsets(
            mlp, X, y, selector=selector, regions=["easy"], cv=4, random_state=0, n_jobs=n_jobs
        )
        return time.perf_counter() - start

    for backend in ("loky", "threading"):
        with joblib.parallel_config(backend=backend):
            run(2)  # starts the workers
            ratios = [run(2) / run(1) for _ in range(n_pairs)]
        low, middle, high = np.min(ratios), np.median(ratios), np.max(ratios)
        print(f"   {backend:<10} {middle:.2f} ({low:.2f}, {high:.2f})")


def inner(_):
    import threading

    time.sleep(0.05)
    return os.getpid(), threading.get_ident()


def threads_of(_):
    tasks, _ = run_parallel(inner, [(i,) for i in range(8)], n_jobs=-1)
    blas = max((one["num_threads"] for one in threadpool_info()), default=1)
    return len(set(tasks)), len({pid for pid, _ in tasks}), blas


def show_threads(backends):
    print(f"\n4. of each of 2 workers, {joblib.cpu_count()} cores: threads at n_jobs=-1;")
    print("   its processes; threads of BLAS and OpenMP, unless OMP_NUM_THREADS sets them")
    for backend in backends:
        with backend_of(backend):
            found, _ = run_parallel(threads_of, [(0,), (1,)], n_jobs=2)
        print(f"   {backend:<10} {'; '.join(map(str, np.max(found, axis=0)))}")


class Killer(GaussianNB):
    """A model that kills its process at a fit, once."""

    def __init__(self, flag=None, at=None):
        super().__init__()
        self.flag, self.at = flag, at

    def fit(self, X, y):
        if Path(self.flag).exists() and X[0, 0] == self.at:
            Path(self.flag).unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


def compare(folder, n_jobs):
    """Compare on eight splits; while the flag is there, the sixth one is killed."""
    X, y = data()
    X[:, 0] = np.arange(len(X))
    folds = np.array_split(np.random.RandomState(0).permutation(len(X)), 8)
    splits = [(np.sort(np.setdiff1d(np.arange(len(X)), test))[::-1], test) for test in folds]
    at = X[splits[5][0][0], 0]
    splits = [
        (train[train != at] if i != 5 else train, test) for i, (train, test) in enumerate(splits)
    ]
    model = Killer(str(Path(folder).parent / "flag"), at)
    return compare_subsets(
        model, X, y, selector=DataMapSelector(PROXY), regions=["easy"], cv=splits, random_state=0,
        resume=folder, n_jobs=n_jobs,
    )  # fmt: skip


def show_kills(n_kills=5):
    print("\n5. kills in the sixth of eight splits: kept, and arrays that differ after continuing")
    for what, n_jobs in (("the process, n_jobs=1", 1), ("a worker, n_jobs=2", 2)):
        kept, n_differ = [], 0
        for _ in range(n_kills):
            with tempfile.TemporaryDirectory() as place:
                folder, flag = Path(place) / "folder", Path(place) / "flag"
                flag.touch()
                if n_jobs == 1:
                    run = [sys.executable, __file__, "kill", str(folder)]
                    assert subprocess.run(run, check=False).returncode == -signal.SIGKILL
                else:
                    try:
                        compare(folder, n_jobs)
                    except TerminatedWorkerError as error:
                        results = error.partial_results
                        assert results is not None
                kept.append(len(list(folder.glob("*.npz"))))
                found = compare(folder, 2).results_
                whole = compare(Path(place) / "whole", 1).results_
                n_differ += sum(
                    not np.array_equal(found[name], whole[name]) for name in found.keys() - TIMES
                )
        print(f"   {what:<24} {kept} of 8 kept; {n_differ} differ")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1:2] == ["kill"]:
        compare(Path(sys.argv[2]), 1)
        sys.exit()
    known = ["loky", "threading"]
    try:
        import distributed  # noqa: F401

        known.append("dask")
    except ImportError:
        print("dask and distributed are not installed: left out")
    show_equality(known)
    show_bytes()
    show_time()
    show_threads(known)
    show_kills()
