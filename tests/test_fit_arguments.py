"""Arguments of CartographyClassifier.fit: who takes them, and what they may be."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from names import name_of
from sklearn_carto import CartographyClassifier
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import MissingClassesWarning

X, y, _ = make_cartography(90, random_state=0)
GROUPS = np.arange(90) // 6
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",  # of few and easy epochs
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


class Noting(SGDClassifier):
    """Notes the arguments that it is trained with."""

    seen: list = []

    def partial_fit(self, X, y, classes=None, sample_weight=None, groups=None, names=None):
        Noting.seen.append({"X": X, "groups": groups, "names": names})
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)


@pytest.fixture
def seen():
    Noting.seen = []
    return Noting.seen


def watched(estimator=SGD, **params):
    return CartographyClassifier(estimator, **{"n_epochs": 2, "random_state": 0} | params)


# --- groups


@pytest.mark.parametrize("cv", [GroupKFold(3), LeaveOneGroupOut(), 3], ids=name_of)
@pytest.mark.parametrize("estimator", [SGD, make_pipeline(StandardScaler(), SGD)])
def test_groups_reach_the_folds_and_not_an_estimator_that_takes_none(cv, estimator):
    model = watched(estimator, cv=cv).fit(X, y, groups=GROUPS)
    splits = [(group != GROUPS) for group in np.unique(GROUPS)]
    if isinstance(cv, LeaveOneGroupOut):
        group = 4
        alone = watched(estimator).fit(X[splits[group]], y[splits[group]])
        tested = ~splits[group]
        proba = alone.predict_proba(X[tested])[np.arange(6), y[tested]]
        np.testing.assert_allclose(model.dynamics_.true_proba[tested, -1], proba, rtol=1e-5)
    assert model.data_map_.record == "out_of_fold"


def test_groups_reach_an_estimator_that_takes_them(seen):
    watched(Noting(loss="log_loss"), cv=GroupKFold(3)).fit(X, y, groups=GROUPS)
    for call in seen:
        assert call["groups"].shape == (len(call["X"]),)
    assert set(seen[0]["groups"]) < set(GROUPS)  # of a fold
    assert set(seen[-1]["groups"]) == set(GROUPS)


def test_groups_that_nothing_takes_are_an_error():
    with pytest.raises(TypeError, match=r"SGDClassifier\.partial_fit takes no groups"):
        watched().fit(X, y, groups=GROUPS)
    with pytest.raises(ValueError, match="'groups' parameter must hold one group for each of the"):
        watched(cv=GroupKFold(3)).fit(X, y, groups=GROUPS[:-1])


@pytest.mark.parametrize("cv", [GroupKFold(3), 3])
def test_groups_are_routed_as_scikit_learn_routes_them(cv):
    expected = watched(cv=cv).fit(X, y, groups=GROUPS)
    with sklearn.config_context(enable_metadata_routing=True):
        model = watched(cv=cv)
        assert_array_equal(model.fit(X, y, groups=GROUPS).confidence_, expected.confidence_)
        scores = cross_validate(clone(model), X, y, cv=GroupKFold(2), params={"groups": GROUPS})
        assert len(scores["test_score"]) == 2
        with pytest.raises(TypeError, match="groups"):
            watched(cv=KFold(3)).fit(X, y, groups=GROUPS)


# --- arguments with one entry for each row


@pytest.mark.parametrize("container", ["array", "list", "object array"])
def test_arguments_with_one_entry_a_row_go_with_their_rows(container, seen):
    names = [f"row {i}" for i in range(90)]
    if container != "list":
        names = np.array(names, dtype=object if container == "object array" else None)
    position = FunctionTransformer(lambda X: X)
    model = watched(make_pipeline(position, Noting(loss="log_loss")), cv=3)
    model.fit(X, y, noting__names=names)
    for call in seen:
        expected = [f"row {int(np.flatnonzero((row == X).all(axis=1))[0])}" for row in call["X"]]
        assert list(call["names"]) == expected


@pytest.mark.parametrize("value", ["a" * 90, dict.fromkeys(range(90)), 90, None])
def test_other_arguments_reach_each_fold_as_they_are(value, seen):
    watched(Noting(loss="log_loss"), cv=3).fit(X, y, names=value)
    assert all(call["names"] is value for call in seen)


@pytest.mark.parametrize("kind", ["dict", "dataset"])
def test_rows_are_counted_by_labels_where_x_is_no_array(kind, seen_by_net):
    data = {"X": X.astype(np.float32)}
    if kind == "dataset":
        import torch

        data = torch.utils.data.TensorDataset(torch.tensor(data["X"]), torch.tensor(y))
    CartographyClassifier(seen_by_net.net, cv=3).fit(data, y, names=np.arange(90))
    assert [len(names) for names in seen_by_net.names] == [60, 60, 60, 90]


@pytest.fixture
def seen_by_net():
    skorch = pytest.importorskip("skorch")
    from torch import nn

    class Module(nn.Linear):
        def forward(self, X):
            return super().forward(X)

    class Net(skorch.NeuralNetClassifier):
        names: list = []

        def fit(self, X, y=None, names=None):
            Net.names.append(names)
            return super().fit(X, y)

    Net.net = Net(
        Module, module__in_features=8, module__out_features=3, criterion=nn.CrossEntropyLoss,
        max_epochs=2, train_split=None, verbose=0,
    )  # fmt: skip
    return Net


@pytest.mark.parametrize(
    ("estimator", "params", "message"),
    [
        (SGD, {"epochs": 3}, r"SGDClassifier\.partial_fit takes no epochs"),
        (SGD, {"eval_set": [(X, y)], "b": 1}, r"takes no b, eval_set"),
        (make_pipeline(StandardScaler(), SGD), {"sgdclassifier__b": 1}, r"partial_fit takes no b"),
        (make_pipeline(StandardScaler(), SGD), {"b": 1}, r"SGDClassifier\.partial_fit takes no b"),
        (
            make_pipeline(StandardScaler(), SGD),
            {"standardscaler__b": 1},
            r"StandardScaler\.fit .*b",
        ),
        (make_pipeline(StandardScaler(), SGD), {"sdg__b": 1}, "Pipeline has no step 'sdg'"),
        (make_pipeline("passthrough", SGD), {"passthrough__b": 1}, "no step 'passthrough' that"),
        (SGD, {"sgd__b": 1}, r"SGDClassifier\.partial_fit takes no sgd__b"),
    ],
)
def test_unknown_arguments_are_named_before_anything_is_trained(estimator, params, message):
    model = watched(estimator)
    with pytest.raises(TypeError, match=message):
        model.fit(X, y, **params)
    assert not hasattr(model, "estimator_")


# --- weights


def test_rows_of_weight_0_are_marked_in_the_map():
    weight = np.where(np.arange(90) % 4, 1.0, 0.0)
    pipeline = Pipeline([("scale", StandardScaler()), ("clf", SGD)])
    for model in (
        watched().fit(X, y, sample_weight=weight),
        watched(cv=3).fit(X, y, sample_weight=weight.tolist()),
        watched(pipeline).fit(X, y, sample_weight=weight),
        watched(pipeline).fit(X, y, clf__sample_weight=weight),
    ):
        assert_array_equal(model.data_map_.excluded_mask, weight == 0)
        assert not np.isnan(model.confidence_).any()
    assert watched().fit(X, y, sample_weight=weight + 1).data_map_.excluded_mask is None
    assert watched().fit(X, y).data_map_.excluded_mask is None


@pytest.mark.parametrize(
    "weight",
    [
        np.ones(89),
        np.ones((90, 1)),
        -np.ones(90),
        np.full(90, np.nan),
        np.zeros(90),
        ["1"] * 90,
        1.0,
    ],
    ids=lambda weight: str(np.shape(weight)),
)
@pytest.mark.parametrize("name", ["sample_weight", "clf__sample_weight"])
def test_weights_that_are_none_are_an_error_before_anything_is_trained(weight, name):
    model = watched(Pipeline([("scale", StandardScaler()), ("clf", SGD)]))
    with pytest.raises(ValueError, match=r"The 'sample_weight' parameter of .*\.fit must hold"):
        model.fit(X, y, **{name: weight})
    assert not hasattr(model, "estimator_")


# --- ids


@pytest.mark.parametrize("make", [list, np.array, tuple, lambda ids: np.array(ids, dtype=object)])
def test_ids_name_the_rows_of_the_map_and_win_over_an_index(make):
    pd = pytest.importorskip("pandas")
    ids = [f"row {i}" for i in range(90)]
    frame = pd.DataFrame(X, index=np.arange(90) + 1000).rename(columns=str)
    model = watched(cv=3).fit(frame, y, sample_ids=make(ids))
    assert model.data_map_.sample_ids.tolist() == ids
    assert watched().fit(frame, y).data_map_.sample_ids.tolist() == list(range(1000, 1090))
    assert watched().fit(X, y, sample_ids=make(ids)).data_map_.sample_ids.tolist() == ids


@pytest.mark.parametrize(
    "ids",
    [range(89), ["a"] * 90, [None, *range(89)], [np.nan, *range(89)], [[i] for i in range(90)]],
)
def test_ids_that_do_not_name_each_row_are_an_error_before_anything_is_trained(ids):
    model = watched()
    with pytest.raises(ValueError, match="'sample_ids' parameter of CartographyClassifier.fit"):
        model.fit(X, y, sample_ids=list(ids))
    assert not hasattr(model, "estimator_")


# --- parameters of the constructor


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("n_epochs", value) for value in (0, -1, 1.5, 2.0, True, "5", [3], np.nan)],
        *[("record", value) for value in (None, True, "out_of_fold", "EPOCH_END", 0)],
        *[("keep_history", value) for value in ("yes", None, 1.0, [True])],
        *[("random_state", value) for value in ("0", -1, 0.5, [1], np.random.default_rng(0))],
        *[("verbose", value) for value in ("loud", -1, None, 1.5)],
        *[("cv", value) for value in (1, 0, True, 2.5, "five", [], [(0, 1)], {}, object())],
        *[("estimator", value) for value in (None, "SGD", 3, SGDClassifier, object(), [SGD])],
    ],
    ids=name_of,
)
def test_parameters_of_a_wrong_kind_are_named(name, value):
    model = watched().set_params(**{name: value})
    with pytest.raises((ValueError, TypeError), match=f"'?{name}'? parameter|must be a classifier"):
        model.fit(X, y)


# --- folds


ROWS = np.arange(90)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (
            [(ROWS, ROWS[::2]), (ROWS, ROWS[1::2])],
            r"trains on rows that it tests: \[0, 2, 4, 6, 8\]",
        ),
        ([(ROWS[1::2], ROWS[::2]), (ROWS[::2], ROWS[::2])], "Fold 1 trains on rows that it tests"),
        ([(ROWS[30:], ROWS[:30]), (ROWS[:30], ROWS[31:])], r"test some rows never: \[30\]"),
        ([(ROWS[30:], ROWS[:30]), (ROWS[:20], ROWS[20:])], r"several times: \[20, 21"),
        ([(ROWS[30:], ROWS[:30]), (ROWS[:30], -ROWS[1:60])], r"holds \[-1, -2"),
        (iter([]), "it yields none"),
    ],
)
def test_folds_that_are_not_out_of_fold_are_refused_before_anything_is_trained(folds, message):
    model = watched(cv=folds)
    with pytest.raises(ValueError, match=f"The 'cv' parameter .*{message}"):
        model.fit(X, y)
    assert not hasattr(model, "estimator_")


def test_an_iterator_of_folds_serves_one_fit():
    model = watched(cv=iter([(ROWS[30:], ROWS[:30]), (ROWS[:30], ROWS[30:])])).fit(X, y)
    with pytest.raises(ValueError, match=r"it yields none\. An iterator can be used once"):
        model.fit(X, y)


# --- training sets that lack a class


def lacking(estimator, labels, n_classes=3):
    """Fit with folds, the first of which trains without the first class."""
    order = np.argsort(labels, kind="stable")
    first = order[: (labels == labels[order[0]]).sum()]
    rest = np.setdiff1d(ROWS, first)
    halves = [rest[::2], rest[1::2]]
    folds = [(rest, first), *((np.setdiff1d(ROWS, half), half) for half in halves)]
    model = CartographyClassifier(estimator, cv=folds, random_state=0)
    with pytest.warns(MissingClassesWarning, match="in the training set of fold 0"):
        model.fit(X, labels)
    return model, first, rest


@pytest.mark.parametrize(
    "name", ["SGD", "forest", "boosting", "ada", "logistic", "xgboost", "lgbm"]
)
def test_a_class_that_a_fold_does_not_train_on_has_probability_0_there(name):
    from sklearn import ensemble, linear_model

    from sklearn_carto._watching import _callbacks

    if name == "logistic" and not _callbacks.HAS_CALLBACKS:
        pytest.skip("needs the callbacks of scikit-learn >= 1.9")
    estimator = {
        "SGD": lambda: SGD,
        "forest": lambda: ensemble.RandomForestClassifier(4),
        "boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=3),
        "ada": lambda: ensemble.AdaBoostClassifier(n_estimators=3),
        "logistic": lambda: linear_model.LogisticRegression(max_iter=3),
        "xgboost": lambda: pytest.importorskip("xgboost").XGBClassifier(n_estimators=3, n_jobs=1),
        "lgbm": lambda: pytest.importorskip("lightgbm").LGBMClassifier(
            n_estimators=3, n_jobs=1, verbose=-1
        ),
    }[name]()
    model, first, rest = lacking(estimator, np.array(["a", "b", "c"])[y])
    assert (model.dynamics_.true_proba[first] < 0.5).all()
    assert not model.dynamics_.correct[first].any() or name == "SGD"
    if name != "SGD":  # whose partial_fit is given all classes
        assert (model.dynamics_.true_proba[first] < 1e-30).all()
    assert model.dynamics_.true_proba[rest].mean() > 0.3
    assert np.isfinite(model.dynamics_.margin[:, 0]).all()
    assert model.predict(X).shape == (90,)


def test_outputs_of_a_net_without_a_label_are_columns_without_a_label():
    skorch = pytest.importorskip("skorch")
    from torch import nn

    net = skorch.NeuralNetClassifier(
        nn.Linear, module__in_features=8, module__out_features=5, criterion=nn.CrossEntropyLoss,
        max_epochs=3, train_split=None, verbose=0,
    )  # fmt: skip
    labels, samples = np.array(["a", "b", "c"])[y], X.astype(np.float32)
    model = CartographyClassifier(net, random_state=0).fit(samples, labels)
    proba = model.predict_proba(samples)
    assert proba.shape == (90, 5)
    own = proba[np.arange(90), y]
    np.testing.assert_allclose(model.dynamics_.true_proba[:, -1], own, atol=1e-6)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert set(model.predict(samples)) <= set("abc")
    assert_array_equal(model.predict(samples), model.classes_[proba[:, :3].argmax(axis=1)])
