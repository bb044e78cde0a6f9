"""Parallel calls: what they share, what they keep, and the warning filters of the caller."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures.process import BrokenProcessPool

import joblib
import numpy as np
import pytest
import sklearn
from scipy.sparse import random as random_sparse
from threadpoolctl import threadpool_info

from sklearn_carto._inputs._fingerprint import fingerprint
from sklearn_carto._utils import _shared
from sklearn_carto._utils._parallel import Outcome, run_parallel
from sklearn_carto._utils._shared import Shared
from sklearn_carto._utils._warnings import collect_warnings, warn, warn_once
from sklearn_carto.exceptions import (
    CartographyError,
    CartographyWarning,
    DegenerateMapWarning,
    TerminatedWorkerError,
)


def chatter(number):
    warn(f"map {number} is flat", DegenerateMapWarning)
    return number**2


def others_warn(number):
    warnings.warn(f"not ours, {number}", UserWarning, stacklevel=1)


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_warnings_of_ours_come_back_with_the_results_in_the_order_of_the_calls(backend):
    with joblib.parallel_config(backend=backend), warnings.catch_warnings(record=True) as caught:
        results, collected = run_parallel(chatter, [(i,) for i in range(4)], n_jobs=2)
    assert results == [0, 1, 4, 9]
    assert [one.message for one in collected] == [f"map {i} is flat" for i in range(4)]
    assert {one.category for one in collected} == {DegenerateMapWarning}
    assert caught == []


def filters_here(_):
    return list(warnings.filters)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_filters_of_the_caller_hold_in_workers(backend):
    with warnings.catch_warnings(), joblib.parallel_config(backend=backend):
        warnings.filterwarnings("error", message="not ours", category=UserWarning)
        before = list(warnings.filters)
        seen, _ = run_parallel(filters_here, [(i,) for i in range(4)], n_jobs=2)
        assert seen == [before] * 4
        with pytest.raises(UserWarning, match="not ours"):
            run_parallel(others_warn, [(i,) for i in range(4)], n_jobs=2)
        assert warnings.filters == before


def test_threads_that_overlap_leave_the_filters_as_they_are():
    barrier = threading.Barrier(2)

    def meet(_):
        barrier.wait(timeout=10)
        seen = list(warnings.filters)
        barrier.wait(timeout=10)
        return seen

    with warnings.catch_warnings(), joblib.parallel_config(backend="threading"):
        warnings.simplefilter("once", CartographyWarning)
        before, identity = list(warnings.filters), warnings.filters
        seen, _ = run_parallel(meet, [(i,) for i in range(6)], n_jobs=2)
        assert seen == [before] * 6
        assert warnings.filters is identity
        assert warnings.filters == before


def assume_finite(_):
    return sklearn.get_config()["assume_finite"]


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers_have_the_configuration_of_the_caller(backend):
    with sklearn.config_context(assume_finite=True), joblib.parallel_config(backend=backend):
        assert run_parallel(assume_finite, [(0,), (1,)], n_jobs=2)[0] == [True, True]


def test_a_thread_that_does_not_collect_warns_while_another_one_collects():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with collect_warnings() as collected:
            thread = threading.Thread(target=chatter, args=(1,))
            thread.start()
            thread.join()
            chatter(2)
    assert [one.message for one in collected] == ["map 2 is flat"]
    assert [str(one.message) for one in caught] == ["map 1 is flat"]


def test_what_differs_in_numbers_alone_is_issued_once_at_the_line_of_the_user():
    with collect_warnings() as collected:
        chatter(1)
        chatter(2)
        warn("map 3 is odd", DegenerateMapWarning)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_once(collected, " in 2 splits")
    assert [str(one.message) for one in caught] == [
        "map 1 is flat (issued 2 times in 2 splits)",
        "map 3 is odd",
    ]
    assert {one.filename for one in caught} == {__file__}


def test_errors_by_filter_are_raised_in_the_caller():
    _, collected = run_parallel(chatter, [(1,)])
    with warnings.catch_warnings():
        warnings.simplefilter("error", DegenerateMapWarning)
        with pytest.raises(DegenerateMapWarning, match="map 1 is flat"):
            warn_once(collected)


def stop(number):
    text = "A worker stopped while some jobs were given to the executor" if number else "other"
    warnings.warn(text, UserWarning, stacklevel=1)
    return number


def test_no_filter_makes_an_error_of_a_worker_that_joblib_replaces():
    with warnings.catch_warnings(), joblib.parallel_config(backend="threading"):
        warnings.simplefilter("error")
        identity, before = warnings.filters, list(warnings.filters)
        with pytest.raises(UserWarning, match="other"):
            run_parallel(stop, [(0,), (0,)], n_jobs=2)
        assert run_parallel(stop, [(1,), (2,)], n_jobs=2)[0] == [1, 2]
        assert warnings.filters is identity
        assert warnings.filters == before
        warnings.filterwarnings("error", message="A worker", category=UserWarning)
        assert run_parallel(stop, [(1,), (2,)], n_jobs=2)[0] == [1, 2]


# what all tasks share


def big_array(order="C"):
    return np.asarray(np.random.RandomState(0).normal(size=(2000, 300)), order=order)


def big_frame():
    pandas = pytest.importorskip("pandas")
    numbers = pandas.DataFrame(big_array()).rename(columns=str)
    return numbers.assign(text=[f"row {i}" * 200 for i in range(2000)])


def big_polars():
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"x": big_array().ravel(), "text": ["abcdefg" * 3] * 600_000})


BIG = {
    "array": big_array,
    "fortran": lambda: big_array("F"),
    "float16": lambda: big_array().astype(np.float16),
    "csr": lambda: random_sparse(4000, 1000, 0.2, format="csr", random_state=0),
    "frame": big_frame,
    "polars": big_polars,
    "texts": lambda: [f"text {i} " * 20 for i in range(20000)],
    "objects": lambda: np.array([f"text {i} " * 20 for i in range(20000)], dtype=object),
    "dict": lambda: {"a": big_array(), "b": [big_array()] * 2},
}


def digest_of(X, name, _):
    return os.getpid(), fingerprint(X), name


@pytest.mark.parametrize("kind", BIG)
def test_what_is_shared_is_pickled_once_and_not_for_each_task(kind, monkeypatch):
    queues = pytest.importorskip("joblib.externals.loky.backend.queues")
    sent, taken, dumps, take_apart = [], [], queues.dumps, _shared._take_apart

    def count(obj, reducers=None):
        pickled = dumps(obj, reducers=reducers)
        sent.append(len(pickled))
        return pickled

    def count_taken(value):
        taken.append(1)
        return take_apart(value)

    monkeypatch.setattr(queues, "dumps", count)
    monkeypatch.setattr(_shared, "_take_apart", count_taken)
    X = BIG[kind]()
    results, _ = run_parallel(digest_of, [(i,) for i in range(6)], shared=(X, kind), n_jobs=2)
    assert {digest for _, digest, _ in results} == {fingerprint(X)}
    assert os.getpid() not in {pid for pid, *_ in results}
    assert len(taken) == 1
    tasks = [size for size in sent if size > 100]  # besides signals to the workers
    assert len(tasks) >= 6
    assert max(tasks) < 30_000
    assert sum(tasks) < 200_000


def kind_of(X, _):
    return type(X), X.flags.writeable, getattr(X, "filename", None)


def test_an_array_that_a_file_backs_stays_in_that_file(tmp_path):
    X = np.memmap(tmp_path / "X", mode="w+", shape=(1000, 2000))
    found, _ = run_parallel(kind_of, [(0,), (1,)], shared=(X,), n_jobs=2)
    assert {str(path) for *_, path in found} == {str(X.filename)}


def test_threads_share_the_value_itself():
    X, seen = big_array(), []

    def look(X, _):
        seen.append(X)

    with joblib.parallel_config(backend="threading"):
        run_parallel(look, [(0,), (1,)], shared=(X,), n_jobs=2)
    assert len(seen) == 2
    assert all(one is X for one in seen)


def test_parts_that_occur_twice_are_one_in_the_worker_too():
    X = big_array()
    make, parts = Shared({"a": X, "b": [X]}).__reduce__()
    assert sum(len(part) if isinstance(part, list) else 0 for part in parts) == 1
    found = make(*parts).value
    assert found["a"] is found["b"][0]


def test_what_cannot_be_pickled_is_an_error_of_the_caller():
    with pytest.raises(Exception, match="pickle"):
        run_parallel(digest_of, [(0,), (1,)], shared=(threading.Lock(), "lock"), n_jobs=2)


# what is finished


def slow_end(number):
    if number == 3:
        raise ArithmeticError("three")
    return -number


def last(action, at, n_tasks, folder, number):
    """Do something in one of several tasks, once the others have ended."""
    if number == at:
        while len(list(folder.iterdir())) < n_tasks - 1:
            time.sleep(0.01)
        time.sleep(1)  # until the caller has their results
        action()
    (folder / str(number)).touch()
    return -number


def fail():
    raise ArithmeticError("three")


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_what_was_finished_is_known_after_an_error(backend, tmp_path):
    finished, told = {}, []
    with joblib.parallel_config(backend=backend), pytest.raises(ArithmeticError, match="three"):
        run_parallel(
            last, [(i,) for i in range(4)], shared=(fail, 3, 4, tmp_path), n_jobs=2,
            finished=finished, on_finished=lambda number, outcome: told.append((number, outcome)),
        )  # fmt: skip
    assert finished == {i: Outcome(-i, []) for i in range(3)}
    assert dict(told) == finished


def test_what_is_known_is_not_called():
    finished = {1: Outcome("known", [])}
    results, _ = run_parallel(slow_end, [(0,), (3,), (5,)], finished=finished)
    assert results == [0, "known", -5]
    assert run_parallel(slow_end, [(3,)], finished={0: Outcome("all", [])})[0] == ["all"]
    assert run_parallel(slow_end, []) == ([], [])


def test_an_interrupt_while_an_outcome_is_kept_keeps_it():
    kept = []

    def keep(number, outcome):
        kept.append(number)
        if len(kept) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_parallel(slow_end, [(0,), (1,), (2,)], on_finished=keep)
    assert kept == [0, 1, 1]


def test_a_killed_worker_is_named_and_what_was_finished_is_known(tmp_path):
    finished, shared = {}, (kill, 2, 4, tmp_path)
    with pytest.raises(TerminatedWorkerError) as caught:
        run_parallel(last, [(i,) for i in range(4)], shared=shared, n_jobs=2, finished=finished)
    assert {number: one.result for number, one in finished.items()} == {0: 0, 1: -1, 3: -3}
    assert "A worker process ended after 3 of 4 tasks" in str(caught.value)
    assert "memory" in str(caught.value)
    assert "n_jobs" in str(caught.value)
    assert isinstance(caught.value, (CartographyError, BrokenProcessPool))
    assert run_parallel(pow, [(2, 2), (2, 3)], n_jobs=2)[0] == [4, 8]  # later calls are whole


class OneByOne(joblib.parallel.ThreadingBackend):
    supports_return_generator = False


def test_a_backend_that_returns_all_results_at_once_serves_too():
    joblib.register_parallel_backend("one by one", OneByOne)
    with joblib.parallel_config(backend="one by one"):
        assert run_parallel(slow_end, [(1,), (2,)], n_jobs=2)[0] == [-1, -2]


# calls within a worker


def who(_, number):
    time.sleep(0.05)
    return os.getpid(), threading.get_ident()


def nested(number):
    inner, _ = run_parallel(who, [(i,) for i in range(6)], shared=(None,), n_jobs=-1)
    blas = [one["num_threads"] for one in threadpool_info()]
    return os.getpid(), inner, blas


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_call_within_a_worker_starts_no_process_and_takes_its_share_of_the_cores(backend):
    with joblib.parallel_config(backend=backend):
        results, _ = run_parallel(nested, [(0,), (1,)], n_jobs=2)
    share = max(1, joblib.cpu_count() // 2)
    for pid, inner, blas in results:
        assert {of_task for of_task, _ in inner} == {pid}
        assert len({thread for _, thread in inner}) <= share
        assert max(blas, default=1) <= share
    assert (os.getpid() in {pid for pid, *_ in results}) == (backend == "threading")


THREADS_OF_WORKERS = """
import json, joblib, numpy, sklearn.ensemble
from threadpoolctl import threadpool_info, threadpool_limits
from sklearn_carto._utils._parallel import run_parallel

