"""Long calls that continue from a folder: equal results, nothing computed twice, nothing mixed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit

import long_calls as calls
import sklearn_carto as sc
from long_calls import CALLS, NAMES, SELECTOR, SGD, Killer, Logged, X, assert_same, log_of, y
from sklearn_carto._inputs import _result_folder
from sklearn_carto.exceptions import DegenerateMapWarning, ResumeWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")


def parts_in(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".npz")


def compare(model, folder=None, **more):
    settings = {"regions": ["easy"], "selector": SELECTOR, "cv": 3, "random_state": 0}
    return sc.compare_subsets(model, X, y, resume=folder, **{**settings, **more})


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_continues_gives_what_one_that_was_not_interrupted_gives(name, tmp_path):
    whole = CALLS[name]()
    assert_same(CALLS[name](resume=tmp_path), whole)
    parts = parts_in(tmp_path)
    assert len(parts) == {"compare": 6, "auto": 2, "issues": 6}.get(name, 3)
    assert_same(CALLS[name](resume=tmp_path), whole)  # all of them are known
    for part in parts[::2]:
        part.unlink()
    assert_same(CALLS[name](resume=str(tmp_path), n_jobs=2), whole)
    assert parts_in(tmp_path) == parts
    assert {path.name for path in tmp_path.iterdir()} == {"call.json", *(p.name for p in parts)}


def test_what_is_finished_is_not_computed_again(tmp_path):
    folder, model = tmp_path / "a" / "folder", Logged(log_of(tmp_path))
    first = compare(model, folder)
    n_fits = len(log_of(tmp_path).read_text().splitlines())
    assert n_fits == 3 * 3  # three splits of full, random and easy
    again = compare(model, folder)
    for name in first.results_:  # times as well
        assert_array_equal(first.results_[name], again.results_[name])
    assert len(log_of(tmp_path).read_text().splitlines()) == n_fits
    parts_in(folder)[1].unlink()
    compare(model, folder)
    assert len(log_of(tmp_path).read_text().splitlines()) == n_fits + 3


OTHERS = {
    "X": {"X": X + 1},
    "y": {"y": (y + 1) % 3},
    "estimator": {"estimator": LogisticRegression(C=2)},
    "selector": {"selector": sc.DataMapSelector(SGD, stratify=False)},
    "regions": {"regions": ["easy", "hard"]},
    "fracs": {"fracs": 0.5},
    "cv": {"cv": 4},
    "groups": {"groups": np.arange(120) // 2},
    "params": {"params": {"sample_weight": np.ones(120)}},
    "scoring": {"scoring": "f1_macro"},
    "ood": {"ood": {"other": (X, y)}},
    "n_seeds": {"n_seeds": 2},
    "match": {"match": "steps"},
    "error_score": {"error_score": np.nan},
    "random_state": {"random_state": 1},
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_folder_of_another_call_is_refused_and_named_is_what_differs(name, tmp_path):
    given = {"estimator": SGD, "X": X, "y": y, "regions": ["easy"], "cv": 3}
    given |= {"selector": SELECTOR, "random_state": 0, "resume": tmp_path}
    sc.compare_subsets(**given)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=rf"differs in ([\w, ]*, )?{name}\b.*another folder"):
        sc.compare_subsets(**{**given, **OTHERS[name]})
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["cross", "stability", "issues"])
def test_the_folder_of_another_function_is_refused(name, tmp_path):
    CALLS["compare"](resume=tmp_path)
    with pytest.raises(ValueError, match="which holds the results of compare_subsets"):
        CALLS[name](resume=tmp_path)


def test_another_version_is_refused_and_both_are_named(tmp_path, monkeypatch):
    compare(LogisticRegression(), tmp_path)
    monkeypatch.setattr(_result_folder, "__version__", "9.9")
    with pytest.raises(ValueError, match=r"differs in versions \(there .*here .*sklearn_carto 9.9"):
        compare(LogisticRegression(), tmp_path)


def test_what_results_do_not_depend_on_may_differ(tmp_path):
    compare(LogisticRegression(), tmp_path)
    other = sc.DataMapSelector(SELECTOR.estimator, memory=str(tmp_path / "maps"), n_jobs=2)
    found = compare(LogisticRegression(), tmp_path, selector=other, n_jobs=2, verbose=0)
    assert_same(found, compare(LogisticRegression()))
    few = CALLS["stability"](resume=tmp_path / "seeds", n_seeds=2)
    more = CALLS["stability"](resume=tmp_path / "seeds", n_seeds=4, frac=0.2, threshold=0.9)
    assert_array_equal(more.seeds_[:2], few.seeds_)
    assert len(parts_in(tmp_path / "seeds")) == 4
    whole = CALLS["issues"](resume=tmp_path / "issues", noise_rate=0.1)
    assert_same(whole, CALLS["issues"](noise_rate=0.1))
    assert_same(CALLS["issues"](resume=tmp_path / "issues"), CALLS["issues"]())
    assert len(parts_in(tmp_path / "issues")) == 6


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


DAMAGES = {
    "torn": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "flipped": flip,
    "text": lambda path: path.write_text("no archive"),
    "foreign": lambda path: np.savez(path, a=np.arange(3)),
    "folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["compare", "stability", "issues"])
def test_a_damaged_file_is_ignored_with_a_warning(name, damage, tmp_path):
    whole = CALLS[name](resume=tmp_path)
    part = parts_in(tmp_path)[0]
    DAMAGES[damage](part)
    with pytest.warns(ResumeWarning) as caught:
        found = CALLS[name](resume=tmp_path)
    assert f"{part} is ignored, and computed again" in str(caught[0].message)
    assert_same(found, whole)


def test_files_of_another_folder_are_ignored(tmp_path):
    compare(LogisticRegression(C=2), tmp_path / "other")
    whole = compare(LogisticRegression(), tmp_path / "own")
    for part in parts_in(tmp_path / "other"):
        shutil.copy(part, tmp_path / "own")
    with pytest.warns(ResumeWarning, match="does not belong to this call"):
        assert_same(compare(LogisticRegression(), tmp_path / "own"), whole)
    # nor does one with the name of another split
    parts = parts_in(tmp_path / "own")
    shutil.copy(parts[0], parts[1])
    with pytest.warns(ResumeWarning, match="does not belong to this call"):
        assert_same(compare(LogisticRegression(), tmp_path / "own"), whole)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"function": 3, "parts": {}, "seed": 0}'])
def test_a_damaged_description_is_replaced_and_nothing_beside_it_is_used(content, tmp_path):
    compare(LogisticRegression(C=2), tmp_path)
    (tmp_path / "call.json").write_text(content)
    with pytest.warns(ResumeWarning):
        found = compare(LogisticRegression(), tmp_path)
    assert_same(found, compare(LogisticRegression()))
    assert_same(compare(LogisticRegression(), tmp_path), found)


@pytest.mark.parametrize("name", ["compare", "cross", "stability", "issues"])
def test_without_a_random_state_the_folder_keeps_the_seed(name, tmp_path):
    first = CALLS[name](resume=tmp_path, random_state=None)
    parts_in(tmp_path)[0].unlink()
    second = CALLS[name](resume=tmp_path, random_state=None)
    if name != "issues":  # whose estimator is left as it is, with a random_state of its own
        assert_same(second, first)
    assert len(parts_in(tmp_path)) == len(set(parts_in(tmp_path)))
    other = CALLS[name](resume=tmp_path / "other", random_state=None)
    seeds = [
        json.loads((f / "call.json").read_text())["seed"] for f in (tmp_path, tmp_path / "other")
    ]
    assert seeds[0] != seeds[1]
    assert type(other) is type(first)


def test_a_generator_is_the_same_in_the_same_state(tmp_path):
    one = compare(LogisticRegression(), tmp_path, random_state=np.random.RandomState(3))
    rng = np.random.RandomState(3)
    again = compare(LogisticRegression(), tmp_path, random_state=rng)
    assert_same(one, again)
    with pytest.raises(ValueError, match="differs in random_state"):
        compare(LogisticRegression(), tmp_path, random_state=rng)


def test_splits_that_are_drawn_anew_are_told(tmp_path):
    compare(LogisticRegression(), tmp_path, cv=ShuffleSplit(2))
    with pytest.raises(ValueError, match="differs in cv; a cv that shuffles needs an int"):
        compare(LogisticRegression(), tmp_path, cv=ShuffleSplit(2))


def test_labels_of_any_type_are_kept(tmp_path):
    days = np.array(["2020-01-31", "1969-12-31", "2021-01-01"], dtype="M8[D]")[y]
    objects = np.array([-1, 2, 0])[y].astype(object)
    for i, labels in enumerate((days, objects, y - 7.0, y == 1)):
        given = {"n_seeds": 2, "random_state": 0}
        whole = sc.stability_report(calls.PROXY, X, labels, **given)
        for _ in range(2):
            found = sc.stability_report(calls.PROXY, X, labels, **given, resume=tmp_path / str(i))
            assert_same(found, whole)
            assert_array_equal(found.mean_map_.classes, whole.mean_map_.classes)


def test_names_of_rows_are_kept_and_other_names_are_another_call(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, index=[f"row {i}" for i in range(120)]).rename(columns=str)
    given = {"n_seeds": 2, "random_state": 0, "resume": tmp_path}
    for _ in range(2):
        found = sc.stability_report(calls.PROXY, frame, y, **given)
        assert found.mean_map_.sample_ids[:2].tolist() == ["row 0", "row 1"]
    with pytest.raises(ValueError, match="differs in index of X"):
        sc.stability_report(calls.PROXY, frame.set_index(np.arange(120) + 7), y, **given)


def test_warnings_of_what_was_finished_are_issued_again(tmp_path):
    saturated = sc.DataMapSelector(sc.CartographyClassifier(SGD, n_epochs=1))
    messages = []
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            compare(LogisticRegression(), tmp_path, selector=saturated)
        messages.append([str(one.message) for one in caught])
        assert {one.category for one in caught} == {DegenerateMapWarning}
    assert messages[0] == messages[1]
    assert "in 3 splits and seeds" in messages[0][0]


def test_failed_fits_are_results(tmp_path):
    (tmp_path / "flag").touch()
    model = Killer(tmp_path / "flag", number=None)
    results = []
    for _ in range(2):
        with pytest.warns(sc.exceptions.FailedFitsWarning, match="MemoryError: no room"):
            results.append(compare(model, tmp_path / "folder", error_score=np.nan))
    assert_same(*results)
    assert np.isnan(results[0].results_["test_score"]).sum() == 1


# errors, interrupts, kills


def test_an_error_keeps_what_was_finished(tmp_path):
    (tmp_path / "flag").touch()
    model, folder = Killer(tmp_path / "flag", number=None), tmp_path / "folder"
    with pytest.raises(MemoryError, match="no room") as caught:
        compare(model, folder)
    partial = caught.value.partial_results
    whole = compare(model, folder)
    assert_array_equal(np.unique(partial.results_["split"]), [0, 1])
    for name in partial.results_:  # the very fits, with their times
        kept = whole.results_["split"] < 2
        assert_array_equal(partial.results_[name], whole.results_[name][kept])
    assert "2 of 3 splits and seeds were finished" in "".join(caught.value.__notes__)
    assert str(folder) in "".join(caught.value.__notes__)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_in_the_first_task_leaves_no_results(n_jobs, tmp_path):
    (tmp_path / "flag").touch()
    model = Killer(tmp_path / "flag", row=0, number=None)
    with pytest.raises(MemoryError) as caught:
        compare(model, n_jobs=n_jobs, cv=[(np.arange(40, 120), np.arange(40))])
    assert caught.value.partial_results is None


class Interrupted(LogisticRegression):
    def fit(self, X, y):
        if not calls.holds_row(X, 60) and len(X) == 80:
            raise KeyboardInterrupt
        return super().fit(X, y)


def test_an_interrupt_keeps_what_was_finished(tmp_path):
    for folder in (None, tmp_path):
        with pytest.raises(KeyboardInterrupt) as caught:
            compare(Interrupted(), folder)
        assert set(caught.value.partial_results.results_["split"]) == {0}
    assert [part.name for part in parts_in(tmp_path)] == ["split0-seed0.npz"]
    with pytest.raises(KeyboardInterrupt) as caught:
        sc.stability_report(Fickle(), X, y, n_seeds=3, random_state=0)
    assert [one.n_samples for one in caught.value.partial_results] == [120]


class Fickle(sc.CartographyClassifier):
    """A classifier whose second fit is interrupted."""

    n_fits: list = []  # noqa: RUF012

    def __init__(self, estimator=SGD, *, n_epochs=2, keep_history=False, random_state=None,
                 keep_models=False, cv=None, record="epoch_end", verbose=0,
                 uncertainty=False):  # fmt: skip
        super().__init__(
            estimator, n_epochs=n_epochs, keep_history=keep_history, random_state=random_state
        )

    def fit(self, X, y):
        self.n_fits.append(1)
        if len(self.n_fits) == 2:
            raise KeyboardInterrupt
        return super().fit(X, y)


RUN = """
import sys, warnings
sys.path.insert(0, {tests!r})
warnings.simplefilter("ignore")
import joblib
from long_calls import *
if __name__ == "__main__":
    with joblib.parallel_config({backend!r}):
        sc.compare_subsets(
            Killer({flag!r}, number={number}), X, y, regions=["easy"], selector=SELECTOR, cv=3,
            random_state=0, resume={folder!r}, n_jobs={n_jobs},
        )
