"""Named arrays on disk: written whole, without pickle, and never trusted."""

import datetime
import io
import json
import os
import pickle
import uuid
import zipfile
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_carto import DataMap, TrainingDynamics
from sklearn_carto._utils._archive import read_archive, write_archive
from sklearn_carto._utils._compat import InvalidParameterError

KINDS = (DataMap, TrainingDynamics)
SHARED = {"labels": ["a", "b", "b"], "sample_ids": ["p", "q", "r"]}


def make(kind):
    if kind is DataMap:
        return DataMap(
            confidence=[0.9, 0.5, 0.1],
            variability=[0.1, 0.4, 0.1],
            correctness=[1, 0.5, 0],
            n_epochs=2,
            **SHARED,
        )
    dynamics = TrainingDynamics(**SHARED, n_epochs=2)
    for epoch in range(2):
        dynamics.update(epoch, [[0.9, 0.1], [0.5, 0.5], [0.9, 0.1]])
    return dynamics


def content_of(kind, tmp_path):
    make(kind).save(tmp_path / "whole.npz")
    return (tmp_path / "whole.npz").read_bytes()


def repr_of_type(value):
    return type(value).__name__


def members_of(content):
    with np.load(io.BytesIO(content)) as file:
        return {name: file[name] for name in file.files}


def changed(content, change):
    """Change the arrays and the header of an archive."""
    arrays = members_of(content)
    header = json.loads(str(arrays.pop("header")))
    change(arrays, header)
    if "names" in header:
        header["names"] = [*arrays]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, header=np.array(json.dumps(header)), **arrays)
    return buffer.getvalue()


def assert_same(one, other):
    """Whether two objects are saved as the same arrays."""
    with TemporaryDirectory() as folder:
        for name, thing in {"one": one, "other": other}.items():
            thing.save(Path(folder) / name)
        first, second = (
            members_of((Path(folder) / name).read_bytes()) for name in ("one", "other")
        )
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert_array_equal(value, second[name])


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "thing"
    arrays = {
        "numbers": np.arange(3.0),
        "words": np.array(["a", "bc\0", "α\ud800"], dtype=object),
        "nothing": None,
    }
    write_archive(path, "Thing", arrays, {"n": 3, "name": None})
    assert path.exists()  # no suffix is added
    read, facts = read_archive(path, "Thing")
    assert facts == {"n": 3, "name": None}
    assert read.keys() == {"numbers", "words"}
    assert_array_equal(read["numbers"], arrays["numbers"])
    assert_array_equal(read["words"], arrays["words"])
    assert read["words"].dtype == object


def test_the_file_opens_without_pickle(tmp_path):
    path = tmp_path / "thing.npz"
    write_archive(path, "Thing", {"words": np.array(["a", uuid.uuid4()], dtype=object)}, {})
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


@pytest.mark.parametrize(
    "value",
    [
        uuid.UUID(int=7),
        datetime.date(2020, 2, 29),
        datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        b"\x00a",
        Decimal("0.10"),
        None,
        float("inf"),
        True,
        2**70,
        ("a", 1, (None, b"x")),
        "text",
    ],
    ids=str,
)
def test_objects_are_saved_as_text_and_come_back_with_their_type(tmp_path, value):
    ids = np.empty(2, dtype=object)
    ids[:] = [value, "another"]
    write_archive(tmp_path / "thing", "Thing", {"ids": ids}, {})
    read = read_archive(tmp_path / "thing", "Thing")[0]["ids"]
    assert type(read[0]) is type(value)
    assert read.tolist() == ids.tolist()


