"""A log of a training that is continued from a checkpoint holds each row of each epoch once."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier

from sklearn_carto import CartographyClassifier, logs
from sklearn_carto._watching._run_recorder import RunRecorder
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
