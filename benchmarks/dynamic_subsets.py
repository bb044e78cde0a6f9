"""Training in a share of the steps: all rows, a fixed subset, and subsets drawn in each epoch.

Run ``OMP_NUM_THREADS=1 python benchmarks/dynamic_subsets.py [--seeds 5] [task ...]``. Data are read
from the folder that SKLEARN_CARTO_DATA names. All models of a share take equally many steps, up to
rounding, and their learning rate falls linearly over these steps. Differences are those of pairs
with the same seed, which sets the weights at the start and the rows, with the standard error of
their mean.
"""

import argparse
import csv
import gzip
import os
from math import ceil
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn

from sklearn_carto.integrations.skorch import DynamicSubset

FOLDER = Path(__file__).parent.parent.parent / "shared" / "data"
FOLDER = Path(os.environ.get("SKLEARN_CARTO_DATA", FOLDER))
SHARES = {"a third": 1 / 3, "a tenth": 0.1}
BATCH_SIZE = 64
RULES = ("random", "variability", "loss", "infobatch")
NAMES = {
    "fewer epochs": "all rows, fewer epochs",
    "fixed": "fixed random subset",
    "random": "**fresh random subset**",
    "replacement": "fresh random, with replacement",
}


def for_images():
    return nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def for_texts():
    return nn.Sequential(
        nn.Dropout(0.5), nn.Linear(200, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 2)
    )


def mnist():
    z = np.load(FOLDER / "mnist_usps/mnist.npz")
    X, y, part = (
        (z["x"].reshape(-1, 784) / 255).astype(np.float32),
        z["y"].astype(np.int64),
        z["split"],
    )
    train = np.flatnonzero(part == 0)[:8000]
    return for_images, 30, (X[train], y[train]), (X[part == 1], y[part == 1])


def sentiment():
    with gzip.open(FOLDER / "sentiment/sentiment.csv.gz", "rt", encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    texts, labels, part = (np.array([row[n] for row in rows]) for n in ("text", "label", "split"))
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    X_train = words.fit_transform(texts[part == "train"])
    svd = TruncatedSVD(200, random_state=0).fit(X_train)
    sets = []
    for name in ("train", "test"):
        X = 10 * svd.transform(words.transform(texts[part == name]))
        y = np.unique(labels, return_inverse=True)[1][part == name]
        sets.append((X.astype(np.float32), y.astype(np.int64)))
    return for_texts, 30, *sets


TASKS = {"mnist": mnist, "sentiment": sentiment}


def fit(task, seed, *, callback=None, share=1.0, n_epochs=None, rows=None):
    """Train a net; return its accuracy and its number of steps."""
    module, planned, (X, y), test = task
    if rows is not None:
        X, y = X[rows], y[rows]
    n_epochs = n_epochs or planned
    n_rows = len(y) if rows is not None else round(share * len(y))
    n_steps = n_epochs * ceil(n_rows / BATCH_SIZE)
    schedule = LRScheduler(
        torch.optim.lr_scheduler.LambdaLR,
        step_every="batch",
        lr_lambda=lambda step: max(1 - step / n_steps, 0.01),
    )
    torch.manual_seed(seed)
    net = NeuralNetClassifier(
        module(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__nesterov=True,
        lr=0.05,
        max_epochs=n_epochs,
        batch_size=BATCH_SIZE,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[schedule] if callback is None else [schedule, callback],
        verbose=0,
    )
    net.fit(X, y)
    return net.score(*test), sum(net.history[:, "train_batch_count"])


def run(name, seeds):
    """Print the table of a task."""
    task = TASKS[name]()
    n_epochs, n_rows = task[1], len(task[2][1])
    full = np.array([fit(task, seed) for seed in seeds])
    accuracy, n_steps = 100 * full[:, 0].mean(), full[:, 1].mean()
    print(f"\n**{name}**, {n_rows} rows, {n_epochs} epochs, {len(seeds)} seeds;", end=" ")
    print(f"all rows: accuracy {accuracy:.2f} % after {n_steps:.0f} steps\n")
    print("| trained on | steps | accuracy | to fresh random | to all rows |")
    print("|---|---|---|---|---|")
    for words, share in SHARES.items():
        results = {}
        for seed in seeds:
            shorter = round(share * n_epochs)
            rows = np.random.RandomState(seed).permutation(n_rows)[: round(share * n_rows)]
            fits = {
                "fewer epochs": {"n_epochs": shorter},
                "fixed": {"rows": rows},
            }
            settings = {rule: DynamicSubset(rule, share, random_state=seed) for rule in RULES}
            replacement = DynamicSubset("random", share, replacement=True, random_state=seed)
            for rule, callback in {**settings, "replacement": replacement}.items():
                fits[rule] = {"callback": callback, "share": share}
            for of, options in fits.items():
                results.setdefault(of, []).append(fit(task, seed, **options))
        print_rows(words, results, full)
    callback = {seed: DynamicSubset("infobatch", None, random_state=seed) for seed in seeds}
    fits = [fit(task, seed, callback=callback[seed], share=0.7) for seed in seeds]
    print_rows("as published", {"infobatch": fits}, full)


def print_rows(words, results, full):
    for of, values in results.items():
        accuracy, steps = 100 * np.array(values).T[0], np.array(values).T[1].mean()
        cells = [f"{NAMES.get(of, of)}, {words}", f"{steps:.0f}", f"{accuracy.mean():.2f}"]
        if of == "random" or "random" not in results:
            cells.append("")
        else:
            cells.append(difference(accuracy - 100 * np.array(results["random"]).T[0]))
        cells.append(difference(accuracy - 100 * full[:, 0]))
        print(f"| {' | '.join(cells)} |", flush=True)


def difference(pairs):
    return f"{pairs.mean():+.2f} ±{pairs.std(ddof=1) / np.sqrt(len(pairs)):.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for task in args.tasks:
        run(task, range(args.seeds))
