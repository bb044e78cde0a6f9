"""Label issues of every kind of samples, estimators and arguments of fit."""

import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from sklearn_carto import CartographyClassifier, LabelIssueDetector, find_label_issues
from sklearn_carto._utils._compat import InvalidParameterError

N = 90
TRUE = np.arange(N) % 3
X = np.random.RandomState(0).normal(size=(N, 4)) + 4 * np.eye(4)[TRUE]
WRONG = np.array([3, 20, 40, 71])
y = TRUE.copy()
y[WRONG] = (y[WRONG] + 1) % 3
SGD = SGDClassifier(loss="log_loss", alpha=0.01)
HGB = HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=3)
FOLDS = list(StratifiedKFold(3, shuffle=True, random_state=1).split(X, TRUE))
WORDS = ["apple pear plum", "car bus train", "red blue green"]
TEXTS = [" ".join(np.random.RandomState(i).choice(WORDS[c].split(), 5)) for i, c in enumerate(TRUE)]


def find(estimator, samples=X, labels=y, **options):
    return find_label_issues(estimator, samples, labels, **{"cv": 3, "random_state": 0, **options})


def assert_found(issues, watched=True, n_found=4):
    assert np.isfinite(issues.label_quality).all()
    assert len(set(issues.ranking[: len(WRONG)]) & set(WRONG)) >= n_found
    assert (issues.data_map is not None) == (issues.in_fold_map is not None) == watched


# --- samples


def test_texts_are_rated_by_a_pipeline():
    assert_found(find(make_pipeline(TfidfVectorizer(), SGD), TEXTS))
    assert_found(find(make_pipeline(TfidfVectorizer(), LinearSVC()), TEXTS), watched=False)


