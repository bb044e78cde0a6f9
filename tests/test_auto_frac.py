"""The share "auto": the smallest one whose score is as good as the best."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB

from sklearn_carto import CartographyClassifier, DataMapSelector, DistilledClassifier
from sklearn_carto._selection._proxy import ProxyModel
from sklearn_carto.datasets import make_cartography

X, truth, _ = make_cartography(240, frac_mislabelled=0.0, random_state=0)
FLIPPED = np.random.RandomState(0).random_sample(240) < 0.2
y = np.where(FLIPPED, (truth + 1) % 3, truth)
PROXY = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=5)
SHARES = [0.75, 0.5, 0.33, 0.2, 0.1, 0.05]


def auto(**params):
    settings = {"region": "random", "frac": "auto", "final_estimator": GaussianNB(), "cv": 3}
    return DataMapSelector(**{"estimator": PROXY, "random_state": 0} | settings | params)


class SizeScore:
    """A scorer that gives, for a number of training samples, the score of each fold in turn."""

    def __init__(self, table):
        self.table = {size: list(scores) for size, scores in table.items()}
        self.calls = []

    def __call__(self, model, X, y):
        size = int(model.class_count_.sum())
        self.calls.append(size)
        return self.table[size].pop(0)


def rows_and_scorer(table):
    """Blobs without a suspect label, and a scorer of shares of the 80 samples of a fold."""
    rows, labels = make_blobs(120, centers=3, cluster_std=0.3, random_state=0)
    sizes = {share: max(1, round(share * 80)) for share in (1.0, *SHARES)}
    return rows, labels, SizeScore({sizes[share]: scores for share, scores in table.items()})


FLAT = [0.9, 0.9, 0.9]


@pytest.mark.parametrize(
    ("table", "tolerance", "expected"),
    [
        # differences to all: -.01, 0 and .01 have the mean 0; -.3 each time has no error
        ({1.0: FLAT, 0.75: FLAT, 0.5: [0.89, 0.9, 0.91], **dict.fromkeys(SHARES[2:], [0.6] * 3)},
         None, 0.5),
        # mean difference -.02, standard error sqrt(.0003 / 3) = .01: .02 is too much
        ({1.0: FLAT, 0.75: [0.9, 0.87, 0.87], **dict.fromkeys(SHARES[1:], [0.6] * 3)}, None, 1.0),
        # mean difference -.02 = (0 - .06 + 0) / 3, standard error .02: just tolerated
        ({1.0: FLAT, 0.75: [0.9, 0.84, 0.9], **dict.fromkeys(SHARES[1:], [0.6] * 3)}, None, 0.75),
        ({1.0: FLAT, 0.75: [0.9, 0.87, 0.87], **dict.fromkeys(SHARES[1:], [0.6] * 3)}, 0.02, 0.75),
        ({1.0: FLAT, 0.75: [0.9, 0.87, 0.87], **dict.fromkeys(SHARES[1:], [0.6] * 3)}, 0.019, 1.0),
        ({1.0: FLAT, **{share: [0.8, 0.8, 0.8] for share in SHARES}}, 0.1, 0.05),
        ({1.0: FLAT, **{share: [0.8, 0.8, 0.8] for share in SHARES}}, 0.0, 1.0),
        # the best one is a small share, and no smaller one is as good
        ({1.0: [0.7] * 3, 0.75: [0.7] * 3, 0.5: [0.7] * 3, 0.33: FLAT,
          **dict.fromkeys(SHARES[3:], [0.5] * 3)}, None, 0.33),
    ],
    ids=["within an error", "beyond an error", "at an error", "within .02", "beyond .019",
         "within .1", "no tolerance", "a small one is best"],
)  # fmt: skip
def test_the_smallest_share_within_the_tolerance_is_chosen(table, tolerance, expected):
    rows, labels, scorer = rows_and_scorer(table)
    selector = auto(scoring=scorer, tolerance=tolerance).fit(rows, labels)
    results = selector.auto_results_
    assert results["frac"].tolist() == [1.0, *SHARES]
    assert selector.frac_ == expected
    assert results["frac"][results["chosen"]] == [expected]
    assert len(selector.sample_indices_) == round(expected * 120)
    assert_allclose(results["n_rows"], [round(share * 120) for share in (1.0, *SHARES)])


def test_the_curve_holds_means_and_paired_standard_errors():
    table = {1.0: [0.8, 0.9, 1.0], 0.75: [0.78, 0.86, 0.97], 0.5: [0.79, 0.87, 0.92],
             **dict.fromkeys(SHARES[2:], [0.1, 0.2, 0.3])}  # fmt: skip
    rows, labels, scorer = rows_and_scorer(table)
    results = auto(scoring=scorer).fit(rows, labels).auto_results_
    assert_allclose(results["mean_score"][:3], [0.9, 0.87, 0.86])
    assert_allclose(results["mean_difference"][:3], [0.0, -0.03, -0.04])
    # differences -.02, -.04, -.03: deviation .01; -.01, -.03, -.08: deviation .03606
    assert_allclose(
        results["standard_error"][:3], np.array([0, 0.01, 0.03606]) / np.sqrt(3), rtol=1e-3
    )
    assert_allclose(results["split1_score"][:3], [0.9, 0.86, 0.87])
    assert np.isnan(results["split2_score"][3:]).all()  # clearly worse after two folds
    assert np.isnan(results["mean_score"][3:]).all()
    assert scorer.calls == [80, 60, 40, 26, 16, 8, 4] * 2 + [80, 60, 40]  # larger ones first


def test_shares_fall_from_all_samples_and_all_but_the_suspects():
    results = auto().fit(X, y).auto_results_
    assert (np.diff(results["frac"]) < 0).all()
    assert (np.diff(results["n_rows"]) < 0).all()
    clean = clone(auto()).set_params(region="clean", frac=0.5).fit(X, y)
    assert results["n_rows"][:2].tolist() == [240, len(clean.sample_indices_)]
    assert results["frac"][1] == clean.frac_ < 1


def test_where_all_but_the_suspects_are_chosen_they_are_selected():
    n_clean = len(auto(region="clean", frac=0.5).fit(X, y).sample_indices_)

    def scorer(model, X, y):
        n_seen = model.class_count_.sum()
        return 0.9 if 0.75 < n_seen / 160 < 0.97 else 0.5

    selector = auto(scoring=scorer, region="weighted").fit(X, y)
    assert selector.region_ == "clean"
    assert len(selector.sample_indices_) == n_clean


def test_the_share_of_wrong_labels_falls_where_the_model_fits_every_label():
    from sklearn.neighbors import KNeighborsClassifier

    selector = auto(final_estimator=KNeighborsClassifier(1), noise_cut="auto").fit(X, y)
    assert selector.frac_ < 1
    assert FLIPPED[selector.sample_indices_].mean() < 0.5 * FLIPPED.mean()


def test_region_and_share_are_chosen_together():
    selector = auto(region="auto").fit(X, y)
    assert "n_rows" in selector.auto_results_
    assert selector.region_results_["chosen"].sum() == 1
    alone = auto(region="auto", frac=0.33).fit(X, y)  # the region is chosen at this share
    assert_array_equal(alone.auto_results_["mean_gain"], selector.region_results_["mean_gain"])
    assert selector.region_ in {alone.region_, "clean"}
    assert not hasattr(alone, "region_results_")
    assert alone.frac_ == 0.33
    assert not hasattr(selector.set_params(frac=0.2).fit(X, y), "region_results_")


@pytest.mark.parametrize(("backend", "n_jobs"), [("threading", 2), ("loky", 2)])
def test_the_same_seed_chooses_the_same_on_any_number_of_jobs(backend, n_jobs):
    one = auto(region="auto").fit(X, y)
    with joblib.parallel_config(backend=backend):
        other = auto(region="auto", n_jobs=n_jobs).fit(X, y)
    assert_array_equal(one.sample_indices_, other.sample_indices_)
    for name, values in one.auto_results_.items():
        assert_array_equal(other.auto_results_[name], values, err_msg=name)


def test_samples_of_weight_zero_are_counted_nowhere():
    weight = np.where(np.arange(240) < 60, 0.0, 1.0)
    selector = auto().fit(X, y, sample_weight=weight)
    assert selector.auto_results_["n_rows"][0] == 180
    assert selector.sample_indices_.min() >= 60
    assert (
        len(selector.sample_indices_)
        == selector.auto_results_["n_rows"][selector.auto_results_["chosen"]]
    )


def test_shares_that_lose_a_class_are_not_chosen():
    rare = np.where(np.arange(240) < 8, 7, truth)
    selector = auto(stratify=False, cv=2).fit(X, rare)
    assert 7 in rare[selector.sample_indices_] or selector.frac_ == 1
    lost = np.isnan(selector.auto_results_["split0_score"])
    assert lost[-1]  # no two of twelve samples of each fold
    assert not lost[selector.auto_results_["chosen"]].any()


def test_scores_that_are_never_finite_are_an_error():
    with pytest.raises(ValueError, match=r"not finite for every share.*set frac to a number"):
        auto(scoring=lambda model, X, y: np.nan).fit(X, y)


@pytest.mark.parametrize("tolerance", [-0.1, np.nan, "0.1", True, [0.1]], ids=str)
def test_a_tolerance_is_a_number_that_is_not_negative(tolerance):
    with pytest.raises(ValueError, match="'tolerance' parameter of DataMapSelector"):
        auto(tolerance=tolerance).fit(X, y)


@pytest.mark.parametrize("frac", ["Auto", "all", "0.5"])
def test_other_words_are_no_share(frac):
    with pytest.raises(ValueError, match="'frac' parameter of DataMapSelector"):
        auto(frac=frac).fit(X, y)


def test_a_scorer_of_no_final_estimator_is_refused_before_training():
    with pytest.raises(ValueError, match="scoring"):
        auto(scoring="accurate").fit(X, y)


def test_it_is_cloned_cross_validated_and_searched_over(tmp_path):
    selector = auto(final_estimator=None, cv=2, memory=str(tmp_path), tolerance=0.02)
    assert clone(selector).get_params()["tolerance"] == 0.02
    model = DistilledClassifier(GaussianNB(), selector)
    assert np.isfinite(cross_val_score(model, X, y, cv=2)).all()
    grid = {"selector__region": ["random", "clean", "auto"], "selector__frac": [0.3, "auto"]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_the_sampler_chooses_the_share_of_the_selector():
    pytest.importorskip("imblearn")
    from sklearn_carto import DataMapSampler

    sampler = DataMapSampler(**auto().get_params(deep=False))
    X_kept, y_kept = sampler.fit_resample(X, y)
    selector = auto().fit(X, y)
    assert_array_equal(sampler.sample_indices_, selector.sample_indices_)
    assert sampler.frac_ == selector.frac_
    assert len(X_kept) == len(y_kept) == len(selector.sample_indices_)


def test_a_curve_does_not_survive_a_fit_without_one():
    selector = auto().fit(X, y)
    assert not hasattr(selector.set_params(frac=0.5).fit(X, y), "auto_results_")
    assert selector.frac_ == 0.5


def test_shares_of_more_samples_than_are_not_suspect_are_not_tried(monkeypatch):
    suspect = np.zeros(240, dtype=bool)
    for label in range(3):  # four tenths of each class
        rows = np.flatnonzero(y == label)
        suspect[rows[: round(0.4 * len(rows))]] = True
    monkeypatch.setattr(ProxyModel, "suspect_mask", suspect)
    results = auto().fit(X, y).auto_results_
    n_clean = 240 - int(suspect.sum())
    assert results["n_rows"].tolist() == [240, n_clean, 120, 79, 48, 24, 12]
