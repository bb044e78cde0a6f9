"""Arguments of fit reach each model that takes them, row by row, or are an error beforehand."""

from typing import ClassVar

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_carto import CartographyClassifier, DataMapSelector, DistilledClassifier
from sklearn_carto._watching._training_set import take_params
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(90, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
PROXY = CartographyClassifier(SGD, n_epochs=2)


class Spy(LogisticRegression):
    """Notes the arguments of each fit."""

    given: ClassVar = []

    def fit(self, X, y, sample_weight=None, note=None):
        self.given.append({"n": len(y), "sample_weight": sample_weight, "note": note})
        return super().fit(X, y, sample_weight=sample_weight)


class SpySGD(SGDClassifier):
    given: ClassVar = []

    def partial_fit(self, X, y, classes=None, sample_weight=None, note=None):
        self.given.append({"n": len(y), "sample_weight": sample_weight, "note": note})
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)


@pytest.fixture(autouse=True)
def _forget():
    Spy.given.clear()
    SpySGD.given.clear()


def spied(**params):
    proxy = CartographyClassifier(SpySGD(loss="log_loss", alpha=0.01), n_epochs=2)
    return DataMapSelector(proxy, frac=0.4, random_state=0, **params)


NOTES = np.array([f"row {i}" for i in range(90)])


@pytest.mark.parametrize("notes", [NOTES, NOTES.tolist()], ids=["array", "list"])
def test_an_argument_that_both_take_goes_whole_to_the_proxy_and_by_rows_to_the_final(notes):
    model = DistilledClassifier(Spy(), spied()).fit(X, y, note=notes)
    assert_array_equal(SpySGD.given[0]["note"], NOTES)
    assert_array_equal(Spy.given[-1]["note"], NOTES[model.selector_.sample_indices_])


def test_an_argument_of_the_final_estimator_alone_does_not_reach_the_proxy():
    DistilledClassifier(Spy(), DataMapSelector(PROXY, random_state=0)).fit(X, y, note="once")
    assert Spy.given[-1]["note"] == "once"


def test_an_argument_of_the_proxy_alone_does_not_reach_the_final_estimator():
    DistilledClassifier(LogisticRegression(), spied()).fit(X, y, note="once")
    assert SpySGD.given[0]["note"] == "once"


def test_the_prefix_of_the_selector_means_its_proxy_alone():
    weights = np.random.RandomState(0).uniform(1, 2, 90)
    DistilledClassifier(Spy(), spied()).fit(X, y, selector__sample_weight=weights)
    assert_array_equal(SpySGD.given[0]["sample_weight"], weights)
    assert Spy.given[-1]["sample_weight"] is None


def test_the_prefix_of_the_selector_wins_over_a_shared_argument():
    model = DistilledClassifier(Spy(), spied())
    model.fit(X, y, note="final", selector__note="proxy")
    assert SpySGD.given[0]["note"] == "proxy"
    assert Spy.given[-1]["note"] == "final"


def test_weights_reach_the_last_step_of_pipelines_without_its_name():
    weights = np.random.RandomState(0).uniform(1, 2, 90)
    inner = Pipeline([("scale", StandardScaler()), ("spy", Spy())])
    model = DistilledClassifier(Pipeline([("outer", inner)]), spied())
    model.fit(X, y, sample_weight=weights)
    assert_array_equal(Spy.given[-1]["sample_weight"], weights[model.selector_.sample_indices_])


