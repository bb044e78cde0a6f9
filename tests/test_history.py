"""The history in single and half precision, in memory and in files."""

import copy
import pickle
import shutil

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier

from sklearn_carto import CartographyClassifier, DataMap, TrainingDynamics
from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import DegenerateMapWarning
from sklearn_carto.integrations.torch import DynamicsRecorder

N, E = 50, 6
FIELDS = ("true_proba", "correct", "margin", "el2n", "loss")


def recorded(dynamics, seed=0, rows=slice(None)):
    rng = np.random.RandomState(seed)
    for epoch in range(E):
        scores = rng.dirichlet([1, 1, 1], size=N)
        dynamics.update(epoch, scores[rows], rows)
    return dynamics


@pytest.fixture
def labels():
    return np.random.RandomState(1).randint(3, size=N)


@pytest.fixture
def plain(labels):
    return recorded(TrainingDynamics(labels, n_epochs=E))


def assert_same_statistics(one, other, epochs=None):
    expected, _ = one.statistics(epochs)
    for name, values in other.statistics(epochs)[0].items():
        assert_array_equal(values, expected[name], err_msg=name)


def test_a_history_in_files_holds_the_values_of_one_in_memory(tmp_path, labels, plain):
    in_files = recorded(TrainingDynamics(labels, n_epochs=E, history_dir=tmp_path))
    for name in FIELDS:
        values = getattr(in_files, name)
        assert isinstance(values, np.memmap), name
        assert_array_equal(values, getattr(plain, name), err_msg=name)
        (path,) = tmp_path.glob(f"*/{name}.npy")
        assert_array_equal(np.load(path).T, values)
    assert_same_statistics(in_files, plain)
    assert_same_statistics(in_files, plain, slice(2, None))


PARTS = [[slice(0, 20), slice(20, N)], [slice(1, None, 2), np.arange(0, N, 2)[::-1]]]


@pytest.mark.parametrize("parts", PARTS, ids=["blocks", "every other row"])
@pytest.mark.parametrize("keep_history", [True, "float16", False])
@pytest.mark.parametrize("in_files", [False, True])
def test_an_epoch_in_parts_is_the_epoch(tmp_path, labels, parts, keep_history, in_files):
    if in_files and not keep_history:
        pytest.skip("there is no history")
    folders = [tmp_path / name if in_files else None for name in ("whole", "parts")]
    options = {"n_epochs": E, "keep_history": keep_history}
    whole, by_part = (TrainingDynamics(labels, **options, history_dir=at) for at in folders)
    rng = np.random.RandomState(4)
    for epoch in range(E):
        scores = rng.dirichlet([1, 1, 1], size=N)
        whole.update(epoch, scores)
        for rows in parts:
            by_part.update(epoch, scores[rows], rows)
    for name in FIELDS if keep_history else ():
        assert_array_equal(getattr(by_part, name), getattr(whole, name), err_msg=name)
    assert_same_statistics(by_part, whole)
    if keep_history:
        assert_same_statistics(by_part, whole, slice(2, None))


@pytest.mark.parametrize("rows", [slice(10, 30), slice(None, None, 3), np.array([40, 3, 7])])
@pytest.mark.parametrize("first", [0, 2])
def test_rows_missing_from_an_epoch_are_missing_from_the_files(tmp_path, labels, rows, first):
    of_rows = np.random.RandomState(2).dirichlet([1, 1, 1], size=len(labels[rows]))
    both = TrainingDynamics(labels), TrainingDynamics(labels, history_dir=tmp_path)
    for dynamics in both:
        dynamics.update(first, of_rows, rows)
        recorded_all = np.random.RandomState(3).dirichlet([1, 1, 1], size=N)
        dynamics.update(first + 1, recorded_all)
    for name in FIELDS:
        assert_array_equal(getattr(both[1], name), getattr(both[0], name), err_msg=name)
    assert np.isnan(both[1].true_proba[:, :first]).all()
    assert_same_statistics(*both, slice(first, None))


def test_statistics_of_all_epochs_do_not_depend_on_the_precision_of_the_history(labels, plain):
    half = recorded(TrainingDynamics(labels, n_epochs=E, keep_history="float16"))
    assert_same_statistics(half, plain)
    assert half.margin.dtype == half.true_proba.dtype == np.float16
    assert half.correct.dtype == bool
    assert_allclose(half.true_proba, plain.true_proba, atol=5e-4)  # half a unit below 1 is 2.4e-4
    some, _ = half.statistics(slice(2, None))
    for name, values in plain.statistics(slice(2, None))[0].items():
        assert_allclose(some[name], values, rtol=2e-3, atol=2e-3, err_msg=name)


