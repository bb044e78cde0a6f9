"""compare_subsets and cross_distillation: weights, fit arguments, failures, and any container."""

import warnings

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import FitFailedWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    SubsetComparison,
    compare_subsets,
    cross_distillation,
    sweep_fractions,
    sweep_replacement,
)
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import CartographyWarning, DegenerateMapWarning, FailedFitsWarning

X, y, _ = make_cartography(120, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01)
SELECTOR = DataMapSelector(CartographyClassifier(SGD, n_epochs=3))
ROW_IDS = np.column_stack([X, 1e-6 * np.arange(120)])


def ids_in(X):
    """The numbers of the rows of ROW_IDS."""
    return np.round(1e6 * np.asarray(X)[:, -1]).astype(int)


FAST = {"selector": SELECTOR, "cv": 3, "random_state": 0}
TIMES = {"fit_time", "score_time", "map_time"}


class Witness(ClassifierMixin, BaseEstimator):
    """Predicts the most frequent label, and keeps what each fit was passed."""

    seen: list = []  # noqa: RUF012

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None, tag=None):
        self.seen.append((np.asarray(X), y, sample_weight, tag))
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        return np.full(len(X), self.most_)

    def predict_proba(self, X):
        return np.tile(self.classes_ == self.most_, (len(X), 1)).astype(float)


@pytest.fixture
def seen():
    Witness.seen.clear()
    return Witness.seen


def column(comparison, name, region):
    results = comparison.results_
    return results[name][results["region"] == region]


def assert_same(first, second):
    for name in first.results_.keys() - TIMES:
        assert_array_equal(first.results_[name], second.results_[name], err_msg=name)


# rows that are absent

ABSENT = np.arange(120) % 4 == 1
WEIGHTS = np.where(ABSENT, 0.0, 1.0)


def test_rows_of_weight_zero_are_neither_fitted_nor_tested_nor_counted(seen):
    tested = []

    def score(estimator, X, y):
        tested.extend(ids_in(X))
        return estimator.score(X, y)

    comparison = compare_subsets(
        Witness(), ROW_IDS, y, params={"sample_weight": WEIGHTS}, scoring=score, fracs=[0.5], **FAST
    )
    fitted = np.concatenate([ids_in(rows) for rows, *_ in seen])
    assert not ABSENT[fitted].any()
    assert not ABSENT[tested].any()
    assert set(tested) == set(np.flatnonzero(~ABSENT))
    present = [int((~ABSENT[train]).sum()) for train, _ in StratifiedKFold(3).split(X, y)]
    assert column(comparison, "n_train", "full").tolist() == present
    for region in ("random", "easy", "ambiguous", "hard"):
        assert column(comparison, "n_train", region).tolist() == [round(n / 2) for n in present]


def test_the_full_set_without_its_absent_rows_scores_as_if_they_were_not_there():
    folds = list(StratifiedKFold(3).split(X, y))
    params = {"sample_weight": WEIGHTS}
    comparison = compare_subsets(
        LogisticRegression(), X, y, regions=[], params=params, **{**FAST, "cv": folds}
    )
    expected = [
        LogisticRegression()
        .fit(X[train[~ABSENT[train]]], y[train[~ABSENT[train]]])
        .score(X[test[~ABSENT[test]]], y[test[~ABSENT[test]]])
        for train, test in folds
    ]
    assert_allclose(column(comparison, "test_score", "full"), expected)


def test_weights_of_the_selector_alone_exclude_rows_from_selections_only(seen):
    params = {"selector__sample_weight": WEIGHTS}
    compare_subsets(Witness(), ROW_IDS, y, params=params, regions=["easy"], **FAST)
    of_full = [ids_in(rows) for rows, *_ in seen if len(rows) == 80]
    of_subsets = [ids_in(rows) for rows, *_ in seen if len(rows) < 80]
    assert len(of_full) == 3
    assert ABSENT[np.concatenate(of_full)].any()
    assert len(of_subsets) == 6
    assert not ABSENT[np.concatenate(of_subsets)].any()
    assert all(weights is None for _, _, weights, _ in seen)


def test_a_fold_whose_rows_are_all_absent_is_refused():
    folds = [(np.flatnonzero(~ABSENT), np.flatnonzero(ABSENT))]
    settings = {**FAST, "cv": folds, "params": {"sample_weight": WEIGHTS}}
    with pytest.raises(ValueError, match="weight 0 only in the test set of fold 0"):
        compare_subsets(LogisticRegression(), X, y, **settings)


