"""Laws that hold for any map, any rule and any container, tried on drawn examples."""

import os
import random
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import SGDClassifier

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sklearn_carto import (
    CartographyClassifier,
    DataMap,
    DataMapDisplay,
    DataMapSelector,
    DistilledClassifier,
    TrainingDynamics,
    compare_subsets,
    find_label_issues,
    map_agreement,
    metrics,
)
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto.datasets import make_cartography

law = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,  # the same examples at each run
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning"),
]
SEEDS = st.integers(0, 2**32 - 1)
REGIONS = st.sampled_from(
    [
        *("random", "ambiguous", "easy", "hard", "coverage", "weighted", "dual-beta", "median"),
        *("corner-easy", "corner-ambiguous", "corner-hard", "low-aum", "high-forgetting"),
    ]
)
FRACS = st.floats(0.05, 1.0)


@st.composite
def probabilities(draw, n_classes=3, max_epochs=8):
    """Draw the class probabilities of some epochs, with exact zeros and ones, and the labels."""
    n_samples, n_epochs = draw(st.integers(2, 25)), draw(st.integers(1, max_epochs))
    rng = np.random.RandomState(draw(SEEDS))
    p = rng.dirichlet([0.4] * n_classes, size=(n_epochs, n_samples))
    p = np.where(rng.random_sample((n_epochs, n_samples, 1)) < 0.1, np.eye(n_classes)[0], p)
    return p, rng.randint(n_classes, size=n_samples)


@st.composite
def maps(draw, absent=True):
    """Draw a map of rows that tie in places, some of them excluded, held out or never seen."""
    rng = np.random.RandomState(draw(SEEDS))
    n_samples = draw(st.integers(3, 60))
    places = rng.choice([1, 2, 8], p=[0.2, 0.3, 0.5])  # few decimals: many ties
    values = {
        "confidence": rng.beta(2, 1, n_samples).round(places),
        "variability": 0.5 * rng.beta(2, 3, n_samples).round(places),
        "correctness": rng.randint(5, size=n_samples) / 4,
        "aum": rng.normal(size=n_samples).round(places),
        "dual": 0.5 * rng.beta(2, 3, n_samples).round(places),
        "forgetting": np.where(rng.rand(n_samples) < 0.1, np.inf, rng.randint(3, size=n_samples)),
    }
    masks = {}
    if absent and draw(st.booleans()):
        masks["excluded_mask"] = rng.rand(n_samples) < 0.3
    if draw(st.booleans()):
        masks["held_out_mask"] = rng.rand(n_samples) < 0.3
    if absent and draw(st.booleans()):
        unseen = rng.rand(n_samples) < 0.2
        values = {name: np.where(unseen, np.nan, one) for name, one in values.items()}
    one = DataMap(
        **values,
        **masks,
        n_epochs=4,
        labels=rng.choice(["a", "b", "c"], size=n_samples, p=[0.6, 0.3, 0.1]),
        sample_ids=rng.permutation(n_samples),
    )
    return one if present(one).any() else DataMap(**values_of(one, "excluded_mask"))


def values_of(data_map, *without):
    """Fields of a map with all rows present."""
    names = ("confidence", "variability", "correctness", "aum", "dual", "forgetting")
    values = {name: np.nan_to_num(getattr(data_map, name), posinf=np.inf) for name in names}
    return {**values, "n_epochs": 4, "labels": data_map.labels}


def present(data_map):
    seen = np.isfinite(data_map.confidence)
    return seen if data_map.excluded_mask is None else seen & ~data_map.excluded_mask


def record(p, labels, **given):
    dynamics = TrainingDynamics(labels, **given)
    for epoch, of_epoch in enumerate(p):
        dynamics.update(epoch, of_epoch)
    return dynamics


def assert_same_map(one, other, rows=slice(None), rtol=0):
    for name in STATISTICS:
        actual, expected = getattr(one, name), getattr(other, name)
        assert (actual is None) == (expected is None)
        if actual is not None:
            assert_allclose(actual, expected[rows], rtol=rtol, err_msg=name)