@pytest.mark.parametrize(
    ("model", "argument", "named"),
    [
        (DataMapSelector(PROXY), "colour", "colour.*SGDClassifier"),
        (DataMapSelector(), "smaple_weight", "smaple_weight.*HistGradientBoosting"),
        (DataMapSelector(make_pipeline(StandardScaler(), SGD)), "scaler__x", "scaler__x"),
        (DataMapSelector(make_pipeline(StandardScaler(), SGD)), "standardscaler__x", "scaler__x"),
        (DataMapSelector(SGD), "classes", "classes"),
        (DistilledClassifier(Spy(), spied()), "colour", "'colour'.*SpySGD.*Spy"),
        (DistilledClassifier(Spy(), spied()), "selector__colour", "selector__colour.*SpySGD"),
        (DistilledClassifier(SVC(), DataMapSelector()), "eval_set", "eval_set.*SVC"),
        (DistilledClassifier(make_pipeline(StandardScaler(), Spy()), spied()), "spi__note", "spi"),
        (DistilledClassifier(GridSearchCV(Spy(), {}), spied()), "colour", "colour"),
    ],
)
def test_an_argument_that_nobody_takes_is_named_before_anything_is_trained(model, argument, named):
    with pytest.raises(TypeError, match=named):
        model.fit(X, y, **{argument: 1})
    assert Spy.given == SpySGD.given == []


def test_weights_go_to_the_model_that_takes_them():
    weights = np.random.RandomState(0).uniform(1, 2, 90)
    DistilledClassifier(KNeighborsClassifier(3), spied()).fit(X, y, sample_weight=weights)
    assert_array_equal(SpySGD.given[0]["sample_weight"], weights)


@pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")
@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_an_eval_set_reaches_the_booster_and_not_the_default_proxy(library):
    package = pytest.importorskip(library)
    if library == "lightgbm":
        booster = package.LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1)
    else:
        booster = package.XGBClassifier(n_estimators=2, n_jobs=1)
    selector = DataMapSelector(HistGradientBoostingClassifier(max_iter=2), random_state=0)
    names = np.array(["a", "b", "c"])[y]
    model = DistilledClassifier(booster, selector).fit(X, names, eval_set=[(X[:30], names[:30])])
    assert set(model.predict(X)) <= set(names)


def test_offsets_of_a_booster_reach_it_and_not_the_map():
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1)
    model = DistilledClassifier(booster, DataMapSelector(random_state=0))
    model.fit(X, y % 2, init_score=np.linspace(-1, 1, 90))
    assert model.selector_.data_map_.n_samples == 90


