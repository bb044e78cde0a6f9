"""Labels of any container and type, and errors for what are no labels."""

import datetime
from decimal import Decimal

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_carto._inputs._labels import check_labels


class Owner:
    """Stands for the estimator that the labels are passed to."""


def pandas_of(dtype, values, **kwargs):
    return lambda: pytest.importorskip("pandas").Series(values, dtype=dtype, **kwargs)


def of(package, make):
    return lambda: make(pytest.importorskip(package))


LABELS = {
    "Int64": (pandas_of("Int64", [2, 1]), "i"),
    "boolean": (pandas_of("boolean", [True, False]), "b"),
    "string": (pandas_of("string", ["b", "a"]), "O"),
    "category": (pandas_of("category", ["b", "a"]), "O"),
    "category of numbers": (pandas_of("category", [2, 1]), "i"),
    "frame": (of("pandas", lambda pd: pd.DataFrame({"y": pd.array([2, 1], dtype="Int64")})), "i"),
    "dates": (of("pandas", lambda pd: pd.Series(pd.to_datetime(["2021", "2020"]))), "M"),
    "polars text": (of("polars", lambda pl: pl.Series(["b", "a"])), "U"),
    "polars category": (of("polars", lambda pl: pl.Series(["b", "a"], dtype=pl.Categorical)), "U"),
    "polars frame": (of("polars", lambda pl: pl.DataFrame({"y": [2, 1]})), "i"),
    "arrow": (of("pyarrow", lambda pa: pa.chunked_array([["b"], ["a"]])), "U"),
    "tensor": (of("torch", lambda torch: torch.tensor([1, 0])), "i"),
    "bfloat16": (of("torch", lambda t: t.tensor([1.0, 0.0], dtype=t.bfloat16)), "f"),
    "tuple": (lambda: ("b", "a"), "U"),
    "range": (lambda: range(2)[::-1], "i"),
    "values of a dict": (lambda: {0: 2, 1: 1}.values(), "i"),
    "objects that are ints": (lambda: np.array([2, 1], dtype=object), "i"),
    "objects that are booleans": (lambda: np.array([True, False], dtype=object), "b"),
    "whole floats": (lambda: [2, 1.0], "f"),
    "numpy strings": (lambda: np.array(["b", "a"], dtype=np.dtypes.StringDType()), "O"),
    "zeros at the end": (lambda: ["a\0", "a"], "O"),
    "nothing masked": (lambda: np.ma.array([2, 1]), "i"),
    "big endian": (lambda: np.array([2, 1], dtype=">i4"), "i"),
}


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("name", LABELS)
def test_labels_of_any_container_are_arrays_of_their_type(name):
    if name == "numpy strings" and not hasattr(np.dtypes, "StringDType"):
        pytest.skip("this numpy has no strings of variable length")
    make, kind = LABELS[name]
    y, classes, y_encoded = check_labels(make(), Owner())
    assert y.dtype.kind == kind
    assert_array_equal(y_encoded, [1, 0])
    assert_array_equal(classes[y_encoded], y)


NO_LABELS = {
    "None": (None, "requires y to be passed"),
    "number": (5, "one label for each sample. Got 5"),
    "text": ("ab", "one label for each sample. Got 'ab'"),
    "set": ({1, 2}, "one label for each sample"),
    "dict": ({0: 1}, "one label for each sample"),
    "iterator": (iter([1, 2]), "one label for each sample"),
    "function": (len, "one label for each sample"),
    "class": (int, "one label for each sample"),
    "ragged": ([[1], [1, 2]], "one label for each sample"),
    "sparse": (sparse.csr_array([[0], [1]]), "one label for each sample"),
    "structured": (np.zeros(2, dtype=[("a", int)]), "one label for each sample"),
    "empty": ([], "at least one label"),
    "columns": ([[1, 2], [3, 4]], r"shape \(2, 2\)"),
    "three dimensions": (np.zeros((2, 1, 1)), r"shape \(2, 1, 1\)"),
    "int and text": (["a", 1], "several types: int, str"),
    "bool and text": (np.array(["a", True], dtype=object), "several types: bool, str"),
    "None among text": (["a", None], r"missing values .* in 1 rows, among them \[1\]"),
    "NaN among text": (["a", float("nan"), "b"], r"missing values .* among them \[1\]"),
    "NaT": (np.array(["NaT", "2020"], dtype="M8[D]"), r"missing values .* among them \[0\]"),
    "masked": (np.ma.array([1, 2], mask=[True, False]), r"missing values .* among them \[0\]"),
    "infinity": ([1.0, np.inf], "infinity"),
    "continuous": ([0.5, 0.25, 1.0], "Unknown label type: continuous"),
    "one class": (["a", "a"], "at least two classes"),
    "bytes": ([b"a", b"b"], r"the type bytes.*label.decode\(\)"),
    "Decimal": ([Decimal(1), Decimal(2)], r"the type Decimal.*str\(label\)"),
    "date": ([datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)], "the type date"),
    "huge": ([2**70, 1], "the type int"),
    "tuples": (np.array([(1,), (1, 2)], dtype=object), "the type tuple"),
}


@pytest.mark.parametrize("name", NO_LABELS)
def test_what_are_no_labels_is_one_clear_error(name):
    y, message = NO_LABELS[name]
    with pytest.raises(ValueError, match=message):
        check_labels(y, Owner())


@pytest.mark.parametrize(
    ("dtype", "values"), [("Int64", [1, 2]), ("string", ["a", "b"]), ("boolean", [1, 0])]
)
def test_missing_labels_of_pandas_are_named(dtype, values):
    y = pandas_of(dtype, [*values, None])()
    with pytest.raises(ValueError, match=r"missing values .* among them \[2\]"):
        check_labels(y, Owner())
