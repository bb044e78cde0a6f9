"""Folds: their models evaluate all rows, those they are tested on and those they train on."""

import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_carto import CartographyClassifier, DataMap, TrainingDynamics
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._watching._fold_training import predict_folds, record_folds
from sklearn_carto._watching._training_set import TrainingSet
from watchers import N_EPOCHS, WATCHED, X, y

LABELS = np.array(["c", "a", "b"])[y]
Y_ENCODED = np.unique(LABELS, return_inverse=True)[1]
FOLDS = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, LABELS))
SGD = SGDClassifier(loss="log_loss", alpha=0.05)
MLP = MLPClassifier((16,))
HGB = HistGradientBoostingClassifier(max_iter=N_EPOCHS)
ROWS = np.arange(len(y))
out_of_fold_kinds = pytest.mark.parametrize(
    "watched",
    [one for one in WATCHED if "record" not in one.params],
    ids=lambda watched: watched.name,
)
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


class Log:
    """Keep each call."""

    def __init__(self, fold, train, test):
        self.fold, self.train, self.test = fold, train, test
        self.begun, self.calls = [], []

    def begin(self, n_epochs):
        self.begun.append(n_epochs)

    def add(self, fold, epoch, rows, scores, from_logits):
        assert fold == self.fold
        self.calls.append((epoch, rows, np.array(scores), from_logits))

    def proba(self, n_samples, n_classes=3):
        """Return probabilities of shape (n_epochs, n_samples, n_classes), NaN where none came."""
        n_epochs = 1 + max(epoch for epoch, *_ in self.calls)
        proba = np.full((n_epochs, n_samples, n_classes), np.nan)
        for epoch, rows, scores, from_logits in self.calls:
            if from_logits:
                scores = np.exp(scores - scores.max(axis=1, keepdims=True))
                scores = scores / scores.sum(axis=1, keepdims=True)
            assert np.isnan(proba[epoch, rows]).all()  # each row once
            assert len(np.unique(rows)) == len(rows)
            proba[epoch, rows] = scores
        return proba


def record(estimator, folds=FOLDS, labels=LABELS, rows=X, params=None, **options):
    data = TrainingSet.plain(rows, labels, params)
    return record_folds(estimator, data, folds, seed=0, make_observer=Log, **options)


def map_of(proba, y_encoded):
    """Make the map of probabilities of shape (n_epochs, n_samples, n_classes)."""
    dynamics = TrainingDynamics(y_encoded, classes=np.arange(3), n_epochs=len(proba))
    for epoch, scores in enumerate(proba):
        dynamics.update(epoch, scores)
    return DataMap.from_dynamics(dynamics)


def mean_over_folds(maps, folds, n_samples):
    """Average each statistic by hand; `maps` holds one map of the training rows of each fold."""
    means, errors = {}, {}
    for name in STATISTICS:
        values = np.full((len(folds), n_samples), np.nan)
        for k, (one, (train, _)) in enumerate(zip(maps, folds, strict=True)):
            values[k, train] = getattr(one, name)
        n_maps = (~np.isnan(values)).sum(axis=0)
        with warnings.catch_warnings(action="ignore"):
            means[name] = np.nanmean(values, axis=0)
            errors[name] = np.nanstd(values, axis=0, ddof=1) / np.sqrt(n_maps)
    return means, errors


def assert_is_mean(data_map, maps, folds, atol=1e-9):
    means, errors = mean_over_folds(maps, folds, data_map.n_samples)
    for name in STATISTICS:
        assert_allclose(getattr(data_map, name), means[name], atol=atol, err_msg=name)
        finite = np.isfinite(means[name])
        found = data_map.standard_errors[name]
        assert_allclose(found[finite], errors[name][finite], atol=max(atol, 1e-7), err_msg=name)
        assert np.isnan(found[~finite]).all()


# --- the map in fold


def by_partial_fit(estimator, train, X_eval):
    model, proba = clone(estimator).set_params(random_state=np.random.RandomState(0)), []
    for _ in range(N_EPOCHS):
        model.partial_fit(X[train], Y_ENCODED[train], classes=np.arange(3))
        proba.append(model.predict_proba(X_eval))
    return np.array(proba)


