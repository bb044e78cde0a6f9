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
from sklearn.model_selection import StratifiedKFold
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


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
@pytest.mark.parametrize("ensemble", ENSEMBLES, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("labels", [y, y == 1, np.array(["c", "a", "b"])[y]], ids=["3", "2", "str"])
def test_map_equals_a_naive_loop_over_the_stages(ensemble, labels):
    bare = clone(ensemble).fit(X, labels)
    column = np.searchsorted(bare.classes_, labels)
    stages = list(bare.staged_predict_proba(X))
    p = np.array([proba[np.arange(len(y)), column] for proba in stages]).T
    model = CartographyClassifier(ensemble).fit(X, labels)
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)
    assert_allclose(model.variability_, p.std(axis=1), atol=1e-6)
    hits = [proba.argmax(axis=1) == column for proba in stages]
    assert_allclose(model.correctness_, np.mean(hits, axis=0), atol=0.1)
    assert_array_equal(model.predict(X), bare.predict(X))


def test_n_epochs_picks_evenly_spaced_stages_and_never_changes_the_training():
    ensemble = ENSEMBLES[0]
    every = CartographyClassifier(ensemble).fit(X, y)
    some = CartographyClassifier(ensemble, n_epochs=4).fit(X, y)
    assert_array_equal(some.dynamics_.true_proba, every.dynamics_.true_proba[:, [2, 5, 8, 11]])
    assert_array_equal(some.predict_proba(X), every.predict_proba(X))


def test_more_epochs_than_stages_records_each_stage_once():
    assert CartographyClassifier(ENSEMBLES[0], n_epochs=50).fit(X, y).n_epochs_ == 12


def test_blocks_of_rows_give_the_map_of_one_pass():
    model = CartographyClassifier(ENSEMBLES[0])
    whole = model.fit(X, y).variability_.copy()
    with sklearn.config_context(working_memory=0.001):
        assert_allclose(model.fit(X, y).variability_, whole, atol=1e-6)


def test_rows_out_of_fold_are_asked_of_the_ensemble_that_did_not_see_them():
    model = CartographyClassifier(ENSEMBLES[0], cv=3, random_state=0).fit(X, y)
    p = np.empty((len(y), 12))
    for rest, fold in StratifiedKFold(3, shuffle=True, random_state=0).split(X, y):
        stages = clone(ENSEMBLES[0]).fit(X[rest], y[rest]).staged_predict_proba(X[fold])
        p[fold] = np.array([proba[np.arange(len(fold)), y[fold]] for proba in stages]).T
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)


def test_scores_are_put_into_the_order_of_the_classes_wanted():
    proba, logit = np.array([[0.2, 0.8]]), np.array([3.0])  # of "9" and "10", in this order
    assert_array_equal(in_class_order(proba, ["9", "10"], np.array(["10", "9"])), [[0.8, 0.2]])
    assert_array_equal(in_class_order(logit, ["9", "10"], np.array(["10", "9"])), [-3.0])
    assert_array_equal(in_class_order(logit, [0, 1], np.array([False, True])), [3.0])


def test_sample_weight_reaches_the_ensemble():
    weight = np.where(y == 0, 5.0, 1.0)
    bare = clone(ENSEMBLES[0]).fit(X, y, sample_weight=weight)
    model = CartographyClassifier(ENSEMBLES[0]).fit(X, y, sample_weight=weight)
    assert_array_equal(model.predict_proba(X), bare.predict_proba(X))


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
def test_a_pipeline_transforms_the_arguments_that_it_is_told_to():
    ensemble = HistGradientBoostingClassifier(early_stopping=True, n_iter_no_change=2)
    if "X_val" not in inspect.signature(ensemble.fit).parameters:
        pytest.skip("this scikit-learn takes no X_val")
    ensemble.set_params(random_state=0).set_fit_request(X_val=True, y_val=True)
    steps = [("scale", StandardScaler()), ("last", ensemble)]
    pipeline = Pipeline(steps, transform_input=["X_val"])
    train, rest = (50 + 100 * X[:100], y[:100]), {"X_val": 50 + 100 * X[100:], "y_val": y[100:]}
    bare = clone(pipeline).fit(*train, **rest)
    watched = CartographyClassifier(pipeline).fit(*train, **rest).estimator_
    assert_array_equal(watched[-1].validation_score_, bare[-1].validation_score_)
