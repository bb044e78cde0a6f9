"""compare_subsets: fair, leak-free, and the same on any number of cores."""

import warnings
from functools import cached_property

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB

from sklearn_carto import CartographyClassifier, DataMapSelector, compare_subsets
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import DegenerateMapWarning, UndefinedIntervalWarning

X, y, _ = make_cartography(240, random_state=0)
FINAL = LogisticRegression()
SGD = SGDClassifier(loss="log_loss", alpha=0.01)
SELECTOR = DataMapSelector(CartographyClassifier(SGD, n_epochs=4))


def compare(**params):
    settings = {"selector": SELECTOR, "cv": 3, "random_state": 0}
    return compare_subsets(FINAL, X, y, **{**settings, **params})


def column(comparison, name, region, frac=None):
    results = comparison.results_
    chosen = results["region"] == region
    return results[name][chosen if frac is None else chosen & (results["frac"] == frac)]


def test_scores_equal_those_of_a_loop_by_hand():
    comparison = compare(regions=["ambiguous"], fracs=(0.25,))
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=(3, 1))
    scores = []
    for i, (train, test) in enumerate(StratifiedKFold(3).split(X, y)):
        proxy = clone(SELECTOR).set_params(frac=0.25, random_state=int(seeds[i, 0]))
        rows = train[proxy.fit(X[train], y[train]).sample_indices_]
        scores.append(clone(FINAL).fit(X[rows], y[rows]).score(X[test], y[test]))
    assert_allclose(column(comparison, "test_score", "ambiguous"), scores)


def test_the_full_set_and_an_equally_large_random_one_are_always_there():
    comparison = compare(regions=["easy"], fracs=(0.3, 0.1), n_seeds=2)
    assert_array_equal(column(comparison, "n_train", "full"), [160] * 6)
    for frac in (0.3, 0.1):
        sizes = column(comparison, "n_train", "random", frac)
        assert_array_equal(sizes, column(comparison, "n_train", "easy", frac))
        assert set(sizes) == {round(160 * frac)}


def test_one_map_is_drawn_for_each_fold_and_seed_and_never_sees_the_test_rows(monkeypatch):
    drawn = []
    from sklearn_carto._comparison import _trials

    class Spy(_trials.ProxyModel):
        @cached_property
        def data_map(self):
            drawn.append(self.X)
            return super().data_map

    monkeypatch.setattr(_trials, "ProxyModel", Spy)
    compare(regions=["easy", "hard", "ambiguous"], fracs=(0.1, 0.2, 0.5), n_seeds=2)
    assert len(drawn) == 6
    tests = [test for _, test in StratifiedKFold(3).split(X, y) for _ in range(2)]
    for rows, test in zip(drawn, tests, strict=True):
        seen = {row.tobytes() for row in rows}
        assert not seen & {row.tobytes() for row in X[test]}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_result_is_the_same_on_any_number_of_jobs(n_jobs):
    comparison = compare(regions=["weighted"], n_seeds=2, n_jobs=n_jobs)
    again = compare(regions=["weighted"], n_seeds=2)
    for name in ("region", "split", "seed", "n_train", "test_score"):
        assert_array_equal(comparison.results_[name], again.results_[name])


def test_seeds_differ_within_a_split_and_repeat_with_the_random_state():
    comparison = compare(regions=[], n_seeds=2, fracs=(0.1,))
    first, second = (
        column(comparison, "test_score", "random")[column(comparison, "seed", "random") == i]
        for i in (0, 1)
    )
    assert not np.array_equal(first, second)
    assert_array_equal(column(compare(regions=[], fracs=(0.1,), n_seeds=2), "test_score", "random"),
                       column(comparison, "test_score", "random"))  # fmt: skip


def test_the_paper_has_seven_training_sets_without_stratification():
    comparison = compare(regions="paper")
    assert list(dict.fromkeys(comparison.results_["region"].tolist())) == [
        "full", "random", "high-confidence", "low-variability", "high-correctness",
        "low-correctness", "ambiguous",
    ]  # fmt: skip
    assert not comparison.stratify
    assert compare(regions=["ambiguous"]).stratify


def test_several_scorers_and_data_from_elsewhere():
    moved = (X + 0.5, y)
    scoring = {"hits": "accuracy", "f1": "f1_macro"}
    comparison = compare(regions=["easy"], scoring=scoring, ood={"moved": moved})
    names = ["test_hits", "test_f1", "moved_hits", "moved_f1"]
    assert [n for n in comparison.results_ if n.startswith(("test", "moved"))] == names
    model = clone(FINAL).fit(X[80:], y[80:])
    whole = [
        clone(FINAL).fit(X[train], y[train]).score(*moved)
        for train, _ in StratifiedKFold(3).split(X, y)
    ]
    assert_allclose(column(comparison, "moved_hits", "full"), whole)
    assert model.classes_.shape == (3,)


