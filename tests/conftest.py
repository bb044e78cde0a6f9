"""Fixtures and helpers of several test files."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_carto import DataMap

VARIABLE = "SKLEARN_CARTO_DATA"
DEFAULT = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _close_figures():
    """Close the figures that a test leaves open."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def data_folder():
    """Folder with the real data sets; tests that need it skip where it is absent."""
    folder = Path(os.environ.get(VARIABLE, DEFAULT))
    if not folder.is_dir():
        pytest.skip(f"needs the real data sets; set {VARIABLE} to their folder ({folder} is none)")
    return folder


@pytest.fixture
def without(monkeypatch):
    """Make the import of a module fail, as if it were not installed."""

    def forget(name):
        for module in [m for m in sys.modules if m.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)

    return forget


@pytest.fixture
def random_map():
    """Make a map of random rows of three classes."""

    def make(n_samples=300, n_epochs=12, seed=0, **given):
        rng = np.random.RandomState(seed)
        confidence = rng.beta(2, 1, n_samples)
        return DataMap(
            confidence=confidence,
            variability=0.5 * rng.beta(2, 3, n_samples),
            correctness=rng.randint(n_epochs + 1, size=n_samples) / n_epochs,
            n_epochs=n_epochs,
            **{
                "labels": rng.choice(["a", "b", "c"], size=n_samples, p=[0.6, 0.3, 0.1]),
                "aum": rng.normal(size=n_samples),
                "dual": 0.5 * rng.beta(2, 3, n_samples),
            }
            | given,
        )

    return make
