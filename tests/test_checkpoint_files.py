"""Checkpoints of other fits, damaged files, and folders that cannot be written."""

import errno
import os
import re
import resource
import shutil
import stat
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from threading import Lock

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from names import name_of
from sklearn_carto import CartographyClassifier
from sklearn_carto._checkpoint import _file, _identity
from sklearn_carto._checkpoint._folder import CheckpointFolder
from sklearn_carto._checkpoint._lock import FolderLock
from sklearn_carto._utils import _files
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto.exceptions import CheckpointError, DamagedCheckpointWarning
from test_checkpoint import Killed, assert_same_fit, kill  # noqa: F401
from watchers import X, y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
LABELS = np.array(["c", "a", "b"])[y]
SGD = SGDClassifier(loss="log_loss", alpha=0.05)
N_EPOCHS = 6
PLAIN = {"n_epochs": N_EPOCHS, "random_state": 0}


def make(folder, estimator=SGD, **params):
    return CartographyClassifier(clone(estimator), **{**PLAIN, "checkpoint": folder, **params})


@pytest.fixture
def killed(tmp_path, kill):  # noqa: F811
    """Make a folder of a fit that was killed after four epochs."""

    def begin(**params):
        kill(4)
        with pytest.raises(Killed):
            make(tmp_path / "saved", **params).fit(X, LABELS)
        kill.undo()
        return tmp_path / "saved"

    return begin


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Another fit


def changed(X, row, column):
    other = X.copy()
    other[row, column] += 1e-9
    return other


