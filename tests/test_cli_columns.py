"""What the columns of a table hold, and how they become numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_carto._cli._cells import as_days, as_number, is_missing
from sklearn_carto._cli._columns import CategoryColumn, NumberColumn, choose_columns
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._labels import LabelReader, is_canonical_int, read_ids
from sklearn_carto._cli._messages import Messages
from sklearn_carto._cli._profiles import MAX_CATEGORIES, ColumnProfile

SILENT = Messages(SimpleNamespace(quiet=True, json=False, debug=False))
WORDS = ["a fine old film", "not a good story at all", "why did they make it"]
COLUMNS = {  # name: (cells, kind, what is told)
    "age": ([str(i % 7) for i in range(30)], "number", None),
    "age, few missing": (["1", "2.5", "", "NA", "-3e2", "?"] * 5, "number", None),
    "typo": ([*(str(i / 7) for i in range(99)), "n0"], "number", "holds 1 values that are no"),
    "town": (["Rome", "Paris", "Oslo"] * 10, "category", None),
    "flag": (["true", "false"] * 15, "category", None),
    "day": ([f"2024-01-{i % 28 + 1:02d}" for i in range(30)], "date", None),
    "time": ([f"2024-01-01T10:00:{i:02d}Z" for i in range(30)], "date", None),
    "either": ([f"0{i % 9 + 1}/0{i % 7 + 1}/2024" for i in range(60)], "date", "holds dates like"),
    "european": ([f"{i % 28 + 1}/01/2024" for i in range(60)], "date", None),
    "american": ([f"01/{i % 28 + 1}/2024" for i in range(60)], "date", None),
    "constant": (["x"] * 30, None, "is constant"),
    "empty": (["", "nan", None] * 10, None, "holds no values"),
    "row": ([str(i) for i in range(30)], None, "looks like an id"),
    "user_id": ([str(7 * i % 31) for i in range(30)], None, "looks like an id"),
    "amount": ([str(7 * i % 31) for i in range(30)], "number", None),
    "code": ([f"x{i}" for i in range(30)], None, "looks like an id"),
    "review": ([f"{WORDS[i % 3]} {i}" for i in range(30)], "text", "looks like free text"),
    "zip": ([f"z{i % 90}" for i in range(400)], "category", "has 90 categories"),
    "nested": ([[1], {"a": 2}] * 15, None, "holds lists or objects"),
    "half constant": (["x", ""] * 15, "category", None),
}  # fmt: skip


def profile_of(name, cells, comma=None, n_blocks=1):
    profile = ColumnProfile(name, comma)
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    for block in np.array_split(column, n_blocks):
        profile.update(block)
    return profile


@pytest.mark.parametrize("n_blocks", [1, 4])
@pytest.mark.parametrize("name", COLUMNS)
def test_kind_of_a_column(name, n_blocks):
    cells, kind, told = COLUMNS[name]
    found, why = profile_of(name, cells, n_blocks=n_blocks).kind()
    assert found == kind
    assert why is None if told is None else why.startswith(told)
    assert (why is None) == (told is None)


def test_numbers_of_numpy_are_as_those_in_text():
    numbers = np.array([3.0, np.nan, np.inf, 1.5] * 10)
    profile = ColumnProfile("x")
    profile.update(numbers)
    assert profile.kind() == ("number", None)
    assert (profile.n_missing, profile.n_numbers) == (20, 20)
    assert_array_equal(NumberColumn("x").encode(numbers[:4]), [3.0, np.nan, np.nan, 1.5])


def test_decimal_commas_where_commas_do_not_delimit():
    cells = ["1,5", "2,25"] * 10
    assert profile_of("x", cells).kind()[0] == "category"
    assert profile_of("x", cells, "decimal").kind()[0] == "number"
    encoded = NumberColumn("x", "decimal").encode(np.array(["1,5", "3", "x"], dtype=object))
    assert_array_equal(encoded, [1.5, 3.0, np.nan])


@pytest.mark.parametrize(
    ("cells", "comma", "expected"),
    [
        (["1,234", "999", "12,345,678"], "either", [1234, 999, 12_345_678]),
        (["1,234", "0,5", "3"], "either", [1.234, 0.5, 3]),
        (["0,125", "1,250", "2,500"], "either", [0.125, 1.25, 2.5]),
        (["1,250", "2,500", "3"], "decimal", [1.25, 2.5, 3]),
        (["1,234.5", "-2,000", "7"], "group", [1234.5, -2000, 7]),
    ],
    ids=["groups", "decimals", "leading-zeros", "semicolons", "quoted"],
)
def test_a_comma_is_a_decimal_one_or_sets_off_thousands(cells, comma, expected):
    """Never both in a column: 1,234 would be less than 999."""
    profile = profile_of("x", cells * 10, comma, n_blocks=3)
    columns, _ = choose_columns([profile], SILENT)
    assert profile.kind() == ("number", None)
    encoded = columns.columns[0].encode(np.array(cells, dtype=object))
    assert_array_equal(encoded, expected)


def test_rare_categories_share_a_code_and_missing_ones_have_their_own():
    cells = [f"c{i}" for i in range(60) for _ in range(60 - i)]
    categories = profile_of("x", cells).categories()
    assert categories == [f"c{i}" for i in range(MAX_CATEGORIES)]
    column = CategoryColumn("x", categories)
    shown = np.array(["c0", "c49", "c50", "never seen", "", None, " c1 "], dtype=object)
    assert_array_equal(column.encode(shown), [0, 49, 50, 50, 51, 51, 1])
    assert column.n_codes == 52


@pytest.mark.parametrize(
    ("value", "days"),
    [("1970-01-02", 1.0), ("1970-01-01T12:00:00+00:00", 0.5), ("x", None), (3, None)],
    ids=repr,
)
def test_days_since_1970(value, days):
    assert as_days(value) == days


@pytest.mark.parametrize(
    "value", ["", "  ", "NaN", "NA", None, float("nan"), "null", "?"], ids=repr
)
def test_missing_cells(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", ["inf", "1,5", "x", None, [1], "0x10", "12_3"], ids=repr)
def test_no_numbers(value):
    assert as_number(value) is None


class OneColumn:
    """A table of one column, and its source."""

    path, names = "file.csv", ["y"]

    def __init__(self, cells):
        self.n_rows, self.cells = len(cells), np.empty(len(cells), dtype=object)
        self.cells[:] = cells

    def column(self, name):
        return self.cells


def labels_of(cells):
    table = OneColumn(cells)
    reader = LabelReader(table, "y")
    reader.update(table)
    return reader, reader.labels(table)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "10"], [1, -2, 10]),
        (["1", "02"], ["1", "02"]),
        (["1.0", "2.0"], ["1.0", "2.0"]),
        (["b ", "a"], ["b", "a"]),
        ([1.0, 2.0, None], [1, 2]),
        ([True, False], [True, False]),
        (["a", 1], ["a", "1"]),
        (["none", "-"], ["none", "-"]),  # names that labels may have
        (["a", "", "NA", "b", None], ["a", "b"]),
    ],
    ids=repr,
)
def test_labels_are_integers_where_their_text_can_be_restored(cells, expected):
    _, labels = labels_of(cells)
    assert labels.y.tolist() == expected
    assert [str(cells[row]).strip() for row in labels.rows][0] == str(cells[0]).strip()


@pytest.mark.parametrize(
    ("cells", "match"),
    [
        (["a", "", "b", None], r"2 of 4 rows have no label .*1, 3 .*--drop-missing-target"),
        (["a", "a"], "holds one class alone, 'a'"),
        (["", ""], "2 of 2 rows have no label"),
        (["0.5", "1.5", "2"], "continuous numbers"),
        ([0.5, 1.5, 2.0], "continuous numbers"),
        ([f"x{i * 3 // 4}" for i in range(40)], "almost as many labels as rows"),
        ([str(i) for i in range(40)], "holds as many labels as rows"),
    ],
    ids=["missing", "one", "none", "text", "floats", "names", "integers"],
)
def test_columns_that_are_no_labels(cells, match):
    reader, _ = labels_of(cells)
    with pytest.raises(CommandError, match=match):
        reader.check(drop_missing=False)


def test_nested_labels():
    with pytest.raises(CommandError, match="holds lists, objects or bytes"):
        labels_of([[1], [2]])


@pytest.mark.parametrize("text", ["7", "0", "-12"])
def test_text_that_is_an_integer(text):
    assert is_canonical_int(text)


@pytest.mark.parametrize("text", ["07", "-0", "+1", "1.0", "", "-", "²", "٣", "9" * 30])
def test_text_that_must_stay_text(text):
    assert not is_canonical_int(text)


def test_ids():
    table = OneColumn(["a", "b", "c"])
    assert read_ids(table, table, None).tolist() == [0, 1, 2]
    assert read_ids(table, table, "y").tolist() == ["a", "b", "c"]
    assert read_ids(OneColumn(["5", "3"]), table, "y").tolist() == [5, 3]
    assert read_ids(OneColumn(["5", "03"]), table, "y").tolist() == ["5", "03"]


@pytest.mark.parametrize(
    ("cells", "match"),
    [
        (["a", "b", "a"], "rows 0 and 2 .* have the same id 'a'"),
        (["a", "", None], "holds no id in 2 rows, among them 1, 2"),
    ],
    ids=["doubled", "missing"],
)
def test_ids_that_identify_no_row(cells, match):
    table = OneColumn(cells)
    with pytest.raises(CommandError, match=match):
        read_ids(table, table, "y")
