"""What compare_subsets, its sweeps and cross_distillation are given is checked before training."""

import warnings

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from names import name_of
from sklearn_carto import (
    CrossDistillation,
    CrossDistillationDisplay,
    DataMapSelector,
    SubsetComparison,
    SubsetComparisonDisplay,
    compare_subsets,
    cross_distillation,
    sweep_fractions,
    sweep_replacement,
)
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.datasets import make_cartography

X, y, DATA_MAP = make_cartography(60, random_state=0)
ROWS = np.arange(60)


class Spared(SGDClassifier):
    """A classifier that must not be trained."""

    def fit(self, X, y, sample_weight=None):
        raise AssertionError("it was fitted")

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        raise AssertionError("it was fitted")


MODEL = Spared(loss="log_loss")
MODELS = {"a": MODEL, "b": Spared(loss="modified_huber")}
OTHERS = {"other": (X, y)}

SHARED = [
    ("n_seeds", [0, -1, 1.5, True, "2", None]),
    ("n_jobs", ["a", 0, 1.5, True]),
    ("match", ["time", None, True, 1]),
    ("error_score", ["ignore", None, [0], True, "nan"]),
    ("random_state", ["a", 1.5, -1, [0]]),
    ("verbose", ["a", -1, None]),
    ("resume", [3, True, [], {}, b"a", "", "a\0b", __file__]),
    ("params", [[1], "a", 3, {"sample_wait": ROWS}, {"X": X}, {"sample_weight": ROWS[:-1]},
                {"sample_weight": np.zeros(60)}, {"sample_weight": "heavy"}]),
    ("groups", [ROWS[:-1], 3, "abc", X]),
    ("cv", [[], 1, 0, -3, True, 2.5, "text", {}, StratifiedKFold, [(ROWS, ROWS[:5])],
            [(ROWS[:50], [])], [([], ROWS[:5])], [(ROWS[:50], [99])], [(ROWS[:50], [-1])],
            [(ROWS[:50].astype(float), ROWS[50:])], [(ROWS[:50], ["a"])], [ROWS], [3], iter([]),
            [(ROWS[:50], [55, 55])]]),
    ("scoring", ["accurracy", 3, [], {}, [3]]),
    ("selector", ["auto", 3, MODEL, DataMapSelector, DataMapSelector(stratify="no"),
                  DataMapSelector(noise_cut=2), DataMapSelector(noise_cut="some"),
                  DataMapSelector(cv=iter([]))]),
    ("ood", [(X, y), "a", 3, {"a": X}, {"a": (X,)}, {"a": (X, y, y)}, {"a": (X, None)},
             {"a": (None, y)}, {"": OTHERS["other"]}, {3: OTHERS["other"]},
             {"test": OTHERS["other"]}, {"test_a": OTHERS["other"]}, {"a": (X[:-1], y)},
             {"a": (X[:, 1:], y)}, {"a": (X[:, 0], y)}, {"a": (X, y + 9)}, {"a": (X, ["z"] * 60)},
             {"a": (X[:0], y[:0])}, {"a": (X, np.eye(60))}, {"a": None}]),
]  # fmt: skip
CASES = [(name, value) for name, values in SHARED for value in values]


def call_of(function):
    given = MODELS if function is cross_distillation else MODEL
    return lambda **params: function(params.pop("given", given), params.pop("X", X),
                                     params.pop("y", y), **params)  # fmt: skip


FUNCTIONS = [compare_subsets, sweep_fractions, sweep_replacement, cross_distillation]


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda value: name_of(value)[:30])
@pytest.mark.parametrize("function", [compare_subsets, cross_distillation])
def test_an_invalid_argument_is_named_before_anything_is_trained(function, name, value):
    if function is cross_distillation and isinstance(value, DataMapSelector) and value.cv != 4:
        pytest.skip("cv is ignored")
    call = call_of(function)
    named = {"params": "sample_wait|'X'|sample_weight|params", "scoring": "scor"}
    with pytest.raises(
        (ValueError, TypeError), match=named.get(name, name + "|'cv'|noise_cut|strat")
    ) as e:
        call(**{name: value})
    assert "it was fitted" not in str(e.value)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("name", "value"), [("X", None), ("X", {1, 2}), ("X", X[:-1]), ("y", None), ("y", y[:-1]),
                        ("y", np.zeros(60)), ("y", X)], ids=lambda value: name_of(value)[:20]
)  # fmt: skip
def test_samples_and_labels_are_checked(function, name, value):
    call = call_of(function)
    with pytest.raises((ValueError, TypeError), match="X|y|labels|samples"):
        call(**{name: value})


