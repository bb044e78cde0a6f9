"""A digest of data by values."""

import datetime
import tracemalloc
import uuid
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from threading import Lock

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_carto._inputs._fingerprint import fingerprint, value_fingerprint

X = np.arange(12.0).reshape(4, 3)


def touched(matrix):
    """Set the flags that a computation leaves behind."""
    matrix = matrix.copy()
    matrix.sort_indices()
    _ = matrix.has_canonical_format
    return matrix


def unsorted(matrix):
    matrix = matrix.copy()
    for row in range(matrix.shape[0]):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        matrix.indices[part] = matrix.indices[part][::-1]
        matrix.data[part] = matrix.data[part][::-1]
    matrix.has_sorted_indices = False
    return matrix


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (X, np.asfortranarray(X)),
        (X, X.copy()[::1]),
        (X[::2], X[::2].copy()),
        (X, X.tolist()),
        (["a", "bc"], ("a", "bc")),
        (["a", "bc"], np.array(["a", "bc"], dtype=object)),
        (np.array(["a", "bc"]), np.array(["a", "bc"], dtype="<U9")),
        (sp.csr_matrix(X), sp.csc_matrix(X)),
        (sp.csr_matrix(X), sp.csr_array(X)),
        (sp.csr_matrix(X), touched(sp.csr_matrix(X))),
        (sp.csr_matrix(X), unsorted(sp.csr_matrix(X))),
    ],
    ids=range(11),
)
def test_equal_values_have_equal_digests(one, other):
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (X, X + 1e-9),
        (X, X.reshape(3, 4)),
        (X, X.astype(np.float32)),
        (X, X[::-1]),
        (["ab", "c"], ["a", "bc"]),
        (["1"], [1]),
        (X, sp.csr_matrix(X)),
        (np.array([0, 1]), np.array([False, True])),
        (None, X),
        ({"a": X}, {"b": X}),
    ],
    ids=range(10),
)
def test_unequal_values_have_unequal_digests(one, other):
    assert fingerprint(one) != fingerprint(other)


def test_the_order_of_parts_counts():
    assert fingerprint(X, None) != fingerprint(None, X)


def test_frames_go_by_column_names_and_values():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4], "c": ["x", "y"]})
    in_blocks = pd.concat([frame[["a"]], frame[["b"]], frame[["c"]]], axis=1)
    assert fingerprint(frame) == fingerprint(in_blocks)
    assert fingerprint(frame) == fingerprint(frame.set_axis([7, 8]))  # the index is no value
    assert fingerprint(frame) != fingerprint(frame.rename(columns={"a": "z"}))
    assert fingerprint(frame) != fingerprint(frame[["b", "a", "c"]])
    assert fingerprint(frame) != fingerprint(frame.assign(c=["x", "z"]))


def test_frames_of_polars_and_pandas_agree_on_numbers():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"a": [1.0, 2.0], "b": [3, 4]}
    assert fingerprint(pd.DataFrame(columns)) == fingerprint(pl.DataFrame(columns))


def test_data_is_left_as_it_was():
    matrix = unsorted(sp.csr_matrix(X))
    before = matrix.indices.copy()
    fingerprint(matrix)
    assert (matrix.indices == before).all()


def test_categories_differ_from_their_numbers():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"c": [1, 2, 1]})
    assert fingerprint(frame) != fingerprint(frame.astype("category"))
    more = pd.DataFrame({"c": pd.Categorical([1, 2, 1], categories=[1, 2, 3])})
    assert fingerprint(frame.astype("category")) != fingerprint(more)


LONG = np.arange(5000.0)
CHANGED = np.where(LONG == 2500, 0, LONG)  # numpy prints both alike
UTC = datetime.UTC


def cells(*values):
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


class Colour(Enum):
    RED = 1
    BLUE = 2


class Point:
    def __init__(self, *at):
        self.at = at

    def __repr__(self):
        return "a point"


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (LONG, CHANGED),
        (LONG.tolist(), CHANGED.tolist()),
        ({"a": LONG}, {"a": CHANGED}),
        ([{"a": [LONG, 1]}], [{"a": [CHANGED, 1]}]),
        (np.array(["a", "b"]), np.array(["a", "c"])),
        ({1, 2}, {1, 3}),
        ({"1": 0}, {1: 0}),
        (1, "1"),
        (b"1", "1"),
        (True, 1),
        (0.1, np.float32(0.1)),
        (2**53 + 1, 2**53),
        (Decimal("1.0"), Decimal("1.01")),
        (Fraction(1, 3), Fraction(1, 4)),
        (datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 1, tzinfo=UTC)),
        (np.datetime64("2020"), np.datetime64("2021")),
        (uuid.UUID(int=1), uuid.UUID(int=2)),
        (Colour.RED, Colour.BLUE),
        (Point(LONG), Point(CHANGED)),
        (range(3), range(4)),
        (None, float("nan")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_cells_are_compared_by_value(value, other):
    again = cells(value).copy()
    assert value_fingerprint(cells(value, 0)) == value_fingerprint(cells(*again, 0)) is not None
    assert fingerprint(cells(value, 0)) != fingerprint(cells(other, 0))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([["a", "b"], ["c"]], [["a"], ["b", "c"]]),
        ([[1, 2], [3]], [[1], [2, 3]]),
        ([1, "1"], ["1", "1"]),
        (["a\0"], ["a"]),
        ([2**63, -1], [2**63 + 1, -1]),
        ([[2.0**53 + 2, 0.5]], [[2.0**53, 0.5]]),
        (np.ma.array(LONG, mask=LONG > 3), np.ma.array(LONG, mask=LONG > 4)),
        (
            np.array([(1, "a")], dtype=[("n", int), ("t", "U2")]),
            np.array([(1, "b")], dtype=[("n", int), ("t", "U2")]),
        ),
        (
            np.array([(1, [1])], dtype=[("n", int), ("t", object)]),
            np.array([(1, [2])], dtype=[("n", int), ("t", object)]),
        ),
        (np.array([1], dtype="m8[s]"), np.array([1], dtype="m8[h]")),
        ((LONG, CHANGED), (CHANGED, LONG)),
    ],
    ids=range(11),
)
def test_values_that_numpy_would_make_alike_are_told_apart(one, other):
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ([("a", "b"), ("c",)], [["a", "b"], ["c"]]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"x", "y", "z"}, {"z", "y", "x"}),
        (np.arange(3, dtype=">i4"), np.arange(3, dtype="<i4")),
        (np.longdouble([0.1, 2]), np.longdouble([0.1, 2]).copy()),
        (cells(np.float64(0.5), 1), cells(0.5, np.int64(1))),
        (cells([1, [2, "a"]]), cells([1, [2, "a"]])),
    ],
    ids=range(7),
)
def test_values_in_other_containers_or_another_order_are_the_same(one, same):
    assert fingerprint(one) == fingerprint(same)