def test_what_half_precision_does_not_hold_is_its_largest_number():
    logits = np.array([[1e5, -1e5], [0.0, 0.0]])
    dynamics = TrainingDynamics([1, 0], keep_history="float16")
    dynamics.update(0, logits, from_logits=True)
    assert_array_equal(dynamics.margin[:, 0], [-65504, 0])
    assert dynamics.statistics()[0]["aum"][0] == -2e5


@pytest.mark.parametrize("keep_history", [True, "float16"])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_copies_hold_the_values_and_need_no_file(tmp_path, labels, keep_history, duplicate):
    options = {"n_epochs": E, "keep_history": keep_history}
    dynamics = recorded(TrainingDynamics(labels, **options, history_dir=tmp_path))
    dynamics.update(E + 1, np.full((N, 3), 1 / 3))  # and no row at the epoch before
    expected = {name: np.array(getattr(dynamics, name)) for name in FIELDS}
    other = duplicate(dynamics)
    for path in [*tmp_path.rglob("*.npy")]:
        path.unlink()
    for name in FIELDS:
        assert_array_equal(getattr(other, name), expected[name], err_msg=name)
    other.update(E + 2, np.full((N, 3), 1 / 3))
    assert (other.n_epochs, dynamics.n_epochs) == (E + 3, E + 2)


@pytest.mark.parametrize("keep_history", [True, "float16"])
def test_archives_and_joined_parts_hold_the_values(tmp_path, labels, keep_history):
    options = {"n_epochs": E, "keep_history": keep_history}
    dynamics = recorded(TrainingDynamics(labels, **options, history_dir=tmp_path / "history"))
    dynamics.save(tmp_path / "dynamics.npz")
    loaded = TrainingDynamics.load(tmp_path / "dynamics.npz")
    joined = TrainingDynamics.concatenate([dynamics, loaded])
    assert loaded.keep_history == joined.keep_history == keep_history
    for name in FIELDS:
        assert_array_equal(getattr(loaded, name), getattr(dynamics, name), err_msg=name)
        assert_array_equal(getattr(joined, name)[:, E:], getattr(dynamics, name), err_msg=name)
    assert_same_statistics(loaded, dynamics)


@pytest.mark.parametrize("history", [{}, {"keep_history": "float16"}, {"history_dir": "files"}])
def test_a_state_continues_in_a_recorder_with_another_kind_of_history(tmp_path, history):
    if "history_dir" in history:
        history = {"history_dir": tmp_path}
    rng = np.random.RandomState(0)
    recorder = DynamicsRecorder(8, n_epochs=4)
    resumed = DynamicsRecorder(8, n_epochs=4, **history)
    for epoch in range(4):
        if epoch == 2:
            resumed.load_state_dict(recorder.state_dict())
        scores = rng.standard_normal((8, 3))
        for one in (recorder, resumed)[: 1 + (epoch >= 2)]:
            one.update(np.arange(8), scores, np.arange(8) % 3)
            one.end_epoch()
    assert_same_statistics(resumed.dynamics, recorder.dynamics)
    assert_allclose(resumed.dynamics.margin, recorder.dynamics.margin, rtol=1e-3)
    assert isinstance(resumed.dynamics.margin, np.memmap) == ("history_dir" in history)


def test_files_that_are_gone_are_an_error_and_statistics_stay(tmp_path, labels, plain):
    dynamics = recorded(TrainingDynamics(labels, n_epochs=E, history_dir=tmp_path))
    for path in [*tmp_path.rglob("*.npy")]:
        path.unlink()
    with pytest.raises(FileNotFoundError, match="cannot be read; statistics do not need it"):
        dynamics.statistics(slice(2))
    with pytest.raises(FileNotFoundError, match=r"history of epoch 6 cannot be written"):
        dynamics.update(E, np.full((N, 3), 1 / 3))
    assert dynamics.n_epochs == E
    assert_same_statistics(dynamics, plain)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_copies_without_the_files_keep_the_statistics(tmp_path, labels, plain, duplicate):
    dynamics = recorded(TrainingDynamics(labels, n_epochs=E, history_dir=tmp_path))
    shutil.rmtree(next(tmp_path.iterdir()))
    copied = duplicate(dynamics)
    assert not [*tmp_path.iterdir()]
    assert copied.n_epochs == E
    assert_same_statistics(copied, plain)
    with pytest.raises(FileNotFoundError, match="cannot be read; statistics do not need it"):
        copied.statistics(slice(2))
    with pytest.raises(FileNotFoundError, match=r"history of epoch 6 cannot be written"):
        copied.update(E, np.full((N, 3), 1 / 3))


def test_a_history_that_cannot_be_read_is_not_copied_without_its_values(tmp_path, labels):
    dynamics = recorded(TrainingDynamics(labels, n_epochs=E, history_dir=tmp_path))
    next(tmp_path.glob("*/margin.npy")).write_bytes(b"")
    with pytest.raises(OSError, match="cannot be read"):
        pickle.dumps(dynamics)


