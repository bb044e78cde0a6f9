"""The default proxy model: which samples it supports, and what the error says of others."""

import datetime
from decimal import Decimal

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.linear_model import SGDClassifier
from sklearn.utils.fixes import parse_version

from sklearn_carto import CartographyClassifier
from sklearn_carto._selection._default_proxy import default_proxy

OLD_SKLEARN = parse_version(sklearn.__version__) < parse_version("1.7")
y = np.arange(20) % 2
NUMBERS = np.random.RandomState(0).normal(size=20)


def fit(X):
    return CartographyClassifier(default_proxy(X), n_epochs=2).fit(X, y).confidence_


pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, None], "Int64"),
        ([1, 0], "UInt8"),
        ([1.5, None], "Float32"),
        ([True, None], "boolean"),
        ([True, False], "bool"),
        (["a", None], "category"),
        ([2, 1], "category"),
        ([1, 2.5], object),
        ([1, None], object),
        ([True, None], object),
        ([Decimal("1.5"), Decimal(2)], object),
    ],
    ids=str,
)
def test_columns_of_pandas_that_are_numbers_or_categories_are_taken(values, dtype):
    pd = pytest.importorskip("pandas")
    fit(pd.DataFrame({"a": pd.Series(values * 10, dtype=dtype), "b": NUMBERS}))


@pytest.mark.parametrize("kind", ["Int64", "UInt8", "Float32", "Boolean", "Categorical", "Decimal"])
def test_columns_of_polars_that_are_numbers_or_categories_are_taken(kind):
    pl = pytest.importorskip("polars")
    if kind == "Decimal" and OLD_SKLEARN:
        pytest.skip("this scikit-learn reads frames by a protocol that lacks decimals")
    values = pl.Series(["1", "0", None, "1"] * 5)
    values = values if kind == "Categorical" else values.cast(pl.Int64)
    dtype = pl.Decimal(5, 2) if kind == "Decimal" else getattr(pl, kind)
    fit(pl.DataFrame({"a": values.cast(dtype), "b": NUMBERS}))


DATE = datetime.date(2020, 1, 1)
COLUMNS = {
    "dates": (lambda pd: pd.date_range("2020", periods=20), "dates or times .*days since"),
    "time zone": (lambda pd: pd.date_range("2020", periods=20, tz="UTC"), "dates or times"),
    "durations": (lambda pd: pd.to_timedelta(range(20)), "dates or times"),
    "periods": (lambda pd: pd.period_range("2020", periods=20), "dates or times"),
    "date objects": (lambda pd: pd.Series([DATE] * 20, dtype=object), "dates or times"),
    "intervals": (lambda pd: pd.IntervalIndex.from_breaks(range(21)), "objects .*Pipeline"),
    "lists": (lambda pd: pd.Series([[1]] * 20), "objects .*Pipeline"),
    "text": (lambda pd: pd.Series(["a", None] * 10, dtype=object), "text .*'category'"),
    "string": (lambda pd: pd.Series(["a", None] * 10, dtype="string"), "text .*OneHotEncoder"),
    "text and numbers": (lambda pd: pd.Series([1, "a"] * 10, dtype=object), "text"),
    "pd.NA": (
        lambda pd: pd.Series([1, pd.NA] * 10, dtype=object),
        r"numbers and pd.NA as objects .*'Float64'",
    ),
    "nothing": (lambda pd: pd.Series([None] * 20, dtype=object), "missing values alone .*Drop"),
    "NaN": (lambda pd: pd.Series([np.nan] * 20), "missing values alone"),
    "mixed categories": (
        lambda pd: pd.Series([1, "a"] * 10, dtype="category"),
        r"categories of several types .*astype\(str\)",
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_are_not_supported_are_named_with_the_way_out(name):
    make, message = COLUMNS[name]
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"good": NUMBERS, "bad": make(pd)})
    with pytest.raises(ValueError, match=rf"X holds {message.replace(' .*', ' .columns bad.*')}"):
        default_proxy(frame)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Date", "dates or times"),
        ("Datetime", "dates or times"),
        ("Duration", "dates or times"),
        ("List", "objects"),
        ("Struct", "objects"),
        ("String", "text"),
        ("Null", "missing values alone"),
        ("Int128", r"integers of 128 bits .*cast\(pl.Int64\)"),
    ],
)
def test_columns_of_polars_that_are_not_supported_are_named(kind, message):
    pl = pytest.importorskip("polars")
    values = {
        "Date": [DATE],
        "Datetime": [datetime.datetime(2020, 1, 1)],
        "Duration": [datetime.timedelta(1)],
        "List": [[1]],
        "Struct": [{"a": 1}],
        "String": ["a"],
        "Null": [None],
        "Int128": [1],
    }[kind]
    column = pl.Series(values * 20, dtype=pl.Int128 if kind == "Int128" else None)
    with pytest.raises(ValueError, match=f"X holds {message}"):
        default_proxy(pl.DataFrame({"good": NUMBERS, "bad": column}))


def cells(*values):
    array = np.empty((20, 2), dtype=object)
    array[:, 0] = NUMBERS
    for i in range(20):
        array[i, 1] = values[i % len(values)]
    return array


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (cells(*range(19), "late"), "text .*OneHotEncoder"),
        (cells(DATE), "dates or times"),
        (cells([1], [1, 2]), "objects .a ndarray of list"),
        (cells(None), r"no value but missing ones in the columns \[1\]"),
        (np.full((20, 2), np.nan), r"in the columns \[0, 1\]"),
        (np.full((20, 1), "2020", dtype="M8[D]"), "dates or times"),
        ([{"a": 1}] * 20, r"objects .a list of dict.*DictVectorizer\(\)"),
        ([["a"], ["a", "b"]] * 10, r"objects .a list of list.*CountVectorizer\(analyzer=list\)"),
        (("a",) * 20, "text .a tuple of strings.*TfidfVectorizer"),
        ({"a": np.ones((20, 1))}, "X is a dict"),
        ((np.ones(20), np.ones(20)), "X is a tuple"),
        (np.zeros(20, dtype=[("a", float)]), "objects"),
    ],
    ids=range(12),
)
def test_arrays_and_lists_that_are_not_supported_are_described(X, message):
    with pytest.raises(ValueError, match=message):
        default_proxy(X)


def test_arrays_of_objects_that_are_numbers_are_taken():
    for X in (cells(1, 2.5), cells(Decimal(1), None), cells(True, False)):
        fit(X)


def test_sparse_frames_are_sparse_samples_or_are_told_the_way_out():
    pd = pytest.importorskip("pandas")
    matrix = sparse.csr_array(sparse.random(20, 3, density=0.5, random_state=0))
    frame = pd.DataFrame.sparse.from_spmatrix(matrix)
    assert isinstance(default_proxy(frame), SGDClassifier)
    fit(frame)
    for values in (np.where(NUMBERS > 0, np.nan, 1), NUMBERS > 0):
        unlike = pd.DataFrame({"a": pd.arrays.SparseArray(values)})
        with pytest.raises(ValueError, match=r"sparse columns .*\(columns a\).*X.sparse.to_dense"):
            default_proxy(unlike)


def test_categories_that_are_too_many_are_named():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"id": pd.Series(range(300), dtype="category")})
    with pytest.raises(ValueError, match=r"more than 255 categories \(columns id\).*TargetEncoder"):
        default_proxy(frame)
