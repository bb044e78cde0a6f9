"""Maps and selections of a log are the same on every engine, and those of the dynamics."""

import os
import shutil
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pa = pytest.importorskip("pyarrow")
pytest.importorskip("narwhals")
from pyarrow import parquet

from names import name_of
from sklearn_carto import DataMap, TrainingDynamics
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import (
    HeldOutRowsWarning,
    InvalidProbabilitiesError,
    LogRowsWarning,
    MissingClassesWarning,
    SampleAlignmentError,
)
from sklearn_carto.logs import (
    data_map_from_logs,
    read_dynamics,
    select_from_logs,
    write_dynamics,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:pyspark.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(pyspark|dask|distributed).*"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of sockets, as a cluster ends
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning"),
]
EMBEDDED = ("polars", "duckdb", "pandas", "pyarrow")
ENGINES = (*EMBEDDED, "dask", "pyspark")
N = 60
NAMES = np.array(["ä", "b", "c"])


@pytest.fixture(scope="session")
def cluster():
    """Two workers of Dask in processes of their own, on the loopback interface."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1"}
    with (
        distributed.LocalCluster(**options, dashboard_address="127.0.0.1:0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def session():
    """Spark on two threads, on the loopback interface."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("needs a Java runtime (Debian: default-jre-headless)")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.host", "127.0.0.1")
    builder = builder.config("spark.driver.bindAddress", "127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = builder.config("spark.sql.shuffle.partitions", "3").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(params=ENGINES)
def engine(request):
    """Name of an engine that is installed and running."""
    needed = {"dask": "cluster", "pyspark": "session"}
    if request.param in needed:
        request.getfixturevalue(needed[request.param])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(request.param)
    return request.param


def make_dynamics(n_epochs=6, missing=0.0, seed=0, **params):
    rng = np.random.RandomState(seed)
    dynamics = TrainingDynamics(NAMES[np.arange(N) % 7 % 3], **params)
    for epoch in range(n_epochs):
        rows = np.flatnonzero(rng.rand(N) >= missing)
        dynamics.update(epoch, rng.dirichlet(np.ones(3), N)[rows], rows)
    return dynamics


UNICODE = [f"{'ü' if i % 2 else 'z'}{i}" for i in range(N)]
CASES = {
    "complete": {},
    "missing": {"missing": 0.2},
    "long": {"n_epochs": 14},
    "long and missing": {"n_epochs": 14, "missing": 0.3, "sample_ids": UNICODE},
    "one epoch": {"n_epochs": 1},
    "text": {"missing": 0.1, "sample_ids": UNICODE},
    "negative": {"sample_ids": -3 * np.arange(N)},
}


def assert_same_map(found, expected, tolerance=1e-9):
    for name in STATISTICS:
        values = getattr(found, name), getattr(expected, name)
        assert_allclose(*values, rtol=0, atol=tolerance, err_msg=name)
    for name in ("labels", "sample_ids", "held_out_mask", "excluded_mask"):
        values = getattr(found, name), getattr(expected, name)
        assert (values[0] is None) == (values[1] is None), name
        assert_array_equal(*values) if values[0] is not None else None
    assert found.n_epochs == expected.n_epochs
    assert (found.record, found.margin_from) == (expected.record, expected.margin_from)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.LogRowsWarning")
@pytest.mark.parametrize("case", CASES)
def test_map_and_selection_are_those_of_the_dynamics(case, engine, tmp_path):
    dynamics = make_dynamics(**CASES[case])
    write_dynamics(dynamics, tmp_path)
    expected = DataMap.from_dynamics(dynamics)
    assert_same_map(data_map_from_logs(tmp_path, engine=engine), expected)
    region = "hard" if case == "one epoch" else "ambiguous"
    chosen = select_from_logs(tmp_path, region, 0.3, engine=engine)
    named = dynamics.sample_ids is not None
    best = expected.select(region, 0.3, random_state=0, return_ids=named)
    assert_array_equal(chosen, np.sort(best))


@pytest.mark.parametrize("n_epochs", [6, 14])
@pytest.mark.parametrize("equal", [True, False])
def test_a_row_that_is_doubled_counts_once_and_is_reported(equal, n_epochs, engine, tmp_path):
    dynamics = make_dynamics(n_epochs)
    write_dynamics(dynamics, tmp_path / "a")
    again = make_dynamics(n_epochs, missing=0.7, seed=0 if equal else 1)
    write_dynamics(again, tmp_path / "b")
    files = [*(tmp_path / "a").glob("*.parquet"), *(tmp_path / "b").glob("*.parquet")]
    # the rows of `again` are drawn as those of the first, or others
    n_doubled = int(again.n_seen.sum())
    with pytest.warns(LogRowsWarning, match=f"holds {n_doubled} rows several times at one epoch"):
        found = data_map_from_logs(files, engine=engine)
    with pytest.warns(LogRowsWarning, match=f"holds {n_doubled} rows several times"):
        read = read_dynamics(files)
    largest = np.fmax(dynamics.true_proba, again.true_proba)
    assert_allclose(found.confidence, largest.mean(axis=1, dtype=float), rtol=0, atol=1e-9)
    for name in STATISTICS:
        values = getattr(found, name), getattr(DataMap.from_dynamics(read), name)
        assert_allclose(*values, rtol=0, atol=1e-9, err_msg=name)
    with pytest.warns(LogRowsWarning, match="several times at one epoch"):
        chosen = select_from_logs(files, "easy", 0.2, engine=engine)
    best = found.select("easy", 0.2, random_state=0)
    assert_array_equal(chosen, found.sample_ids[best])


# two rows: p = .5, .9, .4 with a correct prediction in the second epoch, and p = .2 always
HAND = {
    "sample_id": [7, 7, 7, -2, -2, -2],
    "epoch": [0, 2, 1, 0, 1, 2],
    "true_proba": [0.5, 0.4, 0.9, 0.2, 0.2, 0.2],
    "correct": [0, 0, 1, 0, 0, 0],
}


def to_native(table, engine):
    """Return a table of pyarrow as a frame of an engine."""
    if engine == "polars":
        return import_module("polars").from_arrow(table).lazy()
    if engine == "duckdb":
        return import_module("duckdb").from_arrow(table)
    if engine == "pyarrow":
        return table
    if engine == "pyspark":
        session = import_module("pyspark.sql").SparkSession.getActiveSession()
        return session.createDataFrame(
            [*zip(*table.to_pydict().values(), strict=True)], table.column_names
        )
    frame = table.to_pandas()
    return frame if engine == "pandas" else import_module("dask.dataframe").from_pandas(frame, 2)


def test_four_columns_make_a_map_counted_by_hand(engine):
    found = data_map_from_logs(to_native(pa.table(HAND), engine), n_epochs=20)
    assert found.sample_ids.tolist() == [-2, 7]
    assert_allclose(found.confidence, [0.2, 0.6])
    assert_allclose(found.variability, [0, np.sqrt(0.14 / 3)], atol=1e-9)  # .1^2 + .3^2 + .2^2
    assert_allclose(found.correctness, [0, 1 / 3])
    assert found.forgetting.tolist() == [np.inf, 1]
    assert found.first_learned.tolist() == [np.inf, 1]
    assert_allclose(found.dual, [0, np.sqrt(0.14 / 2) * 0.4], atol=1e-9)  # one short window
    assert found.labels is found.aum is found.loss is found.el2n is None
    chosen = select_from_logs(to_native(pa.table(HAND), engine), "easy", 0.5, stratify=False)
    assert chosen.tolist() == [7]


def test_ties_are_broken_by_the_id_on_every_engine(engine):
    names = ["b", "a", "ü", "B", "Ü", "10", "9"]  # in the order of code points: 10 9 B a b Ü ü
    table = {"sample_id": names, "epoch": [0] * 7, "true_proba": [0.5] * 7, "correct": [1] * 7}
    chosen = select_from_logs(to_native(pa.table(table), engine), "easy", 0.7, stratify=False)
    assert chosen.tolist() == ["10", "9", "B", "a", "b"]


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.LogRowsWarning")
def test_a_lazy_map_is_a_frame_of_the_engine(engine, tmp_path):
    narwhals = pytest.importorskip("narwhals")
    dynamics = make_dynamics(missing=0.2)
    write_dynamics(dynamics, tmp_path)
    native = data_map_from_logs(tmp_path, engine=engine, lazy=True)
    frame = narwhals.from_native(native)
    assert frame.implementation.name.lower() == engine
    assert isinstance(frame, narwhals.LazyFrame) == (engine not in ("pandas", "pyarrow"))
    columns = (frame.collect("pyarrow") if hasattr(frame, "collect") else frame).to_dict()
    order = np.argsort(columns["sample_id"].to_numpy())
    expected = DataMap.from_dynamics(dynamics)
    for name in STATISTICS:
        values = columns[name].to_numpy()[order]
        assert_allclose(values, getattr(expected, name), rtol=0, atol=1e-9)
    assert_array_equal(columns["n_seen"].to_numpy()[order], dynamics.n_seen)
    ids = narwhals.from_native(select_from_logs(tmp_path, "easy", 0.2, engine=engine, lazy=True))
    ids = (ids.collect("pyarrow") if hasattr(ids, "collect") else ids)["sample_id"].to_numpy()
    assert sorted(ids) == expected.select("easy", 0.2, random_state=0).tolist()


def test_held_out_rows_keep_their_share_and_excluded_ones_are_not_chosen(engine, tmp_path):
    masks = {"held_out_mask": np.arange(N) % 5 == 0, "excluded_mask": np.arange(N) % 4 == 1}
    dynamics = make_dynamics(**masks)
    write_dynamics(dynamics, tmp_path)
    expected = DataMap.from_dynamics(dynamics)
    assert_same_map(data_map_from_logs(tmp_path, engine=engine), expected)
    with pytest.warns(HeldOutRowsWarning, match="of the 45 rows were held out"):
        chosen = select_from_logs(tmp_path, "low-aum", 0.3, engine=engine)
    with pytest.warns(HeldOutRowsWarning):
        best = expected.select("low-aum", 0.3, random_state=0)
    assert_array_equal(chosen, best)
    assert not masks["excluded_mask"][chosen].any()


@pytest.mark.parametrize("frac", [0.02, 0.1, 0.333, 1.0])
@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.MissingClassesWarning")
def test_budgets_and_quotas_are_exact(frac, stratify, tmp_path):
    pytest.importorskip("polars")
    dynamics = make_dynamics()
    write_dynamics(dynamics, tmp_path)
    chosen = select_from_logs(tmp_path, "easy", frac, stratify=stratify, random_state=3)
    best = DataMap.from_dynamics(dynamics).select("easy", frac, stratify=stratify, random_state=3)
    assert len(chosen) == max(1, round(frac * N))
    assert_array_equal(chosen, best)


def test_a_budget_below_the_number_of_classes_warns(tmp_path):
    pytest.importorskip("polars")
    write_dynamics(make_dynamics(), tmp_path)
    with pytest.warns(MissingClassesWarning, match="budget of 1 rows cannot hold"):
        assert len(select_from_logs(tmp_path, "easy", 0.02)) == 1


def test_chosen_ids_are_written_as_parquet(tmp_path):
    pytest.importorskip("polars")
    write_dynamics(make_dynamics(sample_ids=UNICODE), tmp_path / "log")
    chosen = select_from_logs(tmp_path / "log", "easy", 0.2, path=tmp_path / "ids.parquet")
    assert parquet.read_table(tmp_path / "ids.parquet")["sample_id"].to_pylist() == chosen.tolist()
    with pytest.raises(InvalidParameterError, match="'path' parameter .* needs lazy=False"):
        select_from_logs(tmp_path / "log", "easy", 0.2, path=tmp_path / "a", lazy=True)
    with pytest.raises(InvalidParameterError, match="which is a folder"):
        select_from_logs(tmp_path / "log", "easy", 0.2, path=tmp_path)


@pytest.mark.parametrize("ids", [np.arange(N).astype("datetime64[D]"), [(i,) for i in range(N)]],
                         ids=["dates", "tuples"])  # fmt: skip
def test_ids_of_a_run_are_those_that_it_was_given(ids, tmp_path):
    pytest.importorskip("polars")
    dynamics = make_dynamics(sample_ids=ids)
    write_dynamics(dynamics, tmp_path)
    expected = DataMap.from_dynamics(dynamics)
    chosen = select_from_logs(tmp_path, "easy", 0.2)
    best = expected.select("easy", 0.2, random_state=0, return_ids=True)
    assert set(chosen.tolist()) == set(best.tolist())
    assert_same_map(data_map_from_logs(tmp_path), expected)


def broken(**changes):
    return pa.table({**HAND, **changes})


WRONG = {
    "above": broken(true_proba=[0.5, 0.4, 1.9, 0.2, 0.2, 0.2]),
    "nan": broken(true_proba=[0.5, 0.4, np.nan, 0.2, 0.2, 0.2]),
    "null": broken(true_proba=[0.5, 0.4, None, 0.2, 0.2, 0.2]),
    "no id": broken(sample_id=[7, 7, None, -2, -2, -2]),
    "negative epoch": broken(epoch=[0, 1, -1, 0, 1, 2]),
    "no epoch": broken(epoch=[0, 1, None, 0, 1, 2]),
    "correct": broken(correct=[0, 2, 1, 0, 0, 0]),
    "margin": broken(margin=[0, 0, np.inf, 0, 0, 0]),
}


@pytest.mark.parametrize("engine", EMBEDDED)
@pytest.mark.parametrize("wrong", WRONG)
def test_values_that_are_none_are_an_error(wrong, engine):
    pytest.importorskip(engine)
    with pytest.raises((InvalidProbabilitiesError, ValueError), match="hold"):
        data_map_from_logs(to_native(WRONG[wrong], engine))


@pytest.mark.parametrize("engine", EMBEDDED)
def test_an_id_with_two_labels_is_an_error(engine):
    pytest.importorskip(engine)
    table = broken(label=["a", "a", "b", "a", "a", "a"])
    for function in (data_map_from_logs, lambda log: select_from_logs(log, "easy", 0.5)):
        with pytest.raises(SampleAlignmentError, match="1 ids with several labels"):
            function(to_native(table, engine))


@pytest.mark.parametrize("engine", EMBEDDED)
@pytest.mark.parametrize("labels", [[True, False], [-1, 1], [0.5, 1.5], ["ä", "b"]], ids=str)
def test_labels_of_a_frame_keep_their_type(labels, engine):
    pytest.importorskip(engine)
    table = broken(label=[labels[0]] * 3 + [labels[1]] * 3)
    found = data_map_from_logs(to_native(table, engine))
    assert found.labels.tolist() == labels[::-1]


@pytest.mark.parametrize(
    "log", [3, None, [], [3], {"a": 1}, np.zeros(3), object(), ""], ids=name_of
)
def test_what_is_no_log_is_an_error(log):
    for function in (data_map_from_logs, lambda log: select_from_logs(log, "easy", 0.5)):
        with pytest.raises(ValueError, match="log"):
            function(log)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"region": "random"}, "'region' parameter of select_from_logs"),
        ({"region": {"easy": 1.0}}, "'region' parameter of select_from_logs"),
        ({"region": "eazy"}, "Did you mean 'easy'"),
        ({"region": "high-aum"}, "lacks the column that the statistic 'aum' needs"),
        ({"frac": 0}, "frac must lie"),
        ({"frac": "a"}, "frac must be a number"),
        ({"stratify": True}, "holds no labels"),
        ({"stratify": 1}, "'stratify' parameter of select_from_logs"),
        ({"engine": "spark"}, "'engine' parameter of select_from_logs"),
        ({"engine": "duckdb"}, "must be that of the frame, 'polars'"),
        ({"random_state": "a"}, "'random_state' parameter of select_from_logs"),
        ({"n_epochs": 0}, "'n_epochs' parameter of select_from_logs"),
        ({"lazy": "no"}, "'lazy' parameter of select_from_logs"),
        ({"path": 3}, "'path' parameter of select_from_logs"),
    ],
    ids=str,
)
def test_arguments_are_checked(params, message):
    frame = to_native(pa.table(HAND), "polars") if pytest.importorskip("polars") else None
    given = {"region": "easy", "frac": 0.5, "stratify": False, **params}
    with pytest.raises(ValueError, match=message):
        select_from_logs(frame, **given)


