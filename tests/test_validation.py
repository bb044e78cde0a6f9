import numpy as np
import pytest

from names import name_of
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import (
    Count,
    Number,
    check_mask,
    check_sample_ids,
    check_sample_weight,
    validate_params,
)


class Owner:
    @classmethod
    @validate_params(n=[Count(1), None])
    def make(cls, n=None):
        return cls, n

    @validate_params(share=[Number(0, 1, closed="right")], rest=[dict])
    def take(self, share, *, other="unchecked", **rest):
        return share, other, rest


def test_arguments_that_meet_the_constraints_pass_unchanged():
    assert Owner.make() == (Owner, None)
    assert Owner.make(np.int64(3)) == (Owner, 3)
    assert Owner().take(0.5, other=3, a=1) == (0.5, 3, {"a": 1})


@pytest.mark.parametrize(
    "n", [0, -1, 1.0, 1.5, True, np.True_, "1", np.nan, [1], object()], ids=name_of
)
def test_a_count_is_a_whole_number_and_no_flag(n):
    with pytest.raises(InvalidParameterError, match=r"'n' parameter of Owner.make must be"):
        Owner.make(n)


@pytest.mark.parametrize("share", [0, 1.1, np.nan, np.inf, True, "0.5", None, 1j], ids=name_of)
def test_a_number_is_finite_in_its_interval_and_no_flag(share):
    with pytest.raises(InvalidParameterError, match=r"'share' parameter of Owner.take must be"):
        Owner().take(share)


@pytest.mark.parametrize(
    "mask",
    [[True, False], np.array([True, False]), np.array([True, False], dtype=object), (True, False)],
)
def test_masks_of_any_container(mask):
    assert check_mask(mask, 2, "mask", "f").tolist() == [True, False]


@pytest.mark.parametrize(
    "mask",
    [["no", "yes"], [0, 1], [1.0, 0.0], [True], [[True, False]], [True, None], None, "ab"],
    ids=name_of,
)
def test_a_mask_holds_booleans_only(mask):
    with pytest.raises(InvalidParameterError, match="'mask' parameter of f must hold one boolean"):
        check_mask(mask, 2, "mask", "f")


@pytest.mark.parametrize("weights", [[1, 0, 2], [True, False, True], (0.5, 0.0, 1e-9)], ids=name_of)
@pytest.mark.parametrize("kind", ["list", "array", "objects", "series"])
def test_weights_are_finite_numbers_of_at_least_0(weights, kind):
    expected = [float(weight) for weight in weights]
    if kind == "series":
        pd = pytest.importorskip("pandas")
        weights = pd.Series(weights).convert_dtypes()
    elif kind != "list":
        weights = np.array(weights, dtype=object if kind == "objects" else None)
    assert check_sample_weight(weights, 3, "fit").tolist() == expected
    assert check_sample_weight(None, 3, "fit") is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, np.nan, 1], r"finite number .* Got \[nan\] in the rows \[1\]"),
        ([1, 1, np.inf], r"Got \[inf\] in the rows \[2\]"),
        ([-1, 2, -3], r"Got \[-1.0, -3.0\] in the rows \[0, 2\]"),
        ([0, 0, 0], "above 0 at least; all weights are zero"),
        (["1", "2", "3"], "number for each of the 3 rows"),
        ([1, None, 1], "number for each of the 3 rows"),
        ([1j, 1, 1], "number for each"),
        ([1, 1], r"Got \[1, 1\] instead"),
        ([[1], [1], [1]], "number for each"),
        ([[1], [1, 2], 3], "number for each"),
        (2.0, "Got 2.0 instead"),
        ("balanced", "Got 'balanced' instead"),
        ({0: 1, 1: 2, 2: 3}, "number for each"),
        ([], r"Got \[\] instead"),
    ],
    ids=name_of,
)
def test_other_weights_are_named(weights, message):
    with pytest.raises(
        InvalidParameterError, match=f"'sample_weight' parameter of fit .*{message}"
    ):
        check_sample_weight(weights, 3, "fit")


@pytest.mark.parametrize(
    "ids",
    [["a", "b", "c"], [3, 1, 2], (1.5, 2.5, -0.0), ["1", 1, 2], [(0, 1), (0, 2), (1, 1)], "abc"],
    ids=name_of,
)
def test_ids_keep_their_values_and_types(ids):
    ids = np.array(list(ids)) if isinstance(ids, str) else ids
    checked = check_sample_ids(ids, 3, "fit")
    assert checked.shape == (3,)
    assert checked.tolist() == list(ids)
    assert [type(value) for value in checked.tolist()] == [type(value) for value in list(ids)] or (
        isinstance(ids, np.ndarray)
    )
    assert check_sample_ids(None, 3, "fit") is None


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "b", "a"], r"no other row has. Got \['a'\] several times"),
        ([1, True, 2], r"no other row has. Got \[1\] several times"),
        (["a", None, "c"], r"not missing. Got \[None\] in the rows \[1\]"),
        ([1.0, np.nan, 2.0], r"Got \[nan\] in the rows \[1\]"),
        ([1, [2], {3}], r"can be hashed .* in the rows \[1, 2\]"),
        (np.array(["2020-01-01", "NaT", "2020-01-02"], dtype="M8[D]"), r"in the rows \[1\]"),
        (["a", "b"], "one id for each of the 3 rows"),
        (np.zeros((3, 2)), "Got a ndarray of shape"),
        ("abc", "Got 'abc' instead"),
        ({"a", "b", "c"}, "one id for each of the 3 rows"),
        ({0: "a", 1: "b", 2: "c"}, "one id for each of the 3 rows"),
        (7, "Got 7 instead"),
    ],
    ids=name_of,
)
def test_other_ids_are_named(ids, message):
    with pytest.raises(InvalidParameterError, match=f"'sample_ids' parameter of fit .*{message}"):
        check_sample_ids(ids, 3, "fit")


def test_a_missing_id_of_pandas_is_named():
    pd = pytest.importorskip("pandas")
    with pytest.raises(InvalidParameterError, match=r"<NA>\] in the rows \[1\]"):
        check_sample_ids(pd.Series(["a", pd.NA, "b"], dtype="string"), 3, "fit")


def test_masked_values_are_neither_weights_nor_flags():
    hidden = np.ma.array([1, 1, 0], mask=[False, True, False])
    with pytest.raises(InvalidParameterError, match="Got a MaskedArray"):
        check_sample_weight(hidden, 3, "fit")
    with pytest.raises(InvalidParameterError, match="Got a MaskedArray"):
        check_mask(hidden == 1, 3, "held_out_mask", "TrainingDynamics")


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [((), {}, "missing 1 required"), ((1, 2), {}, "takes 1 positional"), ((1,), {"m": 2}, "'m'")],
)
def test_arguments_that_do_not_fit_a_function_are_refused_under_its_name(args, kwargs, message):
    @validate_params(n=[Count(1)])
    def halve(n):
        return n / 2

    with pytest.raises(TypeError, match=rf"halve\(\).*{message}"):
        halve(*args, **kwargs)
