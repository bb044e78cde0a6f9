"""Every kind of estimator that can be watched, each with a loop by hand over the same training."""

import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import has_fit_parameter

from sklearn_carto import CartographyClassifier
from sklearn_carto._watching import _callbacks

X, y = make_classification(
    160, 10, n_classes=3, n_informative=5, flip_y=0.2, class_sep=0.7, random_state=0
)
N_EPOCHS = 6


@dataclass(frozen=True)
class Watched:
    """An estimator of N_EPOCHS epochs, and how to follow its training without the package."""

    name: str
    make: Callable  # (number of classes) -> estimator
    loop: Callable  # (estimator, X, y, X_eval, **fit_params) -> model, its probabilities by epoch
    package: str | None = None
    params: dict = field(default_factory=dict)  # of CartographyClassifier
    replays: bool = False  # n_epochs chooses among the stages of one and the same training
    dtype: type = np.float64
    takes_weights: bool = True
    rounding: float = 0.0  # what another order of sums changes in a probability

    def require(self):
        """Skip the test where the library is absent."""
        if self.package:
            pytest.importorskip(self.package)
        if self.loop is by_max_iter and not _callbacks.HAS_CALLBACKS:
            pytest.skip("needs the callbacks of scikit-learn >= 1.9")

    def watch(self, X, y, fit_params=None, **params):
        """Fit a CartographyClassifier."""
        estimator = self.make(len(np.unique(y)))
        model = CartographyClassifier(estimator, random_state=0, **self.params | params)
        return model.fit(self.cast(X), y, **fit_params or {})

    def cast(self, X):
        """Give samples the type that the estimator takes."""
        return X.astype(self.dtype)

    def follow(self, X, y_encoded, X_eval=None, **fit_params):
        """Train by hand; return the model, and probabilities of shape (epoch, sample, class)."""
        X_eval = X if X_eval is None else X_eval
        estimator = self.make(len(np.unique(y_encoded)))
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=0)
        with warnings.catch_warnings(action="ignore"):  # of solvers that are cut short
            model, proba = self.loop(
                estimator, self.cast(X), y_encoded, self.cast(X_eval), **fit_params
            )
        return model, np.array(proba)


def by_partial_fit(estimator, X, y, X_eval, **fit_params):
    estimator.set_params(random_state=np.random.RandomState(0))
    proba = []
    for _ in range(N_EPOCHS):
        estimator.partial_fit(X, y, classes=np.unique(y), **fit_params)
        proba.append(estimator.predict_proba(X_eval))
    return estimator, proba


def by_stages(estimator, X, y, X_eval, **fit_params):
    estimator.fit(X, y, **fit_params)
    return estimator, list(estimator.staged_predict_proba(X_eval))


def by_trees(estimator, X, y, X_eval, **fit_params):
    estimator.fit(X, y, **fit_params)
    proba = []
    for n_trees in range(1, len(estimator.estimators_) + 1):
        cut = copy(estimator)
        cut.estimators_ = estimator.estimators_[:n_trees]
        proba.append(cut.predict_proba(X_eval))
    return estimator, proba


def by_warm_start(estimator, X, y, X_eval, **fit_params):
    estimator.set_params(warm_start=True)
    proba = []
    for size in range(1, N_EPOCHS + 1):
        estimator.set_params(n_estimators=size).fit(X, y, **fit_params)
        proba.append(estimator.predict_proba(X_eval))
    return estimator, proba


def by_max_iter(estimator, X, y, X_eval, **fit_params):
    models = [
        clone(estimator).set_params(max_iter=n).fit(X, y, **fit_params)
        for n in range(1, N_EPOCHS + 1)
    ]
    whole = clone(estimator).fit(X, y, **fit_params)
    return whole, [model.predict_proba(X_eval) for model in models]


def by_first_trees(**argument):
    """Cut a trained booster by its own means."""
    ((name, values),) = argument.items()

    def loop(estimator, X, y, X_eval, **fit_params):
        estimator.fit(X, y, **fit_params)
        stages = [values(n) for n in range(1, N_EPOCHS + 1)]
        return estimator, [estimator.predict_proba(X_eval, **{name: stage}) for stage in stages]

    return loop


