"""map_agreement: how far maps of the same rows agree."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_mutual_info_score

from sklearn_carto import DataMap, map_agreement


@pytest.fixture
def maps(random_map):
    names = ["a", "b", "c"]
    return {name: random_map(seed=seed, labels=None) for seed, name in enumerate(names)}


def test_a_map_agrees_wholly_with_itself_and_by_chance_with_others(random_map):
    same, other = random_map(2000, labels=None), random_map(2000, seed=1, labels=None)
    agreement = map_agreement([same, same, other], frac=0.25)
    assert agreement.names_ == ["map 0", "map 1", "map 2"]
    for name in ("confidence", "variability", "aum"):
        assert_allclose(agreement.rank_correlation_[name][0, 1], 1.0)
        assert_allclose(agreement.overlap_[name][0, 1], 1.0)
        assert abs(agreement.rank_correlation_[name][0, 2]) < 0.1
        assert abs(agreement.overlap_[name][0, 2] - agreement.chance_) < 0.05
    assert_allclose(agreement.mutual_info_[0, 1], 1.0)
    assert abs(agreement.mutual_info_[0, 2]) < 0.02
    assert agreement.chance_ == 0.25


def test_matrices_are_those_of_scipy_and_scikit_learn(maps):
    agreement = map_agreement(maps)
    for name in ("confidence", "correctness"):
        expected = spearmanr([getattr(one, name) for one in maps.values()], axis=1).statistic
        assert_allclose(agreement.rank_correlation_[name], expected)
    a, c = maps["a"].region_labels(), maps["c"].region_labels()
    assert_allclose(agreement.mutual_info_[0, 2], adjusted_mutual_info_score(a, c))


def test_overlap_counted_by_hand():
    facts = {"correctness": [1] * 4, "n_epochs": 3, "confidence": [0.9, 0.8, 0.7, 0.6]}
    one = DataMap(variability=[0.4, 0.3, 0.2, 0.1], **facts)
    other = DataMap(variability=[0.1, 0.3, 0.2, 0.4], **facts)
    agreement = map_agreement({"one": one, "other": other}, frac=0.5)
    assert_allclose(agreement.overlap_["variability"], [[1, 0.5], [0.5, 1]])
    assert_allclose(agreement.overlap_["confidence"], 1.0)


def test_the_rows_that_changed_places_are_the_most_disputed(random_map):
    one = random_map(100)
    confidence = one.confidence.copy()
    easiest, hardest = confidence.argmax(), confidence.argmin()
    confidence[[easiest, hardest]] = confidence[[hardest, easiest]]
    facts = {"variability": one.variability, "correctness": one.correctness, "n_epochs": 12}
    other = DataMap(confidence=confidence, labels=one.labels, **facts)
    agreement = map_agreement({"one": one, "other": other})
    assert set(agreement.most_disputed(2)) == {easiest, hardest}
    assert len(agreement.most_disputed(1000)) == 100


def test_rows_that_a_map_never_saw_are_left_out():
    facts = {"variability": [0.1, 0.2, np.nan], "correctness": [1, 1, np.nan], "n_epochs": 3}
    maps = [DataMap(confidence=[p, 0.5, np.nan], **facts) for p in (0.9, 0.8)]
    agreement = map_agreement(maps)
    assert_array_equal(np.isnan(agreement.disagreement_), [False, False, True])
    assert_allclose(agreement.rank_correlation_["confidence"], 1.0)
    assert 2 not in agreement.most_disputed(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda maps: [maps[0]], "at least 2 maps"),
        (lambda maps: [maps[0], maps[1][0]], "map 1 has 2 rows, map 0 300"),
    ],
)
def test_too_few_maps_and_maps_of_other_rows_are_refused(random_map, change, message):
    short = random_map(2)
    with pytest.raises(ValueError, match=message):
        map_agreement(change([random_map(), [short]]))


def test_other_labels_and_bad_shares_are_refused(random_map):
    with pytest.raises(ValueError, match="map 1 differs from map 0 in labels"):
        map_agreement([random_map(), random_map(labels=["a"] * 300)])
    with pytest.raises(ValueError, match=r"frac must lie in \(0, 1\]"):
        map_agreement([random_map(labels=None)] * 2, frac=0)


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_a_frame_holds_each_pair_and_statistic(maps, backend):
    pytest.importorskip(backend)
    agreement = map_agreement(maps)
    frame = agreement.to_frame(backend=backend)
    assert len(frame) == 3 * len(agreement.rank_correlation_)
    assert frame["rank_correlation"][0] == agreement.rank_correlation_["confidence"][0, 1]
    assert "3 maps, mean over 3 pairs" in str(agreement)
    assert repr(agreement) == "<MapAgreement: 3 maps of 300 rows>"
