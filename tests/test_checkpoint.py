# ruff: noqa: NPY002  the global generator is what is tested
"""Checkpoints: a fit that was killed continues, and ends as one that was not, bit for bit."""

import threading
import warnings
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder

from sklearn_carto import CartographyClassifier
from sklearn_carto._checkpoint._folder import CheckpointFolder
from sklearn_carto._maps._fields import MAP_STATISTICS as FIELDS
from sklearn_carto._utils._compat import callbacks_of
from sklearn_carto._watching._callbacks import HAS_CALLBACKS
from sklearn_carto._watching._find import get_watcher
from watchers import WATCHED, X, y

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)
LABELS = np.array(["c", "a", "b"])[y]
N_EPOCHS = 6
by_name = pytest.mark.parametrize("watched", WATCHED, ids=lambda watched: watched.name)
REPLAYED = [one for one in WATCHED if one.replays and one.name != "Squared"]
BEGIN_AGAIN = ["LogisticRegression"]
EPOCHWISE = [one for one in WATCHED if one not in REPLAYED and one.name not in BEGIN_AGAIN]


class Killed(BaseException):
    """The end of a process."""


@pytest.fixture
def kill(monkeypatch):
    """End the process as a state is about to be written, after some that were."""

    def arm(after):
        write, n_written = CheckpointFolder.write_state, []

        def counting(self, *args):
            if len(n_written) == after:
                raise Killed
            write(self, *args)
            n_written.append(1)

        monkeypatch.setattr(CheckpointFolder, "write_state", counting)

    def disarm():
        monkeypatch.undo()

    arm.undo = disarm
    return arm


def fit_twice(kill, after, make, X, y, **params):
    """Fit and kill, and fit again."""
    kill(after)
    with pytest.raises(Killed):
        make().fit(X, y, **params)
    kill.undo()
    return make().fit(X, y, **params)


def assert_same_fit(model, expected, X):
    for name in FIELDS:
        assert_array_equal(getattr(model.data_map_, name), getattr(expected.data_map_, name))
    if expected.dynamics_.keep_history:
        for name in ("true_proba", "correct", "margin", "el2n", "loss"):
            assert_array_equal(getattr(model.dynamics_, name), getattr(expected.dynamics_, name))
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert model.n_epochs_ == expected.n_epochs_
    assert model.interrupted_ is False


def maker(watched, tmp_path, **params):
    watched.require()
    params = {"random_state": 0, **watched.params, **params}

    def make(checkpoint=tmp_path / "saved"):
        return CartographyClassifier(watched.make(3), checkpoint=checkpoint, **params)

    return make


@by_name
@pytest.mark.parametrize("keep_history", [True, False])
def test_a_killed_fit_ends_as_one_that_was_not(watched, keep_history, tmp_path, kill):
    make = maker(watched, tmp_path, keep_history=keep_history)
    Xc = watched.cast(X)
    expected = make(None).fit(Xc, LABELS)
    after = 3 if watched in EPOCHWISE else 1 if watched in REPLAYED else 0
    model = fit_twice(kill, after, make, Xc, LABELS)
    assert_same_fit(model, expected, Xc)
    assert_same_fit(make().fit(Xc, LABELS), expected, Xc)  # which is complete


@by_name
@pytest.mark.parametrize(
    ("n_finished", "keep_history"), [(0, True), (1, False), (1, True), (3, False)]
)
def test_finished_folds_are_kept_and_the_running_one_continues(
    watched, keep_history, n_finished, tmp_path, kill
):
    if "record" in watched.params:
        pytest.skip("is not recorded out of fold")
    make = maker(watched, tmp_path, keep_history=keep_history, cv=3)
    Xc = watched.cast(X)
    expected = make(None).fit(Xc, LABELS)
    # states of a fold: one a step, or one of the model and one of the replay, and one of its end
    of_fold = 7 if watched in EPOCHWISE else 3 if watched in REPLAYED else 1
    after = n_finished * of_fold + min(2, of_fold - 1)
    model = fit_twice(kill, after, make, Xc, LABELS)
    assert_same_fit(model, expected, Xc)
    for name in FIELDS:
        own, other = model.in_fold_map_, expected.in_fold_map_
        assert_array_equal(getattr(own, name), getattr(other, name))
    assert own.standard_errors.keys() == other.standard_errors.keys()
    for name, errors in own.standard_errors.items():
        assert_array_equal(errors, other.standard_errors[name])


