"""Parameters of the selector and the sampler are checked before anything is trained."""

from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from names import name_of
from sklearn_carto import CartographyClassifier, DataMapSelector
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(90, random_state=0)
NAMES = np.array(["cat", "dog", "owl"])[y]
QUICK = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=2)


class Untrainable(SGDClassifier):
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        raise AssertionError("trained before its parameters were checked")


def selector(**params):
    model = DataMapSelector(**{"estimator": Untrainable()} | params)
    return lambda labels: model.fit(X, labels)


def sampler(**params):
    pytest.importorskip("imblearn")
    from sklearn_carto import DataMapSampler

    model = DataMapSampler(**{"estimator": Untrainable()} | params)
    return lambda labels: model.fit_resample(X, labels)


def frozen():
    return FrozenEstimator(KMeans())


BAD = [
    ({"estimator": SGDClassifier}, "'estimator' parameter of {}"),
    ({"estimator": "SGD"}, "'estimator' parameter of {}"),
    ({"estimator": KMeans(2)}, "'estimator' parameter of {} .*clusterer"),
    ({"estimator": MiniBatchKMeans(2)}, "'estimator' parameter of {} .*clusterer"),
    ({"estimator": PCA()}, "'estimator' parameter of {} .*Got PCA"),
    ({"estimator": SGDRegressor()}, "'estimator' parameter of {} .*regressor"),
    ({"estimator": make_pipeline(StandardScaler(), PCA())}, "'estimator' .*ends in PCA"),
    ({"estimator": BaseEstimator()}, "'estimator' parameter of {}"),
    ({"estimator": frozen()}, "has no data_map_"),
    ({"final_estimator": FrozenEstimator(SGDClassifier())}, "must not be a FrozenEstimator"),
    ({"final_estimator": SGDClassifier}, "'final_estimator' parameter of {}"),
    ({"final_estimator": LinearRegression()}, "'final_estimator' parameter of {} .*regressor"),
    ({"final_estimator": KMeans(), "region": "auto"}, "'final_estimator' .*clusterer"),
    ({"region": None}, "'region' parameter of {}"),
    ({"region": 3}, "'region' parameter of {}"),
    ({"region": ["easy"]}, "'region' parameter of {}"),
    ({"region": ("easy", 1.0)}, "'region' parameter of {}"),
    ({"region": b"easy"}, "'region' parameter of {}"),
    ({"region": OrderedDict}, "'region' parameter of {} must not be a class"),
    ({"region": ""}, "Unknown region ''"),
    ({"region": "Easy"}, "Unknown region 'Easy'. Did you mean 'easy'"),
    ({"region": "high-confidance"}, "Did you mean 'high-confidence'"),
    ({"region": {}}, "sum to 1"),
    ({"region": {"easy": 1}, "frac": 0}, "'frac' parameter of {}"),
    ({"region": {"easy": 0.5, "hard": 0.6}}, "sum to 1"),
    ({"region": {"easy": 1.5, "hard": -0.5}}, "not negative"),
    ({"region": {"easy": "1"}}, "must be numbers"),
    ({"region": {"easy": np.nan, "hard": 1.0}}, "must be numbers"),
    ({"region": {"easy": True}}, "must be numbers"),
    ({"region": {"easy": None}}, "must be numbers"),
    ({"region": {"easy": 0.5, "esay": 0.5}}, "Unknown region 'esay'"),
    ({"region": {3: 1.0}}, "Unknown region 3"),
    ({"region": {"auto": 0.5, "easy": 0.5}}, "mixture with 'auto'"),
    ({"region": {"auto": 1.0}}, "mixture with 'auto'"),
    *(
        ({"frac": frac}, "'frac' parameter of {}")
        for frac in (0, -0.1, 1.01, 33, np.nan, np.inf, True, "0.3", None, [0.3], Decimal("0.3"))
    ),
    *(
        ({"noise_cut": cut}, "'noise_cut' parameter of {}")
        for cut in (1.0, -0.1, np.nan, True, False, None, "0.1", "automatic", [0.1], {0.1})
    ),
    *(
        ({"noise_cut": {"cat": cut}}, "'noise_cut' parameter of {} .* for the class 'cat'")
        for cut in (1.0, -0.1, np.nan, True, None, "0.1", [0.1], "auto")
    ),
    ({"noise_cut": {"cow": 0.1}}, "'noise_cut' parameter of {} .*'cow', not among"),
    ({"noise_cut": {"cat": 0.1, 0: 0.1}}, "'noise_cut' parameter of {} .*0, not among"),
    ({"noise_cut": {("a", "b"): 0.1}}, "'noise_cut' parameter of {} .*not among"),
    *(({"stratify": value}, "'stratify' parameter of {}") for value in ("yes", 1, 0, None, [])),
    *(
        ({"memory": value}, "'memory' parameter of {}")
        for value in (3, b"folder", ["folder"], joblib.Memory, object())
    ),
    *(
        ({"random_state": value}, "'random_state' parameter of {}")
        for value in (-1, 0.5, "0", True, 2**32, [0], np.random.default_rng(0))
    ),
    *(
        ({"scoring": value}, "'scoring' parameter of {}")
        for value in ("accurate", 3, ["accuracy"], {"a": "accuracy"}, dict)
    ),
    *(
        ({"cv": value}, "'cv' parameter of {}")
        for value in (1, 0, -2, 2.5, "3", KFold, object(), True)
    ),
    *(({"n_jobs": value}, "'n_jobs' parameter of {}") for value in (0, 1.5, "2", True, [1])),
]


