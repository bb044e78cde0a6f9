"""DistilledClassifier: which model is watched, and which classes the final one has."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from names import name_of
from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    compare_subsets,
)
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import MissingClassesWarning, NotWatchableError

X, y, _ = make_cartography(90, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)


class Untrainable(SGDClassifier):
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        raise AssertionError("trained before its arguments were checked")

    fit = partial_fit


def lightgbm(**params):
    kind = pytest.importorskip("lightgbm").LGBMClassifier
    return kind(n_estimators=3, verbose=-1, n_jobs=1, min_child_samples=2, **params)


def xgboost(**params):
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=3, n_jobs=1, **params)


def catboost(**params):
    kind = pytest.importorskip("catboost").CatBoostClassifier
    return kind(n_estimators=3, verbose=False, allow_writing_files=False, thread_count=1, **params)


def undersampled():
    pytest.importorskip("imblearn")
    from imblearn.pipeline import make_pipeline as make_sampling_pipeline
    from imblearn.under_sampling import RandomUnderSampler

    return make_sampling_pipeline(RandomUnderSampler(random_state=0), SGD)


UNWATCHABLE = {
    "SVC": SVC,
    "neighbors": KNeighborsClassifier,
    "tree": DecisionTreeClassifier,
    "early stopping": lambda: SGDClassifier(early_stopping=True, validation_fraction=0.3),
    "early stopping of a net": lambda: MLPClassifier((3,), early_stopping=True, max_iter=5),
    "lbfgs": lambda: MLPClassifier((3,), solver="lbfgs", max_iter=500),
    "liblinear": lambda: LogisticRegression(solver="newton-cg"),
    "CV": lambda: LogisticRegressionCV(Cs=2, cv=2),
    "search": lambda: GridSearchCV(SVC(), {"C": [1.0, 2.0]}, cv=2),
    "voting": lambda: VotingClassifier([("a", GaussianNB()), ("b", SVC())]),
    "pipeline": lambda: make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()),
    "sampler": undersampled,
    "sigmoid": lambda: lightgbm(sigmoid=2.0),
    "dart": lambda: xgboost(booster="dart"),
    "linear": lambda: xgboost(booster="gblinear"),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("selector", [None, DataMapSelector(region="easy")], ids=["none", "easy"])
@pytest.mark.parametrize("name", UNWATCHABLE)
def test_a_model_that_cannot_be_watched_is_fitted_on_the_map_of_the_default_proxy(name, selector):
    labels = y if name != "sigmoid" else y % 2
    estimator = UNWATCHABLE[name]()
    model = DistilledClassifier(estimator, selector)
    assert model.get_metadata_routing() is not None
    with np.errstate(all="ignore"):
        model.fit(X, labels)
    assert model.selector_.estimator is None
    assert model.predict(X).shape == (90,)


@pytest.mark.parametrize("name", ["early stopping", "sampler", "sigmoid"])
def test_compare_subsets_falls_back_to_the_default_proxy_too(name):
    labels = y if name != "sigmoid" else y % 2
    result = compare_subsets(UNWATCHABLE[name](), X, labels, regions=["easy"], cv=2, random_state=0)
    assert np.isfinite(result.results_["test_score"]).all()


WATCHABLE = {
    "SGD": lambda: SGD,
    "pipeline": lambda: make_pipeline(StandardScaler(), SGD),
    "forest": lambda: RandomForestClassifier(3, random_state=0),
    "booster": lambda: lightgbm(random_state=0),
    "map": lambda: CartographyClassifier(SGD, n_epochs=3),
}


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
@pytest.mark.parametrize("selector", [None, DataMapSelector(region="easy")], ids=["none", "easy"])
@pytest.mark.parametrize("name", WATCHABLE)
def test_a_selector_without_a_proxy_of_its_own_watches_the_model_that_is_distilled(name, selector):
    estimator = WATCHABLE[name]()
    model = DistilledClassifier(estimator, selector).fit(X, y)
    own = model.selector_.estimator
    assert type(own) is type(estimator)
    assert own is not estimator
    assert selector is None or selector.estimator is None


def test_a_selector_with_a_proxy_of_its_own_keeps_it():
    selector = DataMapSelector(HistGradientBoostingClassifier(max_iter=2), random_state=0)
    model = DistilledClassifier(SGD, selector).fit(X, y)
    assert isinstance(model.selector_.estimator, HistGradientBoostingClassifier)


def test_a_map_of_its_own_settings_is_that_of_the_classifier_that_is_distilled():
    estimator = CartographyClassifier(SGD, n_epochs=3, random_state=4)
    model = DistilledClassifier(estimator).fit(X, y)
    assert model.selector_.data_map_.n_epochs == 3
    assert model.selector_.random_state == 4
    expected = clone(estimator).fit(X, y).data_map_
    assert_array_equal(model.selector_.data_map_.confidence, expected.confidence)


@pytest.mark.parametrize("wrap", [lambda one: one, make_pipeline], ids=["plain", "pipeline"])
def test_a_map_of_a_model_that_cannot_be_watched_is_refused_before_anything_is_trained(wrap):
    model = DistilledClassifier(wrap(CartographyClassifier(SVC())), DataMapSelector(Untrainable()))
    assert model.get_metadata_routing() is not None
    with pytest.raises(NotWatchableError, match="SVC cannot be watched"):
        model.fit(X, y)


TEXTS = [f"{'good fine' if label else 'bad poor'} film {i}" for i, label in enumerate(y > 0)]


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
@pytest.mark.parametrize("region", ["easy", "ambiguous", "coverage"])
@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), CountVectorizer()], ids=["tfidf", "bag"])
def test_text_is_distilled_with_a_selector_that_names_a_region_only(vectorizer, region):
    pipeline = make_pipeline(vectorizer, SGD)
    model = DistilledClassifier(pipeline, DataMapSelector(region=region, random_state=0))
    assert model.fit(TEXTS, y > 0).score(TEXTS, y > 0) > 0.8


def test_the_selector_of_the_user_is_not_changed():
    selector = DataMapSelector(region="easy")
    before = selector.get_params()
    DistilledClassifier(SGD, selector).fit(X, y)
    assert selector.get_params() == before
    assert not hasattr(selector, "data_map_")


def net(binary=False, **params):
    skorch = pytest.importorskip("skorch")
    torch = pytest.importorskip("torch")
    kind = skorch.NeuralNetBinaryClassifier if binary else skorch.NeuralNetClassifier
    criterion = {} if binary else {"criterion": torch.nn.CrossEntropyLoss}
    settings = {"max_epochs": 2, "verbose": 0, "train_split": None, "lr": 0.1}
    n_out = params.pop("n_out", 1 if binary else 3)
    return kind(torch.nn.Linear, module__in_features=8, module__out_features=n_out, **criterion,
                **settings | params)  # fmt: skip


FINAL = {
    "logistic regression": LogisticRegression,
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=2),
    "forest": lambda: RandomForestClassifier(3),
    "XGBoost": xgboost,
    "LightGBM": lightgbm,
    "CatBoost": catboost,
    "pipeline of XGBoost": lambda: make_pipeline(StandardScaler(), xgboost()),
    "net": net,
    "map of XGBoost": lambda: CartographyClassifier(xgboost()),
}
FLOATS = X.astype(np.float32)


def of_classes(labels, kept):
    """Select samples of some classes only."""
    selector = DataMapSelector(CartographyClassifier(SGD, n_epochs=2), frac=0.4, stratify=False,
                               random_state=0)  # fmt: skip
    return selector.set_params(region=lambda data_map: 1.0 * np.isin(data_map.labels, kept))


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
@pytest.mark.parametrize("names", [["b", "c", "a"], [7, -1, 3]], ids=name_of)
@pytest.mark.parametrize("name", FINAL)
def test_columns_are_those_of_the_classes_where_the_selection_lacks_one(name, names):
    labels = np.array(names)[y]
    model = DistilledClassifier(FINAL[name](), of_classes(labels, names[:2])).fit(FLOATS, labels)
    probabilities = model.predict_proba(FLOATS)
    assert set(model.classes_) >= set(names[:2])
    assert probabilities.shape[1] == len(model.classes_)
    assert set(model.predict(FLOATS)) <= set(names)
    assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(FLOATS))


@pytest.mark.parametrize("name", [*FINAL, "tree"])
def test_a_selection_of_one_class_is_an_error_that_says_what_to_change(name):
    estimator = DecisionTreeClassifier() if name == "tree" else FINAL[name]()
    model = DistilledClassifier(estimator, of_classes(y, [1]).set_params(frac=0.1))
    with pytest.raises(ValueError, match=r"all 9 selected samples have the class 1\. Raise"):
        model.fit(FLOATS, y)


def test_one_row_is_one_class():
    model = DistilledClassifier(SGD, DataMapSelector(frac=1e-9, random_state=0))
    with pytest.warns(MissingClassesWarning), pytest.raises(ValueError, match="all 1 selected"):
        model.fit(X, y)


def test_an_output_of_a_net_without_a_label_is_never_predicted():
    labels = np.array(["b", "c", "a"])[y]
    model = DistilledClassifier(net(n_out=5), DataMapSelector(random_state=0)).fit(FLOATS, labels)
    assert_array_equal(model.classes_, ["a", "b", "c"])
    assert set(model.predict(FLOATS)) <= {"a", "b", "c"}


def test_a_binary_net_keeps_two_columns():
    model = DistilledClassifier(net(binary=True)).fit(FLOATS, np.array(["no", "yes"])[y % 2])
    assert model.predict_proba(FLOATS).shape == (90, 2)
    assert_array_equal(model.classes_, ["no", "yes"])
    assert_allclose(model.predict_proba(FLOATS).sum(axis=1), 1, atol=1e-5)


CV = StratifiedKFold(2)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (DistilledClassifier(None), "'estimator' parameter of DistilledClassifier"),
        (DistilledClassifier("SGD"), "'estimator' parameter of DistilledClassifier"),
        (DistilledClassifier(SGDClassifier), "'estimator' parameter of DistilledClassifier"),
        (DistilledClassifier(StandardScaler()), "'estimator' .*a classifier. Got StandardScaler"),
        (
            DistilledClassifier(make_pipeline(SGD, StandardScaler())),
            "'estimator' .*ends in StandardScaler",
        ),
        (DistilledClassifier(FrozenEstimator(SGD)), "'estimator' .*not be a FrozenEstimator"),
        (DistilledClassifier(SGD, DataMapSelector), "'selector' parameter of DistilledClassifier"),
        (DistilledClassifier(SGD, StandardScaler()), "'selector' parameter of DistilledClass"),
        (DistilledClassifier(SGD, "easy"), "'selector' parameter of DistilledClassifier"),
        (DistilledClassifier(SGD, SGD), "'selector' parameter of DistilledClassifier"),
        (
            DistilledClassifier(SGD, DataMapSelector(cv=CV.split(X, y), noise_cut="auto")),
            "'cv' parameter of DataMapSelector is an iterator",
        ),
        (
            DistilledClassifier(Untrainable(), DataMapSelector(final_estimator=StandardScaler())),
            "'final_estimator' parameter of DataMapSelector must be a classifier",
        ),
        (
            DistilledClassifier(Untrainable(), DataMapSelector(region="esay")),
            "Unknown region 'esay'. Did you mean 'easy'",
        ),
    ],
    ids=name_of,
)
def test_bad_parameters_are_refused_before_anything_is_trained(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_a_sampler_is_no_selector():
    pytest.importorskip("imblearn")
    from sklearn_carto import DataMapSampler

    with pytest.raises(ValueError, match="'selector' parameter of DistilledClassifier"):
        DistilledClassifier(SGD, DataMapSampler()).fit(X, y)


def test_a_fitted_selector_is_fitted_anew():
    fitted = DataMapSelector(SGD, random_state=0).fit(X[:40], y[:40])
    model = DistilledClassifier(SGD, fitted).fit(X, y)
    assert model.selector_.data_map_.n_samples == 90
    assert fitted.data_map_.n_samples == 40


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (X[:1], y[:1], "at least two classes"),
        (X, np.zeros(90), "at least two classes"),
        (X, None, "requires y"),
        (X, y[:-1], "inconsistent"),
        (X[:0], y[:0], "label"),
    ],
    ids=["one row", "one class", "no labels", "short", "empty"],
)
@pytest.mark.parametrize("make", [DataMapSelector, DistilledClassifier], ids=["selector", "model"])
def test_samples_that_hold_no_two_classes_are_refused(make, rows, labels, message):
    with pytest.raises(ValueError, match=message):
        make(Untrainable()).fit(rows, labels)


@pytest.mark.parametrize("enabled", [True, False])
def test_a_distilled_classifier_is_cloned_and_printed_with_routing_or_without(enabled):
    with sklearn.config_context(enable_metadata_routing=enabled):
        model = clone(DistilledClassifier(SGD, DataMapSelector(region="easy")))
        assert "DataMapSelector" in repr(model)
        assert model.fit(X, y).predict(X).shape == (90,)