NO_CLASSIFIERS = [None, 3, "sgd", SGDClassifier, KMeans(), PCA(), LinearRegression(), object(),
                  FrozenEstimator(MODEL)]  # fmt: skip


@pytest.mark.parametrize("estimator", NO_CLASSIFIERS, ids=name_of)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_no_classifier_is_refused(function, estimator):
    given = {"a": MODEL, "b": estimator} if function is cross_distillation else estimator
    with pytest.raises((ValueError, TypeError), match=r"parameter of|FrozenEstimator"):
        call_of(function)(given=given)


@pytest.mark.parametrize(
    "regions",
    [None, "nope", "easy", {"easy": 0.5, "hard": 0.5}, {"easy", "hard"}, 3, ["nope"], [3], [None],
     [["easy"]], [{"easy": 0.5}], [{"easy": "a"}], [{}], [{"auto": 0.5, "easy": 0.5}]],
    ids=name_of,
)  # fmt: skip
@pytest.mark.parametrize("function", [compare_subsets, sweep_fractions])
def test_regions_are_a_list_of_known_regions(function, regions):
    with pytest.raises(ValueError, match="region"):
        call_of(function)(regions=regions)


@pytest.mark.parametrize(
    "fracs", [None, [], [np.nan], [2], [0], [-0.1], "half", ["0.5"], [True], True, {0.5}, 0, [None],
              {0.5: 1}, [[0.5]], np.zeros((2, 2)), [np.inf], [0.5j]], ids=name_of
)  # fmt: skip
@pytest.mark.parametrize("function", [compare_subsets, sweep_fractions])
def test_fractions_are_numbers_above_0_up_to_1(function, fracs):
    with pytest.raises(ValueError, match="'fracs' parameter of"):
        call_of(function)(fracs=fracs)


@pytest.mark.parametrize("frac", [None, [0.5], np.nan, 2, 0, "half", True])
@pytest.mark.parametrize("function", [sweep_replacement, cross_distillation])
def test_a_fraction_is_a_number_above_0_up_to_1(function, frac):
    with pytest.raises(ValueError, match="'frac' parameter of"):
        call_of(function)(frac=frac)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        *[({"shares": shares}, "shares") for shares in
          (None, [], [np.nan], [1.5], [-0.1], "some", ["0.5"], [True], {0.5}, 0.5)],
        *[({name: value}, "region|replacement") for name in ("region", "replacement")
          for value in (None, "nope", 3, {"easy": 0.5, "hard": 0.5}, ["easy"])],
        ({"region": "easy"}, "must differ"),
        ({"regions": ["easy"]}, "'regions'"),
        ({"fracs": [0.5]}, "'fracs'"),
        ({"cvv": 3}, "'cvv'"),
    ],
    ids=name_of,
)  # fmt: skip
def test_a_replacement_sweep_checks_its_own_arguments(params, name):
    with pytest.raises((ValueError, TypeError), match=name):
        sweep_replacement(MODEL, X, y, **params)


def test_a_sweep_names_the_setting_that_compare_subsets_does_not_take():
    with pytest.raises(TypeError, match="sweep_fractions got an unexpected argument 'cvv'"):
        sweep_fractions(MODEL, X, y, cvv=3)


@pytest.mark.parametrize(
    "models", [None, [], {}, [MODEL, MODEL], {"a": MODEL}, {"a": MODEL, "full": MODEL},
               {1: MODEL, 2: MODEL}, {"": MODEL, "a": MODEL}, {"a": MODEL, "b": SVC()}], ids=name_of
)  # fmt: skip
def test_models_to_cross_are_a_mapping_of_names_to_models_that_can_be_watched(models):
    with pytest.raises((ValueError, TypeError), match="'estimators' parameter|SVC"):
        cross_distillation(models, X, y)


@pytest.mark.parametrize(
    "params", [{"ood": {"n": (X, y)}, "scoring": {"train": "accuracy"}},
               {"ood": {"fit": (X, y)}, "scoring": {"time": "accuracy"}},
               {"scoring": {"a_b": "accuracy", "b": "f1_macro"},
                "ood": {"o_a": (X, y), "o": (X, y)}}],
    ids=["n_train", "fit_time", "same name"],
)  # fmt: skip
@pytest.mark.parametrize("function", [compare_subsets, cross_distillation])
def test_each_score_has_a_column_of_its_own(function, params):
    with pytest.raises(ValueError, match="occurs twice. Rename"):
        call_of(function)(**params)