def test_a_log_without_required_columns_is_an_error_that_names_them(tmp_path):
    pytest.importorskip("polars")
    table = pa.table({name: HAND[name] for name in ("sample_id", "epoch", "true_proba")})
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="It lacks correct"):
        data_map_from_logs(tmp_path)
    with pytest.raises(ValueError, match="lacks the columns correct, margin, label, loss, el2n"):
        read_dynamics(tmp_path)


EXTRAS = {"narwhals": "logs", "polars": "logs", "duckdb": "duckdb", "dask": "dask"}
EXTRAS["pyspark"] = "pyspark"


@pytest.mark.parametrize("module", EXTRAS)
def test_a_missing_library_is_an_error_that_names_the_extra(module, without, tmp_path):
    write_dynamics(make_dynamics(1), tmp_path)
    without(module)
    engine = module if module != "narwhals" else None
    with pytest.raises(ImportError, match=rf'"sklearn-carto\[{EXTRAS[module]}\]"'):
        data_map_from_logs(tmp_path, engine=engine)


def test_frames_in_memory_and_of_narwhals_are_logs():
    polars, narwhals = pytest.importorskip("polars"), pytest.importorskip("narwhals")
    frame = polars.DataFrame(HAND)
    for log in (frame, narwhals.from_native(frame)):
        assert data_map_from_logs(log).sample_ids.tolist() == [-2, 7]
        assert select_from_logs(log, "easy", 0.5, stratify=False).tolist() == [7]
        native = data_map_from_logs(log, lazy=True)
        assert isinstance(native, polars.DataFrame)


