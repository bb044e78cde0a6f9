"""Any loop may pass its batches to a recorder: the map is that of the rows in any order."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto import DataMap
from sklearn_carto._recording._recorder import DynamicsRecorder
from sklearn_carto.exceptions import (
    DegenerateMapWarning,
    DoubleSoftmaxWarning,
    InvalidProbabilitiesError,
    SampleAlignmentError,
    UnseenSamplesWarning,
)
from two_ranks import in_two_ranks

N, K, EPOCHS = 41, 4, 6
RNG = np.random.RandomState(0)
LOGITS = RNG.normal(scale=2, size=(EPOCHS, N, K)).astype(np.float32)
LABELS = RNG.randint(K, size=N)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=2, keepdims=True)
TRUE_PROBA = PROBABILITIES[:, np.arange(N), LABELS].T


def run(recorder, *, size=7, seed=0, scores=LOGITS, labels=LABELS, epochs=range(EPOCHS), rows=None):
    """Pass epochs to a recorder, each in another order."""
    rng = np.random.RandomState(seed)
    for epoch in epochs:
        order = rng.permutation(N if rows is None else rows[epoch])
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            recorder.update(batch, scores[epoch][batch], None if labels is None else labels[batch])
        recorder.end_epoch()
    return recorder


@pytest.mark.parametrize("size", [1, 7, N])
@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_batches_give_the_map_of_the_rows_in_order(size, seed):
    # batches appended as they arrive would give another row's numbers at each epoch
    data_map = run(DynamicsRecorder(N), size=size, seed=seed).data_map()
    assert_allclose(data_map.confidence, TRUE_PROBA.mean(axis=1), atol=1e-6)
    assert_allclose(data_map.variability, TRUE_PROBA.std(axis=1), atol=1e-6)
    assert (data_map.variability > 0.01).all()  # every epoch counts, not the last alone
    assert_array_equal(data_map.labels, LABELS)
    assert data_map.record == "training"


def test_correctness_is_the_most_probable_class_and_not_a_half():
    data_map = run(DynamicsRecorder(N)).data_map()
    hits = LOGITS.argmax(axis=2) == LABELS
    assert_allclose(data_map.correctness, hits.mean(axis=0))
    assert (hits.mean(axis=0) > (TRUE_PROBA.T > 0.5).mean(axis=0)).any()


def test_rows_that_were_never_right_are_not_ranked_as_never_forgotten():
    recorder = DynamicsRecorder(2)
    for first in ([2.0, 0.0], [0.0, 1.0], [1.0, 0.0]):
        recorder.update([0, 1], np.array([first, [3.0, 0.0]]), [0, 1])
        recorder.end_epoch()
    assert recorder.data_map().forgetting.tolist() == [1, np.inf]


@pytest.mark.parametrize("kind", ["lists", "float64", "tensors", "tensors that learn"])
def test_batches_may_be_arrays_lists_or_tensors(kind):
    recorder = DynamicsRecorder(N, n_epochs=EPOCHS)
    if "tensors" in kind:
        torch = pytest.importorskip("torch")
    for logits in LOGITS:
        rows, labels = np.arange(N)[::-1], LABELS[::-1]
        scores = logits[::-1].copy()
        if kind == "lists":
            recorder.update(rows.tolist(), scores.tolist(), labels.tolist())
        elif kind == "float64":
            recorder.update(rows, scores.astype(np.float64), labels)
        else:
            scores = torch.tensor(scores, requires_grad=kind == "tensors that learn")
            recorder.update(torch.tensor(rows.copy()), scores, torch.tensor(labels.copy()))
        recorder.end_epoch()
    assert recorder.dynamics.true_proba.shape == (N, EPOCHS)  # rows named by tensors are no others
    assert_allclose(recorder.dynamics.true_proba, TRUE_PROBA, atol=1e-6)


def test_probabilities_are_taken_as_such():
    data_map = run(DynamicsRecorder(N, from_logits=False), scores=PROBABILITIES).data_map()
    assert_allclose(data_map.confidence, TRUE_PROBA.mean(axis=1), atol=1e-6)
    assert data_map.margin_from == "probabilities"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_kinds_of_batches_may_change_within_an_epoch(order):
    torch = pytest.importorskip("torch")
    kinds = [
        (np.array, np.array, np.array),
        (torch.tensor, torch.tensor, torch.tensor),
        (torch.tensor, torch.tensor, np.array),
        (np.array, np.array, torch.tensor),
    ]
    recorder = DynamicsRecorder(N)
    for rows, k in zip(np.array_split(np.arange(N), 4), order, strict=True):
        batch = rows, LOGITS[0, rows], LABELS[rows]
        recorder.update(*(make(part) for make, part in zip(kinds[k], batch, strict=True)))
    recorder.end_epoch()
    assert_allclose(recorder.dynamics.true_proba, TRUE_PROBA[:, :1], atol=1e-6)


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("first", ["one column", "two columns"])
def test_one_column_and_two_may_change_within_an_epoch(first, as_tensor):
    logits = np.stack([np.zeros(N, np.float32), LOGITS[0, :, 0]], axis=1)
    whole, parts = DynamicsRecorder(N), DynamicsRecorder(N)
    whole.update(np.arange(N), logits, LABELS % 2)
    as_type = pytest.importorskip("torch").tensor if as_tensor else np.array
    for rows in (np.arange(20), np.arange(20, N)):
        one = (first == "one column") == (rows[0] == 0)
        parts.update(rows, as_type(logits[rows, 1] if one else logits[rows]), LABELS[rows] % 2)
    for recorder in (whole, parts):
        recorder.end_epoch()
    assert_allclose(parts.dynamics.true_proba, whole.dynamics.true_proba, atol=1e-6)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_columns_that_are_masked_by_the_lowest_number_change_nothing(as_tensor):
    # two of them overflow in a sum, although each is finite
    masked = np.full((EPOCHS, N, 2), np.finfo(np.float32).min)
    scores = np.concatenate([LOGITS, masked], axis=2)
    if as_tensor:
        scores = pytest.importorskip("torch").tensor(scores)
    recorder = run(DynamicsRecorder(N), scores=scores)
    assert_allclose(recorder.dynamics.true_proba, TRUE_PROBA, atol=1e-6)


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_one_score_a_row_is_that_of_the_second_of_two_classes(shape):
    labels = LABELS % 2
    scores = 1 / (1 + np.exp(-LOGITS[:, :, 0]))
    expected = np.where(labels == 1, scores, 1 - scores).T
    for from_logits, given in ((True, LOGITS[:, :, 0]), (False, scores)):
        recorder = DynamicsRecorder(N, from_logits=from_logits)
        run(recorder, scores=given.reshape(EPOCHS, *shape), labels=labels)
        assert_allclose(recorder.dynamics.true_proba, expected, atol=1e-6)


def test_a_last_batch_of_one_row_is_one_row():
    recorder = run(DynamicsRecorder(N), size=N - 1)
    assert recorder.dynamics.true_proba.shape == (N, EPOCHS)


@pytest.mark.parametrize("names", [["x", "b", "c", "a"], [10, 20, 30, 5], [-1.0, 0.5, 2.0, 7.0]])
def test_labels_may_be_of_any_type_where_classes_name_the_columns(names):
    names = np.array(names)
    recorder = run(DynamicsRecorder(N, classes=names), labels=names[LABELS])
    assert_allclose(recorder.data_map().confidence, TRUE_PROBA.mean(axis=1), atol=1e-6)
    assert_array_equal(recorder.data_map().labels, names[LABELS])


def test_labels_given_at_the_start_need_not_be_passed_again():
    names = np.array(["a", "b", "c", "d"])
    recorder = run(DynamicsRecorder(N, labels=names[LABELS]), labels=None)
    assert_allclose(recorder.data_map().confidence, TRUE_PROBA.mean(axis=1), atol=1e-6)


def test_a_class_that_is_unseen_at_first_is_no_trouble():
    rows = [np.flatnonzero(LABELS < 2)] + [N] * (EPOCHS - 1)
    recorder = run(DynamicsRecorder(N, missing="nan"), rows=rows)
    assert recorder.dynamics.classes.tolist() == [0, 1, 2, 3]
    expected = TRUE_PROBA.copy()
    expected[LABELS >= 2, 0] = np.nan
    assert_allclose(recorder.dynamics.true_proba, expected, atol=1e-6)


def test_names_of_rows_stand_for_their_places():
    names = np.array([f"img-{i:02d}.png" for i in range(N)])[::-1]
    recorder = DynamicsRecorder(N, sample_ids=names)
    for logits in LOGITS:
        order = np.random.RandomState(3).permutation(N)
        recorder.update(names[order], logits[order], LABELS[order])
        recorder.end_epoch()
    assert_allclose(recorder.data_map().confidence, TRUE_PROBA.mean(axis=1), atol=1e-6)
    assert_array_equal(recorder.data_map().sample_ids, names)
    with pytest.raises(ValueError, match=r"must be among sample_ids; got \['unknown'\]"):
        recorder.update(["unknown"], LOGITS[0, :1], [0])


def test_a_row_seen_twice_in_an_epoch_counts_once():
    recorder = DynamicsRecorder(2)
    recorder.update([0, 1], np.array([[0.0, 0.0], [5.0, 0.0]]), [0, 0])
    recorder.update([0], np.array([[9.0, 0.0]]), [0])  # the padding of a distributed sampler
    recorder.end_epoch()
    assert recorder.dynamics.true_proba[0].tolist() == [0.5]


def test_a_row_that_is_passed_with_two_labels_in_one_epoch_is_an_error_that_names_it():
    # positions within the batch for those of the rows: most rows then never come, which missing
    # allows, and what comes is recorded for other rows
    recorder = DynamicsRecorder(9, missing="nan")
    recorder.update([3, 4, 3], np.zeros((3, 3)), [0, 1, 0])
    recorder.update([4, 5], np.zeros((2, 3)), [2, 1])
    message = (
        r"labels of 1 rows have changed within epoch 0: row 4 was 1, and is 2. Check that the indic"
    )
    with pytest.raises(ValueError, match=message):
        recorder.end_epoch()


def test_rows_that_come_many_times_while_others_are_missing_are_an_error():
    recorder = DynamicsRecorder(N, labels=LABELS, missing="error")
    for start in range(0, N, 4):
        rows = np.arange(start, min(start + 4, N))
        recorder.update(np.arange(len(rows)), LOGITS[0, rows])
    with pytest.raises(
        SampleAlignmentError, match=r"37 of 41 rows.*4 rows were passed 41 times.*the batch"
    ):
        recorder.end_epoch()
    recorder.update(np.arange(4), LOGITS[0, :4])
    with pytest.raises(SampleAlignmentError, match=r"^(?!.*the batch).*37 of 41 rows"):
        recorder.end_epoch()


@pytest.mark.parametrize("as_tensor", [False, True])
def test_batches_without_rows_are_skipped(as_tensor):
    recorder, nothing = DynamicsRecorder(N), ([], np.zeros((0, K)), [])
    if as_tensor:
        torch = pytest.importorskip("torch")
        nothing = torch.arange(0), torch.zeros(0, K), torch.arange(0)
    recorder.update(*nothing)
    with pytest.raises(ValueError, match="Epoch 0 has no batch: call update"):
        recorder.end_epoch()
    recorder.update(*nothing)
    recorder.update(np.arange(N), LOGITS[0], LABELS)
    recorder.update(*nothing)
    recorder.end_epoch()
    assert_allclose(recorder.dynamics.true_proba, TRUE_PROBA[:, :1], atol=1e-6)


@pytest.mark.parametrize("kind", ["predicted classes", "one-hot lines", "hits"])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_whole_numbers_are_no_scores(kind, as_tensor):
    scores = {"predicted classes": LABELS, "one-hot lines": np.eye(K, dtype=int)[LABELS]}
    scores = scores.get(kind, LABELS == 1)
    if as_tensor:
        scores = pytest.importorskip("torch").tensor(scores)
    with pytest.raises(ValueError, match=r"not the predicted classes; got whole numbers"):
        DynamicsRecorder(N).update(np.arange(N), scores, LABELS)


def test_missing_rows_are_named_and_earlier_epochs_kept():
    recorder = run(DynamicsRecorder(N, missing="error"), epochs=range(2))
    recorder.update(np.arange(38), LOGITS[2][:38], LABELS[:38])
    with pytest.raises(
        SampleAlignmentError, match=r"Epoch 2 .* 3 of 41 rows.*\[38, 39, 40\].*'nan'"
    ):
        recorder.end_epoch()
    run(recorder, epochs=range(2, EPOCHS))
    assert_allclose(recorder.data_map().confidence, TRUE_PROBA.mean(axis=1), atol=1e-6)


def test_missing_rows_may_be_nan_and_count_over_the_epochs_that_saw_them():
    rows = [np.arange(N) != epoch for epoch in range(EPOCHS)]
    rows = [np.flatnonzero(mask) for mask in rows]
    recorder = run(DynamicsRecorder(N, missing="nan"), rows=rows)
    expected = TRUE_PROBA.copy()
    expected[np.arange(EPOCHS), np.arange(EPOCHS)] = np.nan
    assert_allclose(recorder.dynamics.true_proba, expected, atol=1e-6)
    data_map = recorder.data_map()
    assert_allclose(data_map.confidence, np.nanmean(expected, axis=1), atol=1e-6)
    assert_allclose(data_map.variability, np.nanstd(expected, axis=1), atol=1e-6)


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_rows_that_no_draw_shows_are_nan_and_draw_one_warning_that_counts_them(given, as_tensor):
    # as a WeightedRandomSampler draws: with replacement, and some rows never
    rng, seen = np.random.RandomState(0), np.arange(3, 30)
    recorder = DynamicsRecorder(N, labels=LABELS if given else None)
    as_type = pytest.importorskip("torch").as_tensor if as_tensor else np.asarray
    for logits in LOGITS:
        for rows in np.array_split(np.append(seen, rng.choice(seen, N)), 5):
            recorder.update(rows, as_type(logits[rows]), as_type(LABELS[rows]))
        recorder.end_epoch()
    with pytest.warns(UnseenSamplesWarning, match="14 of 41") as caught:
        data_map = recorder.data_map()
    assert len(caught) == 1
    expected = np.full(N, np.nan)
    expected[seen] = TRUE_PROBA[seen].mean(axis=1)
    assert_allclose(data_map.confidence, expected, atol=1e-6)
    assert_array_equal(data_map.labels[seen], LABELS[seen])


def test_history_is_a_choice_and_burn_in_needs_it():
    with_history = run(DynamicsRecorder(N, n_epochs=EPOCHS))
    without = run(DynamicsRecorder(N, n_epochs=EPOCHS, keep_history=False))
    for name in ("confidence", "variability", "forgetting", "aum", "el2n", "dual"):
        one, other = (getattr(r.data_map(), name) for r in (with_history, without))
        assert_array_equal(one, other)
    late = with_history.data_map(epochs=slice(2, None))
    assert_allclose(late.confidence, TRUE_PROBA[:, 2:].mean(axis=1), atol=1e-6)


def test_recorders_that_ran_apart_are_merged():
    rng = np.random.RandomState(0)
    halves = [np.array_split(rng.permutation(N), 2) for _ in range(EPOCHS)]
    parts = [
        run(DynamicsRecorder(N, missing="nan"), rows=[half[rank] for half in halves])
        for rank in (0, 1)
    ]
    merged = DynamicsRecorder.merge(parts)
    assert_allclose(merged.dynamics.true_proba, TRUE_PROBA, atol=1e-6)
    expected = run(DynamicsRecorder(N)).data_map()
    for name in ("confidence", "variability", "forgetting", "aum", "labels"):
        assert_allclose(getattr(merged.data_map(), name), getattr(expected, name), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"sample_ids": np.arange(N)[::-1]}, "sample_ids"),
        ({"record": "epoch_end"}, "record"),
        ({"held_out_mask": np.arange(N) < 9}, "held_out_mask"),
        ({"n_epochs": 40}, "n_epochs"),
        ({"classes": ["a", "b", "c", "d"]}, "classes"),
        ({"n_samples": N + 1}, "n_samples"),
        ({"from_logits": False}, "from_logits"),
        ({}, "epoch"),
    ],
    ids=str,
)
def test_recorders_of_other_runs_are_not_merged(given, name):
    one = run(DynamicsRecorder(N, missing="nan"), epochs=range(2))
    other = DynamicsRecorder(**{"n_samples": N, "missing": "nan"} | given)
    scores = LOGITS if other.from_logits else PROBABILITIES
    run(other, scores=scores, epochs=range(2 if given else 1))
    with pytest.raises(
        ValueError, match=rf"recorders\[1\] differs from recorders\[0\] in {name}\."
    ):
        DynamicsRecorder.merge([one, other])


@pytest.mark.parametrize("given", [False, True])
def test_recorders_that_hold_other_labels_of_a_row_are_not_merged(given):
    rows, labels = [np.arange(9)], LABELS.copy()
    labels[5] = (labels[5] + 1) % K
    one = run(DynamicsRecorder(N, missing="nan"), rows=rows, epochs=[0])
    other = DynamicsRecorder(N, missing="nan", labels=labels if given else None)
    run(other, rows=[np.array([5, 20])], labels=labels, epochs=[0])
    with pytest.raises(ValueError, match="1 rows have changed between the recorders: row 5 was"):
        DynamicsRecorder.merge([one, other])


def test_no_recorder_at_all_is_an_error():
    with pytest.raises(ValueError, match="merge requires at least one recorder"):
        DynamicsRecorder.merge([])


def test_two_recorders_share_nothing():
    # a recorder made anew has no epoch of an earlier run
    run(DynamicsRecorder(N))
    assert run(DynamicsRecorder(N), epochs=range(2)).data_map().n_epochs == 2


def test_labels_that_change_are_an_error_that_names_the_row():
    recorder = run(DynamicsRecorder(N), epochs=range(1))
    other = LABELS.copy()
    other[5] = (other[5] + 1) % K
    with pytest.raises(ValueError, match=r"labels of 1 rows have changed by epoch 1: row 5 was"):
        run(recorder, labels=other, epochs=range(1, 2))
    assert recorder.epoch == 1


@pytest.mark.parametrize("labels", [LABELS + 1, LABELS - 1])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_labels_beyond_the_columns_are_an_error(labels, as_tensor):
    as_type = pytest.importorskip("torch").as_tensor if as_tensor else np.asarray
    recorder = DynamicsRecorder(N)

    def pass_epoch():
        recorder.update(np.arange(N), as_type(LOGITS[0]), as_type(labels))
        recorder.end_epoch()

    with pytest.raises(ValueError, match=r"labels must lie between 0 and 3.*got \[(4|-1)\]"):
        pass_epoch()


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0, 41], r"indices must lie between 0 and 40; got \[41\]"),
        ([-1, 0], r"got \[-1\]"),
        ([0.0, 1.0], "must be whole numbers"),
        ([True, False], "must be whole numbers"),
        ([[0], [1]], "one entry for each row"),
        (["a", "b"], "pass sample_ids"),
    ],
    ids=str,
)
def test_indices_of_no_row_are_an_error(indices, message):
    with pytest.raises(ValueError, match=message):
        DynamicsRecorder(N).update(indices, LOGITS[0, :2], LABELS[:2])


def test_other_lengths_and_widths_are_errors():
    recorder = DynamicsRecorder(N)
    with pytest.raises(ValueError, match=r"scores of shape \(3, 4\) do not fit 2 indices"):
        recorder.update([0, 1], LOGITS[0, :3], LABELS[:2])
    with pytest.raises(ValueError, match=r"labels of shape \(3,\) do not fit 2 indices"):
        recorder.update([0, 1], LOGITS[0, :2], LABELS[:3])
    recorder.update([0, 1], LOGITS[0, :2], LABELS[:2])
    with pytest.raises(InvalidProbabilitiesError, match="for 4 classes"):
        recorder.update([2, 3], LOGITS[0, 2:4, :3], LABELS[2:4])
    with pytest.raises(InvalidProbabilitiesError, match=r"shape \(2, 5, 4\)"):
        recorder.update([0, 1], np.zeros((2, 5, 4)), LABELS[:2])


@pytest.mark.parametrize(
    ("indices", "labels", "message"),
    [
        (0, [0], r"'indices' parameter .* must be an array .* Got 0 instead"),
        ([[0], [1]], [0, 1], r"indices must .* got shape \(2, 1\)"),
        ([0, 1], np.eye(2), r"labels must .* got shape \(2, 2\).*argmax"),
        ([0, 1], ["a", "b"], r"labels must be among the classes \[0, 1\]; got \['a', 'b'\]"),
        ([0, 1], [0.5, 1.0], r"labels must be among the classes \[0, 1\]; got \[0.5\]"),
    ],
)
def test_indices_and_labels_of_other_kinds_are_errors(indices, labels, message):
    with pytest.raises(ValueError, match=message):
        DynamicsRecorder(2).update(indices, np.zeros((2, 2)), labels)


def test_shares_of_labels_in_a_tensor_are_an_error_and_not_cut_off():
    torch = pytest.importorskip("torch")
    recorder = DynamicsRecorder(2)
    recorder.update(torch.arange(2), torch.zeros(2, 2), torch.tensor([0.5, 1.0]))
    with pytest.raises(ValueError, match=r"labels must be among .*; got \[0.5\]"):
        recorder.end_epoch()


def test_unknown_labels_are_an_error():
    with pytest.raises(ValueError, match="labels of these rows are unknown"):
        DynamicsRecorder(N).update([0], LOGITS[0, :1])
    with pytest.raises(ValueError, match=r"labels must be among the classes .*; got \['d'\]"):
        DynamicsRecorder(N, classes=["a", "b", "c", "e"]).update([0], LOGITS[0, :1], ["d"])


def test_scores_that_are_none_are_an_error_that_names_the_epoch():
    recorder = run(DynamicsRecorder(N), epochs=range(1))
    broken = LOGITS.copy()
    broken[1, 3, 2] = np.nan
    with pytest.raises(
        InvalidProbabilitiesError, match="scores returned by the model at epoch 1 must be finite"
    ):
        run(recorder, scores=broken, epochs=range(1, 2))
    with pytest.raises(InvalidProbabilitiesError, match="from_logits=True if they are logits"):
        run(DynamicsRecorder(N, from_logits=False))
    assert recorder.dynamics.n_epochs == 1


def test_probabilities_that_are_taken_for_logits_draw_a_warning():
    with pytest.warns(DoubleSoftmaxWarning, match="Pass from_logits=False"):
        run(DynamicsRecorder(N), scores=PROBABILITIES, epochs=range(1))


@pytest.mark.parametrize(
    ("n_epochs", "scale", "why"), [(1, 1, "one epoch"), (EPOCHS, 1000, "over 80 %")]
)
def test_an_uninformative_map_draws_a_warning(n_epochs, scale, why):
    recorder = run(DynamicsRecorder(N), scores=scale * LOGITS, epochs=range(n_epochs))
    with pytest.warns(DegenerateMapWarning, match=why):
        recorder.data_map()


@pytest.mark.parametrize("ended", [False, True])
def test_an_interrupted_first_epoch_leaves_no_classes_behind(ended):
    recorder = DynamicsRecorder(N, missing="error")
    recorder.update(np.arange(9), np.zeros((9, 64)), LABELS[:9])
    if ended:
        with pytest.raises(SampleAlignmentError):
            recorder.end_epoch()
    else:
        recorder.reset_epoch()
    assert_allclose(run(recorder).dynamics.true_proba, TRUE_PROBA, atol=1e-6)
    assert recorder.dynamics.classes.tolist() == [0, 1, 2, 3]


def test_an_epoch_of_nothing_and_a_map_of_nothing_are_errors():
    with pytest.raises(ValueError, match="Epoch 0 has no batch: call update"):
        DynamicsRecorder(N).end_epoch()
    with pytest.raises(ValueError, match="No epoch has ended yet"):
        DynamicsRecorder(N).data_map()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_samples": 0}, "'n_samples' parameter of DynamicsRecorder must be an int"),
        (
            {"n_samples": 2, "missing": "skip"},
            "'missing' parameter of DynamicsRecorder must be a str among",
        ),
        ({"n_samples": 2, "labels": [1]}, r"labels must have one entry .* got shape \(1,\)"),
        (
            {"n_samples": 2, "sample_ids": ["a", "a"]},
            "'sample_ids' parameter .* that no other row has. Got \\['a'\\] several",
        ),
        (
            {"n_samples": 2, "record": "sometimes"},
            "'record' parameter of DynamicsRecorder must be a str among",
        ),
        (
            {"n_samples": 2, "held_out_mask": [True]},
            "'held_out_mask' parameter .* must hold one boolean for each of the 2",
        ),
        ({"n_samples": 2, "n_epochs": 0}, "'n_epochs' parameter .* must be an int in the range"),
        ({"n_samples": 2, "classes": [0, 0, 1]}, r"must name each class once. Got \[0, 0"),
        ({"n_samples": 2, "classes": []}, "must name the columns of the scores, .* Got none"),
    ],
    ids=str,
)
def test_bad_settings_are_errors(given, message):
    with pytest.raises(ValueError, match=message):
        DynamicsRecorder(**given)


def record_half(rank):
    """Each of two ranks has half of the rows and one row of padding."""
    import torch

    recorder = DynamicsRecorder(N)
    for epoch in range(EPOCHS):
        order = np.random.RandomState(epoch).permutation(N)
        mine = np.append(order, order[0])[rank::2]
        scores = torch.tensor(LOGITS[epoch][mine])
        recorder.update(torch.tensor(mine), scores, torch.tensor(LABELS[mine]))
        recorder.end_epoch()
    return recorder.data_map()


def record_in_the_first_rank(rank):
    """The second of two ranks sees no row."""
    recorder = DynamicsRecorder(N)
    for logits in LOGITS:
        if rank == 0:
            recorder.update(np.arange(N), logits, LABELS)
        recorder.end_epoch()
    return recorder.data_map()


def record_twice(rank, folder):
    import torch

    torch.distributed.init_process_group("gloo")
    for record in (record_half, record_in_the_first_rank):
        record(rank).save(folder / f"{record.__name__}_{rank}.npz")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Folder with the map of each rank, of two runs in the same two processes."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("ranks")
    in_two_ranks(record_twice, folder)
    return folder


@pytest.mark.parametrize("record", [record_half, record_in_the_first_rank])
def test_each_rank_of_a_distributed_run_holds_the_map_of_all_rows(record, recorded):
    for rank in (0, 1):
        data_map = DataMap.load(recorded / f"{record.__name__}_{rank}.npz")
        assert_allclose(data_map.confidence, TRUE_PROBA.mean(axis=1), atol=1e-6)
        assert_array_equal(data_map.labels, LABELS)


def test_ranks_whose_scores_differ_in_width_are_an_error(monkeypatch):
    other = None, np.arange(3), None
    monkeypatch.setattr(
        "sklearn_carto._recording._recorder._all_gather", lambda value: [value, other]
    )
    recorder = DynamicsRecorder(N)
    recorder.update(np.arange(N), LOGITS[0], LABELS)
    with pytest.raises(
        InvalidProbabilitiesError, match="scores of all ranks .* got 3 and 4 columns"
    ):
        recorder.end_epoch()


def test_a_batch_of_an_unknown_row_determines_no_classes():
    recorder = DynamicsRecorder(3, missing="nan")
    with pytest.raises(ValueError, match="must lie between 0 and 2"):
        recorder.update([7], np.zeros((1, 5)), [0])
    recorder.update([0, 1, 2], 2 * np.eye(3), [0, 1, 2])
    recorder.end_epoch()
    assert recorder.dynamics.classes.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["array", "tensor", "half", "view"])
def test_a_recorder_is_pickled_in_the_middle_of_an_epoch(kind):
    scores = np.float32([[2, 1], [0, 3], [1, 1]])
    if kind != "array":
        torch = pytest.importorskip("torch")
        scores = torch.as_tensor(scores)
        scores = {"tensor": scores, "half": scores.half(), "view": scores.view(3, 2)}[kind]
    recorder = DynamicsRecorder(3, labels=[0, 1, 0])
    recorder.update([0, 1], scores[:2])
    copy = pickle.loads(pickle.dumps(recorder))
    for one in (recorder, copy):
        one.update([2], scores[2:])
        one.end_epoch()
    assert_array_equal(recorder.dynamics.true_proba, copy.dynamics.true_proba)


def test_names_of_several_types_in_a_list_keep_their_types():
    names = [1, "1", "a", "a\0"]
    recorder = DynamicsRecorder(4, sample_ids=names, labels=[0, 1, 0, 1])
    logits = np.array([[0.0, 4.0], [0.0, 3.0], [0.0, 2.0], [0.0, 1.0]])
    recorder.update(names[::-1], logits[::-1])
    recorder.end_epoch()
    expected = 1 / (1 + np.exp([4, -3, 2, -1]))
    assert_allclose(recorder.dynamics.true_proba[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["indices", "scores", "labels"])
def test_masked_values_are_no_values(name):
    batch = {"indices": np.arange(2), "scores": np.zeros((2, 2)), "labels": np.arange(2)}
    batch[name] = np.ma.array(batch[name], mask=batch[name] == 0)
    with pytest.raises(ValueError, match=f"{name}.*MaskedArray"):
        DynamicsRecorder(2).update(**batch)
