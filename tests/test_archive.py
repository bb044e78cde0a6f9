"""Named arrays on disk, without pickle."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_carto import DataMap, TrainingDynamics
from sklearn_carto._utils._archive import read_archive, write_archive


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "thing"
    arrays = {
        "numbers": np.arange(3.0),
        "words": np.array(["a", "bc", "α"], dtype=object),
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
    write_archive(path, "Thing", {"words": np.array(["a", "b"], dtype=object)}, {})
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


def test_objects_that_are_not_strings_are_refused_before_a_file_is_made(tmp_path):
    path = tmp_path / "thing.npz"
    mixed = {"labels": np.array(["a", 1], dtype=object)}
    with pytest.raises(
        ValueError, match="labels must hold numbers or strings; got other Python objects"
    ):
        write_archive(path, "Thing", mixed, {})
    assert not path.exists()


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "thing.npz"
    write_archive(path, "Thing", {}, {})
    with pytest.raises(ValueError, match="does not hold a Map; it holds Thing"):
        read_archive(path, "Map")
    np.savez(path, x=np.arange(3))
    with pytest.raises(ValueError, match="holds no object of sklearn_carto"):
        read_archive(path, "Map")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("confidence")
    with pytest.raises(ValueError, match="does not hold a DataMap; it is not an npz file"):
        read_archive(path, "DataMap")


def test_a_file_that_is_not_there_is_an_error_of_its_own(tmp_path):
    path = tmp_path / "no file"
    for kind in (DataMap, TrainingDynamics):
        with pytest.raises(FileNotFoundError, match="No such file or directory: .*no file"):
            kind.load(path)
