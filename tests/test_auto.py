"""The rule "auto" and the estimated noise cut: found on the training rows alone."""

from typing import ClassVar

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import balanced_accuracy_score, make_scorer
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    compare_subsets,
)
from sklearn_carto._selection._auto import LARGE
from sklearn_carto._selection._candidates import suspect_cut
from sklearn_carto._selection._proxy import ProxyModel
from sklearn_carto._watching._callbacks import HAS_CALLBACKS
from sklearn_carto.datasets import make_cartography
from sklearn_carto.logs import read_dynamics

X, truth, _ = make_cartography(360, frac_mislabelled=0.0, random_state=0)
FLIPPED = np.random.RandomState(0).random_sample(360) < 0.25
y = np.where(FLIPPED, (truth + 1) % 3, truth)
PROXY = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=6)
ONE_NEIGHBOR = KNeighborsClassifier(1)  # fits every label, also the wrong ones


def auto(**params):
    settings = {"region": "auto", "frac": 0.33, "final_estimator": ONE_NEIGHBOR, "random_state": 0}
    return DataMapSelector(PROXY, **{**settings, **params})


@pytest.fixture(scope="module")
def selector():
    return auto().fit(X, y)


def test_with_many_wrong_labels_it_cuts_or_leaves_them_out(selector):
    assert FLIPPED[selector.sample_indices_].mean() < 0.5 * FLIPPED.mean()
    results = selector.auto_results_
    assert results["mean_gain"][results["chosen"]] > results["standard_error"][results["chosen"]]
    assert results["region"][results["chosen"]] == selector.region_


def test_what_was_tried_is_kept_and_every_score_is_that_of_a_loop_by_hand():
    selector = auto(cv=3).fit(X, y)
    results = selector.auto_results_
    assert results["region"].tolist() == ["random", "easy", "weighted", "dual-beta"]
    assert results["noise_cut"].tolist() == [False, False, True, True]
    assert results["chosen"].sum() == 1
    assert_allclose(results["mean_gain"][0], 0.0)
    splits = StratifiedKFold(3, shuffle=True, random_state=0).split(X, y)
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=3)
    for k, (train, test) in enumerate(splits):
        proxy = clone(PROXY).set_params(random_state=0).fit(X[train], y[train])
        rows = proxy.data_map_.select("easy", 0.33, random_state=int(seeds[k]))
        score = clone(ONE_NEIGHBOR).fit(X[train[rows]], y[train[rows]]).score(X[test], y[test])
        found = results[f"split{k}_score"][1]
        assert np.isnan(found) if k == 2 and np.isnan(found) else found == pytest.approx(score)


def test_without_wrong_labels_each_rule_is_tried_once():
    rows, labels = make_blobs(120, centers=3, cluster_std=0.3, random_state=0)
    results = auto(cv=2).fit(rows, labels).auto_results_
    assert len(set(results["region"])) == len(results["region"]) == len(LARGE)
    assert not results["noise_cut"].any()


@pytest.mark.parametrize("frac", [0.1, 0.33])
def test_a_candidate_that_cannot_win_is_given_up(frac):
    results = auto(cv=5, frac=frac).fit(X, y).auto_results_
    scored = [np.isfinite(results[f"split{k}_score"]) for k in range(5)]
    assert scored[1].all()
    assert (np.diff(np.array(scored, dtype=int), axis=0) <= 0).all()  # none comes back
    assert all(1 < of_fold.sum() <= 3 for of_fold in scored[2:] if of_fold.any())
    assert all(of_fold[0] for of_fold in scored[2:] if of_fold.any())  # random is compared with


class Constant:
    """A scorer of GaussianNB that gives the scores of a list, one for each model."""

    def __init__(self, *scores):
        self.scores = list(scores)

    def __call__(self, model, X, y):
        return self.scores.pop(0)


def test_the_search_ends_where_the_choice_is_clear():
    scorer = Constant(0.1, 0.1, 0.9, 0.5, 0.2, 0.1, 0.99, 0.5)  # gains of weighted: .8 and .79
    selector = auto(scoring=scorer).fit(X, y)
    assert scorer.scores == []  # eight models, of two folds
    assert selector.region_ == "weighted"
    assert_allclose(selector.auto_results_["mean_gain"][2], 0.795)
    assert np.isnan(selector.auto_results_["split2_score"]).all()


