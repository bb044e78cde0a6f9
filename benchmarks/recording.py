"""Cost of recording: ratio of the time of a watched training to that of a bare one.

Run ``python benchmarks/recording.py``. Watched and bare trainings alternate, threads are fixed to
one, and each ratio is the median of pairs with its bootstrap error.
"""

import sys
import time

import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from threadpoolctl import threadpool_limits
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from sklearn_carto import CartographyClassifier

N_PAIRS = 7
N_EPOCHS = 10


def fit(estimator, X, y):
    estimator.fit(X, y)


def partial_fit_loop(estimator, X, y):
    classes = np.unique(y)
    estimator.set_params(random_state=np.random.RandomState(0))
    for _ in range(N_EPOCHS):
        estimator.partial_fit(X, y, classes=classes)


def seconds(train, estimator, X, y):
    start = time.process_time()  # other processes do not count
    train(estimator, X, y)
    return time.process_time() - start


def watch(estimator, record="epoch_end", n_epochs=N_EPOCHS):
    return CartographyClassifier(estimator, n_epochs=n_epochs, record=record, random_state=0)


class BarePass(Callback):
    """Lower bound of the cost at the end of an epoch: a forward pass over all samples."""

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        rows = torch.as_tensor(dataset_train.X)
        net.module_.eval()
        with torch.no_grad():
            for start in range(0, len(rows), net.batch_size):
                net.module_(rows[start : start + net.batch_size])


def pairs_of(estimator, train, watched, X, y, n_pairs):
    """Train bare and watched clones in turn; return the ratios and the times of the bare ones."""
    pairs = []
    for i in range(n_pairs + 1):
        sides = [(train, clone(estimator)), (fit, clone(watched))]
        times = [seconds(*side, X, y) for side in (sides if i % 2 else sides[::-1])]
        bare, ours = times if i % 2 else times[::-1]
        if i > 0:  # the first pair warms up
            pairs.append((ours / bare, bare))
    return np.array(pairs).T


def ratio(name, estimator, train, watched, X, y, limit):
    ratios, bare = pairs_of(estimator, train, watched, X, y, N_PAIRS)
    draws = np.random.RandomState(0).choice(ratios, size=(1000, N_PAIRS))
    error = np.median(draws, axis=1).std()
    print(
        f"{name:<40} {np.median(bare):>7.2f} s bare   ratio {np.median(ratios):.3f} "
        f"+- {error:.3f}   {limit}",
        flush=True,
    )


class TextClassifier(torch.nn.Module):
    """A small DistilBERT, with random weights."""

    def __init__(self):
        super().__init__()
        sizes = {"dim": 128, "hidden_dim": 256, "n_layers": 2, "n_heads": 4}
        config = DistilBertConfig(vocab_size=1000, **sizes, num_labels=3)
        self.model = DistilBertForSequenceClassification(config)

    def forward(self, input_ids):
        return self.model(input_ids).logits


def transformer():
    rng = np.random.RandomState(0)
    net = NeuralNetClassifier(
        TextClassifier,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        max_epochs=2,
        batch_size=32,
        lr=1e-3,
        train_split=None,
        verbose=0,
    )
    return net, rng.randint(1000, size=(1500, 32)), rng.randint(3, size=1500)


def digits_like():
    return make_classification(
        20_000, 64, n_informative=20, n_classes=10, flip_y=0.1, random_state=0
    )


def small_net():
    return NeuralNetClassifier(
        torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=N_EPOCHS,
        batch_size=128,
        lr=0.05,
        verbose=0,
    )


def main():
    torch.set_num_threads(1)
    X, y = digits_like()
    single = X.astype(np.float32)
    net = small_net()
    whole = clone(net).set_params(train_split=None)
    bert, texts, labels = transformer()
    sgd = SGDClassifier(loss="log_loss", random_state=0)
    mlp = MLPClassifier((128,), batch_size=128, random_state=0)
    with threadpool_limits(1):
        for one, name in ((net, "skorch net"), (whole, "skorch net, no train_split")):
            in_training, at_epoch_end = watch(one, "training"), watch(one)
            ratio(f"{name}, in training", one, fit, in_training, single, y, "aim 1.05")
            ratio(f"{name}, at epoch end", one, fit, at_epoch_end, single, y, "aim 1.08")
        in_training, at_epoch_end = watch(bert, "training", 2), watch(bert, n_epochs=2)
        bare_pass = clone(bert).set_params(callbacks=[BarePass()])
        ratio("DistilBERT, in training", bert, fit, in_training, texts, labels, "aim 1.05")
        ratio("DistilBERT, at epoch end", bert, fit, at_epoch_end, texts, labels, "aim 1.08")
        ratio("DistilBERT, a bare pass", bert, fit, bare_pass, texts, labels, "lower bound")
        for rows, precision in ((single, "float32"), (X, "float64")):
            for model, aim in ((sgd, 1.25), (mlp, 1.15)):
                name = f"{type(model).__name__}, {precision}"
                ratio(name, model, partial_fit_loop, watch(model), rows, y, f"aim {aim}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        N_PAIRS = int(sys.argv[1])
    main()