def test_what_has_no_value_is_known_by_identity():
    for make in (Lock, lambda: (i for i in [1])):
        value, other = make(), make()
        assert value_fingerprint([value]) is None
        assert fingerprint([value]) == fingerprint([value]) != fingerprint([other])
    assert value_fingerprint([object()]) is None
    assert fingerprint([object()]) != fingerprint([object()])


def test_a_list_that_holds_itself_has_a_digest():
    endless = [1, "a"]
    endless.append(endless)
    assert fingerprint(endless) == fingerprint(endless)


def pandas_columns():
    pd = pytest.importorskip("pandas")
    return [
        (pd.Series([2**53, None], dtype="Int64"), pd.Series([2**53 + 1, None], dtype="Int64")),
        (pd.Series([True, None], dtype="boolean"), pd.Series([False, None], dtype="boolean")),
        (pd.Series(["a", None], dtype="string"), pd.Series(["a", "b"], dtype="string")),
        (
            pd.Series(pd.period_range("2020", periods=2)),
            pd.Series(pd.period_range("2021", periods=2)),
        ),
        (
            pd.Series(pd.date_range("2020", periods=2, tz="UTC")),
            pd.Series(pd.date_range("2020", periods=2, tz="Asia/Tokyo")),
        ),
        (pd.Series([LONG, 1]), pd.Series([CHANGED, 1])),
        (pd.Series(pd.arrays.SparseArray([0, 1])), pd.Series(pd.arrays.SparseArray([1, 0]))),
        (
            pd.Series(["a", "b"], dtype="category"),
            pd.Series(pd.Categorical(["a", "b"], categories=["b", "a"])),
        ),
    ]


@pytest.mark.parametrize("i", range(8))
def test_columns_of_pandas_own_types_are_known_by_value(i):
    one, other = pandas_columns()[i]
    frame = one.to_frame("a")
    assert value_fingerprint(frame) == value_fingerprint(frame.copy()) is not None
    assert fingerprint(frame) != fingerprint(other.to_frame("a"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([2**53, None], [2**53 + 1, None]),
        ([LONG.tolist()], [CHANGED.tolist()]),
        ([{"a": 1}], [{"a": 2}]),
        (["a", None], ["a", "None"]),
    ],
    ids=range(4),
)
def test_columns_of_polars_and_arrow_are_known_by_value(one, other):
    for make in (pytest.importorskip("polars").DataFrame, pytest.importorskip("pyarrow").table):
        assert value_fingerprint(make({"a": one})) == value_fingerprint(make({"a": one}))
        assert fingerprint(make({"a": one})) != fingerprint(make({"a": other}))


def test_names_of_columns_are_compared_by_value():
    pd = pytest.importorskip("pandas")
    for one, other in [((1, 2), "(1, 2)"), (1, "1"), (pd.Timestamp("2020"), "2020-01-01 00:00:00")]:
        frames = [pd.DataFrame(np.ones((2, 1))).set_axis([name], axis=1) for name in (one, other)]
        assert fingerprint(frames[0]) != fingerprint(frames[1])


@pytest.mark.parametrize("nested", [False, True, "fields"])
@pytest.mark.parametrize("kind", ["Datetime", "Duration", "Time"])
def test_nanoseconds_of_columns_count(kind, nested):
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    types = {
        "Datetime": (pl.Datetime("ns"), pa.timestamp("ns")),
        "Duration": (pl.Duration("ns"), pa.duration("ns")),
        "Time": (pl.Time, pa.time64("ns")),
    }
    for make, cast in (
        (pl.DataFrame, lambda values: pl.Series(values).cast(types[kind][0])),
        (pa.table, lambda values: pa.array(values, types[kind][1])),
    ):
        tables = []
        for values in ([1, 2], [1, 3], [1, 2]):
            column = cast(values)
            if nested == "fields":
                column = (
                    pl.DataFrame({"b": column}).to_struct("a")
                    if make is pl.DataFrame
                    else pa.StructArray.from_arrays([column], ["b"])
                )
            elif nested:
                column = (
                    pl.Series([column])
                    if make is pl.DataFrame
                    else pa.ListArray.from_arrays([0, 2], column)
                )
            tables.append(make({"a": column}))
        one, other, same = tables
        assert fingerprint(one) == fingerprint(same)
        assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    "view",
    [np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2]],
    ids=["columns", "strides"],
)
def test_an_array_in_another_order_of_memory_is_not_copied_whole(view):
    X = np.random.RandomState(0).normal(size=(1_000_000, 10))  # 80 MB
    other = view(X)
    tracemalloc.start()
    found = fingerprint(other)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 2
    assert found == fingerprint(X)
