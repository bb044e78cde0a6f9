"""Frames and files that other programs wrote: the same map on every engine, or an error of ours."""

import datetime
from decimal import Decimal
from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pa = pytest.importorskip("pyarrow")
pytest.importorskip("narwhals")
from pyarrow import parquet

from sklearn_carto import DataMap, TrainingDynamics
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import InvalidProbabilitiesError, LogRowsWarning
from sklearn_carto.logs import (
    data_map_from_logs,
    read_dynamics,
    select_from_logs,
    write_dynamics,
)

EMBEDDED = ("polars", "duckdb", "pandas", "pyarrow")
ROWS = {  # two rows at three epochs: p = .5, .9, .4 and .2 always
    "sample_id": [7, 7, 7, -2, -2, -2],
    "epoch": [0, 2, 1, 0, 1, 2],
    "true_proba": [0.5, 0.4, 0.9, 0.2, 0.2, 0.2],
    "correct": [False, False, True, False, False, False],
    "margin": [0.1] * 6,
    "label": ["b", "b", "b", "a", "a", "a"],
    "loss": [0.5] * 6,
    "el2n": [0.5] * 6,
}


@pytest.fixture(params=EMBEDDED)
def engine(request):
    pytest.importorskip(request.param)
    return request.param


def frame_of(table, engine):
    if engine == "polars":
        return import_module("polars").from_arrow(table).lazy()
    if engine == "duckdb":
        return import_module("duckdb").from_arrow(table)
    return table.to_pandas() if engine == "pandas" else table


def table_of(**changes):
    return pa.table(ROWS | changes)


def twice(one, other):
    """Return a column that holds one value for the first row and another for the second."""
    return [one] * 3 + [other] * 3


# Values


def first(value, rest):
    return [value, *[rest] * 5]


WRONG_VALUES = {  # the column, its values, and how many of them are wrong
    "nan id": ("sample_id", twice(float("nan"), 1.0), 3),
    "infinite id": ("sample_id", twice(float("inf"), 1.0), 3),
    "nan label": ("label", twice(float("nan"), 1.0), 3),
    "null id": ("sample_id", [*"aaabb", None], 1),
    "null label": ("label", [*"aaabb", None], 1),
    "probability": ("true_proba", first(1.0000001, 0.5), 1),
    "nan probability": ("true_proba", first(float("nan"), 0.5), 1),
    "negative loss": ("loss", first(-1.0, 5.0), 1),  # whose mean is positive
    "infinite loss": ("loss", first(float("inf"), 1.0), 1),
    "negative el2n": ("el2n", first(-0.5, 1.0), 1),
    "large el2n": ("el2n", first(1.5, 1.0), 1),
    "nan margin": ("margin", first(float("nan"), 1.0), 1),
    "null margin": ("margin", first(None, 1.0), 1),
    "correct": ("correct", first(2, 0), 1),
    "held out": ("held_out", first(2, 0), 1),
    "excluded": ("excluded", first(-1, 0), 1),
}


@pytest.mark.parametrize("wrong", WRONG_VALUES)
def test_the_column_of_a_value_that_is_none_is_named_with_its_number_of_rows(wrong, engine):
    name, values, n_wrong = WRONG_VALUES[wrong]
    table = table_of(**{name: pa.array(values)})
    for function in (data_map_from_logs, lambda log: select_from_logs(log, "easy", 0.5)):
        with pytest.raises(
            InvalidProbabilitiesError, match=rf"Others are in {name} \({n_wrong} rows\)\."
        ):
            function(frame_of(table, engine))


def test_what_single_precision_rounds_to_is_valid(engine):
    el2n = pa.array([1.4142137] * 6, pa.float32())  # above the root of 2
    found = data_map_from_logs(frame_of(table_of(el2n=el2n, loss=[-1e-8] * 6), engine))
    assert_allclose(found.el2n, np.sqrt(2), atol=1e-6)


# Types

