"""A log of a training that is continued from a checkpoint holds each row of each epoch once."""

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier

from sklearn_carto import CartographyClassifier, logs, stability_report
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto.exceptions import NotLoggedWarning
from watchers import X, y

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
N_EPOCHS = 5
SGD = SGDClassifier(loss="log_loss", alpha=0.1)
FITS = {
    "epochs": (SGD, {}),
    "epochs without history": (SGD, {"keep_history": False}),
    "folds": (SGD, {"cv": 3}),
    "stages": (RandomForestClassifier(N_EPOCHS, max_depth=2), {}),
}


@pytest.fixture
def fail_at(monkeypatch):
    """Raise an error as a recorder receives scores for the n-th time, once."""

    def arm(n):
        add, calls = RunRecorder._add, []

        def counting(self, *args, **kwargs):
            calls.append(1)
            if len(calls) == n:
                raise OSError("the end")
            add(self, *args, **kwargs)

        monkeypatch.setattr(RunRecorder, "_add", counting)

    return arm


@pytest.mark.parametrize("n", [1, 3, 5])
@pytest.mark.parametrize("name", FITS)
def test_a_log_that_is_continued_equals_that_of_one_run(name, n, tmp_path, fail_at):
    estimator, params = FITS[name]
    params = {**params, "n_epochs": N_EPOCHS, "random_state": 0}
    whole = CartographyClassifier(estimator, log=tmp_path / "whole", **params).fit(X, y)
    folders = {"log": tmp_path / "log", "checkpoint": tmp_path / "checkpoint"}
    broken = CartographyClassifier(estimator, **folders, **params)
    fail_at(n)
    with pytest.raises(OSError, match="the end"):
        broken.fit(X, y)
    broken.fit(X, y)
    found, expected = (logs.read_dynamics(tmp_path / one) for one in ("log", "whole"))
    assert_array_equal(found.true_proba, expected.true_proba)
    assert_array_equal(found.n_seen, whole.dynamics_.n_seen)
    assert_array_equal(broken.confidence_, whole.confidence_)


def test_a_log_that_begins_with_a_training_that_is_continued_holds_all_epochs(tmp_path, fail_at):
    checkpoint = tmp_path / "checkpoint"
    params = {"n_epochs": N_EPOCHS, "random_state": 0, "checkpoint": checkpoint}
    fail_at(4)
    with pytest.raises(OSError, match="the end"):
        CartographyClassifier(SGD, **params).fit(X, y)
    clf = CartographyClassifier(SGD, **params, log=tmp_path / "log").fit(X, y)
    found = logs.read_dynamics(tmp_path / "log")
    assert_array_equal(found.true_proba, clf.dynamics_.true_proba)


@pytest.mark.parametrize("name", ["epochs", "folds", "stages"])
def test_a_complete_training_is_logged_in_a_folder_that_lacks_it(name, tmp_path):
    estimator, params = FITS[name]
    params = {**params, "n_epochs": N_EPOCHS, "random_state": 0, "checkpoint": tmp_path / "kept"}
    CartographyClassifier(estimator, **params, log=tmp_path / "first").fit(X, y)
    clf = CartographyClassifier(estimator, **params, log=tmp_path / "second").fit(X, y)
    found = logs.read_dynamics(tmp_path / "second")
    assert_array_equal(found.true_proba, clf.dynamics_.true_proba)


