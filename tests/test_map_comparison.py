"""compare_maps: rows that moved between two versions of a data set."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto import DataMap, MapComparison, MapComparisonDisplay, compare_maps


def make_map(confidence, variability=None, **params):
    n = len(confidence)
    variability = np.full(n, 0.1) if variability is None else variability
    return DataMap(
        confidence=confidence, variability=variability, correctness=np.ones(n), n_epochs=5, **params
    )


@pytest.fixture
def pair():
    before = make_map(
        [0.9, 0.2, 0.6, 0.8], [0.1, 0.1, 0.4, 0.1], sample_ids=[*"abcd"], labels=[0, 1, 0, 1]
    )  # fmt: skip
    after = make_map(
        [0.7, 0.9, 0.8, 0.1], [0.1, 0.2, 0.1, 0.1], sample_ids=[*"ecba"], labels=[0, 0, 0, 0]
    )  # fmt: skip
    return before, after


def test_rows_are_matched_by_id_in_the_order_of_the_first_map(pair):
    found = compare_maps(*pair, variability=0.3)
    assert_array_equal(found.sample_ids_, ["a", "b", "c"])
    assert_array_equal(found.region_a_, ["easy-to-learn", "hard-to-learn", "ambiguous"])
    assert_array_equal(found.region_b_, ["hard-to-learn", "easy-to-learn", "easy-to-learn"])
    assert_allclose(found.shifts_["confidence"], [-0.8, 0.6, 0.3])
    assert_allclose(found.shifts_["variability"], [0, 0, -0.2])
    assert_array_equal(found.added_ids_, ["e"])
    assert_array_equal(found.removed_ids_, ["d"])
    assert_array_equal(found.relabelled_ids_, ["b"])
    assert_array_equal(found.transitions_, [[0, 0, 1], [1, 0, 0], [1, 0, 0]])
    # distances .8, .6 and hypot(.3, .4) = .5
    assert_array_equal(found.most_moved(2), ["a", "b"])
    assert "3 common rows, 3 moved, 1 relabelled, 1 added, 1 removed" in str(found)


def test_a_map_has_not_moved_from_itself_in_any_order_of_rows(random_map):
    ids = np.arange(200)
    one = random_map(200)
    one = make_map(one.confidence, one.variability, sample_ids=ids)
    shuffled = one.subset(np.random.RandomState(0).permutation(200))
    found = compare_maps(one, shuffled)
    assert not found.moved_mask_.any()
    assert len(found.added_ids_) == len(found.removed_ids_) == 0
    assert_array_equal(found.sample_ids_, ids)
    assert np.trace(found.transitions_) == 200


def test_the_way_back_is_the_transpose(pair):
    there, back = compare_maps(*pair), compare_maps(*pair[::-1])
    assert_array_equal(back.transitions_, there.transitions_.T)
    assert_array_equal(np.sort(back.added_ids_), np.sort(there.removed_ids_))
    assert {*back.relabelled_ids_} == {*there.relabelled_ids_}


def test_maps_without_ids_are_matched_by_position_on_request_only():
    one, two = make_map([0.9, 0.1]), make_map([0.9, 0.8])
    with pytest.raises(ValueError, match=r"'a' parameter .* must hold sample_ids"):
        compare_maps(one, two)
    found = compare_maps(one, two, by_position=True, variability=0.2)
    assert_array_equal(found.sample_ids_, [0, 1])
    assert_array_equal(found.moved_mask_, [False, True])
    assert not found.relabelled_mask_.any()
    with pytest.raises(ValueError, match="got 2 and 1 rows"):
        compare_maps(one, make_map([0.5]), by_position=True)


@pytest.mark.parametrize(
    ("ids_a", "ids_b"),
    [
        ([1, 2], [2.0, 3.0]),
        ([("u", 1), ("u", 2)], [("u", 2), ("v", 2)]),
        (np.array(["2020", "2021"], "M8[Y]"), np.array(["2021-01-01", "2022-01-01"], "M8[ns]")),
    ],
    ids=["numbers", "tuples", "dates"],
)
def test_ids_of_any_type_match_by_value(ids_a, ids_b):
    def as_ids(values):
        if isinstance(values, np.ndarray) or not isinstance(values[0], tuple):
            return values
        array = np.empty(2, dtype=object)
        array[:] = values
        return array

    one = make_map([0.9, 0.1], sample_ids=as_ids(ids_a))
    two = make_map([0.6, 0.5], sample_ids=as_ids(ids_b))
    assert_allclose(compare_maps(one, two).shifts_["confidence"], [0.5])


def test_ids_that_repeat_or_that_no_two_maps_share_are_refused(pair):
    twice = make_map([0.9, 0.1], sample_ids=["a", "a"])
    with pytest.raises(ValueError, match="each of its sample_ids once"):
        compare_maps(pair[0], twice)
    with pytest.raises(ValueError, match="no sample id that both maps hold"):
        compare_maps(pair[0], make_map([0.9], sample_ids=[3]))


def test_rows_without_a_place_keep_their_state():
    one = DataMap(
        confidence=[0.9, np.nan, 0.5], variability=[0.1, np.nan, 0.1], correctness=[1, np.nan, 1],
        n_epochs=3, excluded_mask=[False, False, True],
    )  # fmt: skip
    found = compare_maps(one, make_map([0.9, 0.9, 0.9]), by_position=True, variability=0.4)
    assert found.regions_[3:] == ["excluded", "unseen"]
    assert_array_equal(found.transitions_[3:, 0], [1, 1])
    assert np.isnan(found.shifts_["confidence"][1])


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_the_frame_has_a_row_for_each_common_row(pair, backend):
    pytest.importorskip(backend)
    frame = compare_maps(*pair, variability=0.3).to_frame(backend)
    assert list(frame.columns) == [
        "sample_id", "label_a", "label_b", "region_a", "region_b", "moved", "relabelled",
        "confidence_shift", "variability_shift", "correctness_shift",
    ]  # fmt: skip
    assert list(frame["moved"]) == [True, True, True]
    assert list(frame["relabelled"]) == [False, True, False]


def test_a_comparison_is_made_of_rows_that_fit():
    one = make_map([0.9, 0.1])
    ids = np.arange(3)
    with pytest.raises(ValueError, match="same rows"):
        MapComparison(one, one, ids, ids, ids, added_ids=ids, removed_ids=ids)


def test_cells_show_counts_coloured_by_the_share_of_their_row(pair):
    pytest.importorskip("matplotlib")
    display = compare_maps(*pair, variability=0.3).plot()
    assert [text.get_text() for text in display.texts_] == [*"001100100"]
    assert_array_equal(display.image_.get_array().filled(-1)[0], [0, 0, 1])
    assert display.arrows_ == {}


def test_arrows_lead_from_the_first_place_of_a_row_to_the_second(pair):
    pytest.importorskip("matplotlib")
    display = compare_maps(*pair, variability=0.3).plot(kind="arrows")
    kept, relabelled = display.arrows_["kept"], display.arrows_["relabelled"]
    assert_allclose(kept.get_offsets(), [[0.1, 0.9], [0.4, 0.6]])
    assert_allclose(np.stack([kept.U, kept.V], axis=1), [[0, -0.8], [-0.2, 0.3]], atol=1e-12)
    assert_allclose(relabelled.get_offsets(), [[0.1, 0.2]])
    few = compare_maps(*pair, variability=0.3).plot(kind="arrows", max_arrows=1)
    assert list(few.arrows_) == ["kept"]  # the row that moved furthest
    assert "1 of 3" in few.ax_.get_title()


def test_a_plot_of_rows_that_did_not_move_has_no_arrow():
    pytest.importorskip("matplotlib")
    one = make_map([0.9, 0.1])
    assert compare_maps(one, one, by_position=True).plot(kind="arrows").arrows_ == {}


def test_a_comparison_of_maps_is_plotted_and_nothing_else():
    with pytest.raises(ValueError, match="must be a MapComparison"):
        MapComparisonDisplay(make_map([0.9]))


def test_dates_of_another_unit_are_the_same_labels():
    shared = {"confidence": [0.9, 0.2], "variability": [0.1, 0.1], "correctness": [1, 0]}
    dates = np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[ns]")
    one, two = (
        DataMap(**shared, n_epochs=5, labels=dates.astype(f"datetime64[{unit}]"))
        for unit in ("ns", "s")
    )
    assert not compare_maps(one, two, by_position=True).relabelled_mask_.any()