def test_objects_of_other_types_come_back_as_their_text(tmp_path):
    pandas = pytest.importorskip("pandas")
    values = [pandas.Timestamp("2020-01-01", tz="Europe/Paris"), pandas.NaT, pandas.NA, 1 + 2j]
    values += [pandas.Period("2020-01"), pandas.Interval(0, 1), np.datetime64("2020-01-01")]
    ids = np.empty(len(values), dtype=object)
    ids[:] = values
    write_archive(tmp_path / "thing", "Thing", {"ids": ids}, {})
    read = read_archive(tmp_path / "thing", "Thing")[0]["ids"]
    assert read.tolist() == [str(value) for value in values]
    text = bytes(members_of((tmp_path / "thing").read_bytes())["ids"]).decode()
    assert '"type": "pandas.' in text
    assert 'Timestamp", "text": "2020-01-01 00:00:00+01:00"' in text


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "thing.npz"
    write_archive(path, "Thing", {}, {})
    with pytest.raises(ValueError, match="does not hold a Map; it holds Thing"):
        read_archive(path, "Map")
    np.savez(path, x=np.arange(3))
    with pytest.raises(ValueError, match="holds no object of sklearn_carto"):
        read_archive(path, "Map")


def of_zip(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(array, shape=None):
    buffer = io.BytesIO()
    np.save(buffer, array)
    content = buffer.getvalue()
    if shape is not None:
        old = f"{array.shape}".encode()
        content = content.replace(old + b", }" + b" " * (len(shape) - len(old)), shape + b", }")
    return content


HEADER = npy(np.array(json.dumps({"kind": "DataMap", "n_epochs": 2})))
OTHER_FILES = {
    "empty": b"",
    "text": b"confidence,variability\n",
    "pickle": pickle.dumps({"confidence": [0.5]}),
    "npy": npy(np.arange(3)),
    "empty zip": of_zip(),
    "zip of text": of_zip(header=b"not an array"),
    "npz of others": of_zip(x=npy(np.arange(3))),
    "header of numbers": of_zip(header=npy(np.arange(3))),
    "header that is no json": of_zip(header=npy(np.array("{"))),
    "header that is a list": of_zip(header=npy(np.array("[1]"))),
    "header of another kind": of_zip(header=npy(np.array('{"kind": [1]}'))),
    "no arrays": of_zip(header=HEADER),
    "a huge shape": of_zip(header=HEADER, confidence=npy(np.arange(3), b"(999999999999,)")),
    "a bomb": of_zip(header=HEADER, confidence=npy(np.zeros(3)) + bytes(30_000_000)),
    "pickled arrays": of_zip(header=HEADER, confidence=pickle.dumps([0.5])),
}


@pytest.mark.parametrize("name", OTHER_FILES)
@pytest.mark.parametrize("kind", KINDS)
def test_other_files_are_refused_by_their_path(tmp_path, kind, name):
    path = tmp_path / "other.npz"
    path.write_bytes(OTHER_FILES[name])
    with pytest.raises(ValueError, match=r"other\.npz does not hold a "):
        kind.load(path)


@pytest.mark.parametrize("kind", KINDS)
def test_objects_in_an_npz_are_never_unpickled(tmp_path, kind):
    content = changed(
        content_of(kind, tmp_path), lambda arrays, header: arrays.update(labels=np.array([{}] * 3))
    )
    (tmp_path / "other.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.npz does not hold a "):
        kind.load(tmp_path / "other.npz")


@pytest.mark.parametrize("kind", KINDS)
def test_a_directory_is_refused_and_a_missing_file_is_not_found(tmp_path, kind):
    with pytest.raises(ValueError, match="it is a directory"):
        kind.load(tmp_path)
    path = tmp_path / "no file"
    with pytest.raises(FileNotFoundError, match="No such file or directory: .*no file"):
        kind.load(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", [None, 3, 0.5, io.BytesIO(), ["a"], "a\0b"], ids=repr_of_type)
def test_what_is_no_path_is_refused(kind, path):
    thing = make(kind)
    for call in (thing.save, kind.load):
        with pytest.raises(InvalidParameterError, match="'path' parameter of .* must be a str or"):
            call(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["map.csv", "map.json", "map.npy", "map.npz.gz", "map.parquet"])
def test_a_suffix_of_another_format_is_refused(tmp_path, kind, name):
    thing = make(kind)
    with pytest.raises(InvalidParameterError, match=r"must end in '.npz'.*to_frame\(\)"):
        thing.save(tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["map.npz", "map.NPZ", "map"])
@pytest.mark.parametrize("as_path", [str, Path])
def test_files_keep_the_name_that_they_are_given(tmp_path, kind, name, as_path):
    path = as_path(tmp_path / name)
    make(kind).save(path)
    assert os.listdir(tmp_path) == [name]
    assert_same(kind.load(path), make(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_save_leaves_the_old_file_as_it_was(tmp_path, kind, monkeypatch):
    before = content_of(kind, tmp_path)
    monkeypatch.setattr(Path, "replace", lambda *args: 1 / 0)
    thing = make(kind)
    with pytest.raises(ZeroDivisionError):
        thing.save(tmp_path / "whole.npz")
    assert os.listdir(tmp_path) == ["whole.npz"]
    assert (tmp_path / "whole.npz").read_bytes() == before


def test_a_link_is_followed_and_what_is_no_file_is_left_alone(tmp_path):
    (tmp_path / "link.npz").symlink_to(tmp_path / "target.npz")
    make(DataMap).save(tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    assert_same(DataMap.load(tmp_path / "target.npz"), make(DataMap))
    (tmp_path / "folder").mkdir()
    data_map = make(DataMap)
    with pytest.raises(ValueError, match="folder cannot be written; it is not a regular file"):
        data_map.save(tmp_path / "folder")
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        data_map.save(tmp_path / "nowhere" / "map.npz")


def edit(**changes):
    """Change the arrays and facts of an archive; None takes one away."""

    def change(arrays, header):
        for name, value in changes.items():
            place = header if name in header or name in FACTS else arrays
            place[name] = value
            if value is None:
                del place[name]

    return change


FACTS = ("n_epochs", "record", "margin_from", "window", "planned_epochs", "keep_history")
DAMAGED_MAPS = {
    "an array is missing": edit(confidence=None),
    "a fact is missing": edit(n_epochs=None),
    "an array too many": edit(charm=np.arange(3)),
    "shape": edit(variability=np.zeros(2)),
    "two dimensions": edit(variability=np.zeros((3, 1))),
    "complex": edit(confidence=np.array([0.5, 0.5j, 0.5])),
    "text": edit(confidence=np.array(["0.5"] * 3)),
    "range": edit(confidence=np.array([0.5, 1.5, 0.5])),
    "not a number": edit(variability=np.array([0.1, np.nan, 0.1])),
    "labels": edit(labels=np.array(["a"])),
    "classes": edit(classes=np.array(["x", "y"])),
    "classes twice": edit(classes=np.array(["a", "b", "b"])),
    "mask": edit(held_out_mask=np.array([0, 1, 0])),
    "errors": edit(se_confidence=np.array([-1.0, 0, 0])),
    "errors of nothing": edit(se_charm=np.zeros(3)),
    "no count": edit(n_epochs=1.5),
    "a flag": edit(n_epochs=True),
    "no epoch": edit(n_epochs=0),
    "record": edit(record="banana"),
    "margin": edit(margin_from="entropy"),
    "a later format": edit(format=99),
    "objects": edit(objects=["confidence"]),
}


@pytest.mark.parametrize("name", DAMAGED_MAPS)
def test_a_map_that_does_not_fit_is_refused_by_its_path(tmp_path, name):
    content = content_of(DataMap, tmp_path)
    (tmp_path / "damaged.npz").write_bytes(changed(content, DAMAGED_MAPS[name]))
    with pytest.raises(ValueError, match=r"damaged\.npz does not hold a DataMap that can be read"):
        DataMap.load(tmp_path / "damaged.npz")


DAMAGED_DYNAMICS = {
    "an array is missing": edit(running_mean=None),
    "the history is missing": edit(true_proba=None),
    "a fact is missing": edit(window=None),
    "shape": edit(running_mean=np.zeros(2)),
    "complex": edit(running_mean=np.zeros(3, dtype=complex)),
    "range": edit(running_mean=np.array([0.5, 1.5, 0.5])),
    "not a number": edit(running_mean=np.array([0.5, np.nan, 0.5])),
    "more epochs than were recorded": edit(running_n_seen=np.array([2, 3, 2])),
    "fewer epochs than the history": edit(running_n_seen=np.array([2, 1, 2])),
    "correct at more epochs than seen": edit(running_n_correct=np.array([9, 0, 0])),
    "history of another shape": edit(true_proba=np.full((3, 1), 0.5, dtype=np.float32)),
    "history of text": edit(true_proba=np.full((3, 2), "0.5")),
    "history out of range": edit(true_proba=np.full((3, 2), 2, dtype=np.float32)),
    "an infinite margin": edit(margin=np.full((3, 2), np.inf, dtype=np.float32)),
    "an error norm below 0": edit(el2n=np.full((3, 2), -0.5, dtype=np.float32)),
    "a loss below 0": edit(loss=np.full((3, 2), -0.5, dtype=np.float32)),
    "history of other probabilities": edit(true_proba=np.full((3, 2), 0.01, dtype=np.float32)),
    "history of other margins": edit(margin=np.full((3, 2), 9, dtype=np.float32)),
    "history of other losses": edit(loss=np.full((3, 2), 9, dtype=np.float32)),
    "an infinite sum": edit(running_margin_sum=np.full(3, np.inf)),
    "window": edit(window=10**9),
    "window of one": edit(window=1),
    "epochs": edit(n_epochs=10**12),
    "other epochs": edit(n_epochs=3),
    "no count": edit(n_epochs="2"),
    "planned": edit(planned_epochs=0),
    "keep_history": edit(keep_history="yes"),
    "record": edit(record="banana"),
    "margin": edit(margin_from="entropy"),
    "labels": edit(labels=np.array(["a", "b"])),
    "classes": edit(classes=np.array(["a", "c"])),
    "mask": edit(excluded_mask=np.array([0, 1, 0])),
}


@pytest.mark.parametrize("name", DAMAGED_DYNAMICS)
def test_dynamics_that_do_not_fit_are_refused_by_their_path(tmp_path, name):
    content = content_of(TrainingDynamics, tmp_path)
    (tmp_path / "damaged.npz").write_bytes(changed(content, DAMAGED_DYNAMICS[name]))
    with pytest.raises(ValueError, match=r"damaged\.npz does not hold a TrainingDynamics that can"):
        TrainingDynamics.load(tmp_path / "damaged.npz")


def older(arrays, header):
    """Make an archive as releases before format 2 wrote it."""
    for name in ("format", "names", "objects", "record"):
        header.pop(name)
    header["strings"] = ["sample_ids"]


@pytest.mark.parametrize("kind", KINDS)
def test_archives_of_older_releases_are_read(tmp_path, kind):
    (tmp_path / "old.npz").write_bytes(changed(content_of(kind, tmp_path), older))
    read = kind.load(tmp_path / "old.npz")
    assert read.record == "epoch_end"
    assert read.sample_ids.dtype == object
    assert_array_equal(read.sample_ids, SHARED["sample_ids"])
    assert_array_equal(read.labels, SHARED["labels"])


def test_an_older_archive_of_dynamics_without_an_epoch_is_read(tmp_path):
    TrainingDynamics(**SHARED).save(tmp_path / "new.npz")

    def change(arrays, header):
        older(arrays, header)
        for name in ("true_proba", "correct", "margin", "el2n", "loss"):
            del arrays[name]

    content = changed((tmp_path / "new.npz").read_bytes(), change)
    (tmp_path / "old.npz").write_bytes(content)
    assert TrainingDynamics.load(tmp_path / "old.npz").n_epochs == 0