FAST = {"selector": DataMapSelector(SGDClassifier(loss="log_loss", alpha=0.1)), "cv": 2,
        "random_state": 0, "regions": []}  # fmt: skip


@pytest.mark.parametrize(
    "returned",
    [np.ones(3), {"a": np.ones(2)}, None, "good", {"a": None}, {}, [0.5], 1j],
    ids=name_of,
)
@pytest.mark.parametrize("error_score", ["raise", np.nan])
def test_a_scorer_returns_numbers_whatever_the_error_score(returned, error_score):
    def score(estimator, X, y):
        return returned

    with pytest.raises(ValueError, match="'scoring' parameter of compare_subsets must return"):
        compare_subsets(LogisticRegression(), X, y, scoring=score, error_score=error_score, **FAST)


def test_a_scorer_returns_the_same_metrics_for_each_model():
    def score(estimator, X, y):
        return {"a": 1.0} if len(X) == 30 else {"b": 1.0}

    with pytest.raises(ValueError, match="must return the same metrics"):
        compare_subsets(LogisticRegression(), X, y, scoring=score, ood={"o": (X, y)}, **FAST)


@pytest.mark.parametrize("number", [1, np.float32(0.5), np.array(0.5), np.nan])
def test_what_is_a_number_to_numpy_is_a_score(number):
    def score(estimator, X, y):
        return number

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        comparison = compare_subsets(LogisticRegression(), X, y, scoring=score, **FAST)
    np.testing.assert_array_equal(comparison.results_["test_score"], float(number))


@pytest.fixture(scope="module")
def comparison():
    return compare_subsets(LogisticRegression(), X, y, scoring=["accuracy", "f1_macro"], **FAST)


@pytest.fixture(scope="module")
def crossed():
    models = {loss: SGDClassifier(loss=loss, alpha=0.1) for loss in ("log_loss", "modified_huber")}
    return cross_distillation(models, X, y, cv=2, random_state=0)


@pytest.mark.parametrize("name", ["to_frame", "summary"])
@pytest.mark.parametrize("backend", ["x", None, 3])
def test_the_library_of_a_frame_is_known(comparison, name, backend):
    with pytest.raises(ValueError, match="'backend' parameter of"):
        getattr(comparison, name)(backend=backend)


def test_whether_a_summary_is_a_frame_is_a_boolean(comparison):
    with pytest.raises(ValueError, match="'as_frame' parameter of SubsetComparison.summary"):
        comparison.summary(as_frame="pandas")


@pytest.mark.parametrize("score", ["nope", 3, [], ["nope"], [None], {}])
def test_scores_to_plot_are_known(comparison, crossed, score):
    pytest.importorskip("matplotlib")
    for result in (comparison, crossed):
        with pytest.raises(ValueError, match="score"):
            result.plot(score=score)


@pytest.mark.parametrize("ax", ["a", 3, [], {}])
def test_axes_to_plot_on_are_axes(comparison, crossed, ax):
    pytest.importorskip("matplotlib")
    for result in (comparison, crossed):
        with pytest.raises((ValueError, TypeError), match="ax"):
            result.plot(ax=ax)


def test_an_argument_that_a_plot_does_not_take_is_named(comparison, crossed):
    for result in (comparison, crossed):
        with pytest.raises(TypeError, match="'metric'"):
            result.plot(metric="nope")


def test_a_colour_map_is_known(crossed):
    pytest.importorskip("matplotlib")
    with pytest.raises((ValueError, TypeError), match="cmap|colormap"):
        crossed.plot(cmap="nope")


@pytest.mark.parametrize("wrong", [None, 3, "a", {}, DATA_MAP, X], ids=lambda v: type(v).__name__)
def test_displays_take_the_results_that_they_draw(comparison, crossed, wrong):
    for value in (wrong, crossed):
        with pytest.raises(ValueError, match="'comparison' parameter of SubsetComparisonDisplay"):
            SubsetComparisonDisplay.from_comparison(value)
    for value in (wrong, comparison):
        with pytest.raises(ValueError, match="'cross_distillation' parameter of Cross"):
            CrossDistillationDisplay.from_cross_distillation(value)


@pytest.mark.parametrize("baseline", [None, 3, "nope", ["random"]])
def test_a_baseline_is_a_reference_model(crossed, baseline):
    with pytest.raises(ValueError, match="Unknown baseline"):
        crossed.difference_to(baseline)


def without_fits(results):
    return {name: values[:0] for name, values in results.items()}