OTHERS = {
    "the samples X": {"X": changed(X, 3, 4)},
    "the samples X ": {"X": X.astype(np.float32)},
    "the labels y": {"y": np.roll(LABELS, 1)},
    "the labels y ": {"y": y},
    "the number of samples": {"X": X[:100], "y": LABELS[:100]},
    "the sample_ids": {"sample_ids": np.arange(len(y))},
    "the argument sample_weight of fit": {"sample_weight": np.ones(len(y))},
    "the parameter n_epochs": {"params": {"n_epochs": 7}},
    "the parameter random_state": {"params": {"random_state": 1}},
    "the parameter random_state ": {"params": {"random_state": None}},
    "the parameter keep_history": {"params": {"keep_history": False}},
    "the parameter keep_models": {"params": {"keep_models": True}},
    "the parameter uncertainty": {"params": {"uncertainty": True}},
    "the parameter cv": {"params": {"cv": 3}},
    "the parameter estimator__alpha": {"params": {"estimator": clone(SGD).set_params(alpha=0.1)}},
    "the type of the estimator": {"params": {"estimator": make_pipeline(StandardScaler(), SGD)}},
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_fit_is_refused_and_what_differs_is_named(what, killed):
    folder = killed()
    before = content_of(folder)
    given = {"X": X, "y": LABELS, **OTHERS[what]}
    model = make(folder, **given.pop("params", {}))
    found = f"is one of another fit, which differs in {what.strip()}[, .].*another folder"
    with pytest.raises(CheckpointError, match=found):
        model.fit(**given)
    assert content_of(folder) == before
    assert not hasattr(model, "estimator_")


def test_what_differs_is_named_alone(killed):
    folder = killed(estimator=make_pipeline(StandardScaler(), SGD))
    other = make_pipeline(StandardScaler(), clone(SGD).set_params(alpha=0.2))
    with pytest.raises(CheckpointError) as raised:
        make(folder, estimator=other).fit(X, LABELS)
    assert re.search(
        r"differs in the parameter estimator__sgdclassifier__alpha\.", str(raised.value)
    )
    with pytest.raises(CheckpointError, match=r"differs in the number of samples\. Pass"):
        make(folder, estimator=make_pipeline(StandardScaler(), SGD)).fit(X[1:], LABELS[1:])


LOCK = Lock()


def locked(factor):
    def multiply(X):
        with LOCK:
            return X * factor

    return multiply


def test_what_is_known_of_code_that_cannot_be_pickled_is_compared():
    def make_locked(factor):
        return make(None, make_pipeline(FunctionTransformer(locked(factor)), SGD))

    recorder = RunRecorder(LABELS, *np.unique(LABELS, return_inverse=True), True)
    first, again, other = (
        _identity.identity_of(make_locked(factor), X, recorder, {}) for factor in (2, 2, 3)
    )
    assert _identity.differing(first, again) == []
    name = "the parameter estimator__functiontransformer__func"
    assert _identity.differing(first, other) == [name]


def test_dates_are_not_their_numbers():
    numbers = np.array([10**18, 2 * 10**18])[np.arange(len(y)) % 2]
    identities = []
    for labels in (numbers, numbers.view("M8[ns]"), numbers.view("m8[ns]")):
        recorder = RunRecorder(labels, *np.unique(labels, return_inverse=True), True)
        identities.append(_identity.identity_of(make(None), X, recorder, {}))
    for one, other in combinations(identities, 2):
        assert _identity.differing(one, other) == ["the labels y"]


def test_a_subclass_is_another_classifier(killed):
    class Own(CartographyClassifier):
        pass

    with pytest.raises(CheckpointError, match=r"differs in the type of the classifier\. Pass"):
        Own(clone(SGD), checkpoint=killed(), **PLAIN).fit(X, LABELS)


@pytest.mark.parametrize("library", ["sklearn", "numpy", "sklearn_carto"])
def test_another_version_of_a_library_is_named(library, killed, monkeypatch):
    folder = killed()
    monkeypatch.setattr(sys.modules[library], "__version__", "0.0.1")
    with pytest.raises(CheckpointError, match=rf"differs in the version of {library}\. Pass"):
        make(folder).fit(X, LABELS)


def test_a_class_of_the_users_own_counts_by_the_library_it_inherits_from(tmp_path, monkeypatch):
    xgboost = pytest.importorskip("xgboost")

    class Own(xgboost.XGBClassifier):
        pass

    make(tmp_path, Own(n_estimators=2)).fit(X, y)
    monkeypatch.setattr(xgboost, "__version__", "0.0.1")
    with pytest.raises(CheckpointError, match=r"differs in the version of xgboost\. Pass"):
        make(tmp_path, Own(n_estimators=2)).fit(X, y)


def test_what_uses_a_folder_for_several_trainings_is_told_so(tmp_path):
    with pytest.raises(CheckpointError, match=r"the samples X.*search, set checkpoint=None\."):
        cross_val_predict(make(tmp_path), X, LABELS, cv=2)


def test_another_format_is_refused(killed, monkeypatch):
    folder = killed()
    before = content_of(folder)
    monkeypatch.setattr(_file, "FORMAT", 2)
    with pytest.raises(CheckpointError, match="is of format 1"):
        make(folder).fit(X, LABELS)
    assert content_of(folder) == before


def test_neutral_parameters_and_containers_do_not_matter(killed):
    folder = killed()
    model = make(str(folder), verbose=0).fit(np.asfortranarray(X), LABELS.tolist())
    assert_same_fit(model, make(None).fit(X, LABELS), X)


@pytest.mark.parametrize("as_generator", [False, True])
def test_folds_that_are_given_are_compared(as_generator, tmp_path, kill):  # noqa: F811
    def folds(seed):
        found = list(KFold(3, shuffle=True, random_state=seed).split(X))
        return (fold for fold in found) if as_generator else found

    kill(4)
    with pytest.raises(Killed):
        CartographyClassifier(SGD, **PLAIN, cv=folds(0), checkpoint=tmp_path).fit(X, LABELS)
    kill.undo()
    with pytest.raises(CheckpointError, match="differs in the folds of cv"):
        CartographyClassifier(SGD, **PLAIN, cv=folds(1), checkpoint=tmp_path).fit(X, LABELS)
    model = CartographyClassifier(SGD, **PLAIN, cv=folds(0), checkpoint=tmp_path).fit(X, LABELS)
    assert_same_fit(model, CartographyClassifier(SGD, **PLAIN, cv=folds(0)).fit(X, LABELS), X)


def test_folds_of_another_splitter_are_refused(killed):
    folder = killed(cv=KFold(3, shuffle=True, random_state=np.random.RandomState(0)))
    with pytest.raises(CheckpointError, match="differs in the parameter cv"):
        make(folder, cv=KFold(4, shuffle=True)).fit(X, LABELS)


# Damaged files


def damage(path, how, place):
    content = bytearray(path.read_bytes())
    place = int(place * (len(content) - 1))
    if how == "cut":
        content = content[:place]
    elif how == "flip":
        content[place] ^= 16
    elif how == "zero":
        content[place:] = bytes(len(content) - place)
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut", "flip", "zero"])
@pytest.mark.parametrize("place", [0, 0.001, 0.02, 0.3, 0.99])
@pytest.mark.parametrize("file", ["state-4", "journal-3"])
def test_a_damaged_file_falls_back_by_an_epoch(file, how, place, killed, monkeypatch):
    folder = killed()
    damage(folder / f"{file}.carto", how, place)
    n_calls, partial_fit = [], SGDClassifier.partial_fit

    def counting(self, *args, **kwargs):
        n_calls.append(1)
        return partial_fit(self, *args, **kwargs)

    expected = make(None).fit(X, LABELS)
    monkeypatch.setattr(SGDClassifier, "partial_fit", counting)
    with pytest.warns(
        DamagedCheckpointWarning, match=f"{file}.carto is damaged.*3 complete epochs"
    ):
        model = make(folder).fit(X, LABELS)
    assert len(n_calls) == 3
    assert_same_fit(model, expected, X)
    make(folder).fit(X, LABELS)  # which does not warn again


@pytest.mark.parametrize("missing", ["state-4", "journal-3", "both states", "journal-0", "plan"])
def test_missing_files_are_found(missing, killed):
    folder = killed()
    names = ["state-4", "state-3"] if missing == "both states" else [missing]
    for name in names:
        (folder / f"{name}.carto").unlink()
    expected = make(None).fit(X, LABELS)
    if names[0] == "state-4":  # the one before it, or none, is whole
        model = make(folder).fit(X, LABELS)
    else:
        where = "3 complete epochs" if missing == "journal-3" else "from the beginning"
        with pytest.warns(DamagedCheckpointWarning, match=f"is missing.*{where}") as told:
            model = make(folder).fit(X, LABELS)
        assert str(told[0].message).count(f"{missing}.carto") <= 1
    assert_same_fit(model, expected, X)


def test_a_folder_of_the_name_of_a_file_is_an_error_that_names_it(killed):
    folder = killed()
    (folder / "journal-4.carto").unlink()
    (folder / "journal-4.carto").mkdir()
    with pytest.raises(CheckpointError, match=r"journal-4.carto cannot be .* another folder"):
        make(folder).fit(X, LABELS)
    (folder / "journal-4.carto").rmdir()
    assert_same_fit(make(folder).fit(X, LABELS), make(None).fit(X, LABELS), X)


def test_if_nothing_is_whole_training_begins_again(killed):
    folder = killed(keep_history=False)
    for path in folder.glob("state-*"):
        damage(path, "flip", 0.7)
    expected = make(None, keep_history=False).fit(X, LABELS)
    with pytest.warns(DamagedCheckpointWarning, match="training starts from the beginning"):
        model = make(folder, keep_history=False).fit(X, LABELS)
    assert_same_fit(model, expected, X)


def test_a_file_of_another_run_is_no_part_of_this_one(killed, tmp_path):
    folder = killed()
    kept = (folder / "journal-1.carto").read_bytes()
    shutil.rmtree(folder)
    make(folder, random_state=1).fit(X, LABELS)
    (folder / "journal-1.carto").write_bytes(kept)
    with pytest.warns(DamagedCheckpointWarning, match="journal-1.carto is of another run"):
        model = make(folder, random_state=1).fit(X, LABELS)
    assert_same_fit(model, make(None, random_state=1).fit(X, LABELS), X)


def test_a_damaged_ensemble_is_trained_again(tmp_path):
    hgb = HistGradientBoostingClassifier(max_iter=5)
    expected = make(tmp_path, estimator=hgb).fit(X, LABELS)
    damage(tmp_path / "model-0.carto", "flip", 0.5)
    with pytest.warns(DamagedCheckpointWarning, match="model-0.carto is damaged"):
        model = make(tmp_path, estimator=hgb).fit(X, LABELS)
    assert_same_fit(model, expected, X)


# Folders that cannot be written


def saved_epochs(folder):
    names = (re.fullmatch(r"state-(\d+)\.carto", path.name) for path in folder.iterdir())
    return sorted(int(name[1]) for name in names if name)


@pytest.mark.parametrize("keep_history", [True, False])
@pytest.mark.parametrize("call", ["fsync", "write", "replace"])
def test_a_full_disk_keeps_what_was_recorded(call, keep_history, tmp_path, monkeypatch):
    folder, calls = tmp_path / "saved", []

    def full(*args):
        calls.append(1)
        of_folder = call == "fsync" and stat.S_ISDIR(os.fstat(*args).st_mode)
        if len(saved_epochs(folder)) == 2 and not of_folder:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*args)

    if call == "fsync":
        original = os.fsync
        monkeypatch.setattr(os, "fsync", full)
    elif call == "replace":
        original = Path.replace
        monkeypatch.setattr(Path, "replace", full)
    else:
        original = _file._as_buffer
        monkeypatch.setattr(_file, "_as_buffer", full)
    model = make(folder, keep_history=keep_history)
    with pytest.raises(OSError, match=r"could not be written \(No space left") as raised:
        model.fit(X, LABELS)
    assert raised.value.errno == errno.ENOSPC
    assert model.interrupted_
    assert model.n_epochs_ == 3
    assert_array_equal(model.predict(X).shape, (len(y),))
    assert saved_epochs(folder) == [1, 2]
    monkeypatch.undo()
    expected = make(None, keep_history=keep_history).fit(X, LABELS)
    assert_same_fit(make(folder, keep_history=keep_history).fit(X, LABELS), expected, X)


