"""DynamicSubsetSampler: which rows it draws, how often, and with which weights."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from names import name_of

torch = pytest.importorskip("torch")

from torch.utils.data import BatchSampler, DataLoader, TensorDataset

from sklearn_carto.integrations.torch import DynamicsRecorder, DynamicSubsetSampler

N = 23
STATISTICS = ["variability", "loss", "confidence", "aleatoric", "el2n"]
RULES = ["random", "infobatch", *STATISTICS]


def make(rule, frac=0.3, n_samples=N, **params):
    recorder = DynamicsRecorder(n_samples, labels=np.zeros(n_samples, int), classes=[0, 1])
    settings = {"n_epochs": 12, "random_state": 0}
    return recorder, DynamicSubsetSampler(recorder, frac, rule, **{**settings, **params})


def record(recorder, rows, probability):
    """End an epoch of some rows, whose label, 0, has a probability."""
    p = np.broadcast_to(np.asarray(probability, float), (recorder.n_samples,))[rows]
    recorder.update(np.asarray(rows), np.log(np.column_stack([p, 1 - p])))
    recorder.end_epoch()


def run(sampler, recorder, n_epochs, probability=0.7):
    """Draw epochs and record their rows; return the rows of each."""
    drawn = []
    for _ in range(n_epochs):
        length = len(sampler)
        drawn.append(list(sampler))
        assert len(drawn[-1]) == length
        record(recorder, drawn[-1], probability)
    return drawn


@pytest.mark.parametrize("n_rows", [1, 7, 11, 12, 22, 23])
def test_random_uses_a_permutation_up_before_it_draws_a_row_again(n_rows):
    sampler = DynamicSubsetSampler(N, n_rows / N, random_state=0)
    counts = np.zeros(N, int)
    for _ in range(60):
        rows = list(sampler)
        assert len(set(rows)) == len(rows) == len(sampler) == n_rows
        counts[rows] += 1
        assert np.ptp(counts) <= 1


def test_with_replacement_a_row_may_come_again_at_once_but_not_within_an_epoch():
    sampler = DynamicSubsetSampler(N, 0.3, replacement=True, random_state=0)
    first, second, third = (set(sampler) for _ in range(3))
    assert len(first) == len(second) == len(third) == 7
    assert first & second or second & third


@pytest.mark.parametrize("rule", RULES)
def test_the_length_is_that_of_the_epoch_and_no_row_comes_twice(rule):
    recorder, sampler = make(rule)
    drawn = run(sampler, recorder, 12, np.linspace(0.1, 0.9, N))
    assert all(len(set(rows)) == len(rows) for rows in drawn)
    # 7 rows in each of 12 epochs, also where the epochs differ in length
    assert sum(map(len, drawn)) == 84
    n_drawn = np.bincount(np.concatenate(drawn), minlength=N)
    assert_array_equal(recorder.dynamics.n_seen, n_drawn)
    assert n_drawn.min() >= 1


@pytest.mark.parametrize("rule", RULES)
def test_the_seed_determines_the_rows(rule):
    one, same, other = (
        run(sampler, recorder, 12, np.linspace(0.1, 0.9, N))
        for recorder, sampler in (make(rule), make(rule), make(rule, random_state=1))
    )
    assert one == same
    assert one != other


def test_set_epoch_draws_the_rows_of_that_epoch():
    sampler = DynamicSubsetSampler(N, 0.3, random_state=0)
    drawn = [list(sampler) for _ in range(9)]
    for epoch in (8, 2, 5):
        sampler.set_epoch(epoch)
        assert list(sampler) == drawn[epoch]


@pytest.mark.parametrize("rule", RULES)
def test_a_training_that_is_resumed_draws_the_same_rows(rule):
    def go_on(sampler, recorder, epochs):  # the losses change, so that the last is not the mean
        p = np.linspace(0.1, 0.9, N)
        return [run(sampler, recorder, 1, np.roll(p, 5 * epoch))[0] for epoch in epochs]

    whole = go_on(*make(rule)[::-1], range(12))
    recorder, sampler = make(rule)
    before = go_on(sampler, recorder, range(6))
    file = io.BytesIO()
    torch.save((sampler.state_dict(), recorder.state_dict()), file)
    file.seek(0)
    of_sampler, of_recorder = torch.load(file, weights_only=True)
    recorder, sampler = make(rule, random_state=5)
    sampler.load_state_dict(of_sampler)
    recorder.load_state_dict(of_recorder)
    assert before + go_on(sampler, recorder, range(6, 12)) == whole


@pytest.mark.parametrize(
    "params", [{"frac": 0.5}, {"rule": "loss"}, {"n_samples": 24}, {"n_epochs": 3}], ids=name_of
)
def test_the_state_of_another_sampler_is_refused(params):
    _, sampler = make("variability")
    _, other = make(**{"rule": "variability", **params})
    with pytest.raises(ValueError, match="'state' parameter of DynamicSubsetSampler"):
        other.load_state_dict(sampler.state_dict())
    assert other.epoch == 0


@pytest.mark.parametrize("how", ["sampler", "batch_sampler"])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_yields_the_rows_of_each_epoch(workers, how):
    expected = DynamicSubsetSampler(N, 0.3, random_state=0)
    sampler = DynamicSubsetSampler(N, 0.3, random_state=0)
    options = {"sampler": sampler, "batch_size": 3}
    if how == "batch_sampler":
        options = {"batch_sampler": BatchSampler(sampler, 3, drop_last=False)}
    if workers:
        options |= {"persistent_workers": True, "num_workers": workers}
    loader = DataLoader(TensorDataset(torch.arange(N)), **options)
    for _ in range(5):
        assert len(loader) == 3
        assert torch.cat([rows for (rows,) in loader]).tolist() == list(expected)


def test_rows_of_a_high_loss_are_drawn_more_often():
    # losses of -log .9 = .105 and -log .1 = 2.303: the roots, the weights, are .326 and 1.518
    probability = np.where(np.arange(200) < 100, 0.9, 0.1)
    n_hard = 0
    for seed in range(40):
        recorder, sampler = make("loss", 0.1, 200, warm_up=1, random_state=seed)
        record(recorder, np.arange(200), probability)
        sampler.set_epoch(1)
        n_hard += (np.array(list(sampler)) >= 100).sum()
    # without replacement a little less than 1.518 / (1.518 + .326) = .823
    assert_allclose(n_hard / 800, 0.81, atol=0.03)


def test_a_row_that_was_never_seen_is_drawn_like_an_average_one():
    n_unseen = 0
    for seed in range(40):
        recorder, sampler = make("loss", 0.1, 200, warm_up=1, random_state=seed)
        record(recorder, np.arange(100), 0.5)
        sampler.set_epoch(1)
        n_unseen += (np.array(list(sampler)) >= 100).sum()
    assert_allclose(n_unseen / 800, 0.5, atol=0.05)


def test_the_warm_up_covers_all_rows_and_twice_for_variability():
    for rule, n_times in (("loss", 1), ("variability", 2)):
        recorder, sampler = make(rule, 0.25, 20)
        drawn = run(sampler, recorder, 4 * n_times)
        assert_array_equal(np.bincount(np.concatenate(drawn)), [n_times] * 20)


def test_infobatch_halves_the_rows_of_low_loss_and_doubles_their_weights():
    # 12 rows of low loss, 8 of high loss
    probability = np.where(np.arange(20) < 12, 0.9, 0.1)
    recorder, sampler = make("infobatch", None, 20, n_epochs=8)
    drawn = run(sampler, recorder, 1, probability)
    assert sorted(drawn[0]) == list(range(20))
    for _ in range(6):  # up to 7/8 of 8 epochs
        rows = run(sampler, recorder, 1, probability)[0]
        assert sorted(rows)[-8:] == list(range(12, 20))
        assert len(rows) == 6 + 8
        low = sorted(rows)[:-8]
        assert_array_equal(sampler.weights[low], 2.0)
        assert_array_equal(sampler.weights[12:], 1.0)
        assert sampler.weights.sum() == 20
    assert sorted(run(sampler, recorder, 1)[0]) == list(range(20))
    assert_array_equal(sampler.weights, 1.0)


def test_infobatch_reads_the_last_loss_and_not_the_mean():
    recorder, sampler = make("infobatch", None, 20, n_epochs=20)
    first = np.arange(20) < 10
    for _ in range(3):
        run(sampler, recorder, 1, np.where(first, 0.9, 0.2))
    assert len(sampler) == 15  # the statistics are read once an epoch
    # now the other half has the low loss, for once
    record(recorder, np.arange(20), np.where(first, 0.2, 0.9))
    rows = np.array(list(sampler))
    assert (rows < 10).sum() == 10
    assert (rows >= 10).sum() == 5


def test_infobatch_at_a_share_thins_both_kinds_and_keeps_the_ratio_of_the_weights():
    probability = np.where(np.arange(60) < 40, 0.9, 0.1)
    recorder, sampler = make("infobatch", 0.2, 60, n_epochs=100, delta=1.0)
    drawn = run(sampler, recorder, 60, probability)
    assert {len(rows) for rows in drawn} == {12}
    # 40 of low loss at half the rate of 20 of high loss: as many of one kind as of the other
    assert {(np.array(rows) < 40).sum() for rows in drawn[5:]} == {6}
    assert_array_equal(sampler.weights[drawn[-1]], np.where(np.array(drawn[-1]) < 40, 2.0, 1.0))


def test_rows_that_are_held_out_are_never_drawn():
    held_out = np.arange(N) % 4 == 0
    recorder = DynamicsRecorder(N, held_out_mask=held_out)
    sampler = DynamicSubsetSampler(recorder, 0.5, random_state=0)
    drawn = np.concatenate([list(sampler) for _ in range(8)])
    assert_array_equal(np.unique(drawn), np.flatnonzero(~held_out))
    assert len(sampler) == 8  # half of 17, rounded to even
    assert sampler.weights.shape == (N,)


def test_a_recorder_that_is_not_used_is_an_error():
    _, sampler = make("loss", 0.5)
    list(sampler)
    list(sampler)
    with pytest.raises(ValueError, match="no statistics for epoch 2.*recorder.update"):
        list(sampler)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"recorder": N, "rule": "loss"}, "'recorder' parameter.*DynamicsRecorder with"),
        ({"recorder": "abc"}, "'recorder' parameter.*or a number of rows"),
        ({"recorder": 0}, "'recorder' parameter"),
        ({"recorder": True}, "'recorder' parameter"),
        ({"rule": "hard"}, "'rule' parameter"),
        ({"frac": 0}, "'frac' parameter of DynamicSubsetSampler must lie in"),
        ({"frac": 33}, "write 0.33"),
        ({"frac": "a"}, "'frac' parameter"),
        ({"frac": True}, "'frac' parameter"),
        ({"frac": float("nan")}, "'frac' parameter"),
        ({"frac": None}, "may be None with rule='infobatch' only"),
        ({"replacement": 1}, "'replacement' parameter"),
        ({"replacement": True, "rule": "loss"}, "must be False unless rule='random'"),
        ({"prune": 1.0}, "'prune' parameter"),
        ({"delta": -0.1}, "'delta' parameter"),
        ({"warm_up": -1}, "'warm_up' parameter"),
        ({"n_epochs": 0}, "'n_epochs' parameter"),
        ({"rule": "infobatch", "n_epochs": None}, "'n_epochs' parameter.*planned number"),
        ({"random_state": "a"}, "'random_state' parameter"),
    ],
    ids=name_of,
)
def test_invalid_arguments_are_named(params, message):
    chosen = {"recorder": DynamicsRecorder(N), "frac": 0.5, "n_epochs": 3, **params}
    with pytest.raises(ValueError, match=message):
        DynamicSubsetSampler(**chosen)


@pytest.mark.parametrize("value", [-1, 1.5, None, True], ids=name_of)
def test_an_epoch_is_a_whole_number(value):
    with pytest.raises(ValueError, match=r"'epoch' parameter of DynamicSubsetSampler\.set_epoch"):
        DynamicSubsetSampler(N, 0.5).set_epoch(value)


def test_the_epoch_of_a_share_that_is_all_rows_is_a_permutation():
    sampler = DynamicSubsetSampler(N, 1.0, random_state=0)
    one, two = list(sampler), list(sampler)
    assert sorted(one) == sorted(two) == list(range(N))
    assert one != two