def test_where_nothing_beats_random_random_is_taken():
    rng = np.random.RandomState(0)
    noise = rng.normal(size=(200, 4)), rng.randint(2, size=200)
    chosen = [auto(random_state=seed).fit(*noise).region_ for seed in range(5)]
    assert chosen.count("random") >= 3


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_same_seed_finds_the_same_on_any_number_of_jobs(selector, n_jobs):
    again = auto(n_jobs=n_jobs).fit(X, y)
    assert_array_equal(selector.sample_indices_, again.sample_indices_)
    for name, values in selector.auto_results_.items():
        assert_array_equal(again.auto_results_[name], values)


def test_the_estimated_cut_is_close_to_the_share_of_wrong_labels():
    selector = auto(region="random", noise_cut="auto").fit(X, y)
    shares = [FLIPPED[y == c].mean() for c in range(3)]
    assert_allclose([selector.noise_cut_[c] for c in range(3)], shares, atol=0.1)
    assert FLIPPED[selector.sample_indices_].mean() < 0.5 * FLIPPED.mean()
    clean = auto(region="random", noise_cut="auto").fit(X, truth)
    assert max(clean.noise_cut_.values()) < 0.1
    assert not hasattr(selector, "auto_results_")


def test_candidates_are_scored_with_the_estimator_that_is_distilled_unless_another_is_given():
    class Spy(LogisticRegression):
        sizes: ClassVar = []

        def fit(self, X, y, sample_weight=None):
            self.sizes.append(len(X))
            return super().fit(X, y, sample_weight=sample_weight)

    DistilledClassifier(Spy(), auto(final_estimator=None, cv=2)).fit(X, y)
    assert Spy.sizes.count(round(0.33 * 180)) == 2 * len(LARGE)
    Spy.sizes.clear()
    DistilledClassifier(Spy(), auto(cv=2)).fit(X, y)
    assert Spy.sizes == [round(0.33 * 360)]


def test_uneven_classes_are_scored_by_balanced_accuracy():
    rows = np.concatenate([np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)[:30]])
    X_uneven, labels = X[rows], truth[rows]
    by_default, explicit, accuracy = (
        auto(cv=2, scoring=scoring).fit(X_uneven, labels).auto_results_
        for scoring in (None, make_scorer(balanced_accuracy_score), "accuracy")
    )
    assert_allclose(by_default["split0_score"], explicit["split0_score"])
    assert not np.allclose(by_default["split0_score"], accuracy["split0_score"])


def test_weights_reach_the_final_estimator_where_it_takes_them():
    weight = np.where(FLIPPED, 1e-6, 1.0)
    by_regression = auto(final_estimator=LogisticRegression(), cv=2)
    plain = by_regression.fit(X, y).auto_results_["split0_score"]
    weighted = clone(by_regression).fit(X, y, sample_weight=weight).auto_results_["split0_score"]
    assert not np.allclose(plain, weighted)
    auto(cv=2).fit(X, y, sample_weight=weight)  # neighbours take none, and get none


def test_it_sits_in_a_pipeline_and_is_cross_validated():
    model = make_pipeline(
        StandardScaler(), DistilledClassifier(ONE_NEIGHBOR, auto(final_estimator=None, cv=2))
    )
    scores = cross_validate(model, X, y, cv=3, return_estimator=True)
    for fitted in scores["estimator"]:
        assert len(fitted[-1].selector_.sample_indices_) == round(0.33 * 240)


def test_compare_subsets_takes_auto_among_the_regions():
    selector = DataMapSelector(PROXY, cv=2)
    comparison = compare_subsets(
        ONE_NEIGHBOR, X, y, selector=selector, regions=["easy", "auto"], cv=2, random_state=0
    )
    results = comparison.results_
    assert set(results["region"]) == {"full", "random", "easy", "auto"}
    of_auto = results["region"] == "auto"
    assert (results["n_train"][of_auto] == round(0.33 * 180)).all()
    assert (results["map_time"][of_auto] > results["map_time"][results["region"] == "easy"]).all()


class Counting(SGDClassifier):
    n_calls: ClassVar = []

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.n_calls.append(len(X))
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)


def test_maps_of_folds_come_from_the_cache(tmp_path):
    proxy = CartographyClassifier(Counting(loss="log_loss", alpha=0.01), n_epochs=4)
    selector = auto(memory=str(tmp_path), cv=2).set_params(estimator=proxy)
    first = selector.fit(X, y)
    assert len(Counting.n_calls) == 3 * 4
    rows = first.sample_indices_
    again = clone(selector).fit(X, y)
    assert len(Counting.n_calls) == 3 * 4
    assert_array_equal(again.sample_indices_, rows)
    clone(selector).fit(X, truth)
    assert len(Counting.n_calls) == 6 * 4


