"""Shares of a budget: exact, fair, and seeded."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_carto._utils._quotas import check_frac, class_quotas, largest_remainder, n_rows_of


@pytest.mark.parametrize(
    ("frac", "n_samples", "expected"),
    [(0.33, 100, 33), (1.0, 7, 7), (0.001, 10, 1), (0.5, 5, 2), (0.5, 7, 4), (0.29, 100, 29)],
)
def test_a_fraction_is_rounded_as_python_rounds_and_is_never_empty(frac, n_samples, expected):
    assert n_rows_of(frac, n_samples) == expected


def test_largest_remainder_by_hand():
    # 7 over 5:3:2 is 3.5, 2.1, 1.4: the first gets the row that is left
    assert_array_equal(largest_remainder(7, [5, 3, 2], np.random.RandomState(0)), [4, 2, 1])


def test_equal_remainders_are_settled_by_the_seed():
    parts = {tuple(largest_remainder(1, [1, 1], np.random.RandomState(s))) for s in range(20)}
    assert parts == {(0, 1), (1, 0)}


def test_parts_sum_to_the_whole_and_lie_within_one_of_their_share():
    rng = np.random.RandomState(0)
    for _ in range(200):
        total, weights = rng.randint(1, 1000), rng.randint(0, 50, size=rng.randint(1, 20))
        weights[0] += 1
        parts = largest_remainder(total, weights, rng)
        assert parts.sum() == total
        assert np.abs(parts - total * weights / weights.sum()).max() < 1


def test_shares_that_are_whole_up_to_rounding_are_exact():
    # 0.7 * 10 is 7.000000000000001 and 0.29 * 100 is 28.999999999999996 in floating point
    assert_array_equal(largest_remainder(10, [0.7, 0.3], np.random.RandomState(0)), [7, 3])
    assert_array_equal(largest_remainder(100, [0.29, 0.71], np.random.RandomState(0)), [29, 71])


def test_each_class_gets_a_row_before_shares_are_counted():
    # 3 rows are given; 7 are left over 79:18:0, which is 5.70, 1.30, 0: 6, 1, 0
    assert_array_equal(class_quotas(10, [80, 19, 1], np.random.RandomState(0)), [7, 2, 1])


def test_fewer_rows_than_classes_go_to_the_largest():
    assert_array_equal(class_quotas(2, [5, 1, 9], np.random.RandomState(0)), [1, 0, 1])
    assert_array_equal(class_quotas(3, [5, 1, 9], np.random.RandomState(0)), [1, 1, 1])


def test_unequal_classes_keep_their_shares():
    # the bug to avoid: every class gets the quota of the last one, 50 + 50 of 900 and 100
    assert_array_equal(class_quotas(500, [900, 100], np.random.RandomState(0)), [450, 50])


def test_quotas_are_exact_and_no_quota_exceeds_its_class():
    rng = np.random.RandomState(0)
    for _ in range(300):
        counts = rng.randint(1, 30, size=rng.randint(1, 8))
        n_rows = rng.randint(1, counts.sum() + 1)
        quotas = class_quotas(n_rows, counts, rng)
        assert quotas.sum() == n_rows
        assert (quotas <= counts).all()
        assert (quotas >= 1).all() or n_rows < len(counts)


@pytest.mark.parametrize(
    ("frac", "message"),
    [
        (0, r"frac must lie in \(0, 1\]; got 0\.$"),
        (33, r"got 33\. For 33 % write 0\.33\.$"),
        ("all", r"frac must be a number in \(0, 1\]; got 'all'\.$"),
        (float("nan"), "got nan"),
    ],
    ids=str,
)
def test_a_share_of_the_rows_lies_in_zero_to_one(frac, message):
    with pytest.raises(ValueError, match=message):
        check_frac(frac)