def describe(case):
    return " ".join(f"{name}={value!r}" for name, value in case.items())[:60]


@pytest.mark.parametrize("make", [selector, sampler])
@pytest.mark.parametrize(
    ("params", "message"), BAD, ids=[name_of(describe(params)) for params, _ in BAD]
)
def test_bad_parameters_are_named_before_anything_is_trained(make, params, message):
    owner = "DataMapSelector" if make is selector else "DataMapSampler"
    with pytest.raises(ValueError, match=message.format(owner)):
        make(**params)(NAMES)


@pytest.mark.parametrize(
    "params",
    [
        {"frac": np.float32(0.5)},
        {"frac": 1},
        {"frac": np.int64(1)},
        {"noise_cut": 0},
        {"noise_cut": np.float64(0.1)},
        {"noise_cut": {"cat": 0, "dog": 0.2}},
        {"noise_cut": {}},
        {"region": {"easy": 1}},
        {"region": {"easy": np.float32(0.5), "hard": 0.5}},
        {"stratify": np.True_},
        {"random_state": np.int64(3)},
        {"random_state": np.random.RandomState(3)},
        {"n_jobs": -1},
        {"n_jobs": np.int64(1)},
        {"cv": None},
        {"frac": Fraction(1, 2)},
        {"region": np.str_("easy")},
    ],
    ids=lambda params: name_of(describe(params)),
)
def test_numbers_and_flags_of_numpy_are_numbers_and_flags(params):
    model = DataMapSelector(QUICK, **params).fit(X, NAMES)
    frac = float(params.get("frac", 0.33))
    assert len(model.sample_indices_) == round(frac * 90)


@pytest.mark.parametrize("name", ["regoin", "fraction", "strategy", "sampling_strategy"])
def test_a_misspelt_argument_names_the_class_that_was_called(name):
    with pytest.raises(TypeError, match=rf"DataMapSelector.*{name}"):
        DataMapSelector(**{name: 1})
    pytest.importorskip("imblearn")
    from sklearn_carto import DataMapSampler

    with pytest.raises(TypeError, match=rf"DataMapSampler.*{name}"):
        DataMapSampler(**{name: 1})


def test_sampler_and_selector_have_the_same_parameters():
    pytest.importorskip("imblearn")
    from sklearn_carto import DataMapSampler

    assert DataMapSampler().get_params() == DataMapSelector().get_params()


@pytest.mark.parametrize("labels", [np.zeros(90), ["one"] * 90, None, NAMES[:-1]], ids=str)
def test_errors_about_samples_and_labels_name_the_sampler(labels):
    with pytest.raises(ValueError, match="DataMapSampler|inconsistent") as error:
        sampler()(labels)
    assert "DataMapSelector" not in str(error.value)


@pytest.mark.parametrize("indices", ["yes", 1, 0, None, [True]])
def test_the_flag_of_the_support_is_a_flag(indices):
    model = DataMapSelector(QUICK).fit(X, NAMES)
    with pytest.raises(ValueError, match="'indices' parameter of DataMapSelector.get_support"):
        model.get_support(indices=indices)


@pytest.mark.parametrize("call", ["get_support", "transform", "get_feature_names_out"])
def test_a_selector_that_is_not_fitted_says_so(call):
    arguments = [X] if call == "transform" else []
    with pytest.raises(NotFittedError, match="DataMapSelector instance is not fitted yet"):
        getattr(DataMapSelector(), call)(*arguments)


@pytest.mark.parametrize("frac", [1e-9, 0.01, 0.5, 1.0])
def test_a_selection_is_never_empty(frac):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer rows than classes
        model = DataMapSelector(QUICK, frac=frac, random_state=0).fit(X, NAMES)
    assert len(model.sample_indices_) == max(1, round(frac * 90))
    assert_array_equal(np.flatnonzero(model.get_support()), model.get_support(indices=True))


@pytest.mark.parametrize("rows", [None, {1, 2}, 3.0, "text"], ids=repr)
@pytest.mark.parametrize("estimator", [None, SGDClassifier(loss="log_loss")], ids=["none", "sgd"])
def test_samples_of_no_container_are_refused(rows, estimator):
    with pytest.raises((ValueError, TypeError), match="X|array|samples"):
        DataMapSelector(estimator).fit(rows, NAMES)
