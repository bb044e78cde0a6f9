"""Memory of recording: bytes a row over the bare training, in processes of their own.

Run ``python benchmarks/memory.py``, or ``python benchmarks/memory.py large`` for 5 million rows of
10,000 classes. Peaks are those of the process (ru_maxrss) and of the arrays (tracemalloc).
"""

import json
import resource
import subprocess
import sys
import time
import tracemalloc

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import SGDClassifier

from sklearn_carto import CartographyClassifier

N_EPOCHS = 20


class HashedScores(ClassifierMixin, BaseEstimator):
    """A classifier of many classes whose training and prediction cost little."""

    def partial_fit(self, X, y, classes=None):
        """Count the epochs."""
        self.classes_ = classes if classes is not None else self.classes_
        self.n_epochs_ = getattr(self, "n_epochs_", 0) + 1
        return self

    fit = partial_fit

    def predict_proba(self, X):
        """Return probabilities that one class, which depends on the row, leads."""
        n_classes = len(self.classes_)
        share = self.n_epochs_ / (self.n_epochs_ + 5)
        proba = np.full((len(X), n_classes), (1 - share) / n_classes, dtype=np.float32)
        proba[np.arange(len(X)), X[:, 0].astype(int) % n_classes] += share
        return proba


def data(n_rows, n_features):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_rows, n_features))
    return X, (X[:, 0] + rng.standard_normal(n_rows) > 0).astype(np.int64)


def train(how, n_rows, n_epochs=N_EPOCHS):
    """Train in this process; return what it took, in bytes a row and in seconds."""
    if how == "large":
        X = np.arange(n_rows, dtype=np.float32).reshape(-1, 1)
        y, model, n_epochs = np.arange(n_rows) % 10_000, HashedScores(), 2
    else:
        X, y = data(n_rows, 20)
        model = SGDClassifier(loss="log_loss", random_state=0)
    warm = CartographyClassifier(model, n_epochs=2, keep_history=False)
    warm.fit(X[:20_000], y[:20_000])  # what libraries allocate once does not count
    if "traced" in how:
        tracemalloc.start()
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if "bare" in how:
        model.set_params(random_state=np.random.RandomState(0))
        for _ in range(n_epochs):
            model.partial_fit(X, y, classes=np.unique(y))
        kept = model
    else:
        kept = CartographyClassifier(model, n_epochs=n_epochs, keep_history=False).fit(X, y)
    seconds = time.process_time() - start
    peak = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    held = 0
    if tracemalloc.is_tracing():
        held, peak = tracemalloc.get_traced_memory()
    del kept
    return {"held": held / n_rows, "peak": peak / n_rows, "seconds": seconds}


def measure(how, n_rows):
    """Train in a fresh process."""
    command = [sys.executable, __file__, "child", how, str(n_rows)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(run.stdout.splitlines()[-1])


def bytes_per_row(n_rows=1_000_000):
    """Return bytes a row over the bare training: peaks of process and arrays, and what stays."""
    bare, ours = measure("bare", n_rows), measure("watched", n_rows)
    bare_traced, traced = measure("bare traced", n_rows), measure("watched traced", n_rows)
    return {
        "peak of the process": ours["peak"] - bare["peak"],
        "peak of the arrays": traced["peak"] - bare_traced["peak"],
        "kept after the training": traced["held"] - bare_traced["held"],
    }


def main():
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(train(sys.argv[2], int(sys.argv[3]))))
    elif sys.argv[1:2] == ["large"]:
        n_rows = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000
        found = measure("large", n_rows)
        print(
            f"{n_rows:,} rows of 10,000 classes, 2 epochs: {found['peak'] * n_rows / 1e9:.2f} GB "
            f"over the data ({found['peak']:.0f} bytes a row), {found['seconds']:.0f} s of CPU"
        )
    else:
        n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
        for what, value in bytes_per_row(n_rows).items():
            print(f"{n_rows:,} rows, 20 epochs, {what}: {value:.0f} bytes a row, aim 120")


if __name__ == "__main__":
    main()
