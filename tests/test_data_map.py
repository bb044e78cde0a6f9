"""DataMap: a frozen record with ranges, and what can be made of it."""

import datetime
import gzip
import json
import uuid
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto import DataMap, TrainingDynamics, map_agreement
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._utils._compat import InvalidParameterError

THREE = {
    "confidence": [0.9, 0.5, 0.1],
    "variability": [0.1, 0.4, 0.1],
    "correctness": [1.0, 0.5, 0.0],
    "n_epochs": 6,
}


def whole_map(seed=0, **given):
    rng = np.random.RandomState(seed)
    dynamics = TrainingDynamics(["x", "y", "x", "y"], n_epochs=8, **given)
    for epoch in range(8):
        dynamics.update(epoch, rng.dirichlet([1, 1], size=4))
    return DataMap.from_dynamics(dynamics)


def test_a_map_cannot_be_changed():
    data_map = DataMap(**THREE)
    with pytest.raises(FrozenInstanceError):
        data_map.n_epochs = 7
    with pytest.raises(ValueError, match="read-only"):
        data_map.confidence[0] = 0.0


def test_a_map_does_not_freeze_the_arrays_it_was_given():
    confidence = np.array([0.9, 0.5, 0.1])
    data_map = DataMap(**THREE | {"confidence": confidence})
    confidence[0] = 0.0
    assert data_map.confidence[0] == 0.9


def test_published_maps_hold_three_statistics_and_one_that_follows():
    data_map = DataMap(**THREE)
    # c (1 - c) - v^2: .09 - .01, .25 - .16, .09 - .01
    assert_allclose(data_map.aleatoric, [0.08, 0.09, 0.08])
    assert data_map.aum is None
    assert data_map.classes is None
    assert len(data_map) == data_map.n_samples == 3
    assert repr(data_map) == "<DataMap: 3 rows, 6 epochs>"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"correctness": [6, 3, 0]},
            r"'correctness' .* must lie in \[0, 1\].* A count of epochs",
        ),
        ({"variability": [0.1, 0.6, 0.1]}, r"'variability' .* must lie in \[0, 0.5\]"),
        ({"confidence": [0.9, 0.5, -0.1]}, r"'confidence' .* must lie in \[0, 1\]"),
        ({"labels": ["a", "b"]}, r"'labels' .* must have shape \(3,\).*Got \(2,\)"),
        ({"variability": [0.1]}, r"'variability' .* must have shape \(3,\).*Got \(1,\)"),
    ],
    ids=["count", "variability", "confidence", "labels", "length"],
)
def test_what_is_no_map_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        DataMap(**THREE | given)


EASY, HARD, AMBIGUOUS = "easy-to-learn", "hard-to-learn", "ambiguous"


def test_regions_have_names():
    # of five rows two are ambiguous; the fourth and fifth tie
    data_map = DataMap(
        confidence=[0.9, 0.5, 0.1, 0.6, 0.4],
        variability=[0.1, 0.0, 0.1, 0.4, 0.4],
        correctness=[1.0, 0.5, 0.0, 0.5, 0.5],
        n_epochs=6,
    )
    assert data_map.region_labels().tolist() == [EASY, EASY, HARD, AMBIGUOUS, AMBIGUOUS]
    # all may be ambiguous but the one that never moved
    expected = [AMBIGUOUS, EASY, AMBIGUOUS, AMBIGUOUS, AMBIGUOUS]
    assert data_map.region_labels(1.0).tolist() == expected
    assert data_map.region_labels(0.4, confidence=0.95).tolist()[:2] == [HARD, HARD]
    assert data_map.region_labels(1.0, variability=0.5).tolist() == [EASY, EASY, HARD, EASY, HARD]


@pytest.mark.parametrize("frac", [0.01, 0.1, 0.33, 0.77, 1.0])
def test_no_more_rows_are_ambiguous_than_their_share_also_where_all_tie(frac):
    same = {"confidence": [0.4] * 50, "variability": [0.3] * 50, "correctness": [0.5] * 50}
    labels = DataMap(n_epochs=6, **same).region_labels(frac)
    assert (labels == AMBIGUOUS).sum() == max(1, round(50 * frac))
    assert (labels[labels != AMBIGUOUS] == HARD).all()


