"""Warnings on maps that are made: unseen rows, and maps without information."""

import warnings

import numpy as np
import pytest

from sklearn_carto import TrainingDynamics
from sklearn_carto._maps._diagnostics import make_data_map
from sklearn_carto.exceptions import DegenerateMapWarning, UnseenSamplesWarning


def record(moving, **given):
    """Record ten rows over four epochs; the probabilities of `moving` ones go up and down."""
    dynamics = TrainingDynamics(["a", "b"] * 5, **given)
    for epoch in range(4):
        p = np.where(moving, 0.3 + 0.4 * (epoch % 2), 0.6)
        dynamics.update(epoch, np.stack([p, 1 - p], axis=1))
    return dynamics


def test_unseen_rows_are_counted_and_a_weighted_sampler_is_not_advised_against():
    dynamics = TrainingDynamics(["a", "b", "a"])
    for epoch, p in enumerate((0.4, 0.8)):
        dynamics.update(epoch, [[p, 1 - p]], [1])
    with pytest.warns(UnseenSamplesWarning, match=r"2 of 3 rows .* \[0, 2\].* not selected") as got:
        make_data_map(dynamics, "net")
    message = str(got[0].message)
    assert "sampler that draws rows with weights shows more of them in more epochs" in message
    assert "sampler over all rows" not in message


@pytest.mark.parametrize("excluded_moves", [True, False])
def test_rows_of_weight_zero_do_not_make_a_map_informative_or_degenerate(excluded_moves):
    excluded = np.arange(10) < 8
    dynamics = record(excluded == excluded_moves, excluded_mask=excluded)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_data_map(dynamics, "net")
    degenerate = [one for one in caught if one.category is DegenerateMapWarning]
    assert len(degenerate) == excluded_moves
