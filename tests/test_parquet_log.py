"""A log is written epoch by epoch while a model trains, without a trace in the training."""

import errno
import os
import pickle
import signal
import subprocess
import sys
from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from two_ranks import in_two_ranks

pq = pytest.importorskip("pyarrow.parquet")

import sklearn_carto
from sklearn_carto import CartographyClassifier, DataMap
from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._watching import _replay
from sklearn_carto.exceptions import LogConflictError, LogRowsWarning, NotLoggedWarning
from sklearn_carto.integrations.torch import DynamicsRecorder
from sklearn_carto.logs import read_dynamics, write_dynamics

X, y = load_iris(return_X_y=True)
SGD = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
RNG = np.random.RandomState(0)
LOGITS = RNG.normal(size=(4, 6, 3))  # of four epochs
LABELS = np.array([0, 1, 2, 0, 1, 2])


def files_of(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".parquet"))


def assert_same(found, expected):
    for name in Observation._fields:
        assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("labels", "classes", "held_out_mask", "excluded_mask", "sample_ids"):
        values = getattr(found, name), getattr(expected, name)
        assert_array_equal(*values) if values[1] is not None else None
    assert (found.record, found.margin_from) == (expected.record, expected.margin_from)
    maps = DataMap.from_dynamics(found), DataMap.from_dynamics(expected)
    for name in ("confidence", "variability", "dual", "aum", "el2n", "forgetting"):
        assert_array_equal(*(getattr(one, name) for one in maps))


def record(recorder, epochs, rows=slice(None), labels=True):
    for epoch in epochs:
        indices = np.arange(6)[rows]
        recorder.update(indices, LOGITS[epoch][rows], LABELS[rows] if labels else None)
        recorder.end_epoch()
    return recorder


WATCHED = {
    "sgd": CartographyClassifier(SGD, n_epochs=3),
    "mlp": CartographyClassifier(MLPClassifier((5,), random_state=0), n_epochs=3),
    "boosting": CartographyClassifier(HistGradientBoostingClassifier(max_iter=3)),
    "forest": CartographyClassifier(RandomForestClassifier(4, random_state=0)),
    "folds": CartographyClassifier(SGD, n_epochs=3, cv=3, random_state=0),
}


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
@pytest.mark.parametrize("kind", WATCHED)
def test_the_log_of_a_classifier_is_what_it_recorded(kind, tmp_path):
    ids = [f"row {i}" for i in range(150)]
    model = clone(WATCHED[kind]).set_params(log=tmp_path / "new" / "log")
    names = np.array(["ä", "b", "c"])[y]
    weights = {"sample_weight": (np.arange(150) % 10 > 0).astype(float)}
    weights = {} if kind == "mlp" else weights
    model.fit(X, names, **weights, sample_ids=ids)
    read = read_dynamics(tmp_path / "new" / "log")
    assert_same(read, model.dynamics_)
    assert kind == "mlp" or read.excluded_mask.sum() == 15
    assert read.sample_ids[3] == "row 3"


@pytest.mark.parametrize("kind", ["sgd", "boosting"])
def test_a_log_does_not_change_the_training(kind, tmp_path):
    plain = clone(WATCHED[kind]).set_params(random_state=0).fit(X, y)
    logged = clone(WATCHED[kind]).set_params(random_state=0, log=tmp_path).fit(X, y)
    assert_array_equal(plain.predict_proba(X), logged.predict_proba(X))
    assert_array_equal(plain.dynamics_.true_proba, logged.dynamics_.true_proba)


def test_blocks_of_rows_are_parts_of_an_epoch(tmp_path, monkeypatch):
    blocks = [slice(0, 60), slice(60, 150)]
    monkeypatch.setattr(_replay, "row_blocks", lambda *args: blocks)
    model = clone(WATCHED["boosting"]).set_params(log=tmp_path, keep_history=False).fit(X, y)
    assert len(files_of(tmp_path)) == 2 * model.n_epochs_
    found = DataMap.from_dynamics(read_dynamics(tmp_path))
    assert_array_equal(found.variability, model.data_map_.variability)


