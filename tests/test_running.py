"""Running statistics: the same numbers as from the whole history."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto import TrainingDynamics, metrics
from sklearn_carto._dynamics._observation import Observation, observe
from sklearn_carto._dynamics._running import BLOCK, RunningStatistics, blocks_of, dual_window

N_BLOCKED = 2 * BLOCK + 3


def made_up(n_samples=40, n_epochs=25, seed=0):
    rng = np.random.RandomState(seed)
    scores = rng.dirichlet([1, 1, 1], size=(n_epochs, n_samples))
    columns = rng.randint(3, size=n_samples)
    return [observe(of_epoch, columns) for of_epoch in scores]


def ran(observations, order=None, n_samples=40):
    running = RunningStatistics(n_samples, dual_window(len(observations)))
    for epoch, rows in order or [(epoch, slice(None)) for epoch in range(len(observations))]:
        seen = observations[epoch]
        running.update(epoch, type(seen)(*(values[rows] for values in seen)), rows)
    return running.results()


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 9, 25])
def test_running_statistics_are_those_of_the_history(n_epochs):
    observations = made_up(n_epochs=n_epochs)
    results = ran(observations)
    stacked = {
        name: np.stack([getattr(seen, name) for seen in observations], axis=1)
        for name in observations[0]._fields
    }
    p, correct = stacked["true_proba"], stacked["correct"]
    expected = {
        "confidence": metrics.confidence(p),
        "variability": metrics.variability(p),
        "correctness": metrics.correctness(correct),
        "forgetting": metrics.forgetting(correct),
        "first_learned": metrics.first_learned(correct),
        "aum": metrics.aum(stacked["margin"]),
        "el2n": metrics.el2n(stacked["el2n"]),
        "aleatoric": metrics.aleatoric(p),
        "loss": metrics.loss(p),
        "dual": metrics.dual(p),
    }
    assert results.keys() == expected.keys()
    for name, values in expected.items():
        assert_allclose(results[name], values, rtol=1e-6, atol=1e-9, err_msg=name)


def test_blocks_may_come_in_any_order_that_ascends_for_each_row():
    observations = made_up(n_epochs=12)
    late, early = np.arange(0, 40, 2), slice(1, None, 2)
    order = [(epoch, early) for epoch in range(12)] + [(epoch, late) for epoch in range(12)]
    in_blocks, at_once = ran(observations, order), ran(observations)
    for name, values in at_once.items():
        assert_allclose(in_blocks[name], values, rtol=1e-12, err_msg=name)


def test_rows_count_the_epochs_that_saw_them():
    observations = made_up(n_epochs=6)
    results = ran(observations, [(epoch, slice(0, 20)) for epoch in (0, 2, 4)])
    p = np.stack([observations[epoch].true_proba for epoch in (0, 2, 4)], axis=1)
    assert_allclose(results["confidence"][:20], p[:20].mean(axis=1), rtol=1e-6)
    for name, values in results.items():
        assert np.isnan(values[20:]).all(), name
        assert not np.isnan(values[:20]).any(), name


def test_spread_survives_where_the_textbook_formula_loses_every_digit():
    # p moves in the fifth digit near 0.999, as it does late in training
    p = 0.999 + 1e-5 * np.random.RandomState(0).uniform(-1, 1, size=(100, 50))
    running = RunningStatistics(100, 10)
    for epoch, of_epoch in enumerate(p.T):
        scores = np.column_stack([of_epoch, 1 - of_epoch])
        running.update(epoch, observe(scores, np.zeros(100, dtype=int)))
    kept = p.astype(np.float32).astype(np.float64)
    assert_allclose(running.results()["variability"], kept.std(axis=1), rtol=1e-7)
    single = p.astype(np.float32)
    textbook = (single**2).mean(axis=1) - single.mean(axis=1) ** 2
    assert np.abs(textbook / kept.var(axis=1) - 1).max() > 0.5


def test_a_row_never_learned_is_infinite_and_not_the_easiest():
    wrong = observe(np.array([[0.2, 0.8]]), np.array([0]))
    running = RunningStatistics(1, 2)
    for epoch in range(3):
        running.update(epoch, wrong)
    results = running.results()
    assert_array_equal([results["forgetting"], results["first_learned"]], [[np.inf], [np.inf]])


def test_rows_at_different_epochs_of_their_own_may_share_a_block():
    observations = made_up(n_epochs=12)
    late = slice(30, None)  # these rows are seen from the third epoch on
    order = [(epoch, slice(0, 30)) for epoch in (0, 1)]
    order += [(epoch, slice(None)) for epoch in range(2, 12)]
    results = ran(observations, order)
    p = np.stack([seen.true_proba for seen in observations], axis=1)
    assert_allclose(results["dual"][:30], metrics.dual(p, window=6)[:30], rtol=1e-6)
    assert_allclose(results["dual"][late], metrics.dual(p[late, 2:], window=6), rtol=1e-6)
    assert_allclose(results["variability"][late], p[late, 2:].std(axis=1), rtol=1e-6)


def test_a_row_that_settles_has_no_spread_left_in_its_window():
    restless = np.random.RandomState(0).uniform(size=(20, 30))
    p = np.concatenate([restless, np.full((20, 10), 0.9)], axis=1)
    running = RunningStatistics(20, 10)
    for of_epoch in p.T:
        scores = np.column_stack([of_epoch, 1 - of_epoch])
        running.update(0, observe(scores, np.zeros(20, dtype=int)))
    assert_allclose(running.window_squares, 0.0, atol=1e-14)
    assert_allclose(running.results()["dual"], metrics.dual(p, window=10), rtol=1e-6)


@pytest.mark.parametrize("n_epochs", [1, 2, 3])
def test_a_run_cut_short_is_one_window(n_epochs):
    observations = made_up(n_epochs=n_epochs)
    running = RunningStatistics(40, window=10)
    for epoch, seen in enumerate(observations):
        running.update(epoch, seen)
    p = np.stack([seen.true_proba for seen in observations], axis=1).astype(np.float64)
    spread = p.std(axis=1, ddof=1) if n_epochs > 1 else np.zeros(40)
    assert_allclose(running.results()["dual"], spread * (1 - p.mean(axis=1)), rtol=1e-6)


BLOCKED = [
    *(slice(None), slice(None, None, -1), slice(5, None, 2), slice(N_BLOCKED - 3, 2, -3)),
    np.random.RandomState(0).permutation(N_BLOCKED)[: BLOCK + 9],
]


@pytest.mark.parametrize("rows", BLOCKED, ids=["all", "reversed", "steps", "back", "positions"])
def test_rows_that_fill_several_blocks_are_updated_each_once(rows):
    n_rows = len(np.arange(N_BLOCKED)[rows])
    p = np.random.RandomState(1).rand(n_rows).astype(np.float32)
    running = RunningStatistics(N_BLOCKED, window=2)
    running.update(0, Observation(p, p > 0.5, p, p, p), rows)
    expected = np.zeros(N_BLOCKED)
    expected[rows] = p
    assert_array_equal(running.mean, expected)
    assert running.n_seen.sum() == n_rows


def test_a_history_of_several_blocks_is_replayed_without_the_rows_and_epochs_that_it_lacks():
    rng = np.random.RandomState(0)
    scores = rng.dirichlet([1, 1], size=(6, N_BLOCKED))
    labels = rng.randint(2, size=N_BLOCKED)
    whole = TrainingDynamics(labels, n_epochs=6)
    chosen = TrainingDynamics(labels, n_epochs=3, keep_history=False)
    for epoch in (0, 1, 2, 4, 5):  # 3 is missing
        rows = np.flatnonzero(rng.rand(N_BLOCKED) < 0.7) if epoch % 2 else slice(None)
        whole.update(epoch, scores[epoch][rows], rows)
        if epoch > 2:
            chosen.update(epoch, scores[epoch][rows], rows)
    replayed, _ = whole.statistics(slice(3, None))
    expected, _ = chosen.statistics()
    for name, values in replayed.items():
        assert_array_equal(values, expected[name], err_msg=name)


@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_the_blocks_of_any_slice_hold_its_rows_in_its_order(size):
    bounds, steps = [None, *range(-7, 8)], [-3, -2, -1, None, 1, 2]
    for n in range(6):
        values = np.arange(n)
        for rows in (slice(a, b, step) for a in bounds for b in bounds for step in steps):
            blocks = list(blocks_of(rows, n, size))
            parts = [values[of_all] for _, of_all in blocks]
            assert all(0 < len(part) <= size for part in parts)
            found = np.concatenate([values[:0], *parts])
            assert_array_equal(found, values[rows], err_msg=f"{n}, {rows}")
            here = np.concatenate([values[:0], *(values[rows][places] for places, _ in blocks)])
            assert_array_equal(here, values[rows])