class Converted:
    """Has no length, but can be converted to an array."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values)


@pytest.mark.parametrize(
    "value",
    [
        *(np.arange(4), [0, 1, 2, 3], (0, 1, 2, 3)),
        *(np.arange(8).reshape(4, 2), np.array(list("abcd")), Converted([0, 1, 2, 3])),
    ],
    ids=["array", "list", "tuple", "2d", "text", "converted"],
)
def test_arguments_with_an_entry_for_each_sample_are_indexed(value):
    taken = take_params({"a": value}, np.array([2, 0]), 4)["a"]
    assert_array_equal(taken, np.asarray(value)[[2, 0]])


@pytest.mark.parametrize(
    "value", ["four", b"four", 4, None, {"a": 1, "b": 2, "c": 3, "d": 4}, np.float64(4), [1, 2]]
)
def test_other_arguments_are_left_as_they_are(value):
    assert take_params({"a": value}, np.array([2, 0]), 4)["a"] is value


def test_a_series_is_indexed_by_position():
    pd = pytest.importorskip("pandas")
    series = pd.Series([5.0, 6.0, 7.0, 8.0], index=[3, 2, 1, 0])
    assert take_params({"a": series}, np.array([2, 0]), 4)["a"].tolist() == [7.0, 5.0]


def test_arguments_are_indexed_also_where_x_is_a_dict():
    skorch = pytest.importorskip("skorch")
    torch = pytest.importorskip("torch")

    class Net(skorch.NeuralNetClassifier):
        sizes: ClassVar = []

        def fit(self, X, y=None, notes=None, **fit_params):
            self.sizes.append((len(y), len(notes)))
            return super().fit(X, y, **fit_params)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(8, 3)

        def forward(self, rows, other):
            return self.linear(rows + other)

    net = Net(Module, criterion=torch.nn.CrossEntropyLoss, train_split=None, max_epochs=2,
              verbose=0)  # fmt: skip
    parts = {"rows": X.astype(np.float32), "other": X.astype(np.float32)}
    DistilledClassifier(net, DataMapSelector(frac=0.4, random_state=0)).fit(parts, y, notes=NOTES)
    assert Net.sizes == [(90, 90), (36, 36)]


GROUPS = np.arange(90) // 6


@pytest.mark.parametrize("cv", [GroupKFold(3), 3], ids=str)
@pytest.mark.parametrize("distilled", [True, False])
def test_groups_stay_together_in_the_folds_of_auto(cv, distilled, monkeypatch):
    from sklearn_carto._selection import _proxy

    folds, make_folds = [], _proxy.make_folds

    def spy(*args, **kwargs):
        folds.extend(make_folds(*args, **kwargs))
        return folds

    monkeypatch.setattr(_proxy, "make_folds", spy)
    model = DataMapSelector(SGD, noise_cut="auto", cv=cv, random_state=0)
    if distilled:
        model = DistilledClassifier(LogisticRegression(), model)
    model.fit(X, y, groups=GROUPS)
    assert len(folds) == 3
    for train, test in folds:
        assert set(GROUPS[train]).isdisjoint(GROUPS[test])


def test_groups_reach_a_search_that_is_distilled():
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=LeaveOneGroupOut())
    groups = np.arange(90) % 2
    model = DistilledClassifier(search, DataMapSelector(PROXY, random_state=0))
    assert model.fit(X, y, groups=groups).estimator_.n_splits_ == 2


@pytest.mark.parametrize("model", [DataMapSelector(PROXY), DistilledClassifier(SGD)])
def test_groups_of_another_length_are_refused(model):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y, groups=GROUPS[:-1])


@sklearn.config_context(enable_metadata_routing=True)
def test_the_default_proxy_requests_weights_through_the_selector():
    weights = np.linspace(0.1, 2, 90)
    selector = DataMapSelector(random_state=0).set_fit_request(sample_weight=True)
    alone = selector.fit(X, y, sample_weight=weights).data_map_
    model = DistilledClassifier(SVC().set_fit_request(sample_weight=False), clone(selector))
    routed = model.fit(X, y, sample_weight=weights).selector_.data_map_
    assert_array_equal(routed.confidence, alone.confidence)
    plain = DataMapSelector(random_state=0).fit(X, y).data_map_
    assert not np.allclose(alone.confidence, plain.confidence)


@pytest.mark.parametrize("requested", [True, False])
@sklearn.config_context(enable_metadata_routing=True)
def test_without_a_selector_the_default_proxy_requests_what_the_estimator_does(requested):
    weights = np.linspace(0.1, 2, 90)
    svc = SVC().set_fit_request(sample_weight=requested)
    model = DistilledClassifier(svc)
    consumed = model.get_metadata_routing().consumes("fit", {"sample_weight"})
    assert consumed == ({"sample_weight"} if requested else set())
    if requested:
        weighted = model.fit(X, y, sample_weight=weights).selector_.data_map_
        assert not np.allclose(weighted.confidence, model.fit(X, y).selector_.data_map_.confidence)


@sklearn.config_context(enable_metadata_routing=True)
def test_groups_are_routed_on_request_only():
    selector = DataMapSelector(PROXY, noise_cut="auto", cv=GroupKFold(3), random_state=0)
    model = DistilledClassifier(LogisticRegression(), selector)
    assert model.get_metadata_routing().consumes("fit", {"groups"}) == set()
    assert model.fit(X, y, groups=GROUPS).selector_.noise_cut_
    model = clone(model).set_fit_request(groups=True)
    assert model.get_metadata_routing().consumes("fit", {"groups"}) == {"groups"}
    assert model.fit(X, y, groups=GROUPS).selector_.noise_cut_


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(), SVC(), SGDClassifier("hinge")])
@pytest.mark.parametrize("make", [DataMapSelector, DistilledClassifier], ids=["selector", "model"])
def test_the_routing_of_a_model_that_cannot_be_watched_can_be_read(make, estimator):
    early = SGDClassifier(early_stopping=True)
    for one in (estimator, early, make_pipeline(StandardScaler(), estimator)):
        assert "sample_weight" not in make(one).get_metadata_routing().consumes("fit", {"colour"})
