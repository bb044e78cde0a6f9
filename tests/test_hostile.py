"""Hostile arguments of every public callable: each raises an error of ours that names the culprit.

A case is a call that works, and one of its arguments replaced by a value that cannot be meant. The
call must raise a ValueError or TypeError whose message contains the name of the argument, from a
line of this library or of scikit-learn's validation, not from the inside of numpy or Python.
"""

# ruff: noqa: E501
import json
import tempfile
import traceback
import warnings
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, Ridge, SGDClassifier
from sklearn.model_selection import KFold

import sklearn_carto as sc
from sklearn_carto import metrics
from sklearn_carto.datasets import make_cartography

NAN, INF = float("nan"), float("inf")
RNG = np.random.RandomState(0)
N = 24
X, Y = RNG.normal(size=(N, 3)), np.repeat(["a", "b", "c"], 8)
SGD = SGDClassifier(loss="log_loss", random_state=0)
P = RNG.dirichlet(np.ones(3), size=N)
TRUE_PROBA = RNG.uniform(size=(N, 4))
CORRECT = RNG.uniform(size=(N, 4)) < 0.5

# what no parameter of a kind can mean
ODD = ["a", [], {}, object(), 1j, {1, 2}, b"1", Decimal("1"), np.array([1, 2]), X, len]
COUNT = [None, 0, -1, 1.5, 2.0, True, np.False_, NAN, INF, "3", [1], *ODD]
SHARE = [None, 0, -0.1, 1.5, 33, NAN, -INF, True, "0.3", [0.3], np.array([0.3]), *ODD]
FLAG = [None, "no", "True", 2, -1, 0.5, NAN, [True], np.array([True]), *ODD]
CHOICE = [None, "nope", "", 0, 1.5, NAN, ["nope"], ("a", "b"), *ODD]
SEED = [-1, 1.5, NAN, "0", [0], *ODD]
JOBS = [1.5, NAN, "2", [1], *ODD]
ARRAY = [None, "abc", 3, {}, object(), {1, 2}, [[1], [1, 2]], ["a"] * N, [None] * N, len]
LABELS = [
    None,
    "abc",
    3,
    {},
    {1, 2},
    object(),
    [["a"], ["b", "c"]] * (N // 2),
    [NAN] * N,
    len,
    [None, *Y[1:]],
    np.zeros((N, 2)),
    Y[:-1],
    list(Y) + ["a"],
    ["a"] * N,
    [],
    X[:, 0],
    [1, "a"] * (N // 2),
    1j * np.arange(N),
]
SAMPLES = [
    None,
    3,
    {},
    {1, 2},
    object(),
    X[:-1],
    [],
    X[:0],
    np.float64(3),
    len,
    NAN,
    "text",
    iter(X),
    (row for row in X),
    {"a": X, "b": X[:-1]},
    np.array(3.0),
    csr_array(X[:5]),
]
CLASSIFIER = [
    None,
    "SGDClassifier",
    SGDClassifier,
    3,
    object(),
    KMeans(),
    PCA(),
    Ridge(),
    LinearRegression(),
    [SGD],
    {"estimator": SGD},
    len,
    X,
    DummyClassifier,
    KFold(),
]
FOLDS = [
    0,
    1,
    -3,
    1.5,
    True,
    "3",
    "kfold",
    NAN,
    object(),
    [],
    [3],
    [(np.arange(4),)],
    [(np.arange(N), np.arange(4)), (np.arange(4, N), np.arange(4))],
    [([0.5, 1.5], [2, 3]), ([2, 3], [0, 1])],
    [(["a"], ["b"])] * 2,
    len,
    np.arange(3),
    [(np.arange(4, N + 5), np.arange(4)), (np.arange(4), np.arange(4, N))],
    [(np.arange(4, N), [-1]), (np.arange(4), np.arange(4, N))],
    [(np.arange(4, N), []), ([], np.arange(4))],
]
REGION = [
    None,
    "ambigous",
    "",
    3,
    [],
    ["easy"],
    {},
    {"easy": NAN},
    {"easy": 2},
    {"easy": "1"},
    {"easy": -1, "hard": 2},
    {"easy": True},
    {"nope": 1},
    {3: 1.0},
    {"easy": None},
    b"easy",
    {"easy": 0.5, "hard": 0.6},
    object(),
    X,
    1j,
    {"easy"},
    {"easy": INF},
    ("easy",),
]
CUT = [
    None,
    -0.1,
    1,
    1.0,
    2,
    NAN,
    INF,
    "a",
    "Auto",
    [0.1],
    {"nope": 0.1},
    {"a": NAN},
    {"a": 1},
    {"a": "b"},
    {"a": None},
    {"a": -0.2},
    True,
    object(),
    X,
    {"a"},
    {"a": True},
    1j,
]
MASK = [
    "no",
    3,
    0.5,
    ["no"] * N,
    np.zeros(N),
    np.ones(N, int),
    [True],
    np.ones((N, 1), bool),
    [None] * N,
    {},
    {1},
    object(),
    [True] * (N + 1),
    np.array(True),
    [[True], [True, False]],
]
IDS = [
    "abc",
    3,
    {},
    object(),
    list(range(N - 1)),
    np.zeros((N, 2)),
    [[1]] * N,
    [NAN] * N,
    [None] * N,
    ["a"] * N,
    [*range(N - 1), None],
    {1, 2},
]


def sgd_map():
    return sc.DataMap(
        confidence=TRUE_PROBA.mean(1), variability=TRUE_PROBA.std(1), correctness=CORRECT.mean(1),
        n_epochs=4, labels=Y, aum=P[:, 0], dual=P[:, 1],
    )  # fmt: skip


MAP = sgd_map()


def dynamics():
    recorded = sc.TrainingDynamics(Y)
    recorded.update(0, P)
    return recorded


def fit_carto(**given):
    to_fit = {
        name: given.pop(name) for name in ("X", "y", "sample_weight", "sample_ids") if name in given
    }
    estimator = given.pop("estimator", SGD)
    return sc.CartographyClassifier(estimator, **{"n_epochs": 2, **given}).fit(
        **{"X": X, "y": Y, **to_fit}
    )


def fit_selector(**given):
    to_fit = {name: given.pop(name) for name in ("X", "y", "sample_weight") if name in given}
    proxy = given.pop("estimator", sc.CartographyClassifier(SGD, n_epochs=2))
    return sc.DataMapSelector(proxy, **given).fit(**{"X": X, "y": Y, **to_fit})


def fit_sampler(**given):
    pytest.importorskip("imblearn")
    to_fit = {name: given.pop(name) for name in ("X", "y") if name in given}
    proxy = given.pop("estimator", sc.CartographyClassifier(SGD, n_epochs=2))
    return sc.DataMapSampler(proxy, **given).fit_resample(**{"X": X, "y": Y, **to_fit})


def fit_distilled(**given):
    to_fit = {name: given.pop(name) for name in ("X", "y", "sample_weight") if name in given}
    estimator = given.pop("estimator", SGD)
    return sc.DistilledClassifier(estimator, **given).fit(**{"X": X, "y": Y, **to_fit})


def detect(**given):
    names = ("X", "y", "sample_weight", "groups", "sample_ids")
    to_fit = {name: given.pop(name) for name in names if name in given}
    chosen = {"estimator": SGD, "cv": 2, "random_state": 0, **given}
    return sc.LabelIssueDetector(**chosen).fit(**{"X": X, "y": Y, **to_fit})


def find_issues(**given):
    chosen = {"estimator": SGD, "X": X, "y": Y, "cv": 2, "random_state": 0}
    return sc.find_label_issues(**{**chosen, **given})


def compare(function=sc.compare_subsets, **given):
    chosen = {"estimator": SGD, "X": X, "y": Y, "cv": 2, "random_state": 0}
    return function(**{**chosen, **given})


def cross(**given):
    chosen = {"estimators": {"sgd": SGD, "same": SGD}, "X": X, "y": Y, "cv": 2, "random_state": 0}
    return sc.cross_distillation(**{**chosen, **given})


def make_map(**given):
    columns = {"confidence": P[:, 0], "variability": P[:, 1] / 2, "correctness": P[:, 2]}
    return sc.DataMap(**{**columns, "n_epochs": 3, "labels": Y, **given})


def update(**given):
    recorded = sc.TrainingDynamics(Y)
    return recorded.update(**{"epoch": 0, "scores": P, **given})


def recorder(method=None, **given):
    torch = pytest.importorskip("sklearn_carto.integrations.torch")
    chosen = {"n_samples": N, "labels": Y, "from_logits": False}
    if method is None:
        return torch.DynamicsRecorder(**{**chosen, **given})
    made = torch.DynamicsRecorder(**chosen)
    made.update(**{"indices": np.arange(N), "scores": P, **given})
    return made.end_epoch()


def subset_sampler(**given):
    pytest.importorskip("torch")
    torch = pytest.importorskip("sklearn_carto.integrations.torch")
    return torch.DynamicSubsetSampler(**{"recorder": N, "frac": 0.5, **given})


def agreement(**given):
    maps = {"one": sgd_map(), "two": make_map()}
    return sc.map_agreement(**{"maps": maps, **given})


def compare_two(**given):
    return sc.compare_maps(**{"a": MAP, "b": make_map(), "by_position": True, **given})


def correct(**given):
    rows = [{"row": 0, "id": "0", "given_label": "a", "new_label": "b"}]
    content = {"format": "sklearn_carto.corrections", "version": 1, "n_samples": N, "rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "corrections.json")
        path.write_text(json.dumps(content))
        return sc.apply_corrections(**{"y": Y, "path": path, **given})


def score(**given):
    model = sc.CartographyClassifier(SGD, n_epochs=2, keep_models=True).fit(X, Y)
    return model.score_map(**{"X": X, "y": Y, **given})


def stability(**given):
    return sc.stability_report(**{"estimator": SGD, "X": X, "y": Y, "n_seeds": 2, **given})


TEXTS = ["a text"] * N


def grid(**given):
    pytest.importorskip("matplotlib")
    return MAP.plot_samples(**{"X": TEXTS, "n": 1, **given})


def plot(**given):
    pytest.importorskip("matplotlib")
    return MAP.plot(**given)


SCORES = [
    None,
    "abc",
    3,
    {},
    object(),
    [["a", "b", "c"]] * N,
    [[0.5], [0.2, 0.8]],
    P[:, 0],
    -P,
    P[:, :2],
    P[:-1],
    np.hstack([P, P]),
    P[None],
    P * NAN,
    P * INF,
    P + 1j,
    2 * P,
    [],
    len,
    np.full((N, 3), None),
    {1, 2},
]
STATISTIC = [*ARRAY, [NAN, *P[1:, 0]], P, P[:-1, 0], -P[:, 0] - 1, P[:, 0] + 5, P[:, 0] * 1j]
PROBABILITIES = [
    *ARRAY[:-2],
    TRUE_PROBA - 1,
    TRUE_PROBA + 1,
    TRUE_PROBA * NAN,
    TRUE_PROBA * 1j,
    TRUE_PROBA[None],
    len,
    TRUE_PROBA.astype(str),
    np.full((N, 4), INF),
]
BOOLEANS = [
    *ARRAY[:-2],
    TRUE_PROBA,
    CORRECT * 2,
    CORRECT * NAN,
    CORRECT.astype(str),
    -1 * CORRECT,
    CORRECT[None],
    CORRECT * 1j,
    len,
    np.full((N, 4), "False"),
]


def each(function, parameter, values, needle=None, drop=()):
    """One parameter and its hostile values; `drop` holds those that are allowed there."""
    values = [value for value in values if not any(value is allowed for allowed in drop)]
    needle = parameter if needle is None else needle
    yield pytest.param(function, parameter, values, needle, id=f"{function.__name__}-{parameter}")


def named(function, name, *args, **kwargs):
    function = partial(function, *args, **kwargs)
    function.__name__ = name
    return function


def method(owner, name, *args, **kwargs):
    return named(lambda **given: getattr(owner, name)(*args, **kwargs, **given), name)


def cases():
    """Yield every case."""
    none = (None,)
    carto = fit_carto
    yield from each(carto, "estimator", CLASSIFIER)
    yield from each(carto, "n_epochs", COUNT, drop=none)
    yield from each(carto, "record", CHOICE)
    yield from each(carto, "keep_history", FLAG)
    yield from each(carto, "log", [3, True, [], {}, object(), b"a", "", "a\0b"])
    yield from each(carto, "random_state", SEED)
    yield from each(carto, "cv", FOLDS)
    yield from each(carto, "X", SAMPLES, needle="")
    yield from each(carto, "y", LABELS, needle="")
    yield from each(carto, "sample_ids", IDS)
    weights = [*ARRAY, -np.ones(N), np.ones(N - 1), np.full(N, NAN), np.ones((N, 2)), np.zeros(N)]
    yield from each(carto, "sample_weight", weights, needle="weight", drop=none)
    for fit in (fit_selector, fit_sampler):
        yield from each(fit, "estimator", CLASSIFIER, drop=none)
        yield from each(fit, "region", REGION, needle="region")
        yield from each(fit, "frac", SHARE)
        yield from each(fit, "noise_cut", CUT)
        yield from each(fit, "stratify", FLAG)
        yield from each(fit, "memory", [3, True, object(), [], {}, 1.5])
        yield from each(fit, "random_state", SEED)
        yield from each(fit, "X", SAMPLES, needle="")
        yield from each(fit, "y", LABELS, needle="")
        auto = named(fit, f"auto_{fit.__name__}", region="auto")
        yield from each(auto, "final_estimator", CLASSIFIER, drop=none)
        yield from each(auto, "cv", FOLDS)
        yield from each(auto, "scoring", ["nope", 3, object(), ["accuracy"], {"a": "accuracy"}, X])
        yield from each(auto, "n_jobs", JOBS)
        few = named(fit, f"few_{fit.__name__}", frac="auto", region="random")
        tolerances = [-0.1, NAN, -INF, True, "0.1", [0.1], np.array([0.1]), *ODD]
        yield from each(few, "tolerance", tolerances, drop=none)
        yield from each(few, "cv", FOLDS)
    yield from each(fit_distilled, "estimator", CLASSIFIER)
    yield from each(fit_distilled, "selector", ["easy", 3, SGD, sc.DataMapSelector, object(), []])
    yield from each(fit_distilled, "X", SAMPLES, needle="")
    yield from each(fit_distilled, "y", LABELS, needle="")
    yield from each(fit_distilled, "sample_weight", weights, needle="weight", drop=none)
    neighbors = [*ODD, "nope", 0, 1.5, NAN, ["a"] * N, X[:-1], X[:, 0], [[1], [1, 2]] * 12, True]
    groups = [3, "ab", Y[:-1], {}, np.zeros((N, 2)), object(), [None] * N, [NAN] * N]
    for call in (detect, find_issues):
        yield from each(call, "estimator", CLASSIFIER)
        yield from each(call, "cv", FOLDS)
        yield from each(call, "n_passes", [*COUNT, 11])
        yield from each(call, "neighbors", neighbors, drop=(X,))
        yield from each(call, "noise_rate", [*SHARE, 1, 0.0, 1.0], drop=none)
        rate = named(call, f"{call.__name__}_fdr", noise_rate=0.1)
        yield from each(rate, "fdr", [*SHARE, 1, 0.0, 1.0], drop=none)
        yield from each(call, "n_jobs", JOBS)
        yield from each(call, "random_state", SEED)
        yield from each(call, "verbose", ["a", -1, None, 1.5, [], {}, object()])
        yield from each(call, "resume", [3, True, [], {}, b"a", "", "a\0b", __file__])
        yield from each(call, "X", SAMPLES, needle="")
        yield from each(call, "y", LABELS, needle="")
        yield from each(call, "groups", groups)
        yield from each(call, "sample_ids", IDS)
    yield from each(detect, "sample_weight", weights, needle="weight", drop=none)
    found = find_issues()
    yield from each(method(found, "with_noise_rate"), "noise_rate", [*SHARE, 1, 0.0, 1.0])
    call = named(method(found, "with_noise_rate", 0.1), "with_noise_rate_fdr")
    yield from each(call, "fdr", [*SHARE, 1, 0.0, 1.0], drop=none)
    yield from each(method(found, "recall_at"), "k", COUNT)
    yield from each(method(found, "get_support"), "indices", FLAG)
    yield from each(method(found, "to_cleanlab"), "layout", CHOICE)
    yield from each(method(found, "to_frame"), "backend", CHOICE)
    yield from each(method(found, "to_frame"), "X", SAMPLES, needle="", drop=none)
    for function in (sc.compare_subsets, sc.sweep_fractions, sc.sweep_replacement):
        call = named(compare, function.__name__, function)
        yield from each(call, "estimator", CLASSIFIER)
        yield from each(call, "X", SAMPLES, needle="")
        yield from each(call, "y", LABELS, needle="")
        yield from each(call, "cv", FOLDS)
        yield from each(call, "n_seeds", COUNT)
        yield from each(call, "n_jobs", JOBS)
        yield from each(call, "random_state", SEED)
        yield from each(call, "match", CHOICE)
        errors = [None, "ignore", True, [0], {}, object(), "0", 1j, X]
        yield from each(call, "error_score", errors)
        scorers = ["nope", 3, object(), [3], {"a": 3}, {"a": "nope"}, ["nope"], X, [], {}]
        yield from each(call, "scoring", scorers)
        ood = [3, "usps", X, (X, Y), {"a": X}, {"a": (X,)}, {"a": (X, Y, Y)}, {"a": None}, {"a": 3},
               {"a": (X, Y[:-1])}, {3: (X, Y)}, {"a": (None, Y)}, {"a": (X, None)}, [(X, Y)]]  # fmt: skip
        yield from each(call, "ood", ood)
        yield from each(call, "groups", [3, "ab", Y[:-1], {}, np.zeros((N, 2)), object()])
        yield from each(call, "selector", ["easy", 3, SGD, sc.DataMapSelector, object(), []])
        if function is not sc.sweep_replacement:
            shares = [None, [], [NAN], [2], [0], ["a"], [True], "0.3", 0, 2, NAN, {}, [[0.3]],
                      object(), {"easy": 0.3}, [0.3, None]]  # fmt: skip
            yield from each(call, "fracs", shares, needle="frac")
            regions = [None, ["nope"], "nope", 3, [3], [None], {}, object(), X, [{"easy": NAN}],
                       b"easy", [[]], {"easy": 1.0}]  # fmt: skip
            yield from each(call, "regions", regions, needle="region")
        else:
            yield from each(call, "shares", [None, [], [NAN], [2], [-1], ["a"], "a", 3, {}, [None]],
                            needle="share")  # fmt: skip
            yield from each(call, "frac", SHARE)
            yield from each(call, "region", REGION[:8], needle="region")
            yield from each(call, "replacement", REGION[:8], needle="re")
    yield from each(cross, "estimators", [None, {}, [], SGD, "sgd", {"a": None}, {"a": KMeans()},
                                          {3: SGD, "b": SGD}, 3, [SGD, SGD], {"a": Ridge()}, object()],
                    needle="estimator")  # fmt: skip
    for name, values in {"region": REGION, "frac": SHARE, "cv": FOLDS, "n_seeds": COUNT,
                         "random_state": SEED, "match": CHOICE}.items():  # fmt: skip
        yield from each(cross, name, values, needle="region" if name == "region" else name)
    yield from each(cross, "X", SAMPLES, needle="")
    yield from each(cross, "y", LABELS, needle="")
    for name in ("confidence", "variability", "correctness"):
        yield from each(make_map, name, STATISTIC)
    for name in ("forgetting", "aum", "el2n", "loss", "dual", "aleatoric",
                 "predictive_entropy", "mutual_information"):  # fmt: skip
        yield from each(make_map, name, [*ARRAY, P, P[:-1, 0], P[:, 0] * 1j], drop=none)
    yield from each(make_map, "n_epochs", COUNT)
    yield from each(make_map, "labels", [3, Y[:-1], np.zeros((N, 2)), {}, object(), "abc"])
    yield from each(make_map, "classes", [3, ["a"], ["a", "b"], ["a", "a", "b", "c"], {}, object()])
    yield from each(make_map, "held_out_mask", MASK)
    yield from each(make_map, "excluded_mask", MASK)
    yield from each(make_map, "sample_ids", [3, [1], np.zeros((N, 2)), {}, object(), "abc"])
    yield from each(make_map, "margin_from", CHOICE, drop=none)
    yield from each(make_map, "record", CHOICE)
    errors = [3, [], {"nope": P[:, 0]}, {"confidence": [1]}, {"confidence": "a"}, {3: P[:, 0]}, X,
              {"confidence": None}, {"confidence": P}, object(), "abc"]  # fmt: skip
    yield from each(make_map, "standard_errors", errors)
    select = method(MAP, "select", frac=0.5)
    yield from each(select, "region", REGION, needle="region")
    select = method(MAP, "select", region="easy")
    yield from each(select, "frac", SHARE)
    select = method(MAP, "select", region="easy", frac=0.5)
    yield from each(select, "noise_cut", CUT)
    yield from each(select, "stratify", FLAG)
    yield from each(select, "random_state", SEED)
    yield from each(select, "order", CHOICE)
    yield from each(select, "return_ids", FLAG)
    rows = [None, "a", 3.5, [0.5], ["a"], [N], [-N - 1], np.zeros((2, 2), int), [True], object(),
            {}, {1}, [[0], [1, 2]], np.ones(N + 1, bool), [None], [0, 0], 1j]  # fmt: skip
    yield from each(method(MAP, "subset"), "rows", rows, needle="")
    yield from each(method(MAP, "region_labels"), "frac", SHARE)
    levels = [None, "a", [0.5], NAN, {}, object(), 1j, True]
    yield from each(method(MAP, "region_labels"), "confidence", levels)
    yield from each(method(MAP, "to_frame"), "backend", CHOICE)
    yield from each(method(MAP, "save"), "path", [None, 3, 1.5, [], {}, object(), X, "m.csv"])
    yield from each(method(sc.DataMap, "load"), "path", [None, 3.5, [], {}, object(), X])
    maps = [None, [], MAP, [3], ["a"], [MAP, None], 3, {}, object(), X, [make_map(), dynamics()],
            [MAP, make_map(labels=Y[::-1])]]  # fmt: skip
    yield from each(method(sc.DataMap, "mean"), "maps", maps, needle="map")
    wrong = [None, 3, "a", MAP, X, [], object(), sc.TrainingDynamics(Y)]
    yield from each(method(sc.DataMap, "from_dynamics"), "dynamics", wrong, needle="")
    epochs = ["a", [], [5], [-7], [0.5], ["a"], [True, True], slice(9, 12), object(), {}, 3.5, 1j,
              np.zeros((1, 1), int), slice("a", "b"), [None]]  # fmt: skip
    call = method(sc.DataMap, "from_dynamics", dynamics())
    yield from each(call, "epochs", epochs, needle="epoch")
    grid_of = named(sc.SampleGridDisplay, "SampleGridDisplay", samples=["a"], rows=[0],
                    titles=[("a",)], captions=[("a",)])  # fmt: skip
    for name in ("samples", "titles", "captions"):
        yield from each(grid_of, name, [None, 3, "a", [], X, object(), {}, ["a", "b"]])
    yield from each(grid_of, "rows", [[], [0, 1], X], needle="rows")
    wrong = [None, 3, "a", [], X, object(), SGD, {}]
    yield from each(named(sc.SampleGridDisplay.from_data_map, "SampleGridDisplay.from", X=TEXTS),
                    "data_map", wrong)  # fmt: skip
    yield from each(grid, "X", [None, 3, "a", {}, {1, 2}, object(), X, TEXTS[1:], iter(TEXTS), 1j])
    yield from each(grid, "region", REGION, needle="region")
    yield from each(grid, "n", [*COUNT, 401])
    yield from each(grid, "kind", CHOICE)
    yield from each(grid, "issues", [3, "a", [], X, object(), SGD, {}])
    yield from each(grid, "label_names", [3, "a", [], ["a"], object(), {"d": "a"}, {1, 2}, len])
    yield from each(grid, "stratify", FLAG)
    yield from each(grid, "random_state", SEED)
    yield from each(grid, "n_columns", COUNT, drop=none)
    yield from each(grid, "figsize", [3, "a", (1,), (1, 2, 3), (0, 1), (NAN, 1), (INF, 1), ("a", 1),
                                      (True, 1), {}, object(), X, (1e9, 1)])  # fmt: skip
    yield from each(grid, "cmap", [None, "nope", 3, [], {}, object()], drop=none)
    yield from each(grid, "ax", ["a", 3, [], {}, object(), X])
    yield from each(correct, "y", LABELS, needle="y")
    yield from each(correct, "path", [None, 3, 1.5, [], {}, object(), X, "c.txt", b"c.csv"])
    yield from each(correct, "sample_ids", IDS)
    yield from each(correct, "new_classes", FLAG)
    yield from each(correct, "return_changed", FLAG)
    yield from each(plot, "kind", CHOICE)
    yield from each(plot, "max_samples", COUNT, drop=none)
    for name in ("histograms", "standard_errors"):
        yield from each(plot, name, FLAG)
    yield from each(plot, "jitter", [None, -0.1, 0.3, NAN, INF, True, "0.1", [0.1], *ODD])
    yield from each(plot, "cmap", ["nope", 3, [], {}, object()])
    yield from each(plot, "ax", ["a", 3, [], {}, object(), X])
    for owner, argument in {"DataMapDisplay": "data_map", "MapAgreementDisplay": "agreement",
                            "SubsetComparisonDisplay": "comparison",
                            "MapComparisonDisplay": "comparison",
                            "StabilityReportDisplay": "report",
                            "CrossDistillationDisplay": "cross_distillation"}.items():  # fmt: skip
        wrong = [None, 3, "a", [], X, object(), SGD, {}]
        yield from each(named(getattr(sc, owner), owner), argument, wrong)
        maker = getattr(getattr(sc, owner), f"from_{argument}")
        yield from each(named(maker, f"{owner}.from"), argument, wrong)
    wrong = [None, 3, "a", [], X, object(), {}, {"chosen": X}]
    yield from each(named(sc.SelectionCurveDisplay, "SelectionCurveDisplay"), "results", wrong)
    curve = named(sc.SelectionCurveDisplay.from_selector, "SelectionCurveDisplay.from")
    yield from each(curve, "selector", [None, 3, "a", [], X, object(), SGD, sc.DataMapSelector()])
    wrong = [None, 3, "a", [], X, object(), SGD, {}, sc.CartographyClassifier(SGD)]
    yield from each(method(sc.DataMapDisplay, "from_estimator"), "estimator", wrong)
    maps = [None, [], {}, MAP, [3], {"a": None}, 3, "a", object(), X, {"a": MAP}]
    yield from each(agreement, "maps", maps, needle="map")
    yield from each(agreement, "frac", SHARE)
    yield from each(agreement, "random_state", SEED)
    for name in ("a", "b"):
        yield from each(compare_two, name, [None, 3, "a", [MAP], X, object(), SGD])
    yield from each(compare_two, "by_position", FLAG)
    yield from each(compare_two, "frac", SHARE)
    yield from each(compare_two, "random_state", SEED)
    yield from each(score, "X", SAMPLES, needle="")
    labels = [value for value in LABELS if type(value) is not list or value != ["a"] * N]
    yield from each(score, "y", labels, needle="")  # a single class is fine
    for name, values in {"frac": SHARE, "n_seeds": COUNT, "random_state": SEED,
                         "n_jobs": [0, 1.5, "a", True]}.items():  # fmt: skip
        yield from each(stability, name, values)
    yield from each(stability, "X", SAMPLES, needle="")
    yield from each(stability, "y", LABELS, needle="")
    yield from each(stability, "params", [3, "a", [1], X])
    for name in ("keep_models", "uncertainty"):
        yield from each(fit_carto, name, FLAG)
    for name in ("confidence", "variability", "aleatoric", "loss"):
        yield from each(named(getattr(metrics, name), name), "true_proba", PROBABILITIES)
    yield from each(named(metrics.dual, "dual"), "true_proba", PROBABILITIES)
    yield from each(named(metrics.dual, "dual", TRUE_PROBA), "window", COUNT, drop=none)
    for name in ("correctness", "forgetting", "first_learned"):
        yield from each(named(getattr(metrics, name), name), "correct", BOOLEANS)
    margins = [*ARRAY[:-2], TRUE_PROBA * NAN, TRUE_PROBA * 1j, TRUE_PROBA[None], len]
    yield from each(named(metrics.aum, "aum"), "margin", margins)
    norms = [*margins, -1 - TRUE_PROBA, TRUE_PROBA + 2, TRUE_PROBA * INF]
    yield from each(named(metrics.el2n, "el2n"), "error_norm", norms)
    yield from each(named(metrics.el2n, "el2n", TRUE_PROBA), "n_first", COUNT)
    for name in ("n_samples", "n_classes", "n_features"):
        yield from each(make_cartography, name, COUNT)
    for name in ("frac_ambiguous", "frac_mislabelled"):
        yield from each(make_cartography, name, [*SHARE[2:], None], needle="frac")
    yield from each(make_cartography, "random_state", SEED)
    make = named(sc.TrainingDynamics, "TrainingDynamics")
    yield from each(make, "labels", [*LABELS[:11], 1j * np.arange(N)], needle="")
    make = named(sc.TrainingDynamics, "TrainingDynamics", Y)
    yield from each(
        make, "classes", [3, ["a"], ["a", "b"], ["a", "a", "b", "c"], {}, object(), "abc"]
    )
    yield from each(make, "n_epochs", COUNT, drop=none)
    yield from each(make, "keep_history", FLAG)
    yield from each(make, "held_out_mask", MASK)
    yield from each(make, "excluded_mask", MASK)
    yield from each(make, "sample_ids", [3, [1], np.zeros((N, 2)), {}, object(), "abc"])
    yield from each(make, "record", CHOICE)
    yield from each(update, "scores", SCORES, needle="")
    yield from each(update, "epoch", [None, -1, 1.5, True, NAN, INF, 10**12, "0", *ODD])
    rows = [None, "a", 3.5, [0.5] * N, ["a"] * N, [*range(N - 1), N], [*range(N - 1), 0], [0],
            [*range(N - 1), -N - 1], [-1, *range(N - 1)][::-1] + [N - 1], object(), {}, [True] * N,
            np.zeros((N, 1), int), slice(3), slice("a")]  # fmt: skip
    yield from each(
        update, "rows", [r for r in rows if not (isinstance(r, list) and r == [True] * N)]
    )
    yield from each(update, "from_logits", FLAG)
    joined = [None, [], 3, "a", [3], [MAP], {}, object(), [dynamics(), None], X]
    yield from each(method(sc.TrainingDynamics, "concatenate"), "parts", joined, needle="")
    yield from each(method(dynamics(), "save"), "path", [None, 3, [], {}, object(), X])
    yield from each(method(sc.TrainingDynamics, "load"), "path", [None, 3.5, [], {}, X])
    yield from each(subset_sampler, "frac", SHARE[2:])
    yield from each(subset_sampler, "rule", CHOICE)
    yield from each(subset_sampler, "replacement", FLAG)
    yield from each(subset_sampler, "n_epochs", COUNT, drop=none)
    yield from each(subset_sampler, "random_state", SEED)
    yield from each(recorder, "n_samples", COUNT)
    yield from each(recorder, "labels", LABELS[1:12], needle="")
    yield from each(recorder, "classes", [3, ["a"], ["a", "b"], ["a", "a", "b", "c"], {}, object()])
    yield from each(recorder, "n_epochs", COUNT, drop=none)
    for name in ("from_logits", "keep_history"):
        yield from each(recorder, name, FLAG)
    yield from each(recorder, "missing", CHOICE)
    yield from each(recorder, "log", [3, True, [], {}, object(), b"a", "", "a\0b"])
    yield from each(recorder, "held_out_mask", MASK)
    yield from each(recorder, "sample_ids", IDS)
    yield from each(recorder, "record", CHOICE)
    scoring = named(recorder, "recorder_update", "update")
    yield from each(scoring, "scores", SCORES, needle="")
    indices = [None, "a", 3.5, [0.5] * N, ["a"] * N, [*range(N - 1), N], [*range(N - 1), -1], [0],
               [[0], [1, 2]], object(), {}, [True] * N, np.zeros((N, 1), int), [None] * N, 1j]  # fmt: skip
    yield from each(scoring, "indices", indices, needle="")
    yield from each(scoring, "labels", [3, "abc", Y[:-1], Y[::-1], ["z"] * N, np.zeros((N, 2)), {},
                                        object(), [None] * N, [NAN] * N], needle="label")  # fmt: skip


ALLOWED = (ValueError, TypeError)
OURS = ("/sklearn_carto/", "/sklearn/utils/_param_validation.py", "/sklearn/utils/validation.py",
        "/sklearn/utils/multiclass.py", "/sklearn/model_selection/_split.py")  # fmt: skip


def fault_of(function, parameter, value, needle):
    """Call with a hostile value; return what is wrong with the outcome, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(**{parameter: value})
    except (ValueError, TypeError) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        if not any(part in frame.filename.replace("\\", "/") for part in OURS):
            return f"{error!r} comes from {frame.filename}:{frame.lineno}"
        return None if needle in str(error) else f"{needle!r} is not named: {error}"
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{error!r} comes from {frame.filename}:{frame.lineno}"
    return "passes in silence"


@pytest.mark.parametrize(("function", "parameter", "values", "needle"), cases())
def test_hostile_arguments_raise_an_error_of_ours_that_names_them(
    function, parameter, values, needle, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # nothing may be written beside the user's files
    faults = {}
    for i, value in enumerate(values):
        fault = fault_of(function, parameter, value, needle)
        if fault is not None:
            faults[f"{i}: {value!r:.60}"] = fault
    assert not faults, "\n".join(f"{value}: {fault}" for value, fault in faults.items())
    assert not list(tmp_path.iterdir())
