"""Intervals of cross-validated differences."""

import numpy as np
import pytest
from scipy import stats

from sklearn_carto._comparison._intervals import corrected_interval


def test_without_overlap_it_is_the_interval_of_students_t():
    values = np.array([0.1, 0.4, 0.2, 0.5])
    mean, low, high = corrected_interval(values, correction=0.0)
    expected = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert (mean, low, high) == pytest.approx((0.3, *expected))


def test_the_correction_by_hand():
    # ten splits of variance 0.01, ninth of the rows tested for each trained on: (1/10 + 1/9) .01
    values = np.r_[np.full(5, 0.0), np.full(5, 1.0)]
    values = values * np.sqrt(0.01 / values.var(ddof=1))
    mean, low, high = corrected_interval(values, correction=1 / 9)
    half = 2.2621571628 * np.sqrt((1 / 10 + 1 / 9) * 0.01)
    assert (mean - low, high - mean) == pytest.approx((half, half))


def test_a_single_split_has_no_interval():
    mean, low, high = corrected_interval([0.7], correction=0.25)
    assert mean == 0.7
    assert np.isnan([low, high]).all()


def test_the_interval_holds_its_level_over_overlapping_splits():
    # scores of splits that share most training rows correlate by about the share of test rows;
    # the plain interval would miss far more often than one time in twenty
    rng, ratio, missed, missed_plain = np.random.RandomState(0), 0.25, 0, 0
    correlation = ratio / (1 + ratio)
    for _ in range(2000):
        common = np.sqrt(correlation) * rng.normal()
        values = common + np.sqrt(1 - correlation) * rng.normal(size=10)
        _, low, high = corrected_interval(values, ratio)
        missed += not low < 0 < high
        _, low, high = corrected_interval(values, 0.0)
        missed_plain += not low < 0 < high
    assert missed / 2000 < 0.065
    assert missed_plain / 2000 > 0.15