# arguments of fit


def test_arguments_of_fit_are_indexed_by_fold_and_subset_and_others_passed_on(seen):
    weights = 0.5 + np.arange(120) / 120
    params = {"sample_weight": weights, "tag": "whole"}
    compare_subsets(Witness(), ROW_IDS, y, params=params, regions=["easy"], **FAST)
    assert len(seen) == 9
    for rows, labels, passed, tag in seen:
        ids = ids_in(rows)
        assert_array_equal(passed, weights[ids])
        assert_array_equal(labels, y[ids])
        assert tag == "whole"


def test_a_comparison_equals_a_distilled_classifier_with_the_same_arguments():
    weights = np.where(ABSENT, 0.0, 1 + np.arange(120) % 3)
    comparison = compare_subsets(
        LogisticRegression(), X, y, regions=["hard"], fracs=0.5,
        params={"sample_weight": weights}, **FAST,
    )  # fmt: skip
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=(3, 1))[:, 0].tolist()
    scores = []
    for (train, test), seed in zip(StratifiedKFold(3).split(X, y), seeds, strict=True):
        selector = clone(SELECTOR).set_params(region="hard", frac=0.5, random_state=seed)
        model = DistilledClassifier(LogisticRegression(), selector)
        model.fit(X[train], y[train], sample_weight=weights[train])
        test = test[weights[test] > 0]
        scores.append(model.score(X[test], y[test]))
    assert_allclose(column(comparison, "test_score", "hard"), scores)


def test_arguments_of_steps_reach_the_last_step_of_a_pipeline():
    model = make_pipeline(StandardScaler(), SGD)
    named, plain = (
        compare_subsets(model, X, y, regions=["easy"], cv=3, random_state=0, params=params)
        for params in (
            {"sgdclassifier__sample_weight": WEIGHTS},
            {"sample_weight": WEIGHTS},
        )
    )
    assert_same(named, plain)
    assert column(named, "n_train", "full").max() < 80


def test_in_a_cross_distillation_each_model_gets_what_it_takes():
    models = {"sgd": SGD, "svm": SGDClassifier(loss="modified_huber", alpha=0.01)}
    found = cross_distillation(
        models, X, y, cv=3, random_state=0, params={"sample_weight": WEIGHTS, "coef_init": None}
    )
    full = found.results_["reference_model"] == "full"
    present = [int((~ABSENT[train]).sum()) for train, _ in StratifiedKFold(3).split(X, y)]
    assert sorted(set(found.results_["n_train"][full].tolist())) == sorted(set(present))
    with pytest.raises(TypeError, match="'colour'"):
        cross_distillation(models, X, y, params={"colour": "red"})


def test_sweeps_pass_arguments_of_fit_on():
    for sweep in (sweep_fractions, sweep_replacement):
        settings = {"fracs": [0.5]} if sweep is sweep_fractions else {"frac": 0.5, "shares": [0.5]}
        found = sweep(
            LogisticRegression(), X, y, params={"sample_weight": WEIGHTS}, **settings, **FAST
        )
        assert column(found, "n_train", "full").max() < 80


def test_scorers_get_weights_where_they_request_them():
    weights = 1.0 + np.arange(120) % 5
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        model = model.set_score_request(sample_weight=True)
        selector = DataMapSelector(clone(SGD).set_partial_fit_request(sample_weight=False))
        settings = {**FAST, "selector": selector, "regions": []}
        comparison = compare_subsets(model, X, y, params={"sample_weight": weights}, **settings)
        scores = [
            LogisticRegression()
            .fit(X[train], y[train], sample_weight=weights[train])
            .score(X[test], y[test], sample_weight=weights[test])
            for train, test in StratifiedKFold(3).split(X, y)
        ]
    assert_allclose(column(comparison, "test_score", "full"), scores)


def test_groups_reach_the_folds_of_auto():
    groups = np.arange(120) // 6
    split = []

    class Recorded(GroupKFold):
        def split(self, X, y=None, groups=None):
            split.append(groups)
            return super().split(X, y, groups)

    selector = DataMapSelector(CartographyClassifier(SGD, n_epochs=3), cv=Recorded(2))
    settings = {"selector": selector, "cv": GroupKFold(2), "random_state": 0, "fracs": 0.5}
    compare_subsets(LogisticRegression(), X, y, regions=["auto"], groups=groups, **settings)
    assert len(split) == 2
    for of_fold in split:
        assert set(of_fold.tolist()) < set(groups.tolist())


