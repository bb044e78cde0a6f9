"""Forests are watched tree by tree, other ensembles as they grow by warm_start."""

from copy import deepcopy

import numpy as np
import pytest
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

from sklearn_carto import CartographyClassifier
from sklearn_carto.exceptions import NotWatchableError
from watchers import Squared, by_trees

X, y = make_classification(
    400, n_classes=3, n_informative=5, flip_y=0.2, class_sep=0.7, random_state=0
)
FORESTS = [
    RandomForestClassifier(12, max_depth=4, random_state=0),
    ExtraTreesClassifier(12, max_depth=4, random_state=0),
]
BAGGING = BaggingClassifier(LogisticRegression(), n_estimators=6, max_samples=0.2, random_state=0)
by_class = pytest.mark.parametrize("forest", FORESTS, ids=lambda forest: type(forest).__name__)


@by_class
def test_rows_reach_the_trees_as_the_forest_converts_them(forest):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    sparse = csc_matrix(np.where(np.abs(X) < 0.5, 0.0, X))
    holes = np.where(X > 2, np.nan, X)
    for rows in (frame, sparse, holes, X.tolist()):
        _, proba = by_trees(clone(forest), rows, y, rows)
        p = np.array(proba)[:, np.arange(len(y)), y].T
        model = CartographyClassifier(forest).fit(rows, y)
        assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)


SQUARED = Squared(6, max_depth=4, random_state=0)


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
    def predicted(model, random_state):
        np.random.seed(0)  # noqa: NPY002
        state = deepcopy(random_state)
        bag = clone(BAGGING).set_params(random_state=state)
        return model(bag).fit(X, y).predict_proba(X)

    for random_state in (None, np.random.RandomState(3)):
        bare = predicted(lambda bag: bag, random_state)
        assert_array_equal(predicted(CartographyClassifier, random_state), bare)


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


def test_an_ensemble_that_is_no_classifier_cannot_be_watched():
    with pytest.raises(NotWatchableError, match="Got IsolationForest, an outlier detector"):
        CartographyClassifier(IsolationForest()).fit(X, y)