"""


def run_apart(tmp_path, folder, **given):
    script = tmp_path / "run.py"
    flag = tmp_path / "flag"
    flag.touch()
    filled = {
        "tests": str(Path(__file__).parent),
        "flag": str(flag),
        "folder": str(folder),
        **given,
    }
    script.write_text(RUN.format(**filled))
    run = [sys.executable, str(script)]
    return subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)


def test_a_process_that_was_killed_continues(tmp_path):
    folder = tmp_path / "folder"
    ended = run_apart(tmp_path, folder, number=int(signal.SIGKILL), n_jobs=1, backend="loky")
    assert ended.returncode == -signal.SIGKILL
    assert [part.name for part in parts_in(folder)] == ["split0-seed0.npz", "split1-seed0.npz"]
    model = Killer(str(tmp_path / "flag"))
    before = [part.stat().st_mtime_ns for part in parts_in(folder)]
    found = compare(model, folder)
    assert_same(found, compare(model))
    assert [part.stat().st_mtime_ns for part in parts_in(folder)][:2] == before


def test_ctrl_c_ends_the_workers_and_keeps_what_was_finished(tmp_path):
    folder = tmp_path / "folder"
    ended = run_apart(tmp_path, folder, number=int(signal.SIGINT), n_jobs=1, backend="loky")
    assert "KeyboardInterrupt" in ended.stderr
    assert "2 of 3 splits and seeds were finished" in ended.stderr
    assert len(parts_in(folder)) == 2


SLOW = """
import sys, time, warnings
sys.path.insert(0, {tests!r})
warnings.simplefilter("ignore")
import joblib
from long_calls import *
class Slow(GaussianNB):
    def fit(self, X, y):
        time.sleep(0.3)
        return super().fit(X, y)
