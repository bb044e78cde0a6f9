"""Precision of the lowest margins in the detection of wrong labels, in sample and out of fold.

Run ``python benchmarks/wrong_labels.py``. One label in twenty of scikit-learn's digits is
replaced by a wrong one. Printed is the share of wrong labels among the same number of samples with
the lowest margin, averaged over three draws.
"""

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from sklearn_carto import CartographyClassifier

MODELS = {
    "MLPClassifier": MLPClassifier((64,), learning_rate_init=0.003, batch_size=50, random_state=0),
    "LGBMClassifier": LGBMClassifier(verbose=-1, random_state=0),
    "RandomForestClassifier": RandomForestClassifier(random_state=0),
}


def precision(model, X, y, wrong, cv):
    watched = CartographyClassifier(model, cv=cv, random_state=0).fit(X, y)
    share = len(wrong) / len(y)
    suspects = watched.data_map_.select("low-aum", share, stratify=False, random_state=0)
    return np.isin(suspects, wrong).mean()


def main():
    X, y = load_digits(return_X_y=True)
    for name, model in MODELS.items():
        for cv in (None, 3):
            found = []
            for draw in range(3):
                rng = np.random.RandomState(draw)
                wrong, labels = rng.permutation(len(y))[:90], y.copy()
                labels[wrong] = (labels[wrong] + rng.randint(1, 10, 90)) % 10
                found.append(precision(model, X / 16, labels, wrong, cv))
            where = "in sample" if cv is None else f"cv={cv}"
            print(f"{name:<24} {where:<10} {np.mean(found):.2f}", flush=True)


if __name__ == "__main__":
    main()