WRONG_TYPES = {
    "epoch": ([0.0, 2.0, 1.0, 0.0, 1.0, 2.0], "must hold whole numbers in the column epoch"),
    "true_proba": ([*"abcdef"], "must hold numbers in the column true_proba"),
    "correct": ([0.0, 1.0] * 3, "must hold booleans, or 0 and 1 as whole .* column correct"),
    "label": (twice(b"a", b"\xff"), "dates in the column label"),
    "sample_id": (twice([1], [2]), "dates in the column sample_id"),
    "held_out": ([*"abcdef"], "must hold booleans, .* in the column held_out"),
}


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_a_column_of_a_wrong_type_is_named(name, engine):
    values, message = WRONG_TYPES[name]
    table = table_of(**{name: values})
    with pytest.raises(ValueError, match=message):
        data_map_from_logs(frame_of(table, engine))


TYPES = {
    "beyond 2**53": (twice(2**53 + 1, 2**53), [2**53, 2**53 + 1]),
    "unsigned": (pa.array(twice(2**64 - 1, 5), pa.uint64()), [5, 2**64 - 1]),
    "int8": (pa.array(twice(7, -2), pa.int8()), [-2, 7]),
    "floats": (twice(1.5, -2.0), [-2.0, 1.5]),
    "booleans": (twice(True, False), [False, True]),
    "unicode": (twice("ü", "日"), ["ü", "日"]),
    "blank": (twice("", " "), ["", " "]),
    "categories": (pa.array(twice("b", "a")).dictionary_encode(), ["a", "b"]),
    "dates": (twice(datetime.date(2021, 5, 5), datetime.date(2020, 1, 1)),
              ["2020-01-01", "2021-05-05"]),
    "decimals": (twice(Decimal("2.0"), Decimal("1.5")), ["1.5", "2.0"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", ["sample_id", "label"])
def test_ids_and_labels_keep_their_type_or_are_text(name, kind, engine):
    values, expected = TYPES[kind]
    log = frame_of(table_of(**{name: values}), engine)
    found = data_map_from_logs(log)
    field = found.sample_ids if name == "sample_id" else found.labels
    assert sorted(field.tolist()) == expected
    assert [type(value) for value in sorted(field.tolist())] == [*map(type, expected)]
    everything = select_from_logs(log, "easy", 1.0).tolist()
    assert everything == (expected if name == "sample_id" else [-2, 7])


@pytest.mark.parametrize("dtype", ["float", "halffloat", "double", "decimal"])
def test_numbers_of_any_type_are_probabilities(dtype):
    types = {"halffloat": pa.float16(), "float": pa.float32(), "decimal": pa.decimal128(3, 2)}
    column = pa.array([Decimal("0.50"), Decimal("0.25")] * 3, pa.decimal128(3, 2))
    if dtype == "halffloat":  # pyarrow casts no decimal to it
        if not hasattr(import_module("narwhals"), "Float16"):
            pytest.skip("needs a later narwhals")
        column = pa.array(np.array([0.5, 0.25] * 3, dtype=np.float16))
    elif dtype != "decimal":
        column = column.cast(types.get(dtype, pa.float64()))
    ids, epochs = [1, 2] * 3, [0, 0, 1, 1, 2, 2]
    table = table_of(sample_id=ids, epoch=epochs, label=ids, true_proba=column)
    found = data_map_from_logs(table)
    assert found.confidence.tolist() == [0.5, 0.25]


def test_wide_integers_are_text_on_every_engine():
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    frame = polars.from_arrow(table_of())
    wide = frame.with_columns(polars.col("sample_id").cast(polars.Int128))
    assert data_map_from_logs(wide).sample_ids.tolist() == ["-2", "7"]
    table = table_of()
    wide = duckdb.from_arrow(table).project("* replace (sample_id::HUGEINT as sample_id)")
    assert data_map_from_logs(wide).sample_ids.tolist() == ["-2", "7"]


@pytest.mark.parametrize(
    "values", [[1, "1"], [True, "True"], [1, 1.5], [b"a", b"b"], [[1], [2]]], ids=str
)
def test_objects_of_pandas_that_text_would_confuse_are_an_error(values):
    pandas = pytest.importorskip("pandas")
    for name in ("sample_id", "label"):
        column = pandas.Series(twice(*values), dtype=object)
        frame = table_of().to_pandas().assign(**{name: column})
        with pytest.raises(ValueError, match=f"the column {name}"):
            data_map_from_logs(frame)


def test_objects_of_pandas_of_one_type_are_that_type():
    pandas = pytest.importorskip("pandas")
    frame = table_of().to_pandas()
    for values in ([1, 2], [0.5, 1.5], [False, True], [2**70, 2**70 + 1]):
        frame["sample_id"] = pandas.Series(twice(*values), dtype=object)
        expected = values if values[0] != 2**70 else [*map(str, values)]
        assert data_map_from_logs(frame).sample_ids.tolist() == expected
        assert select_from_logs(frame, "easy", 1.0).tolist() == expected


def test_the_index_of_a_frame_does_not_matter():
    pandas = pytest.importorskip("pandas")
    frame = table_of().to_pandas()
    for index in (
        [0] * 6,
        pandas.MultiIndex.from_product([[1, 2], [1, 2, 3]]),
        [3, 1, None, 1, 9, 0],
    ):
        found = data_map_from_logs(frame.set_axis(index))
        assert_allclose(found.confidence, [0.2, 0.6])
    frame.index.name = "sample_id"
    assert data_map_from_logs(frame).sample_ids.tolist() == [-2, 7]


def test_two_columns_of_one_name_are_an_error(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = table_of().to_pandas()
    frame = pandas.concat([frame, frame[["true_proba"]]], axis=1)
    with pytest.raises(ValueError, match="must not hold two columns of one name"):
        data_map_from_logs(frame)
    table = table_of().append_column("true_proba", pa.array([0.1] * 6))
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="a.parquet holds several columns of the name true_proba"):
        data_map_from_logs(tmp_path)


# Files


def halves(table):
    """Return the rows of epoch 0, and the others."""
    epochs = np.array(table["epoch"].to_pylist())
    return table.filter(pa.array(epochs == 0)), table.filter(pa.array(epochs > 0))


def write(folder, *tables):
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in zip("abcd", tables, strict=False):
        parquet.write_table(table, folder / f"{name}.parquet")
    return folder


def assert_is_the_map(log, engine):
    found = data_map_from_logs(log, engine=engine)
    assert found.sample_ids.tolist() == [-2, 7]
    assert_allclose(found.confidence, [0.2, 0.6], rtol=1e-7)
    assert found.labels.tolist() == ["a", "b"]
    assert_allclose(found.aum, 0.1)
    assert select_from_logs(log, "easy", 1.0, engine=engine).tolist() == [-2, 7]


def test_files_of_several_widths_orders_and_further_columns_are_one_log(engine, tmp_path):
    one, other = halves(table_of())
    other = other.set_column(1, "epoch", other["epoch"].cast(pa.int32()))
    other = other.set_column(2, "true_proba", other["true_proba"].cast(pa.float32()))
    other = other.set_column(5, "label", other["label"].cast(pa.large_string()))
    other = other.select(other.column_names[::-1]).append_column("seed", pa.array([0] * 4))
    assert_is_the_map(write(tmp_path / "log", one, other), engine)
    assert_is_the_map(write(tmp_path / "log", other, one), engine)
    assert read_dynamics(tmp_path / "log").n_seen.tolist() == [3, 3]


def test_large_ids_of_files_of_several_widths_are_not_rounded(engine, tmp_path):
    one, other = halves(table_of(sample_id=twice(2**53 + 1, 2**53)))
    small = table_of(sample_id=pa.array(twice(7, -2), pa.int16()))
    with pytest.warns(LogRowsWarning):
        found = data_map_from_logs(write(tmp_path, halves(small)[0], one, other), engine=engine)
    assert found.sample_ids.tolist() == [-2, 7, 2**53, 2**53 + 1]


def test_files_without_rows_are_left_out(engine, tmp_path):
    table = table_of()
    empty = table.slice(0, 0).set_column(0, "sample_id", pa.array([], pa.null()))
    assert_is_the_map(write(tmp_path, empty, table, empty), engine)
    with pytest.raises(ValueError, match="holds no row, nor do the other files"):
        data_map_from_logs(write(tmp_path / "empty", empty, empty), engine=engine)


@pytest.mark.parametrize(
    ("name", "values"),
    [("sample_id", ["7", "7", "-2", "-2"]), ("sample_id", [7.0, 7.0, -2.0, -2.0]),
     ("label", [1, 1, 0, 0]), ("correct", [0, 0, 0, 0])], ids=["text", "floats", "labels", "flags"],
)  # fmt: skip
def test_columns_of_several_kinds_are_an_error_that_names_both_files(
    name, values, engine, tmp_path
):
    one, other = halves(table_of())
    place = other.column_names.index(name)
    write(tmp_path, one, other.set_column(place, name, pa.array(values)))
    with pytest.raises(ValueError, match=rf"b.parquet holds .* column {name}, and .*a.parquet"):
        data_map_from_logs(tmp_path, engine=engine)
    if name in ("sample_id", "label"):
        with pytest.raises(ValueError, match=f"The column {name} holds"):
            read_dynamics(tmp_path)


@pytest.mark.parametrize("place", [0, 1])
def test_a_column_that_some_files_lack_is_an_error_that_names_both(place, engine, tmp_path):
    tables = [*halves(table_of())]
    tables[place] = tables[place].drop_columns(["margin"])
    write(tmp_path, *tables)
    lacking, holding = "ab"[place], "ab"[1 - place]
    message = rf"{lacking}.parquet lacks the column margin, which .*{holding}.parquet"
    with pytest.raises(ValueError, match=message):
        data_map_from_logs(tmp_path, engine=engine)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"text\n", None], ids=str)
def test_a_damaged_file_is_named_on_every_engine(content, engine, tmp_path):
    write(tmp_path, *halves(table_of()))
    whole = (tmp_path / "b.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ValueError, match="b.parquet does not hold a log that can be read"):
        data_map_from_logs(tmp_path, engine=engine)


@pytest.mark.parametrize("name", ["run[1]", "run*", "run?", "run{1}", "run 'ü'"])
def test_the_name_of_a_file_is_no_pattern(name, engine, tmp_path):
    write(tmp_path / name, table_of())
    others = table_of(true_proba=[1.0] * 6)  # of a run that a pattern would find
    for other in ("run1", "runs"):
        write(tmp_path / other, others)
    assert_is_the_map(tmp_path / name, engine)
    assert_is_the_map([tmp_path / name / "a.parquet"], engine)


def test_folders_in_place_of_files_are_read(engine, tmp_path):
    one, other = halves(table_of())
    write(tmp_path / "a.parquet", one)
    write(tmp_path / "b.parquet", other)
    assert_is_the_map(tmp_path, engine)
    assert_is_the_map(f"{tmp_path}/*.parquet", engine)
    assert_is_the_map(f"{tmp_path}/**/*.parquet", engine)
    assert read_dynamics(tmp_path).n_seen.tolist() == [3, 3]
    (tmp_path / "runs" / "1").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"a pattern of folders. End it in /\*.parquet"):
        data_map_from_logs(f"{tmp_path}/runs/*", engine=engine)


def test_partitions_are_an_error_that_says_how_they_are_read(engine, tmp_path):
    table = table_of()
    for epoch in range(3):
        rows = table.filter(pa.array(np.array(ROWS["epoch"]) == epoch))
        write(tmp_path / "log" / f"epoch={epoch}", rows.drop_columns(["epoch"]))
    for function in (lambda log: data_map_from_logs(log, engine=engine), read_dynamics):
        with pytest.raises(FileNotFoundError, match="Folders below it hold some: .*scan_parquet"):
            function(tmp_path / "log")
        with pytest.raises(ValueError, match="lack.* epoch.* names of folders hold epoch: pass"):
            function(f"{tmp_path}/log/*/*.parquet")
    write(tmp_path / "b" / "label=a", table.drop_columns(["label"]))  # not a map without labels
    with pytest.raises(ValueError, match="lacks .*label.* names of folders hold label"):
        data_map_from_logs(tmp_path / "b" / "label=a", engine=engine)
    if engine == "polars":  # what the error says
        polars = import_module("polars")
        frame = polars.scan_parquet(tmp_path / "log", hive_partitioning=True)
        assert_allclose(data_map_from_logs(frame).confidence, [0.2, 0.6])


def test_unsigned_ids_that_only_some_files_hold_large_ones_of_are_read(tmp_path):
    one, other = halves(table_of(sample_id=pa.array(twice(2**64 - 1, 5), pa.uint64())))
    small = other.filter(pa.array(np.array(other["sample_id"].to_pylist()) == 5))
    large = other.filter(pa.array(np.array(other["sample_id"].to_pylist()) > 5))
    read = read_dynamics(write(tmp_path, one, small, large))
    assert read.sample_ids.tolist() == ["18446744073709551615", "5"]
    assert read.n_seen.tolist() == [3, 3]


# The file of the selection


def test_a_selection_does_not_overwrite_its_log(tmp_path):
    pytest.importorskip("polars")
    folder = write(tmp_path / "log", table_of())
    whole = (folder / "a.parquet").read_bytes()
    (tmp_path / "link").symlink_to(folder)
    for log in (folder, folder / "a.parquet", f"{folder}/*.parquet"):
        for path in (folder / "a.parquet", tmp_path / "link" / "a.parquet"):
            with pytest.raises(InvalidParameterError, match="a file of the log"):
                select_from_logs(log, "easy", 0.5, path=path)
    for log in (folder, f"{folder}/*.parquet"):  # it would be read with the log
        with pytest.raises(InvalidParameterError, match="outside the folder of the log"):
            select_from_logs(log, "easy", 0.5, path=folder / "chosen.parquet")
    assert (folder / "a.parquet").read_bytes() == whole
    select_from_logs(folder / "a.parquet", "easy", 1.0, path=folder / "ids.parquet")
    assert parquet.read_table(folder / "ids.parquet")["sample_id"].to_pylist() == [-2, 7]


@pytest.mark.parametrize("name", ["none/ids.parquet", "a\0b", "~/none/ids.parquet"], ids=repr)
def test_a_file_that_cannot_be_written_is_an_error_ahead_of_the_work(name, tmp_path, monkeypatch):
    pytest.importorskip("polars")
    folder = write(tmp_path / "log", table_of())
    monkeypatch.setattr("sklearn_carto.logs.select_on_engine", None)
    path = name if name[0] == "~" or "\0" in name else tmp_path / name
    with pytest.raises((FileNotFoundError, InvalidParameterError), match="path|cannot be written"):
        select_from_logs(folder, "easy", 0.5, path=path)


# Ids of a run


def test_booleans_are_ids_of_a_run(engine, tmp_path):
    dynamics = TrainingDynamics([0, 1], sample_ids=np.array([True, False]))
    dynamics.update(0, np.array([[0.9, 0.1], [0.8, 0.2]]))
    write_dynamics(dynamics, tmp_path)
    found = data_map_from_logs(tmp_path, engine=engine)
    assert found.sample_ids.tolist() == [True, False]
    assert_array_equal(found.confidence, DataMap.from_dynamics(dynamics).confidence)
    assert select_from_logs(tmp_path, "easy", 1.0, engine=engine).tolist() == [False, True]


@pytest.mark.parametrize(
    ("ids", "some"),
    [([1, "1", 2], [1]), ([1, "1", 2], ["1"]), ([2**70, 1, 2], [2, 1]), ([0.5, 1, 2], [0.5]),
     (["\ud800", "b", "c"], ["c"]), (["1", "2", "3"], [2**70, 2])], ids=ascii,
)  # fmt: skip
def test_some_rows_of_a_run_are_found_by_their_ids_whatever_the_others_are(ids, some, tmp_path):
    names = np.empty(3, dtype=object)
    names[:] = ids
    dynamics = TrainingDynamics(["a", "b", "c"], sample_ids=names)
    dynamics.update(0, np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]]))
    write_dynamics(dynamics, tmp_path)
    wanted = np.empty(len(some), dtype=object)
    wanted[:] = some
    if not any(one is other or (one == other and type(one) is type(other)) for one in ids
               for other in some):  # fmt: skip
        with pytest.raises(ValueError, match="holds no row of sample_ids"):  # text is no number
            read_dynamics(tmp_path, sample_ids=wanted)
        return
    with pytest.warns(LogRowsWarning, match="none of the data set"):
        read = read_dynamics(tmp_path, sample_ids=wanted)
    rows = [ids.index(one) for one in some]
    assert_array_equal(read.true_proba, dynamics.true_proba[rows])
    assert read.labels.tolist() == np.array(["a", "b", "c"])[rows].tolist()


