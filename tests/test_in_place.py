"""Transformers that work in place change neither the samples nor the results."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Perceptron, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    compare_subsets,
    cross_distillation,
)
from watchers import X, y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
X = 3 * X + 7
OOD = X[:40] - 1


def reduced(X):
    return 0.1 * X


def reduced_in_place(X):
    X *= 0.1
    return X


SCALERS = {
    "scaler": [StandardScaler(copy=copy) for copy in (False, True)],
    "function": [FunctionTransformer(function) for function in (reduced_in_place, reduced)],
}


def sgd(scaler):
    return make_pipeline(scaler, SGDClassifier(loss="log_loss", alpha=0.05, random_state=0))


def compare(scaler, X, ood):
    result = compare_subsets(
        sgd(scaler), X, y, regions=["easy", "ambiguous"], cv=2, random_state=0,
        ood={"ood": (ood, y[:40])},
    )  # fmt: skip
    return result.results_["test_score"], result.results_["ood_score"]


def cross(scaler, X, ood):
    models = {"sgd": sgd(scaler), "perceptron": make_pipeline(scaler, Perceptron(random_state=0))}
    return cross_distillation(models, X, y, cv=2, random_state=0).results_["test_score"]


def distill(scaler, X, ood):
    model = DistilledClassifier(sgd(scaler), DataMapSelector(sgd(scaler), random_state=0))
    return model.fit(X, y).predict(ood.copy())  # which changes samples, as scikit-learn does


CALLS = {
    "compare_subsets": compare,
    "cross_distillation": cross,
    "DistilledClassifier": distill,
    "CartographyClassifier": lambda scaler, X, ood: (
        CartographyClassifier(sgd(scaler), n_epochs=5, cv=2, random_state=0).fit(X, y).confidence_
    ),
    "DataMapSelector": lambda scaler, X, ood: (
        DataMapSelector(sgd(scaler), random_state=0).fit(X, y).transform(X)
    ),
    "auto": lambda scaler, X, ood: (
        DataMapSelector(sgd(scaler), region="auto", cv=2, random_state=0).fit(X, y).sample_indices_
    ),
}


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize("name", CALLS)
def test_samples_and_results_are_those_of_transformers_that_copy(name, scaler):
    in_place, copying = SCALERS[scaler]
    X_given, ood_given = X.copy(), OOD.copy()
    found = CALLS[name](in_place, X_given, ood_given)
    assert_array_equal(X_given, X)
    assert_array_equal(ood_given, OOD)
    assert_array_equal(found, CALLS[name](copying, X.copy(), OOD.copy()))


def test_a_pipeline_without_transformers_gets_the_samples_themselves():
    seen = []

    class Keeping(SGDClassifier):
        def partial_fit(self, X, y, classes=None, sample_weight=None):
            seen.append(np.shares_memory(X, given))
            return super().partial_fit(X, y, classes, sample_weight)

    given = X.copy()
    CartographyClassifier(make_pipeline(Keeping()), n_epochs=2).fit(given, y)
    assert seen == [True, True]