def by_stages(estimator, train, X_eval):
    model = clone(estimator).set_params(random_state=0).fit(X[train], Y_ENCODED[train])
    return np.array(list(model.staged_predict_proba(X_eval)))


@pytest.mark.parametrize(
    ("estimator", "loop", "n_epochs"),
    [(SGD, by_partial_fit, N_EPOCHS), (MLP, by_partial_fit, N_EPOCHS), (HGB, by_stages, None)],
    ids=["SGD", "MLP", "HGB"],
)
def test_both_maps_are_those_of_a_loop_by_hand(estimator, loop, n_epochs):
    model = CartographyClassifier(estimator, n_epochs=n_epochs, cv=3, random_state=0).fit(X, LABELS)
    inside = []
    for train, test in FOLDS:
        inside.append(map_of(loop(estimator, train, X[train]), Y_ENCODED[train]))
        outside = map_of(loop(estimator, train, X[test]), Y_ENCODED[test])
        for name in ("confidence", "variability", "correctness", "el2n", "forgetting"):
            found = getattr(model.data_map_, name)[test]
            assert_allclose(found, getattr(outside, name), atol=1e-6, err_msg=name)
    # logits and probabilities differ in single precision
    assert_is_mean(model.in_fold_map_, inside, FOLDS, atol=1e-4)


@out_of_fold_kinds
def test_in_fold_is_the_mean_of_the_maps_of_trainings_on_the_folds(watched):
    watched.require()
    model = watched.watch(X, LABELS, cv=3)
    inside = [watched.watch(X[train], LABELS[train]).data_map_ for train, _ in FOLDS]
    assert_is_mean(model.in_fold_map_, inside, FOLDS, atol=1e-6)
    found = model.in_fold_map_
    assert (found.record, found.n_epochs) == ("epoch_end", 2 * N_EPOCHS)
    assert found.margin_from == inside[0].margin_from
    assert_array_equal(found.labels, LABELS)


def test_rows_go_through_the_transformers_as_those_that_are_trained_on():
    town = np.random.RandomState(0).choice(list("abcdef"), size=(len(y), 1))
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        encoder = TargetEncoder(random_state=0)  # cross-fits in fit_transform, not in transform
        pipeline = make_pipeline(encoder, StandardScaler(), SGD)
        fit = partial(CartographyClassifier, pipeline, n_epochs=4, random_state=0)
        model = fit(cv=FOLDS).fit(town, LABELS)
        inside = [fit().fit(town[train], LABELS[train]).data_map_ for train, _ in FOLDS]
    assert_is_mean(model.in_fold_map_, inside, FOLDS)


def test_names_weights_and_groups_go_with_their_rows():
    weight, groups = np.where(ROWS % 5, 1.0, 0.0), ROWS // 4
    names = [f"r{i}" for i in ROWS]
    fit = partial(CartographyClassifier, SGD, n_epochs=4, random_state=0)
    model = fit(cv=GroupKFold(4))
    model.fit(X, LABELS, sample_weight=weight, groups=groups, sample_ids=names)
    folds = list(GroupKFold(4).split(X, LABELS, groups))
    inside = [
        fit().fit(X[train], LABELS[train], sample_weight=weight[train]).data_map_
        for train, _ in folds
    ]
    assert_is_mean(model.in_fold_map_, inside, folds)
    assert_array_equal(model.in_fold_map_.excluded_mask, weight == 0)
    assert_array_equal(model.in_fold_map_.sample_ids, names)


def test_a_row_counts_once_a_model_and_only_where_a_model_trains_on_it():
    half = [ROWS[1::2], ROWS[::2]]
    twice = np.concatenate([half[0][20:], half[0][20:40]])
    folds = [(twice, half[1]), (half[1], half[0])]  # no model trains on the first 20 of a half
    fit = partial(CartographyClassifier, SGD, n_epochs=4, random_state=0)
    found = fit(cv=folds).fit(X, LABELS).in_fold_map_
    assert_array_equal(np.flatnonzero(np.isnan(found.confidence)), half[0][:20])
    one = fit().fit(X[twice], LABELS[twice]).data_map_
    assert_array_equal(found.confidence[half[0][20:]], one.confidence[: len(half[0]) - 20])
    assert found.standard_errors is None  # of single models
    assert found.n_epochs == 4
    log = record(SGD, folds, n_epochs=4).observers[0]
    assert_array_equal(np.isnan(log.proba(len(y))[0, :, 0]), np.isin(ROWS, half[0][:20]))


