"""The paper's sweeps are comparisons whose budgets and mixtures are right."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression, SGDClassifier

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    compare_subsets,
    sweep_fractions,
    sweep_replacement,
)
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(240, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01)
SETTINGS = {
    "selector": DataMapSelector(CartographyClassifier(SGD, n_epochs=4)),
    "cv": 3,
    "random_state": 0,
}


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.MissingClassesWarning")
def test_fractions_are_compared_with_random_subsets_of_the_same_size():
    sweep = sweep_fractions(LogisticRegression(), X, y, fracs=(0.5, 0.1), **SETTINGS)
    same = compare_subsets(
        LogisticRegression(), X, y, regions=["ambiguous"], fracs=(0.5, 0.1), **SETTINGS
    )
    for name in ("region", "frac", "test_score"):
        assert_array_equal(sweep.results_[name], same.results_[name])
    by_default = sweep_fractions(LogisticRegression(), X, y, regions=[], **SETTINGS)
    fracs = [1.0, 0.5, 0.33, 0.25, 0.17, 0.1, 0.05, 0.01]
    assert list(dict.fromkeys(by_default.results_["frac"].tolist())) == fracs


def test_replacement_keeps_the_budget_and_records_the_replaced_share():
    shares = (0.0, 0.25, 1.0)
    sweep = sweep_replacement(LogisticRegression(), X, y, frac=0.2, shares=shares, **SETTINGS)
    results = sweep.results_
    subsets = np.isfinite(results["replaced"])
    assert set(results["replaced"][subsets].tolist()) == set(shares)
    assert set(results["n_train"][results["region"] != "full"]) == {32}
    ends = compare_subsets(
        LogisticRegression(), X, y, regions=["ambiguous", "easy"], fracs=[0.2], **SETTINGS
    ).results_
    for share, region in ((0.0, "ambiguous"), (1.0, "easy")):
        assert_allclose(
            results["test_score"][results["replaced"] == share],
            ends["test_score"][ends["region"] == region],
        )
    assert "replaced" not in sweep.summary()["score"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"shares": (0.5, 1.2)}, r"must contain floats in \[0, 1\]. Got 1.2"),
        ({"shares": (0.01,), "frac": 0.05}, "a region would get no row"),
        ({"replacement": "eazy"}, "Unknown region 'eazy'"),
    ],
)
def test_what_cannot_be_swept_is_refused(params, message):
    with pytest.raises(ValueError, match=message):
        sweep_replacement(LogisticRegression(), X, y, **SETTINGS, **params)