@law
@given(
    probabilities(),
    st.sampled_from(
        [[-1, 0, 1], [3, 5, 9], ["no", "so", "yes"], [0.5, 1.5, 2.5], [b"a", b"b", b"c"]]
    ),
    st.permutations([0, 1, 2]),
)
def test_the_map_does_not_depend_on_the_names_or_the_order_of_classes(run, names, order):
    p, y = run
    expected = DataMap.from_dynamics(record(p, y, classes=[0, 1, 2]))
    renamed = record(p[:, :, order], np.array(names)[y], classes=np.array(names)[order])
    # the order of columns changes which of two classes of the same probability is the first
    names_only = DataMap.from_dynamics(record(p, np.array(names)[y], classes=names))
    assert_same_map(names_only, expected)
    assert_allclose(DataMap.from_dynamics(renamed).confidence, expected.confidence, rtol=1e-6)


@law
@given(probabilities(), SEEDS)
def test_permuted_rows_have_the_permuted_map(run, seed):
    p, y = run
    order = np.random.RandomState(seed).permutation(len(y))
    expected = DataMap.from_dynamics(record(p, y, classes=[0, 1, 2]))
    actual = DataMap.from_dynamics(record(p[:, order], y[order], classes=[0, 1, 2]))
    assert_same_map(actual, expected, order)


@law
@given(probabilities(), st.sampled_from([np.asfortranarray, np.ndarray.tolist, np.float64]))
def test_the_map_does_not_depend_on_the_container_or_on_keeping_the_history(run, container):
    p, y = run
    expected = DataMap.from_dynamics(record(p, y, classes=[0, 1, 2]))
    contained = record([container(one) for one in p], y.tolist(), classes=(0, 1, 2))
    assert_same_map(DataMap.from_dynamics(contained), expected)
    short = DataMap.from_dynamics(record(p, y, classes=[0, 1, 2], keep_history=False))
    assert_same_map(short, expected)
    single = DataMap.from_dynamics(record(p.astype(np.float32), y, classes=[0, 1, 2]))
    assert_allclose(single.confidence, expected.confidence, rtol=1e-5, atol=1e-6)


@law
@given(probabilities(), st.data())
def test_parts_of_a_run_are_joined_to_the_whole(run, data):
    p, y = run
    cuts = sorted(data.draw(st.lists(st.integers(1, max(1, len(p) - 1)), max_size=3)))
    parts = [record(part, y, classes=[0, 1, 2]) for part in np.split(p, cuts)]
    joined = TrainingDynamics.concatenate(parts)
    whole = record(p, y, classes=[0, 1, 2])
    assert_same_map(DataMap.from_dynamics(joined), DataMap.from_dynamics(whole))
    assert_array_equal(joined.true_proba, whole.true_proba)


@law
@given(probabilities())
def test_the_metrics_of_a_history_are_the_statistics_of_its_map(run):
    p, y = run
    dynamics = record(p, y, classes=[0, 1, 2], n_epochs=len(p))
    data_map = DataMap.from_dynamics(dynamics)
    inputs = {"aum": dynamics.margin, "el2n": dynamics.el2n}
    inputs |= dict.fromkeys(["correctness", "forgetting", "first_learned"], dynamics.correct)
    for name in STATISTICS:
        expected = getattr(metrics, name)(inputs.get(name, dynamics.true_proba))
        assert_allclose(getattr(data_map, name), expected, rtol=2e-5, atol=2e-6, err_msg=name)


