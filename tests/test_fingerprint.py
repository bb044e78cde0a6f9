"""A digest of data by values."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_carto._inputs._fingerprint import fingerprint

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