@pytest.mark.parametrize(
    ("selector", "labels", "message"),
    [
        (
            auto(),
            np.where(np.arange(360) < 3, 9, y),
            "'cv' parameter used by 'auto' .* got 4, but class 9 has 3",
        ),
        (auto(region={"auto": 1.0}), y, "must not be a mixture with 'auto'"),
        (auto(cv=1), y, "cv"),
        (auto(scoring="accurate"), y, "'scoring' parameter"),
    ],
)
def test_what_cannot_be_searched_is_refused(selector, labels, message):
    with pytest.raises(ValueError, match=message):
        selector.fit(X, labels)


def test_a_map_alone_has_no_auto(random_map):
    with pytest.raises(ValueError, match="DataMapSelector"):
        random_map().select("auto", 0.3)
    with pytest.raises(ValueError, match="DataMapSelector"):
        random_map().select("easy", 0.3, noise_cut="auto")


def test_a_frozen_map_cannot_be_drawn_of_parts():
    frozen = FrozenEstimator(clone(PROXY).fit(X, y))
    with pytest.raises(ValueError, match="frozen"):
        auto().set_params(estimator=frozen).fit(X, y)


class Weighted(LogisticRegression):
    """Notes whether it was given weights."""

    given: ClassVar = []

    def fit(self, X, y, sample_weight=None):
        self.given.append(sample_weight is not None)
        return super().fit(X, y, sample_weight=sample_weight)


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("in_pipeline", [True, False])
def test_candidates_are_fitted_with_the_params_of_the_final_model(wanted, in_pipeline):
    Weighted.given.clear()
    with sklearn.config_context(enable_metadata_routing=True):
        proxy = SGDClassifier(loss="log_loss", alpha=0.01).set_partial_fit_request(
            sample_weight=not wanted
        )
        final = Weighted().set_fit_request(sample_weight=wanted)
        if in_pipeline:
            scaler = StandardScaler().set_fit_request(sample_weight=False)
            final = make_pipeline(scaler, final)
        selector = DataMapSelector(proxy, region="auto", cv=2, random_state=0)
        DistilledClassifier(final, selector).fit(X[:120], y[:120], sample_weight=np.ones(120))
    assert len(Weighted.given) == 9  # four candidates in two folds, and the final model
    assert set(Weighted.given) == {wanted}


def test_a_pipeline_that_scores_candidates_gets_the_weights_of_its_steps():
    class Learner(SGDClassifier):
        given: ClassVar = []

        def partial_fit(self, X, y, classes=None, sample_weight=None):
            self.given.append(sample_weight is not None)
            return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)

    proxy = make_pipeline(StandardScaler(), Learner(loss="log_loss", alpha=0.01))
    selector = DataMapSelector(proxy, region="auto", cv=2, random_state=0)
    selector.fit(X[:120], y[:120], learner__sample_weight=np.ones(120))
    assert set(Learner.given) == {True}


@pytest.mark.parametrize(("step", "is_given"), [("last", True), ("other", False)])
def test_weights_of_a_step_reach_the_step_of_this_name_in_another_pipeline(step, is_given):
    Weighted.given.clear()
    proxy = Pipeline([("scale", StandardScaler()), ("last", PROXY.estimator)])
    final = Pipeline([("scale", StandardScaler()), (step, Weighted())])
    selector = DataMapSelector(proxy, region="auto", final_estimator=final, cv=2, random_state=0)
    selector.fit(X[:120], y[:120], last__sample_weight=np.ones(120))
    assert set(Weighted.given) == {is_given}


class SGDScores(SGDClassifier):
    predict_proba = property()


class RegressionScores(LogisticRegression):
    predict_proba = property()


@pytest.mark.parametrize(
    ("scores", "probabilities", "n_classes"),
    [
        (SGDScores(loss="log_loss", alpha=0.01), PROXY.estimator, 2),
        pytest.param(
            RegressionScores(),
            LogisticRegression(),
            3,
            marks=pytest.mark.skipif(not HAS_CALLBACKS, reason="needs scikit-learn >= 1.9"),
        ),
    ],
    ids=["2 classes", "3 classes"],
)
def test_logits_estimate_the_cut_of_their_probabilities(scores, probabilities, n_classes):
    rows = truth < n_classes
    by_scores, by_probabilities = (
        auto(region="random", noise_cut="auto")
        .set_params(estimator=CartographyClassifier(learner, n_epochs=5))
        .fit(X[rows], y[rows] % n_classes)
        for learner in (scores, probabilities)
    )
    assert max(by_scores.noise_cut_.values()) > 0.1
    assert by_scores.noise_cut_ == by_probabilities.noise_cut_
    assert_array_equal(by_scores.sample_indices_, by_probabilities.sample_indices_)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.MissingClassesWarning")
