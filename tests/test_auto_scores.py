"""The search of "auto": scores that are undefined, warnings, and the seeds of its candidates."""

import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import RepeatedStratifiedKFold, ShuffleSplit, StratifiedKFold
from sklearn.naive_bayes import GaussianNB

from sklearn_carto import CartographyClassifier, DataMapSelector, DistilledClassifier
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import CartographyWarning, DegenerateMapWarning, MissingClassesWarning

X, truth, _ = make_cartography(120, frac_mislabelled=0.0, random_state=0)
y = np.where(np.random.RandomState(0).random_sample(120) < 0.25, (truth + 1) % 3, truth)
PROXY = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=3)


def auto(**params):
    settings = {"region": "auto", "final_estimator": GaussianNB(), "cv": 2, "random_state": 0}
    return DataMapSelector(**{"estimator": PROXY} | settings | params)


class Scores:
    """A scorer that returns given values, one for each model that is scored."""

    def __init__(self, values):
        self.values = values
        self.n_calls = 0

    def __call__(self, model, X, y):
        value = self.values[self.n_calls] if self.n_calls < len(self.values) else 0.5
        self.n_calls += 1
        return value


@pytest.mark.parametrize("undefined", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("candidate", [1, 2, 3])
@pytest.mark.parametrize("fold", [0, 1])
def test_a_candidate_whose_score_is_undefined_in_a_fold_is_never_chosen(candidate, fold, undefined):
    values = [0.1, *[0.2] * 3, 0.1, *[0.2] * 3]
    values[fold * 4 + candidate] = undefined
    values[(1 - fold) * 4 + candidate] = 1.0  # the best one, where it is defined
    selector = auto(scoring=Scores(values)).fit(X, y)
    chosen = selector.auto_results_["chosen"]
    assert len(chosen) == 4
    assert not chosen[candidate]
    assert not chosen[0]  # the others are better than random


@pytest.mark.parametrize(
    ("values", "which"),
    [
        ([np.nan] * 8, "random"),
        ([np.nan, *[0.5] * 7], "random"),
        ([*[0.5] * 4, np.nan, *[0.5] * 3], "random"),
        ([-np.inf, *[0.5] * 7], "random"),
        ([0.5, *[np.nan] * 3, *[0.5] * 4], "every region but random"),
        ([0.5, 0.5, np.nan, 0.5, 0.5, np.nan, 0.5, np.nan], "every region but random"),
    ],
    ids=["all", "random, first fold", "random, last fold", "infinite", "the others", "in turns"],
)
def test_scores_that_leave_nothing_to_compare_are_an_error(values, which):
    with pytest.raises(ValueError, match=f"'scoring'.* not finite for {which},.*folds"):
        auto(scoring=Scores(values)).fit(X, y)


@pytest.mark.parametrize("number", [1, np.float32(0.5), np.array(0.5), np.array([0.5])], ids=repr)
def test_a_score_may_be_any_single_number(number):
    results = auto(scoring=lambda model, X, y: number).fit(X, y).auto_results_
    assert (results["mean_score"] == float(np.ravel(number)[0])).all()


@pytest.mark.parametrize(
    "score",
    [np.array([0.5, 0.6]), {"a": 0.5}, "0.5", None, [0.5], True, 0.5 + 0j, np.zeros((2, 2))],
    ids=repr,
)
def test_a_score_that_is_no_number_is_an_error_that_shows_it(score):
    with pytest.raises(TypeError, match="'scoring' .* must return a single number; got "):
        auto(scoring=lambda model, X, y: score).fit(X, y)


class OwnError(Exception):
    pass


def test_an_error_of_a_scorer_passes_through():
    def scorer(model, X, y):
        raise OwnError("mine")

    with pytest.raises(OwnError, match="mine"):
        auto(scoring=scorer).fit(X, y)


class Untrainable(SGDClassifier):
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        raise AssertionError("trained before its arguments were checked")


@pytest.mark.parametrize(
    "scoring", [accuracy_score, "accurate", ["accuracy"], 3, {"a": "accuracy"}]
)
def test_a_metric_that_is_no_scorer_is_refused_before_training(scoring):
    with pytest.raises(ValueError, match="scor"):
        auto(scoring=scoring, estimator=Untrainable()).fit(X, y)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([(np.arange(60), np.arange(50, 120)), (np.arange(60, 120), np.arange(50))], "disjoint"),
        ([(np.arange(60), np.arange(60, 120))] * 2, "must not test a sample twice.*60 rows"),
        (RepeatedStratifiedKFold(n_splits=2, n_repeats=2), "must not test a sample twice"),
        (ShuffleSplit(5, test_size=0.5, random_state=0), "must not test a sample twice"),
        ([], "'cv'"),
        ([("a", "b"), ("c", "d")], "'cv'"),
        ([(np.arange(60), np.arange(60, 121))], "'cv'"),
        (StratifiedKFold, "'cv' parameter .* must not be a class"),
        (True, "'cv'"),
        (2.5, "'cv'"),
        ("three", "'cv'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("params", [{}, {"region": "easy", "noise_cut": "auto"}], ids=str)
def test_folds_that_are_not_out_of_fold_are_refused(cv, message, params):
    with pytest.raises(ValueError, match=message):
        auto(cv=cv, **params).fit(X, y)


@pytest.mark.parametrize("seed", range(3))
def test_random_is_the_same_draw_in_the_search_and_on_the_map_of_the_fold(seed):
    rows = []

    def scorer(model, X, y):
        rows.append(model.theta_[0, 0])
        return 0.5

    auto(scoring=scorer, random_state=seed).fit(X, y)
    train, _ = next(StratifiedKFold(2, shuffle=True, random_state=seed).split(X, y))
    data_map = PROXY.set_params(random_state=seed).fit(X[train], y[train]).data_map_
    of_fold = rule_generator(seed, "folds of auto").randint(2**31 - 1)
    selected = train[data_map.select("random", 0.33, random_state=int(of_fold))]
    assert rows[0] == GaussianNB().fit(X[selected], y[selected]).theta_[0, 0]


def test_the_selection_is_that_of_the_map_at_the_same_seed():
    for region in ("random", "weighted", "coverage"):
        selector = DataMapSelector(PROXY, region=region, random_state=3).fit(X, y)
        on_map = selector.data_map_.select(region, 0.33, random_state=3)
        assert_array_equal(selector.sample_indices_, on_map)


# one epoch: the map of each fold is degenerate
ONE_EPOCH = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=1)


@pytest.mark.parametrize(
    ("backend", "n_jobs", "params"),
    [
        ("sequential", 1, {}),
        ("threading", 1, {}),
        ("threading", 2, {}),
        ("threading", 2, {"region": "easy", "noise_cut": "auto"}),
        ("loky", 2, {}),
    ],
    ids=str,
)
def test_the_filters_of_warnings_are_left_as_they_are(backend, n_jobs, params):
    selector = auto(n_jobs=n_jobs, cv=3, **params).set_params(estimator=ONE_EPOCH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateMapWarning)
        before, filters = list(warnings.filters), warnings.filters
        with joblib.parallel_config(backend=backend):
            selector.fit(X, y)
        assert warnings.filters is filters
        assert warnings.filters == before


@pytest.mark.parametrize(
    ("backend", "n_jobs", "final"),
    [
        ("sequential", 1, GaussianNB()),
        ("sequential", 1, ONE_EPOCH),
        ("threading", 2, ONE_EPOCH),
        ("loky", 2, GaussianNB()),
    ],
    ids=str,
)
def test_warnings_of_folds_are_issued_once_by_the_caller_with_their_count(backend, n_jobs, final):
    selector = auto(n_jobs=n_jobs, cv=3, final_estimator=final).set_params(estimator=ONE_EPOCH)
    with warnings.catch_warnings(record=True) as caught, joblib.parallel_config(backend=backend):
        warnings.simplefilter("always")
        selector.fit(X, y)
    caught = [one for one in caught if issubclass(one.category, CartographyWarning)]
    whole, of_folds = [str(one.message) for one in caught]
    assert "one epoch" in whole.lower()
    assert of_folds == f"{whole} (issued 3 times in 3 folds of 'auto')"
    assert {one.filename for one in caught} == {__file__}


def test_random_is_kept_with_a_warning_where_it_lacks_a_class():
    rare = np.where(np.arange(120) < 6, 7, truth)
    with pytest.warns(MissingClassesWarning, match="'auto' keeps 'random'.*stratify=True"):
        selector = auto(frac=0.05, stratify=False).fit(X, rare)
    assert selector.region_ == "random"


def test_results_of_a_search_do_not_survive_a_fit_without_one():
    selector = auto().fit(X, y)
    assert hasattr(selector, "auto_results_")
    assert not hasattr(selector.set_params(region="easy").fit(X, y), "auto_results_")


def test_nothing_of_an_earlier_fit_survives_one_that_fails():
    selector = auto().fit(X, y)
    with pytest.raises(ValueError, match="Unknown region"):
        selector.set_params(region="esay").fit(X, y)
    assert not any(name.endswith("_") for name in vars(selector) if name != "n_features_in_")


def test_a_sampler_forgets_the_results_of_a_search_too():
    pytest.importorskip("imblearn")
    from sklearn_carto import DataMapSampler

    sampler = DataMapSampler(**auto().get_params(deep=False))
    sampler.fit_resample(X, y)
    assert hasattr(sampler, "auto_results_")
    sampler.set_params(region="easy").fit_resample(X, y)
    assert not hasattr(sampler, "auto_results_")


def test_the_classifier_that_is_distilled_searches_with_its_own_scorer():
    model = DistilledClassifier(GaussianNB(), auto(final_estimator=None, scoring=Scores([np.nan])))
    with pytest.raises(ValueError, match="not finite for random"):
        model.fit(X, y)