# draws


def test_the_random_baseline_is_independent_of_the_other_rules(seen):
    folds = [(np.arange(90), np.arange(90, 120))]
    settings = {**FAST, "cv": folds, "n_seeds": 25, "regions": ["weighted"], "fracs": 0.5}
    compare_subsets(Witness(), ROW_IDS, y, **settings)
    chosen = [set(ids_in(rows)) for rows, *_ in seen if len(rows) == 45]
    shared = [len(a & b) for a, b in zip(chosen[::2], chosen[1::2], strict=True)]
    # hypergeometric: mean 22.5, standard deviation 2.4 for a draw, 0.5 for the mean of 25
    assert abs(np.mean(shared) - 22.5) < 3
    assert np.std(shared) > 1
    assert len({frozenset(one) for one in chosen}) == 50


# parallel workers


SMALL = {"cv": 2, "random_state": 0}
PROXY = DataMapSelector(CartographyClassifier(SGD, n_epochs=2), noise_cut="auto", cv=2)
RUNS = {
    "compare": lambda **jobs: compare_subsets(
        GaussianNB(), X, y, regions=["easy"], selector=PROXY, **SMALL, **jobs
    ),
    "sweep": lambda **jobs: sweep_fractions(
        GaussianNB(), X, y, fracs=[0.5], selector=SELECTOR, **SMALL, **jobs
    ),
    "cross": lambda **jobs: cross_distillation(
        {"a": CartographyClassifier(SGD, n_epochs=2), "b": SGD}, X, y, **SMALL, **jobs
    ),
}


@pytest.mark.parametrize(
    ("backend", "name"), [("loky", "compare"), *(("threading", name) for name in RUNS)]
)
def test_workers_change_neither_the_results_nor_the_filters_of_the_process(backend, name):
    with warnings.catch_warnings(), joblib.parallel_config(backend=backend):
        warnings.simplefilter("ignore", DegenerateMapWarning)
        identity, before = warnings.filters, list(warnings.filters)
        parallel = RUNS[name](n_jobs=2)
        assert warnings.filters is identity
        assert warnings.filters == before
        assert_same(parallel, RUNS[name]())


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_filter_that_makes_errors_of_our_warnings_holds_in_the_caller(backend):
    settings = {**FAST, "selector": DataMapSelector(GaussianNB()), "n_jobs": 2, "error_score": 0.0}
    with warnings.catch_warnings(), joblib.parallel_config(backend=backend):
        warnings.simplefilter("error", CartographyWarning)
        with pytest.raises(DegenerateMapWarning, match="issued 3 times"):
            compare_subsets(LogisticRegression(), X, y, regions=["easy"], **settings)


# models and folds