def test_a_candidate_that_loses_a_class_is_out_of_the_competition():
    rare = np.where(np.arange(360) < 12, 7, truth)
    settings = {"frac": 0.05, "stratify": False, "cv": 2, "final_estimator": LogisticRegression()}
    for seed in range(3):
        selector = auto(random_state=seed, **settings).fit(X, rare)
        chosen = selector.auto_results_["chosen"]
        lost = np.isnan(selector.auto_results_["split0_score"])
        assert lost.any()
        assert selector.region_ == "random" or not lost[chosen].any()


def test_a_score_that_is_missing_gives_up_its_candidate_alone():
    calls = []

    def second_is_missing(model, X, y):
        calls.append(1)
        return np.nan if len(calls) == 2 else model.score(X, y)

    results = auto(scoring=second_is_missing, cv=2).fit(X, y).auto_results_
    assert np.isnan(results["mean_score"][1])
    assert np.isfinite(results["mean_score"]).sum() >= 2


def test_a_proxy_out_of_fold_scores_candidates_as_a_plain_learner():
    proxy = clone(PROXY).set_params(cv=3)
    selector = auto(final_estimator=None, frac=0.05, cv=2).set_params(estimator=proxy).fit(X, y)
    assert len(selector.sample_indices_) == 18


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"cv": KFold(3)}, ValueError, "'auto' must leave samples of every class"),
        ({"cv": ShuffleSplit(1)}, ValueError, "at least two folds"),
        (
            {"scoring": lambda model, X, y: {"a": 1.0}},
            TypeError,
            "must return a single number; got ..a",
        ),
    ],
)
def test_folds_and_scores_that_cannot_be_used_are_refused(params, error, message):
    order = np.argsort(y)
    with pytest.raises(error, match=message):
        auto(**params).fit(X[order], y[order])


@pytest.mark.parametrize(
    "params", [{}, {"frac": 0.1}, {"frac": "auto", "region": "weighted"}], ids=str
)
def test_scores_of_folds_do_not_depend_on_the_quality_of_labels(params, monkeypatch):
    # which comes from models that were fitted on the labels of the test sets
    expected = auto(cv=3, **params).fit(X, y).auto_results_
    mask = ProxyModel(PROXY, X, y, seed=0, cv=3).suspect_mask
    monkeypatch.setattr(ProxyModel, "suspect_mask", mask)
    monkeypatch.setattr(ProxyModel, "label_quality", np.random.RandomState(0).random_sample(360))
    for name, values in auto(cv=3, **params).fit(X, y).auto_results_.items():
        assert_array_equal(values, expected[name], err_msg=name)


def test_the_search_of_a_small_share_is_the_same_on_two_jobs():
    expected = auto(frac=0.1).fit(X, y)
    again = auto(frac=0.1, n_jobs=2).fit(X, y)
    assert "prototypes" in expected.auto_results_["region"]
    assert_array_equal(again.sample_indices_, expected.sample_indices_)
    for name, values in expected.auto_results_.items():
        assert_array_equal(again.auto_results_[name], values)


def test_a_cut_of_two_samples_for_each_suspect_removes_at_most_half_of_a_class(monkeypatch):
    suspect = np.zeros(360, dtype=bool)
    for label, n_suspects in enumerate([10, 50, 0]):
        suspect[np.flatnonzero(y == label)[:n_suspects]] = True
    monkeypatch.setattr(ProxyModel, "suspect_mask", suspect)
    proxy = ProxyModel(PROXY, X, y, seed=0)
    sizes = [int((y == label).sum()) for label in range(3)]
    cut = suspect_cut(proxy, 2)
    assert cut == {0: 20 / sizes[0], 1: (sizes[1] // 2) / sizes[1], 2: 0.0}


@pytest.mark.parametrize("params", [{}, {"cv": 3}], ids=["map of all", "map of folds"])
@pytest.mark.parametrize("name", ["history_dir", "log", "checkpoint"])
def test_only_the_map_of_all_samples_is_written_to_the_folder_of_the_proxy(name, params, tmp_path):
    if name == "log":
        pytest.importorskip("pyarrow")
    plain = clone(PROXY).set_params(random_state=0, **params)
    search = {"region": "auto", "cv": 2, "random_state": 0}
    expected = DataMapSelector(plain, **search).fit(X, y)
    found = DataMapSelector(clone(plain).set_params(**{name: tmp_path}), **search).fit(X, y)
    assert found.region_ == expected.region_
    assert_array_equal(found.sample_indices_, expected.sample_indices_)
    if name == "history_dir":
        assert len(list(tmp_path.iterdir())) == 1
    if name == "log":
        assert len(read_dynamics(tmp_path).labels) == len(y)
