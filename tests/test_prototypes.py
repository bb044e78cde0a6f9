"""The region "prototypes": samples near the centers of clusters of the features."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline

from sklearn_carto import CartographyClassifier, DataMapSelector
from sklearn_carto._selection._prototypes import embed, prototype_scores

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning"  # the clusters are far apart
)
RNG = np.random.RandomState(0)
CENTERS = np.repeat(np.arange(6), 20)  # six clusters of twenty; each class holds three
X = 10.0 * np.eye(6)[CENTERS] + RNG.normal(size=(120, 6))
y = CENTERS % 2
PROXY = CartographyClassifier(SGDClassifier(loss="log_loss"), n_epochs=3)


def fit(rows=X, **params):
    settings = {"region": "prototypes", "frac": 0.05, "random_state": 0}
    return DataMapSelector(PROXY, **{**settings, **params}).fit(rows, y)


@pytest.mark.parametrize("make", [np.asarray, csr_matrix, lambda X: np.hstack([X, X * 0])])
def test_each_cluster_gives_one_sample_where_there_are_as_many(make):
    selected = fit(make(X)).sample_indices_
    assert sorted(CENTERS[selected]) == list(range(6))


def test_missing_values_are_replaced():
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = X.copy()
    rows[::7, 0] = np.nan
    selector = DataMapSelector(
        HistGradientBoostingClassifier(max_iter=3), region="prototypes", frac=0.05, random_state=0
    ).fit(rows, y)
    assert len(selector.sample_indices_) == 6


def test_the_nearest_of_each_cluster_come_first():
    embedded = np.array([[0.0], [0.2], [1.0], [9.0], [10.0], [10.2], [10.4]])
    scores = prototype_scores(embedded, np.zeros(7), np.arange(7), 2 / 7, random_state=0)
    # centers .4 and 9.9: 1, 0, 2 by distance .2, .4, .6; and 4, 5, 6, 3 by .1, .3, .5, .9
    assert_array_equal(scores, [-1, 0, -2, -3, 0, -1, -2])


def test_samples_that_the_cut_removes_are_no_prototypes():
    scores = prototype_scores(X, y, np.arange(60), 0.05, random_state=0)
    assert scores[:60].min() > scores[60:].max()


def test_equal_samples_make_one_cluster_and_do_not_warn():
    scores = prototype_scores(np.zeros((10, 2)), np.zeros(10), np.arange(10), 0.5, random_state=0)
    assert sorted(scores) == list(range(-9, 1))


def test_many_columns_are_projected():
    rows = RNG.normal(size=(50, 80)).astype(np.float32)
    assert embed(rows, rows, 0).shape == (50, 32)
    assert_array_equal(embed(rows, rows, 0), embed(rows, rows, 0))
    assert embed(rows[:, :5], rows, 0).shape == (50, 5)
    assert embed(csr_matrix(rows), rows, 0).shape == (50, 32)
    assert embed(rows[:10], rows, 0).shape == (10, 10)


TEXT = np.array([f"word{c} the {'yes' if c % 2 else 'no'}" for c in CENTERS], dtype=object)


def test_text_has_no_prototypes_and_auto_leaves_them_out():
    proxy = make_pipeline(CountVectorizer(), SGDClassifier(loss="log_loss"))
    selector = DataMapSelector(proxy, region="prototypes", random_state=0)
    with pytest.raises(ValueError, match="'prototypes' needs numeric features"):
        selector.fit(TEXT, y)
    selector.set_params(region="auto", frac=0.1, cv=2).fit(TEXT, y)
    assert "prototypes" not in selector.auto_results_["region"]
    assert "prototypes" in fit(region="auto", frac=0.1, cv=2).auto_results_["region"]
