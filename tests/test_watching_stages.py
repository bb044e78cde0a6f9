"""Maps of staged ensembles equal a naive loop over their stages."""

import inspect

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier
from sklearn_carto._watching._responses import in_class_order
from sklearn_carto.exceptions import HeldOutRowsWarning

X, y = make_classification(
    400, n_classes=3, n_informative=5, flip_y=0.2, class_sep=0.7, random_state=0
)
ENSEMBLES = [
    HistGradientBoostingClassifier(max_iter=12, random_state=0),
    GradientBoostingClassifier(n_estimators=12, random_state=0),
    GradientBoostingClassifier(n_estimators=12, random_state=0, init="zero"),
    AdaBoostClassifier(n_estimators=12, random_state=0, learning_rate=0.5),
]


def test_scores_are_put_into_the_order_of_the_classes_wanted():
    proba, logit = np.array([[0.2, 0.8]]), np.array([3.0])  # of "9" and "10", in this order
    assert_array_equal(in_class_order(proba, ["9", "10"], np.array(["10", "9"])), [[0.8, 0.2]])
    assert_array_equal(in_class_order(logit, ["9", "10"], np.array(["10", "9"])), [-3.0])
    assert_array_equal(in_class_order(logit, [0, 1], np.array([False, True])), [3.0])


def test_margins_of_boosting_come_from_its_logits():
    model = CartographyClassifier(ENSEMBLES[0]).fit(X, y)
    logits = model.decision_function(X)
    own = logits[np.arange(len(y)), y]
    logits[np.arange(len(y)), y] = -np.inf
    assert model.data_map_.margin_from == "logits"
    assert_allclose(model.dynamics_.margin[:, -1], own - logits.max(axis=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("ensemble", "remedy"),
    [
        (HistGradientBoostingClassifier(max_iter=5, early_stopping=True), "early_stopping=False"),
        (GradientBoostingClassifier(n_estimators=5, n_iter_no_change=9), "n_iter_no_change=None"),
    ],
)
def test_an_ensemble_that_holds_rows_out_draws_a_warning(ensemble, remedy):
    with pytest.warns(HeldOutRowsWarning, match=f"10% of the rows .* Set {remedy}"):
        CartographyClassifier(ensemble, random_state=0).fit(X, y)


def test_rows_given_for_validation_are_none_of_those_held_out():
    ensemble = HistGradientBoostingClassifier(max_iter=5, early_stopping=True)
    if "X_val" not in inspect.signature(ensemble.fit).parameters:
        pytest.skip("this scikit-learn takes no X_val")
    CartographyClassifier(ensemble).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])


@sklearn.config_context(enable_metadata_routing=True)
def test_a_pipeline_transforms_the_arguments_in_transform_input():
    ensemble = HistGradientBoostingClassifier(early_stopping=True, n_iter_no_change=2)
    if "X_val" not in inspect.signature(ensemble.fit).parameters:
        pytest.skip("this scikit-learn takes no X_val")
    ensemble.set_params(random_state=0).set_fit_request(X_val=True, y_val=True)
    steps = [("scale", StandardScaler()), ("last", ensemble)]
    pipeline = Pipeline(steps, transform_input=["X_val"])
    train, val = (50 + 100 * X[:100], y[:100]), {"X_val": 50 + 100 * X[100:], "y_val": y[100:]}
    bare = clone(pipeline).fit(*train, **val)
    watched = CartographyClassifier(pipeline).fit(*train, **val).estimator_
    assert_array_equal(watched[-1].validation_score_, bare[-1].validation_score_)