def test_a_row_that_no_epoch_holds_has_the_label_of_the_run(tmp_path):
    dynamics = TrainingDynamics(["a", "b", "c"])
    dynamics.update(0, np.array([[0.7, 0.2, 0.1]]), [0])
    write_dynamics(dynamics, tmp_path)
    with pytest.warns(LogRowsWarning, match="1 rows are in no epoch, and are NaN"):
        read = read_dynamics(tmp_path, sample_ids=[2, 0])
    assert read.labels.tolist() == ["c", "a"]
    assert np.isnan(read.true_proba[0, 0])


def test_a_file_with_a_damaged_page_is_named_on_every_engine(engine, tmp_path):
    rng = np.random.RandomState(0)
    table = pa.table({"sample_id": np.arange(20000), "epoch": np.zeros(20000, dtype=int),
                      "true_proba": rng.rand(20000), "correct": rng.rand(20000) < 0.5})  # fmt: skip
    write(tmp_path, table.slice(0, 5), table)
    damaged = bytearray((tmp_path / "b.parquet").read_bytes())
    damaged[30000:-2000] = rng.bytes(len(damaged) - 32000)
    (tmp_path / "b.parquet").write_bytes(damaged)
    for function in (
        lambda: data_map_from_logs(tmp_path, engine=engine),
        lambda: select_from_logs(tmp_path, "easy", 0.5, engine=engine, stratify=False),
    ):
        with pytest.raises(ValueError, match="b.parquet does not hold a log that can be read"):
            function()