def test_a_file_holds_one_epoch_in_columns_with_the_documented_names_and_types(tmp_path):
    record(DynamicsRecorder(6, log=tmp_path), range(2))
    first, second = files_of(tmp_path)
    table = pq.read_table(tmp_path / second).to_pydict()
    assert [*table] == [
        "sample_id", "epoch", "true_proba", "correct", "margin", "label", "loss", "el2n",
    ]  # fmt: skip
    assert table["sample_id"] == [0, 1, 2, 3, 4, 5]
    assert set(table["epoch"]) == {1}
    assert table["label"] == LABELS.tolist()
    logits = LOGITS[1][0]
    assert table["true_proba"][0] == pytest.approx(np.exp(logits[0]) / np.exp(logits).sum(), 1e-6)
    assert first.startswith("epoch-000000.rank-0.")


def test_a_log_is_readable_while_the_run_goes_on(tmp_path):
    recorder = DynamicsRecorder(6, log=tmp_path)
    for epoch in range(3):
        record(recorder, [epoch])
        assert_same(read_dynamics(tmp_path), recorder.dynamics)


def test_rows_that_an_epoch_lacks_are_absent_from_its_file_and_reported(tmp_path):
    recorder = DynamicsRecorder(6, labels=LABELS, log=tmp_path)
    record(record(recorder, [0], slice(0, 4)), [1], slice(1, 5))
    with pytest.warns(LogRowsWarning, match=r"lacks 3 of 6 rows at 4 places .* \[0, 4, 5\]"):
        read = read_dynamics(tmp_path)
    assert read.n_seen.tolist() == [1, 2, 2, 2, 1, 0]
    assert read.labels.tolist() == LABELS.tolist()  # also of the row that was never seen
    assert_array_equal(read.true_proba, recorder.dynamics.true_proba)


def test_a_second_run_in_a_folder_is_an_error_before_it_trains(tmp_path):
    model = CartographyClassifier(SGD, n_epochs=2, log=tmp_path).fit(X, y)
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    fitted = model.estimator_
    with pytest.raises(LogConflictError, match="holds the log of another run, of 2 epochs"):
        model.fit(X, y)
    assert model.estimator_ is fitted
    recorder = DynamicsRecorder(6, log=tmp_path)
    with pytest.raises(LogConflictError, match="'log' parameter of DynamicsRecorder"):
        recorder.update(np.arange(6), LOGITS[0], LABELS)
    assert before == {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}


def test_files_of_two_runs_in_a_folder_are_not_read_as_one(tmp_path):
    for name in "ab":
        record(DynamicsRecorder(6, log=tmp_path / name), range(2))
    for name in files_of(tmp_path / "b"):
        os.rename(tmp_path / "b" / name, tmp_path / "a" / name)
    with pytest.raises(LogConflictError, match="holds the logs of 2 runs"):
        read_dynamics(tmp_path / "a")


def test_a_resumed_run_replaces_the_epochs_after_its_checkpoint(tmp_path):
    recorder = record(DynamicsRecorder(6, labels=LABELS, log=tmp_path), range(2))
    state = recorder.state_dict()
    record(recorder, [2, 3])  # and then the process ends
    half = tmp_path / f".{next(tmp_path.glob('epoch-000003*')).name}.0"
    half.write_bytes(b"half")
    (third,) = tmp_path.glob("epoch-000002*")  # as of another number of ranks
    third.rename(tmp_path / third.name.replace("rank-0", "rank-1"))
    resumed = DynamicsRecorder(6, labels=LABELS, log=tmp_path)
    resumed.load_state_dict(state)
    record(resumed, [3])  # the epochs 2 and 3 of before were other ones
    read = read_dynamics(tmp_path)
    assert read.n_epochs == 3
    assert_same(read, resumed.dynamics)
    assert not half.exists()


