"""What makes a label quality: evidence of folds, probabilities, ranks, and what follows of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from sklearn_carto._selection import _label_evidence, _label_quality
from sklearn_carto._selection._confident_learning import count_label_issues
from sklearn_carto._selection._label_evidence import (
    FoldEvidence,
    LabelObserver,
    Rating,
    log_margin,
    rate_labels,
    trusted_mask,
)
from sklearn_carto._selection._label_quality import (
    combine_probabilities,
    error_probabilities,
    n_rejected,
    rank_quality,
    sharpen,
    true_probabilities,
)
from sklearn_carto._selection._label_recall import planted_ranks


def random_labels(n_samples, n_classes=3, seed=0):
    """Probabilities, and labels that are drawn from them."""
    rng = np.random.RandomState(seed)
    p = rng.dirichlet(np.full(n_classes, 0.7), n_samples)
    drawn = (p.cumsum(axis=1) < rng.random_sample((n_samples, 1))).sum(axis=1)
    return p, np.minimum(drawn, n_classes - 1)


def mean_log(p, codes):
    return np.log(p[np.arange(len(codes)), codes]).mean()


# --- the evidence of one fold


def observe(epochs, n_epochs, from_logits=False):
    """Samples 0 and 1 are trained on, 2 is tested; labels are 0, 1, 0."""
    observer = LabelObserver(np.array([0, 1]), np.array([2]), np.array([0, 1, 0]), 2)
    observer.begin(n_epochs)
    for epoch, proba in enumerate(epochs):
        scores = np.log(proba) if from_logits else np.array(proba)
        observer.add(0, epoch, np.array([2]), scores[2:], from_logits)
        observer.add(0, epoch, np.array([1, 0]), scores[[1, 0]], from_logits)
    return observer


EPOCHS = [
    [[0.5, 0.5], [0.5, 0.5], [0.1, 0.9]],
    [[0.8, 0.2], [0.5, 0.5], [0.2, 0.8]],
    [[0.8, 0.2], [0.2, 0.8], [0.3, 0.7]],
    [[0.8, 0.2], [0.2, 0.8], [0.5, 0.5]],
]


@pytest.mark.parametrize("from_logits", [False, True])
def test_windows_are_means_of_the_tested_and_margins_of_the_trained_samples(from_logits):
    # of 4 epochs, windows end after 1 (0.15 * 4 rounded up), 2 and 4
    evidence = observe(EPOCHS, 4, from_logits).evidence()
    assert_array_equal(evidence.test, [2])
    assert_allclose(np.concatenate(evidence.windows), [[0.1, 0.9], [0.2, 0.8], [0.4, 0.6]])
    # log(.8 / .2) = log 4 in three and two of the four epochs
    assert_array_equal(evidence.train, [0, 1])
    assert_allclose(evidence.margin, [0.75 * np.log(4), 0.5 * np.log(4)], rtol=1e-6)


def test_a_window_that_an_early_stop_leaves_empty_repeats_the_one_before_it():
    windows = observe(EPOCHS[:2], 4).windows()
    assert_allclose(np.concatenate(windows), [[0.1, 0.9], [0.2, 0.8], [0.2, 0.8]])
    windows = observe(EPOCHS[:1], 4).windows()
    assert_allclose(np.concatenate(windows), [[0.1, 0.9]] * 3)


@pytest.mark.parametrize(("n_epochs", "n_windows"), [(1, 1), (2, 2), (3, 3), (20, 3), (None, 3)])
def test_few_epochs_make_fewer_windows(n_epochs, n_windows):
    assert len(observe(EPOCHS[:1], n_epochs).windows()) == n_windows


def test_epochs_beyond_the_announced_ones_count_for_the_last_window():
    assert_allclose(observe(EPOCHS, 3).windows()[2], [[0.4, 0.6]])


def test_log_margins_counted_by_hand():
    p = np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    expected = [np.log(2), np.log(1 / 6), np.log(1000), np.log(1 / 1000)]
    assert_allclose(log_margin(p, np.array([0, 2, 0, 0])), expected)


def fold(test, windows, train, margin, votes=()):
    return FoldEvidence(np.array(test), windows, list(votes), np.array(train), np.array(margin))


def test_folds_with_fewer_windows_repeat_their_last_one():
    p, codes = random_labels(60)
    late = p[30:] ** 2 / (p[30:] ** 2).sum(axis=1, keepdims=True)
    first = fold(range(30), [p[:30], p[:30] ** 0.5, p[:30]], range(30, 60), codes[30:])
    short = fold(range(30, 60), [p[30:], late], range(30), codes[:30])
    whole = fold(range(30, 60), [p[30:], late, late], range(30), codes[:30])
    some, all_ = (rate_labels([first, one], codes, 3, 0) for one in (short, whole))
    assert_array_equal(some.quality, all_.quality)
    assert_array_equal(some.probabilities, all_.probabilities)


def test_margins_are_averaged_over_the_folds_that_train_on_a_sample():
    p = np.full((3, 2), 0.5)
    folds = [
        fold([0], [p[:1]], [1, 2], [1.5, 0.5]),
        fold([1], [p[1:2]], [0, 2], [1.0, -0.5]),
        fold([2], [p[2:]], [0], [1.0]),
    ]
    # margins 1, 1.5, 0 have the ranks 3/6, 5/6, 1/6; equal probabilities share the rank 1/2
    rating = rate_labels(folds, np.array([0, 0, 0]), 2, 0)
    assert_allclose(rating.quality, [3 / 6, 4 / 6, 2 / 6])


def test_a_sample_without_a_margin_has_the_rank_of_its_probability():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    rating = rate_labels([fold(range(4), [p], [0, 1], [2.0, 1.0])], np.array([0, 0, 0, 1]), 2, 0)
    own = rating.probabilities[np.arange(4), [0, 0, 0, 1]]
    ranks = (own.argsort().argsort() + 0.5) / 4
    assert_allclose(rating.quality, [(ranks[0] + 0.75) / 2, (ranks[1] + 0.25) / 2, *ranks[2:]])


def test_labels_that_are_absent_are_not_rated_and_change_no_rating():
    p, codes = random_labels(60)
    margins = np.random.RandomState(0).normal(size=60)
    present = np.arange(60) < 40
    some = rate_labels([fold(range(60), [p], range(60), margins)], codes, 3, 0, present=present)
    only = rate_labels([fold(range(40), [p[:40]], range(40), margins[:40])], codes[:40], 3, 0)
    assert_array_equal(some.rows, np.arange(40))
    assert_array_equal(some.quality, only.quality)


def test_at_most_half_of_the_labels_are_issues(monkeypatch):
    monkeypatch.setattr(_label_evidence, "count_label_issues", lambda p, codes: np.bincount(codes))
    p, codes = random_labels(41)
    rating = rate_labels([fold(range(41), [p], range(41), np.zeros(41))], codes, 3, 0)
    assert rating.n_issues == 20


# --- probabilities


def test_probabilities_that_are_right_are_kept():
    p, codes = random_labels(8000)
    assert_allclose(combine_probabilities([p], [], codes, 0), p, atol=0.03)


def test_the_combination_is_at_least_as_likely_as_the_geometric_mean():
    p, codes = random_labels(300)
    rng = np.random.RandomState(1)
    windows = [softmax(np.log(p) * power + rng.normal(size=p.shape), axis=1) for power in (0.5, 2)]
    votes = [rng.dirichlet(np.ones(3), 300)]
    clipped = [np.maximum(window, 1e-3) for window in windows]
    start = np.sqrt(clipped[0] * clipped[1])
    start /= start.sum(axis=1, keepdims=True)
    combined = combine_probabilities(windows, votes, codes, 0)
    assert mean_log(combined, codes) > mean_log(start, codes)
    assert_allclose(combined.sum(axis=1), 1)


def test_a_window_and_votes_that_know_nothing_are_ignored():
    p, codes = random_labels(4000)
    noise, votes = np.random.RandomState(1).dirichlet(np.ones(3), (2, 4000))
    alone, with_noise = (
        combine_probabilities(windows, of_neighbors, codes, 0)
        for windows, of_neighbors in (([p], []), ([p, noise], [votes]))
    )
    assert np.abs(with_noise - alone).mean() < 0.02


def test_votes_count_where_they_know_more():
    p, codes = random_labels(4000)
    combined = combine_probabilities([np.full_like(p, 1 / 3)], [p], codes, 0)
    assert mean_log(combined, codes) > mean_log(np.full_like(p, 1 / 3), codes) + 0.2


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 0, 2]], ids=str)
def test_the_order_of_classes_does_not_matter(order):
    p, codes = random_labels(400)
    votes = random_labels(400, seed=1)[0]
    expected = combine_probabilities([p, p**2], [votes], codes, 0)
    renamed = np.argsort(order)[codes]  # column j of the reordered ones is class order[j]
    windows = [p[:, order], p[:, order] ** 2]
    actual = combine_probabilities(windows, [votes[:, order]], renamed, 0)
    assert_allclose(actual, expected[:, order], atol=1e-4)


def test_the_order_of_samples_does_not_matter():
    p, codes = random_labels(400)
    order = np.random.RandomState(0).permutation(400)
    expected = combine_probabilities([p, p**2], [p], codes, 0)
    actual = combine_probabilities([p[order], p[order] ** 2], [p[order]], codes[order], 0)
    assert_allclose(actual, expected[order], atol=1e-4)


def test_a_class_without_a_label_to_rate_leaves_probabilities_finite():
    p, codes = random_labels(200)
    votes = np.eye(3)[codes]
    codes[codes == 2] = 0
    combined = combine_probabilities([p], [votes], codes, 0)  # no warning of a logarithm of 0
    assert np.isfinite(combined).all()
    start = np.maximum(p, 1e-3)
    assert mean_log(combined, codes) > mean_log(start / start.sum(1, keepdims=True), codes) + 0.1


def test_weights_are_fitted_to_a_draw_of_many_samples(monkeypatch):
    p, codes = random_labels(6000)
    whole = combine_probabilities([p, p**2], [], codes, 0)
    monkeypatch.setattr(_label_quality, "MAX_FITTED", 2000)
    drawn = combine_probabilities([p, p**2], [], codes, 0)
    assert_array_equal(drawn, combine_probabilities([p, p**2], [], codes, 0))
    assert not np.array_equal(drawn, whole)
    assert_allclose(drawn, whole, atol=0.05)


# --- ranks


def test_ranks_counted_by_hand():
    assert_allclose(rank_quality(np.array([3.0, 1.0, 2.0])), [5 / 6, 1 / 6, 3 / 6])
    assert_allclose(rank_quality(np.array([1.0, 1.0, 2.0])), [2 / 6, 2 / 6, 5 / 6])
    both = rank_quality(np.array([1.0, 2.0, np.nan]), np.array([np.nan, 5.0, 4.0]))
    assert_allclose(both, [0.25, 0.75, 0.25])


def test_a_quality_lies_within_0_and_1():
    evidence = np.random.RandomState(0).normal(size=(2, 50))
    quality = rank_quality(*evidence)
    assert (quality > 0).all()
    assert (quality < 1).all()
    assert rank_quality(np.ones(1)) == 0.5


# --- the probability of an error, and the false-discovery rate


@pytest.mark.parametrize(("n_classes", "noise_rate"), [(2, 0.1), (3, 0.2), (10, 0.4)])
def test_error_probabilities_are_those_of_labels_that_were_flipped(n_classes, noise_rate):
    p, true = random_labels(200_000, n_classes)
    rng = np.random.RandomState(1)
    wrong = rng.random_sample(len(true)) < noise_rate
    given = np.where(wrong, (true + rng.randint(1, n_classes, len(true))) % n_classes, true)
    own = p[np.arange(len(given)), given]
    proba = error_probabilities(own, own, noise_rate, n_classes)
    bins = np.digitize(proba, np.linspace(0, 1, 11))
    for one in np.unique(bins):
        of_bin = bins == one
        if of_bin.sum() > 2000:
            assert_allclose(wrong[of_bin].mean(), proba[of_bin].mean(), atol=0.02)
    assert_allclose(proba.mean(), noise_rate, atol=0.01)


def test_error_probabilities_counted_by_hand():
    # of 10 samples with p = 1/2 and r = 1/5, 1 has the label by error and 4 by right
    assert_allclose(error_probabilities(np.array([0.5]), np.array([0.5]), 0.2, 2), [0.2])
    own = np.array([0.0, 1.0])
    assert_allclose(error_probabilities(own, own, 0.1, 2), [1, 0], atol=1e-12)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_the_sharpness_of_true_probabilities_is_found_from_the_labels(power):
    p, true = random_labels(50_000, 3)  # and a model whose probabilities are too flat by a power
    flat = p ** (1 / power)
    flat /= flat.sum(axis=1, keepdims=True)
    rng = np.random.RandomState(1)
    wrong = rng.random_sample(len(true)) < 0.2
    given = np.where(wrong, (true + rng.randint(1, 3, len(true))) % 3, true)
    found = true_probabilities(sharpen(flat, given), 0.2, 3)
    assert_allclose(found, p[np.arange(len(given)), given], atol=1e-5)


def test_error_probabilities_fall_with_the_quality():
    own, quality = np.random.RandomState(0).random_sample((2, 100))
    proba = error_probabilities(own, quality, 0.2, 4)
    assert (np.diff(proba[quality.argsort()]) <= 0).all()
    assert (proba >= 0).all()
    assert (proba <= 1).all()


def test_qualities_that_differ_by_a_rounding_error_have_an_error_probability():
    quality = np.array([0.1, 0.9994, 0.9994 + 2e-16, 0.9994 - 2e-16, 0.9995])
    proba = error_probabilities(np.array([0.5, 0.97, 0.98, 0.99, 1.0]), quality, 0.02, 2)
    assert np.isfinite(proba).all()
    assert len(set(proba[1:4])) == 1


@pytest.mark.parametrize(("n_classes", "noise_rate"), [(2, 0.5), (2, 0.9), (4, 0.75), (4, 0.99)])
def test_labels_that_say_nothing_are_wrong_at_the_noise_rate(n_classes, noise_rate):
    own = np.array([0.1, 0.6, 0.9])
    assert_allclose(error_probabilities(own, own, noise_rate, n_classes), noise_rate)


@pytest.mark.parametrize(
    ("fdr", "expected"),
    [(0.05, 0), (0.1, 1), (0.15, 2), (0.35, 2), (0.37, 3), (0.99, 3)],
)
def test_rejected_labels_counted_by_hand(fdr, expected):
    # shares of right labels among the first 1, 2, 3: .1, .3 / 2 = .15, 1.1 / 3 = .367
    assert n_rejected(np.array([0.2, 0.9, 0.8]), fdr + 1e-12) == expected


# --- confident learning's count


def test_pruned_labels_counted_by_hand():
    p = np.array(
        [
            [0.8, 0.1, 0.1],  # of label 0, whose threshold is (.8 + .6 + .1) / 3 = .5
            [0.6, 0.3, 0.1],
            [0.1, 0.7, 0.2],  # confidently of class 1
            [0.1, 0.8, 0.1],  # of label 1, threshold (.8 + .6) / 2 = .7
            [0.2, 0.6, 0.2],  # reaches no threshold
            [0.1, 0.2, 0.7],  # of label 2, threshold (.7 + .35) / 2 = .525
            [0.55, 0.1, 0.35],  # confidently of class 0
        ]
    )
    assert count_label_issues(p, np.array([0, 0, 0, 1, 1, 2, 2])).sum() == 2


def test_counts_are_scaled_to_the_samples_of_a_label_and_predicted_labels_are_kept():
    p = np.array(
        [
            [0.9, 0.1],  # of label 0, whose threshold is .53: confidently of its class
            [0.2, 0.8],  # confidently of class 1
            [0.51, 0.49],  # reaches no threshold
            [0.51, 0.49],
            [0.1, 0.9],  # of label 1, threshold .8
            [0.3, 0.7],
        ]
    )
    # of label 0 one in two is of class 1: two of four, but one of these is predicted to be 0
    assert count_label_issues(p, np.array([0, 0, 0, 0, 1, 1])).sum() == 1


def test_a_class_without_a_confident_sample_has_no_issue():
    p = np.array([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5]])
    assert count_label_issues(p, np.array([0, 0, 0])).sum() == 0


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("noise_rate", [0.05, 0.2])
def test_the_count_is_that_of_cleanlab(n_classes, noise_rate):
    cleanlab = pytest.importorskip("cleanlab.filter")
    p, codes = random_labels(2000, n_classes)
    rng = np.random.RandomState(2)
    flip = rng.random_sample(len(codes)) < noise_rate
    codes = np.where(flip, (codes + rng.randint(1, n_classes, len(codes))) % n_classes, codes)
    expected = cleanlab.find_label_issues(codes, p, filter_by="prune_by_noise_rate", n_jobs=1)
    # cleanlab rounds the scaled joint in a way that keeps its sums, and removes ties differently
    assert abs(count_label_issues(p, codes).sum() - expected.sum()) <= n_classes


# --- the second pass


def rating_of(rows, labels, suspect):
    """A rating that confident learning finds some labels of two classes wrong by."""
    p = np.where((np.eye(2)[labels] > 0) ^ suspect[:, None], 0.9, 0.1)
    return Rating(rows, np.linspace(0.1, 0.9, len(rows)), p, 0)


def test_of_a_class_at_most_half_is_left_out_and_ten_samples_remain():
    counts, suspects = (30, 12), (20, 8)
    labels = np.repeat([0, 1], counts)
    suspect = np.concatenate([np.arange(n) < k for n, k in zip(counts, suspects, strict=True)])
    trusted = trusted_mask(rating_of(np.arange(42), labels, suspect), labels)
    assert trusted[:30].sum() == 15
    assert trusted[30:].sum() == 10
    left_out = np.flatnonzero(~trusted)
    assert_array_equal(left_out, [*range(15), 30, 31])  # lowest quality first


def test_of_a_class_below_ten_samples_none_is_left_out():
    labels = np.repeat([0, 1], [40, 9])
    suspect = np.concatenate([np.zeros(40, bool), np.arange(9) < 4])
    assert trusted_mask(rating_of(np.arange(49), labels, suspect), labels).all()


def test_samples_that_are_not_rated_remain():
    labels = np.r_[np.repeat([0, 1], 20), 2]
    rows = np.arange(40)[::-1]
    trusted = trusted_mask(rating_of(rows, labels[rows], np.arange(40) < 3), labels)
    assert_array_equal(np.flatnonzero(~trusted), [37, 38, 39])


# --- labels that are replaced in thought


def test_planted_labels_are_drawn_uniformly_from_the_others():
    n_samples, own = 3000, 2
    # the sample has another probability for each class: its rank tells which one was drawn
    levels = np.array([0.1, 0.2, 0.4, 0.3])
    p = np.tile(levels, (n_samples, 1))
    ranks = planted_ranks(p, np.full(n_samples, own), 0)
    assert (ranks == 0).all()  # each is less probable than the others' own label
    # the drawn ones themselves: read off among labels that span the levels
    p = np.vstack([p, np.eye(4)[0] * 0.15, np.eye(4)[0] * 0.25])
    ranks = planted_ranks(p, np.r_[np.full(n_samples, own), 0, 0], 0)[:n_samples]
    counts = np.bincount(ranks, minlength=3)[:3]
    assert_allclose(counts / n_samples, 1 / 3, atol=0.03)


def test_of_two_classes_the_other_one_is_planted():
    p, codes = random_labels(200, 2)
    own, other = p[np.arange(200), codes], p[np.arange(200), 1 - codes]
    expected = [(np.delete(own, i) < other[i]).sum() for i in range(200)]
    assert_array_equal(planted_ranks(p, codes, 0), expected)