def test_a_step_in_place_of_an_epoch_is_an_error(tmp_path):
    pytest.importorskip("polars")
    table = broken(epoch=[0, 2**40, 1, 0, 1, 2])
    with pytest.raises(ValueError, match="from 0 and below 1,000,000"):
        data_map_from_logs(table)
    for name in ("margin", "label", "loss", "el2n"):
        table = table.append_column(name, pa.array([0.0] * 6))
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="must hold epochs from 0, below 1,000,000"):
        read_dynamics(tmp_path)


@pytest.mark.parametrize("first", [0, 2, 5])
def test_a_frame_without_the_first_epochs_is_a_map_after_a_burn_in(first, tmp_path):
    polars = pytest.importorskip("polars")
    dynamics = make_dynamics()
    write_dynamics(dynamics, tmp_path)
    log = polars.scan_parquet(tmp_path / "*.parquet").filter(polars.col("epoch") >= first)
    found = data_map_from_logs(log)  # without a warning
    expected = DataMap.from_dynamics(dynamics, epochs=slice(first, None))
    assert found.n_epochs == expected.n_epochs
    for name in STATISTICS:
        values = getattr(found, name), getattr(expected, name)
        assert_allclose(*values, rtol=0, atol=1e-9, err_msg=name)
    for path in tmp_path.glob("epoch-000000.*"):
        path.unlink()
    with pytest.warns(LogRowsWarning, match=r"lacks the epochs \[0\]"):
        assert data_map_from_logs(tmp_path).n_epochs == 6


