"""The region "clean", and the cut of suspect labels."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    compare_subsets,
)
from sklearn_carto._maps._regions import choose_rows, rows_after_cut
from sklearn_carto._selection._proxy import ProxyModel
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import UnratedLabelsWarning

X, truth, _ = make_cartography(300, frac_mislabelled=0.0, random_state=0)
FLIPPED = np.random.RandomState(0).random_sample(300) < 0.2
y = np.where(FLIPPED, (truth + 1) % 3, truth)
PROXY = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=6)
CLEAN = DataMapSelector(PROXY, region="clean", cv=3, random_state=0)


def suspects(labels=y, **params):
    return ProxyModel(PROXY, X, labels, **{"seed": 0, "cv": 3, **params}).suspect_mask


def test_all_samples_are_kept_but_the_suspect_ones():
    selector = clone(CLEAN).fit(X, y)
    assert_array_equal(selector.get_support(), ~suspects())
    assert FLIPPED[~selector.get_support()].mean() > 0.5
    assert selector.region_ == "clean"
    assert selector.frac_ == (~suspects()).mean()
    assert selector.noise_cut_ == {c: suspects()[y == c].mean() for c in range(3)}


@pytest.mark.parametrize(
    "params", [{"frac": 0.1}, {"stratify": False}, {"noise_cut": 0.9}], ids=str
)
def test_share_cut_and_proportions_play_no_part(params):
    assert_array_equal(
        clone(CLEAN).set_params(**params).fit(X, y).sample_indices_, np.flatnonzero(~suspects())
    )


def test_the_estimated_cut_removes_exactly_the_suspects_whatever_their_margin():
    n_suspects = int(suspects().sum())
    selector = clone(CLEAN).set_params(region="random", noise_cut="auto", stratify=False)
    kept = selector.set_params(frac=(300 - n_suspects) / 300).fit(X, y).sample_indices_
    assert_array_equal(kept, np.flatnonzero(~suspects()))


def test_samples_of_weight_zero_are_neither_suspect_nor_kept():
    weight = np.where(np.arange(300) < 40, 0.0, 1.0)
    selector = clone(CLEAN).fit(X, y, sample_weight=weight)
    assert selector.sample_indices_.min() >= 40
    proxy = ProxyModel(PROXY, X, y, seed=0, cv=3, params={"sample_weight": weight},
                       excluded_mask=weight == 0)  # fmt: skip
    assert np.isnan(proxy.label_quality[:40]).all()
    assert not proxy.suspect_mask[:40].any()
    assert_array_equal(selector.get_support(), ~proxy.suspect_mask & (weight > 0))
    assert selector.frac_ == len(selector.sample_indices_) / 260


def test_at_least_half_of_each_class_stays(monkeypatch):
    everything = np.ones(300, dtype=bool)
    quality = np.linspace(0, 1, 300)
    monkeypatch.setattr(ProxyModel, "suspect_mask", everything)
    monkeypatch.setattr(ProxyModel, "label_quality", quality)
    kept = clone(CLEAN).fit(X, y).sample_indices_
    for label in range(3):
        rows = np.flatnonzero(y == label)
        assert_array_equal(kept[y[kept] == label], rows[len(rows) // 2 :])  # of highest quality


class Recorder(LogisticRegression):
    seen: ClassVar = []

    def fit(self, X, y):
        self.seen.append(np.asarray(X))
        return super().fit(X, y)


def test_the_distilled_classifier_trains_without_the_suspects():
    Recorder.seen.clear()
    DistilledClassifier(Recorder(), CLEAN).fit(X, y)
    (seen,) = Recorder.seen
    assert_array_equal(seen, X[~suspects()])


def test_cross_validation_never_trains_on_its_test_fold():
    Recorder.seen.clear()
    folds = StratifiedKFold(3)
    cross_val_score(DistilledClassifier(Recorder(), CLEAN), X, y, cv=folds)
    assert len(Recorder.seen) == 3
    for seen, (train, test) in zip(Recorder.seen, folds.split(X, y), strict=True):
        of_train = {row.tobytes() for row in X[train]}
        assert {row.tobytes() for row in seen} < of_train
        assert not {row.tobytes() for row in seen} & {row.tobytes() for row in X[test]}


def test_suspects_of_a_training_set_do_not_depend_on_the_test_fold():
    train, test = next(StratifiedKFold(3).split(X, y))
    changed = y.copy()
    changed[test] = np.roll(y[test], 1)
    kept = [DistilledClassifier(Recorder(), CLEAN).fit(X[train], labels[train]).selector_
            for labels in (y, changed)]  # fmt: skip
    assert_array_equal(kept[0].sample_indices_, kept[1].sample_indices_)


@pytest.mark.parametrize("fracs", [(0.33,), (0.2, 0.5)], ids=str)
def test_a_comparison_holds_clean_once_with_its_number_of_samples(fracs):
    folds = StratifiedKFold(2)
    found = compare_subsets(
        LogisticRegression(),
        X,
        y,
        selector=DataMapSelector(PROXY, cv=3),
        regions=["easy", "clean"],
        fracs=fracs,
        cv=folds,
        random_state=0,
    )
    results, summary = found.results_, found.summary()
    of_clean = results["region"] == "clean"
    assert of_clean.sum() == 2
    assert (results["frac"][of_clean] == 1.0).all()
    assert (results["n_train"][of_clean] > 75).all()
    assert (results["n_train"][of_clean] < 150).all()
    where = summary["region"] == "clean"
    assert np.isnan(summary["vs_random"][where]).all()
    assert np.isfinite(summary["vs_full"][where]).all()
    assert "clean" in repr(found) or "clean" in str(found)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("fracs", [(0.33,), (0.2, 0.5)], ids=str)
def test_a_comparison_with_clean_is_plotted(fracs):
    pytest.importorskip("matplotlib").use("Agg")
    found = compare_subsets(
        LogisticRegression(), X, y, selector=DataMapSelector(PROXY, cv=3), regions=["clean"],
        fracs=fracs, cv=2, random_state=0,
    )  # fmt: skip
    display = found.plot()
    if len(fracs) == 2:
        line = display.references_["test_score", "clean"]
        mean = found.results_["test_score"][found.results_["region"] == "clean"].mean()
        np.testing.assert_allclose(line.get_ydata(), mean)
        ticks = display.axes_[0].get_xticks()
        assert ticks.tolist() == [20.0, 50.0]


def test_a_map_alone_does_not_know_the_suspects(random_map):
    with pytest.raises(ValueError, match=r"'clean' needs X, y and an estimator.*region='clean'"):
        random_map().select("clean", 0.5)
    with pytest.raises(ValueError, match=r"'auto' needs X, y .*DataMapSelector\(frac='auto'\)"):
        random_map().select("easy", "auto")


@pytest.mark.parametrize("name", ["clean", "prototypes"])
def test_a_mixture_with_a_region_of_selectors_is_refused(name):
    with pytest.raises(ValueError, match=f"must not be a mixture with '{name}'"):
        clone(CLEAN).set_params(region={name: 0.5, "easy": 0.5}).fit(X, y)
    with pytest.raises(ValueError, match=f"must not hold a mixture with '{name}'"):
        compare_subsets(LogisticRegression(), X, y, regions=[{name: 1.0}])


def test_a_class_that_is_smaller_than_the_folds_is_an_error_that_names_clean():
    with pytest.raises(ValueError, match=r"'cv' parameter used by 'clean' .*class 9 has 2"):
        clone(CLEAN).fit(X, np.where(np.arange(300) < 2, 9, y))


def test_a_frozen_map_has_no_suspects():
    frozen = FrozenEstimator(clone(PROXY).set_params(random_state=0).fit(X, y))
    with pytest.raises(ValueError, match=r"'clean' requires the maps of parts"):
        clone(CLEAN).set_params(estimator=frozen).fit(X, y)


def test_a_cut_ranks_by_given_scores_and_returns_the_best_first(random_map):
    data_map = replace(random_map(40), labels=np.repeat([0, 1], 20), classes=np.array([0, 1]))
    scores = np.concatenate([np.arange(20.0), np.arange(20.0)[::-1]])
    cut = {"noise_cut": {0: 0.5, 1: 0.25}, "cut_scores": scores, "random_state": 0}
    left = rows_after_cut(data_map, **cut)
    assert_array_equal(left, [*range(10, 20), *range(20, 35)])
    # three quarters of each class: fifteen rows; of class 0 those of scores 5 to 9 return
    assert_array_equal(
        choose_rows(data_map, "random", 0.75, **cut), [*range(5, 20), *range(20, 35)]
    )


@pytest.mark.parametrize("unit", ["D", "ns"])
def test_labels_that_are_dates_are_cut_like_others(unit):
    rng = np.random.RandomState(0)
    truth = np.repeat([0, 1], 60)
    rows = rng.normal(size=(120, 2)) + 3 * truth[:, None]
    codes = np.where(np.arange(120) % 10 == 0, 1 - truth, truth)
    dates = np.array(["2020-01-01", "2021-01-01"], dtype=f"datetime64[{unit}]")[codes]
    of_codes, of_dates = (
        DataMapSelector(region="clean", random_state=0).fit(rows, labels)
        for labels in (codes, dates)
    )
    assert len(of_codes.sample_indices_) < 120
    assert_array_equal(of_dates.sample_indices_, of_codes.sample_indices_)


def test_labels_that_no_fold_tests_are_named_in_a_warning():
    rng = np.random.RandomState(0)
    truth = np.repeat([0, 1], 60)
    rows = rng.normal(size=(120, 2)) + 3 * truth[:, None]
    order = rng.permutation(120)
    cv = [(np.setdiff1d(np.arange(120), part), part) for part in (order[:40], order[40:80])]
    selector = DataMapSelector(region="clean", cv=cv, random_state=0)
    with pytest.warns(UnratedLabelsWarning, match="40 of 120 labels are not rated"):
        selector.fit(rows, truth)
    assert np.isin(order[80:], selector.sample_indices_).all()
