"""Largest difference of recorded probabilities to those of a naive loop, for each watcher.

Run ``python benchmarks/exactness.py``. The first column is the largest absolute difference between
the recorded probabilities and those of a naive loop. The second one is the largest difference
between the fitted weights (of trees: the predicted probabilities) with and without recording, which
must be 0.
"""

import logging
import os
import tempfile
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import lightning.pytorch as lightning
import numpy as np
import torch
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)
from xgboost import XGBClassifier

from sklearn_carto import CartographyClassifier
from sklearn_carto.datasets import make_cartography
from sklearn_carto.integrations.keras import DataMapCallback as KerasCallback
from sklearn_carto.integrations.lightning import DataMapCallback as LightningCallback
from sklearn_carto.integrations.torch import DynamicsRecorder
from sklearn_carto.integrations.transformers import DataMapCallback as TrainerCallback

N, N_CLASSES, N_EPOCHS = 500, 3, 10
X, y, _ = make_cartography(N, n_classes=N_CLASSES, random_state=0)
X = X.astype(np.float32)
TOKENS = torch.as_tensor(np.random.RandomState(0).randint(1, 40, size=(N, 8)))
TOKENS[:, 0] = torch.arange(N) + 40  # all rows differ


def report(name, recorded, naive, watched, bare):
    apart = np.abs(recorded - naive).max()
    moved = max(float(np.abs(a - b).max()) for a, b in zip(watched, bare, strict=True))
    print(f"{name:<44} {apart:.1e}   {moved:.1e}", flush=True)


def of_labels(probabilities):
    """Return the probability of each label, from one array for each epoch."""
    return np.stack([p[np.arange(N), y] for p in probabilities], axis=1)


def weights_of(module):
    return [value.detach().numpy() for value in module.state_dict().values()]


# %% Estimators of scikit-learn, and boosters


def partial_fit(estimator, weights):
    model = CartographyClassifier(estimator, n_epochs=N_EPOCHS).fit(X, y)
    bare = clone(estimator).set_params(random_state=np.random.RandomState(0))
    naive = []
    for _ in range(N_EPOCHS):
        bare.partial_fit(X, y, classes=np.arange(N_CLASSES))
        naive.append(bare.predict_proba(X))
    one, other = weights(model.estimator_), weights(bare)
    report(type(estimator).__name__, model.dynamics_.true_proba, of_labels(naive), one, other)


def stages(estimator, naive_stages):
    """`naive_stages` yields the probabilities of each stage of a fitted estimator."""
    model = CartographyClassifier(estimator).fit(X, y)
    bare = clone(estimator).fit(X, y)
    probabilities = [model.estimator_.predict_proba(X)], [bare.predict_proba(X)]
    naive = of_labels(naive_stages(bare))
    report(type(estimator).__name__, model.dynamics_.true_proba, naive, *probabilities)


def by_staged_prediction(bare):
    return bare.staged_predict_proba(X)


def by_shorter_trainings(bare):
    name = "max_iter" if hasattr(bare, "max_iter") else "n_estimators"
    last = bare.n_iter_[0] if name == "max_iter" else bare.n_estimators
    for n in range(1, last + 1):
        yield clone(bare).set_params(**{name: n}).fit(X, y).predict_proba(X)


def by_warm_start(bare):
    growing = clone(bare).set_params(warm_start=True)
    for n in range(1, bare.n_estimators + 1):
        yield growing.set_params(n_estimators=n).fit(X, y).predict_proba(X)


def by_first_trees(name):
    def predict(bare):
        for n in range(1, N_EPOCHS + 1):
            yield bare.predict_proba(X, **{name: (0, n) if name == "iteration_range" else n})

    return predict


# %% Nets


def make_module():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, N_CLASSES)
    )


class Numbered(Dataset):
    """Samples, labels and sample indices."""

    def __len__(self):
        return N

    def __getitem__(self, i):
        return X[i], y[i], i


def torch_loop(recorder=None, at_epoch_end=False):
    """Train by hand; record probabilities in the training pass, or at the end of each epoch."""
    module, naive = make_module(), np.full((N, N_EPOCHS), np.nan)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    torch.manual_seed(1)
    loader = DataLoader(Numbered(), batch_size=32, shuffle=True)
    for epoch in range(N_EPOCHS):
        for rows, labels, indices in loader:
            optimizer.zero_grad()
            output = module(rows)
            nn.functional.cross_entropy(output, labels).backward()
            optimizer.step()
            proba = torch.softmax(output.detach(), dim=1)
            naive[indices, epoch] = proba[torch.arange(len(labels)), labels]
            if recorder is not None:
                recorder.update(indices, output, labels)
        if recorder is not None:
            recorder.end_epoch()
        if at_epoch_end:
            module.eval()
            with torch.no_grad():
                proba = torch.softmax(module(torch.as_tensor(X)), dim=1)
            naive[:, epoch] = proba.numpy()[np.arange(N), y]
            module.train()
    return module, naive


def any_torch_loop():
    recorder = DynamicsRecorder(N)
    watched, naive = torch_loop(recorder)
    bare, _ = torch_loop()
    recorded = recorder.dynamics.true_proba
    report("torch loop, DynamicsRecorder", recorded, naive, weights_of(watched), weights_of(bare))


def skorch(record, n_workers=0):
    net = NeuralNetClassifier(
        make_module(),
        criterion=nn.CrossEntropyLoss,
        lr=0.05,
        max_epochs=N_EPOCHS,
        batch_size=32,
        iterator_train__shuffle=True,
        iterator_train__num_workers=n_workers,
        train_split=None,
        verbose=0,
    )
    model = CartographyClassifier(net, record=record, random_state=1).fit(X, y)
    torch.manual_seed(1)
    bare = clone(net).fit(X, y)
    _, naive = torch_loop(at_epoch_end=record == "epoch_end")
    what = f"skorch, record={record!r}" + (f", {n_workers} workers" if n_workers else "")
    weights = (weights_of(net.module_) for net in (model.estimator_, bare))
    report(what, model.dynamics_.true_proba, naive, *weights)


