"""Rows of known kind."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.datasets import make_cartography


def test_kinds_have_the_requested_shares():
    X, y, kind = make_cartography(
        200, n_classes=4, n_features=5, frac_ambiguous=0.25, frac_mislabelled=0.05, random_state=0
    )
    assert X.shape == (200, 5)
    assert_array_equal(np.unique(y), [0, 1, 2, 3])
    counts = dict(zip(*np.unique(kind, return_counts=True), strict=True))
    assert counts == {"ambiguous": 50, "easy": 140, "mislabelled": 10}


def test_a_linear_model_confirms_the_kinds():
    X, y, kind = make_cartography(2000, random_state=0)
    model = LogisticRegression().fit(X[kind == "easy"], y[kind == "easy"])
    right = model.predict(X) == y
    assert right[kind == "easy"].mean() > 0.98
    assert right[kind == "mislabelled"].mean() < 0.02
    assert 0.3 < right[kind == "ambiguous"].mean() < 0.7


def test_the_seed_settles_everything():
    first, again, other = (make_cartography(50, random_state=seed) for seed in (1, 1, 2))
    for one, same in zip(first, again, strict=True):
        assert_array_equal(one, same)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_samples": 0}, "'n_samples' parameter of make_cartography"),
        ({"n_samples": 10.0}, "'n_samples' parameter of make_cartography"),
        ({"n_samples": True}, "'n_samples' parameter of make_cartography"),
        ({"n_samples": None}, "'n_samples' parameter of make_cartography"),
        ({"n_classes": 1}, "'n_classes' parameter of make_cartography"),
        ({"n_classes": 9}, r"must not exceed n_features=8.* Got 9"),
        ({"n_features": "8"}, "'n_features' parameter of make_cartography"),
        ({"frac_ambiguous": 0.8, "frac_mislabelled": 0.3}, "exceed 1 together"),
        ({"frac_ambiguous": -0.1}, "'frac_ambiguous' parameter"),
        ({"frac_ambiguous": np.nan}, "'frac_ambiguous' parameter"),
        ({"frac_mislabelled": "all"}, "'frac_mislabelled' parameter"),
        ({"random_state": "zero"}, "'random_state' parameter of make_cartography"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(given, message):
    with pytest.raises(InvalidParameterError, match=message):
        make_cartography(**{"n_samples": 100} | given)


def test_a_single_sample_is_a_data_set():
    X, y, kind = make_cartography(1, random_state=0)
    assert (X.shape, y.shape, kind.tolist()) == ((1, 8), (1,), ["easy"])