@pytest.mark.parametrize("with_log", [True, False], ids=["logged", "unlogged"])
def test_a_run_does_not_resume_in_the_folder_of_another(with_log, tmp_path):
    folder = tmp_path / "a" if with_log else None
    state = record(DynamicsRecorder(6, labels=LABELS, log=folder), range(2)).state_dict()
    others = LABELS if with_log else LABELS[::-1]
    other = DynamicsRecorder(6, labels=others, log=tmp_path / "b")
    other.update(np.arange(6), LOGITS[0])
    other.end_epoch()
    resumed = DynamicsRecorder(6, labels=LABELS, log=tmp_path / "b")
    resumed.load_state_dict(state)
    with pytest.raises(LogConflictError):
        resumed.update(np.arange(6), LOGITS[2])


def test_a_run_that_is_resumed_in_a_new_folder_writes_its_earlier_epochs_there(tmp_path):
    state = record(DynamicsRecorder(6, labels=LABELS), range(2)).state_dict()
    resumed = DynamicsRecorder(6, labels=LABELS, log=tmp_path)
    resumed.load_state_dict(state)
    assert_same(read_dynamics_after(record(resumed, [2]), tmp_path), resumed.dynamics)


def read_dynamics_after(recorder, folder):
    assert recorder.epoch == len(files_of(folder))
    return read_dynamics(folder)


def test_without_a_history_a_resumed_run_says_what_its_new_log_lacks(tmp_path):
    options = {"labels": LABELS, "keep_history": False}
    state = record(DynamicsRecorder(6, **options), range(2)).state_dict()
    resumed = DynamicsRecorder(6, **options, log=tmp_path)
    resumed.load_state_dict(state)
    with pytest.warns(NotLoggedWarning, match=r"lacks the epochs \[0, 1\]"):
        record(resumed, [2])
    assert len(files_of(tmp_path)) == 1


def test_an_unpickled_recorder_continues_its_log(tmp_path):
    recorder = record(DynamicsRecorder(6, log=tmp_path), range(2))
    again = pickle.loads(pickle.dumps(recorder))
    record(again, [2])
    assert_same(read_dynamics(tmp_path), again.dynamics)
    assert deepcopy(recorder).epoch == 2


class FullDisk:
    """Let the disk be full while it is switched on."""

    def __init__(self, monkeypatch):
        self.full, replace = False, os.replace

        def replace_or_fail(*args):
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            replace(*args)

        monkeypatch.setattr("sklearn_carto._logs._log_files.os.replace", replace_or_fail)


def test_epochs_that_cannot_be_written_are_kept_and_written_with_the_next(tmp_path, monkeypatch):
    disk = FullDisk(monkeypatch)
    recorder = record(DynamicsRecorder(6, keep_history=False, log=tmp_path), [0])
    disk.full = True
    for epoch, count in ((1, 1), (2, 2)):
        with pytest.warns(NotLoggedWarning, match=f"{count} files of the log .* No space left"):
            record(recorder, [epoch])
    assert len(files_of(tmp_path)) == 1
    assert not list(tmp_path.glob(".epoch-*"))
    disk.full = False
    record(recorder, [3])
    expected = record(DynamicsRecorder(6), range(4)).dynamics
    assert_same(read_dynamics(tmp_path), expected)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.NotLoggedWarning")
def test_a_full_disk_changes_neither_the_training_nor_the_map(tmp_path, monkeypatch):
    FullDisk(monkeypatch).full = True
    model = CartographyClassifier(SGD, n_epochs=3, log=tmp_path).fit(X, y)
    plain = CartographyClassifier(SGD, n_epochs=3).fit(X, y)
    assert_array_equal(model.dynamics_.true_proba, plain.dynamics_.true_proba)
    assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_a_warning_that_is_an_error_loses_no_epoch(tmp_path, monkeypatch):
    FullDisk(monkeypatch).full = True
    recorder = DynamicsRecorder(6, log=tmp_path)
    with pytest.raises(NotLoggedWarning):  # warnings are errors in the tests
        record(recorder, [0])
    assert recorder.epoch == recorder.dynamics.n_epochs == 1


