"""score_map: the data map of samples along a training that has ended."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_carto import CartographyClassifier
from sklearn_carto._dynamics._uncertainty import MAP_STATISTICS
from sklearn_carto._watching._find import can_watch
from sklearn_carto.exceptions import NotWatchableError
from watchers import WATCHED, X, make_net, y

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)
AT_EPOCH_END = [watched for watched in WATCHED if "record" not in watched.params]
SGD = SGDClassifier(loss="log_loss", alpha=0.05)
TRAIN, NEW = np.arange(0, 160, 2), np.arange(1, 160, 2)


def parametrize(watched):
    return pytest.mark.parametrize("watched", watched, ids=lambda one: one.name)


def assert_same_statistics(found, expected, atol=1e-6):
    for name in MAP_STATISTICS:
        assert_allclose(getattr(found, name), getattr(expected, name), rtol=0, atol=atol)


@parametrize(AT_EPOCH_END)
def test_the_map_of_the_training_rows_is_that_of_the_training(watched):
    watched.require()
    model = watched.watch(X, y, keep_models=True, uncertainty=True)
    found = model.score_map(watched.cast(X), y)
    assert_same_statistics(found, model.data_map_)
    assert found.n_epochs == model.n_epochs_
    assert found.held_out_mask.all()
    assert found.record == "epoch_end"


@parametrize(WATCHED)
def test_keeping_the_models_leaves_the_training_bit_for_bit_as_it_is(watched):
    watched.require()
    plain, keeping = watched.watch(X, y), watched.watch(X, y, keep_models=True)
    assert_array_equal(keeping.dynamics_.true_proba, plain.dynamics_.true_proba)
    X_cast = watched.cast(X)
    keeping.score_map(X_cast, y)
    assert_array_equal(keeping.predict_proba(X_cast), plain.predict_proba(X_cast))


@parametrize(AT_EPOCH_END)
def test_new_rows_are_evaluated_by_the_models_of_a_loop_by_hand(watched):
    watched.require()
    _, proba = watched.follow(X[TRAIN], y[TRAIN], X[NEW])
    model = watched.watch(X[TRAIN], y[TRAIN], keep_models=True)
    p = proba[:, np.arange(len(NEW)), y[NEW]]
    found = model.score_map(watched.cast(X[NEW]), y[NEW])
    assert_allclose(found.confidence, p.mean(axis=0), atol=1e-6)
    assert_allclose(found.variability, p.std(axis=0), atol=1e-6)


@parametrize([watched for watched in AT_EPOCH_END if not watched.name.startswith("net")])
def test_kept_models_survive_pickling(watched):
    watched.require()
    model = watched.watch(X, y, keep_models=True)
    copied = pickle.loads(pickle.dumps(model))
    assert_same_statistics_held(copied.score_map(X, y), model.score_map(X, y))


def assert_same_statistics_held(found, expected):
    assert_array_equal(found.confidence, expected.confidence)
    assert_array_equal(found.variability, expected.variability)


def test_states_of_a_net_are_kept_on_the_cpu_and_pickled_without_it():
    pytest.importorskip("skorch")
    X_net = X.astype(np.float32)
    model = CartographyClassifier(make_net(3), random_state=0, keep_models=True).fit(X_net, y)
    states = pickle.loads(pickle.dumps(model._epoch_models))
    assert len(states) == model.n_epochs_
    assert {value.device.type for value in states[0]["module_"].values()} == {"cpu"}
    weights = [state["module_"]["0.weight"].numpy() for state in states]
    assert not np.array_equal(weights[0], weights[-1])  # of its epoch, not of the last one


def test_without_the_models_of_its_epochs_the_error_names_the_way_out():
    model = CartographyClassifier(SGD, n_epochs=3).fit(X, y)
    with pytest.raises(NotWatchableError, match=r"SGDClassifier does not store.*keep_models=True"):
        model.score_map(X, y)
    with pytest.raises(NotFittedError):
        clone(model).score_map(X, y)


def test_only_models_of_other_kinds_are_kept():
    for watched in WATCHED:
        if watched.name in ("RandomForestClassifier", "HistGradientBoostingClassifier"):
            assert watched.watch(X, y, keep_models=True)._epoch_models is None


def test_labels_may_lack_a_class_and_hold_no_other():
    names = np.array(["c", "a", "b"])
    model = CartographyClassifier(SGD, n_epochs=4, random_state=0, keep_models=True)
    model.fit(X, names[y])
    whole = model.score_map(X, names[y])
    for label in names:
        rows = names[y] == label
        part = model.score_map(X[rows], names[y][rows])
        assert_array_equal(part.confidence, whole.confidence[rows])
        assert_array_equal(part.classes, ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"labels that fit has seen.*Got \['d'\]"):
        model.score_map(X[:2], ["a", "d"])
    with pytest.raises(ValueError, match="missing values"):
        model.score_map(X[:2], ["a", None])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score_map(X[:2], ["a"])
    with pytest.raises(ValueError, match="requires y to be passed"):
        model.score_map(X[:2])


def test_transformers_of_a_pipeline_transform_the_rows_once():
    n_calls = []

    def count(rows):
        n_calls.append(len(rows))
        return rows

    pipeline = make_pipeline(FunctionTransformer(count), StandardScaler(), SGD)
    model = CartographyClassifier(pipeline, n_epochs=5, random_state=0, keep_models=True)
    model.fit(X[TRAIN], y[TRAIN])
    n_calls.clear()
    found = model.score_map(X[NEW], y[NEW])
    assert n_calls == [len(NEW)]
    scaler = StandardScaler().fit(X[TRAIN])
    alone = CartographyClassifier(SGD, n_epochs=5, random_state=0, keep_models=True)
    alone.fit(scaler.transform(X[TRAIN]), y[TRAIN])
    assert_array_equal(
        found.confidence, alone.score_map(scaler.transform(X[NEW]), y[NEW]).confidence
    )


@parametrize([one for one in WATCHED if one.name in ("SGDClassifier", "RandomForestClassifier")])
def test_with_folds_the_training_of_all_rows_is_followed(watched):
    folded = watched.watch(X, y, keep_models=True, cv=3)
    plain = watched.watch(X, y)
    assert_allclose(folded.score_map(X, y).confidence, plain.confidence_, atol=1e-6)


def test_ids_are_those_given_or_the_index_of_a_frame():
    pandas = pytest.importorskip("pandas")
    model = CartographyClassifier(SGD, n_epochs=2, keep_models=True).fit(X, y)
    assert_array_equal(model.score_map(X[:2], y[:2], sample_ids=["u", "v"]).sample_ids, ["u", "v"])
    framed = CartographyClassifier(SGD, n_epochs=2, keep_models=True)
    frame = pandas.DataFrame(X).set_axis([f"r{i}" for i in range(len(X))]).rename(columns=str)
    framed.fit(frame, y)
    assert_array_equal(framed.score_map(frame[3:5], y[3:5]).sample_ids, ["r3", "r4"])


def test_rows_are_selected_without_a_warning_of_held_out_rows():
    model = CartographyClassifier(SGD, n_epochs=4, random_state=0, keep_models=True).fit(X, y)
    assert len(model.score_map(X, y).select("hard", 0.25)) == 40


def test_a_torch_dataset_brings_its_labels():
    torch = pytest.importorskip("torch")
    pytest.importorskip("skorch")
    dataset = torch.utils.data.TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y))
    model = CartographyClassifier(make_net(3), random_state=0, keep_models=True).fit(dataset)
    assert_allclose(model.score_map(dataset).confidence, model.confidence_, atol=1e-6)


def test_evaluating_the_epochs_of_a_net_leaves_its_weights_alone():
    pytest.importorskip("skorch")
    X_net = X.astype(np.float32)
    model = CartographyClassifier(make_net(3), random_state=0, keep_models=True).fit(X_net, y)
    model.estimator_.module_[0].weight.data += 1.0  # weights of no epoch, as of a checkpoint
    before = model.predict_proba(X_net)
    found = model.score_map(X_net, y)
    assert_allclose(found.confidence, model.confidence_, atol=1e-6)
    assert_array_equal(model.predict_proba(X_net), before)


class Interrupted(SGDClassifier):
    """Is interrupted in its fourth epoch."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if getattr(self, "t_", 0) > 3 * len(y):
            raise KeyboardInterrupt
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)


def test_after_an_interrupt_the_complete_epochs_are_evaluated():
    model = CartographyClassifier(
        Interrupted(loss="log_loss"), n_epochs=9, random_state=0, keep_models=True
    )
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_epochs_ == 3
    assert_allclose(model.score_map(X, y).confidence, model.confidence_, atol=1e-6)


def test_the_window_of_dual_is_that_of_the_planned_epochs():
    model = LogisticRegression(max_iter=100)
    if not can_watch(model):
        pytest.skip("LogisticRegression shows its iterations from scikit-learn 1.9 on")
    rng = np.random.RandomState(0)
    rows, labels = rng.normal(size=(60, 3)), np.arange(60) % 2
    watched = CartographyClassifier(model, keep_models=True).fit(rows + labels[:, None], labels)
    assert watched.n_epochs_ < 100
    again = watched.score_map(rows + labels[:, None], labels)
    assert_allclose(again.dual, watched.data_map_.dual, atol=1e-7)
