"""Containers of samples: rows, names of rows, and errors for what is no container."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from names import name_of
from sklearn_carto._inputs._containers import (
    check_missing,
    check_same_length,
    n_columns_of,
    row_names,
    take,
)

X, y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])


class Owner:
    def __init__(self, estimator):
        self.estimator = estimator


def cells(*values):
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


TOKENS = [["a"], ["a", "b"], [], ["c", "a", "b"]]


@pytest.mark.parametrize(
    "rows",
    [
        TOKENS,
        tuple(TOKENS),
        [tuple(row) for row in TOKENS],
        [np.array(row) for row in TOKENS],
        tuple(np.array(row) for row in TOKENS),
        cells(*TOKENS),
        cells(*map(np.array, TOKENS)),
    ],
    ids=["lists", "tuple", "tuples", "arrays", "tuple of arrays", "cells", "cells of arrays"],
)
def test_rows_of_unequal_length_are_rows(rows):
    check_same_length(rows, y)
    assert n_columns_of(rows) is None
    selected = take(rows, np.array([3, 0]))
    assert type(selected) is type(rows)
    assert [list(row) for row in selected] == [TOKENS[3], TOKENS[0]]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (None, "Pass the samples"),
        ("text", r"A single text is a list of one text: \[X\]"),
        (b"text", "A single text"),
        ({1, 2}, "A set has no order"),
        ({1: 2}.keys(), "A set has no order"),
        (iter(X), "can be read only once"),
        ((row for row in X), "can be read only once"),
        (3, "A single sample is a list of one sample"),
        (np.array(3.0), "A single sample is a list of one sample"),
        (object(), "A single sample"),
        (LogisticRegression, "A single sample"),
        (LogisticRegression(), "A single sample"),
        ({}, "It holds no input"),
        ({"a": X, "b": None}, r"X\['b'\] must be a container"),
        ({"a": X, "b": "text"}, r"X\['b'\] must be a container"),
        ({"a": X, "b": X[:3]}, r"each of the 4 labels, but X\['b'\] has 3"),
        ((X[:3], X[:3]), r"each of the 4 labels, but X\[0\] has 3, X\[1\] has 3"),
        (X[:0], "at least one sample"),
        ([], "at least one sample"),
        (X[:3], "inconsistent numbers of samples"),
    ],
    ids=name_of,
)
def test_what_is_no_container_of_samples_is_one_clear_error(samples, message):
    with pytest.raises(ValueError, match=message):
        check_same_length(samples, y)


def test_lazy_frames_are_to_be_collected():
    frame = pytest.importorskip("polars").LazyFrame({"a": [1, 2]})
    with pytest.raises(ValueError, match=r"Collect it first: X\.collect\(\)"):
        check_same_length(frame, y)


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda pd: pd.RangeIndex(4), None),
        (lambda pd: pd.Index([0, 1, 2, 3]), None),
        (lambda pd: pd.Index([3, 2, 1, 0]), [3, 2, 1, 0]),
        (lambda pd: pd.Index(list("aabb")), list("aabb")),
        (lambda pd: pd.Index([1, "a", None, 2.5]), [1, "a", None, 2.5]),
        (lambda pd: pd.MultiIndex.from_tuples([("a",), ("b",), ("c",), ("d",)]), list("abcd")),
        (
            lambda pd: pd.MultiIndex.from_product([["a", "b"], [1, 2]]),
            ["('a', 1)", "('a', 2)", "('b', 1)", "('b', 2)"],
        ),
        (lambda pd: pd.CategoricalIndex(list("abcd")), list("abcd")),
        (lambda pd: pd.Index([5, 6, 7, 2**53 + 1], dtype="Int64"), [5, 6, 7, 2**53 + 1]),
    ],
    ids=range(9),
)
def test_names_of_rows_are_those_of_the_index(make, names):
    pd = pytest.importorskip("pandas")
    found = row_names(pd.DataFrame(X, index=make(pd)))
    assert found is None if names is None else found.tolist() == names


@pytest.mark.parametrize(
    "make",
    [
        lambda pd: pd.period_range("2020", periods=4),
        lambda pd: pd.IntervalIndex.from_breaks(range(5)),
        lambda pd: pd.date_range("2020", periods=4),
        lambda pd: pd.date_range("2020", periods=4, tz="UTC"),
        lambda pd: pd.to_timedelta(range(4)),
        lambda pd: pd.DatetimeIndex(["2020", None, "2021", "2022"]),
    ],
    ids=["periods", "intervals", "dates", "time zone", "durations", "NaT"],
)
def test_an_index_of_any_type_names_rows(make):
    pd = pytest.importorskip("pandas")
    index = make(pd)
    assert_array_equal(row_names(pd.Series(range(4), index=index)), np.asarray(index))


HOLES = np.where(X == 3, np.nan, X)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(SimpleImputer(), LogisticRegression()),
        GridSearchCV(HistGradientBoostingClassifier(), {}),
        CalibratedClassifierCV(HistGradientBoostingClassifier()),
        HistGradientBoostingClassifier(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_what_may_be_missing_is_up_to_the_inner_estimator(estimator):
    check_missing(HOLES, Owner(estimator))
    check_missing(cells("a", np.nan), Owner(estimator))


def test_a_classifier_of_scikit_learn_that_takes_no_missing_values_is_not_trained_on_them():
    with pytest.raises(ValueError, match="contains NaN"):
        check_missing(HOLES, Owner(LogisticRegression()))
