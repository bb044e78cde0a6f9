"""Confident learning's count of wrong labels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from sklearn_carto._selection._confident_learning import confident_issues, count_label_issues


def test_issues_counted_by_hand():
    # thresholds, the mean own probability of each class: (.9 + .3) / 2 = .6 and (.8 + .4) / 2 = .6
    p = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.6, 0.4]])
    codes = np.array([0, 0, 1, 1])
    # row 1 reaches only class 1, row 3 only class 0 (exactly)
    assert_array_equal(confident_issues(p, codes), [False, True, False, True])


def test_a_row_that_reaches_no_threshold_is_no_issue():
    p = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
    assert not confident_issues(p, np.array([0, 0, 1])).any()


def test_of_several_classes_the_most_probable_counts():
    # thresholds .5, .3 and .15: row 3 reaches the first two
    p = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3], [0.45, 0.4, 0.15], [0.55, 0.4, 0.05]])
    codes = np.array([0, 1, 2, 2])
    p[2, 2], p[3, 2] = 0.25, 0.05
    assert confident_issues(p, codes)[3]
    assert confident_issues(p, np.array([0, 1, 2, 0])).tolist()[3] is False


def test_flipped_labels_are_counted_class_by_class():
    X, truth = make_blobs(1500, centers=[[0, 0], [6, 0], [0, 6]], random_state=3)
    rng = np.random.RandomState(0)
    flipped = (truth == 1) & (rng.random_sample(len(truth)) < 0.2)
    y = np.where(flipped, 2, truth)
    p = cross_val_predict(LogisticRegression(), X, y, cv=5, method="predict_proba")
    counts = count_label_issues(p, y)
    # the model itself learns that one in five of these rows is a c, hence the count is cautious
    assert 0.4 * flipped.sum() < counts[2] < 1.1 * flipped.sum()
    assert max(counts[:2]) < 0.03 * (y < 2).sum()


@pytest.mark.parametrize(("n_samples", "n_first"), [(34, 32), (34, 17), (36, 31)])
def test_equal_probabilities_reach_their_own_mean(n_samples, n_first):
    # the mean of 32 numbers 0.6 is 0.6000000000000001
    p = np.tile([0.6, 0.4], (n_samples, 1))
    codes = np.repeat([0, 1], [n_first, n_samples - n_first])
    assert count_label_issues(p, codes)[0] == 0