@law
@given(maps(), REGIONS, FRACS, st.booleans(), st.sampled_from([0.0, 0.2, {"a": 0.5}]), SEEDS)
def test_budgets_are_exact_and_absent_rows_are_never_selected(
    data_map, region, frac, stratify, noise_cut, seed
):
    given = {"noise_cut": noise_cut, "stratify": stratify, "random_state": seed}
    if isinstance(noise_cut, dict) and "a" not in data_map.labels:
        given["noise_cut"] = 0.1
    rows = data_map.select(region, frac, **given)
    candidates = np.flatnonzero(present(data_map))
    assert len(rows) == max(1, round(frac * len(candidates)))
    assert (np.diff(rows) > 0).all()
    assert np.isin(rows, candidates).all()
    # the same rows, in another order
    by_score = data_map.select(region, frac, order="score", **given)
    assert_array_equal(np.sort(by_score), rows)
    # absent rows count nowhere
    alone = data_map.subset(candidates).select(region, frac, **given)
    assert_array_equal(candidates[alone], rows)
    if stratify:
        _, of_class = np.unique(data_map.labels[candidates], return_inverse=True)
        share = np.bincount(of_class)
        chosen = np.bincount(of_class[np.searchsorted(candidates, rows)], minlength=len(share))
        assert (chosen <= share).all()
        assert (chosen >= 1).all() or len(rows) < len(share)


@law
@given(
    maps(),
    st.lists(
        st.tuples(REGIONS, st.integers(1, 5)), min_size=1, max_size=3, unique_by=lambda t: t[0]
    ),
    st.floats(0.3, 1.0),
    st.booleans(),
    SEEDS,
)
def test_mixtures_select_no_row_twice(data_map, parts, frac, stratify, seed):
    total = sum(share for _, share in parts)
    mixture = {region: share / total for region, share in parts}
    n_rows = max(1, round(frac * present(data_map).sum()))
    problem = None
    try:
        rows = data_map.select(mixture, frac, stratify=stratify, random_state=seed, order="score")
    except ValueError as error:
        problem = str(error)
    if problem is None:
        assert len(np.unique(rows)) == len(rows) == n_rows
    else:
        assert "is too small for a mixture" in problem
        assert n_rows * min(mixture.values()) < 1


@law
@given(maps(), REGIONS, SEEDS)
def test_a_larger_share_begins_with_the_rows_of_a_smaller_one(data_map, region, seed):
    if region in ("coverage", "dual-beta") or data_map.held_out_mask is not None:
        return  # these depend on the share, and held-out rows have a share of their own
    small, large = (
        data_map.select(region, frac, stratify=False, random_state=seed, order="score")
        for frac in (0.2, 0.6)
    )
    assert_array_equal(large[: len(small)], small)


@law
@given(maps(), st.data())
def test_the_map_of_a_subset_is_the_subset_of_the_map(data_map, data):
    rows = data.draw(st.permutations(range(data_map.n_samples)))
    rows = rows[: data.draw(st.integers(1, len(rows)))]
    part = data_map.subset(rows)
    assert_same_map(part, data_map, rows)
    assert_array_equal(part.labels, data_map.labels[rows])
    mask = np.isin(np.arange(data_map.n_samples), rows)
    assert_same_map(data_map.subset(mask), data_map, np.sort(rows))
    again = part.subset(np.argsort(rows))
    assert_same_map(again, data_map, np.sort(rows))


@law
@given(probabilities(), st.data())
def test_the_map_of_some_rows_is_that_of_a_run_of_these_rows(run, data):
    p, y = run
    rows = sorted(data.draw(st.sets(st.integers(0, len(y) - 1), min_size=1)))
    whole = DataMap.from_dynamics(record(p, y, classes=[0, 1, 2]))
    part = DataMap.from_dynamics(record(p[:, rows], y[rows], classes=[0, 1, 2]))
    assert_same_map(part, whole.subset(rows))


@law
@given(maps(), st.floats(0.01, 1.0), SEEDS)
def test_regions_cover_all_rows_and_ambiguous_ones_keep_to_their_share(data_map, frac, seed):
    labels = data_map.region_labels(frac, random_state=seed)
    here = present(data_map)
    ambiguous = labels == "ambiguous"
    assert ambiguous.sum() <= max(1, round(frac * here.sum()))
    assert np.isin(labels[~here], ["unseen", "excluded"]).all()
    assert np.isin(labels[here], ["easy-to-learn", "ambiguous", "hard-to-learn"]).all()
    if ambiguous.any():
        assert data_map.variability[ambiguous].min() >= 0.1
    assert_array_equal(data_map.subset(here).region_labels(frac, random_state=seed), labels[here])