if __name__ == "__main__":
    with joblib.parallel_config({backend!r}):
        sc.compare_subsets(
            Slow(), X, y, regions=["easy"], selector=SELECTOR, cv=8, random_state=0,
            resume={folder!r}, n_jobs=2,
        )
"""


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_ctrl_c_in_the_midst_of_parallel_work_ends_it_soon(backend, tmp_path):
    folder, script = tmp_path / "folder", tmp_path / "run.py"
    tests = str(Path(__file__).parent)
    script.write_text(SLOW.format(tests=tests, backend=backend, folder=str(folder)))
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen([sys.executable, str(script)], stderr=log)
        begin = time.monotonic()
        while not (folder.exists() and parts_in(folder)) and time.monotonic() < begin + 100:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    said = (tmp_path / "log").read_text()
    n_finished = len(parts_in(folder))
    assert 1 <= n_finished < 8
    assert f"{n_finished} of 8 splits and seeds were finished" in said
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


# folders


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    for given in (tmp_path / "file", tmp_path / "file" / "inside", "a\0b"):
        with pytest.raises(ValueError, match=r"'resume' parameter of compare_subsets must name a"):
            compare(LogisticRegression(), given)
    with pytest.raises(ValueError, match="must name a folder"):
        compare(LogisticRegression(), "")


@pytest.mark.parametrize(
    "value", [3, True, b"a", ["a"], {}, object()], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize("name", CALLS)
def test_the_parameter_is_checked(name, value):
    with pytest.raises(ValueError, match="The 'resume' parameter of .* must be"):
        CALLS[name](resume=value)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs the names of open files")
def test_a_full_disk_warns_once_and_loses_no_result(tmp_path, monkeypatch):
    whole, real = compare(LogisticRegression()), os.fsync

    def full(descriptor):
        if "-seed" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(ResumeWarning, match="No space left") as caught:
        found = compare(LogisticRegression(), tmp_path)
    assert len([one for one in caught if one.category is ResumeWarning]) == 1
    assert_same(found, whole)
    assert [path.name for path in tmp_path.iterdir()] == ["call.json"]  # and no part of a file
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResumeWarning)
        with pytest.raises(ResumeWarning) as raised:
            compare(LogisticRegression(), tmp_path)
    assert set(raised.value.partial_results.results_["split"]) == {0}


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs the names of open files")
def test_a_part_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    events, real_sync, real_replace = [], os.fsync, Path.replace

    def sync(descriptor):
        events.append(("sync", os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))[:8]))
        real_sync(descriptor)

    def replace(path, target):
        if path.parent == Path(target).parent == folder and "-seed" in Path(target).name:
            events.append(("name", Path(target).name[:8]))
        return real_replace(path, target)

    folder = tmp_path / "part of"
    compare(LogisticRegression(), folder, cv=[(np.arange(60), np.arange(60, 120))])
    (folder / "split0-seed0.npz").unlink()
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    compare(LogisticRegression(), folder, cv=[(np.arange(60), np.arange(60, 120))])
    named = events.index(("name", "split0-s"))
    assert ("sync", ".split0-") in events[:named]
    assert ("sync", "part of") in events[named:]


def test_what_cannot_be_identified_by_value_is_refused(tmp_path):
    class Opaque(LogisticRegression):
        def __reduce__(self):
            raise TypeError("no pickle")

    with pytest.raises(
        ValueError, match="identified by their values.*which estimator, selector cannot"
    ):
        compare(Opaque(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_files_that_a_killed_process_left_are_deleted_after_a_day(tmp_path):
    names = [f".split0-seed0.npz.{'0' * 32}", f".call.json.{'1' * 32}"]
    for name in (*names, ".hidden.txt"):
        (tmp_path / name).touch()
    compare(LogisticRegression(), tmp_path)
    assert all((tmp_path / name).exists() for name in names)  # of another process, perhaps
    day_ago = time.time() - 25 * 3600
    for name in (*names, ".hidden.txt"):
        os.utime(tmp_path / name, (day_ago, day_ago))
    compare(LogisticRegression(), tmp_path)
    assert not any((tmp_path / name).exists() for name in names)
    assert (tmp_path / ".hidden.txt").exists()


def test_an_estimator_with_the_parameter_can_be_cloned_and_refitted(tmp_path):
    detector = sc.LabelIssueDetector(calls.PROXY, cv=3, random_state=0, resume=tmp_path)
    first = detector.fit(X, NAMES).label_issues_
    assert_same(sc.find_label_issues(calls.PROXY, X, NAMES, cv=3, random_state=0), first)
    assert_same(detector.fit(X, NAMES).label_issues_, first)
    with pytest.raises(ValueError, match="differs in X, y"):
        detector.fit(X[::2], NAMES[::2])