@pytest.mark.parametrize("scoring", [None, "accuracy", make_scorer(accuracy_score), ["accuracy"]])
def test_scoring_is_what_cross_validate_takes(scoring):
    comparison = compare(regions=[], scoring=scoring)
    name = "test_accuracy" if isinstance(scoring, list) else "test_score"
    assert_array_equal(comparison.results_[name], compare(regions=[]).results_["test_score"])


def test_groups_stay_together():
    groups = np.arange(240) // 8
    by_default = compare(regions=[], groups=groups, cv=None)
    assert set(by_default.results_["split"]) == set(range(5))
    comparison = compare(regions=[], groups=groups, cv=GroupKFold(4))
    assert_array_equal(column(comparison, "n_train", "full"), [176, 176, 184, 184])


def test_mixtures_callables_and_duplicates_are_named():
    def oddness(data_map):
        return data_map.loss

    mixture = {"ambiguous": 0.8, "easy": 0.2}
    comparison = compare(regions=[mixture, oddness, "random", "full"])
    assert list(dict.fromkeys(comparison.results_["region"].tolist())) == [
        "full", "random", "80% ambiguous + 20% easy", "oddness",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="two different regions with the name '<lambda>'"):
        compare(regions=[lambda m: m.loss, lambda m: m.aum])


def test_summary_counts_by_hand():
    comparison = compare(regions=["easy"], fracs=(0.5,), n_seeds=2)
    summary = comparison.summary()
    line = summary["region"].tolist().index("easy")
    own, random = (
        column(comparison, "test_score", name).reshape(3, 2).mean(axis=1)
        for name in ("easy", "random")
    )
    difference = own - random
    spread = np.sqrt((1 / 3 + 80 / 160) * difference.var(ddof=1))
    t = 4.302652729749464  # 97.5 % of Student's t with two degrees of freedom
    assert_allclose(summary["mean"][line], own.mean())
    assert_allclose(summary["vs_random"][line], difference.mean())
    assert_allclose(summary["vs_random_low"][line], difference.mean() - t * spread)
    assert_allclose(summary["vs_random_high"][line], difference.mean() + t * spread)
    assert np.isnan(summary["vs_full"][0])
    assert summary["n_train"].tolist() == [160, 80, 80]


def test_one_split_gives_no_interval_and_draws_a_warning():
    comparison = compare(regions=[], cv=[(np.arange(160), np.arange(160, 240))])
    with pytest.warns(UndefinedIntervalWarning, match="A single split"):
        summary = comparison.summary()
    assert np.isnan(summary["mean_low"]).all()
    assert "full" in str(comparison)


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_to_frame_has_a_row_for_each_fit(backend):
    pytest.importorskip(backend)
    frame = compare(regions=["easy"]).to_frame(backend)
    assert frame.shape == (9, 9)


def test_to_frame_refuses_an_unknown_library():
    with pytest.raises(ValueError, match="'backend' parameter .* Got 'excel'"):
        compare(regions=[]).to_frame("excel")


def test_printing_shows_each_training_set_once():
    text = str(compare(regions=["easy", "hard"], ood={"moved": (X + 1, y)}))
    for name in ("full", "random", "easy", "hard"):
        assert sum(line.startswith(name) for line in text.splitlines()) == 2
    assert "3 training sets" in repr(compare(regions=["easy"]))


def test_a_net_takes_any_labels():
    torch = pytest.importorskip("torch")
    skorch = pytest.importorskip("skorch")
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear, module__in_features=8, module__out_features=3, lr=0.1, verbose=0,
        criterion=torch.nn.CrossEntropyLoss, train_split=None, max_epochs=5,
    )  # fmt: skip
    names = np.array(["oak", "ash", "elm"])[y]
    rows = X.astype(np.float32)
    first, second = (
        compare_subsets(net, rows, names, regions=["easy"], cv=2, random_state=0) for _ in "12"
    )
    assert_array_equal(first.results_["test_score"], second.results_["test_score"])
    assert column(first, "test_score", "full").min() > 0.6


