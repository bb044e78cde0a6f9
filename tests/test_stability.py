"""The probability of each region over several seeds, and the report of how stable a map is."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import (
    CartographyClassifier,
    DataMap,
    StabilityReport,
    StabilityReportDisplay,
    map_agreement,
    stability_report,
)
from sklearn_carto.exceptions import IdenticalMapsWarning, NotWatchableError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
X, y = make_classification(120, 8, n_informative=4, flip_y=0.2, class_sep=0.7, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.05)
WATCHED = CartographyClassifier(SGD, n_epochs=4)
NAMES = ["easy-to-learn", "ambiguous", "hard-to-learn"]


def make_map(confidence, variability, **params):
    n = len(confidence)
    return DataMap(
        confidence=confidence, variability=variability, correctness=np.ones(n), n_epochs=5, **params
    )


@pytest.fixture
def four_maps():
    """Four rows on four maps: always easy, ambiguous on three, hard on one, always hard."""
    return [
        make_map([0.9, 0.8, 0.7, 0.1], [0.1, 0.4, 0.1, 0.1]),
        make_map([0.9, 0.8, 0.7, 0.1], [0.1, 0.4, 0.1, 0.1]),
        make_map([0.9, 0.8, 0.7, 0.1], [0.1, 0.4, 0.1, 0.1]),
        make_map([0.9, 0.8, 0.2, 0.1], [0.1, 0.2, 0.1, 0.1]),
    ]


def test_probabilities_are_the_shares_of_the_maps_that_place_a_row_in_a_region(four_maps):
    mean = DataMap.mean(four_maps, frac=0.25, variability=0.3)
    expected = [[1, 0, 0], [0.25, 0.75, 0], [0.75, 0, 0.25], [0, 0, 1]]
    assert_array_equal(mean.region_probabilities, expected)
    assert mean.stable_share(0.75) == 1
    assert mean.stable_share(0.8) == 0.5
    assert mean.stable_share(1.0) == 0.5


def test_the_mean_of_the_probabilities_is_that_of_the_region_labels(random_map):
    maps = [random_map(seed=seed, labels=None) for seed in range(3)]
    mean = DataMap.mean(maps, frac=0.2)
    labels = np.stack([one.region_labels(frac=0.2) for one in maps])
    for i, name in enumerate(NAMES):
        assert_array_equal(mean.region_probabilities[:, i], (labels == name).mean(axis=0))


def test_rows_without_a_region_have_no_probability():
    params = {"excluded_mask": [True, False, False]}
    seen = make_map([0.9, 0.9, 0.2], [0.1, 0.1, 0.1], **params)
    unseen = DataMap(
        confidence=[0.9, np.nan, 0.2], variability=[0.1, np.nan, 0.1],
        correctness=[1, np.nan, 1], n_epochs=5, **params,
    )  # fmt: skip
    mean = DataMap.mean([seen, unseen], variability=0.4)
    assert_array_equal(np.isnan(mean.region_probabilities).all(axis=1), [True, True, False])
    assert_array_equal(mean.region_probabilities[2], [0, 0, 1])
    assert mean.stable_share() == 1


@pytest.mark.parametrize("random_state", [0, np.random.RandomState(0)], ids=["int", "state"])
def test_rows_that_tie_are_ambiguous_on_all_of_several_equal_maps(random_state):
    tied = make_map(np.linspace(0, 1, 30), np.full(30, 0.4))
    mean = DataMap.mean([tied, tied, tied], random_state=random_state)
    assert mean.stable_share(1.0) == 1
    assert mean.region_probabilities[:, 1].sum() == 10  # a third


def test_a_single_map_has_no_probabilities(four_maps):
    for one in (four_maps[0], DataMap.mean(four_maps[:1])):
        assert one.region_probabilities is None
        with pytest.raises(ValueError, match="needs region_probabilities"):
            one.stable_share()


def test_probabilities_are_saved_taken_with_their_rows_and_named_in_frames(four_maps, tmp_path):
    pytest.importorskip("pandas")
    mean = DataMap.mean(four_maps, frac=0.25, variability=0.3)
    mean.save(tmp_path / "map.npz")
    loaded = DataMap.load(tmp_path / "map.npz")
    assert_array_equal(loaded.region_probabilities, mean.region_probabilities)
    rows = mean.subset([3, 1])
    assert_array_equal(rows.region_probabilities, mean.region_probabilities[[3, 1]])
    frame = mean.to_frame()
    assert_array_equal(frame["proba_easy_to_learn"], [1, 0.25, 0.75, 0])
    assert_array_equal(frame["proba_ambiguous"], [0, 0.75, 0, 0])
    assert_array_equal(frame["proba_hard_to_learn"], [0, 0, 0.25, 1])
    assert not mean.region_probabilities.flags.writeable


@pytest.mark.parametrize(
    "values",
    [[0.5], [[0.5, 0.5]], [[0.5, 0.4, 0.3]], [[-0.5, 1, 0.5]], [[np.nan, 0.5, 0.5]], "abc", 3],
    ids=str,
)
def test_what_are_no_probabilities_of_regions_is_refused(values):
    with pytest.raises(ValueError, match="'region_probabilities' parameter of DataMap must"):
        make_map([0.5], [0.1], region_probabilities=values)


@pytest.fixture(scope="module")
def report():
    return stability_report(WATCHED, X, y, n_seeds=3, frac=0.25, random_state=0)


def test_each_map_is_that_of_a_training_with_its_seed(report):
    for seed, one in zip(report.seeds_.tolist(), report.data_maps_, strict=True):
        model = CartographyClassifier(SGD, n_epochs=4, random_state=seed).fit(X, y)
        assert_array_equal(one.confidence, model.confidence_)
    assert len(set(report.seeds_.tolist())) == 3
    mean = np.mean([one.confidence for one in report.data_maps_], axis=0)
    assert_allclose(report.mean_map_.confidence, mean)


def test_correlations_are_those_of_scipy_for_each_pair(report):
    for name in ("confidence", "variability", "aum"):
        values = [getattr(one, name) for one in report.data_maps_]
        expected = [spearmanr(a, b).statistic for a, b in combinations(values, 2)]
        assert_allclose(report.rank_correlation_[name], expected)


def test_overlaps_are_those_of_the_first_rows_of_each_region(report):
    assert report.chance_ == 0.25
    for region, sign, name in [(NAMES[0], 1, "confidence"), (NAMES[1], 1, "variability"),
                               (NAMES[2], -1, "confidence")]:  # fmt: skip
        first = [
            {*np.argsort(-sign * getattr(one, name))[:30].tolist()} for one in report.data_maps_
        ]
        expected = [len(a & b) / 30 for a, b in combinations(first, 2)]
        assert_allclose(report.region_overlap_[region], expected)


def test_the_stable_rows_are_those_whose_region_is_probable_enough(report):
    probabilities = report.mean_map_.region_probabilities
    assert_array_equal(report.stable_mask_, probabilities.max(axis=1) == 1)  # 2 of 3 is below .8
    assert_allclose(report.stable_share_, report.stable_mask_.mean())
    assert_array_equal(report.region_, np.array(NAMES)[probabilities.argmax(axis=1)])
    summary = report.summary()
    of_stable = summary["measure"] == "stable share"
    shares = dict(zip(summary["name"][of_stable], summary["mean"][of_stable], strict=True))
    counts = {name: (report.region_ == name).sum() for name in NAMES}
    total = sum(shares[name] * counts[name] for name in NAMES if counts[name])
    assert_allclose(total, report.stable_mask_.sum())


def test_the_summary_holds_mean_and_range_over_pairs(report):
    summary = report.summary()
    row = np.flatnonzero((summary["measure"] == "overlap") & (summary["name"] == "ambiguous"))[0]
    values = report.region_overlap_["ambiguous"]
    found = [summary[name][row] for name in ("mean", "min", "max", "chance")]
    assert_allclose(found, [values.mean(), values.min(), values.max(), 0.25])
    assert "ambiguous" in str(report)
    assert repr(report) == "<StabilityReport: 3 seeds, 120 rows>"


def test_the_report_is_the_same_for_any_number_of_jobs_and_the_same_seed(report):
    again = stability_report(WATCHED, X, y, n_seeds=3, frac=0.25, random_state=0, n_jobs=2)
    assert_array_equal(again.mean_map_.variability, report.mean_map_.variability)
    assert_array_equal(again.region_, report.region_)
    assert_array_equal(again.region_overlap_["ambiguous"], report.region_overlap_["ambiguous"])
    other = stability_report(WATCHED, X, y, n_seeds=3, random_state=1)
    assert not np.array_equal(other.mean_map_.variability, report.mean_map_.variability)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.IdenticalMapsWarning")
def test_the_estimator_that_was_passed_stays_as_it_was():
    model = CartographyClassifier(SGD, n_epochs=2, random_state=3, keep_history=True)
    stability_report(model, X, y, n_seeds=2, random_state=0)
    assert model.random_state == 3
    assert model.keep_history
    assert not hasattr(model, "data_map_")


def test_an_estimator_without_chance_is_named():
    boosting = HistGradientBoostingClassifier(max_iter=3)
    with pytest.warns(IdenticalMapsWarning, match="HistGradientBoostingClassifier does not depend"):
        report = stability_report(boosting, X, y, n_seeds=2, random_state=0)
    assert report.stable_share_ == 1
    folded = CartographyClassifier(boosting, cv=3)
    stability_report(folded, X, y, n_seeds=2, random_state=0)  # folds differ: no warning


def test_weights_ids_groups_and_arguments_of_steps_reach_each_training():
    weight = np.where(np.arange(len(y)) < 20, 0.0, 1.0)
    pipeline = make_pipeline(StandardScaler(), SGD)
    params = {"sgdclassifier__sample_weight": weight, "sample_ids": np.arange(120) + 7}
    model = CartographyClassifier(pipeline, n_epochs=3)
    report = stability_report(model, X, y, n_seeds=2, params=params, random_state=0)
    assert_array_equal(report.mean_map_.excluded_mask, weight == 0)
    assert_array_equal(report.mean_map_.sample_ids, np.arange(120) + 7)
    assert {*report.region_[:20]} == {"excluded"}
    assert not report.stable_mask_[:20].any()
    groups = np.arange(120) // 4
    by_group = CartographyClassifier(RandomForestClassifier(5, max_depth=2), cv=3)
    found = stability_report(by_group, X, y, n_seeds=2, groups=groups, random_state=0)
    assert found.mean_map_.record == "out_of_fold"


def test_what_the_estimator_does_not_take_is_an_error():
    with pytest.raises(TypeError, match="takes no nope"):
        stability_report(WATCHED, X, y, n_seeds=2, params={"nope": 1})
    with pytest.raises(NotWatchableError):
        stability_report("sgd", X, y)


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_the_frame_has_a_row_for_each_row(report, backend):
    pytest.importorskip(backend)
    frame = report.to_frame(backend)
    assert len(frame) == 120
    assert {"confidence", "confidence_se", "proba_ambiguous", "region", "stable"} <= {
        *frame.columns
    }
    assert_array_equal(np.asarray(frame["stable"]), report.stable_mask_)


def test_a_report_needs_a_mean_with_probabilities(four_maps):
    agreement = map_agreement(four_maps)
    with pytest.raises(ValueError, match="must hold region_probabilities"):
        StabilityReport(four_maps, four_maps[0], agreement, seeds=[0, 1, 2, 3])


def test_the_plot_shows_ranges_and_the_probability_of_each_row(report):
    pytest.importorskip("matplotlib")
    display = report.plot()
    summary = report.summary()
    for measure in ("rank correlation", "overlap"):
        rows = summary["measure"] == measure
        assert_allclose(display.points_[measure].get_xdata(), summary["mean"][rows])
        ends = np.array([path.vertices[:, 0] for path in display.ranges_[measure].get_paths()])
        assert_allclose(ends, np.stack([summary["min"][rows], summary["max"][rows]], axis=1))
    highest = np.sort(report.mean_map_.region_probabilities.max(axis=1))[::-1]
    assert_array_equal(display.rows_.get_array(), highest)  # the least stable row on top
    assert len(report.plot(max_samples=50).rows_.get_offsets()) == 50


def test_a_report_is_plotted_and_nothing_else(report):
    with pytest.raises(ValueError, match="must be a StabilityReport"):
        StabilityReportDisplay(report.mean_map_)


def test_a_folder_of_histories_is_not_needed_without_a_history(tmp_path):
    params = {"n_seeds": 2, "random_state": 0}
    expected = stability_report(WATCHED, X, y, **params)
    watched = CartographyClassifier(SGD, n_epochs=4, history_dir=tmp_path / "history")
    found = stability_report(watched, X, y, **params)
    assert_array_equal(found.mean_map_.confidence, expected.mean_map_.confidence)
    assert not (tmp_path / "history").exists()


def test_the_folders_of_a_single_training_are_not_used(tmp_path):
    params = {"n_epochs": 2, "history_dir": tmp_path / "h", "checkpoint": tmp_path / "c"}
    clf = CartographyClassifier(SGDClassifier(loss="log_loss"), **params)
    report = stability_report(clf, *load_iris(return_X_y=True), n_seeds=2, random_state=0)
    assert report.mean_map_.n_samples == 150
    assert not any(tmp_path.iterdir())
