"""Cloning of classifiers that copy their parameters."""

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    compare_subsets,
)
from sklearn_carto._utils._cloning import clone

catboost = pytest.importorskip("catboost")
X, y = np.random.RandomState(0).normal(size=(20, 2)), np.arange(20) % 2


def make(**params):
    return catboost.CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=False, **params)


@pytest.mark.parametrize(
    ("params", "way_out"),
    [
        ({"cat_features": [0]}, r"cat_features=\(0,\)"),
        ({"class_weights": {0: 1, 1: 2}}, r"class_weights=\(1, 2\)"),
        ({"monotone_constraints": [0, 1], "custom_metric": ["AUC"]}, r"\('AUC',\).*\(0, 1\)"),
    ],
    ids=str,
)
@pytest.mark.parametrize("nested", [False, True])
def test_parameters_that_catboost_copies_are_named_with_the_way_out(params, way_out, nested):
    model = make(**params)
    with pytest.raises(ValueError, match=f"cannot be cloned.*Pass tuples: .*{way_out}"):
        clone(make_pipeline(StandardScaler(), model) if nested else model)


def test_tuples_and_other_estimators_are_cloned():
    assert clone(make(class_weights=(1, 2))).get_params()["class_weights"] == (1, 2)
    assert clone(SGDClassifier(class_weight={0: 1})).class_weight == {0: 1}


@pytest.mark.parametrize(
    "fit",
    [
        lambda model: CartographyClassifier(model).fit(X, y),
        lambda model: DataMapSelector(model).fit(X, y),
        lambda model: DistilledClassifier(model).fit(X, y),
        lambda model: DistilledClassifier(model, DataMapSelector()).fit(X, y),
        lambda model: compare_subsets(model, X, y, cv=2),
    ],
    ids=["classifier", "selector", "distilled", "final", "compare"],
)
def test_every_entry_names_the_way_out(fit):
    with pytest.raises(ValueError, match="cannot be cloned.*Pass tuples"):
        fit(make(cat_features=[1]))