def test_an_error_in_training_names_the_subset():
    class Fails(LogisticRegression):
        def fit(self, X, y):
            if len(y) < 100:
                raise RuntimeError("too little")
            return super().fit(X, y)

    with pytest.raises(RuntimeError, match="too little") as caught:
        compare_subsets(Fails(), X, y, selector=SELECTOR, cv=3, random_state=0)
    assert "'region': 'random'" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"regions": ["ambigous"]}, "Unknown region 'ambigous'"),
        ({"regions": "papers"}, "or 'paper'"),
        (
            {"fracs": (0.3, 1.5)},
            r"'fracs' parameter of compare_subsets must contain floats in \(0, 1\]. Got 1.5",
        ),
        ({"n_seeds": 0}, "'n_seeds' parameter of compare_subsets must be an int"),
        (
            {"ood": {"far": (X, np.full(240, 9))}},
            r"'far' .* holds labels that do not occur in y: \[9\]",
        ),
        ({"ood": {"far": (X[:-1], y)}}, "one label for each sample"),
        ({"ood": {"test": (X, y)}}, "must not name a data set 'test'"),
        ({"scoring": "accurracy"}, "'scoring'|accurracy"),
        ({"selector": DataMapSelector(FrozenEstimator(SGD))}, "must not hold a frozen map"),
    ],
    ids=str,
)
def test_bad_input_is_refused(params, message):
    with pytest.raises(ValueError, match=message):
        compare(**params)


def test_a_selector_that_is_none_is_refused():
    with pytest.raises(
        TypeError, match="must be a DataMapSelector or None. Got LogisticRegression"
    ):
        compare(selector=LogisticRegression())


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_many_degenerate_maps_are_one_warning(n_jobs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compare(selector=DataMapSelector(GaussianNB()), n_seeds=2, n_jobs=n_jobs)
    assert [one.category for one in caught] == [DegenerateMapWarning]
    assert "issued 6 times in 6 splits and seeds" in str(caught[0].message)


def test_warnings_of_others_pass_through_the_comparison():
    class Chatty(SGDClassifier):
        def partial_fit(self, X, y, classes=None):
            warnings.warn("careful", UserWarning, stacklevel=2)
            return super().partial_fit(X, y, classes=classes)

    with pytest.warns(UserWarning, match="careful"):
        compare(selector=DataMapSelector(Chatty(loss="log_loss", alpha=0.01)), n_jobs=1)


def fail_on_few(estimator, X, y):
    if estimator.n_few < 40:
        raise ZeroDivisionError("too few")
    return estimator.score(X, y)


class CountsRows(LogisticRegression):
    def fit(self, X, y):
        self.n_few = len(y)
        return super().fit(X, y)


def test_a_subset_that_fails_gets_error_score_and_the_others_stand():
    settings = {"selector": SELECTOR, "cv": 3, "random_state": 0, "scoring": fail_on_few}
    settings |= {"regions": ["easy"], "fracs": (0.1, 0.5)}
    with pytest.raises(ZeroDivisionError, match="too few"):
        compare_subsets(CountsRows(), X, y, **settings)
    with pytest.warns(FitFailedWarning, match="ZeroDivisionError: too few"):
        comparison = compare_subsets(CountsRows(), X, y, error_score=np.nan, **settings)
    assert np.isnan(column(comparison, "test_score", "easy", 0.1)).all()
    assert np.isfinite(column(comparison, "test_score", "easy", 0.5)).all()
    assert_array_equal(column(comparison, "n_train", "easy", 0.1), [16] * 3)


def test_scorers_are_handed_the_model_itself():
    comparison = compare(regions=["easy"], scoring=lambda model, X, y: model.coef_.shape[0])
    assert set(comparison.results_["test_score"]) == {3.0}


def full(data_map):
    return data_map.confidence


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"ood": (X, y)}, TypeError, "'ood' parameter of compare_subsets must be a mapping"),
        ({"regions": [full]}, ValueError, "with the name 'full'"),
    ],
)
def test_what_would_be_misread_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        compare(**settings)


def test_the_table_is_aligned_and_distinguishes_shares():
    text = str(compare(regions=["easy"], fracs=(0.2, 0.204), scoring=["accuracy", "f1_macro"]))
    header, first = [line for line in text.splitlines()[1:] if line][:2]
    assert header.index("share") + len("share") == first.index("%") + 1
    assert " 20.4% " in text
    one_split = compare(regions=["easy"], cv=[(np.arange(200), np.arange(200, 240))])
    assert "nan" not in str(one_split)
    assert "1 split x 1 seed" in str(one_split)
