"""The seven training sets of the paper, on digits and on MNIST with USPS out of distribution.

Run ``python benchmarks/paper.py [digits|mnist]``. MNIST and USPS are read from the folder that
SKLEARN_CARTO_DATA names; without it digits alone are run.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier

from sklearn_carto import compare_subsets

FOLDER = Path(__file__).parent.parent.parent / "shared" / "data"
FOLDER = Path(os.environ.get("SKLEARN_CARTO_DATA", FOLDER)) / "mnist_usps"
CV = StratifiedKFold(5, shuffle=True, random_state=0)


def digits():
    X, y = load_digits(return_X_y=True)
    net = MLPClassifier((64,), learning_rate_init=0.003, batch_size=50, random_state=0)
    return net, X / 16, y, None


def mnist():
    with np.load(FOLDER / "mnist.npz") as file:
        X, y = file["x"].reshape(-1, 784), file["y"]
    with np.load(FOLDER / "usps.npz") as file:
        usps = file["x28"].reshape(-1, 784), file["y"]
    net = MLPClassifier((64,), max_iter=20, random_state=0)
    ood = {"usps": ((usps[0] / 255).astype(np.float32), usps[1])}
    return net, (X / 255).astype(np.float32), y, ood


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    os.environ["PYTHONWARNINGS"] = "ignore"  # of the workers, too
    tasks = {"digits": digits} | ({"mnist": mnist} if FOLDER.is_dir() else {})
    for name in sys.argv[1:] or tasks:
        estimator, X, y, ood = tasks[name]()
        comparison = compare_subsets(
            estimator, X, y, regions="paper", ood=ood, cv=CV, n_seeds=3, n_jobs=2, random_state=0
        )
        in_a_line = " ".join(str(estimator).split())
        print(f"\n{name}, {in_a_line}\n{comparison}", flush=True)
