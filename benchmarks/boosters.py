"""Cost of recording boosters: ratio of the time of the replay to that of the training.

Run ``python benchmarks/boosters.py``. Training and replay are timed in the same run, threads are
fixed to one, and each ratio is the median of seven runs with its bootstrap error. The map of 50
stages is also drawn naively, by `predict_proba` from the first tree on.
"""

import sys
import time
from functools import cache

import numpy as np
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier

from sklearn_carto import CartographyClassifier, TrainingDynamics

N_RUNS = 7
N_TREES, N_STAGES = 500, 50
QUIET_CATBOOST = {"verbose": False, "allow_writing_files": False}
BOOSTERS = {
    "XGBoost": (XGBClassifier, {"n_jobs": 1}),
    "LightGBM": (LGBMClassifier, {"n_jobs": 1, "verbose": -1}),
    "CatBoost": (CatBoostClassifier, {"thread_count": 1, **QUIET_CATBOOST}),
}
UP_TO = {
    "XGBoost": lambda end: {"iteration_range": (0, end)},
    "LightGBM": lambda end: {"num_iteration": end},
    "CatBoost": lambda end: {"ntree_end": end, "thread_count": 1},
}


@cache
def timed(kind):
    """Subclass a classifier that stores the time of its last `fit`."""

    class Timed(kind):
        def fit(self, X, y, **params):
            start = time.perf_counter()
            super().fit(X, y, **params)
            Timed.seconds = time.perf_counter() - start
            return self

    return Timed


def watch(name, n_epochs, X, y):
    """Return the watched classifier, and the seconds of its training and of its replay."""
    kind, params = BOOSTERS[name]
    booster = timed(kind)(n_estimators=N_TREES, **params)
    start = time.perf_counter()
    model = CartographyClassifier(booster, n_epochs=n_epochs).fit(X, y)
    whole = time.perf_counter() - start
    return model, timed(kind).seconds, whole - timed(kind).seconds


def by_hand(name, model, X, y):
    """Record 50 stages by `predict_proba` from the first tree on; return the seconds."""
    start = time.perf_counter()
    dynamics = TrainingDynamics(y, n_epochs=N_STAGES)
    for epoch, end in enumerate(range(10, N_TREES + 1, N_TREES // N_STAGES)):
        dynamics.update(epoch, model.estimator_.predict_proba(X, **UP_TO[name](end)))
    seconds = time.perf_counter() - start
    assert np.abs(dynamics.true_proba - model.dynamics_.true_proba).max() < 1e-6
    return seconds


def report(what, ratios, seconds, limit=""):
    draws = np.random.RandomState(0).choice(ratios, size=(1000, len(ratios)))
    error = np.median(draws, axis=1).std()
    print(
        f"{what:<44} {np.median(seconds):>6.2f} s   ratio {np.median(ratios):>6.3f} "
        f"+- {error:.3f}   {limit}",
        flush=True,
    )


def main():
    for n_classes in (2, 3):
        X, y = make_classification(
            10_000, 30, n_informative=10, n_classes=n_classes, flip_y=0.1, random_state=0
        )
        for name in BOOSTERS if n_classes == 2 else ("XGBoost", "LightGBM"):
            trained, every, some, hand = [], [], [], []
            for run in range(N_RUNS + 1):
                _, training, replay = watch(name, None, X, y)
                times = training, replay / training
                if n_classes == 2:
                    model, training, replay = watch(name, N_STAGES, X, y)
                    naive = by_hand(name, model, X, y)
                    times += replay / training, naive / replay
                if run > 0:  # the first one warms up
                    for column, value in zip((trained, every, some, hand), times, strict=False):
                        column.append(value)
            what = f"{name}, {n_classes} classes:"
            report(f"{what} {N_TREES} stages / training", every, trained, "aim 1.0")
            if some:
                report(f"{what} {N_STAGES} stages / training", some, trained, "aim 1.0")
                report(f"{what} {N_STAGES} stages by hand / ours", hand, trained)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        N_RUNS = int(sys.argv[1])
    with threadpool_limits(1):
        main()
