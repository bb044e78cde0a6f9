"""Wrong labels of real data: more are found than by self-confidence at the same folds."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import find_label_issues

N = 2000
MODELS = {
    "sgd": make_pipeline(
        StandardScaler(), SGDClassifier(loss="log_loss", alpha=1e-3, max_iter=20, tol=None)
    ),
    "mlp": make_pipeline(StandardScaler(), MLPClassifier((64,), max_iter=20)),
}


def flipped_digits(folder):
    """Digits of MNIST, a tenth of whose labels is replaced."""
    mnist = np.load(folder / "mnist_usps" / "mnist.npz")
    true = mnist["y"][:N].astype(int)
    rng = np.random.RandomState(0)
    wrong = rng.random_sample(N) < 0.1
    given = np.where(wrong, (true + rng.randint(1, 10, N)) % 10, true)
    return mnist["x"][:N, ::2, ::2].reshape(N, -1) / 255, given, wrong


def photographs(folder):
    """Photographs of CIFAR-10, with the label that one person gave."""
    cifar = np.load(folder / "cifar10n" / "cifar10n.npz")
    given, true = cifar["y_random"][:N, 0].astype(int), cifar["y_clean"][:N].astype(int)
    return cifar["x"][:N].reshape(N, -1) / 255, given, given != true


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("data", [flipped_digits, photographs], ids=["mnist", "cifar10n"])
def test_more_wrong_labels_are_found_than_by_self_confidence(data, model, data_folder):
    X, given, wrong = data(data_folder)
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(X, given))
    own = np.empty(N)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 20 epochs need not be convergence
        issues = find_label_issues(MODELS[model], X, given, cv=folds, random_state=0)
        for train, test in folds:
            trained = clone(MODELS[model])
            trained[-1].set_params(random_state=0)
            proba = trained.fit(X[train], given[train]).predict_proba(X[test])
            own[test] = proba[np.arange(len(test)), given[test]]
    precision = average_precision_score(wrong, -issues.label_quality)
    assert precision > average_precision_score(wrong, -own) + 0.01