def by_torch(in_training):
    """Train a net by hand; record at the end of each epoch, or as each batch is trained on."""

    def loop(net, X, y, X_eval):
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        torch.manual_seed(0)
        module = net.module(**net.get_params_for("module"))
        optimizer = torch.optim.SGD(module.parameters(), lr=net.lr)
        dataset = TensorDataset(torch.tensor(X), torch.tensor(y), torch.arange(len(y)))
        loader = DataLoader(dataset, net.batch_size, shuffle=True)
        proba = np.full((N_EPOCHS, len(X_eval), len(np.unique(y))), np.nan)
        for epoch in range(N_EPOCHS):
            module.train()
            for rows, labels, places in loader:
                optimizer.zero_grad()
                output = module(rows)
                torch.nn.functional.cross_entropy(output, labels).backward()
                optimizer.step()
                if in_training:
                    proba[epoch, places] = torch.softmax(output.detach(), dim=1)
            module.eval()
            with torch.no_grad():
                last = torch.softmax(module(torch.tensor(X_eval)), dim=1).numpy()
            if not in_training:
                proba[epoch] = last
        return Classes(last), proba

    return loop


@dataclass
class Classes:
    """What a module trained by hand predicts for the rows that it is evaluated on."""

    proba: np.ndarray

    def predict_proba(self, X):
        return self.proba

    def predict(self, X):
        return self.proba.argmax(axis=1)


class Squared(RandomForestClassifier):
    """Predicts otherwise than by the mean of its trees."""

    def predict_proba(self, X):
        squares = super().predict_proba(X) ** 2
        return squares / squares.sum(axis=1, keepdims=True)


def make_net(n_classes):
    skorch = pytest.importorskip("skorch")
    from torch import nn

    class Module(nn.Sequential):
        def __init__(self, n_out):
            hidden = nn.Linear(10, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3)
            super().__init__(*hidden, nn.Linear(16, n_out))

    return skorch.NeuralNetClassifier(
        Module, module__n_out=n_classes, criterion=nn.CrossEntropyLoss, max_epochs=N_EPOCHS,
        lr=0.05, batch_size=32, iterator_train__shuffle=True, train_split=None, verbose=0,
    )  # fmt: skip


def booster(package, name, loop, rounding=0.0, **params):
    def make(n_classes):
        kind = getattr(pytest.importorskip(package), name)
        return kind(n_estimators=N_EPOCHS, random_state=0, **params)

    return Watched(name, make, loop, package=package, replays=True, rounding=rounding)


def learner(estimator, loop, name=None, **settings):
    name = name or type(estimator).__name__
    return Watched(name, lambda n_classes: clone(estimator), loop, **settings)


WATCHED = [
    learner(
        SGDClassifier(loss="log_loss", alpha=0.05), by_partial_fit, params={"n_epochs": N_EPOCHS}
    ),
    learner(
        MLPClassifier((16,)), by_partial_fit, params={"n_epochs": N_EPOCHS},
        takes_weights=has_fit_parameter(MLPClassifier, "sample_weight"),  # scikit-learn >= 1.7
    ),
    learner(HistGradientBoostingClassifier(max_iter=N_EPOCHS), by_stages, replays=True),
    learner(GradientBoostingClassifier(n_estimators=N_EPOCHS), by_stages, replays=True),
    learner(
        GradientBoostingClassifier(n_estimators=N_EPOCHS, init="zero"), by_stages,
        "GradientBoostingClassifier-zero", replays=True,
    ),
    learner(
        AdaBoostClassifier(n_estimators=N_EPOCHS, learning_rate=0.5), by_stages, replays=True
    ),
    learner(RandomForestClassifier(N_EPOCHS, max_depth=4), by_trees, replays=True),
    learner(ExtraTreesClassifier(N_EPOCHS, max_depth=4), by_trees, replays=True),
    learner(BaggingClassifier(GaussianNB(), N_EPOCHS, max_samples=0.2), by_warm_start,
            replays=True),
    learner(Squared(N_EPOCHS, max_depth=4), by_warm_start, replays=True),
    learner(LogisticRegression(), by_max_iter, params={"n_epochs": N_EPOCHS}),
    booster(
        "xgboost", "XGBClassifier", by_first_trees(iteration_range=lambda n: (0, n)), n_jobs=1
    ),
    booster(
        "lightgbm", "LGBMClassifier", by_first_trees(num_iteration=int), n_jobs=1, verbose=-1
    ),
    booster(
        "catboost", "CatBoostClassifier", by_first_trees(ntree_end=int),
        rounding=1e-6, thread_count=1, verbose=False, allow_writing_files=False,
    ),
    Watched(
        "net", make_net, by_torch(False), package="skorch", dtype=np.float32,
        takes_weights=False, rounding=1e-6,
    ),
    Watched(
        "net-training", make_net, by_torch(True), package="skorch", dtype=np.float32,
        params={"record": "training"}, takes_weights=False, rounding=1e-6,
    ),
]  # fmt: skip
