"""Values that are written without pickle come back as they were, to the bit."""

import datetime
import json

import numpy as np
import pytest

from sklearn_carto._utils._plain_values import from_tree, to_tree

VALUES = [
    None, True, 3, -(2**80), "", "a\0b", "\udc80", 0.1, -0.0, float("inf"), float("nan"), 5e-324,
    [], (), {}, [1, (2.5, None)], {"a": {"b": (1,)}, 3: "c"},
    np.float64(0.1), np.float32(0.1), np.int8(-3), np.bool_(True), np.str_("x"),
    np.datetime64("2020-01-31"),
    np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array([], dtype=np.float32), np.array(3.5), np.array(["a", ""]), np.array([True, False]),
    np.array(["a", None, 3, 2.5, datetime.date(2020, 1, 31)], dtype=object),
]  # fmt: skip


def assert_equal(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray) and one.dtype.kind == "O":
        assert_equal(one.tolist(), other.tolist())
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    elif isinstance(one, dict):
        assert_equal(list(one.items()), list(other.items()))
    elif isinstance(one, (float, np.generic)):
        assert np.array(one).tobytes() == np.array(other).tobytes()
    else:
        assert one == other


@pytest.mark.parametrize("i", range(len(VALUES)))
def test_a_value_comes_back(i):
    arrays = {}
    tree = json.loads(json.dumps(to_tree(VALUES[i], arrays)))
    assert_equal(from_tree(tree, arrays), VALUES[i])


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, b"a", np.array([object()]), np.array([[None]]), [lambda: 0],
              np.array([(1, 2.0)], dtype="i4,f8")], ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_would_not_come_back_is_an_error(value):
    with pytest.raises(TypeError):
        to_tree(value, {})
