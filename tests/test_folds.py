"""Folds: pairs of training and test samples, as scikit-learn's splitters yield them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold

from sklearn_carto._utils._folds import disjoint_folds, make_folds

X, y = np.zeros(30), np.repeat([0, 1, 2], [12, 12, 6])


@pytest.mark.parametrize("make", [make_folds, disjoint_folds])
def test_an_int_makes_shuffled_stratified_folds_of_training_and_test_samples(make):
    expected = StratifiedKFold(3, shuffle=True, random_state=5).split(X, y)
    for fold, (train, test) in zip(make(3, y, 5), expected, strict=True):
        assert_array_equal(fold[0], train)
        assert_array_equal(fold[1], test)


def test_only_disjoint_folds_need_each_sample_once():
    splits = ShuffleSplit(2, test_size=0.3, random_state=0)
    assert len(make_folds(splits, y, None)) == 2
    with pytest.raises(ValueError, match="'cv' parameter must put each sample in exactly one test"):
        disjoint_folds(splits, y, None)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (7, "must be at most the number of samples in each class; got 7, but class 2 has 6"),
        ([(np.arange(30), np.arange(30))], "must yield at least two folds"),
        (KFold(3), r"must leave samples of every class in each training set; got KFold\(n_splits"),
    ],
)
def test_folds_that_cannot_be_used_name_the_parameter_and_the_option_that_uses_it(cv, message):
    with pytest.raises(ValueError, match=f"The 'cv' parameter {message}"):
        disjoint_folds(cv, y, 0)
    with pytest.raises(ValueError, match=f"The 'cv' parameter used by 'auto' {message}"):
        make_folds(cv, y, 0, used_by="'auto'")
