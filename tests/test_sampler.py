"""DataMapSampler: the rows of DataMapSelector, in imbalanced-learn's pipeline."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.preprocessing import StandardScaler

import sklearn_carto
from sklearn_carto import DataMapSelector
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(150, random_state=0)


def test_without_imbalanced_learn_access_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "imblearn", None)
    with pytest.raises(ImportError, match=r"DataMapSampler requires imblearn.*\[imblearn\]"):
        _ = sklearn_carto.DataMapSampler


def test_an_unknown_name_is_the_usual_error():
    with pytest.raises(AttributeError, match="no attribute 'DataMapSampling'"):
        _ = sklearn_carto.DataMapSampling


@pytest.fixture
def make_sampler():
    pytest.importorskip("imblearn")
    return lambda **params: sklearn_carto.DataMapSampler(**{"random_state": 0, **params})


@pytest.mark.parametrize("region", ["ambiguous", "coverage", {"easy": 0.5, "hard": 0.5}], ids=str)
def test_it_keeps_the_rows_of_the_selector(make_sampler, region):
    sampler = make_sampler(region=region, frac=0.3)
    selected, labels = sampler.fit_resample(X, y)
    rows = DataMapSelector(region=region, frac=0.3, random_state=0).fit(X, y).sample_indices_
    assert_array_equal(sampler.sample_indices_, rows)
    assert_array_equal(selected, X[rows])
    assert_array_equal(labels, y[rows])
    assert sum(sampler.sampling_strategy_.values()) == 45


def test_it_works_in_pipelines_searches_and_cross_validation(make_sampler):
    from imblearn.pipeline import make_pipeline

    pipeline = make_pipeline(StandardScaler(), make_sampler(), LogisticRegression())
    assert pipeline.fit(X, y).predict(X).shape == (150,)
    assert cross_validate(pipeline, X, y, cv=3)["test_score"].min() > 0.5
    search = GridSearchCV(pipeline, {"datamapsampler__frac": [0.2, 0.5]}, cv=2).fit(X, y)
    assert search.best_estimator_.predict(X).shape == (150,)


def test_containers_come_back_as_they_went_in(make_sampler):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcdefgh"), index=np.arange(150) + 1000)
    series = pd.Series(y, index=frame.index, name="class")
    selected, labels = make_sampler().fit_resample(frame, series)
    assert_array_equal(selected.index, labels.index)
    assert labels.name == "class"
    assert sparse.issparse(make_sampler().fit_resample(sparse.csr_matrix(X), y)[0])


def test_one_hot_labels_stay_one_hot(make_sampler):
    one_hot = np.eye(3, dtype=int)[y]
    sampler = make_sampler()
    _, labels = sampler.fit_resample(X, one_hot)
    assert_array_equal(labels, one_hot[sampler.sample_indices_])