def test_threads_make_maps_and_selections_alike(engine, tmp_path):
    if engine in ("dask", "pyspark"):
        pytest.skip("the cluster shares out the work itself")
    dynamics = make_dynamics()
    write_dynamics(dynamics, tmp_path)
    expected = DataMap.from_dynamics(dynamics)

    def work(_):
        found = data_map_from_logs(tmp_path, engine=engine)
        return found.confidence, select_from_logs(tmp_path, "easy", 0.3, engine=engine)

    with ThreadPoolExecutor(4) as pool:
        for confidence, chosen in pool.map(work, range(8)):
            assert_allclose(confidence, expected.confidence, rtol=0, atol=1e-9)
            assert_array_equal(chosen, expected.select("easy", 0.3, random_state=0))


def test_threads_take_turns_on_the_streaming_engine(tmp_path, monkeypatch):
    polars = pytest.importorskip("polars")
    write_dynamics(make_dynamics(), tmp_path)
    collect, running, most = polars.LazyFrame.collect, [], []

    def slow(frame, **options):
        running.append(None)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return collect(frame, **options)

    monkeypatch.setattr(polars.LazyFrame, "collect", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: select_from_logs(tmp_path, "easy", 0.3), range(4)))
    assert len(most) > 4
    assert max(most) == 1


def test_a_pattern_of_names_is_a_log(tmp_path):
    pytest.importorskip("polars")
    write_dynamics(make_dynamics(), tmp_path)
    found = data_map_from_logs(f"{tmp_path}/epoch-00000[0-2]*.parquet")
    assert found.n_epochs == 3
    with pytest.raises(FileNotFoundError, match="does not exist"):
        data_map_from_logs(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no log"):
        data_map_from_logs(tmp_path / "empty")