class Prefixes(ClassifierMixin, BaseEstimator):
    """Know the label of a text by the first letters of its words."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.counts_ = {}
        for text, label in zip(X, y, strict=True):
            for word in text.split():
                self.counts_.setdefault(word, np.ones(3))[label] += 1
        return self

    def predict_proba(self, X):
        scores = np.array([np.sum([np.log(self.counts_[w]) for w in t.split()], 0) for t in X])
        proba = np.exp(scores - scores.max(axis=1, keepdims=True))
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_texts_without_numeric_features_are_rated_without_neighbors():
    issues = find(Prefixes(), TEXTS)
    assert_found(issues, watched=False)
    assert_array_equal(issues.label_quality, find(Prefixes(), TEXTS, neighbors=None).label_quality)


def test_images_are_rated_by_a_pipeline_that_reshapes_them():
    images = (
        np.random.RandomState(0).normal(size=(N, 4, 3, 2)) + 3 * np.eye(4)[TRUE][..., None, None]
    )
    flatten = FunctionTransformer(lambda images: images.reshape(len(images), -1))
    assert_found(find(make_pipeline(flatten, SGD), images))


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_sparse_samples_are_rated(kind):
    rows = np.abs(X).round(1)
    expected = find(SGD, scipy.sparse.csr_array(rows))
    assert_array_equal(find(SGD, kind(rows)).label_quality, expected.label_quality)


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_mixed_columns_of_data_frames_are_rated_and_their_index_names_the_samples(backend):
    library = pytest.importorskip(backend)
    columns = {f"x{i}": X[:, i] for i in range(4)}
    frame = library.DataFrame({**columns, "place": np.array(["u", "v", "w"])[TRUE]})
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["place"]), remainder="passthrough"
    )
    names = None
    if backend == "pandas":
        names = np.array([f"row {i}" for i in range(N)])
        frame["place"] = frame["place"].astype("category")
        frame.index = names
    issues = find(make_pipeline(encode, SGD), frame)
    assert_found(issues)
    if names is None:
        assert issues.sample_ids is None
    else:
        assert_array_equal(issues.sample_ids, names)
        assert_array_equal(issues.data_map.sample_ids, names)
        assert_array_equal(issues.to_frame(frame)["sample_id"], names[issues.ranking])
    detector = LabelIssueDetector(make_pipeline(encode, SGD), cv=3).fit(frame, y)
    assert detector.n_features_in_ == 5
    assert_array_equal(detector.feature_names_in_, [*columns, "place"])


def test_nullable_and_categorical_columns_of_pandas_are_rated():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    frame["count"] = pandas.array(np.arange(N), dtype="Int64")
    frame.loc[[3, 50], "count"] = pandas.NA
    frame["place"] = pandas.Categorical(np.array(["u", "v", "w"])[TRUE])
    model = clone(HGB).set_params(categorical_features="from_dtype")
    assert_found(find(model, frame))
    numbers = make_column_transformer(
        ("passthrough", make_column_selector(dtype_include="number")),
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    assert_found(find(make_pipeline(numbers, HGB), frame))  # NA in some folds only


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_missing_and_infinite_values_are_rated_by_a_model_that_takes_them(odd):
    samples = X.copy()
    samples[::7, 0] = odd
    samples[5] = np.nan
    assert_found(find(HGB, samples), n_found=3)


def test_ids_name_the_samples():
    ids = np.arange(N)[::-1] * 10
    assert_array_equal(find(SGD, sample_ids=ids).sample_ids, ids)
    assert find(SGD).sample_ids is None


@pytest.fixture
def net():
    torch, skorch = pytest.importorskip("torch"), pytest.importorskip("skorch")

    class Linear(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        def forward(self, X=None, left=None, right=None):
            return self.layer(torch.cat([left, right], 1) if X is None else X.reshape(len(X), -1))

    return skorch.NeuralNetClassifier(
        Linear, criterion=torch.nn.CrossEntropyLoss, max_epochs=8, lr=0.3, verbose=0, batch_size=8,
        train_split=None,
    )  # fmt: skip


def test_tensors_images_dicts_and_data_sets_are_rated_by_a_net(net):
    torch = pytest.importorskip("torch")
    rows = X.astype(np.float32)
    expected = find(net, rows, neighbors=None)
    assert_found(expected)
    inputs = {"left": rows[:, :2], "right": rows[:, 2:]}
    data_set = torch.utils.data.TensorDataset(torch.tensor(rows), torch.tensor(y))
    for samples in (rows.reshape(N, 2, 2), torch.tensor(rows), inputs, data_set):
        issues = find(net, samples, neighbors=None)
        assert_allclose(issues.given_proba, expected.given_proba, atol=1e-5)
    for samples in (inputs, data_set):  # without numeric features there are no neighbors
        assert_array_equal(
            find(net, samples).label_quality, find(net, samples, neighbors=None).label_quality
        )
        assert_found(find(net, samples, neighbors=rows))


def test_samples_that_a_net_always_holds_out_are_rated_by_their_probability(net):
    net.set_params(train_split=pytest.importorskip("skorch.dataset").ValidSplit(3))
    issues = find(net, X.astype(np.float32))
    assert np.isfinite(issues.label_quality).all()
    assert np.isnan(issues.in_fold_map.aum).any()


# --- estimators


@pytest.mark.parametrize(
    ("estimator", "watched"),
    [
        (GaussianNB(), True),
        (HGB, True),
        (RandomForestClassifier(20, min_samples_leaf=3), True),
        (MLPClassifier((16,), max_iter=60, learning_rate_init=0.02), True),
        (MLPClassifier((16,), max_iter=60, early_stopping=True, learning_rate_init=0.02), False),
        (KNeighborsClassifier(), False),
        (SVC(), False),
        (LinearSVC(), False),
        (VotingClassifier([("a", SGD), ("b", GaussianNB())], voting="soft"), False),
        (GridSearchCV(SVC(), {"C": [0.1, 1]}, cv=2), False),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), False),
        (make_pipeline(make_pipeline(StandardScaler()), SGD), True),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
def test_estimators_of_every_kind_rate_labels(estimator, watched):
    assert_found(find(estimator), watched, n_found=3)


@pytest.mark.parametrize(
    ("library", "kind", "params"),
    [
        ("xgboost", "XGBClassifier", {"n_estimators": 8}),
        ("lightgbm", "LGBMClassifier", {"n_estimators": 8, "verbose": -1, "min_child_samples": 3}),
        ("catboost", "CatBoostClassifier", {"iterations": 8, "verbose": 0,
                                            "allow_writing_files": False}),
    ],
)  # fmt: skip
def test_boosters_rate_labels_of_any_type(library, kind, params):
    booster = getattr(pytest.importorskip(library), kind)(**params)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=library)
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        issues = find(booster, X, np.array(["b", "c", "a"])[y])
    assert_found(issues, n_found=3)
    assert issues.suggested_label.dtype.kind == "U"


def test_a_hard_vote_provides_no_class_scores():
    vote = VotingClassifier([("a", SGD), ("b", GaussianNB())])
    for estimator in (vote, make_pipeline(StandardScaler(), vote)):
        with pytest.raises(InvalidParameterError, match="VotingClassifier, which has neither"):
            find(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        FrozenEstimator(clone(SGD).fit(X, y)),
        make_pipeline(StandardScaler(), FrozenEstimator(clone(SGD).fit(X, y))),
        CartographyClassifier(FrozenEstimator(clone(SGD).fit(X, y))),
    ],
    ids=["estimator", "pipeline", "cartography"],
)
def test_a_frozen_estimator_is_an_error(estimator):
    with pytest.raises(InvalidParameterError, match="must not be a FrozenEstimator"):
        find(estimator)


def test_a_pipeline_with_a_sampler_is_fitted_as_it_is():
    imblearn = pytest.importorskip("imblearn.pipeline")
    from imblearn.over_sampling import RandomOverSampler

    few = np.r_[np.flatnonzero(TRUE > 0), np.flatnonzero(TRUE == 0)[:12]]
    pipeline = imblearn.make_pipeline(StandardScaler(), RandomOverSampler(), SVC())
    folds = list(StratifiedKFold(3).split(X[few], y[few]))
    issues = find(pipeline, X[few], y[few], cv=folds, neighbors=None)
    assert issues.data_map is None
    for train, test in folds:
        model = clone(pipeline).set_params(randomoversampler__random_state=0, svc__random_state=0)
        scores = model.fit(X[few][train], y[few][train]).decision_function(X[few][test])
        # a weighted logarithm of the softmax keeps the order of classes
        assert_array_equal(issues.predicted_label[test], scores.argmax(axis=1))


# --- arguments of fit


def weights_of(names):
    return {name: np.where(np.arange(N) % 9 == 4, 0.0, 1.0) for name in names}


@pytest.mark.parametrize("last", [SGD, SVC()], ids=["watched", "unwatched"])
def test_arguments_of_steps_reach_the_steps(last):
    pipeline = Pipeline([("scale", StandardScaler()), ("inner", Pipeline([("last", last)]))])
    detector = LabelIssueDetector(pipeline, cv=3, random_state=0)
    issues = detector.fit(X, y, **weights_of(["inner__last__sample_weight"])).label_issues_
    assert_array_equal(np.isnan(issues.label_quality), np.arange(N) % 9 == 4)
    plain = detector.fit(X, y, **weights_of(["sample_weight"])).label_issues_
    assert_array_equal(plain.label_quality, issues.label_quality)
    both = weights_of(["inner__last__sample_weight", "scale__sample_weight"])
    scaled = detector.fit(X, y, **both).label_issues_
    assert not np.array_equal(scaled.given_proba, issues.given_proba)
    with pytest.raises(TypeError, match="no step 'scal'"):
        detector.fit(X, y, scal__sample_weight=np.ones(N))


def test_arguments_of_the_steps_of_a_pipeline_with_a_sampler_reach_the_steps():
    imblearn = pytest.importorskip("imblearn.pipeline")
    from imblearn.under_sampling import RandomUnderSampler

    steps = [("scale", StandardScaler()), ("draw", RandomUnderSampler()), ("last", SVC())]
    detector = LabelIssueDetector(imblearn.Pipeline(steps), cv=3, random_state=0)
    plain = detector.fit(X, y).label_issues_
    weights = {"scale__sample_weight": np.arange(N) + 1.0}
    scaled = detector.fit(X, y, **weights).label_issues_
    assert not np.array_equal(scaled.given_proba, plain.given_proba)
    with sklearn.config_context(enable_metadata_routing=True):
        steps[0][1].set_fit_request(sample_weight=True)
        steps[2][1].set_fit_request(sample_weight=False)
        routed = detector.fit(X, y, sample_weight=weights["scale__sample_weight"]).label_issues_
    assert_array_equal(routed.label_quality, scaled.label_quality)


def test_a_sampler_that_draws_all_samples_changes_nothing():
    imblearn = pytest.importorskip("imblearn")
    weight = np.arange(N) + 1.0

    def fit(*steps):
        pipeline = imblearn.pipeline.Pipeline([("scale", StandardScaler()), *steps])
        detector = LabelIssueDetector(pipeline, cv=3, neighbors=None, random_state=0)
        return detector.fit(X, y, last__sample_weight=weight).label_issues_.given_proba

    expected = fit(("last", SVC()))
    assert_array_equal(fit(("draw", imblearn.FunctionSampler()), ("last", SVC())), expected)
    unweighted = find(make_pipeline(StandardScaler(), SVC()), neighbors=None).given_proba
    assert not np.array_equal(expected, unweighted)


@pytest.mark.parametrize("last", [SGD, SVC()], ids=["watched", "unwatched"])
def test_metadata_are_routed_to_the_steps(last):
    weight = weights_of(["w"])
    method = "set_partial_fit_request" if hasattr(last, "partial_fit") else "set_fit_request"
    plain = Pipeline([("scale", StandardScaler()), ("last", clone(last))])
    expected = LabelIssueDetector(plain, cv=3, random_state=0)
    expected.fit(X, y, last__sample_weight=weight["w"], scale__sample_weight=np.arange(N) + 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        scale = StandardScaler().set_fit_request(sample_weight=True)
        last = getattr(clone(last), method)(sample_weight="w")
        detector = LabelIssueDetector(make_pipeline(scale, last), cv=3, random_state=0)
        detector.fit(X, y, sample_weight=np.arange(N) + 1.0, **weight)
    issues = detector.label_issues_
    assert_array_equal(issues.label_quality, expected.label_issues_.label_quality)


@pytest.mark.parametrize("cv", [3, GroupKFold(3)], ids=["int", "splitter"])
def test_groups_are_routed_to_the_folds(cv):
    groups = np.arange(N) % 10
    expected = find(KNeighborsClassifier(), cv=cv, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        issues = find(KNeighborsClassifier(), cv=cv, groups=groups)
    assert_array_equal(issues.label_quality, expected.label_quality)
    assert not np.array_equal(issues.label_quality, find(KNeighborsClassifier()).label_quality)


# --- neighbors


@pytest.mark.parametrize(
    "neighbors",
    ["euclidean", ["a"] * N, X[:-1], X[:, 0], 3, {"a": X}, [[1], [1, 2]] * 45, np.array("auto")],
    ids=range(8),
)
def test_neighbors_that_are_no_features_are_an_error(neighbors):
    with pytest.raises(InvalidParameterError, match="'neighbors' parameter"):
        find(SGD, neighbors=neighbors)


def test_neighbors_may_be_any_container_of_features():
    pandas = pytest.importorskip("pandas")
    expected = find(SGD, neighbors=X)
    assert_array_equal(find(SGD).label_quality, expected.label_quality)
    for features in (X.tolist(), pandas.DataFrame(X, index=np.arange(N)[::-1]), X[:, None, :]):
        assert_array_equal(find(SGD, neighbors=features).label_quality, expected.label_quality)
    assert not np.array_equal(find(SGD, neighbors=None).given_proba, expected.given_proba)
    assert_found(find(SGD, neighbors=scipy.sparse.csr_matrix(np.abs(X))))


def test_a_pipeline_that_ends_in_a_cartography_classifier_is_refused():
    detector = LabelIssueDetector(make_pipeline(StandardScaler(), CartographyClassifier(SGD)))
    with pytest.raises(InvalidParameterError, match="pipeline that ends in a Cartography"):
        detector.fit(X, y)


def test_the_folders_of_a_cartography_classifier_are_ignored(tmp_path):
    X, y = make_classification(60, random_state=0)
    sgd = SGDClassifier(loss="log_loss", random_state=0)
    names = ("checkpoint", "log", "history_dir")
    with_folders = CartographyClassifier(
        sgd, n_epochs=3, **{name: tmp_path / name for name in names}
    )
    plain = CartographyClassifier(sgd, n_epochs=3)
    for find in (
        lambda proxy: find_label_issues(proxy, X, y, cv=2, random_state=0),
        lambda proxy: LabelIssueDetector(proxy, cv=2, random_state=0).fit(X, y).label_issues_,
    ):
        quality, expected = (find(proxy).label_quality for proxy in (with_folders, plain))
        assert_array_equal(quality, expected)
    assert not [*tmp_path.iterdir()]
