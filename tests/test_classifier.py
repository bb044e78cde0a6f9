"""CartographyClassifier: pipelines, metadata, and errors."""

import sys

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import IncrementalPCA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC

from sklearn_carto import CartographyClassifier, DataMap
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._watching._find import can_watch
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import DegenerateMapWarning, NotWatchableError

X, y, kind = make_cartography(200, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)


def test_the_map_separates_easy_ambiguous_and_mislabelled_rows():
    model = CartographyClassifier(MLPClassifier((16,), random_state=0, learning_rate_init=0.02))
    data_map = model.fit(X, y).data_map_
    confidence = {name: data_map.confidence[kind == name].mean() for name in np.unique(kind)}
    assert confidence["mislabelled"] < confidence["ambiguous"] < confidence["easy"]
    worst = np.argsort(data_map.confidence)[: (kind == "mislabelled").sum()]
    assert np.mean(kind[worst] == "mislabelled") > 0.7


def test_shortcuts_are_those_of_the_map():
    model = CartographyClassifier(SGD, n_epochs=3).fit(X, y)
    assert isinstance(model.data_map_, DataMap)
    assert model.confidence_ is model.data_map_.confidence
    assert model.n_epochs_ == model.data_map_.n_epochs == 3
    assert not model.interrupted_
    assert model.n_features_in_ == 8


def test_the_estimator_that_was_passed_stays_untouched():
    learner = clone(SGD)
    CartographyClassifier(learner, n_epochs=2, random_state=3).fit(X, y)
    assert not hasattr(learner, "coef_")
    assert learner.random_state == 0


def test_fitting_again_starts_anew():
    model = CartographyClassifier(SGD, n_epochs=3)
    first = model.fit(X, y).confidence_.copy()
    assert_array_equal(model.fit(X, y).confidence_, first)
    assert model.n_epochs_ == 3


def test_it_searches_and_cross_validates_like_any_classifier():
    search = GridSearchCV(
        CartographyClassifier(SGD), {"estimator__alpha": [0.01, 0.1], "n_epochs": [2, 4]}, cv=2
    ).fit(X, y)
    assert search.best_estimator_.n_epochs_ == search.best_params_["n_epochs"]
    scores = cross_validate(
        CartographyClassifier(SGD), X, y, cv=3, scoring=["accuracy", "f1_macro"]
    )
    assert scores["test_accuracy"].shape == (3,)


def test_pipelines_nest():
    nested = make_pipeline(StandardScaler(), make_pipeline("passthrough", SGD))
    model = CartographyClassifier(nested, n_epochs=4).fit(X, y)
    flat = CartographyClassifier(make_pipeline(StandardScaler(), SGD), n_epochs=4).fit(X, y)
    assert_array_equal(model.predict_proba(X), flat.predict_proba(X))


def test_a_pipeline_of_one_step_is_that_step():
    model = CartographyClassifier(make_pipeline(SGD), n_epochs=4).fit(X, y)
    assert_array_equal(
        model.confidence_, CartographyClassifier(SGD, n_epochs=4).fit(X, y).confidence_
    )


def test_a_pipeline_with_memory_predicts(tmp_path):
    pipeline = make_pipeline(StandardScaler(), SGD, memory=str(tmp_path))
    model = CartographyClassifier(pipeline, n_epochs=2).fit(X, y)
    assert_array_equal(model.fit(X, y).predict(X), model.estimator_.predict(X))


def test_raw_text_goes_through_a_pipeline():
    texts = [f"{'good fine' if label else 'bad poor'} film {i}" for i, label in enumerate(y > 0)]
    learner = make_pipeline(
        TfidfVectorizer(), MLPClassifier((4,), random_state=0, learning_rate_init=0.05)
    )
    model = CartographyClassifier(learner).fit(texts, y > 0)
    assert model.score(texts, y > 0) == 1
    assert len(model.data_map_) == 200


def test_a_data_frame_goes_through_a_column_transformer():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"size": X[:, 0], "town": np.array(["a", "b", "c"])[y], "noise": X[:, 3]})
    columns = make_column_transformer(
        (OneHotEncoder(), ["town"]), (StandardScaler(), ["size", "noise"])
    )
    model = CartographyClassifier(make_pipeline(columns, SGD)).fit(frame, y)
    assert model.score(frame, y) > 0.9
    assert_array_equal(model.feature_names_in_, ["size", "town", "noise"])