@pytest.mark.parametrize("watched", EPOCHWISE, ids=lambda watched: watched.name)
def test_no_complete_epoch_is_trained_again(watched, tmp_path, kill, monkeypatch):
    make, trained = maker(watched, tmp_path), []
    Xc = watched.cast(X)
    kind = type(watched.make(3))
    methods = {"SkorchWatcher": "run_single_epoch", "WarmStartWatcher": "fit"}
    method = methods.get(type(get_watcher(watched.make(3))).__name__, "partial_fit")
    original = getattr(kind, method)

    def counting(self, *args, **kwargs):
        if args[0] is not None:  # a net without validation samples passes None
            trained.append(1)
        return original(self, *args, **kwargs)

    kill(4)
    with pytest.raises(Killed):
        make().fit(Xc, LABELS)
    kill.undo()
    monkeypatch.setattr(kind, method, counting)
    make().fit(Xc, LABELS)
    assert len(trained) == N_EPOCHS - 4
    make().fit(Xc, LABELS)
    assert len(trained) == N_EPOCHS - 4


@pytest.mark.parametrize("watched", REPLAYED, ids=lambda watched: watched.name)
def test_a_trained_ensemble_is_not_trained_again(watched, tmp_path, kill, monkeypatch):
    make = maker(watched, tmp_path)
    kill(1)
    with pytest.raises(Killed):
        make().fit(watched.cast(X), LABELS)
    kill.undo()
    monkeypatch.setattr(type(watched.make(3)), "fit", lambda *args, **kwargs: 1 / 0)
    assert make().fit(watched.cast(X), LABELS).n_epochs_ == N_EPOCHS


@pytest.mark.parametrize("keep_history", [True, False])
def test_a_replay_continues_with_the_block_that_was_not_complete(
    keep_history, tmp_path, kill, monkeypatch
):
    from sklearn_carto._checkpoint import _training
    from sklearn_carto._watching import _responses

    monkeypatch.setattr(_responses, "MAX_BLOCK", 50)
    monkeypatch.setattr(_training, "REPLAY_SHARE", 0)
    watched = next(one for one in WATCHED if one.name == "HistGradientBoostingClassifier")
    make = maker(watched, tmp_path, keep_history=keep_history, uncertainty=True)
    expected = make(None).fit(X, LABELS)
    kill(3)  # once trained, and two blocks of four
    with pytest.raises(Killed):
        make().fit(X, LABELS)
    kill.undo()
    replayed = []
    monkeypatch.setattr(_responses, "MAX_BLOCK", 50)
    monkeypatch.setattr(_training, "REPLAY_SHARE", 0)
    block_done = _training.TrainingCheckpoint.block_done
    monkeypatch.setattr(
        _training.TrainingCheckpoint,
        "block_done",
        lambda self, n_rows: [block_done(self, n_rows), replayed.append(1)],
    )
    assert_same_fit(make().fit(X, LABELS), expected, X)
    assert len(replayed) == 2


@pytest.mark.parametrize(("before", "now"), [(50, 30), (30, 50), (50, 160), (20, 159)])
@pytest.mark.parametrize("cv", [None, 2])
@pytest.mark.parametrize("keep_history", [True, False])
def test_a_replay_continues_in_blocks_of_another_size(
    before, now, cv, keep_history, tmp_path, kill, monkeypatch
):  # such as those of another working_memory
    from sklearn_carto._checkpoint import _training
    from sklearn_carto._watching import _responses

    watched = next(one for one in WATCHED if one.name == "HistGradientBoostingClassifier")
    make = maker(watched, tmp_path, keep_history=keep_history, cv=cv)
    expected = make(None).fit(X, LABELS)
    kill(3)
    monkeypatch.setattr(_responses, "MAX_BLOCK", before)
    monkeypatch.setattr(_training, "REPLAY_SHARE", 0)
    with pytest.raises(Killed):
        make().fit(X, LABELS)
    kill.undo()
    monkeypatch.setattr(_responses, "MAX_BLOCK", now)
    assert_same_fit(make().fit(X, LABELS), expected, X)


@pytest.mark.parametrize("make_cv", [lambda: None, lambda: 2, lambda: KFold(2, shuffle=True)],
                         ids=["none", "int", "splitter"])  # fmt: skip
@pytest.mark.parametrize("estimator", [SGDClassifier(loss="log_loss"), MLPClassifier((8,))],
                         ids=["SGDClassifier", "MLPClassifier"])  # fmt: skip