@law
@given(st.lists(maps(), min_size=1, max_size=1), st.integers(2, 4), SEEDS)
def test_the_mean_of_equal_maps_is_that_map_and_they_agree(one, n_maps, seed):
    (data_map,) = one
    mean = DataMap.mean([data_map] * n_maps)
    assert_same_map(mean, data_map, rtol=1e-12)
    agreement = map_agreement([data_map] * n_maps, random_state=seed)
    finite = np.isfinite(agreement.disagreement_)
    assert_array_equal(finite, present(data_map))
    assert_allclose(agreement.disagreement_[finite], 0, atol=1e-12)
    assert_allclose(agreement.mutual_info_, 1)


@law
@given(maps())
def test_a_map_is_loaded_as_it_was_saved(data_map):
    with TemporaryDirectory() as folder:
        data_map.save(Path(folder) / "map.npz")
        loaded = DataMap.load(Path(folder) / "map.npz")
    assert_same_map(loaded, data_map)
    for name in ("labels", "classes", "held_out_mask", "excluded_mask", "sample_ids"):
        assert_array_equal(getattr(loaded, name), getattr(data_map, name))


def archives():
    p, y = np.random.RandomState(0).dirichlet([1, 1], size=(3, 5)), ["a", "b", "b", "a", "b"]
    given = {"sample_ids": list("pqrst"), "held_out_mask": [True, False, False, False, True]}
    dynamics = record(p, y, **given)
    with TemporaryDirectory() as folder:
        for kind, thing in (
            (DataMap, DataMap.from_dynamics(dynamics)),
            (TrainingDynamics, dynamics),
        ):
            thing.save(Path(folder) / "whole.npz")
            yield kind, (Path(folder) / "whole.npz").read_bytes()


ARCHIVES = dict(archives())


def arrays_of(thing):
    with TemporaryDirectory() as folder:
        thing.save(Path(folder) / "again.npz")
        with np.load(Path(folder) / "again.npz") as file:
            return {name: file[name].tolist() for name in file.files}


WHOLE = {}


def assert_same_or_refused(kind, content):
    if kind not in WHOLE:
        with TemporaryDirectory() as folder:
            (Path(folder) / "whole.npz").write_bytes(ARCHIVES[kind])
            WHOLE[kind] = repr(arrays_of(kind.load(Path(folder) / "whole.npz")))
    with TemporaryDirectory() as folder:
        (Path(folder) / "damaged.npz").write_bytes(content)
        loaded = problem = None
        try:
            loaded = kind.load(Path(folder) / "damaged.npz")
        except ValueError as error:
            problem = str(error)
        assert loaded is None or repr(arrays_of(loaded)) == WHOLE[kind]
        assert problem is None or "damaged.npz does not hold a" in problem


@pytest.mark.parametrize("kind", [DataMap, TrainingDynamics])
@settings(law, max_examples=60)
@given(st.data())
def test_an_archive_with_a_byte_flipped_is_the_same_or_refused(kind, data):
    content = bytearray(ARCHIVES[kind])
    # the directory at the end is where most can go wrong
    place = data.draw(st.integers(1, len(content)) | st.integers(1, 600))
    content[-place] ^= data.draw(st.integers(1, 255))
    assert_same_or_refused(kind, bytes(content))


@pytest.mark.parametrize("kind", [DataMap, TrainingDynamics])
@settings(law, max_examples=8)
@given(st.data())
def test_an_archive_that_is_cut_or_longer_is_the_same_or_refused(kind, data):
    content = ARCHIVES[kind]
    start, stop = (data.draw(st.integers(0, len(content))) for _ in range(2))
    more = data.draw(st.binary(max_size=30))
    for damaged in (content[:start], content[start:], content[:start] + content[stop:]):
        assert_same_or_refused(kind, damaged)
    assert_same_or_refused(kind, content + more)
    assert_same_or_refused(kind, content[:start] + more + content[start:])