@pytest.mark.filterwarnings("ignore:.*TargetEncoder.*:FutureWarning")
def test_the_last_step_trains_and_is_recorded_on_fit_transforms_output():
    town = np.random.RandomState(0).choice(list("abcdef"), size=(200, 1))
    encoder = TargetEncoder(random_state=0)  # cross-fits in fit_transform, and not in transform
    model = CartographyClassifier(make_pipeline(encoder, SGD), n_epochs=4).fit(town, y)
    Xt = clone(encoder).fit_transform(town, y)
    assert_array_equal(
        model.confidence_, CartographyClassifier(SGD, n_epochs=4).fit(Xt, y).confidence_
    )


def test_step_parameters_of_a_pipeline_reach_their_step():
    weight = np.random.RandomState(0).uniform(0, 2, 200)
    pipeline = Pipeline([("scale", StandardScaler()), ("clf", SGD)])
    Xt = StandardScaler().fit(X, sample_weight=weight).transform(X)
    expected = CartographyClassifier(SGD, n_epochs=3).fit(Xt, y, sample_weight=weight)
    model = CartographyClassifier(pipeline, n_epochs=3)
    model.fit(X, y, scale__sample_weight=weight, clf__sample_weight=weight)
    assert_allclose(model.confidence_, expected.confidence_, atol=1e-12)


def test_routed_metadata_reaches_the_method_that_is_really_called():
    weight = np.random.RandomState(0).uniform(0, 2, 200)
    expected = CartographyClassifier(SGD, n_epochs=3).fit(X, y, sample_weight=weight).confidence_
    with sklearn.config_context(enable_metadata_routing=True):
        requesting = clone(SGD).set_partial_fit_request(sample_weight=True)
        for estimator in (requesting, make_pipeline("passthrough", requesting)):
            model = CartographyClassifier(estimator, n_epochs=3)
            assert_array_equal(model.fit(X, y, sample_weight=weight).confidence_, expected)
        staged = HistGradientBoostingClassifier(max_iter=3).set_fit_request(sample_weight=True)
        CartographyClassifier(staged).fit(X, y, sample_weight=weight)
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
            CartographyClassifier(SGD).fit(X, y, sample_weight=weight)


def test_weights_that_the_estimator_does_not_take_are_an_error():
    class NoWeights(MLPClassifier):
        def partial_fit(self, X, y, classes=None):
            return super().partial_fit(X, y, classes=classes)

    with pytest.raises(TypeError, match=r"NoWeights\.partial_fit takes no sample_weight"):
        CartographyClassifier(NoWeights()).fit(X, y, sample_weight=np.ones(200))