def test_a_quota_keeps_what_was_recorded(tmp_path):
    script = f"""
import resource, numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn_carto import CartographyClassifier
rng = np.random.RandomState(0)
X, y = rng.normal(size=(3000, 5)), rng.randint(3, size=3000)
sgd = SGDClassifier(loss="log_loss")
model = CartographyClassifier(sgd, n_epochs=6, random_state=0, checkpoint={str(tmp_path)!r})
write = type(model)._train
from sklearn_carto._checkpoint._folder import CheckpointFolder
state = CheckpointFolder.write_state
def limited(self, *args):
    state(self, *args)
    if len(list(self.path.glob("state-*"))) == 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
CheckpointFolder.write_state = limited
try:
    model.fit(X, y)
except OSError as error:
    print(error.errno, model.n_epochs_, model.interrupted_)
"""
    run = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(errno.EFBIG), "3", "True"]
    assert saved_epochs(tmp_path) == [1, 2]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_folder_that_cannot_be_written_is_an_error_before_the_training(tmp_path, monkeypatch):
    def denied(*args):
        raise PermissionError(errno.EROFS, "Read-only file system")

    model = make(tmp_path / "saved")
    monkeypatch.setattr(SGDClassifier, "partial_fit", lambda *args, **kwargs: 1 / 0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", denied)
        with pytest.raises(OSError, match="could not be written"):
            model.fit(X, LABELS)
    assert list((tmp_path / "saved").glob(".*")) == []


@pytest.mark.parametrize("value", [3, [], {}, object(), True, b"folder"], ids=name_of)
def test_a_checkpoint_must_be_a_path(value):
    with pytest.raises(ValueError, match="'checkpoint' parameter of CartographyClassifier must be"):
        make(value).fit(X, LABELS)


def test_a_checkpoint_must_be_a_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    for wrong in ("", "a\0b", str(tmp_path / "file"), tmp_path / "file"):
        with pytest.raises(ValueError, match="must be the path of a folder"):
            make(wrong).fit(X, LABELS)
    assert (tmp_path / "file").read_text() == "mine"


def test_one_training_at_a_time_uses_a_folder(tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(CheckpointError, match="Another training uses the checkpoint"):
        make(tmp_path).fit(X, LABELS)
    lock.release()
    make(tmp_path).fit(X, LABELS)


def test_another_process_uses_the_folder(tmp_path):
    script = f"""
from pathlib import Path
from sklearn_carto._checkpoint._lock import FolderLock
lock = FolderLock(Path({str(tmp_path)!r}))
print("locked", flush=True)
input()
"""
    run = [sys.executable, "-c", script]
    with subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(CheckpointError, match="Another training uses"):
            make(tmp_path).fit(X, LABELS)
        other.kill()
    make(tmp_path).fit(X, LABELS)


def test_a_folder_that_is_gone_is_an_error(tmp_path, monkeypatch):
    write, folder = CheckpointFolder.write_state, tmp_path / "saved"

    def gone(self, *args):
        if saved_epochs(folder) == [1, 2]:
            shutil.rmtree(folder)
        write(self, *args)

    monkeypatch.setattr(CheckpointFolder, "write_state", gone)
    model = make(folder, keep_history=False)
    with pytest.raises(OSError, match="saved"):
        model.fit(X, LABELS)
    assert model.n_epochs_ == 3


def test_the_working_directory_may_change(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write = CheckpointFolder.write_state

    def moving(self, *args):
        write(self, *args)
        monkeypatch.chdir("/")

    monkeypatch.setattr(CheckpointFolder, "write_state", moving)
    make("saved").fit(X, LABELS)
    assert saved_epochs(tmp_path / "saved") == [6, 7]


# Files


def test_a_new_file_is_synchronised_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: [done.append("folder" if os.path.isdir(f"/proc/self/fd/{fd}") else "file"),
                    fsync(fd)],
    )  # fmt: skip
    monkeypatch.setattr(
        Path, "replace", lambda self, other: [done.append("name"), replace(self, other)]
    )
    with _files.new_file(tmp_path / "new") as file:
        file.write(b"content")
    assert done == ["file", "name", "folder"]
    assert (tmp_path / "new").read_bytes() == b"content"


def test_parts_are_what_they_were(tmp_path):
    parts = {
        "none": np.empty((0, 3)),
        "one": np.array(2.5, dtype=np.float32),
        "turned": np.arange(6).reshape(2, 3).T,
        "mask": np.array([True, False]),
        "bytes": b"abc",
    }
    _file.write_file(tmp_path / "file", {"a": [1, None]}, parts)
    facts, found, _ = _file.read_file(tmp_path / "file")
    assert facts == {"a": [1, None]}
    assert bytes(found.pop("bytes")) == parts.pop("bytes")
    for name, value in parts.items():
        assert found[name].dtype == value.dtype
        assert_array_equal(found[name], value)


def test_identities_do_not_depend_on_the_process(tmp_path):
    script = """
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn_carto import CartographyClassifier
from sklearn_carto._checkpoint._identity import identity_of
from sklearn_carto._watching._run_recorder import RunRecorder
X = np.arange(12.0).reshape(6, 2)
from threading import Lock
lock = Lock()
def locked(X):
    with lock:
        return X if len(X) else locked(X)
class Locked(FunctionTransformer):
    lock = lock
    def fit(self, X, y=None):
        return locked(super().fit(X, y))
steps = FunctionTransformer(lambda X: X + 1), FunctionTransformer(locked), Locked(locked), (
    SGDClassifier(class_weight={"a": 1, "b": 2}))
model = CartographyClassifier(make_pipeline(*steps), cv=2)
recorder = RunRecorder(None, np.array(["a", "b"]), np.arange(6) % 2, True)
print(sorted(identity_of(model, X, recorder, {}).items()))
"""
    run = [sys.executable, "-c", script]
    first, second = (
        subprocess.run(
            run, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": s}
        ).stdout
        for s in "12"
    )
    assert first == second
    assert _identity.differing({"a": "1"}, {"a": "1", "b": "2"}) == ["b"]


def test_states_are_numbered_on(tmp_path):
    folder = CheckpointFolder(tmp_path)
    for i in range(4):
        folder.write_state({"i": i}, {})
    folder.close()
    again = CheckpointFolder(tmp_path)
    assert again.latest() == ({"i": 3}, {})
    again.close()