@pytest.mark.parametrize("highest", [0.01, 0.05, 0.0999])
def test_a_map_of_low_variability_has_hard_rows_and_no_ambiguous_ones(highest):
    # rows of low confidence vary most, as those do whose labels are wrong
    confidence = np.linspace(0.02, 0.98, 90)
    data_map = DataMap(
        confidence=confidence,
        variability=highest * (1 - confidence),
        correctness=confidence,
        n_epochs=6,
    )
    labels = data_map.region_labels()
    assert [(labels == name).sum() for name in (HARD, AMBIGUOUS, EASY)] == [45, 0, 45]


def test_ties_at_the_border_of_the_ambiguous_rows_are_broken_by_the_seed():
    same = {"confidence": [0.4] * 50, "variability": [0.3] * 50, "correctness": [0.5] * 50}
    data_map = DataMap(n_epochs=6, **same)
    first, again, other = (data_map.region_labels(random_state=seed) for seed in (1, 1, 2))
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"frac": 0}, r"frac must lie in \(0, 1\]"),
        ({"frac": True}, "frac must be a number"),
        ({"confidence": 1.1}, "'confidence' parameter of DataMap.region_labels"),
        ({"variability": "low"}, "'variability' parameter of DataMap.region_labels"),
        ({"random_state": "one"}, "'random_state' parameter of DataMap.region_labels"),
    ],
    ids=str,
)
def test_thresholds_of_regions_are_checked(given, message):
    data_map = DataMap(**THREE)
    with pytest.raises(InvalidParameterError, match=message):
        data_map.region_labels(**given)


def test_the_mean_of_maps_by_hand():
    other = {"confidence": [0.7, 0.7, 0.1], "variability": [0.3, 0.2, 0.1], "n_epochs": 4}
    mean = DataMap.mean([DataMap(**THREE), DataMap(**THREE | other)])
    assert_allclose(mean.confidence, [0.8, 0.6, 0.1])
    assert_allclose(mean.variability, [0.2, 0.3, 0.1])
    # deviation of .9 and .7 is .2 / 2^.5; over 2^.5 maps: .1
    assert_allclose(mean.standard_errors["confidence"], [0.1, 0.1, 0.0], atol=1e-12)
    assert mean.n_epochs == 10


def test_the_mean_is_infinite_where_one_map_never_learned_a_row():
    maps = [
        DataMap(**THREE, first_learned=[0, 3, np.inf]),
        DataMap(**THREE, first_learned=[2, 3, 4]),
    ]
    mean = DataMap.mean(maps)
    assert_array_equal(mean.first_learned, [1, 3, np.inf])
    assert np.isnan(mean.standard_errors["first_learned"][2])


def test_the_mean_of_one_map_is_that_map_without_errors():
    mean = DataMap.mean([whole_map()])
    assert_allclose(mean.confidence, whole_map().confidence)
    assert np.isnan(mean.standard_errors["confidence"]).all()


def test_the_mean_keeps_what_all_maps_hold():
    mean = DataMap.mean([DataMap(**THREE, aum=[1, 2, 3]), DataMap(**THREE)])
    assert mean.aum is None
    assert_allclose(mean.confidence, THREE["confidence"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"confidence": [0.5], "variability": [0], "correctness": [1]},
            "map 1 has 1 rows, map 0 3",
        ),
        ({"labels": ["b", "a", "a"]}, "map 1 differs from map 0 in labels"),
        ({"record": "training"}, "differs from map 0 in record"),
        ({"held_out_mask": [True, False, False]}, "differs from map 0 in held_out_mask"),
        ({"sample_ids": [7, 8, 9]}, "differs from map 0 in sample_ids"),
    ],
    ids=["length", "labels", "record", "held out", "ids"],
)
def test_maps_of_different_rows_are_not_averaged(given, message):
    if len(given.get("confidence", THREE["confidence"])) == 3:
        given = {"labels": ["a", "b", "b"]} | given
    maps = [DataMap(**THREE, labels=["a", "b", "b"]), DataMap(**THREE | given)]
    with pytest.raises(ValueError, match=message):
        DataMap.mean(maps)
    with pytest.raises(ValueError, match="at least one map"):
        DataMap.mean([])