def test_rows_that_a_net_holds_out_are_not_in_fold():
    skorch = pytest.importorskip("skorch")
    net = next(one for one in WATCHED if one.name == "net").make(3)
    split = skorch.dataset.ValidSplit(4, stratified=False)
    net.set_params(train_split=split)
    rows = X.astype(np.float32)
    found = CartographyClassifier(net, cv=FOLDS[:], random_state=0).fit(rows, LABELS).in_fold_map_
    maps = []
    for train, _ in FOLDS:
        one = CartographyClassifier(net, random_state=0).fit(rows[train], LABELS[train]).data_map_
        confidence = np.full(len(y), np.nan)
        confidence[train[~one.held_out_mask]] = one.confidence[~one.held_out_mask]
        maps.append(confidence)
    with warnings.catch_warnings(action="ignore"):  # rows that no model trained on
        assert_allclose(found.confidence, np.nanmean(maps, axis=0), atol=1e-6)
    assert found.held_out_mask is None
    for (train, test), log in zip(FOLDS, record(net, rows=rows).observers, strict=True):
        received = ~np.isnan(log.proba(len(y))[:, :, 0])
        assert received[:, test].all()
        assert (received[:, train].sum(axis=1) == len(train) * 3 // 4).all()


def test_without_folds_there_is_no_map_in_fold():
    model = CartographyClassifier(SGD, n_epochs=3, cv=2).fit(X, LABELS)
    assert model.in_fold_map_.n_samples == len(y)
    model.set_params(cv=None).fit(X, LABELS)
    with pytest.raises(AttributeError, match="in_fold_map_"):
        model.in_fold_map_  # noqa: B018


# --- observers


@out_of_fold_kinds
def test_an_observer_receives_each_row_once_an_epoch_in_both_roles(watched):
    watched.require()
    options = {"n_epochs": watched.params.get("n_epochs"), "rows": watched.cast(X)}
    records = record(watched.make(3), **options)
    model = watched.watch(X, LABELS, cv=3)
    for name in STATISTICS:
        for of_records, of_model in (
            (records.out_of_fold_map, model.data_map_),
            (records.in_fold_map, model.in_fold_map_),
        ):
            assert_array_equal(getattr(of_records, name), getattr(of_model, name), err_msg=name)
    assert records.out_of_fold_map.record == "out_of_fold"
    for (train, test), log in zip(FOLDS, records.observers, strict=True):
        assert len(log.begun) == 1
        proba = log.proba(len(y))
        assert proba.shape == (N_EPOCHS, len(y), 3)
        assert_allclose(proba.sum(axis=2), 1, atol=1e-5)
        own = proba[:, test, Y_ENCODED[test]].T
        assert_allclose(own, model.dynamics_.true_proba[test], atol=1e-6)
        _, by_hand = watched.follow(X[train], Y_ENCODED[train])
        assert_allclose(proba[:, train], by_hand, atol=1e-5)


@pytest.mark.parametrize("estimator", [SGD, MLP, HGB], ids=["SGD", "MLP", "HGB"])
def test_the_number_of_jobs_changes_nothing(estimator):
    params = {"sample_weight": 1.0 + ROWS % 2} if estimator is not MLP else None
    n_epochs = None if estimator is HGB else 3
    one, two = (
        record(make_pipeline(StandardScaler(), estimator), params=params, n_epochs=n_epochs,
               n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )  # fmt: skip
    for name in STATISTICS:
        assert_array_equal(getattr(one.in_fold_map, name), getattr(two.in_fold_map, name))
        assert_array_equal(getattr(one.out_of_fold_map, name), getattr(two.out_of_fold_map, name))
    for a, b in zip(one.observers, two.observers, strict=True):
        assert_array_equal(a.proba(len(y)), b.proba(len(y)))


def test_a_generator_gives_its_seed_before_the_folds():
    data = TrainingSet.plain(X, LABELS)
    found = [
        record_folds(SGD, data, FOLDS, n_epochs=3, seed=np.random.RandomState(5), n_jobs=n_jobs)
        for n_jobs in (1, 2)
    ]
    assert_array_equal(found[0].in_fold_map.confidence, found[1].in_fold_map.confidence)
    assert found[0].observers == [None] * 3


def test_a_class_that_a_fold_lacks_has_probability_0():
    rest = np.flatnonzero(LABELS != "a")
    folds = [(rest, np.flatnonzero(LABELS == "a"))]
    for estimator in (HGB, DecisionTreeClassifier(max_depth=3)):
        function = record if estimator is HGB else predict
        (log,) = function(estimator, folds).observers
        proba = log.proba(len(y))
        assert (proba[:, folds[0][1], 0] < 1e-30).all()


def flat(output):
    return (output / 2).softmax(1)


@pytest.mark.parametrize("nonlinearity", ["auto", flat], ids=["logits", "probabilities"])
def test_outputs_of_a_net_without_a_label_are_left_out(nonlinearity):
    pytest.importorskip("skorch")
    net = next(one for one in WATCHED if one.name == "net").make(5)
    net.set_params(predict_nonlinearity=nonlinearity)
    for log in record(net, rows=X.astype(np.float32)).observers:
        proba = log.proba(len(y))
        assert proba.shape == (N_EPOCHS, len(y), 3)
        assert_allclose(proba.sum(axis=2), 1, atol=1e-5)


def test_outputs_of_a_net_are_received_as_its_probabilities():
    pytest.importorskip("skorch")
    net = next(one for one in WATCHED if one.name == "net").make(3)
    records = record(net.set_params(predict_nonlinearity=flat), rows=X.astype(np.float32))
    for (_, test), log in zip(FOLDS, records.observers, strict=True):
        own = log.proba(len(y))[:, test, Y_ENCODED[test]].mean(axis=0)
        assert_allclose(own, records.out_of_fold_map.confidence[test], atol=1e-6)


# --- classifiers that cannot be watched


def predict(estimator, folds=FOLDS, params=None, **options):
    data = TrainingSet.plain(X, LABELS, params)
    return predict_folds(estimator, data, folds, seed=0, make_observer=Log, **options)


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeClassifier(max_depth=3),
        make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=3)),
    ],
    ids=["tree", "pipeline"],
)
def test_a_classifier_that_cannot_be_watched_predicts_out_of_fold(estimator):
    records = predict(estimator)
    assert records.in_fold_map is None
    assert records.out_of_fold_map.n_epochs == 1
    for (train, test), log in zip(FOLDS, records.observers, strict=True):
        model = clone(estimator).fit(X[train], LABELS[train])
        proba = log.proba(len(y))
        assert log.begun == [1]
        assert np.isnan(proba[0, train]).all()
        own = records.out_of_fold_map.confidence[test]
        assert_allclose(own, model.predict_proba(X[test])[np.arange(len(test)), Y_ENCODED[test]])


def test_without_probabilities_decisions_are_logits():
    records = predict(SVC(), n_jobs=2)
    for (train, test), log in zip(FOLDS, records.observers, strict=True):
        scores = np.exp(SVC().fit(X[train], LABELS[train]).decision_function(X[test]))
        expected = scores / scores.sum(axis=1, keepdims=True)
        assert_allclose(log.proba(len(y))[0, test], expected, rtol=1e-6)


def test_arguments_of_fit_are_split_as_the_rows_are():
    weight = np.where(ROWS % 3, 1.0, 0.0)
    tree = DecisionTreeClassifier(max_depth=3)
    records = predict(tree, params={"sample_weight": weight})
    train, test = FOLDS[0]
    model = clone(tree).set_params(random_state=0)
    model.fit(X[train], LABELS[train], sample_weight=weight[train])
    expected = model.predict_proba(X[test])
    assert_allclose(records.observers[0].proba(len(y))[0, test], expected)
    assert_array_equal(records.out_of_fold_map.excluded_mask, weight == 0)