def pools(_=None):
    found = threadpool_info()
    number = lambda api: max(one["num_threads"] for one in found if one["user_api"] == api)
    return {api: number(api) for api in ("blas", "openmp")}

with threadpool_limits(6), joblib.parallel_config(backend="threading"):
    within, _ = run_parallel(pools, [(0,), (1,)], n_jobs=2)
    alone, _ = run_parallel(pools, [(0,)], n_jobs=2)
    print(json.dumps([within, alone, pools(), joblib.cpu_count()]))
"""


def test_blas_and_openmp_take_the_share_of_a_worker_thread_and_then_what_they_had():
    environment = {**os.environ, "OMP_NUM_THREADS": "6", "OPENBLAS_NUM_THREADS": "6"}
    done = subprocess.run(
        [sys.executable, "-c", THREADS_OF_WORKERS], env=environment, capture_output=True, check=True
    )
    within, alone, after, n_cores = json.loads(done.stdout)
    share = max(1, n_cores // 2)
    assert within == 2 * [{"blas": share, "openmp": share}]
    assert alone == [after] == [{"blas": 6, "openmp": 6}]


def nested_processes(number):
    return run_parallel(who, [(i,) for i in range(4)], shared=(None,), n_jobs=2)[0]


def test_a_call_within_a_single_task_takes_what_it_is_given():
    with joblib.parallel_config(backend="threading"):
        results, _ = run_parallel(nested_processes, [(0,)])
    assert len({thread for _, thread in results[0]}) == 2