def test_without_a_seed_the_fit_ends_as_the_one_that_was_killed(make_cv, estimator, tmp_path, kill):
    def make(checkpoint=tmp_path / "saved"):
        return CartographyClassifier(
            clone(estimator), n_epochs=5, cv=make_cv(), checkpoint=checkpoint
        )

    state = np.random.RandomState(7).get_state()
    np.random.set_state(state)
    expected = make(None).fit(X, LABELS)
    end = np.random.randint(10**6)
    np.random.set_state(state)
    kill(2)
    with pytest.raises(Killed):
        make().fit(X, LABELS)
    kill.undo()
    np.random.seed(1)
    assert_same_fit(make().fit(X, LABELS), expected, X)
    assert np.random.randint(10**6) == end


def test_a_seeded_fit_leaves_the_global_generators_alone(tmp_path, kill):
    make = maker(WATCHED[0], tmp_path)
    np.random.seed(2)
    kill(2)
    with pytest.raises(Killed):
        make().fit(X, LABELS)
    kill.undo()
    np.random.seed(3)
    make().fit(X, LABELS)
    assert np.random.randint(10**6) == np.random.RandomState(3).randint(10**6)


def test_a_random_state_that_has_advanced_continues(tmp_path, kill):
    rng = np.random.RandomState(5)
    sgd = SGDClassifier(loss="log_loss")
    folder = tmp_path / "saved"
    expected = CartographyClassifier(sgd, n_epochs=5, random_state=np.random.RandomState(5))
    expected.fit(X, LABELS)
    model = CartographyClassifier(sgd, n_epochs=5, random_state=rng, checkpoint=folder)
    kill(2)
    with pytest.raises(Killed):
        model.fit(X, LABELS)
    kill.undo()
    assert_same_fit(model.fit(X, LABELS), expected, X)


@pytest.mark.filterwarnings("ignore:`TargetEncoder.shuffle`:FutureWarning")
@pytest.mark.parametrize("after", [2, 8])
def test_transformers_of_a_pipeline_are_not_fitted_again(after, tmp_path, kill, monkeypatch):
    coded = np.column_stack([np.digitize(X[:, 0], [-1, 0, 1]), np.digitize(X[:, 1], [0])])
    sgd = SGDClassifier(loss="log_loss", alpha=0.05)

    def make(checkpoint=tmp_path / "saved"):
        # what fit_transform of a TargetEncoder returns is not what transform returns
        encoder = TargetEncoder(random_state=0)
        inner = make_pipeline(StandardScaler(), clone(sgd))
        return CartographyClassifier(
            make_pipeline(encoder, inner), n_epochs=5, random_state=0, cv=2, checkpoint=checkpoint
        )

    expected = make(None).fit(coded, LABELS)
    kill(after)
    with pytest.raises(Killed):
        make().fit(coded, LABELS)
    kill.undo()
    n_fitted, original = [], TargetEncoder.fit_transform

    def counting(self, *args, **kwargs):
        n_fitted.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(TargetEncoder, "fit_transform", counting)
    model = make().fit(coded, LABELS)
    assert len(n_fitted) == (2 if after < 6 else 1)
    assert_same_fit(model, expected, coded)


def triple(X):
    X *= 3
    return X


@pytest.mark.parametrize("cv", [None, 2])
@pytest.mark.parametrize(
    "transformer",
    [StandardScaler(copy=False), FunctionTransformer(triple), FunctionTransformer(), "passthrough"],
    ids=["scaled", "tripled", "unchanged", "passed"],
)
@pytest.mark.parametrize(
    "last",
    [SGDClassifier(loss="log_loss", alpha=0.05), GradientBoostingClassifier(n_estimators=5)],
    ids=["epochs", "stages"],
)
def test_samples_that_are_transformed_in_place_are_not_taken_for_those_that_were_given(
    last, transformer, cv, tmp_path, kill
):
    def make(checkpoint=tmp_path / "saved"):
        pipeline = Pipeline([("first", deepcopy(transformer)), ("last", clone(last))])
        params = {"n_epochs": 5, "cv": cv, "random_state": 0}
        return CartographyClassifier(pipeline, checkpoint=checkpoint, **params)

    expected = make(None).fit(X.copy(), LABELS)
    kill(1)
    with pytest.raises(Killed):
        make().fit(X.copy(), LABELS)
    kill.undo()
    model = make().fit(X.copy(), LABELS)
    for name in FIELDS:
        assert_array_equal(getattr(model.data_map_, name), getattr(expected.data_map_, name))
    assert_array_equal(model.predict_proba(X.copy()), expected.predict_proba(X.copy()))