@pytest.mark.parametrize(
    "model", [SVC(), DecisionTreeClassifier(),
              MLPClassifier((4,), max_iter=20, early_stopping=True),
              SGDClassifier(loss="log_loss", early_stopping=True),
              MLPClassifier((4,), solver="lbfgs", max_iter=20)],
    ids=str,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_models_that_cannot_be_watched_are_compared_on_the_default_map(model):
    settings = {"regions": ["easy"], "fracs": 0.9, "cv": 2, "random_state": 0}
    comparison = compare_subsets(model, X, y, **settings)
    assert np.isfinite(comparison.results_["test_score"]).all()


def test_a_pipeline_that_resamples_is_compared_on_the_default_map():
    imblearn = pytest.importorskip("imblearn")
    sampler = imblearn.under_sampling.RandomUnderSampler(random_state=0)
    model = imblearn.pipeline.make_pipeline(sampler, SGD)
    comparison = compare_subsets(model, X, y, regions=["easy"], cv=2, random_state=0)
    assert np.isfinite(comparison.results_["test_score"]).all()


BY_CLASS = [
    (np.flatnonzero(y > 0), np.flatnonzero(y == 0)[:9]),
    (np.arange(90), np.arange(90, 120)),
]


@pytest.mark.parametrize("model", [SGD, LogisticRegression(), GaussianNB()], ids=str)
@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
def test_a_fold_that_lacks_a_class_is_scored_as_the_bare_model_scores_it(model):
    comparison = compare_subsets(model, X, y, regions=["easy"], cv=BY_CLASS, random_state=0)
    assert column(comparison, "test_score", "full")[0] == 0.0
    assert np.isfinite(comparison.results_["test_score"]).all()


def make_net(**params):
    torch, skorch = pytest.importorskip("torch"), pytest.importorskip("skorch")
    settings = {"criterion": torch.nn.CrossEntropyLoss, "train_split": None, "max_epochs": 3}
    return skorch.NeuralNetClassifier(
        torch.nn.Linear, module__in_features=8, module__out_features=3, lr=0.1, verbose=0,
        **{**settings, **params},
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
@pytest.mark.parametrize("labels", [y, np.array(["oak", "ash", "elm"])[y]], ids=["int", "str"])
def test_a_net_with_more_outputs_than_a_fold_has_classes_is_compared(labels):
    rows = X.astype(np.float32)
    comparison = compare_subsets(
        make_net(), rows, labels, regions=["easy"], cv=BY_CLASS, random_state=0
    )
    assert np.isfinite(comparison.results_["test_score"]).all()


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
def test_a_search_over_a_net_is_compared_also_on_a_slice_dict():
    helper = pytest.importorskip("skorch.helper")
    rows = X.astype(np.float32)
    search = GridSearchCV(make_net(), {"lr": [0.1]}, cv=2, refit=True)
    settings = {"regions": ["easy"], "cv": 2, "random_state": 0, "selector": SELECTOR}
    plain = compare_subsets(search, rows, y, **settings)
    assert np.isfinite(plain.results_["test_score"]).all()
    settings["selector"] = DataMapSelector(make_net())
    sliced = compare_subsets(search, helper.SliceDict(input=rows), y, **settings)
    assert np.isfinite(sliced.results_["test_score"]).all()


TEXTS = [f"word{label} word{i % 7} of{i % 3}" for i, label in enumerate(y)]


def test_the_container_of_the_samples_does_not_matter():
    pandas = pytest.importorskip("pandas")
    settings = {"regions": ["hard"], "cv": 2, "random_state": 0}
    expected = compare_subsets(SGD, X, y, **settings)
    frame = pandas.DataFrame(X, index=np.arange(120)[::-1] * 3)
    frame.columns = [f"f{i}" for i in range(8)]
    for same in (X.tolist(), frame, np.asfortranarray(X)):
        assert_same(compare_subsets(SGD, same, y, **settings), expected)
    assert_same(compare_subsets(SGD, X, pandas.Series(y, index=frame.index), **settings), expected)
    sparse = compare_subsets(SGD, csr_matrix(X), y, **settings, ood={"same": (csr_matrix(X), y)})
    assert_allclose(
        column(sparse, "test_score", "full"), column(expected, "test_score", "full"), atol=0.1
    )


def test_texts_are_compared_by_a_pipeline():
    model = make_pipeline(CountVectorizer(), SGD)
    of_list, of_array = (
        compare_subsets(
            model,
            texts,
            y,
            regions=["hard"],
            cv=2,
            random_state=0,
            ood={"more": (TEXTS[:9], y[:9])},
        )
        for texts in (TEXTS, np.array(TEXTS, dtype=object))
    )
    assert_same(of_list, of_array)
    assert column(of_list, "test_score", "full").min() >= 0.9


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
def test_a_dict_of_arrays_is_compared_by_a_net_like_the_array():
    rows = X.astype(np.float32)
    settings = {"regions": ["hard"], "cv": 2, "random_state": 0}
    of_dict = compare_subsets(
        make_net(), {"input": rows}, y, ood={"same": ({"input": rows}, y)}, **settings
    )
    of_array = compare_subsets(make_net(), rows, y, ood={"same": (rows, y)}, **settings)
    for name in ("test_score", "same_score"):
        assert_allclose(of_dict.results_[name], of_array.results_[name], atol=0.05)
    with pytest.raises(ValueError, match="must have the features of X"):
        compare_subsets(make_net(), {"input": rows}, y, ood={"o": ({"x": rows}, y)}, **settings)


# failures


class Fails(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("cannot be fitted")


def fails_on_small(estimator, X, y):
    if estimator.n_rows_ < 40:
        raise ZeroDivisionError("too few")
    return {"a": 1.0, "b": 0.5}


class CountsRows(LogisticRegression):
    def fit(self, X, y):
        self.n_rows_ = len(y)
        return super().fit(X, y)


@pytest.mark.parametrize("error_score", [np.nan, 0.0, -1])
@pytest.mark.parametrize(
    "scoring", [None, "accuracy", ["accuracy", "f1_macro"], {"hits": "accuracy"}]
)
def test_where_every_fit_fails_the_result_is_whole(scoring, error_score):
    pytest.importorskip("matplotlib")
    with pytest.warns(
        FailedFitsWarning, match="failed for 6 of 6 fits.*cannot be fitted"
    ) as caught:
        comparison = compare_subsets(
            Fails(), X, y, regions=[], scoring=scoring, error_score=error_score,
            ood={"other": (X, y)}, **FAST,
        )  # fmt: skip
    assert len(caught) == 1
    assert issubclass(caught[0].category, FitFailedWarning)
    assert comparison.scores_
    for name in comparison.scores_:
        assert_array_equal(comparison.results_[name], np.full(6, error_score))
    summary = comparison.summary()
    assert_array_equal(summary["mean"], np.full(len(summary["mean"]), error_score))
    assert "nan" not in str(comparison)
    assert comparison.to_frame().shape == (6, 8 + len(comparison.scores_))
    assert r"\bottomrule" in comparison.to_latex()
    comparison.plot().figure_.canvas.draw()


def test_where_every_fit_fails_a_cross_distillation_is_whole():
    pytest.importorskip("matplotlib")
    models = {"a": SGD, "b": SGDClassifier(loss="modified_huber")}

    def score(estimator, X, y):
        raise ZeroDivisionError("no score")

    with pytest.warns(FailedFitsWarning, match="failed for 16 of 16 fits"):
        found = cross_distillation(
            models, X, y, cv=2, random_state=0, scoring=score, error_score=np.nan
        )
    assert np.isnan(found.matrix()).all()
    assert np.isnan(found.difference_to("random")).all()
    assert "nan" not in str(found)
    found.plot().figure_.canvas.draw()


def test_where_some_fits_fail_means_are_over_the_others_and_their_number_is_told():
    settings = {**FAST, "n_seeds": 2, "fracs": [0.2, 0.9], "scoring": fails_on_small}
    with pytest.warns(FailedFitsWarning, match="failed for 12 of 30 fits.*ZeroDivisionError"):
        comparison = compare_subsets(
            CountsRows(), X, y, regions=["easy"], error_score=np.nan, **settings
        )
    assert comparison.scores_ == ["test_a", "test_b"]
    assert comparison.summary()["n_fits"].tolist() == 2 * [6, 0, 0, 6, 6]
    assert comparison.summary()["n_train"].tolist()[:3] == [80, 16, 16]


def test_a_mean_leaves_out_what_failed():
    scores = np.array([0.5, np.nan, 0.7, 0.9, np.nan, np.nan])
    split, seed = np.repeat([0, 1, 2], 2), np.tile([0, 1], 3)
    results = {"region": np.full(6, "full"), "frac": np.ones(6), "split": split, "seed": seed}
    results |= {"n_train": np.full(6, 10), "test_score": scores}
    results |= dict.fromkeys(TIMES, np.ones(6))
    comparison = SubsetComparison(results, 0.5)
    summary = comparison.summary()
    assert_allclose(summary["mean"], [(0.5 + 0.8) / 2])
    assert summary["n_fits"].tolist() == [3]
    assert summary["n_splits"].tolist() == [2]
    assert "[3 of 6 fits]" in str(comparison)
    assert "the mean over fits with a score" in str(comparison)


def test_a_map_that_cannot_be_drawn_leaves_the_full_set_scored():
    class Breaks(SGDClassifier):
        def partial_fit(self, X, y, classes=None, sample_weight=None):
            raise RuntimeError("no map")

    selector = DataMapSelector(Breaks(loss="log_loss"))
    with pytest.warns(FailedFitsWarning, match="failed for 6 of 9 fits.*no map"):
        comparison = compare_subsets(
            LogisticRegression(), X, y, regions=["easy"], error_score=np.nan,
            **{**FAST, "selector": selector},
        )  # fmt: skip
    assert np.isfinite(column(comparison, "test_score", "full")).all()
    assert np.isnan(column(comparison, "test_score", "easy")).all()
    with pytest.raises(RuntimeError, match="no map"):
        compare_subsets(LogisticRegression(), X, y, **{**FAST, "selector": selector})


# tables


def test_a_summary_is_a_frame_on_request():
    comparison = compare_subsets(LogisticRegression(), X, y, regions=["easy"], **FAST)
    for backend in ("pandas", "polars"):
        pytest.importorskip(backend)
        frame = comparison.summary(as_frame=True, backend=backend)
        assert type(frame).__module__.startswith(backend)
        assert list(frame.columns) == list(comparison.summary())
        assert_array_equal(frame["mean"], comparison.summary()["mean"])


def odd_name_of_50_percent(data_map):
    return data_map.loss


def test_a_table_for_latex_has_the_cells_of_the_printed_one_and_escapes_names():
    comparison = compare_subsets(
        LogisticRegression(), X, y, regions=[odd_name_of_50_percent], scoring=["f1_macro"], **FAST
    )
    lines = comparison.to_latex().splitlines()
    assert lines[0] == r"\begin{tabular}{lrrlllr}"
    assert lines[1] == r"\toprule"
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert all(
        line.count(" & ") == 6 for line in lines if line.endswith(r"\\") and "multi" not in line
    )
    (line,) = (
        line for line in lines if line.startswith(r"odd\_name\_of\_50\_percent & 33\% & 26 &")
    )
    mean = comparison.summary()["mean"][2]
    assert f"{mean:.3f}" in line
    assert "test f1 macro" in comparison.to_latex()


def test_the_printed_table_has_the_intervals_and_their_degrees_of_freedom():
    comparison = compare_subsets(
        LogisticRegression(), X, y, regions=["easy"], n_seeds=3, fracs=0.5, **FAST
    )
    text, summary = str(comparison), comparison.summary()
    assert "3 splits x 3 seeds" in text
    assert "with 2 degrees of freedom" in text
    for name in ("mean", "vs_random", "vs_full"):
        form = "{:.3f} ({:.3f}, {:.3f})" if name == "mean" else "{:+.3f} ({:+.3f}, {:+.3f})"
        numbers = [summary[f"{name}{end}"][2] for end in ("", "_low", "_high")]
        assert form.format(*numbers) in text


def test_intervals_out_of_distribution_are_those_of_the_jackknife():
    comparison = compare_subsets(
        LogisticRegression(), X, y, regions=["easy"], ood={"other": (X + 0.5, y)}, **FAST
    )
    assert comparison.train_overlap == pytest.approx(0.5, abs=0.01)  # (K - 2) / (K - 1)
    summary = comparison.summary()
    i = np.flatnonzero((summary["score"] == "other_score") & (summary["region"] == "full"))[0]
    scores = column(comparison, "other_score", "full")
    jackknife = np.sqrt(2 / 3 * ((scores - scores.mean()) ** 2).sum())
    half = 4.302652729749464 * jackknife
    assert_allclose(summary["mean_high"][i] - summary["mean"][i], half, rtol=0.02)
    # the difference to random, of which half of the variance is that of independent draws
    j = np.flatnonzero((summary["score"] == "other_score") & (summary["region"] == "easy"))[0]
    differences = column(comparison, "other_score", "easy") - column(
        comparison, "other_score", "random"
    )
    rho = 0.25
    spread = np.sqrt((1 / 3 + rho / (1 - rho)) * differences.var(ddof=1))
    assert_allclose(
        summary["vs_random_high"][j] - summary["vs_random"][j],
        4.302652729749464 * spread,
        rtol=0.02,
    )


@pytest.mark.parametrize(
    ("scoring", "known"),
    [(None, ["test_score"]), ("accuracy", ["test_score"]), ("roc_auc_ovr", ["test_score"]),
     ("neg_log_loss", []), (["f1_macro", "neg_log_loss"], ["test_f1_macro"]),
     ({"a": "balanced_accuracy", "b": lambda m, X, y: 0.5}, ["test_a"]),
     (lambda m, X, y: 0.5, [])],
)  # fmt: skip
def test_the_range_of_a_score_is_known_from_its_name(scoring, known):
    comparison = compare_subsets(LogisticRegression(), X, y, regions=[], scoring=scoring, **FAST)
    assert comparison.unit_scores == known