@pytest.mark.parametrize("make", ["file", "link", "below"])
def test_a_folder_that_cannot_be_made_is_an_error_before_the_training(make, tmp_path):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    folder = {"file": "file", "link": "link", "below": "file/log"}[make]
    model = CartographyClassifier(SGD, n_epochs=2, log=tmp_path / folder)
    with pytest.raises((InvalidParameterError, NotADirectoryError, FileExistsError)):
        model.fit(X, y)
    assert not hasattr(model, "estimator_")


def test_ids_that_two_rows_have_are_an_error_before_the_training(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, index=["a"] * 150, columns=list("abcd"))
    with pytest.raises(InvalidParameterError, match=r"needs an id for each row .*\['a'\] several"):
        CartographyClassifier(SGD, n_epochs=2, log=tmp_path).fit(frame, y)
    assert files_of(tmp_path) == []


KILLED = """
import sys
import numpy as np
from sklearn_carto.integrations.torch import DynamicsRecorder
recorder = DynamicsRecorder(2000, log=sys.argv[1])
scores = np.random.RandomState(0).normal(size=(2000, 3))
for epoch in range(10**6):
    recorder.update(np.arange(2000), scores + epoch, np.arange(2000) % 3)
    recorder.end_epoch()
    print(epoch, flush=True)
"""


def test_a_kill_leaves_whole_files_only(tmp_path):
    root = os.path.dirname(os.path.dirname(sklearn_carto.__file__))
    for trial in range(3):
        folder = tmp_path / str(trial)
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": root},
        ) as process:  # fmt: skip
            for _ in range(3 + trial):
                last = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
        dynamics = read_dynamics(folder)
        assert dynamics.n_epochs > last
        assert set(dynamics.n_seen.tolist()) == {dynamics.n_epochs}


def test_a_damaged_file_of_a_run_is_named(tmp_path):
    record(DynamicsRecorder(6, log=tmp_path), [0])
    path = tmp_path / "_run.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="_run.npz does not hold a run of a log"):
        read_dynamics(tmp_path)
    path.unlink()
    assert read_dynamics(tmp_path).n_epochs == 1  # of unknown order and classes


def test_a_run_that_ended_before_its_first_epoch_leaves_the_folder_free(tmp_path):
    record(DynamicsRecorder(6, log=tmp_path), [0])
    (tmp_path / files_of(tmp_path)[0]).unlink()
    recorder = record(DynamicsRecorder(6, log=tmp_path), range(2))
    assert_same(read_dynamics(tmp_path), recorder.dynamics)


def test_without_pyarrow_the_error_names_the_extra(without, tmp_path):
    without("pyarrow")
    model = CartographyClassifier(SGD, n_epochs=2, log=tmp_path)
    with pytest.raises(ImportError, match=r'"sklearn-carto\[logs\]"'):
        model.fit(X, y)


def log_in_ranks(rank, folder):
    """Each of two ranks has half of the rows and one row of padding; then one alone has a log."""
    import torch

    torch.distributed.init_process_group("gloo")
    for name, has_log in (("both", True), ("first", rank == 0)):
        recorder = DynamicsRecorder(6, log=folder / name if has_log else None)
        for epoch in range(3):
            order = np.random.RandomState(epoch).permutation(6)
            mine = np.append(order, order[0])[rank::2]
            recorder.update(mine, LOGITS[epoch][mine], LABELS[mine])
            recorder.end_epoch()
    recorder.dynamics.save(folder / f"{rank}.npz")