@pytest.mark.parametrize("cv", [None, 2])
def test_a_pipeline_of_an_ensemble_continues(cv, tmp_path, kill):
    hgb = HistGradientBoostingClassifier(max_iter=N_EPOCHS)

    def make(checkpoint=tmp_path / "saved"):
        steps = StandardScaler(), make_pipeline(StandardScaler(with_mean=False), clone(hgb))
        return CartographyClassifier(
            make_pipeline(*steps), random_state=0, cv=cv, checkpoint=checkpoint
        )

    expected = make(None).fit(X, LABELS)
    for after in (1, 1):  # once trained, and again
        kill(after)
        with pytest.raises(Killed):
            make().fit(X, LABELS)
        kill.undo()
    assert_same_fit(make().fit(X, LABELS), expected, X)
    assert_same_fit(make().fit(X, LABELS), expected, X)


@pytest.mark.skipif(not HAS_CALLBACKS, reason="needs scikit-learn >= 1.9")
def test_callbacks_are_those_of_the_estimator_that_is_passed(tmp_path, kill):
    class Counts:
        def __init__(self):
            self.lock, self.n_ended = threading.Lock(), 0  # which cannot be pickled

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            self.n_ended += 1

        def teardown(self, estimator, context):
            pass

    def make(callback):
        steps = StandardScaler(), clone(SGDClassifier(loss="log_loss"))
        pipeline = make_pipeline(*steps)
        pipeline.set_callbacks(callback)
        return CartographyClassifier(
            pipeline, n_epochs=5, random_state=0, checkpoint=tmp_path / "saved"
        )

    kill(2)
    with pytest.raises(Killed):
        make(Counts()).fit(X, LABELS)
    kill.undo()
    callback = Counts()
    model = make(callback).fit(X, LABELS)
    assert callbacks_of(model.estimator_) == [callback]


@pytest.mark.parametrize("watched", EPOCHWISE, ids=lambda watched: watched.name)
def test_kept_models_and_uncertainty_continue(watched, tmp_path, kill):
    make = maker(watched, tmp_path, keep_models=True, uncertainty=True)
    Xc = watched.cast(X)
    expected = make(None).fit(Xc, LABELS)
    model = fit_twice(kill, 4, make, Xc, LABELS)
    assert_same_fit(model, expected, Xc)
    own, other = (one.score_map(Xc, LABELS) for one in (model, expected))
    for name in FIELDS:
        assert_array_equal(getattr(own, name), getattr(other, name))


def test_weights_and_ids_continue(tmp_path, kill):
    make = maker(WATCHED[0], tmp_path)
    ids = [f"row {i}" for i in range(len(y))]
    given = {"sample_weight": np.arange(len(y)) % 3.0, "sample_ids": ids}
    expected = make(None).fit(X, LABELS, **given)
    model = fit_twice(kill, 3, make, X, LABELS, **given)
    assert_same_fit(model, expected, X)
    assert_array_equal(model.data_map_.sample_ids, expected.data_map_.sample_ids)
    assert_array_equal(model.data_map_.excluded_mask, expected.data_map_.excluded_mask)


def test_verbose_shows_where_the_training_continues(tmp_path, kill, capsys):
    make = maker(WATCHED[0], tmp_path, verbose=1)
    fit_twice(kill, 2, make, X, LABELS)
    shown = capsys.readouterr().err
    assert "training continues after 2 complete epochs" in shown
    assert "6/6" in shown
    make().fit(X, LABELS)
    assert "the complete fit is loaded" in capsys.readouterr().err


def test_two_states_are_kept_and_files_of_others_are_left_alone(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    for name in ("notes.txt", "state-1.carto.bak", "other-1.carto", ".hidden"):
        (folder / name).write_text("mine")
    (folder / f".state-3.carto.{'0' * 32}").write_text("a part that a killed process left")
    maker(WATCHED[0], tmp_path, keep_history=False)().fit(X, LABELS)
    names = sorted(path.name for path in Path(folder).iterdir())
    ours = ["carto.lock", "plan.carto", "state-6.carto", "state-7.carto"]
    assert names == sorted([".hidden", "notes.txt", "state-1.carto.bak", "other-1.carto", *ours])


def test_training_is_the_same_with_a_checkpoint(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make = maker(WATCHED[1], tmp_path)
        assert_same_fit(make().fit(X, LABELS), make(None).fit(X, LABELS), X)
