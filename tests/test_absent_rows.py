"""A sample of weight 0 is absent: it is on the map, and nowhere else."""

from typing import ClassVar

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import KFold, PredefinedSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier, DataMapSelector, DistilledClassifier
from sklearn_carto.datasets import make_cartography

X, truth, _ = make_cartography(150, frac_mislabelled=0.0, random_state=0)
rng = np.random.RandomState(0)
y = np.where(rng.random_sample(150) < 0.2, (truth + 1) % 3, truth)
ABSENT = rng.random_sample(150) < 0.3
WEIGHTS = np.where(ABSENT, 0.0, 1.0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
PROXY = CartographyClassifier(SGD, n_epochs=4)
PIPELINE = Pipeline([("scale", StandardScaler()), ("sgd", SGD)])
N_PRESENT = int((~ABSENT).sum())

REGIONS = [
    *("random", "ambiguous", "easy", "hard", "coverage", "weighted", "dual-beta", "median"),
    *("high-aum", "low-loss", "auto"),
    {"easy": 0.5, "random": 0.5},
    lambda data_map: np.where(ABSENT, 1.0, 0.0),  # would take the absent samples first
]


def auto(**params):
    settings = {"region": "auto", "final_estimator": GaussianNB(), "cv": 2, "random_state": 0}
    return DataMapSelector(PROXY, **settings | params)


def kept(rows, frac):
    assert not ABSENT[rows].any()
    assert len(rows) == max(1, round(frac * N_PRESENT))


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("region", REGIONS, ids=lambda region: getattr(region, "__name__", region))
def test_rows_of_weight_zero_are_never_selected_in_any_region(region, stratify):
    selector = auto(region=region, frac=0.5, stratify=stratify)
    selector.fit(X, y, sample_weight=WEIGHTS)
    kept(selector.sample_indices_, 0.5)
    assert_array_equal(selector.data_map_.excluded_mask, ABSENT)
    assert np.isfinite(selector.data_map_.confidence).all()


@pytest.mark.parametrize("noise_cut", [0.4, {0: 0.4}, "auto"], ids=str)
def test_rows_of_weight_zero_do_not_return_where_a_cut_leaves_too_few(noise_cut):
    selector = DataMapSelector(PROXY, frac=1.0, noise_cut=noise_cut, cv=2, random_state=0)
    kept(selector.fit(X, y, sample_weight=WEIGHTS).sample_indices_, 1.0)


@pytest.mark.parametrize("cv", [2, 3, KFold(2, shuffle=True, random_state=1)], ids=str)
def test_the_search_and_the_estimated_cut_are_those_without_the_absent_rows(cv):
    if not isinstance(cv, int):  # the same folds of the rows that are left
        fold_of = np.full(150, -1)
        for k, (_, test) in enumerate(cv.split(X)):
            fold_of[test] = k
        cv, cv_left = PredefinedSplit(fold_of), PredefinedSplit(fold_of[~ABSENT])
    else:
        cv_left = cv
    weighted = auto(cv=cv).fit(X, y, sample_weight=WEIGHTS)
    left = auto(cv=cv_left).fit(X[~ABSENT], y[~ABSENT], sample_weight=np.ones(N_PRESENT))
    assert weighted.noise_cut_ == left.noise_cut_
    for name, values in left.auto_results_.items():
        assert_array_equal(weighted.auto_results_[name], values, err_msg=name)


@pytest.mark.parametrize(
    "weights",
    [WEIGHTS.tolist(), WEIGHTS > 0, WEIGHTS.astype(int), WEIGHTS.astype(object) * 2],
    ids=["list", "bool", "int", "object"],
)
def test_weights_of_any_type_exclude(weights):
    selector = DataMapSelector(PROXY, random_state=0)
    if isinstance(weights, np.ndarray) and weights.dtype != float:
        weights = weights.tolist()
    selector = DistilledClassifier(LogisticRegression(), selector)
    kept(selector.fit(X, y, sample_weight=weights).selector_.sample_indices_, 0.33)


def test_weights_in_a_series_are_those_of_the_positions():
    pd = pytest.importorskip("pandas")
    weights = pd.Series(WEIGHTS, index=np.arange(150)[::-1])
    selector = DataMapSelector(PROXY, random_state=0).fit(X, y, sample_weight=weights)
    kept(selector.sample_indices_, 0.33)


@pytest.mark.parametrize("name", ["sample_weight", "sgd__sample_weight"])
@pytest.mark.parametrize("distilled", [True, False])
def test_weights_of_the_last_step_of_a_pipeline_exclude(name, distilled):
    model = DataMapSelector(PIPELINE, random_state=0)
    if distilled:
        model = DistilledClassifier(PIPELINE, model)
    model.fit(X, y, **{name: WEIGHTS})
    kept((model.selector_ if distilled else model).sample_indices_, 0.33)


def test_weights_of_a_transformer_exclude_nothing():
    selector = DataMapSelector(PIPELINE, random_state=0).fit(X, y, scale__sample_weight=WEIGHTS)
    assert selector.data_map_.excluded_mask is None


@pytest.mark.parametrize("region", ["random", "hard", "auto"])
@pytest.mark.parametrize(
    "final",
    [GaussianNB(), Pipeline([("inner", Pipeline([("nb", GaussianNB())]))])],
    ids=["plain", "pipeline"],
)
def test_weights_that_the_final_estimator_alone_takes_exclude(region, final):
    class Unweighted(SGDClassifier):
        def partial_fit(self, X, y, classes=None):
            return super().partial_fit(X, y, classes=classes)

    proxy = CartographyClassifier(Unweighted(loss="log_loss", alpha=0.01), n_epochs=4)
    selector = DataMapSelector(proxy, region=region, cv=2, random_state=0)
    model = DistilledClassifier(final, selector).fit(X, y, sample_weight=WEIGHTS)
    kept(model.selector_.sample_indices_, 0.33)
    assert_array_equal(model.selector_.data_map_.excluded_mask, ABSENT)


@pytest.mark.parametrize("weights", [{"sample_weight": WEIGHTS}, {}], ids=["again", "once"])
def test_a_frozen_map_keeps_rows_excluded(weights):
    frozen = FrozenEstimator(CartographyClassifier(SGD, n_epochs=3).fit(X, y, WEIGHTS))
    model = DistilledClassifier(LogisticRegression(), DataMapSelector(frozen, random_state=0))
    kept(model.fit(X, y, **weights).selector_.sample_indices_, 0.33)


@sklearn.config_context(enable_metadata_routing=True)
def test_weights_that_are_routed_under_another_name_exclude():
    plain = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=3)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    for final in (
        LogisticRegression().set_fit_request(sample_weight="importance"),
        Pipeline(
            [
                ("scale", scaler),
                ("last", LogisticRegression().set_fit_request(sample_weight="importance")),
            ]
        ),
    ):
        model = DistilledClassifier(final, DataMapSelector(plain, random_state=0))
        kept(model.fit(X, y, importance=WEIGHTS).selector_.sample_indices_, 0.33)
    learner = SGDClassifier(loss="log_loss", alpha=0.01)
    learner.set_partial_fit_request(sample_weight="importance")
    selector = DataMapSelector(CartographyClassifier(learner, n_epochs=3), random_state=0)
    kept(selector.fit(X, y, importance=WEIGHTS).sample_indices_, 0.33)