@pytest.mark.parametrize("kind", [DataMap, TrainingDynamics])
@law
@given(st.binary(max_size=200))
def test_a_file_of_anything_is_refused_by_its_path(kind, content):
    with TemporaryDirectory() as folder:
        (Path(folder) / "damaged.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged\.npz does not hold a"):
            kind.load(Path(folder) / "damaged.npz")


X, Y, _ = make_cartography(60, n_classes=2, n_features=3, random_state=0)
NAMES = np.array(["no", "yes"])[Y]
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
MAP = CartographyClassifier(SGD, n_epochs=3, random_state=0).fit(X, NAMES).data_map_


def save_and_load(kind):
    def call(thing):
        with TemporaryDirectory() as folder:
            thing.save(Path(folder) / "x.npz")
            kind.load(Path(folder) / "x.npz")

    return call


CALLS = {
    "fit": lambda X, y, d: CartographyClassifier(SGD, n_epochs=2, random_state=0).fit(X, y),
    "fit, cv": lambda X, y, d: CartographyClassifier(SGD, n_epochs=2, cv=2, random_state=0).fit(
        X, y
    ),
    "transform": lambda X, y, d: DataMapSelector(SGD, random_state=0).fit_transform(X, y),
    "distil": lambda X, y, d: DistilledClassifier(SGD, DataMapSelector(random_state=0)).fit(X, y),
    "compare": lambda X, y, d: compare_subsets(SGD, X, y, regions=["easy"], cv=2, random_state=0),
    "issues": lambda X, y, d: find_label_issues(SGD, X, y, cv=2, n_passes=2, random_state=0),
    "select": lambda X, y, d: MAP.select("random", 0.5),
    "select, seed": lambda X, y, d: MAP.select("weighted", 0.5, noise_cut=0.1, random_state=0),
    "regions": lambda X, y, d: MAP.region_labels(random_state=None),
    "mean": lambda X, y, d: DataMap.mean([MAP, MAP]),
    "agreement": lambda X, y, d: map_agreement([MAP, MAP], random_state=None),
    "map": lambda X, y, d: DataMap.from_dynamics(d, epochs=[0]),
    "update": lambda X, y, d: d.update(d.n_epochs, np.full((len(y), 2), 0.5)),
    "join": lambda X, y, d: TrainingDynamics.concatenate([d, d]),
    "files": lambda X, y, d: (save_and_load(DataMap)(MAP), save_and_load(TrainingDynamics)(d)),
    "plot": lambda X, y, d: DataMapDisplay(MAP).plot(histograms=True, random_state=None),
    "agreement plot": lambda X, y, d: map_agreement([MAP, MAP]).plot(),
    "metrics": lambda X, y, d: [metrics.dual(d.true_proba), metrics.forgetting(d.correct)],
    "data": lambda X, y, d: make_cartography(20, random_state=0),
    "error": lambda X, y, d: MAP.select("nothing", 0.5),
}


def process_state():
    """What a call must leave as it is."""
    state = {
        "numpy": repr(np.random.get_state(legacy=False)),  # noqa: NPY002
        "python": random.getstate(),
        "filters": list(warnings.filters),
        "configuration": sklearn.get_config(),
        "environment": dict(os.environ),
        "error handling": np.geterr(),
        "folder": os.getcwd(),
    }
    if "torch" in sys.modules:
        state["torch"] = sys.modules["torch"].get_rng_state().tolist()
    if "matplotlib" in sys.modules:
        state["style"] = dict(sys.modules["matplotlib"].rcParams)
    return state


@pytest.mark.parametrize("name", CALLS)
def test_a_call_changes_neither_its_arguments_nor_the_process(name):
    if "plot" in name:
        pytest.importorskip("matplotlib").use("Agg")
    dynamics = record(np.full((2, 60, 2), 0.5), NAMES)
    arrays = X.copy(), NAMES.copy()
    for array in arrays:
        array.flags.writeable = False  # writing would be an error
    before = process_state()
    try:
        CALLS[name](*arrays, dynamics)
    except ValueError:
        assert name == "error"
    after = process_state()
    for part, value in before.items():
        assert after[part] == value, part
    assert_array_equal(arrays[0], X)
