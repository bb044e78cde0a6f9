"""TrainingDynamics: what is recorded, kept, replayed and stored."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto import DataMap, TrainingDynamics
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import InvalidProbabilitiesError, UnseenSamplesWarning

RNG = np.random.RandomState(0)
PROBABILITIES = RNG.dirichlet([1, 1, 1], size=(12, 30))
LABELS = RNG.choice(["x", "y", "z"], size=30)


def recorded(labels=LABELS, probabilities=PROBABILITIES, **given):
    dynamics = TrainingDynamics(labels, **{"n_epochs": len(probabilities)} | given)
    for epoch, of_epoch in enumerate(probabilities):
        dynamics.update(epoch, of_epoch)
    return dynamics


def assert_same_map(actual, expected, rtol=0):
    for name in STATISTICS:
        assert_allclose(getattr(actual, name), getattr(expected, name), rtol=rtol, err_msg=name)


def test_history_is_what_was_recorded():
    dynamics = recorded()
    columns = np.searchsorted(["x", "y", "z"], LABELS)
    p = PROBABILITIES[:, np.arange(30), columns].T
    assert_allclose(dynamics.true_proba, p, rtol=1e-6)
    assert_array_equal(dynamics.correct, (PROBABILITIES.argmax(axis=2) == columns).T)
    assert dynamics.true_proba.dtype == np.float32
    assert (dynamics.n_samples, dynamics.n_epochs) == (30, 12)
    assert_array_equal(dynamics.n_seen, np.full(30, 12))
    assert_array_equal(dynamics.classes, ["x", "y", "z"])
    assert repr(dynamics) == "<TrainingDynamics: 30 rows, 12 epochs>"


def test_history_and_running_statistics_draw_the_same_map():
    with_history, without = recorded(), recorded(keep_history=False)
    assert_same_map(DataMap.from_dynamics(with_history), DataMap.from_dynamics(without))
    replayed = DataMap.from_dynamics(with_history, epochs=slice(None))
    assert_same_map(replayed, DataMap.from_dynamics(without))


def test_burn_in_and_burn_out_leave_out_epochs():
    middle = DataMap.from_dynamics(recorded(), epochs=slice(2, 9))
    alone = DataMap.from_dynamics(recorded(probabilities=PROBABILITIES[2:9]))
    assert middle.n_epochs == 7
    for name in set(STATISTICS) - {"first_learned"}:
        assert_allclose(getattr(middle, name), getattr(alone, name), err_msg=name)
    # epochs keep their numbers
    learned = np.isfinite(alone.first_learned)
    assert_array_equal(middle.first_learned[learned], alone.first_learned[learned] + 2)
    picked = DataMap.from_dynamics(recorded(), epochs=[2, 5])
    assert_allclose(picked.confidence, recorded().true_proba[:, [2, 5]].mean(axis=1), rtol=1e-6)


def test_choosing_epochs_needs_the_history_and_an_epoch():
    with pytest.raises(ValueError, match="keep_history=True"):
        DataMap.from_dynamics(recorded(keep_history=False), epochs=slice(2, None))
    with pytest.raises(ValueError, match="selects none of the 12 epochs"):
        DataMap.from_dynamics(recorded(), epochs=slice(12, None))
    with pytest.raises(ValueError, match="no epoch yet"):
        DataMap.from_dynamics(TrainingDynamics(LABELS))
    with pytest.raises(ValueError, match="true_proba needs the recorded history"):
        _ = recorded(keep_history=False).true_proba


def test_the_columns_follow_the_classes_that_were_given():
    order = ["z", "x", "y"]
    columns = [["x", "y", "z"].index(name) for name in order]
    turned = recorded(probabilities=PROBABILITIES[:, :, columns], classes=order)
    assert_same_map(DataMap.from_dynamics(turned), DataMap.from_dynamics(recorded()))


@pytest.mark.parametrize("names", [[-1, 0, 1], [1, 2, 3], [7, 2, 5], [0.5, 1.5, 9.0]], ids=str)
def test_a_label_is_never_an_index(names):
    place = np.searchsorted(["x", "y", "z"], LABELS)
    renamed = recorded(labels=np.array(names)[place], classes=names)
    assert_same_map(DataMap.from_dynamics(renamed), DataMap.from_dynamics(recorded()))


def test_logits_and_their_softmax_draw_the_same_map():
    logits = TrainingDynamics(LABELS, n_epochs=12)
    for epoch, of_epoch in enumerate(PROBABILITIES):
        logits.update(epoch, np.log(of_epoch) - 7.0, from_logits=True)
    assert (logits.margin_from, recorded().margin_from) == ("logits", "probabilities")
    assert_same_map(DataMap.from_dynamics(logits), DataMap.from_dynamics(recorded()), rtol=2e-5)


def test_rows_may_be_seen_in_any_order_and_missed():
    dynamics = TrainingDynamics(LABELS, n_epochs=12)
    rows = np.random.RandomState(1).permutation(30)[:29]
    for epoch, of_epoch in enumerate(PROBABILITIES):
        dynamics.update(epoch, of_epoch[rows], rows)
    data_map, whole = DataMap.from_dynamics(dynamics), DataMap.from_dynamics(recorded())
    missed = np.setdiff1d(np.arange(30), rows)
    for name in STATISTICS:
        assert_array_equal(getattr(data_map, name)[rows], getattr(whole, name)[rows])
        assert np.isnan(getattr(data_map, name)[missed]).all()
    assert np.isnan(dynamics.true_proba[missed]).all()
    with pytest.warns(UnseenSamplesWarning, match=rf"1 of 30 rows were never.*{missed[0]}"):
        assert missed[0] not in data_map.select("easy", 1.0)


def test_saturation_counts_probabilities_near_zero_and_one():
    # 0.9995 and 0.0005 are saturated, two of four
    probabilities = np.array([[[0.9995, 0.0005], [0.5, 0.5]], [[0.0005, 0.9995], [0.5, 0.5]]])
    assert recorded(labels=["a", "b"], probabilities=probabilities)._saturation == 0.5


@pytest.mark.parametrize("keep_history", [True, False])
def test_loading_continues_where_saving_stopped(tmp_path, keep_history):
    path = tmp_path / "dynamics.npz"
    half = recorded(probabilities=PROBABILITIES[:5], n_epochs=12, keep_history=keep_history)
    half.save(path)
    loaded = TrainingDynamics.load(path)
    assert (loaded.n_epochs, loaded.margin_from) == (5, "probabilities")
    for epoch in range(5, 12):
        loaded.update(epoch, PROBABILITIES[epoch])
    whole = recorded(keep_history=keep_history)
    assert_same_map(DataMap.from_dynamics(loaded), DataMap.from_dynamics(whole))
    if keep_history:
        assert_array_equal(loaded.true_proba, whole.true_proba)
        assert_array_equal(loaded.margin, whole.margin)


def test_names_and_held_out_rows_survive_saving(tmp_path):
    ids = np.array([f"row {i}" for i in range(30)], dtype=object)
    held_out = np.arange(30) % 5 == 0
    recorded(sample_ids=ids, held_out_mask=held_out).save(tmp_path / "dynamics")
    loaded = TrainingDynamics.load(tmp_path / "dynamics")
    assert_array_equal(loaded.sample_ids, ids)
    assert_array_equal(loaded.held_out_mask, held_out)
    assert loaded.held_out_mask.dtype == bool
    with pytest.raises(ValueError, match="does not hold a DataMap; it holds TrainingDynamics"):
        DataMap.load(tmp_path / "dynamics")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": [["a"], ["b"]]}, "in one dimension"),
        ({"classes": ["x", "y"]}, r"labels must be among the classes .*; got \['z'\]"),
        ({"held_out_mask": [True]}, "'held_out_mask' .* one boolean for each of the 30 rows"),
        ({"classes": ["x", "y", "z", "z"]}, "must name each class once"),
        ({"n_epochs": 0}, "'n_epochs' parameter of TrainingDynamics"),
        ({"record": "banana"}, "'record' parameter of TrainingDynamics"),
        ({"sample_ids": ["a", "b"]}, "'sample_ids' .* one entry for each of the 30 rows"),
    ],
)
def test_bad_beginnings_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TrainingDynamics(**{"labels": LABELS} | given)


def test_scores_that_do_not_fit_are_refused_and_leave_no_trace():
    dynamics = recorded(probabilities=PROBABILITIES[:2])
    with pytest.raises(ValueError, match=r"shape \(29, 3\) do not fit 30 rows of 3 classes"):
        dynamics.update(2, PROBABILITIES[2][:29])
    with pytest.raises(ValueError, match=r"shape \(30,\) do not fit 30 rows of 3 classes"):
        dynamics.update(2, PROBABILITIES[2][:, 0])
    with pytest.raises(InvalidProbabilitiesError, match="epoch 2 must be finite; got NaN"):
        dynamics.update(2, np.full((30, 3), np.nan))
    assert dynamics.n_epochs == 2
    assert_array_equal(dynamics.n_seen, np.full(30, 2))


@pytest.mark.data
def test_statistics_of_the_papers_sample_equal_a_hand_computation(data_folder):
    # the files hold different rows in different orders, whose names exceed 32 bits
    folder = data_folder / "allenai_cartography" / "training_dynamics"
    epochs = [
        [json.loads(line) for line in (folder / f"dynamics_epoch_{e}.jsonl").read_text().split()]
        for e in range(5)
    ]
    gold = {row["guid"]: row["gold"] for rows in epochs for row in rows}
    ids = list(gold)
    dynamics = TrainingDynamics([gold[i] for i in ids], classes=[0, 1, 2], sample_ids=ids)
    by_hand = {i: [] for i in ids}
    hits = dict.fromkeys(ids, 0)
    for e, rows in enumerate(epochs):
        logits = np.array([row[f"logits_epoch_{e}"] for row in rows])
        places = np.array([ids.index(row["guid"]) for row in rows])
        dynamics.update(e, logits, places, from_logits=True)
        for row in rows:
            logits = row[f"logits_epoch_{e}"]
            exponentials = [2.718281828459045**z for z in logits]
            by_hand[row["guid"]].append(exponentials[row["gold"]] / sum(exponentials))
            hits[row["guid"]] += logits[row["gold"]] == max(logits)
    data_map = DataMap.from_dynamics(dynamics)
    for row, i in enumerate(ids):
        n_seen = len(by_hand[i])
        mean = sum(by_hand[i]) / n_seen
        spread = (sum((p - mean) ** 2 for p in by_hand[i]) / n_seen) ** 0.5
        assert dynamics.n_seen[row] == n_seen
        assert data_map.confidence[row] == pytest.approx(mean, abs=1e-6)
        assert data_map.variability[row] == pytest.approx(spread, abs=1e-6)
        assert data_map.correctness[row] == pytest.approx(hits[i] / n_seen)


def test_epochs_may_be_chosen_by_a_mask_a_number_or_a_list():
    dynamics = recorded()
    late = DataMap.from_dynamics(dynamics, epochs=slice(8, None))
    for epochs in (np.arange(12) >= 8, [8, 9, 10, 11], [11, 10, 9, 8, 8]):
        same = DataMap.from_dynamics(dynamics, epochs=epochs)
        assert same.n_epochs == 4
        assert_same_map(same, late)
    one = DataMap.from_dynamics(dynamics, epochs=3)
    assert_allclose(one.confidence, dynamics.true_proba[:, 3])
    with pytest.raises(ValueError, match="whole numbers from -12 to 11"):
        DataMap.from_dynamics(dynamics, epochs=[12])


@pytest.mark.parametrize(
    ("scores", "from_logits", "error", "message"),
    [
        ([0.2, 0.8], False, ValueError, "from_logits=True"),
        ([[0.2, 0.9], [0.5, 0.5]], False, InvalidProbabilitiesError, "each row must sum to 1"),
        ([[1.5, -0.5], [0.5, 0.5]], False, InvalidProbabilitiesError, "must not be negative"),
        ([[np.nan, 0.5], [0.5, 0.5]], True, InvalidProbabilitiesError, "NaN"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(scores, from_logits, error, message):
    dynamics = TrainingDynamics(["a", "b"])
    with pytest.raises(error, match=message):
        dynamics.update(0, np.array(scores), from_logits=from_logits)
    assert dynamics.n_epochs == 0


def test_one_dimension_of_logits_is_the_second_class():
    dynamics = TrainingDynamics(["a", "b"])
    dynamics.update(0, np.log([3.0, 3.0]), from_logits=True)
    assert_allclose(dynamics.true_proba[:, 0], [0.25, 0.75], rtol=1e-6)


@pytest.mark.parametrize("epoch", [-1, 0, 1])
def test_epochs_must_ascend_for_each_row(epoch):
    dynamics = TrainingDynamics(["a", "b"])
    dynamics.update(1, np.array([[0.9, 0.1], [0.2, 0.8]]))
    with pytest.raises(ValueError, match=f"Got {epoch}"):
        dynamics.update(epoch, np.array([[0.9, 0.1]]), rows=[1])


def test_a_row_named_twice_is_refused():
    with pytest.raises(ValueError, match="must not contain a row twice. Got .0. more"):
        TrainingDynamics(["a", "b"]).update(0, np.full((2, 2), 0.5), rows=[0, 0])


RAGGED = [[0.5, 0.5], [1.0]]


@pytest.mark.parametrize(
    "scores",
    [
        [["0.5", "0.5"], ["0.1", "0.9"]],
        RAGGED,
        None,
        "scores",
        0.5,
        [],
        [[None, 1.0], [0.5, 0.5]],
        [[True, False], [False, True]],
        [[0.5 + 0j, 0.5], [0.5, 0.5]],
        [[0.5, 0.5]],
        [[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]],
        [[[0.5, 0.5], [0.5, 0.5]]],
        [[np.nan, 1.0], [0.5, 0.5]],
        [[-0.5, 1.5], [0.5, 0.5]],
        {0: [0.5, 0.5]},
    ],
    ids=str,
)
@pytest.mark.parametrize("keep_history", [True, False])
def test_scores_that_are_none_are_refused_and_leave_no_trace(scores, keep_history):
    dynamics = TrainingDynamics(["a", "b"], keep_history=keep_history)
    with pytest.raises(ValueError, match="'scores' parameter|scores of shape|probabilities ret"):
        dynamics.update(0, scores)
    assert (dynamics.n_epochs, dynamics.n_seen.sum()) == (0, 0)
    dynamics.update(0, [[1, 0], [0, 1]])  # whole numbers and lists are scores
    assert DataMap.from_dynamics(dynamics).confidence.tolist() == [1, 1]


@pytest.mark.parametrize(
    "epoch", [np.inf, 10**6, 10**12, 0.0, 1.5, "0", None, True, np.nan, -1, [0]], ids=str
)
def test_an_epoch_is_a_count_within_reason(epoch):
    dynamics = TrainingDynamics(["a", "b"])
    with pytest.raises(InvalidParameterError, match="'epoch' parameter of TrainingDynamics.update"):
        dynamics.update(epoch, [[0.5, 0.5], [0.5, 0.5]])
    assert dynamics.n_epochs == 0


@pytest.mark.parametrize(
    "rows",
    [[-1, 1], [0, 2], [1, 1], [0.0, 1.0], ["a", "b"], None, 0, [[0, 1]], [True], slice("a")],
    ids=str,
)
def test_rows_of_an_epoch_are_named_each_once(rows):
    dynamics = TrainingDynamics(["a", "b"])
    with pytest.raises(InvalidParameterError, match="'rows' parameter of TrainingDynamics.update"):
        dynamics.update(0, [[0.5, 0.5], [0.5, 0.5]], rows)
    assert dynamics.n_epochs == 0


@pytest.mark.parametrize(
    "rows", [[False, True, True], [1, 2], (1, 2), slice(1, 3), slice(-2, None)]
)
def test_rows_may_be_a_mask_positions_or_a_slice(rows):
    dynamics = TrainingDynamics(["a", "b", "a"])
    dynamics.update(0, [[0.1, 0.9], [0.8, 0.2]], rows)
    assert dynamics.n_seen.tolist() == [0, 1, 1]
    assert_allclose(dynamics.true_proba[1:, 0], [0.9, 0.8], rtol=1e-6)


@pytest.mark.parametrize("from_logits", ["probabilities", 1, None, "False"], ids=str)
def test_whether_scores_are_logits_is_a_flag(from_logits):
    dynamics = TrainingDynamics(["a", "b"])
    with pytest.raises(InvalidParameterError, match="'from_logits' parameter"):
        dynamics.update(0, [[0.5, 0.5], [0.5, 0.5]], from_logits=from_logits)


@pytest.mark.parametrize(
    "given",
    [
        {"labels": None},
        {"labels": []},
        {"labels": ["a", None]},
        {"labels": ["a", 1]},
        {"labels": [0.0, np.nan]},
        {"labels": "ab"},
        {"labels": RAGGED},
        {"classes": "ab"},
        {"classes": []},
        {"classes": ["a", "b", None]},
        {"n_epochs": 1.5},
        {"n_epochs": True},
        {"n_epochs": "20"},
        {"keep_history": "no"},
        {"keep_history": None},
        {"keep_history": 1},
        {"held_out_mask": ["no", "yes"]},
        {"held_out_mask": [0, 1]},
        {"excluded_mask": [0.0, 1.0]},
        {"excluded_mask": [True]},
        {"sample_ids": "ab"},
        {"sample_ids": [1]},
        {"record": None},
        {"record": ["epoch_end"]},
    ],
    ids=str,
)
def test_arguments_that_do_not_fit_are_named(given):
    (name,) = given
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of TrainingDynamics must"):
        TrainingDynamics(**{"labels": ["a", "b"]} | given)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [([1, 2], ["1", "2"]), (["a", "b"], [0, 1]), (np.array(["a"], dtype=object), [0, 1])],
    ids=str,
)
def test_labels_and_classes_of_different_kinds_are_refused(labels, classes):
    with pytest.raises(ValueError, match="labels must be among the classes"):
        TrainingDynamics(labels, classes=classes)


def test_an_epoch_far_ahead_takes_no_memory_until_it_is_recorded():
    dynamics = TrainingDynamics(["a", "b"])
    dynamics.update(999_999, [[0.9, 0.1], [0.5, 0.5]])
    assert_allclose(DataMap.from_dynamics(dynamics).confidence, [0.9, 0.5], rtol=1e-6)
    last = DataMap.from_dynamics(dynamics, epochs=[-1])
    assert_allclose(last.confidence, [0.9, 0.5], rtol=1e-6)


@pytest.mark.parametrize("cuts", [[5], [1, 11], [3, 4, 9], []], ids=str)
def test_parts_of_a_run_are_joined_to_the_whole(cuts):
    parts = [
        recorded(probabilities=part, excluded_mask=np.arange(30) < 3)
        for part in np.split(PROBABILITIES, cuts)
    ]
    joined = TrainingDynamics.concatenate(parts)
    whole = recorded(excluded_mask=np.arange(30) < 3)
    assert_array_equal(joined.true_proba, whole.true_proba)
    assert_same_map(DataMap.from_dynamics(joined), DataMap.from_dynamics(whole))
    assert_array_equal(joined.excluded_mask, whole.excluded_mask)


def test_a_part_that_counted_on_joins_like_one_that_began_anew():
    late = TrainingDynamics(LABELS, n_epochs=12)
    for epoch in range(5, 12):
        late.update(epoch, PROBABILITIES[epoch])
    joined = TrainingDynamics.concatenate([recorded(probabilities=PROBABILITIES[:5]), late])
    assert joined.n_epochs == 12
    assert_array_equal(joined.true_proba, recorded().true_proba)


def test_rows_that_a_part_has_not_seen_stay_unseen():
    parts = [TrainingDynamics(["a", "b"]) for _ in range(2)]
    parts[0].update(0, [[0.9, 0.1]], [0])
    parts[1].update(0, [[0.4, 0.6], [0.3, 0.7]])
    assert TrainingDynamics.concatenate(parts).n_seen.tolist() == [2, 1]


@pytest.mark.parametrize("parts", [None, [], "parts", [None], [{}], recorded(), 3], ids=repr)
def test_only_dynamics_are_joined(parts):
    with pytest.raises(InvalidParameterError, match="'parts' parameter of TrainingDynamics.conc"):
        TrainingDynamics.concatenate(parts)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": LABELS[::-1]}, "part 1 differs from part 0 in labels"),
        ({"classes": ["z", "y", "x"]}, "in classes"),
        ({"sample_ids": np.arange(30)}, "in sample_ids"),
        ({"held_out_mask": np.arange(30) < 3}, "in held_out_mask"),
        ({"excluded_mask": np.arange(30) < 3}, "in excluded_mask"),
        ({"record": "training"}, "in record"),
        ({"keep_history": False}, "needs the recorded history"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_parts_of_other_runs_are_not_joined(given, message):
    parts = [recorded(), recorded(**given)]
    with pytest.raises(ValueError, match=message):
        TrainingDynamics.concatenate(parts)


def test_dynamics_keep_arrays_of_their_own():
    labels, mask = np.array(["a", "b"]), np.array([True, False])
    dynamics = TrainingDynamics(labels, held_out_mask=mask, sample_ids=labels)
    labels[:] = "z"
    mask[:] = False
    assert dynamics.labels.tolist() == dynamics.sample_ids.tolist() == ["a", "b"]
    assert dynamics.held_out_mask.tolist() == [True, False]


def test_logits_of_masked_classes_are_probabilities_of_zero():
    logits = np.array([[1.0, -np.inf, 0.0], [-np.inf, 0.5, -np.inf], [0.0, 0.0, -np.inf]])
    exponentials = np.exp(logits)
    masked, zero = (TrainingDynamics(["a", "b", "c"]) for _ in range(2))
    masked.update(0, logits, from_logits=True)
    zero.update(0, exponentials / exponentials.sum(axis=1, keepdims=True))
    one, other = DataMap.from_dynamics(masked), DataMap.from_dynamics(zero)
    for name in set(STATISTICS) - {"correctness"}:
        assert_allclose(getattr(one, name), getattr(other, name), rtol=0.01, atol=1e-12)
    nothing = np.array([[1.0, 0.0, 0.0], [0.0] * 3, [-np.inf] * 3])
    for infinite in (nothing, -logits):
        with pytest.raises(InvalidProbabilitiesError, match="must be finite"):
            masked.update(1, infinite, from_logits=True)


def test_logits_beyond_single_precision_have_the_largest_margin():
    huge = np.array([[1e300, -1e300], [1e300, -1e300]])
    dynamics = TrainingDynamics(["a", "b"])
    for epoch, logits in enumerate((huge, -huge, huge)):
        dynamics.update(epoch, logits, from_logits=True)
    data_map = DataMap.from_dynamics(dynamics)
    assert_allclose(data_map.aum, np.finfo(np.float32).max / np.array([3, -3]))
    assert np.isfinite(data_map.loss).all()


def test_a_set_of_parts_has_no_order_and_is_refused():
    with pytest.raises(InvalidParameterError, match="'parts' parameter .* list"):
        TrainingDynamics.concatenate({TrainingDynamics([0, 1]), TrainingDynamics([0, 1])})


def test_masked_labels_and_scores_are_refused():
    mask = [True, False]
    with pytest.raises(InvalidParameterError, match="'labels' parameter .* MaskedArray"):
        TrainingDynamics(np.ma.array([0, 1], mask=mask))
    with pytest.raises(InvalidParameterError, match="'scores' parameter .* MaskedArray"):
        TrainingDynamics([0, 1]).update(0, np.ma.array(np.full((2, 2), 0.5), mask=[mask, mask]))
    unmasked = TrainingDynamics(np.ma.array([0, 1], mask=False))
    unmasked.update(0, np.ma.array(np.full((2, 2), 0.5), mask=False))
