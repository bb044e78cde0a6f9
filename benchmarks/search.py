"""Time that a cache of maps saves in a grid search over regions and fractions.

Run ``python benchmarks/search.py``. Both searches see the same folds and candidates; the ratio is
the median of three alternating pairs.
"""

import tempfile
import time

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_carto import DataMapSelector, DistilledClassifier

GRID = {
    "selector__region": ["random", "weighted", "dual-beta", "median", "easy", "ambiguous"],
    "selector__frac": [0.1, 0.33, 0.5],
}


def seconds(model, X, y):
    start = time.process_time()
    GridSearchCV(model, GRID, cv=3, refit=False).fit(X, y)
    return time.process_time() - start


def ratios_of(n_pairs):
    """Return the time of a cached search over that of an uncached one, for some pairs."""
    X, y = load_digits(return_X_y=True)
    proxy = MLPClassifier((64,), batch_size=50, random_state=0)
    selector = DataMapSelector(proxy, random_state=0)
    model = DistilledClassifier(LogisticRegression(max_iter=200), selector)
    ratios = []
    with threadpool_limits(1):
        for _ in range(n_pairs):
            with tempfile.TemporaryDirectory() as folder:
                cached = clone(model).set_params(selector__memory=folder)
                ratios.append(seconds(cached, X / 16, y) / seconds(model, X / 16, y))
    return np.array(ratios)


def main():
    print(f"grid search of 18 candidates, cached over uncached: {np.median(ratios_of(3)):.2f}")


if __name__ == "__main__":
    main()