@pytest.mark.parametrize("first_log", [None, "first"])
@pytest.mark.parametrize("fails_at", [None, 4])
def test_epochs_that_no_history_keeps_are_missing_in_a_new_log(
    first_log, fails_at, tmp_path, fail_at
):
    params = {"n_epochs": N_EPOCHS, "random_state": 0, "keep_history": False}
    params |= {"checkpoint": tmp_path / "kept"}
    first = first_log and tmp_path / first_log
    if fails_at is None:
        CartographyClassifier(SGD, **params, log=first).fit(X, y)
    else:
        fail_at(fails_at)
        with pytest.raises(OSError, match="the end"):
            CartographyClassifier(SGD, **params, log=first).fit(X, y)
    clf = CartographyClassifier(SGD, **params, log=tmp_path / "second")
    with pytest.warns(NotLoggedWarning, match="lacks the epochs") as caught:
        clf.fit(X, y)
    assert len([w for w in caught if w.category is NotLoggedWarning]) == 1
    assert clf.n_epochs_ == N_EPOCHS
    n_logged = len(list((tmp_path / "second").glob("epoch-*")))
    assert n_logged == (0 if fails_at is None else N_EPOCHS - fails_at + 1)


@pytest.mark.parametrize("name", ["folds", "stages"])
@pytest.mark.parametrize("keep_history", [False, "float16"])
def test_parts_of_epochs_are_not_logged_again_without_their_history(name, keep_history, tmp_path):
    estimator, params = FITS[name]
    params = params | {"keep_history": keep_history}
    folders = {"log": tmp_path / "log", "checkpoint": tmp_path / "checkpoint"}
    clf = CartographyClassifier(estimator, **folders, **params)
    with pytest.raises(ValueError, match="require keep_history=True"):
        clf.fit(X, y)
    assert not any(tmp_path.iterdir())


def test_chunks_are_logged_as_samples_are(tmp_path):
    clf = CartographyClassifier(SGD, n_epochs=N_EPOCHS, random_state=0, log=tmp_path / "log")
    clf.fit_chunks(lambda: ((X[rows], y[rows]) for rows in np.array_split(np.arange(len(y)), 3)))
    found = logs.read_dynamics(tmp_path / "log")
    assert_array_equal(found.true_proba, clf.dynamics_.true_proba)


@pytest.mark.parametrize("name", ["checkpoint", "log", "history_dir"])
@pytest.mark.parametrize("folder", ["~/runs", "~nobody-of-this-name/runs", "runs"])
def test_folders_are_those_of_the_home_and_of_the_directory_at_the_call(
    name, folder, tmp_path, monkeypatch
):
    home, here, there = (tmp_path / one for one in ("home", "here", "there"))
    for one in (home, here, there):
        one.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(here)
    monkeypatch.setattr(SGDClassifier, "partial_fit", _moving(SGDClassifier.partial_fit, there))
    clf = CartographyClassifier(SGD, n_epochs=N_EPOCHS, **{name: folder}).fit(X, y)
    expected = home / "runs" if folder == "~/runs" else here / folder
    assert any(expected.iterdir())
    assert not any(there.iterdir())
    assert clf.dynamics_.true_proba.shape == (len(y), N_EPOCHS)


def _moving(partial_fit, folder):
    def moving(self, X, y, classes=None):
        os.chdir(folder)
        return partial_fit(self, X, y, classes)

    return moving


def test_results_are_resumed_from_the_home_and_the_directory_at_the_call(tmp_path, monkeypatch):
    home, there = tmp_path / "home", tmp_path / "there"
    home.mkdir()
    there.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for folder in ("~/results", "results"):
        monkeypatch.chdir(tmp_path)
        with monkeypatch.context() as moved:
            moved.setattr(SGDClassifier, "partial_fit", _moving(SGDClassifier.partial_fit, there))
            stability_report(SGD, X, y, n_seeds=2, random_state=0, resume=folder)
    assert len(list((home / "results").iterdir())) == len(list((tmp_path / "results").iterdir()))
    assert not any(there.iterdir())


def test_a_forest_that_changes_the_directory_has_its_history_where_it_began(tmp_path, monkeypatch):
    fit = RandomForestClassifier.fit
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)

    def moving(self, X, y, **params):
        os.chdir(there)
        return fit(self, X, y, **params)

    monkeypatch.setattr(RandomForestClassifier, "fit", moving)
    CartographyClassifier(RandomForestClassifier(2), history_dir="history").fit(X, y)
    assert any((here / "history").iterdir())
    assert not any(there.iterdir())