# What is no Parquet file


def test_files_of_the_reference_implementation_are_an_error_that_says_what_reads_them(tmp_path):
    pytest.importorskip("polars")
    file = tmp_path / "dynamics_epoch_0.jsonl"
    file.write_text('{"guid": 1, "logits_epoch_0": [1, 0], "gold": 0}')
    for log in (tmp_path, file, f"{tmp_path}/*.jsonl", [file]):
        with pytest.raises(
            (FileNotFoundError, InvalidParameterError), match="read_dynamics *reads"
        ):
            data_map_from_logs(log)


def test_a_log_of_several_folders_is_named_by_them(tmp_path):
    pytest.importorskip("polars")
    for name in "ab":
        write(tmp_path / name, table_of())
    for function in (data_map_from_logs, read_dynamics):
        with pytest.warns(LogRowsWarning, match=r"/a and 1 other folders holds 6 rows .*\[-2, 7\]"):
            function([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize("ids", [None, ["a", "b", "c"]], ids=str)
def test_rows_of_a_run_that_no_epoch_holds_are_reported(ids, engine, tmp_path):
    dynamics = TrainingDynamics(["a", "b", "c"], sample_ids=ids)
    dynamics.update(0, np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]), [0, 2])
    write_dynamics(dynamics, tmp_path)
    name = "1" if ids is None else "'b'"
    with pytest.warns(
        LogRowsWarning, match=rf"lacks 1 of 3 rows, among them \[{name}\], which are"
    ):
        found = data_map_from_logs(tmp_path, engine=engine)
    assert np.isnan(found.confidence).tolist() == [False, True, False]
