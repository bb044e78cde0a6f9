"""Each callback keeps its history in files on request, with the map of one in memory."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

pytest.importorskip("pyarrow")  # of the module of whose trainings these are

from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._utils._compat import InvalidParameterError
from test_callback_parameters import make
from test_logs_of_callbacks import FITS, FRAMEWORKS

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning"),
]


def trained(framework, **params):
    if framework != "sklearn":
        pytest.importorskip("torch").manual_seed(1)
    return FITS[framework](make(framework, **params))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_history_in_files_leaves_the_map_unchanged(framework, tmp_path):
    in_files = trained(framework, history_dir=tmp_path / "history")
    in_memory = trained(framework)
    values = in_files.dynamics_.true_proba
    assert isinstance(values, np.memmap)
    assert tmp_path in [*tmp_path.parents, *type(tmp_path)(values.filename).parents]
    assert_array_equal(values, in_memory.dynamics_.true_proba)
    for name in STATISTICS:
        one, other = (getattr(callback.data_map_, name) for callback in (in_files, in_memory))
        assert_array_equal(one, other, err_msg=name)
    copied = pickle.loads(pickle.dumps(in_files.dynamics_))
    assert_array_equal(copied.true_proba, values)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_trainings_of_a_callback_do_not_share_files(framework, tmp_path):
    for _ in range(2):
        trained(framework, history_dir=tmp_path, keep_history="float16")
    assert len([*tmp_path.iterdir()]) == 2
    assert len([*tmp_path.glob("*/true_proba.npy")]) == 2


@pytest.mark.parametrize("value", [3, True, [], object()], ids=["number", "flag", "list", "object"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_history_is_the_path_of_a_folder(framework, value):
    with pytest.raises(InvalidParameterError, match="'history_dir' parameter of DataMapCallback"):
        trained(framework, history_dir=value)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_history_that_is_not_kept_has_no_folder(framework, tmp_path):
    with pytest.raises(InvalidParameterError, match=r"of DataMapCallback must be None with keep"):
        trained(framework, history_dir=tmp_path / "history", keep_history=False)
    assert not (tmp_path / "history").exists()
