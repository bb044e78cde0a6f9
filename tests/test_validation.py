import numpy as np
import pytest

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import Count, Number, check_mask, validate_params


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
    "n", [0, -1, 1.0, 1.5, True, np.True_, "1", np.nan, [1], object()], ids=str
)
def test_a_count_is_a_whole_number_and_no_flag(n):
    with pytest.raises(InvalidParameterError, match=r"'n' parameter of Owner.make must be"):
        Owner.make(n)


@pytest.mark.parametrize("share", [0, 1.1, np.nan, np.inf, True, "0.5", None, 1j], ids=str)
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
    ids=str,
)
def test_a_mask_holds_booleans_only(mask):
    with pytest.raises(InvalidParameterError, match="'mask' parameter of f must hold one boolean"):
        check_mask(mask, 2, "mask", "f")
