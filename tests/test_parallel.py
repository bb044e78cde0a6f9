"""Parallel calls: the caller's warning filters hold in them, and are left as they are."""

import threading
import warnings

import joblib
import pytest
import sklearn

from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto._utils._warnings import collect_warnings, warn, warn_once
from sklearn_carto.exceptions import CartographyWarning, DegenerateMapWarning


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