def test_a_folder_is_that_of_the_working_directory_of_the_beginning(tmp_path, labels, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dynamics = TrainingDynamics(labels, n_epochs=E, history_dir="files")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    recorded(dynamics)
    assert len([*(tmp_path / "files").glob("*/margin.npy")]) == 1
    assert not [*(tmp_path / "elsewhere").iterdir()]
    assert dynamics.margin.shape == (N, E)


def test_a_history_does_not_change_with_the_arrays_that_were_recorded(labels):
    dynamics, values = TrainingDynamics(labels, n_epochs=2), np.full((4, N + 1), 0.25, np.float32)
    p, margin, el2n, loss = values[:, :N]
    dynamics._add(0, Observation(p, p > 0.5, margin, el2n, loss), margin_from="logits")
    values[:] = 0.75
    assert_array_equal(dynamics.true_proba, 0.25)


@pytest.mark.parametrize("damage", ["cut off", "other rows", "fewer epochs", "no array"])
def test_files_of_others_are_an_error(tmp_path, labels, damage):
    dynamics = recorded(TrainingDynamics(labels, history_dir=tmp_path))
    (path,) = tmp_path.rglob("margin.npy")
    if damage == "cut off":
        path.write_bytes(path.read_bytes()[:-8])
    elif damage == "other rows":
        np.save(path, np.zeros((E, N + 1), dtype=np.float32))
    elif damage == "fewer epochs":
        np.save(path, np.load(path)[:-1])
    else:
        path.write_bytes(b"text")
    with pytest.raises(OSError, match=r"margin\.npy"):
        _ = dynamics.margin


def test_a_folder_that_cannot_be_made_is_an_error_before_the_training(tmp_path):
    (tmp_path / "file").write_text("")
    clf = CartographyClassifier(SGDClassifier(), history_dir=tmp_path / "file" / "history")
    with pytest.raises(OSError, match="folder of the history"):
        clf.fit(np.eye(4), [0, 1, 0, 1])
    assert not hasattr(clf, "dynamics_")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"keep_history": False, "history_dir": "x"}, "keep_history=False"),
        ({"keep_history": "float8"}, "keep_history"),
        ({"keep_history": 1.5}, "keep_history"),
        ({"history_dir": 3}, "history_dir"),
    ],
    ids=["nothing to keep", "precision", "number", "folder"],
)
@pytest.mark.parametrize("door", ["dynamics", "recorder", "classifier"])
def test_arguments_are_checked_at_every_door(door, options, match):
    def call():
        if door == "dynamics":
            TrainingDynamics([0, 1], **options)
        elif door == "recorder":
            DynamicsRecorder(2, **options)
        else:
            CartographyClassifier(SGDClassifier(), **options).fit(np.eye(4), [0, 1, 0, 1])

    with pytest.raises(ValueError, match=match):
        call()


def test_trainings_share_a_folder_and_leave_the_map_unchanged(tmp_path):
    X, y = make_classification(120, random_state=0)
    sgd = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
    maps = []
    for options in ({}, {"history_dir": tmp_path}, {"history_dir": str(tmp_path)}):
        clf = CartographyClassifier(sgd, n_epochs=5, **options).fit(X, y)
        assert clf.dynamics_.true_proba.shape == (120, 5)
        maps.append(DataMap.from_dynamics(clf.dynamics_, slice(1, None)))
    assert len([*tmp_path.iterdir()]) == 2
    for other in maps[1:]:
        assert_array_equal(other.variability, maps[0].variability)


def test_the_map_is_made_when_it_is_read_and_its_warnings_are_those_of_fit():
    X, y = make_classification(120, random_state=0)
    sgd = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
    clf = CartographyClassifier(sgd, n_epochs=1, keep_history=False)
    assert not hasattr(clf, "data_map_")
    with pytest.warns(DegenerateMapWarning, match="one epoch"):
        clf.fit(X, y)
    first = clf.data_map_
    assert clf.data_map_ is first
    assert_array_equal(pickle.loads(pickle.dumps(clf)).data_map_.confidence, first.confidence)
    clf.set_params(n_epochs=3).fit(X, y)
    assert clf.data_map_.n_epochs == 3


@pytest.mark.parametrize("folder", ["", "a\0b"], ids=["empty", "null"])
def test_a_history_needs_the_path_of_a_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidParameterError, match="history_dir' parameter .* path of a folder"):
        TrainingDynamics([0, 1], history_dir=folder)
    clf = CartographyClassifier(SGDClassifier(loss="log_loss"), history_dir=folder)
    with pytest.raises(InvalidParameterError, match="history_dir' parameter .* path of a folder"):
        clf.fit([[0.0], [1.0]], [0, 1])
    assert not any(tmp_path.iterdir())
