"""Ctrl-C: whole epochs are kept with a model that predicts, and nothing that is half-made."""

import os
import signal

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier, TrainingDynamics
from sklearn_carto._dynamics._running import BLOCK, RunningStatistics
from sklearn_carto._watching import _callbacks
from sklearn_carto._watching._run_recorder import RunRecorder
from watchers import WATCHED, X, y

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)
LABELS = np.array(["c", "a", "b"])[y]
KEPT = ("estimator_", "data_map_", "dynamics_", "classes_", "n_epochs_")
by_name = pytest.mark.parametrize("watched", WATCHED, ids=lambda watched: watched.name)


@pytest.fixture
def interrupt(monkeypatch):
    """Press Ctrl-C as an epoch is about to be recorded."""

    def press(after):
        add, calls = RunRecorder._add, []

        def counting(self, *args):
            if len(calls) == after:
                raise KeyboardInterrupt
            calls.append(1)
            add(self, *args)

        monkeypatch.setattr(RunRecorder, "_add", counting)

    return press


def fit_interrupted(watched, model):
    with pytest.raises(KeyboardInterrupt):
        model.fit(watched.cast(X), LABELS)
    return model


def make_model(watched, pipeline, **params):
    watched.require()
    estimator = watched.make(3)
    if pipeline:
        estimator = make_pipeline(StandardScaler(), estimator)
    return CartographyClassifier(estimator, random_state=0, **watched.params | params)


@by_name
@pytest.mark.parametrize("pipeline", [False, True])
def test_before_the_first_whole_epoch_nothing_is_kept(watched, pipeline, interrupt):
    model = make_model(watched, pipeline)
    interrupt(after=0)
    fit_interrupted(watched, model)
    with pytest.raises(NotFittedError):
        model.predict(watched.cast(X))
    assert not [name for name in KEPT if name in vars(model)]


@by_name
@pytest.mark.parametrize("pipeline", [False, True])
def test_after_some_epochs_they_are_kept_and_the_model_predicts(watched, pipeline, interrupt):
    model = make_model(watched, pipeline)
    interrupt(after=2)
    fit_interrupted(watched, model)
    assert model.interrupted_
    assert model.n_epochs_ == model.data_map_.n_epochs == 2
    proba = model.predict_proba(watched.cast(X))
    assert proba.shape == (len(y), 3)
    assert np.isfinite(proba).all()
    assert set(np.ravel(model.predict(watched.cast(X)))) <= set("abc")
    assert not np.isnan(model.confidence_).any()


@by_name
def test_an_interrupted_refit_leaves_the_last_map_whole(watched, interrupt):
    model = make_model(watched, False).fit(watched.cast(X), LABELS)
    before = {name: getattr(model, name) for name in KEPT}
    interrupt(after=0)
    fit_interrupted(watched, model)
    assert all(getattr(model, name) is value for name, value in before.items())


@by_name
def test_of_folds_nothing_is_kept_before_the_last_model_has_an_epoch(watched, interrupt):
    if "record" in watched.params:
        pytest.skip("is not recorded out of fold")
    model = make_model(watched, False, cv=2)
    interrupt(after=3)
    fit_interrupted(watched, model)
    assert not [name for name in KEPT if name in vars(model)]


@pytest.mark.skipif(not _callbacks.HAS_CALLBACKS, reason="needs scikit-learn >= 1.9")
@pytest.mark.parametrize("labels", [LABELS, LABELS == "a"], ids=["three", "two"])
def test_an_interrupted_solver_predicts_as_its_last_whole_iteration(labels, interrupt):
    model = CartographyClassifier(LogisticRegression())
    interrupt(after=4)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, labels)
    expected = LogisticRegression(max_iter=4).fit(X, labels)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(model.classes_, expected.classes_)


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
@pytest.mark.parametrize("keep_history", [True, False])
def test_an_interrupt_while_an_epoch_is_recorded_waits_until_it_is_complete(
    keep_history, tmp_path, monkeypatch
):
    n_rows = 2 * BLOCK + 1
    rng = np.random.RandomState(0)
    many, labels = rng.normal(size=(n_rows, 2)), rng.randint(2, size=n_rows)
    update, calls = RunningStatistics._update, []

    def interrupted(self, *args):
        calls.append(1)
        update(self, *args)
        if len(calls) == 5:  # of three blocks an epoch
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(RunningStatistics, "_update", interrupted)
    sgd = SGDClassifier(loss="log_loss", random_state=0)
    clf = CartographyClassifier(sgd, n_epochs=4, keep_history=keep_history)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(many, labels)
    assert signal.getsignal(signal.SIGINT) is handler
    assert clf.n_epochs_ == 2
    assert_array_equal(clf.dynamics_.n_seen, 2)
    clf.dynamics_.save(tmp_path / "dynamics.npz")
    assert TrainingDynamics.load(tmp_path / "dynamics.npz").n_epochs == 2
