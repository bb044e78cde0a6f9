"""Calls that run in parallel and can be resumed, on small data, and how their results compare."""

import os
import signal
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB

import sklearn_carto as sc
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(120, random_state=0)
X = np.column_stack([X, 1e-6 * np.arange(120)])  # the last column numbers the rows
NAMES = np.array(["b", "c", "a"])[y]
SGD = SGDClassifier(loss="log_loss", alpha=0.01)
PROXY = sc.CartographyClassifier(SGD, n_epochs=3)
SELECTOR = sc.DataMapSelector(PROXY)
TIMES = {"fit_time", "score_time", "map_time"}


def log_of(folder):
    """A file that lists the fits of `Logged` and `Killer`."""
    return Path(folder) / "fits.txt"


def holds_row(X, row):
    return row in np.round(1e6 * X[:, -1]).astype(int)


class Logged(GaussianNB):
    """A model that lists each fit in a file."""

    def __init__(self, log=None):
        super().__init__()
        self.log = log

    def fit(self, X, y):
        with open(self.log, "a") as file:
            file.write(f"{os.getpid()}\n")
        return super().fit(X, y)


class Killer(GaussianNB):
    """A model that sends a signal to its process, in the split that tests a row, once."""

    def __init__(self, flag=None, row=100, number=int(signal.SIGKILL)):
        super().__init__()
        self.flag, self.row, self.number = flag, row, number

    def fit(self, X, y):
        if Path(self.flag).exists() and not holds_row(X, self.row) and len(X) == 80:
            Path(self.flag).unlink()
            if self.number is None:
                raise MemoryError("no room")
            os.kill(os.getpid(), self.number)
        return super().fit(X, y)


SETTINGS = {"cv": 3, "random_state": 0}
CALLS = {
    "compare": lambda **more: sc.compare_subsets(
        LogisticRegression(), X, NAMES, regions=["easy", "clean"], selector=SELECTOR,
        **{**SETTINGS, "n_seeds": 2, **more},
    ),
    "auto": lambda **more: sc.compare_subsets(
        GaussianNB(), X, y, regions=["auto"],
        selector=sc.DataMapSelector(PROXY, noise_cut="auto", cv=2), **{**SETTINGS, "cv": 2, **more},
    ),
    "sweep": lambda **more: sc.sweep_fractions(
        GaussianNB(), X, y, fracs=[0.5], selector=SELECTOR, **{**SETTINGS, **more}
    ),
    "cross": lambda **more: sc.cross_distillation(
        {"a": PROXY, "b": SGD}, X, y, **{**SETTINGS, **more}
    ),
    "stability": lambda **more: sc.stability_report(
        PROXY, X, NAMES, **{"n_seeds": 3, "random_state": 0, **more}
    ),
    "issues": lambda **more: sc.find_label_issues(
        PROXY, X, NAMES, n_passes=2, **{**SETTINGS, **more}
    ),
    "unwatched": lambda **more: sc.find_label_issues(GaussianNB(), X, y, **{**SETTINGS, **more}),
}  # fmt: skip


def assert_same(one, other):
    """Assert that two results are equal to the bit, except times."""
    assert type(one) is type(other)
    if hasattr(one, "results_"):
        assert one.results_.keys() == other.results_.keys()
        for name in one.results_.keys() - TIMES:
            assert one.results_[name].dtype == other.results_[name].dtype
            assert_array_equal(one.results_[name], other.results_[name], err_msg=name)
    elif hasattr(one, "data_maps_"):
        assert_array_equal(one.seeds_, other.seeds_)
        for a, b in zip(one.data_maps_, other.data_maps_, strict=True):
            assert_same_map(a, b)
        assert str(one) == str(other)
    else:
        for name in ("label_quality", "is_label_issue", "suggested_label", "ranking"):
            assert_array_equal(getattr(one, name), getattr(other, name))
        if one.data_map is not None:
            assert_same_map(one.data_map, other.data_map)


def assert_same_map(one, other):
    for name in ("confidence", "variability", "correctness", "forgetting", "aum", "dual", "el2n"):
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert_array_equal(one.labels, other.labels)
    assert one.labels.dtype == other.labels.dtype
    assert (one.n_epochs, one.record, one.margin_from) == (
        other.n_epochs, other.record, other.margin_from,
    )  # fmt: skip