@pytest.mark.parametrize("labels", [["a", "b", "b"], [1, 2, 2], [True, False, False]], ids=str)
def test_saving_and_loading_gives_the_same_map(tmp_path, labels):
    ids = np.array(["p", "q", "r"], dtype=object)
    data_map = DataMap(
        **THREE,
        labels=labels,
        sample_ids=ids,
        held_out_mask=[True, False, False],
        margin_from="logits",
        first_learned=[0, 2, np.inf],
    )
    data_map.save(tmp_path / "map.npz")
    loaded = DataMap.load(tmp_path / "map.npz")
    for name in (*STATISTICS, "labels", "classes", "held_out_mask", "sample_ids"):
        expected = getattr(data_map, name)
        assert (getattr(loaded, name) is None) == (expected is None)
        if expected is not None:
            assert_array_equal(getattr(loaded, name), expected)
            assert getattr(loaded, name).dtype == expected.dtype
    assert (loaded.n_epochs, loaded.margin_from, loaded.record) == (6, "logits", "epoch_end")
    assert loaded.standard_errors is None


def test_standard_errors_are_saved_too(tmp_path):
    mean = DataMap.mean([whole_map(0), whole_map(1)])
    mean.save(tmp_path / "map")
    loaded = DataMap.load(tmp_path / "map")
    assert loaded.standard_errors.keys() == mean.standard_errors.keys()
    assert_array_equal(loaded.standard_errors["aum"], mean.standard_errors["aum"])


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_a_frame_has_a_row_for_each_row(backend):
    pytest.importorskip(backend)
    frame = DataMap.mean([whole_map(0), whole_map(1)]).to_frame(backend)
    assert list(frame.columns)[:3] == ["label", "confidence", "variability"]
    assert {f"{name}_se" for name in STATISTICS} <= set(frame.columns)
    assert len(frame) == 4
    assert list(frame["label"]) == ["x", "y", "x", "y"]
    named = whole_map(sample_ids=list("pqrs"), held_out_mask=[True] * 4).to_frame(backend)
    assert list(named.columns)[0] == "sample_id"
    assert list(named["held_out"]) == [True] * 4


def test_a_frame_of_an_unknown_or_absent_library_is_refused(without):
    data_map = DataMap(**THREE)
    with pytest.raises(ValueError, match="'backend' parameter .* must be a str among"):
        data_map.to_frame("dask")
    without("polars")
    with pytest.raises(ImportError, match=r"DataMap.to_frame requires polars.*pip install"):
        data_map.to_frame("polars")


def published(data_folder):
    name = "winogrande_roberta_0_6_data_map_coordinates.jsonl.gz"
    with gzip.open(data_folder / "allenai_cartography" / name, "rt") as file:
        rows = [json.loads(line) for line in file]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    with np.load(data_folder / "winogrande" / "train_xl_labels.npz") as file:
        labels = dict(zip(file["guid"].tolist(), file["answer"].tolist(), strict=True))
    return DataMap(
        confidence=columns["confidence"],
        variability=columns["variability"],
        correctness=columns["correctness"] / 6,
        n_epochs=6,
        sample_ids=columns["guid"],
        labels=[labels[guid] for guid in columns["guid"].tolist()],
    )


@pytest.mark.data
def test_the_published_winogrande_map_selects(data_folder):
    data_map = published(data_folder)
    assert len(data_map) == 40398
    rows = data_map.select("ambiguous", 0.33, stratify=False, random_state=0)
    assert len(rows) == round(0.33 * 40398)
    left = np.delete(data_map.variability, rows)
    assert data_map.variability[rows].min() >= left.max()
    # a row that is right at every epoch has more confidence than one that never is
    hard, easy = (
        data_map.select(f"{end}-correctness", 0.0005, stratify=False) for end in ("low", "high")
    )
    assert data_map.correctness[hard].max() == 0
    assert data_map.confidence[easy].min() > 0.5 > data_map.confidence[hard].max()
    counts = np.bincount(np.round(6 * data_map.correctness).astype(int))
    assert_array_equal(counts, [27, 84, 266, 698, 2208, 12215, 24900])


