"""Cost of recording in training loops of torch, Hugging Face and Lightning.

Run ``python benchmarks/loops.py``. Watched and bare trainings alternate, threads are fixed to one,
and each ratio is the median of pairs with its bootstrap error. The largest difference between the
trained weights of both is printed, too: it must be 0.
"""

import logging
import sys
import tempfile
import time
import warnings

import lightning.pytorch as lightning
import numpy as np
import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    Trainer,
    TrainingArguments,
)

from sklearn_carto.integrations.lightning import DataMapCallback as LightningCallback
from sklearn_carto.integrations.torch import DynamicsRecorder
from sklearn_carto.integrations.transformers import DataMapCallback as TrainerCallback

N_PAIRS = 7
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
QUIET |= {"enable_model_summary": False, "accelerator": "cpu"}


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 10))


def transformer():
    torch.manual_seed(0)
    sizes = {"dim": 128, "hidden_dim": 256, "n_layers": 2, "n_heads": 4}
    return DistilBertForSequenceClassification(
        DistilBertConfig(vocab_size=1000, **sizes, num_labels=3)
    )


class Texts(Dataset):
    """Random tokens and labels."""

    rng = np.random.RandomState(0)
    tokens = torch.as_tensor(rng.randint(1000, size=(1500, 32)))
    labels = torch.as_tensor(rng.randint(3, size=1500))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {"input_ids": self.tokens[i], "labels": self.labels[i]}


def torch_loop(rows, watched, n_epochs=10):
    """Train by hand; the data set returns sample indices, with or without recording."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loader = DataLoader(rows, batch_size=128, shuffle=True)
    recorder = DynamicsRecorder(len(rows), n_epochs=n_epochs) if watched else None
    for _ in range(n_epochs):
        for indices, X, y in loader:
            optimizer.zero_grad()
            logits = model(X)
            nn.functional.cross_entropy(logits, y).backward()
            optimizer.step()
            if watched:
                recorder.update(indices, logits, y)
        if watched:
            recorder.end_epoch()
    return model


class Lit(lightning.LightningModule):
    """The same net as a LightningModule."""

    def __init__(self):
        super().__init__()
        self.net = mlp()

    def forward(self, X):
        return self.net(X)

    def training_step(self, batch, i):
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)


def lightning_loop(rows, watched):
    callbacks = [LightningCallback()] if watched else []
    trainer = lightning.Trainer(max_epochs=10, callbacks=callbacks, **QUIET)
    model = Lit()
    trainer.fit(model, DataLoader(rows, batch_size=128, shuffle=True))
    return model


def trainer_loop(rows, watched):
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder,
            num_train_epochs=2,
            per_device_train_batch_size=32,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        model = transformer()
        callbacks = [TrainerCallback()] if watched else []
        Trainer(model, args, train_dataset=rows, callbacks=callbacks).train()
    return model


def ratio(name, loop, rows, limit):
    pairs, differences = [], []
    for i in range(N_PAIRS + 1):
        models, times = {}, {}
        for watched in (bool(i % 2), not i % 2):
            torch.manual_seed(1)
            start = time.perf_counter()
            models[watched] = loop(rows, watched)
            times[watched] = time.perf_counter() - start
        weights = zip(models[True].parameters(), models[False].parameters(), strict=True)
        differences += [float((a - b).abs().max()) for a, b in weights]
        if i > 0:  # the first pair warms up
            pairs.append((times[True] / times[False], times[False]))
    ratios, bare = np.array(pairs).T
    draws = np.random.RandomState(0).choice(ratios, size=(1000, N_PAIRS))
    error = np.median(draws, axis=1).std()
    print(
        f"{name:<32} {np.median(bare):>6.2f} s bare   ratio {np.median(ratios):.3f} +- {error:.3f}"
        f"   aim {limit}   largest difference of weights {max(differences)}",
        flush=True,
    )


def main():
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    X, y = make_classification(
        20_000, 64, n_informative=20, n_classes=10, flip_y=0.1, random_state=0
    )
    X, y = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y)
    numbered = TensorDataset(torch.arange(len(y)), X, y)
    ratio("torch loop, MLP", torch_loop, numbered, 1.05)
    ratio("Lightning, MLP", lightning_loop, TensorDataset(X, y), 1.05)
    ratio("Hugging Face Trainer, DistilBERT", trainer_loop, Texts(), 1.05)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        N_PAIRS = int(sys.argv[1])
    main()
