"""DistilledClassifier: trained on what was selected, and on nothing else."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_carto import CartographyClassifier, DataMapSelector, DistilledClassifier
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(150, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
SELECTOR = DataMapSelector(CartographyClassifier(SGD, n_epochs=5), frac=0.2, random_state=0)
FINAL = LogisticRegression()


def test_the_model_is_that_of_the_selected_rows():
    model = DistilledClassifier(FINAL, SELECTOR).fit(X, y)
    rows = clone(SELECTOR).fit(X, y).sample_indices_
    assert_array_equal(model.selector_.sample_indices_, rows)
    assert_array_equal(model.predict_proba(X), clone(FINAL).fit(X[rows], y[rows]).predict_proba(X))


def test_every_row_counts_when_it_predicts_even_a_training_row():
    model = make_pipeline(StandardScaler(), DistilledClassifier(FINAL, SELECTOR)).fit(X, y)
    assert model.predict(X).shape == (150,)


def test_without_a_selector_the_estimator_watches_itself_if_it_can():
    own = DistilledClassifier(SGD).fit(X, y).selector_
    assert isinstance(own.estimator, SGDClassifier)
    other = DistilledClassifier(SVC()).fit(X, y).selector_
    assert other.estimator is None


def test_it_cross_validates_and_searches_over_region_and_fraction():
    model = DistilledClassifier(FINAL, SELECTOR)
    assert cross_validate(model, X, y, cv=3)["test_score"].shape == (3,)
    grid = {"selector__region": ["easy", "ambiguous"], "selector__frac": [0.2, 0.5]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    n_rows = len(search.best_estimator_.selector_.sample_indices_)
    assert n_rows == round(150 * search.best_params_["selector__frac"])


def test_weights_go_whole_to_the_proxy_and_indexed_to_the_estimator():
    weight = np.random.RandomState(0).uniform(0, 3, 150)
    rows = clone(SELECTOR).fit(X, y, sample_weight=weight).sample_indices_
    expected = clone(FINAL).fit(X[rows], y[rows], sample_weight=weight[rows])
    model = DistilledClassifier(FINAL, SELECTOR).fit(X, y, sample_weight=weight)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    with sklearn.config_context(enable_metadata_routing=True):
        proxy = CartographyClassifier(
            clone(SGD).set_partial_fit_request(sample_weight=True), n_epochs=5
        )
        selector = clone(SELECTOR).set_params(estimator=proxy)
        final = clone(FINAL).set_fit_request(sample_weight=True)
        routed = DistilledClassifier(final, selector).fit(X, y, sample_weight=weight)
    assert_array_equal(routed.predict_proba(X), expected.predict_proba(X))


def test_text_and_labels_of_any_type():
    from sklearn.feature_extraction.text import TfidfVectorizer

    names = np.array(["bad", "good"])[(y > 0).astype(int)]
    texts = [f"{name} film number {i}" for i, name in enumerate(names)]
    model = DistilledClassifier(make_pipeline(TfidfVectorizer(), SGD)).fit(texts, names)
    assert set(model.predict(texts)) <= {"bad", "good"}
    assert model.score(texts, names) > 0.9


def test_a_net_takes_any_labels_as_a_final_model():
    torch = pytest.importorskip("torch")
    skorch = pytest.importorskip("skorch")
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear, module__in_features=8, module__out_features=3, lr=0.1, verbose=0,
        criterion=torch.nn.CrossEntropyLoss, train_split=None,
    )  # fmt: skip
    names = np.array(["oak", "ash", "elm"])[y]
    torch.manual_seed(0)
    model = DistilledClassifier(net, SELECTOR).fit(X.astype(np.float32), names)
    assert set(model.predict(X.astype(np.float32))) <= set(names)
    assert model.score(X.astype(np.float32), names) > 0.5


def test_classes_are_those_that_were_trained_on():
    selector = clone(SELECTOR).set_params(stratify=False, frac=0.3)
    selector.set_params(region=lambda data_map: 1.0 * (data_map.labels != 2))
    model = DistilledClassifier(FINAL, selector).fit(X, y)
    assert_array_equal(model.classes_, [0, 1])
    assert model.predict_proba(X).shape == (150, 2)


def test_parameters_that_the_estimator_does_not_take_are_refused():
    with pytest.raises(TypeError, match="'colour', which neither .*SGDC.* nor LogisticRegression"):
        DistilledClassifier(FINAL, SELECTOR).fit(X, y, colour="red")


@pytest.mark.parametrize(
    ("labels", "message"),
    [(np.zeros(150), "DistilledClassifier needs at least two classes"), (y[:-1], "inconsistent")],
)
def test_bad_labels_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        DistilledClassifier(FINAL, SELECTOR).fit(X, labels)


def test_a_selector_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'selector' parameter"):
        DistilledClassifier(FINAL, LogisticRegression()).fit(X, y)


def test_one_seed_settles_all():
    first = DistilledClassifier(SGD).fit(X, y).predict_proba(X)
    assert_allclose(DistilledClassifier(SGD).fit(X, y).predict_proba(X), first)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
def test_the_seed_of_the_estimator_is_the_selectors_where_none_is_given():
    same = np.ones((40, 2))  # every rule has to break ties
    labels = np.arange(40) % 2
    rows = [
        DistilledClassifier(DecisionTreeClassifier(random_state=seed))
        .fit(same, labels)
        .selector_.sample_indices_.tolist()
        for seed in (0, 0, 1)
    ]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize(
    ("estimator", "selector", "message"),
    [
        (LinearRegression(), SELECTOR, "'estimator' parameter .* LinearRegression, a regressor"),
        (FINAL, SelectKBest(k=2), "'selector' parameter"),
    ],
)
def test_regressors_and_other_selectors_are_refused(estimator, selector, message):
    with pytest.raises(ValueError, match=message):
        DistilledClassifier(estimator, selector).fit(X, y)
