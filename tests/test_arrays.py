"""Arrays that users pass: what is taken for numbers, labels, names and positions."""

import datetime
import uuid
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from sklearn_carto._utils._arrays import as_labels, as_names, as_numbers, as_rows, same_entries
from sklearn_carto._utils._compat import InvalidParameterError

RAGGED = [[1, 2], [3]]


@pytest.mark.parametrize(
    "values", [[1, 2], (0.5, 1.5), np.array([1, 2], dtype=object), [Fraction(1, 2), 1]], ids=str
)
def test_real_numbers_of_any_container_are_numbers(values):
    numbers = as_numbers(values, "x", "f")
    assert numbers.tolist() == [float(value) for value in values]


@pytest.mark.parametrize(
    "values",
    [
        ["0.5", "1"],
        [True, False],
        [1j, 2],
        [0.5, None],
        [Decimal("0.5")],
        RAGGED,
        [[0.5]],
        0.5,
        None,
        "ab",
        {0.5},
        {0: 0.5},
        np.array(["2020"], dtype="M8[Y]"),
        np.ma.masked_array([0.1, 0.2], mask=[True, False]),
    ],
    ids=str,
)
def test_what_is_no_array_of_numbers_is_refused(values):
    with pytest.raises(InvalidParameterError, match="'x' parameter of f must hold one number"):
        as_numbers(values, "x", "f")


@pytest.mark.parametrize(
    "labels",
    [[None, "a"], [1.0, np.nan], np.array(["NaT", "2020"], dtype="M8[D]"), np.array([1, None])],
    ids=str,
)
def test_missing_labels_are_counted_and_refused(labels):
    with pytest.raises(ValueError, match="must not hold missing labels. Got 1 of them|one kind"):
        as_labels(labels, "labels", "f")


@pytest.mark.parametrize(
    "labels",
    [["a", 1], [], [["a"], ["b"]], RAGGED, None, "ab", {1, 2}, 3, np.ma.masked_all(2)],
    ids=str,
)
def test_labels_are_of_one_kind_and_dimension(labels):
    with pytest.raises(InvalidParameterError, match="'y' parameter of f must hold at least one"):
        as_labels(labels, "y", "f")


def test_labels_that_cannot_be_sorted_are_refused():
    with pytest.raises(InvalidParameterError, match="labels that can be sorted"):
        as_labels(np.array(["a", 1], dtype=object), "y", "f")


NAMES = {
    "mixed": [1, "1", 2.5],
    "tuples": [("a", 1), ("a", 2), ("b", 1)],
    "lists of two lengths": [("a",), ("a", 2), ("b", 1)],
    "uuids": [uuid.UUID(int=i) for i in range(3)],
    "dates": [datetime.date(2020, 1, day) for day in (1, 2, 3)],
    "missing": [None, float("nan"), "a"],
    "bytes": [b"a", b"b", b"c"],
    "flags and numbers": [True, 1, 0],
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_rows_keep_their_types(kind):
    names = as_names(NAMES[kind], 3, "sample_ids", "f")
    assert names.shape == (3,)
    for name, given in zip(names.tolist(), NAMES[kind], strict=True):
        assert type(name) is type(given)
        assert name is given or name == given


@pytest.mark.parametrize("names", [["a"], None, "abc", {1, 2, 3}, [[1], [2]], 3], ids=str)
def test_there_is_one_name_for_each_row(names):
    with pytest.raises(InvalidParameterError, match="one entry for each of the 3 rows"):
        as_names(names, 3, "sample_ids", "f")


@pytest.mark.parametrize("kind", NAMES)
def test_names_equal_themselves_also_where_they_are_missing(kind):
    names = as_names(NAMES[kind], 3, "sample_ids", "f")
    assert same_entries(names, names.copy())
    assert not same_entries(names, names[::-1])
    assert not same_entries(names, None)


def test_missing_numbers_and_dates_equal_their_own_kind():
    for array in (np.array([1.0, np.nan]), np.array(["NaT", "2020"], dtype="M8[s]")):
        assert same_entries(array, array.copy())
    assert not same_entries(np.array(["1", "2"]), np.array([1, 2]))
    assert not same_entries(np.array([None, 1]), np.array([np.nan, 1], dtype=object))
    assert same_entries(np.array([1, 2]), np.array([1, 2], dtype=object))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 0], r"must not contain a row twice. Got \[0\]"),
        ([-1, 2], r"positions from 0 to 2. Got \[-1\]"),
        ([3], r"positions from 0 to 2. Got \[3\]"),
        ([0.0], "must hold positions"),
        (["0"], "must hold positions"),
        ([True, False], "must hold positions"),
        ([[0]], "must hold positions"),
        (1, "must hold positions"),
        (None, "must hold positions"),
        (RAGGED, "must hold positions"),
    ],
    ids=str,
)
def test_rows_are_positions_each_once(rows, message):
    with pytest.raises(InvalidParameterError, match=message):
        as_rows(rows, 3, "rows", "f")


def test_rows_are_taken_as_positions_or_as_a_mask():
    assert as_rows([2, 0], 3, "rows", "f").tolist() == [2, 0]
    assert as_rows([True, False, True], 3, "rows", "f").tolist() == [0, 2]
    assert as_rows([], 3, "rows", "f").tolist() == []
