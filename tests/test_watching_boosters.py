"""Maps of XGBoost, LightGBM and CatBoost equal a naive loop over models cut at each stage."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier
from sklearn.neighbors import KNeighborsClassifier

from names import name_of
from sklearn_carto import (
    CartographyClassifier,
    DataMap,
    DataMapSelector,
    DistilledClassifier,
    compare_subsets,
)
from sklearn_carto._selection._final_estimator import fit_final_estimator
from sklearn_carto._watching._find import can_watch
from sklearn_carto.exceptions import HeldOutRowsWarning, NotWatchableError

X, y = make_classification(
    400, n_classes=3, n_informative=5, flip_y=0.2, class_sep=0.7, random_state=0
)
N_TREES = 12
LIBRARIES = ["xgboost", "lightgbm", "catboost"]
pytestmark = pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")


def booster(library, **params):
    module = pytest.importorskip(library)
    params = {"n_estimators": N_TREES, "random_state": 0} | params
    if library == "xgboost":
        return module.XGBClassifier(n_jobs=1, **params)
    if library == "lightgbm":
        return module.LGBMClassifier(n_jobs=1, verbose=-1, **params)
    quiet = {"thread_count": 1, "verbose": False, "allow_writing_files": False}
    return module.CatBoostClassifier(**quiet, **params)


def cut_at(model, X, n_stages):
    """Probabilities of a trained model without its later trees, by its own means."""
    argument = {
        "XGBClassifier": {"iteration_range": (0, n_stages)},
        "LGBMClassifier": {"num_iteration": n_stages},
        "CatBoostClassifier": {"ntree_end": n_stages},
    }
    return model.predict_proba(X, **argument[type(model).__name__])


def naive_true_proba(model, X, columns, stages):
    rows = np.arange(len(columns))
    return np.array([cut_at(model, X, end)[rows, columns] for end in stages]).T


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("labels", [y, (y == 1).astype(int)], ids=["3 classes", "2 classes"])
def test_rows_of_single_precision_give_the_map_of_a_naive_loop(library, labels):
    rows = X.astype(np.float32)
    bare = booster(library).fit(rows, labels)
    p = naive_true_proba(bare, rows, labels, range(1, N_TREES + 1))
    model = CartographyClassifier(booster(library)).fit(rows, labels)
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)
    assert_allclose(model.variability_, p.std(axis=1), atol=1e-6)
    assert_array_equal(model.predict_proba(rows), bare.predict_proba(rows))


@pytest.mark.parametrize("library", LIBRARIES)
def test_stages_of_a_booster_are_not_all_the_whole_model(library):
    model = CartographyClassifier(booster(library)).fit(X, y)
    assert model.dynamics_.true_proba.shape == (len(y), N_TREES)
    assert np.median(model.variability_) > 0.01


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("n_epochs", [None, 5], ids=["all", "5"])
def test_the_first_stage_has_trees_and_never_means_all_of_them(library, n_epochs):
    bare = booster(library).fit(X, y)
    model = CartographyClassifier(booster(library), n_epochs=n_epochs).fit(X, y)
    first = model.dynamics_.true_proba[:, 0]
    end = 1 if n_epochs is None else 2
    assert_allclose(first, naive_true_proba(bare, X, y, [end])[:, 0], atol=1e-6)
    assert np.abs(first - naive_true_proba(bare, X, y, [N_TREES])[:, 0]).max() > 0.1


@pytest.mark.parametrize("library", LIBRARIES)
def test_burn_in_leaves_out_epochs_and_never_the_first_trees(library):
    bare = booster(library).fit(X, y)
    late = naive_true_proba(bare, X, y, range(7, N_TREES + 1))
    model = CartographyClassifier(booster(library)).fit(X, y)
    burnt = DataMap.from_dynamics(model.dynamics_, epochs=slice(6, None))
    assert_allclose(burnt.confidence, late.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
def test_margins_come_from_the_sums_of_the_trees(library):
    model = CartographyClassifier(booster(library)).fit(X, y)
    log_p = np.log(model.predict_proba(X).astype(float))
    own = log_p[np.arange(len(y)), y]
    log_p[np.arange(len(y)), y] = -np.inf
    assert model.data_map_.margin_from == "logits"
    assert_allclose(model.dynamics_.margin[:, -1], own - log_p.max(axis=1), atol=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
def test_stages_end_at_the_best_iteration_of_early_stopping(library):
    labels = np.array(["c", "a", "b"])[y]
    noise = np.random.RandomState(0).permutation(labels)
    patience = {"lightgbm": "early_stopping_round"}.get(library, "early_stopping_rounds")
    learner = booster(library, n_estimators=50, learning_rate=0.3, **{patience: 4})
    held_out = {"eval_set": [(X[:250] + 0.5, np.r_[labels[:150], noise[150:250]])]}
    model = CartographyClassifier(learner).fit(X, labels, **held_out)
    assert 1 < model.n_epochs_ < 46
    column = np.searchsorted(model.classes_, labels)
    last = model.predict_proba(X)[np.arange(len(y)), column]
    assert_allclose(model.dynamics_.true_proba[:, -1], last, atol=1e-6)


def test_an_eval_set_with_labels_of_its_own_is_refused_by_name():
    held_out = [(X[:50], np.full(50, "unheard"))]
    model = CartographyClassifier(booster("xgboost"))
    labels = np.array(["c", "a", "b"])[y]
    with pytest.raises(ValueError, match=r"no training row has: \['unheard'\]"):
        model.fit(X, labels, eval_set=held_out)


@pytest.mark.parametrize("library", LIBRARIES)
def test_sample_weight_and_sparse_rows_reach_the_booster(library):
    sparse = csr_matrix(np.where(np.abs(X) < 0.5, 0.0, X))
    weight = np.where(y == 0, 5.0, 1.0)
    bare = booster(library).fit(sparse, y, sample_weight=weight)
    model = CartographyClassifier(booster(library)).fit(sparse, y, sample_weight=weight)
    p = naive_true_proba(bare, sparse, y, range(1, N_TREES + 1))
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
def test_frames_with_categories_and_missing_values_are_replayed(library):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:, :5].copy(), columns=list("abcde"))
    frame.loc[::7, "a"] = np.nan
    frame["kind"] = pandas.Categorical(np.array(["u", "v", "w"])[(y + (X[:, 6] > 0)) % 3])
    kinds = {"cat_features": ["kind"]} if library == "catboost" else {}
    learner = booster(library, **({"enable_categorical": True} if library == "xgboost" else {}))
    bare = clone(learner).fit(frame, y, **kinds)
    model = CartographyClassifier(learner).fit(frame, y, **kinds)
    p = naive_true_proba(bare, frame, y, range(1, N_TREES + 1))
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)


def test_linear_trees_of_lightgbm_are_replayed():
    learner = booster("lightgbm", linear_tree=True)
    p = naive_true_proba(clone(learner).fit(X, y), X, y, range(1, N_TREES + 1))
    assert_allclose(CartographyClassifier(learner).fit(X, y).dynamics_.true_proba, p, atol=1e-6)


def test_more_trees_than_are_held_at_once_are_all_added():
    learner = booster("lightgbm", n_estimators=47, num_leaves=4)  # of 3 classes: 20, 20 and 7
    p = naive_true_proba(clone(learner).fit(X, y), X, y, range(1, 48))
    assert_allclose(CartographyClassifier(learner).fit(X, y).dynamics_.true_proba, p, atol=1e-6)


def test_rounds_of_several_trees_are_one_stage_each():
    learner = booster("xgboost", num_parallel_tree=3, subsample=0.5, colsample_bynode=0.5)
    p = naive_true_proba(clone(learner).fit(X, y), X, y, range(1, N_TREES + 1))
    assert_allclose(CartographyClassifier(learner).fit(X, y).dynamics_.true_proba, p, atol=1e-6)


@pytest.mark.parametrize(
    ("library", "params", "reason", "remedy"),
    [
        ("xgboost", {"booster": "dart"}, "rescales earlier trees", "Use booster='gbtree'"),
        ("xgboost", {"booster": "gblinear"}, "last coefficients", "Use booster='gbtree'"),
        ("lightgbm", {"boosting_type": "dart"}, "rescales earlier", "Use boosting_type='gbdt'"),
        ("lightgbm", {"boosting": "rf"}, "averages its trees", "RandomForestClassifier"),
        ("catboost", {"langevin": True}, "shrinks earlier trees", "Leave langevin out"),
    ],
    ids=["xgboost-dart", "xgboost-gblinear", "lightgbm-dart", "lightgbm-rf", "catboost-langevin"],
)
def test_a_booster_whose_stages_are_lost_is_refused_before_it_trains(
    library, params, reason, remedy
):
    with pytest.raises(NotWatchableError, match=f"{reason}.*{remedy}"):
        CartographyClassifier(booster(library, **params)).fit(X, y)


def test_a_forest_of_xgboost_has_one_round_and_is_refused():
    xgboost = pytest.importorskip("xgboost")
    with pytest.raises(NotWatchableError, match="all its trees in one round.*RandomForest"):
        CartographyClassifier(xgboost.XGBRFClassifier(n_estimators=3)).fit(X, y)


def softmax_gradient(y_true, y_pred):
    return y_pred, np.ones_like(y_pred)


@pytest.mark.parametrize(
    ("library", "params"),
    [
        ("xgboost", {"objective": "binary:logitraw"}),
        ("xgboost", {"objective": "binary:hinge"}),
        ("xgboost", {"objective": softmax_gradient}),
        ("lightgbm", {"objective": "multiclassova"}),
        ("lightgbm", {"application": "ova"}),
        ("lightgbm", {"sigmoid": 2.0}),
        ("lightgbm", {"objective": softmax_gradient}),
        ("catboost", {"loss_function": "MultiClassOneVsAll"}),
        ("catboost", {"objective": "MultiClassOneVsAll"}),
    ],
    ids=name_of,
)
def test_an_objective_of_other_probabilities_is_refused_by_name_before_training(library, params):
    (name,) = params
    estimator = booster(library, **params)
    assert not can_watch(estimator)
    with pytest.raises(NotWatchableError, match=rf"\({name}=.*\).*Use (objective|loss_function)="):
        CartographyClassifier(estimator).fit(X, (y == 1).astype(int))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_booster_that_redefines_its_probabilities_is_refused(library):
    kind = type(booster(library))

    class Redefined(kind):
        def predict_proba(self, X):
            return 0.5 * super().predict_proba(X) + 0.25

    with pytest.raises(NotWatchableError, match="Redefined redefines predict_proba.* Use "):
        CartographyClassifier(Redefined(n_estimators=3)).fit(X, (y == 1).astype(int))


@pytest.mark.parametrize(
    ("library", "name"),
    [("xgboost", "base_margin"), ("lightgbm", "init_score"), ("catboost", "baseline")],
    ids=LIBRARIES,
)
def test_scores_to_start_from_are_refused_for_the_map_would_lack_them(library, name):
    model = CartographyClassifier(booster(library))
    with pytest.raises(NotWatchableError, match=rf"fit\({name}=...\).* Leave it out"):
        model.fit(X, y, **{name: np.zeros((len(y), 3))})


def test_rows_that_catboost_holds_out_draw_a_warning():
    model = CartographyClassifier(booster("catboost", eval_fraction=0.2))
    with pytest.warns(HeldOutRowsWarning, match=r"holds out 20% of the rows .* eval_set"):
        model.fit(X, y)


def test_a_class_that_merely_has_the_name_is_no_booster():
    pytest.importorskip("xgboost")
    impostor = type("XGBClassifier", (KNeighborsClassifier,), {})()
    with pytest.raises(NotWatchableError, match="neither a skorch net nor a classifier of XGB"):
        CartographyClassifier(impostor).fit(X, y)


@pytest.mark.parametrize("library", LIBRARIES)
def test_without_the_library_other_estimators_are_watched(library, without):
    without(library)
    learner = SGDClassifier(loss="log_loss", random_state=0)
    assert CartographyClassifier(learner, n_epochs=3).fit(X, y).n_epochs_ == 3


@pytest.mark.parametrize(
    ("library", "drawing"),
    [
        ("xgboost", {"subsample": 0.5}),
        ("lightgbm", {"subsample": 0.5, "subsample_freq": 1}),
        ("catboost", {"subsample": 0.5, "bootstrap_type": "Bernoulli"}),
    ],
    ids=LIBRARIES,
)
def test_one_seed_makes_one_model_watched_or_not_and_another_seed_another(library, drawing):
    params = booster(library, **drawing).get_params()
    if library == "catboost":
        del params["random_state"]  # it has no parameters but those that it was given
    learner = type(booster(library))(**params)
    watched = [CartographyClassifier(learner, random_state=s).fit(X, y) for s in (1, 1, 2)]
    first, again, other = (model.predict_proba(X) for model in watched)
    assert_array_equal(again, first)
    assert np.abs(other - first).max() > 1e-3
    assert_array_equal(
        fit_final_estimator(clone(learner), X, y, seed=1).estimator.predict_proba(X), first
    )


def test_xgboost_trained_on_the_rows_kept_predicts_the_labels_of_the_user():
    labels = np.array(["c", "a", "b"])[y]
    selector = DataMapSelector(frac=0.5, random_state=0)
    held_out = [(X, labels)]
    model = DistilledClassifier(booster("xgboost"), selector)
    rows = model.fit(X, labels).selector_.sample_indices_
    bare = booster("xgboost").fit(X[rows], np.searchsorted(["a", "b", "c"], labels[rows]))
    assert_array_equal(model.predict(X), np.array(["a", "b", "c"])[bare.predict(X)])
    itself = DistilledClassifier(booster("xgboost", early_stopping_rounds=5))
    itself.fit(X, labels, eval_set=held_out, verbose=False)
    assert set(itself.predict(X)) == {"a", "b", "c"}


def test_subsets_are_compared_with_xgboost_on_labels_of_any_type():
    labels = np.array(["c", "a", "b"])[y]
    result = compare_subsets(
        booster("xgboost"), X, labels, regions=["ambiguous"], cv=2, random_state=0
    )
    assert_array_equal(np.asarray(result.results_["test_score"]) > 0.4, True)
