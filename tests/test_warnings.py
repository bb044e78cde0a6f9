"""Warnings point to the line of the user."""

import warnings

import numpy as np
import pytest

from sklearn_carto.exceptions import HeldOutRowsWarning, MissingClassesWarning


@pytest.mark.parametrize(
    ("given", "frac", "category"),
    [
        ({"held_out_mask": np.arange(300) % 5 == 0}, 0.3, HeldOutRowsWarning),
        ({}, 1 / 300, MissingClassesWarning),
    ],
    ids=["held out", "classes lost"],
)
def test_it_is_raised_once_and_at_the_line_of_the_user(random_map, given, frac, category):
    data_map = random_map(**given)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data_map.select("ambiguous", frac, random_state=0)
    assert [one.category for one in caught] == [category]
    assert caught[0].filename == __file__
