"""Agreement of maps of the training pass with maps of a pass at the end of each epoch.

Run ``python benchmarks/in_training.py``. Both maps are of the same training: a callback records the
training pass, and CartographyClassifier evaluates all samples after each epoch. As a reference, the
epoch-end maps of two seeds are compared, which differ by chance alone.
"""

import sys

import numpy as np
import torch
from recording import transformer
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier

from sklearn_carto import CartographyClassifier
from sklearn_carto.integrations.skorch import DataMapCallback

N_SEEDS = 5
FRAC = 0.33


def digits(dropout, max_epochs):
    X, y = load_digits(return_X_y=True)
    layers = [torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Dropout(dropout)]
    net = NeuralNetClassifier(
        torch.nn.Sequential(*layers, torch.nn.Linear(64, 10)),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=max_epochs,
        batch_size=64,
        lr=0.1,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    return net, (X / 16).astype(np.float32), y


def sentences():
    net, X, _ = transformer()
    # labels depend on the tokens, and one in ten is wrong: random labels could not be learned
    rng = np.random.RandomState(0)
    y = np.stack([np.isin(X, range(i * 60, i * 60 + 60)).sum(axis=1) for i in range(3)]).argmax(0)
    wrong = rng.rand(len(y)) < 0.1
    y[wrong] = rng.randint(3, size=wrong.sum())
    return net.set_params(max_epochs=6, iterator_train__shuffle=True), X, y


def both_maps(net, X, y, seed):
    """Draw the maps of the training pass and of the epoch ends of one training."""
    watched = clone(net).set_params(callbacks=[DataMapCallback()])
    watched = CartographyClassifier(watched, random_state=seed).fit(X, y)
    in_training = next(
        callback.data_map_
        for _, callback in watched.estimator_.callbacks_
        if isinstance(callback, DataMapCallback)
    )
    return in_training, watched.data_map_


def distance(one, other):
    """Rank correlations, overlap of the ambiguous thirds, mean difference of confidence."""
    thirds = [m.select("ambiguous", FRAC, stratify=False, random_state=0) for m in (one, other)]
    return (
        spearmanr(one.confidence, other.confidence).statistic,
        spearmanr(one.variability, other.variability).statistic,
        len(np.intersect1d(*thirds)) / len(thirds[0]),
        (one.confidence - other.confidence).mean(),
    )


def main(n_seeds):
    torch.set_num_threads(1)
    print(f"{'':<34}confidence  variability  ambiguous third  mean difference of confidence")
    tasks = {
        "digits, no dropout, 20 epochs": digits(0.0, 20),
        "digits, dropout 0.2, 20 epochs": digits(0.2, 20),
        "digits, dropout 0.5, 20 epochs": digits(0.5, 20),
        "digits, dropout 0.2, 5 epochs": digits(0.2, 5),
        "DistilBERT, 6 epochs": sentences(),
    }
    for name, task in tasks.items():
        pairs = [both_maps(*task, seed) for seed in range(n_seeds)]
        print(name)
        ends = [end for _, end in pairs]
        for what, two in (
            ("  training pass and epoch's end", pairs),
            ("  epoch's end, two seeds", list(zip(ends[:-1], ends[1:], strict=True))),
        ):
            c, v, shared, gap = np.mean([distance(*pair) for pair in two], axis=0)
            print(f"{what:<34}{c:>10.3f}  {v:>11.3f}  {shared:>15.3f}  {gap:>+12.3f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else N_SEEDS)
