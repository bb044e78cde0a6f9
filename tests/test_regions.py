"""Regions: which rows a rule takes."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_carto import DataMap
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._maps._regions import describe_region
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import (
    HeldOutRowsWarning,
    MissingClassesWarning,
    UnseenSamplesWarning,
)

CONFIDENCE = [0.9, 0.1, 0.5, 0.8, 0.2, 0.6, 0.95, 0.3, 0.4, 0.7]
VARIABILITY = [0.05, 0.1, 0.45, 0.2, 0.15, 0.4, 0.01, 0.3, 0.5, 0.25]
NAMED = ["random", "ambiguous", "easy", "hard", "coverage", "weighted", "dual-beta", "median"]


@pytest.fixture
def ten_rows():
    return DataMap(
        confidence=CONFIDENCE,
        variability=VARIABILITY,
        correctness=CONFIDENCE,
        n_epochs=10,
        aum=np.subtract(CONFIDENCE, 0.5),
        labels=["a", "b"] * 5,
    )


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("ambiguous", [2, 5, 8]),
        ("high-variability", [2, 5, 8]),
        ("low-variability", [0, 1, 6]),
        ("easy", [0, 3, 6]),
        ("easy-to-learn", [0, 3, 6]),
        ("hard", [1, 4, 7]),
        ("hard-to-learn", [1, 4, 7]),
        ("low-correctness", [1, 4, 7]),
        ("high-aum", [0, 3, 6]),
        (lambda data_map: -data_map.confidence, [1, 4, 7]),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_regions_counted_by_hand(ten_rows, region, expected):
    assert_array_equal(ten_rows.select(region, 0.3, stratify=False), expected)


def test_stratified_regions_are_chosen_class_by_class(ten_rows):
    # of class a (rows 0, 2, 4, 6, 8) the two of highest confidence, and of class b likewise
    assert_array_equal(ten_rows.select("easy", 0.4), [0, 3, 6, 9])


def test_median_rows_are_nearest_to_the_median_of_their_class(ten_rows):
    # medians: 0.5 of .9 .5 .2 .95 .4, and 0.6 of .1 .8 .6 .3 .7
    assert_array_equal(ten_rows.select("median", 0.4), [2, 5, 8, 9])


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.MissingClassesWarning")
@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("frac", [0.003, 0.01, 0.1, 0.33, 0.5, 0.999, 1.0])
@pytest.mark.parametrize(
    "region", [*NAMED, "low-dual", {"ambiguous": 0.8, "easy": 0.2}], ids=describe_region
)
def test_budgets_are_exact_and_rows_ascend(random_map, region, frac, stratify):
    if isinstance(region, dict) and frac < 0.01:
        pytest.skip("a mixture needs a row for each region")
    rows = random_map(300).select(region, frac, stratify=stratify, random_state=0)
    assert len(rows) == max(1, round(frac * 300))
    assert (np.diff(rows) > 0).all()


@pytest.mark.parametrize("region", NAMED)
def test_the_same_seed_gives_the_same_rows(random_map, region):
    data_map = random_map(300)
    first = data_map.select(region, 0.2, random_state=3)
    assert_array_equal(first, data_map.select(region, 0.2, random_state=3))
    drawn = region in ("random", "coverage", "weighted", "dual-beta")
    other = data_map.select(region, 0.2, random_state=4)
    assert np.array_equal(first, other) != drawn


@pytest.mark.parametrize("region", NAMED)
def test_stratification_keeps_the_shares_of_classes(random_map, region):
    data_map = random_map(1000)
    rows = data_map.select(region, 0.25, random_state=0)
    names, counts = np.unique(data_map.labels, return_counts=True)
    for name, count in zip(names, counts, strict=True):
        assert abs((data_map.labels[rows] == name).sum() - count / 4) <= 1.5


def test_without_stratification_whole_classes_can_be_lost(ten_rows):
    held = DataMap(
        confidence=CONFIDENCE,
        variability=VARIABILITY,
        correctness=CONFIDENCE,
        n_epochs=10,
        labels=["b" if c < 0.5 else "a" for c in CONFIDENCE],
    )
    assert set(held.labels[held.select("easy", 0.3, stratify=False)]) == {"a"}
    assert set(held.labels[held.select("easy", 0.3)]) == {"a", "b"}


def test_ties_are_broken_by_the_seed_and_never_by_the_order_of_rows():
    flat = DataMap(
        confidence=np.full(100, 0.5),
        variability=np.zeros(100),
        correctness=np.ones(100),
        n_epochs=5,
    )
    chosen = [flat.select("easy", 0.1, stratify=False, random_state=s) for s in range(30)]
    counts = np.bincount(np.concatenate(chosen), minlength=100)
    assert len({tuple(rows) for rows in chosen}) > 25
    # thirty draws of ten: rows of the first half come as often as those of the second
    assert abs(counts[:50].sum() - 150) < 50


def test_random_draws_every_row_equally_often(random_map):
    data_map = random_map(30)
    counts = np.zeros(30)
    for seed in range(600):
        counts[data_map.select("random", 0.5, stratify=False, random_state=seed)] += 1
    # 300 expected, with a standard deviation of about 12
    assert np.abs(counts - 300).max() < 60


def test_weighted_draws_in_proportion_to_the_root_of_variability():
    # (0.16 + .001)^.5 to (0.01 + .001)^.5 is 3.83 to 1, so .793 of single draws take row 0
    pair = DataMap(
        confidence=[0.5, 0.5], variability=[0.16, 0.01], correctness=[1.0, 1.0], n_epochs=9
    )
    draws = [pair.select("weighted", 0.5, stratify=False, random_state=s)[0] for s in range(500)]
    share = np.mean(np.array(draws) == 0)
    assert abs(share - 0.793) < 0.06  # three standard deviations


def test_coverage_shares_the_budget_over_bins_the_smallest_first():
    # 100 rows in one bin of the margin, 3 in another, 10 in a third
    margin = np.r_[np.full(100, 0.0), np.full(3, 5.0), np.full(10, 10.0)]
    flat = np.full(113, 0.5)
    data_map = DataMap(confidence=flat, variability=flat, correctness=flat, n_epochs=9, aum=margin)
    rows = data_map.select("coverage", 20 / 113, stratify=False, random_state=0)
    # 20 over 3 bins: all 3 of the smallest, then 8 of 17, then 9
    assert [(margin[rows] == value).sum() for value in (5.0, 10.0, 0.0)] == [3, 8, 9]


def test_dual_beta_moves_to_easier_rows_as_the_budget_shrinks(random_map):
    # the beta distribution that it draws from has its mean at higher confidence for small shares
    data_map = random_map(3000)
    mean = {
        frac: data_map.confidence[data_map.select("dual-beta", frac, random_state=0)].mean()
        for frac in (0.05, 0.5)
    }
    assert mean[0.05] > mean[0.5]


def test_mixtures_share_the_budget_and_take_no_row_twice(random_map):
    data_map = random_map(300)
    mixture = {"ambiguous": 0.6, "easy": 0.4}
    rows = data_map.select(mixture, 0.1, stratify=False, random_state=0)
    ambiguous = data_map.select("ambiguous", 0.06, stratify=False, random_state=0)
    assert len(np.unique(rows)) == 30
    assert np.isin(ambiguous, rows).all()
    # the other twelve are the easiest of those that were left
    others = np.setdiff1d(np.arange(300), ambiguous)
    easiest = others[np.argsort(-data_map.confidence[others])[:12]]
    assert_array_equal(np.sort(np.r_[ambiguous, easiest]), rows)


def test_regions_of_a_mixture_that_want_the_same_rows_do_not_overlap(random_map):
    rows = random_map(100).select({"easy": 0.5, "high-confidence": 0.5}, 0.4, random_state=0)
    same = random_map(100).select("easy", 0.4, random_state=0)
    assert_array_equal(rows, same)


def test_a_noise_cut_sets_the_lowest_margins_of_each_class_aside(ten_rows):
    # class a: margins .4 .0 -.3 .45 -.1; class b: -.4 .3 .1 -.2 .2; the lowest of each are 4 and 1
    rows = ten_rows.select("hard", 0.4, noise_cut=0.2, random_state=0)
    assert_array_equal(rows, [2, 5, 7, 8])
    of_class = ten_rows.select("hard", 0.4, noise_cut={"a": 0.2}, random_state=0)
    assert_array_equal(of_class, [1, 2, 7, 8])


def test_quotas_stay_those_of_the_original_classes_and_cut_rows_return(ten_rows):
    # all but one row of class a are cut, but its quota is four: the best margins come back
    rows = ten_rows.select("easy", 0.8, noise_cut={"a": 0.8}, random_state=0)
    assert_array_equal(rows[np.isin(rows, [0, 2, 4, 6, 8])], [0, 2, 6, 8])
    assert len(rows) == 8


def test_held_out_rows_are_ranked_apart_with_their_share(random_map):
    held_out = np.arange(100) % 5 == 0
    # held-out rows look much harder, as rows do that a model did not train on
    confidence = np.where(held_out, 0.1, 0.9) + 0.001 * np.arange(100) / 100
    data_map = DataMap(
        confidence=confidence,
        variability=confidence / 4,
        correctness=confidence,
        n_epochs=9,
        held_out_mask=held_out,
    )
    with pytest.warns(HeldOutRowsWarning, match="20 of the 100 rows were held out"):
        rows = data_map.select("hard", 0.2, stratify=False)
    assert held_out[rows].sum() == 4


def test_a_region_chooses_other_rows_than_random_does(random_map):
    # the check that users of other libraries missed: half of the easiest half would be chance
    data_map = random_map(1000)
    easy = data_map.select("easy", 0.5, random_state=0)
    drawn = data_map.select("random", 0.5, random_state=0)
    hard = data_map.select("hard", 0.5, random_state=0)
    assert 0.4 < np.isin(easy, drawn).mean() < 0.6
    assert np.isin(easy, hard).mean() < 0.01


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("ambigous", "Did you mean 'ambiguous'. Known are ambiguous, corner-ambiguous"),
        ("Corner_Easy", "Did you mean 'corner-easy'"),
        ("high-varability", "Did you mean 'high-variability'"),
        ("strange", "Unknown region 'strange'. Known are"),
        ("high-entropy", "with a statistic of confidence, variability"),
        ("mid-confidence", "Unknown region"),
        (3, "Unknown region 3"),
        ({"easy": 0.8, "hard": 0.1}, "must sum to 1.*sums to 0.9"),
        ({"easy": 1.5, "hard": -0.5}, "are not negative"),
        ({}, "must sum to 1"),
        ({"easy": 0.5, "strange": 0.5}, "Unknown region 'strange'"),
    ],
    ids=str,
)
def test_unknown_regions_are_refused(random_map, region, message):
    data_map = random_map(100)
    with pytest.raises(ValueError, match=message):
        data_map.select(region, 0.5)


def test_a_fraction_that_is_no_number_is_refused(random_map):
    with pytest.raises(ValueError, match=r"frac must be a number in \(0, 1\]; got 'a third'"):
        random_map().select("easy", "a third")


@pytest.mark.parametrize("frac", [0, -0.1, 1.01, np.nan])
def test_fractions_out_of_range_are_refused(random_map, frac):
    data_map = random_map(100)
    with pytest.raises(ValueError, match=r"frac must lie in \(0, 1\]"):
        data_map.select("easy", frac)


@pytest.mark.parametrize("noise_cut", [-0.1, 1.0, {"a": 1.0}, np.nan], ids=str)
def test_cuts_out_of_range_are_refused(random_map, noise_cut):
    data_map = random_map(100)
    with pytest.raises(ValueError, match=r"noise_cut must lie in \[0, 1\)"):
        data_map.select("easy", 0.5, noise_cut=noise_cut)


def test_a_cut_of_a_class_that_is_not_there_is_refused(random_map):
    data_map = random_map(100)
    with pytest.raises(ValueError, match=r"noise_cut names \['d'\]"):
        data_map.select("easy", 0.5, noise_cut={"d": 0.1})


def test_a_mixture_without_rows_enough_is_refused(random_map):
    data_map = random_map(100)
    with pytest.raises(ValueError, match="A budget of 3 rows is too small for a mixture of"):
        data_map.select({"easy": 0.9, "hard": 0.1}, 0.03, random_state=0)


@pytest.mark.parametrize(
    "score", [lambda m: m.confidence[:5], lambda m: np.full(100, np.nan)], ids=["short", "nan"]
)
def test_a_callable_must_score_every_row(random_map, score):
    data_map = random_map(100)
    with pytest.raises(ValueError, match="must return one number for each of the 100 rows"):
        data_map.select(score, 0.5)


@pytest.mark.parametrize("region", ["high-aum", "dual-beta", "low-loss", "high-forgetting"])
def test_a_region_without_its_statistic_is_an_error(region):
    published = DataMap(
        confidence=CONFIDENCE, variability=VARIABILITY, correctness=CONFIDENCE, n_epochs=6
    )
    with pytest.raises(ValueError, match="needs the statistic"):
        published.select(region, 0.5, stratify=False)


def test_stratification_needs_labels():
    published = DataMap(
        confidence=CONFIDENCE, variability=VARIABILITY, correctness=CONFIDENCE, n_epochs=6
    )
    with pytest.raises(ValueError, match="holds no labels.*stratify=False"):
        published.select("easy", 0.5)


def test_every_statistic_is_a_region_in_both_directions(random_map):
    values = {name: np.random.RandomState(1).random_sample(50) for name in STATISTICS}
    values["variability"] = values["variability"] / 2
    values["aleatoric"] = values["aleatoric"] / 4
    data_map = DataMap(n_epochs=9, **values)
    for name in STATISTICS:
        high = data_map.select(f"high-{name.replace('_', '-')}", 0.2, stratify=False)
        low = data_map.select(f"low-{name}", 0.2, stratify=False)
        assert values[name][high].min() > np.median(values[name]) > values[name][low].max()


def test_a_budget_below_the_number_of_classes_draws_a_warning(random_map):
    with pytest.warns(MissingClassesWarning, match="2 rows cannot hold .* 3 classes"):
        rows = random_map(100).select("easy", 0.02, random_state=0)
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("corner", "expected"),
    [("corner-easy", [0, 3, 6]), ("corner-ambiguous", [2, 5, 8]), ("corner-hard", [1, 4, 7])],
)
def test_corners_take_the_nearest_rows_with_both_axes_scaled(ten_rows, corner, expected):
    assert_array_equal(ten_rows.select(corner, 0.3, stratify=False), expected)


def test_half_the_largest_variability_is_as_far_as_half_the_confidence():
    # from the hard corner: (0.2, 0) lies at 0.4, (0, 0.45) at 0.45
    data_map = DataMap(
        confidence=[0.0, 0.45, 1.0], variability=[0.2, 0.0, 0.0], correctness=[0, 0, 1], n_epochs=5
    )
    assert data_map.select("corner-hard", 0.33, stratify=False).tolist() == [0]


def constant(data_map):
    return np.zeros(data_map.n_samples)


DRAWN = {
    "weighted": "weighted",
    "dual-beta": "dual-beta",
    "coverage": "coverage",
    "ties of a callable": constant,
    "ties of a statistic": "high-forgetting",
    "mixture": {"weighted": 0.5, constant: 0.5},
    "mixture of ties": {"high-forgetting": 0.7, "coverage": 0.3},
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("stratify", [True, False])
def test_random_rows_share_with_another_rule_what_independence_gives(random_map, name, stratify):
    n_samples, n_rows, n_seeds = 120, 40, 60
    data_map = random_map(n_samples, forgetting=np.zeros(n_samples))
    shared = []
    for seed in range(n_seeds):
        drawn, other = (
            data_map.select(rule, n_rows / n_samples, stratify=stratify, random_state=seed)
            for rule in ("random", DRAWN[name])
        )
        shared.append(np.isin(drawn, other).sum())
    if stratify:  # quotas of 3 classes with 24, 12 and 4 rows of 72, 36 and 12, or nearly
        _, counts = np.unique(data_map.labels, return_counts=True)
        expected = (counts / 9).sum()
    else:
        expected = n_rows**2 / n_samples
    # of a hypergeometric distribution
    deviation = np.sqrt(expected * (1 - n_rows / n_samples) ** 2 * n_samples / (n_samples - 1))
    assert abs(np.mean(shared) - expected) < 5 * deviation / np.sqrt(n_seeds)


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_random_is_the_same_alone_and_as_part_of_a_mixture(random_map, seed):
    data_map = random_map(200)
    alone = data_map.select("random", 0.2, random_state=seed, stratify=False, order="score")
    mixture = {"random": 0.5, "easy": 0.5}
    mixed = data_map.select(mixture, 0.2, random_state=seed, stratify=False, order="score")
    assert_array_equal(mixed[:20], alone[:20])


@pytest.mark.parametrize(
    ("one", "other"), [("easy", "high-confidence"), ("hard", "hard-to-learn"), ("random", "random")]
)
def test_names_that_mean_the_same_region_break_ties_alike(one, other):
    flat = dict.fromkeys(["confidence", "variability", "correctness"], np.full(60, 0.5))
    data_map = DataMap(n_epochs=5, **flat)
    first, second = (
        data_map.select(name, 0.2, stratify=False, random_state=3) for name in (one, other)
    )
    assert_array_equal(first, second)


def test_a_generator_is_drawn_from_once_and_no_seed_is_fresh(random_map):
    data_map = random_map(200)
    rng, reference = np.random.RandomState(3), np.random.RandomState(3)
    first = data_map.select("random", 0.2, random_state=rng)
    reference.randint(2**31 - 1)
    assert rng.randint(1000) == reference.randint(1000)
    assert not np.array_equal(first, data_map.select("random", 0.2, random_state=rng))
    fresh = [data_map.select("random", 0.2) for _ in range(2)]
    assert not np.array_equal(*fresh)


EVERY = [*NAMED, "corner-hard", "low-aum", {"ambiguous": 0.6, "random": 0.4}, constant]


@pytest.mark.parametrize("absent", ["weight 0", "unseen", "both"])
@pytest.mark.parametrize("region", EVERY, ids=describe_region)
@pytest.mark.parametrize("given", [{}, {"stratify": False}, {"noise_cut": 0.3}], ids=str)
@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.UnseenSamplesWarning")
def test_absent_rows_count_nowhere(random_map, region, given, absent):
    whole = random_map(150)
    excluded, unseen = np.arange(150) % 3 == 0, np.arange(150) % 7 == 0
    excluded = excluded if absent != "unseen" else np.zeros(150, dtype=bool)
    unseen = unseen if absent != "weight 0" else np.zeros(150, dtype=bool)
    statistics = {
        name: np.where(unseen, np.nan, getattr(whole, name))
        for name in STATISTICS
        if getattr(whole, name) is not None
    }
    data_map = DataMap(labels=whole.labels, n_epochs=12, excluded_mask=excluded, **statistics)
    present = np.flatnonzero(~excluded & ~unseen)
    rows = data_map.select(region, 0.3, random_state=1, **given)
    assert len(rows) == max(1, round(0.3 * len(present)))
    alone = whole.subset(present).select(region, 0.3, random_state=1, **given)
    assert_array_equal(rows, present[alone])


def test_rows_of_weight_zero_are_never_selected(random_map):
    data_map = random_map(100, excluded_mask=np.arange(100) < 60)
    for region in EVERY:
        assert data_map.select(region, 1.0, random_state=0).tolist() == [*range(60, 100)]


def test_rows_never_seen_are_counted_once_in_a_warning(random_map):
    rows = np.where(np.arange(60) < 4, np.nan, 0.4)
    excluded = np.arange(60) == 3
    data_map = DataMap(
        confidence=rows, variability=rows, correctness=rows, n_epochs=3, excluded_mask=excluded
    )
    for region in ("random", "easy"):
        with pytest.warns(
            UnseenSamplesWarning, match=r"3 of 60 rows .* among them \[0, 1, 2\]"
        ) as caught:
            assert len(data_map.select(region, 0.5, stratify=False)) == 28
        assert len(caught) == 1


@pytest.mark.parametrize("excluded", [None, [True, True]])
def test_a_map_without_a_row_to_select_is_an_error(excluded):
    nothing = [np.nan, np.nan] if excluded is None else [0.5, 0.5]
    data_map = DataMap(
        confidence=nothing,
        variability=nothing,
        correctness=nothing,
        n_epochs=2,
        excluded_mask=excluded,
    )
    with pytest.raises(ValueError, match="No row of this data map can be selected"):
        data_map.select("random", 0.5, stratify=False)


def test_a_callable_is_called_with_all_rows_and_may_miss_absent_ones(random_map):
    scores = np.arange(50.0)
    scores[:10] = np.nan
    data_map = random_map(50, excluded_mask=np.arange(50) < 10)
    assert data_map.select(lambda m: scores, 0.05, stratify=False).tolist() == [48, 49]


@pytest.mark.parametrize(
    ("region", "key"),
    [
        ("easy", lambda m: -m.confidence),
        ("hard", lambda m: m.confidence),
        ("low-aum", lambda m: m.aum),
        ("corner-easy", lambda m: np.hypot(2 * m.variability, 1 - m.confidence)),
        (lambda m: m.dual, lambda m: -m.dual),
    ],
    ids=["easy", "hard", "aum", "corner", "callable"],
)
@pytest.mark.parametrize("stratify", [True, False])
def test_the_best_rows_come_first_in_order_of_their_score(random_map, region, key, stratify):
    data_map = random_map(200)
    by_score = data_map.select(region, 0.2, stratify=stratify, random_state=0, order="score")
    assert (np.diff(key(data_map)[by_score]) >= 0).all()
    by_position = data_map.select(region, 0.2, stratify=stratify, random_state=0)
    assert_array_equal(np.sort(by_score), by_position)


def test_a_mixture_in_order_comes_region_by_region(random_map):
    data_map = random_map(200)
    mixture = {"hard": 0.75, "easy": 0.25}
    rows = data_map.select(mixture, 0.1, stratify=False, random_state=0, order="score")
    hard = data_map.select("hard", 0.075, stratify=False, random_state=0, order="score")
    easy = data_map.select("easy", 0.025, stratify=False, random_state=0, order="score")
    assert_array_equal(rows, np.r_[hard, easy])


def test_ids_are_those_of_the_rows(random_map):
    ids = np.array([f"row {i}" for i in range(100)])
    data_map = random_map(100, sample_ids=ids)
    rows = data_map.select("hard", 0.1, random_state=0, order="score")
    chosen = data_map.select("hard", 0.1, random_state=0, order="score", return_ids=True)
    assert_array_equal(chosen, ids[rows])
    without = random_map(100)
    with pytest.raises(InvalidParameterError, match="needs sample_ids"):
        without.select("hard", 0.1, return_ids=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"order": "best"}, "'order' parameter of DataMap.select"),
        ({"order": None}, "'order' parameter"),
        ({"return_ids": "yes"}, "'return_ids' parameter"),
        ({"return_ids": 1}, "'return_ids' parameter"),
        ({"stratify": "no"}, "'stratify' parameter"),
        ({"stratify": None}, "'stratify' parameter"),
        ({"random_state": 1.5}, "'random_state' parameter"),
        ({"random_state": -1}, "random_state"),
        ({"random_state": True}, "random_state"),
        ({"random_state": 2**32}, "random_state"),
        ({"noise_cut": "0.1"}, "noise_cut must lie"),
        ({"noise_cut": None}, "noise_cut must lie"),
        ({"noise_cut": [0.1]}, "noise_cut must lie"),
        ({"noise_cut": True}, "noise_cut must lie"),
        ({"noise_cut": {"a": "0.1"}}, "noise_cut must lie"),
        ({"noise_cut": {"a": np.nan}}, "noise_cut must lie"),
        ({"frac": True}, "frac must be a number"),
        ({"frac": None}, "frac must be a number"),
        ({"frac": 0.5j}, "frac must be a number"),
        ({"frac": np.array([0.5])}, "frac must be a number"),
        ({"region": None}, "Unknown region None"),
        ({"region": ["easy"]}, "Unknown region"),
        ({"region": b"easy"}, "Unknown region"),
        ({"region": {("easy", "hard"): 1.0}}, "Unknown region"),
    ],
    ids=str,
)
def test_arguments_of_the_wrong_kind_are_refused(random_map, given, message):
    data_map = random_map(50)
    with pytest.raises(InvalidParameterError, match=message):
        data_map.select(**{"region": "easy", "frac": 0.5} | given)


@pytest.mark.parametrize(
    "share", [np.nan, -0.5, np.inf, -np.inf, True, "1.0", None, 1j, [1.0], np.array([0.5, 0.5])]
)
def test_shares_of_a_mixture_are_numbers_that_are_not_negative(random_map, share):
    data_map = random_map(50)
    for mixture in ({"easy": share}, {"easy": share, "hard": 0.5}):
        with pytest.raises(InvalidParameterError, match="shares of a mixture of regions must be"):
            data_map.select(mixture, 0.4)


@pytest.mark.parametrize(
    "scores",
    [None, "scores", np.zeros((50, 1)), ["a"] * 50, np.zeros(50, dtype=bool), [1j] * 50, 3.0],
    ids=str,
)
def test_a_callable_that_returns_no_numbers_is_refused(random_map, scores):
    data_map = random_map(50)
    with pytest.raises(ValueError, match="must hold one number for each row|one number for each"):
        data_map.select(lambda m: scores, 0.5)


@pytest.mark.parametrize("labels", [[3, 1], [True, False], [0.5, 2.5], ["a", "b"]], ids=str)
def test_a_cut_of_one_class_names_it_by_any_kind_of_label(random_map, labels):
    classes = np.array(labels)
    data_map = random_map(100, labels=classes[np.arange(100) % 2])
    rows = data_map.select("hard", 0.5, noise_cut={labels[0]: 0.2, labels[1]: 0}, random_state=0)
    same = random_map(100, labels=np.array(["x", "y"])[np.arange(100) % 2])
    expected = same.select("hard", 0.5, noise_cut={"x": 0.2}, random_state=0)
    assert_array_equal(rows, expected)


def test_infinite_margins_do_not_keep_a_rule_from_drawing(random_map):
    aum = np.r_[np.full(20, -np.inf), np.linspace(-1, 1, 60), np.full(20, np.inf)]
    data_map = random_map(100, aum=aum)
    for region in ("coverage", "low-aum", "high-aum"):
        assert len(data_map.select(region, 0.3, noise_cut=0.1, random_state=0)) == 30
