"""Equal results over joblib's backends: processes, threads, and a Dask cluster."""

import os
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import long_calls as calls
import sklearn_carto as sc
from long_calls import CALLS, Killer, X, assert_same, y
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto.exceptions import TerminatedWorkerError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two worker processes on this machine."""
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    settings = {"distributed.scheduler.allowed-failures": 0}  # kills are not tried again
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        path = os.path.dirname(__file__)
        client.run(lambda: __import__("sys").path.insert(0, path))
        yield client


@pytest.fixture(params=["loky", "threading", "dask"])
def backend(request):
    if request.param == "dask":
        request.getfixturevalue("cluster")
    with joblib.parallel_config(backend=request.param):
        yield request.param


@pytest.fixture(scope="module")
def alone():
    """The results without workers."""
    return {name: call() for name, call in CALLS.items()}


@pytest.mark.parametrize("name", CALLS)
def test_results_are_those_of_a_single_process(name, backend, alone):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sc.exceptions.DegenerateMapWarning)
        assert_same(CALLS[name](n_jobs=2), alone[name])


@pytest.mark.parametrize("given", [{"region": "auto"}, {"frac": "auto"}], ids=str)
def test_selectors_that_search_select_the_same(given, backend):
    found = []
    for n_jobs in (1, 2):
        with joblib.parallel_config(backend=backend if n_jobs == 2 else "sequential"):
            selector = sc.DataMapSelector(calls.PROXY, cv=2, random_state=0, n_jobs=n_jobs, **given)
            selector.fit(X, y)
        results = getattr(selector, "auto_results_", None) or selector.auto_frac_results_
        found.append((selector.sample_indices_, results))
    assert_array_equal(found[0][0], found[1][0])
    assert found[0][1].keys() == found[1][1].keys()
    for name, values in found[0][1].items():
        assert_array_equal(values, found[1][1][name], err_msg=name)


def test_what_one_backend_finished_another_one_continues(backend, tmp_path, alone):
    assert_same(CALLS["compare"](resume=tmp_path, n_jobs=2), alone["compare"])
    parts = sorted(tmp_path.glob("*.npz"))
    assert len(parts) == 6
    parts[2].unlink()
    with joblib.parallel_config(backend="sequential"):
        assert_same(CALLS["compare"](resume=tmp_path), alone["compare"])


def compare(model, **more):
    settings = {"regions": ["easy"], "selector": calls.SELECTOR, "random_state": 0}
    return sc.compare_subsets(model, X, y, n_jobs=2, cv=3, **settings, **more)


@pytest.mark.parametrize("backend", ["loky", "dask"], indirect=True)
@pytest.mark.parametrize("resumed", [False, True])
def test_a_killed_worker_is_named_and_a_later_call_continues(backend, resumed, tmp_path):
    (tmp_path / "flag").touch()
    model = Killer(str(tmp_path / "flag"))
    folder = tmp_path / "folder" if resumed else None
    with pytest.raises(TerminatedWorkerError, match="of 3 tasks") as caught:
        compare(model, resume=folder)
    partial = caught.value.partial_results
    kept = set() if partial is None else set(partial.results_["split"].tolist())
    assert kept <= {0, 1}
    if kept:
        assert "splits and seeds were finished" in "".join(caught.value.__notes__)
    whole = compare(model, resume=folder)
    for name in whole.results_.keys() - calls.TIMES if kept else ():
        rows = np.isin(whole.results_["split"], list(kept))
        assert_array_equal(partial.results_[name], whole.results_[name][rows])
    assert_same(whole, compare(model))


def kind_of(X, _):
    return os.getpid(), X.tobytes()[:8]


def test_a_cluster_gets_what_is_shared_once(cluster, monkeypatch):
    from sklearn_carto._utils import _shared

    taken, take_apart = [], _shared._take_apart
    monkeypatch.setattr(
        _shared, "_take_apart", lambda value: (taken.append(1), take_apart(value))[1]
    )
    given = np.arange(400_000.0)
    with joblib.parallel_config(backend="dask"):
        results, _ = run_parallel(kind_of, [(i,) for i in range(8)], shared=(given,))
    assert len(taken) == 1
    assert {first for _, first in results} == {given.tobytes()[:8]}
    assert os.getpid() not in {pid for pid, _ in results}


def fail(number):
    if number == 1:
        raise ArithmeticError("one")
    return number


def test_an_error_on_a_cluster_is_raised_here(cluster):
    with joblib.parallel_config(backend="dask"):
        with pytest.raises(ArithmeticError, match="one"):
            run_parallel(fail, [(i,) for i in range(3)])
        assert run_parallel(fail, [(0,), (2,)])[0] == [0, 2]


def call_within(_):
    with joblib.parallel_config(backend="dask"):
        return run_parallel(fail, [(0,), (2,)])[0]


def test_a_call_within_a_task_of_the_cluster_does_not_wait_for_itself(cluster):
    assert cluster.submit(call_within, 0).result(timeout=60) == [0, 2]