def test_verbose_shows_progress(capsys):
    CartographyClassifier(SGD, n_epochs=3, verbose=1).fit(X, y)
    assert "3/3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(200), "only one class"),
        (np.linspace(0, 1, 200), "Unknown label type: continuous"),
        (np.where(np.arange(200) == 7, np.nan, y), r"missing values .* \[7\]"),
        (np.where(np.arange(200) == 7, None, y.astype(object)), r"missing values .* \[7\]"),
        (np.eye(3, dtype=int)[y], "one CartographyClassifier for each column"),
        (y[:-1], "inconsistent numbers of samples"),
        (None, "requires y to be passed"),
    ],
    ids=["one class", "regression", "nan", "none", "multilabel", "length", "no y"],
)
def test_bad_labels_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        CartographyClassifier(SGD).fit(X, labels)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_epochs": 0}, "'n_epochs' parameter .* must be an int in the range"),
        ({"record": "now and then"}, "'record' parameter .* must be a str among"),
        ({"keep_history": "yes"}, "'keep_history' parameter"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        CartographyClassifier(SGD, **params).fit(X, y)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (SVC(), "SVC cannot be watched while it trains: it has no partial_fit"),
        (SGDRegressor(), "must be a classifier. Got SGDRegressor, a regressor"),
        (make_pipeline(StandardScaler(), SVC()), "SVC cannot be watched"),
        (FrozenEstimator(SGD), "FrozenEstimator does not train"),
        (make_pipeline(StandardScaler(), "passthrough"), "cannot be watched"),
        (MLPClassifier(solver="lbfgs"), "no partial_fit .* Set solver='adam' or 'sgd'"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_estimators_that_cannot_be_watched_are_refused(estimator, message):
    with pytest.raises(NotWatchableError, match=message):
        CartographyClassifier(estimator).fit(X, y)


def test_a_pipeline_that_resamples_is_refused():
    imblearn = pytest.importorskip("imblearn")
    from imblearn.under_sampling import RandomUnderSampler

    pipeline = imblearn.pipeline.make_pipeline(RandomUnderSampler(), SGD)
    assert not can_watch(pipeline)
    with pytest.raises(NotWatchableError, match="'randomundersampler' .* changes the rows"):
        CartographyClassifier(pipeline).fit(X, y)


def test_predict_before_fit_is_scikit_learns_error():
    with pytest.raises(NotFittedError, match="CartographyClassifier instance is not fitted yet"):
        CartographyClassifier(SGD).predict(X)


def test_a_generator_as_random_state_seeds_each_training_anew():
    learner = SGDClassifier(loss="log_loss", alpha=0.01)
    first, again = (
        CartographyClassifier(learner, n_epochs=3, random_state=np.random.RandomState(5))
        for _ in range(2)
    )
    confidence = first.fit(X, y).confidence_
    assert_array_equal(again.fit(X, y).confidence_, confidence)
    assert not np.array_equal(first.fit(X, y).confidence_, confidence)


def test_methods_are_those_of_the_inner_estimator():
    assert not hasattr(CartographyClassifier(SGDClassifier(loss="hinge")), "predict_proba")
    assert hasattr(CartographyClassifier(LogisticRegression()), "predict_log_proba")


def test_rows_of_a_data_frame_keep_their_names(tmp_path):
    pd = pytest.importorskip("pandas")
    names = [f"row {i}" for i in range(len(X))]
    frame = pd.DataFrame(X, index=names, columns=[f"x{j}" for j in range(X.shape[1])])
    data_map = CartographyClassifier(SGD, n_epochs=3).fit(frame, y).data_map_
    assert data_map.to_frame()["sample_id"].tolist() == names
    data_map.save(tmp_path / "map.npz")
    assert DataMap.load(tmp_path / "map.npz").sample_ids.tolist() == names
    counted = CartographyClassifier(SGD, n_epochs=3).fit(frame.reset_index(drop=True), y)
    assert counted.data_map_.sample_ids is None


def test_the_training_set_is_recognized_by_its_values():
    model = CartographyClassifier(SGD, n_epochs=3)
    with pytest.raises(NotFittedError):
        model._is_training_set(X, y)
    model.fit(X, y)
    assert model._is_training_set(np.asfortranarray(X), y.astype(np.int32))
    assert not model._is_training_set(X[::-1], y[::-1])
    assert not model._is_training_set(X, y[::-1])


@pytest.mark.parametrize("missing", [np.nan, None], ids=str)
def test_missing_labels_are_named_where_pandas_is_not_loaded(missing, monkeypatch):
    labels = y.astype(float if missing is not None else object)
    labels[[3, 7]] = missing
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    with pytest.raises(ValueError, match=r"missing values .* \[3, 7\]"):
        check_labels(labels, CartographyClassifier(SGD))


def test_missing_labels_of_pandas_are_named():
    pd = pytest.importorskip("pandas")
    labels = pd.Series(np.array(["a", "b", "c"])[y], dtype="string")
    labels[3] = pd.NA
    with pytest.raises(ValueError, match=r"missing values .* \[3\]"):
        CartographyClassifier(SGD).fit(X, labels)


def test_a_refit_that_raises_its_warning_keeps_the_map_of_its_rows():
    model = CartographyClassifier(SGD, n_epochs=3).fit(X, y).set_params(n_epochs=1)
    half = slice(0, len(y), 2)
    with pytest.raises(DegenerateMapWarning, match="one epoch"):
        model.fit(X[half], y[half])  # warnings are errors in these tests
    assert model.n_epochs_ == model.data_map_.n_epochs == 1
    assert model.data_map_.n_samples == len(y[half])
    assert model._is_training_set(X[half], y[half])


@pytest.mark.parametrize(
    ("estimator", "what"),
    [
        (MiniBatchKMeans(), "MiniBatchKMeans, a clusterer,"),
        (IncrementalPCA(), "IncrementalPCA"),
        (IsolationForest(), "IsolationForest, an outlier detector,"),
        (HistGradientBoostingRegressor(), "HistGradientBoostingRegressor, a regressor,"),
        (SGDClassifier, "the class SGDClassifier"),
        (make_pipeline(StandardScaler(), MiniBatchKMeans()), "a pipeline that ends in MiniBatch"),
        (make_pipeline(StandardScaler(), SGDRegressor()), "a pipeline that ends in SGDRegressor"),
        (make_pipeline(StandardScaler(), SGDClassifier), "ends in the class SGDClassifier"),
        (Pipeline([]), "a Pipeline without steps"),
    ],
    ids=str,
)
def test_what_is_not_a_classifier_is_refused_by_name(estimator, what):
    assert not can_watch(estimator)
    with pytest.raises(NotWatchableError, match=f"must be a classifier. Got .*{what}"):
        CartographyClassifier(estimator).fit(X, y)
