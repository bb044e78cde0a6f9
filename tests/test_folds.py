"""Folds: pairs of disjoint training and test samples, as scikit-learn's splitters yield them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
)

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._folds import check_folds, make_folds
from sklearn_carto.exceptions import MissingClassesWarning

y = np.tile([0, 1, 2, 0, 1], 6)
N = len(y)
GROUPS = np.repeat(np.arange(6), 5)
EVEN, ODD = np.arange(0, N, 2), np.arange(1, N, 2)


@pytest.mark.parametrize("once", [False, True])
def test_an_int_makes_shuffled_stratified_folds_of_training_and_test_samples(once):
    expected = StratifiedKFold(3, shuffle=True, random_state=5).split(y, y)
    for fold, (train, test) in zip(make_folds(3, y, 5, once=once), expected, strict=True):
        assert_array_equal(fold[0], train)
        assert_array_equal(fold[1], test)


@pytest.mark.parametrize("cv", [3, GroupKFold(3), LeaveOneGroupOut()], ids=str)
def test_groups_are_kept_together(cv):
    for train, test in make_folds(cv, y, 5, groups=GROUPS, once=True):
        assert not set(GROUPS[train]) & set(GROUPS[test])


@pytest.mark.parametrize(
    "cv",
    [
        PredefinedSplit(np.arange(N) % 3),
        [(EVEN, ODD), (ODD, EVEN)],
        [[EVEN.tolist(), ODD.tolist()], [range(1, N, 2), range(0, N, 2)]],
        np.array([[EVEN, ODD], [ODD, EVEN]], dtype=np.uint8),
        [(np.arange(N) % 2 == 0, np.arange(N) % 2 == 1), (ODD, EVEN)],
        (fold for fold in [(EVEN, ODD), (ODD, EVEN)]),
        [(np.repeat(EVEN, 2), ODD), (ODD, EVEN)],
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_folds_come_out_as_the_splitter_yields_them(cv):
    folds = make_folds(cv, y % 2, 0, once=True)
    assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(N))
    for train, test in folds:
        assert train.dtype == test.dtype == np.intp
        assert_array_equal(np.union1d(train, test), np.arange(N))


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (ShuffleSplit(3, test_size=0.6, random_state=0), "test rows several times: "),
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), "test rows several times: "),
        (ShuffleSplit(2, test_size=0.1, random_state=0), "test some rows never: .* others"),
        (
            PredefinedSplit(np.where(np.arange(N) < 2, -1, np.arange(N) % 4)),
            r"test some rows never: \[0, 1\]",
        ),
        ([(EVEN, ODD), (ODD, EVEN[1:])], r"test some rows never: \[0\]"),
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_only_where_each_row_is_tested_once_need_folds_be_a_partition(cv, message):
    assert len(make_folds(cv, y, None)) > 1
    with pytest.raises(ValueError, match=f"'cv' parameter must put each .* Its folds {message}"):
        make_folds(cv, y, None, once=True)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ((np.arange(N), [3, 7]), r"disjoint .* Fold 1 trains on rows that it tests: \[3, 7\]"),
        ((EVEN, [1, 3, 3]), r"must not yield a sample twice. Fold 1 tests .*: \[3\]"),
        ((EVEN, [1, 99, -1]), r"The test set of fold 1 holds \[99, -1\], but the 30 .* 0 to 29"),
        (([-2, 1], [3]), r"The training set of fold 1 holds \[-2\]"),
        ((EVEN, [1.0, 3.0]), r"The test set of fold 1 is \[1.0, 3.0\]"),
        ((EVEN, ["1", "3"]), "The test set of fold 1 is"),
        ((EVEN, "13"), "The test set of fold 1 is '13'"),
        ((EVEN, None), "The test set of fold 1 is None"),
        ((EVEN, 3), "The test set of fold 1 is 3"),
        ((EVEN, [[1], [3, 5]]), "The test set of fold 1 is"),
        ((EVEN, ODD[:, None]), r"The test set of fold 1 is a ndarray of shape \(15, 1\)"),
        ((EVEN, np.ones(N - 1, bool)), "The test set of fold 1 is a ndarray of shape"),
        ((EVEN, []), "The test set of fold 1 is empty"),
        ((np.zeros(N, bool), ODD), "The training set of fold 1 is empty"),
        ((EVEN,), "must yield pairs .* Fold 1 is"),
        ((EVEN, ODD, ODD), "must yield pairs .* Fold 1 is"),
        (7, "must yield pairs .* Fold 1 is 7"),
        ("ab", "must yield pairs .* Fold 1 is 'ab'"),
        (None, "must yield pairs .* Fold 1 is None"),
        ({0: EVEN, 1: ODD}, "must yield pairs .* Fold 1 is"),
    ],
    ids=str,
)
def test_a_fold_that_cannot_be_used_is_named_with_its_rows(second, message):
    with pytest.raises(InvalidParameterError, match=f"The 'cv' parameter .*{message}"):
        make_folds([(ODD, EVEN), second], y, 0)
    with pytest.raises(InvalidParameterError, match=f"The 'split' parameter .*{message}"):
        check_folds(iter([(ODD, EVEN), second]), N, "The 'split' parameter")


@pytest.mark.parametrize(
    ("cv", "groups", "message"),
    [
        (7, None, "must be at most the number of samples in each class; got 7, but class 2 has 6"),
        ("five", None, "must be a number of folds, .* Got 'five' instead"),
        (5.0, None, "must be a number of folds, .* Got 5.0 instead"),
        ({0: 1}, None, "must be a number of folds"),
        (
            4,
            np.repeat([0, 1, 2], 10),
            "must be at most the number of groups; got 4, but there are 3",
        ),
        (True, None, "must be at least 2 folds. Got True"),
        (1, None, "must be at least 2 folds. Got 1"),
        ([(EVEN, ODD)], None, "must yield at least two folds"),
        ([], None, "must yield at least one fold; it yields none"),
        (iter([]), None, "must yield at least one fold; it yields none"),
    ],
)
def test_folds_that_cannot_be_used_name_the_parameter_and_the_option_that_uses_it(
    cv, groups, message
):
    with pytest.raises(ValueError, match=f"The 'cv' parameter {message}"):
        make_folds(cv, y, 0, groups=groups, once=True)
    with pytest.raises(ValueError, match=f"The 'cv' parameter used by 'auto' {message}"):
        make_folds(cv, y, 0, groups=groups, used_by="'auto'")


@pytest.mark.parametrize(
    "groups", [GROUPS[:-1], GROUPS[:, None], 3, "g" * N, [[1], [2, 3]], {1, 2}], ids=repr
)
def test_groups_must_be_one_for_each_sample(groups):
    with pytest.raises(InvalidParameterError, match="The 'groups' parameter must hold one group"):
        make_folds(GroupKFold(3), y, 0, groups=groups)


def test_a_training_set_that_lacks_a_class_draws_a_warning_that_names_fold_and_class():
    labels = np.where(np.arange(N) < 10, "a", np.where(np.arange(N) % 2, "b", "c"))
    with pytest.warns(
        MissingClassesWarning, match=r"classes \['a'\] in the training set of fold 0"
    ):
        assert len(make_folds(KFold(3), labels, 0)) == 3


def test_a_splitter_is_given_the_samples():
    class ByValue:
        def split(self, X, y, groups):
            for part in (0, 1):
                tested = part == X
                yield np.flatnonzero(~tested), np.flatnonzero(tested)

        def get_n_splits(self, *args):
            return 2

    folds = make_folds(ByValue(), y, 0, X=np.arange(N) % 2)
    assert_array_equal(folds[0][1], EVEN)


def test_a_class_is_no_splitter():
    with pytest.raises(InvalidParameterError, match=r"must not be a class.*StratifiedKFold\(\)"):
        make_folds(StratifiedKFold, y, 0)


@pytest.mark.parametrize("missing", [None, np.nan, np.datetime64("NaT")])
@pytest.mark.parametrize("cv", [2, GroupKFold(2)])
def test_groups_must_not_be_missing(cv, missing):
    groups = np.empty(12, dtype=object)
    groups[:] = [0, 1, missing] * 4
    with pytest.raises(InvalidParameterError, match=r"'groups' .* missing .* \[2, 5, 8, 11\]"):
        make_folds(cv, np.arange(12) % 2, 0, groups=groups, used_by="compare_subsets")