class Lit(lightning.LightningModule):
    """Records the probabilities of the training pass by sample index."""

    def __init__(self):
        super().__init__()
        self.net, self.naive = make_module(), np.full((N, N_EPOCHS), np.nan)

    def forward(self, rows):
        return self.net(rows)

    def training_step(self, batch, i):
        rows, labels, indices = batch
        output = self(rows)
        proba = torch.softmax(output.detach(), dim=1)
        self.naive[indices, self.current_epoch] = proba[torch.arange(len(labels)), labels]
        return nn.functional.cross_entropy(output, labels)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)


def lightning_loop():
    callback, quiet = LightningCallback(labels=y), {"logger": False, "accelerator": "cpu"}
    quiet |= dict.fromkeys(
        ("enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    models = []
    for callbacks in ([callback], []):
        models.append(Lit())
        torch.manual_seed(1)
        trainer = lightning.Trainer(max_epochs=N_EPOCHS, callbacks=callbacks, **quiet)
        trainer.fit(models[-1], DataLoader(Numbered(), batch_size=32, shuffle=True))
    weights = (weights_of(model) for model in models)
    report("Lightning Trainer", callback.dynamics_.true_proba, models[0].naive, *weights)


class RecordingTrainer(Trainer):
    """Records the probabilities of the training pass by the first token."""

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        labels, indices = inputs["labels"], inputs["input_ids"][:, 0] - 40
        proba = torch.softmax(outputs.logits.detach(), dim=1)
        epoch = int(self.state.epoch + 1e-6)
        self.naive[indices, epoch] = proba[torch.arange(len(labels)), labels]
        return (loss, outputs) if return_outputs else loss


def trainer_loop():
    sizes = {"dim": 32, "hidden_dim": 32, "n_layers": 1, "n_heads": 2}
    config = DistilBertConfig(vocab_size=40 + N, **sizes, num_labels=N_CLASSES)
    rows = [{"input_ids": TOKENS[i], "labels": int(y[i])} for i in range(N)]
    callback, trainers = TrainerCallback(), []
    quiet = {"save_strategy": "no", "logging_strategy": "no", "report_to": "none"}
    for callbacks in ([callback], []):
        torch.manual_seed(0)
        model = DistilBertForSequenceClassification(config)
        with tempfile.TemporaryDirectory() as folder:
            args = TrainingArguments(
                folder, num_train_epochs=N_EPOCHS, use_cpu=True, disable_tqdm=True, **quiet
            )
            trainers.append(RecordingTrainer(model, args, train_dataset=rows, callbacks=callbacks))
            trainers[-1].naive = np.full((N, N_EPOCHS), np.nan)
            trainers[-1].remove_callback(PrinterCallback)
            trainers[-1].train()
    weights = (weights_of(trainer.model) for trainer in trainers)
    recorded = callback.dynamics_.true_proba
    report("Hugging Face Trainer, DistilBERT", recorded, trainers[0].naive, *weights)


class Evaluation(keras.callbacks.Callback):
    """Evaluates all samples at once."""

    def __init__(self):
        super().__init__()
        self.naive = []

    def on_epoch_end(self, epoch, logs=None):
        self.naive.append(self.model(X, training=False).detach().numpy().copy())


def keras_loop():
    callback, evaluation, models = KerasCallback((X, y)), Evaluation(), []
    for callbacks in ([callback, evaluation], []):
        keras.utils.set_random_seed(0)
        layers = keras.layers
        models.append(
            keras.Sequential(
                [
                    layers.Dense(32, activation="relu"),
                    layers.Dropout(0.2),
                    layers.Dense(N_CLASSES, activation="softmax"),
                ]
            )
        )
        models[-1].compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        models[-1].fit(X, y, epochs=N_EPOCHS, verbose=0, callbacks=callbacks)
    weights = (model.get_weights() for model in models)
    report("Keras", callback.dynamics_.true_proba, of_labels(evaluation.naive), *weights)


def main():
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    print(f"{'largest difference':<44} to a naive loop   of weights")
    partial_fit(SGDClassifier(loss="log_loss", random_state=0), lambda model: [model.coef_])
    partial_fit(MLPClassifier((32,), random_state=0), lambda model: model.coefs_)
    for kind in (HistGradientBoostingClassifier, GradientBoostingClassifier, AdaBoostClassifier):
        size = {"max_iter" if kind is HistGradientBoostingClassifier else "n_estimators": N_EPOCHS}
        stages(kind(random_state=0, **size), by_staged_prediction)
    for kind in (RandomForestClassifier, ExtraTreesClassifier):
        stages(kind(N_EPOCHS, random_state=0), by_shorter_trainings)
    stages(BaggingClassifier(n_estimators=N_EPOCHS, random_state=0), by_warm_start)
    stages(LogisticRegression(C=0.1), by_shorter_trainings)
    stages(XGBClassifier(n_estimators=N_EPOCHS), by_first_trees("iteration_range"))
    stages(LGBMClassifier(n_estimators=N_EPOCHS, verbose=-1), by_first_trees("num_iteration"))
    quiet = {"verbose": False, "allow_writing_files": False}
    stages(CatBoostClassifier(n_estimators=N_EPOCHS, **quiet), by_first_trees("ntree_end"))
    for n_workers in (0, 2):
        skorch("training", n_workers)
    skorch("epoch_end")
    any_torch_loop()
    trainer_loop()
    lightning_loop()
    keras_loop()


if __name__ == "__main__":
    main()
