"""Laws that hold however an estimator is watched."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier
from watchers import N_EPOCHS, WATCHED, X, y

ROWS = np.arange(len(y))
NAMES = [[-1, 1], [1, 2], [3, 10], ["no", "yes"], ["10", "9"], [False, True]]
NAMES += [["c", "a", "b"], [3.0, 1.0, 2.0], [-1, 5, 9]]
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",  # of few and easy epochs
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def parametrize(condition=lambda watched: True):
    found = [watched for watched in WATCHED if condition(watched)]
    return pytest.mark.parametrize("watched", found, ids=lambda watched: watched.name)


@pytest.fixture(autouse=True)
def _skip_without_the_library(watched):
    watched.require()


def assert_same_proba(watched, found, expected):
    assert_allclose(found, expected, rtol=0, atol=watched.rounding)


@parametrize()
@pytest.mark.parametrize("labels", [y, y == 1, np.array(["c", "a", "b"])[y]], ids=["3", "2", "str"])
def test_map_equals_a_naive_loop(watched, labels):
    classes, y_encoded = np.unique(labels, return_inverse=True)
    bare, proba = watched.follow(X, y_encoded)
    model = watched.watch(X, labels)
    p = proba[:, ROWS, y_encoded].T
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)
    assert_allclose(model.confidence_, p.mean(axis=1), atol=1e-6)
    assert_allclose(model.variability_, p.std(axis=1), atol=1e-6)
    second, first = np.sort(proba, axis=2)[..., -2:].T
    decided = first > second + 1e-6  # of the others the last bit decides
    hits = (proba.argmax(axis=2) == y_encoded).T
    assert_array_equal(model.dynamics_.correct[decided], hits[decided])
    assert_allclose(model.correctness_, model.dynamics_.correct.mean(axis=1), atol=1e-12)
    X_cast = watched.cast(X)
    assert_same_proba(watched, model.predict_proba(X_cast), bare.predict_proba(X_cast))
    assert_array_equal(np.ravel(model.predict(X_cast)), classes[np.ravel(bare.predict(X_cast))])


@parametrize(lambda watched: watched.takes_weights)
def test_sample_weight_reaches_the_estimator(watched):
    weight = np.random.RandomState(0).uniform(0, 2, len(y)) * np.where(y == 0, 5.0, 1.0)
    bare, proba = watched.follow(X, y, sample_weight=weight)
    model = watched.watch(X, y, {"sample_weight": weight})
    assert_allclose(model.dynamics_.true_proba, proba[:, ROWS, y].T, atol=1e-6)
    assert_same_proba(watched, model.predict_proba(X), bare.predict_proba(X))


@pytest.fixture(scope="module")
def of_codes():
    """Maps of labels 0, 1, ..., made once for each estimator and number of classes."""
    made = {}

    def make(watched, n_classes):
        if (watched.name, n_classes) not in made:
            made[watched.name, n_classes] = watched.watch(X, y % n_classes)
        return made[watched.name, n_classes]

    return make


@parametrize()
@pytest.mark.parametrize("names", NAMES, ids=str)
def test_renaming_the_labels_leaves_the_map_unchanged(watched, names, of_codes):
    expected = of_codes(watched, len(names))
    names, y_encoded, X_cast = np.sort(names), y % len(names), watched.cast(X)
    renamed = watched.watch(X, names[y_encoded])
    columns = [renamed.classes_.tolist().index(name) for name in names.tolist()]
    if watched.name != "CatBoostClassifier":  # which takes "9" before "10"
        assert columns == list(range(len(names)))
    assert_same_proba(watched, renamed.confidence_, expected.confidence_)
    proba = renamed.predict_proba(X_cast)[:, columns]
    assert_same_proba(watched, proba, expected.predict_proba(X_cast))
    predicted = np.ravel(renamed.predict(X_cast))
    assert_array_equal(predicted, names[np.ravel(expected.predict(X_cast))])


@parametrize()
def test_blocks_of_rows_give_the_map_of_one_pass(watched, of_codes):
    whole = of_codes(watched, 3)
    with sklearn.config_context(working_memory=0.001):  # 1 kB: some 43 rows of 3 classes
        in_blocks = watched.watch(X, y)
    assert_allclose(in_blocks.dynamics_.true_proba, whole.dynamics_.true_proba, atol=1e-6)
    assert_allclose(in_blocks.variability_, whole.variability_, atol=1e-6)


@parametrize()
def test_without_its_history_the_map_is_the_same(watched, of_codes):
    expected, found = of_codes(watched, 3), watched.watch(X, y, keep_history=False)
    assert_allclose(found.confidence_, expected.confidence_, atol=1e-6)
    assert_allclose(found.variability_, expected.variability_, atol=1e-6)
    assert_allclose(found.correctness_, expected.correctness_, atol=1e-12)


@parametrize(lambda watched: "record" not in watched.params)
def test_rows_out_of_fold_are_recorded_by_models_that_did_not_train_on_them(watched):
    labels = np.array(["c", "a", "b"])[y]
    y_encoded = np.unique(labels, return_inverse=True)[1]
    model = watched.watch(X, labels, cv=3)
    assert model.data_map_.record == "out_of_fold"
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(X, labels):
        _, proba = watched.follow(X[train], y_encoded[train], X[test])
        p = proba[:, np.arange(len(test)), y_encoded[test]].T
        assert_allclose(model.dynamics_.true_proba[test], p, atol=1e-6)


@parametrize()
def test_a_pipeline_is_watched_at_its_last_step(watched):
    labels = np.array(["c", "a", "b"])[y]
    pipeline = make_pipeline(StandardScaler(), watched.make(3))
    scaled, X_cast = StandardScaler().fit_transform(watched.cast(X)), watched.cast(X)
    alone = watched.watch(scaled, labels)
    model = CartographyClassifier(pipeline, random_state=0, **watched.params).fit(X_cast, labels)
    assert isinstance(model.estimator_, Pipeline)
    assert_array_equal(model.confidence_, alone.confidence_)
    assert_array_equal(model.predict_proba(X_cast), alone.predict_proba(scaled))
    assert_array_equal(model.predict(X_cast), alone.predict(scaled))


@parametrize(lambda watched: watched.replays)
def test_n_epochs_picks_evenly_spaced_stages_and_never_changes_the_training(watched, of_codes):
    every, some = of_codes(watched, 3), watched.watch(X, y, n_epochs=N_EPOCHS // 2)
    expected = every.dynamics_.true_proba[:, [1, 3, 5]]
    assert_same_proba(watched, some.dynamics_.true_proba, expected)
    assert_array_equal(some.predict_proba(X), every.predict_proba(X))
    assert watched.watch(X, y, n_epochs=50).n_epochs_ == N_EPOCHS  # no stage is recorded twice