def test_weights_inside_the_inputs_of_a_net_exclude():
    skorch = pytest.importorskip("skorch")
    torch = pytest.importorskip("torch")

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(8, 3)

        def forward(self, rows, sample_weight):
            return self.linear(rows)

    net = skorch.NeuralNetClassifier(
        Module, criterion=torch.nn.CrossEntropyLoss, train_split=None, max_epochs=2, verbose=0,
        lr=0.1,
    )  # fmt: skip
    parts = {"rows": X.astype(np.float32), "sample_weight": WEIGHTS.astype(np.float32)}
    kept(DataMapSelector(net, random_state=0).fit(parts, y).sample_indices_, 0.33)
    kept(DistilledClassifier(net).fit(parts, y).selector_.sample_indices_, 0.33)


class Spy(KNeighborsClassifier):
    """Notes the samples that it is fitted on; takes weights, to check them."""

    seen: ClassVar = []

    def fit(self, X, y, sample_weight=None):
        self.seen.append(sample_weight)
        return super().fit(X, y)


def test_neither_a_fit_of_the_search_nor_the_final_fit_holds_an_absent_row():
    Spy.seen.clear()
    selector = DataMapSelector(PROXY, region="auto", cv=2, random_state=0)
    DistilledClassifier(Spy(3), selector).fit(X, y, sample_weight=WEIGHTS)
    assert len(Spy.seen) == 9  # four candidates in two folds, and the final fit
    assert all((weights > 0).all() for weights in Spy.seen)


def test_a_class_of_absent_rows_alone_is_no_class_of_the_search_or_of_the_model():
    labels = np.where(ABSENT, 7, y)
    selector = DataMapSelector(PROXY, region="auto", cv=2, random_state=0)
    model = DistilledClassifier(LogisticRegression(), selector)
    model.fit(X, labels, sample_weight=WEIGHTS)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert set(model.selector_.noise_cut_ or {}) <= {0, 1, 2}
    assert np.isfinite(model.selector_.auto_results_["split0_score"]).all()


@pytest.mark.parametrize("model", [DataMapSelector(PROXY), DistilledClassifier(SGD)])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(150), "all weights are zero"),
        (WEIGHTS[:-1], "each of the 150 rows"),
        (np.where(y == 0, 1.0, 0.0), r"two classes.*but those of \[0\]"),
        (-WEIGHTS, "at least 0"),
        (np.full(150, np.nan), "finite"),
        (["heavy"] * 150, "number"),
    ],
    ids=["all 0", "short", "one class", "negative", "NaN", "text"],
)
def test_weights_that_leave_nothing_to_select_are_refused(model, weights, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, sample_weight=weights)