@pytest.mark.data
def test_the_published_winogrande_map_draws(data_folder, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    display = published(data_folder).plot(histograms=True)
    display.figure_.savefig(tmp_path / "map.png")
    assert_allclose(display.colorbar_.get_ticks(), np.arange(7) / 6)
    assert "25,000 of 40,398 rows" in display.note_.get_text()
    matplotlib.pyplot.close(display.figure_)


def test_rows_never_seen_belong_to_no_region_and_count_for_none():
    data_map = DataMap(
        confidence=[0.9, np.nan, 0.5, 0.1],
        variability=[0.1, np.nan, 0.4, 0.2],
        correctness=[1, np.nan, 0.5, 0],
        n_epochs=3,
    )
    names = ["easy-to-learn", "unseen", "ambiguous", "hard-to-learn"]
    assert data_map.region_labels().tolist() == names
    nothing = DataMap(confidence=[np.nan], variability=[np.nan], correctness=[np.nan], n_epochs=1)
    assert nothing.region_labels().tolist() == ["unseen"]


def test_a_map_of_no_epoch_is_refused():
    with pytest.raises(ValueError, match="'n_epochs' parameter of DataMap"):
        DataMap(confidence=[0.5], variability=[0.1], correctness=[1], n_epochs=0)


RAGGED = [[1, 2], [3]]


@pytest.mark.parametrize(
    "given",
    [
        {"confidence": None},
        {"confidence": []},
        {"confidence": ["0.9", "0.5", "0.1"]},
        {"confidence": [True, False, True]},
        {"confidence": [0.9, 0.5j, 0.1]},
        {"confidence": [0.9, None, 0.1]},
        {"confidence": RAGGED},
        {"confidence": 0.5},
        {"variability": [0.1, np.nan, 0.1]},
        {"correctness": [np.nan, 1, 0]},
        {"aum": [1, 2]},
        {"aum": ["a", "b", "c"]},
        {"aum": [np.nan, 0, 0]},
        {"forgetting": [-1, 0, 0]},
        {"first_learned": [-2, 0, 0]},
        {"el2n": [1.5, 0, 0]},
        {"aleatoric": [0.3, 0, 0]},
        {"loss": [-0.1, 0, 0]},
        {"dual": [1.2, 0, 0]},
        {"n_epochs": 0},
        {"n_epochs": 1.5},
        {"n_epochs": "6"},
        {"n_epochs": None},
        {"n_epochs": True},
        {"labels": ["a", None, "b"]},
        {"labels": [0.0, np.nan, 1.0]},
        {"labels": ["a", 1, "b"]},
        {"labels": [["a"], ["b"], ["c"]]},
        {"labels": "abc"},
        {"labels": ["a", "b", "c"], "classes": ["a", "b"]},
        {"labels": ["a", "b", "c"], "classes": ["a", "b", "c", "c"]},
        {"labels": ["a", "b", "c"], "classes": [0, 1, 2]},
        {"labels": ["a", "b", "c"], "classes": "abc"},
        {"classes": [["a", "b"]]},
        {"held_out_mask": [0, 1, 0]},
        {"held_out_mask": ["no", "yes", "no"]},
        {"held_out_mask": [True]},
        {"excluded_mask": [1.0, 0.0, 0.0]},
        {"excluded_mask": "none"},
        {"sample_ids": ["a"]},
        {"sample_ids": "abc"},
        {"margin_from": "entropy"},
        {"margin_from": True},
        {"record": "banana"},
        {"record": None},
        {"standard_errors": [0.1, 0.1, 0.1]},
        {"standard_errors": {"confidence": [0.1]}},
        {"standard_errors": {"confidence": [-0.1, 0, 0]}},
        {"standard_errors": {"confidence": "abc"}},
        {"standard_errors": {"aum": [0.1, 0.1, 0.1]}},
        {"standard_errors": {"charm": [0.1, 0.1, 0.1]}},
    ],
    ids=str,
)
def test_fields_that_do_not_fit_are_named(given):
    (name,) = [*given][-1:]
    with pytest.raises(InvalidParameterError, match=f"'{name}.* parameter of DataMap must"):
        DataMap(**THREE | given)


@pytest.mark.parametrize("name", ["labels", "held_out_mask", "sample_ids", "classes"])
def test_a_map_keeps_arrays_of_its_own(name):
    values = {
        "labels": np.array([2, 1, 2]),
        "classes": np.array([2, 1]),
        "held_out_mask": np.array([True, False, False]),
        "sample_ids": np.array(["p", "q", "r"], dtype=object),
    }
    data_map = DataMap(**THREE, **values)
    before = values[name].tolist()
    values[name][:] = values[name][::-1].copy()
    assert getattr(data_map, name).tolist() == before
    with pytest.raises(ValueError, match="read-only"):
        getattr(data_map, name)[0] = values[name][0]


def test_a_subset_is_the_map_of_these_rows():
    mean = DataMap.mean([whole_map(0, sample_ids=list("pqrs"), excluded_mask=[True] + [False] * 3)])
    part = mean.subset([3, 0])
    for name in (*STATISTICS, "labels", "sample_ids", "excluded_mask"):
        assert_array_equal(getattr(part, name), getattr(mean, name)[[3, 0]])
    assert_array_equal(part.standard_errors["aum"], mean.standard_errors["aum"][[3, 0]])
    assert_array_equal(part.subset([1]).classes, ["x", "y"])
    masked = mean.subset(np.array([False, True, False, True]))
    assert masked.sample_ids.tolist() == ["q", "s"]


@pytest.mark.parametrize(
    "rows",
    [[], [0, 0], [-1], [3], [0.0], ["a"], [True], None, 1, RAGGED, [None], slice(2)],
    ids=str,
)
def test_a_subset_names_rows_of_the_map_each_once(rows):
    data_map = DataMap(**THREE)
    with pytest.raises(InvalidParameterError, match="'rows' parameter of DataMap.subset must"):
        data_map.subset(rows)


@pytest.mark.parametrize(
    "thing", [None, "dynamics", {}, np.zeros((3, 3)), DataMap(**THREE)], ids=str
)
def test_a_map_is_made_of_dynamics_and_of_nothing_else(thing):
    with pytest.raises(
        InvalidParameterError, match="'dynamics' parameter of DataMap.from_dynamics"
    ):
        DataMap.from_dynamics(thing)


@pytest.mark.parametrize(
    ("epochs", "message"),
    [
        ([], "selects none of the 3 epochs"),
        (slice(3, None), "selects none"),
        ([False] * 3, "selects none"),
        ([True, False], "one boolean for each of the 3 epochs"),
        ([3], "whole numbers from -3 to 2"),
        ([-4], "whole numbers from -3 to 2"),
        ([1.0], "whole numbers"),
        ("all", "whole numbers"),
        (slice("a", None), "whole numbers"),
        (RAGGED, "whole numbers"),
        ({"a": 1}, "whole numbers"),
    ],
    ids=str,
)
def test_epochs_that_were_not_recorded_are_refused(epochs, message):
    dynamics = TrainingDynamics(["a", "b"])
    for epoch in range(3):
        dynamics.update(epoch, [[0.5, 0.5], [0.1, 0.9]])
    with pytest.raises(InvalidParameterError, match=message):
        DataMap.from_dynamics(dynamics, epochs)


@pytest.mark.parametrize(
    "maps",
    [None, "maps", 3, DataMap(**THREE), [], [DataMap(**THREE), None], {"a": 1}, [{}]],
    ids=str,
)
def test_only_maps_have_a_mean_and_an_agreement(maps):
    with pytest.raises(InvalidParameterError, match="'maps' parameter of DataMap.mean must hold"):
        DataMap.mean(maps)
    with pytest.raises(InvalidParameterError, match="'maps' parameter of map_agreement must hold"):
        map_agreement(maps)


IDS = {
    "missing": [None, float("nan"), np.datetime64("NaT")],
    "nan": np.array([np.nan, 1.0, np.nan]),
    "nat": np.array(["NaT", "2020-01-01", "NaT"], dtype="M8[D]"),
    "uuids": [uuid.UUID(int=i) for i in range(3)],
    "dates": [datetime.date(2020, 1, day) for day in (1, 2, 3)],
    "aware": [datetime.datetime(2020, 1, d, tzinfo=datetime.UTC) for d in (1, 2, 3)],
    "mixed": [1, "1", None],
    "tuples": [("a", 1), ("a", 2), ("b", None)],
    "bytes": [b"a", b"b", b"\xff"],
    "numpy bytes": np.array([b"a", b"b", b"c"]),
    "durations": np.array([1, 2, 3], dtype="m8[s]"),
    "complex": np.array([1j, 2j, 3j]),
}


@pytest.mark.parametrize("kind", IDS)
def test_rows_may_have_names_of_any_type(tmp_path, kind):
    maps = [DataMap(**THREE, sample_ids=IDS[kind]) for _ in range(2)]
    mean = DataMap.mean(maps)
    assert len(map_agreement(maps).disagreement_) == 3
    other = DataMap(**THREE, sample_ids=[*IDS[kind]][::-1])
    if kind not in ("nan", "nat"):
        with pytest.raises(ValueError, match="map 1 differs from map 0 in sample_ids"):
            DataMap.mean([mean, other])
    mean.save(tmp_path / "map")
    loaded = DataMap.load(tmp_path / "map")
    assert [str(one) for one in loaded.sample_ids] == [str(one) for one in mean.sample_ids]
    if kind != "missing":  # NaT of numpy becomes text
        DataMap.mean([mean, loaded])
    dynamics = TrainingDynamics(["a", "b", "b"], sample_ids=IDS[kind])
    dynamics.update(0, np.full((3, 2), 0.5))
    dynamics.save(tmp_path / "dynamics")
    loaded = TrainingDynamics.load(tmp_path / "dynamics")
    assert [str(one) for one in loaded.sample_ids] == [str(one) for one in mean.sample_ids]


def test_a_mask_of_no_row_is_none():
    maps = [DataMap(**THREE, excluded_mask=mask) for mask in (None, [False] * 3)]
    assert DataMap.mean(maps).confidence.tolist() == THREE["confidence"]
    excluded = DataMap(**THREE, excluded_mask=[True, False, False])
    with pytest.raises(ValueError, match="differs from map 0 in excluded_mask"):
        DataMap.mean([maps[0], excluded])


def test_excluded_rows_belong_to_no_region_and_count_for_none(tmp_path):
    data_map = whole_map(excluded_mask=[True, False, False, True])
    labels = data_map.region_labels()
    assert (labels[[0, 3]] == "excluded").all()
    assert_array_equal(labels[[1, 2]], data_map.subset([1, 2]).region_labels())
    data_map.save(tmp_path / "map")
    assert_array_equal(DataMap.load(tmp_path / "map").excluded_mask, [True, False, False, True])


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_a_frame_says_which_rows_are_excluded(backend):
    pytest.importorskip(backend)
    frame = whole_map(excluded_mask=[True, False, False, True]).to_frame(backend)
    assert list(frame["excluded"]) == [True, False, False, True]
    with pytest.raises(ValueError, match="'backend' parameter"):
        whole_map().to_frame(None)


@pytest.mark.parametrize("join", [DataMap.mean, map_agreement])
def test_a_set_of_maps_has_no_order_and_is_refused(join):
    with pytest.raises(InvalidParameterError, match="'maps' parameter .* list.*Got {"):
        join({map_of_shares(3), map_of_shares(3)})


@pytest.mark.parametrize("backend", ["pandas", "polars"])
@pytest.mark.parametrize(
    "sample_ids",
    [[1, "a", 2.5], ["a", None, 3], np.arange(3).astype("M8[Y]"), np.arange(3).astype("M8[h]"),
     np.arange(3).astype("m8[W]"), [True, 2, 3], [(1, "a"), (2, "b"), (1, "b")]],
)  # fmt: skip
def test_a_frame_holds_ids_of_any_kind(backend, sample_ids):
    pytest.importorskip(backend)
    data_map = map_of_shares(3, sample_ids=sample_ids)
    column = data_map.to_frame(backend)["sample_id"].to_list()
    assert len({str(value) for value in column}) == 3


def test_a_mixture_does_not_offer_auto_for_auto():
    with pytest.raises(InvalidParameterError) as caught:
        map_of_shares(3).select({"auto": 1.0}, 0.5)
    assert "Did you mean 'auto'" not in str(caught.value)


def map_of_shares(n_samples, **fields):
    share = np.linspace(0.1, 0.9, n_samples)
    return DataMap(confidence=share, variability=share / 2, correctness=share, n_epochs=2, **fields)