def test_ranks_write_their_shares_of_the_rows(tmp_path):
    pytest.importorskip("torch")
    in_two_ranks(log_in_ranks, tmp_path)
    expected = sklearn_carto.TrainingDynamics.load(tmp_path / "0.npz")
    for name, n_files in (("both", 6), ("first", 3)):
        assert len(files_of(tmp_path / name)) == n_files
        assert_same(read_dynamics(tmp_path / name), expected)  # without a warning: no row is twice


IDS = {
    "large": np.array([2**40, -(2**40), 0, 1, 2, 3]),
    "huge": np.array([2**70, -1, 0, 1, 2, 3], dtype=object),
    "unsigned": np.array([2**64 - 1, 0, 1, 2, 3, 4], dtype=np.uint64),
    "floats": np.array([0.5, -1.5, 2, 3, 4, 5]),
    "unicode": np.array(["ü", "", "日本", "a" * 50, "'", "\n"]),
    "surrogates": np.array(["\ud800", "b", "c", "d", "e", "f"]),
    "dates": np.arange(6).astype("datetime64[D]"),
    "years": np.arange(6).astype("datetime64[Y]"),
    "times": np.arange(6).astype("datetime64[ns]"),
    "tuples": [(0, "a"), (0, "b"), (1,), (2,), (3,), (4,)],
    "mixed": [1, "1", 2.5, None, "a", b"a"],
    "bytes": np.array([b"a", b"b", b"c", b"d", b"e", b"f"]),
}


@pytest.mark.parametrize("kind", IDS)
def test_ids_of_any_type_come_back_as_they_were(kind, tmp_path):
    dynamics = sklearn_carto.TrainingDynamics(LABELS, sample_ids=IDS[kind])
    for epoch in range(2):
        dynamics.update(epoch, LOGITS[epoch], from_logits=True)
    write_dynamics(dynamics, tmp_path)
    assert_same(read_dynamics(tmp_path), dynamics)
    ids = pq.read_table(tmp_path / files_of(tmp_path)[0])["sample_id"]
    assert str(ids.type) in ("int64", "double", "string")


@pytest.mark.parametrize(
    "labels", [[-1, 1] * 3, [True, False] * 3, [0.5, 1.5] * 3, ["ä", "b"] * 3,
               np.array([1, 2] * 3).astype("datetime64[D]")], ids=["signs", "flags", "halves",
               "text", "dates"],
)  # fmt: skip
def test_labels_of_any_type_come_back_as_they_were(labels, tmp_path):
    dynamics = sklearn_carto.TrainingDynamics(labels)
    dynamics.update(0, LOGITS[0][:, :2], from_logits=True)
    write_dynamics(dynamics, tmp_path)
    assert_same(read_dynamics(tmp_path), dynamics)


def test_writing_dynamics_needs_their_history_and_a_free_folder(tmp_path):
    dynamics = sklearn_carto.TrainingDynamics(LABELS)
    dynamics.update(0, LOGITS[0], from_logits=True)
    write_dynamics(dynamics, tmp_path)
    with pytest.raises(LogConflictError, match="'path' parameter of write_dynamics"):
        write_dynamics(dynamics, tmp_path)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InvalidParameterError, match="'path' parameter of write_dynamics"):
        write_dynamics(dynamics, tmp_path / "file")
    with pytest.raises(ValueError, match="hold no epoch yet"):
        write_dynamics(sklearn_carto.TrainingDynamics(LABELS), tmp_path / "none")
    with pytest.raises(ValueError, match="write_dynamics needs the recorded history"):
        write_dynamics(sklearn_carto.TrainingDynamics(LABELS, keep_history=False), tmp_path / "a")


def test_writing_dynamics_to_a_full_disk_is_an_error(tmp_path, monkeypatch):
    dynamics = sklearn_carto.TrainingDynamics(LABELS)
    dynamics.update(0, LOGITS[0], from_logits=True)
    FullDisk(monkeypatch).full = True
    with pytest.raises(OSError, match="No space left"):
        write_dynamics(dynamics, tmp_path)
