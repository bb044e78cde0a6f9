"""Forests are watched tree by tree, other ensembles as they grow by warm_start."""

from copy import copy, deepcopy

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_matrix
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier
from sklearn_carto.exceptions import NotWatchableError

X, y = make_classification(
    400, n_classes=3, n_informative=5, flip_y=0.2, class_sep=0.7, random_state=0
)
FORESTS = [
    RandomForestClassifier(12, max_depth=4, random_state=0),
    ExtraTreesClassifier(12, max_depth=4, random_state=0),
]
BAGGING = BaggingClassifier(LogisticRegression(), n_estimators=6, max_samples=0.2, random_state=0)
by_class = pytest.mark.parametrize("forest", FORESTS, ids=lambda forest: type(forest).__name__)


def forest_cut_at(forest, n_trees):
    """The forest without its later trees."""
    few = copy(forest)
    few.estimators_ = forest.estimators_[:n_trees]
    return few


def naive_true_proba(forest, X, columns):
    rows = np.arange(len(columns))
    stages = range(1, len(forest.estimators_) + 1)
    return np.array([forest_cut_at(forest, n).predict_proba(X)[rows, columns] for n in stages]).T


@by_class
@pytest.mark.parametrize("labels", [y, y == 1, np.array(["c", "a", "b"])[y]], ids=["3", "2", "str"])
def test_map_equals_a_naive_loop_over_forests_cut_at_each_stage(forest, labels):
    bare = clone(forest).fit(X, labels)
    p = naive_true_proba(bare, X, np.searchsorted(bare.classes_, labels))
    model = CartographyClassifier(forest).fit(X, labels)
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)
    assert_array_equal(model.predict_proba(X), bare.predict_proba(X))
    assert_array_equal(model.predict(X), bare.predict(X))


@by_class
def test_rows_reach_the_trees_as_the_forest_converts_them(forest):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    sparse = csc_matrix(np.where(np.abs(X) < 0.5, 0.0, X))
    holes = np.where(X > 2, np.nan, X)
    for rows in (frame, sparse, holes, X.tolist()):
        p = naive_true_proba(clone(forest).fit(rows, y), rows, y)
        model = CartographyClassifier(forest).fit(rows, y)
        assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)


@by_class
def test_n_epochs_picks_evenly_spaced_trees_and_never_changes_the_training(forest):
    every = CartographyClassifier(forest).fit(X, y)
    some = CartographyClassifier(forest, n_epochs=4).fit(X, y)
    assert_array_equal(some.dynamics_.true_proba, every.dynamics_.true_proba[:, [2, 5, 8, 11]])
    assert_array_equal(some.predict_proba(X), every.predict_proba(X))


def test_blocks_of_rows_give_the_map_of_one_pass():
    model = CartographyClassifier(FORESTS[0])
    whole = model.fit(X, y).variability_.copy()
    with sklearn.config_context(working_memory=0.001):
        assert_allclose(model.fit(X, y).variability_, whole, atol=1e-6)


def test_rows_out_of_fold_are_asked_of_the_forest_that_did_not_see_them():
    model = CartographyClassifier(FORESTS[0], cv=3, random_state=0).fit(X, y)
    p = np.empty((len(y), 12))
    for rest, fold in StratifiedKFold(3, shuffle=True, random_state=0).split(X, y):
        p[fold] = naive_true_proba(clone(FORESTS[0]).fit(X[rest], y[rest]), X[fold], y[fold])
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)


def test_a_forest_in_a_pipeline_is_watched_there():
    model = CartographyClassifier(make_pipeline(StandardScaler(), FORESTS[0])).fit(X, y)
    alone = CartographyClassifier(FORESTS[0]).fit(StandardScaler().fit_transform(X), y)
    assert_array_equal(model.confidence_, alone.confidence_)


class Squared(RandomForestClassifier):
    """Answers otherwise than with the mean of its trees."""

    def predict_proba(self, X):
        squares = super().predict_proba(X) ** 2
        return squares / squares.sum(axis=1, keepdims=True)


SQUARED = Squared(6, max_depth=4, random_state=0)


@pytest.mark.parametrize("n_epochs", [None, 3], ids=["all", "3"])
@pytest.mark.parametrize("ensemble", [BAGGING, SQUARED], ids=["Bagging", "Squared"])
def test_map_equals_a_bare_loop_of_warm_started_fits(ensemble, n_epochs):
    sizes = range(1, 7) if n_epochs is None else (2, 4, 6)
    bare, p = clone(ensemble).set_params(warm_start=True), []
    for size in sizes:
        bare.set_params(n_estimators=size).fit(X, y)
        p.append(bare.predict_proba(X)[np.arange(len(y)), y])
    model = CartographyClassifier(ensemble, n_epochs=n_epochs).fit(X, y)
    assert_allclose(model.dynamics_.true_proba, np.array(p).T, atol=1e-6)


@pytest.mark.parametrize("ensemble", [BAGGING, SQUARED], ids=["Bagging", "Squared"])
def test_an_ensemble_ends_as_the_user_would_have_trained_it(ensemble):
    bare = clone(ensemble).fit(X, y)
    model = CartographyClassifier(ensemble).fit(X, y)
    assert_array_equal(model.predict_proba(X), bare.predict_proba(X))
    assert model.estimator_.get_params(deep=False).items() >= {
        ("n_estimators", 6),
        ("warm_start", False),
    }


def test_a_bag_trains_as_unwatched_whatever_its_random_state():
    def answer(model, random_state):
        np.random.seed(0)  # noqa: NPY002
        state = deepcopy(random_state)
        bag = clone(BAGGING).set_params(random_state=state)
        return model(bag).fit(X, y).predict_proba(X)

    for random_state in (None, np.random.RandomState(3)):
        bare = answer(lambda bag: bag, random_state)
        assert_array_equal(answer(CartographyClassifier, random_state), bare)


def test_a_bag_may_score_itself_out_of_bag_and_draw_features():
    bag = BaggingClassifier(
        LogisticRegression(), 30, oob_score=True, max_features=0.5, random_state=0
    )
    bare = clone(bag).fit(X, y)
    model = CartographyClassifier(bag).fit(X, y)
    assert model.estimator_.oob_score_ == bare.oob_score_
    assert_allclose(
        model.dynamics_.true_proba[:, -1], bare.predict_proba(X)[np.arange(len(y)), y], atol=1e-6
    )


@pytest.mark.parametrize("ensemble", [BAGGING, SQUARED], ids=["Bagging", "Squared"])
def test_an_ensemble_shows_rows_out_of_fold(ensemble):
    model = CartographyClassifier(ensemble, cv=3, random_state=0).fit(X, y)
    p = np.empty(len(y))
    for rest, fold in StratifiedKFold(3, shuffle=True, random_state=0).split(X, y):
        bare = clone(ensemble).set_params(random_state=0).fit(X[rest], y[rest])
        p[fold] = bare.predict_proba(X[fold])[np.arange(len(fold)), y[fold]]
    assert_allclose(model.dynamics_.true_proba[:, -1], p, atol=1e-6)


def test_an_ensemble_that_is_no_classifier_cannot_be_watched():
    with pytest.raises(NotWatchableError, match="IsolationForest cannot be watched"):
        CartographyClassifier(IsolationForest()).fit(X, y)