def without_scores(results):
    return {name: values for name, values in results.items() if not name.startswith("test")}


@pytest.mark.parametrize(
    "change", [lambda _: None, lambda _: {}, without_fits, without_scores,
               lambda results: {**results, "frac": results["frac"][1:]},
               lambda results: {"region": results["region"]}]
)  # fmt: skip
def test_results_hold_an_entry_for_each_of_some_fits(comparison, change):
    with pytest.raises(ValueError, match="'results' parameter of SubsetComparison"):
        SubsetComparison(change(comparison.results_), 0.5)


@pytest.mark.parametrize("key", [3, None, ("a",), b"sample_weight"])
def test_names_of_fit_arguments_must_be_text(key):
    with pytest.raises(InvalidParameterError, match="'params' parameter of compare_subsets .* str"):
        compare_subsets(MODEL, X, y, cv=2, params={key: 1})


@pytest.mark.parametrize("missing", [None, np.nan])
def test_groups_of_a_comparison_must_not_be_missing(missing):
    groups = np.array([*ROWS[1:], missing], dtype=object)
    with pytest.raises(InvalidParameterError, match=r"'groups' .* missing .* \[59\]"):
        compare_subsets(MODEL, X, y, cv=2, groups=groups)


@pytest.fixture(scope="module")
def results():
    n_fits = 6
    columns = {"frac": 0.3, "split": [0, 0, 0, 1, 1, 1], "seed": 0, "n_train": 20}
    columns |= {"test_score": 0.5, "fit_time": 1.0, "score_time": 1.0, "map_time": 1.0}
    return {name: np.zeros(n_fits) + value for name, value in columns.items()}


KINDS = {
    SubsetComparison: {"region": ["full", "random", "easy"] * 2, "replaced": ["-"] * 6},
    CrossDistillation: {"reference_model": ["a", "random", "full"] * 2, "model": ["a"] * 6},
}


def make_results(kind, columns, **given):
    names = {name: np.array(values) for name, values in KINDS[kind].items()}
    more = {"region": "easy", "frac": 0.3} if kind is CrossDistillation else {}
    return kind(**{"results": {**names, **columns}, "test_ratio": 0.5, **more, **given})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("column", ["test_score", "frac", "n_train", "fit_time"])
@pytest.mark.parametrize("wrong", ["a", None, 1j])
def test_columns_of_results_must_be_numbers(kind, results, column, wrong):
    wrong = {**results, column: [wrong] * 6}
    names = KINDS[kind]
    with pytest.raises(InvalidParameterError, match=f"'results' .* numbers .* {column!r}"):
        make_results(kind, results, results={**names, **wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_results_may_be_lists(kind, results):
    lists = {name: list(values) for name, values in {**KINDS[kind], **results}.items()}
    assert str(make_results(kind, results, results=lists)) == str(make_results(kind, results))


def test_results_of_a_cross_distillation_name_the_models(results):
    lacking = {"reference_model": KINDS[CrossDistillation]["reference_model"], **results}
    with pytest.raises(InvalidParameterError, match="'results' .* model"):
        make_results(CrossDistillation, results, results=lacking)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "value"),
    [*(("train_overlap", value) for value in ["a", -1, 2, [1], True]),
     *(("unit_scores", value) for value in ["test_score", 3, None, [3], ["nope"]])],
)  # fmt: skip
def test_settings_of_results_are_checked(kind, results, name, value):
    with pytest.raises(InvalidParameterError, match=f"{name!r} parameter of {kind.__name__}"):
        make_results(kind, results, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [*(("frac", value) for value in [None, "a", 2, [1], np.nan, True]),
     *(("region", value) for value in [None, 3, "nope", {"easy": 2}, []])],
)  # fmt: skip
def test_settings_of_a_cross_distillation_are_checked(results, name, value):
    with pytest.raises(InvalidParameterError, match=name):
        make_results(CrossDistillation, results, **{name: value})


@pytest.mark.parametrize("cmap", [3, "nope", [], b"cividis"])
def test_a_colour_map_of_the_matrix_is_checked(results, cmap):
    pytest.importorskip("matplotlib")
    with pytest.raises(InvalidParameterError, match="'cmap' parameter of CrossDistillationDisplay"):
        make_results(CrossDistillation, results).plot(cmap=cmap)


def test_a_data_set_with_other_features_is_described(results):
    with pytest.raises(InvalidParameterError, match=r"Its X has the shape \(2,\) for each sample"):
        compare_subsets(MODEL, X, y, cv=2, ood={"other": (X[:, :2], y)})
