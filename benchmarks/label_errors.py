"""Detection of wrong labels, compared with cleanlab, and training without them.

Run ``python benchmarks/label_errors.py [--rows 2500] [--seeds 5] [--jobs 2] [set ...]``. It needs
``pip install -e ".[bench]"``, and the data in the folder that SKLEARN_CARTO_DATA names. Labels are
replaced at random (uniform), by the next class (pair), or where a linear model finds another class
probable (instance); cifar10n has labels of humans. cleanlab gets the out-of-fold probabilities of
the same models on the same folds. Each cell, a set with a kind of noise, a model and a seed, is
written to ``label_errors.csv``, from which an ended run continues, and the tables are printed;
``--table`` prints those of an earlier run.
``--training`` scores models that are trained without the suspects instead.
"""

import argparse
import csv
import gzip
import os
import time
import warnings
from pathlib import Path

import numpy as np
import resumable
from cleanlab.filter import find_label_issues as cleanlab_issues
from cleanlab.rank import get_label_quality_scores
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier, LabelIssueDetector

FOLDER = Path(__file__).parent.parent.parent / "shared" / "data"
FOLDER = Path(os.environ.get("SKLEARN_CARTO_DATA", FOLDER))
SETS = ("mnist", "cifar", "sentiment", "clinc", "adult", "electricity")
MODELS = ("sgd", "mlp", "lgbm")
NOISES = (
    ("uniform", 0.01),
    ("uniform", 0.1),
    ("uniform", 0.4),
    ("pair", 0.2),
    ("instance", 0.2),
)
HUMAN = ("aggre", "random", "worse")
TRAINING_NOISES = (("uniform", 0.0), ("uniform", 0.1), ("uniform", 0.2))
N_EPOCHS = 20
SCORES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
OURS = {
    "ours": {},
    "ours, no neighbors": {"neighbors": None},
    "ours, cv=3": {"cv": 3},
    "ours, cv=3, two passes": {"cv": 3, "n_passes": 2},
    "ours, two passes": {"n_passes": 2},
}


def _flat(images):
    return (images.reshape(len(images), -1) / 255).astype(np.float32)


def _text(name):
    with gzip.open(FOLDER / name, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return (np.array([row[k] for row in rows], object) for k in ("text", "label", "split"))


def load(name):
    """Return the training and the test samples of a set, and human labels of the former."""
    if name == "mnist":
        z = np.load(FOLDER / "mnist_usps/mnist.npz")
        part, X, y = z["split"], _flat(z["x"]), z["y"]
    elif name == "cifar":
        z = np.load(FOLDER / "cifar10n/cifar10n.npz")
        human = {"aggre": z["y_aggre"], "random": z["y_random"][:, 0], "worse": z["y_worse"]}
        return _flat(z["x"]), z["y_clean"], _flat(z["x_test"]), z["y_test"], human
    elif name in ("sentiment", "clinc"):
        X, y, part = _text({"clinc": "clinc150/clinc150.csv.gz"}.get(name, f"{name}/{name}.csv.gz"))
        if name == "clinc":  # forty intents: enough samples of each
            kept = np.isin(y, [str(i) for i in range(40)])
            X, y, part = X[kept], y[kept], part[kept]
        part = np.where(part == "train", 0, np.where(part == "test", 1, 2))
    else:
        z = np.load(FOLDER / f"{name}/{name}.npz")
        part, X, y = z["split"], np.nan_to_num(z["X"].astype(float)), z["y"]
    return X[part == 0], y[part == 0], X[part == 1], y[part == 1], {}


def features(name, model, X, X_test):
    """Return what a model takes: text as sparse rows or their components, tables standardized."""
    if name in ("sentiment", "clinc"):
        bigrams = {"sentiment": (1, 2)}.get(name, (1, 1))
        steps = [TfidfVectorizer(ngram_range=bigrams, min_df=2, sublinear_tf=True)]
        if model != "sgd":
            steps += [TruncatedSVD(100, random_state=0), StandardScaler()]
    else:
        steps = [StandardScaler()] if name in ("adult", "electricity") else []
    for step in steps:
        X, X_test = step.fit_transform(X), step.transform(X_test)
    return X, X_test


def make_noise(kind, rate, y, X, rng):
    """Return labels of which a share is wrong, 0 to n_classes - 1."""
    noisy, n_classes = y.copy(), y.max() + 1
    wrong = rng.permutation(len(y))[: round(rate * len(y))]
    if kind == "uniform":
        noisy[wrong] += rng.randint(1, n_classes, len(wrong))
    elif kind == "pair":
        noisy[wrong] += 1
    else:
        p = LogisticRegression(C=0.1, max_iter=200).fit(X, y).predict_proba(X)
        own = p[np.arange(len(y)), y]
        keys = np.log(1 - own + 1e-3) - np.log(-np.log(rng.random_sample(len(y))))
        wrong = np.argsort(-keys)[: len(wrong)]
        p[np.arange(len(y)), y] = -1
        noisy[wrong] = p[wrong].argmax(axis=1)
    return noisy % n_classes


def make_model(name):
    """Return a classifier: SGD and MLP for 20 epochs, LightGBM recorded at 20 stages."""
    if name == "lgbm":
        return LGBMClassifier(n_estimators=60, num_leaves=15, verbose=-1, n_jobs=1)
    if name == "mlp":
        return MLPClassifier((64,), batch_size=64, learning_rate_init=0.002)
    return SGDClassifier(loss="log_loss")


def train(model, X, y, seed):
    """Train for as many epochs as the detector records."""
    model = clone(model)
    if isinstance(model, LGBMClassifier):
        return model.set_params(random_state=seed).fit(X, y)
    model.set_params(random_state=np.random.RandomState(seed))
    for _ in range(N_EPOCHS):
        model.partial_fit(X, y, classes=np.unique(y))
    return model


def cell_data(name, model, kind, rate, seed, n_rows):
    """Return the samples, true and noisy labels of a cell, and its test set."""
    X, y, X_test, y_test, human = load(name)
    rng = np.random.RandomState(seed)
    rows = rng.permutation(len(y))[:n_rows]
    classes, truth = np.unique(y[rows], return_inverse=True)
    known = np.isin(y_test, classes)
    X_test, y_test = X_test[known], np.searchsorted(classes, y_test[known])
    dense, _ = features(name, "mlp", X[rows], X_test[:1])
    X, X_test = features(name, model, X[rows], X_test)
    given = human[kind][rows] if kind in HUMAN else make_noise(kind, rate, truth, dense, rng)
    return X, truth, np.asarray(given).astype(int), X_test, y_test


def ratings(method, quality, flags, suggested, wrong, truth, cost):
    """Return the figures of a method."""
    worst = np.argsort(quality, kind="stable")[: wrong.sum()]
    hits = (flags & wrong).sum()
    return {
        "method": method,
        "ap": 100 * average_precision_score(wrong, -quality),
        "auroc": 100 * roc_auc_score(wrong, -quality),
        "precision": 100 * wrong[worst].mean(),
        "f1": 100 * 2 * hits / max(flags.sum() + wrong.sum(), 1),
        "suggested": 100 * (suggested == truth)[wrong].mean(),
        "cost": cost,
    }


def calibration_error(p, wrong, n_bins=10):
    """Return the expected calibration error: mean distance of probability and share, by bins."""
    bins = np.minimum((p * n_bins).astype(int), n_bins - 1)
    parts = [bins == b for b in range(n_bins)]
    return sum(k.mean() * abs(p[k].mean() - wrong[k].mean()) for k in parts if k.any())


def run(name, model, kind, rate, seed, n_rows, methods):
    """Rate the labels of one cell by all methods."""
    warnings.simplefilter("ignore")
    X, truth, y, _, _ = cell_data(name, model, kind, rate, seed, n_rows)
    wrong, estimator = y != truth, make_model(model)
    start = time.process_time()
    train(estimator, X, y, seed)
    once = time.process_time() - start
    results = []

    def add(*figures, **further):
        results.append(ratings(*figures) | further)

    # 1. cleanlab, with out-of-fold probabilities of the same models on the same folds
    folds = list(StratifiedKFold(5, shuffle=True, random_state=seed).split(truth, y))
    start = time.process_time()
    p = np.zeros((len(y), y.max() + 1))
    for fit, test in folds:
        trained = train(estimator, X[fit], y[fit], seed)
        p[np.ix_(test, trained.classes_)] = trained.predict_proba(X[test])
    cost = (time.process_time() - start) / once
    sources = {"": p}
    if model == "sgd":  # a user would call fit
        own = estimator.set_params(random_state=seed)
        sources[", own fit"] = cross_val_predict(own, X, y, cv=folds, method="predict_proba")
    for suffix, p in sources.items():
        p = p / p.sum(axis=1, keepdims=True)
        flags = cleanlab_issues(y, p, filter_by="prune_by_noise_rate", n_jobs=1)
        others = p.copy()
        others[np.arange(len(y)), y] = -1
        for score in SCORES if not suffix else SCORES[:1]:
            quality = get_label_quality_scores(y, p, method=score, adjust_pred_probs=False)
            method = f"cleanlab {score}{suffix}"
            add(method, quality, flags, others.argmax(axis=1), wrong, truth, cost)
    # 2. ours
    watched = CartographyClassifier(estimator, n_epochs=N_EPOCHS)
    for method in methods:
        options = {"cv": folds, "random_state": seed} | OURS[method]
        start = time.process_time()
        issues = LabelIssueDetector(watched, **options).fit(X, y).label_issues_
        cost = (time.process_time() - start) / once
        further = {}
        if kind == "uniform":
            known = issues.with_noise_rate(wrong.mean(), fdr=0.1)
            further["ece"] = calibration_error(known.error_proba, wrong)
            if known.n_issues:
                further["fdp"] = 1 - wrong[known.is_label_issue].mean()
        figures = issues.label_quality, issues.is_label_issue, issues.suggested_label
        add(method, *figures, wrong, truth, cost, **further)
    cell = {"set": name, "model": model, "noise": kind, "rate": rate, "seed": seed}
    return [cell | result for result in results]


def run_training(name, model, kind, rate, seed, n_rows, methods):
    """Score a model that is trained on all samples, and without those that are suspect."""
    warnings.simplefilter("ignore")
    X, _, y, X_test, y_test = cell_data(name, model, kind, rate, seed, n_rows)
    estimator = make_model(model)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=seed).split(y, y))
    p = np.zeros((len(y), y.max() + 1))
    for fit, test in folds:
        trained = train(estimator, X[fit], y[fit], seed)
        p[np.ix_(test, trained.classes_)] = trained.predict_proba(X[test])
    flags = cleanlab_issues(y, p / p.sum(axis=1, keepdims=True), n_jobs=1)
    watched = CartographyClassifier(estimator, n_epochs=N_EPOCHS)
    kept = {"all samples": np.ones(len(y), bool), "cleanlab": ~flags}
    for method in methods:
        options = {"cv": folds, "random_state": seed} | OURS[method]
        kept[method] = LabelIssueDetector(watched, **options).fit(X, y).get_support()
    results = []
    for method, mask in kept.items():
        scores = [
            balanced_accuracy_score(
                y_test, train(estimator, X[mask], y[mask], 100 * seed + again).predict(X_test)
            )
            for again in range(3)
        ]
        cell = {"set": name, "model": model, "noise": kind, "rate": rate, "seed": seed}
        results.append(cell | {"method": method, "score": 100 * np.mean(scores)})
    return results


def _mean_by(rows, keys, value):
    """Return the mean of a value for each combination of keys."""
    groups: dict = {}
    for row in rows:
        if row.get(value) not in (None, ""):
            groups.setdefault(tuple(row[key] for key in keys), []).append(float(row[value]))
    return {key: np.mean(values) for key, values in groups.items()}


def _interval(by_set):
    """Format a mean over sets with twice its standard error over sets."""
    values = np.array(by_set)
    error = 2 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():+.1f} ±{error:.1f}"


def table(rows):
    """Format the figures of all methods as Markdown."""
    cell = ("set", "model", "noise", "rate")
    sets = list(dict.fromkeys(row["set"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    ap = _mean_by(rows, ("method", *cell), "ap")
    base = f"cleanlab {SCORES[0]}"
    cells = list(dict.fromkeys(tuple(row[key] for key in cell) for row in rows))
    best = {c: max(ap["cleanlab " + score, *c] for score in SCORES) for c in cells}
    text = [
        "| method | AP | over cleanlab | over its best score | cells won | worst cell | "
        "lowest set | AUROC | precision | F1 | suggested | cost |",
        "|---|" + "---|" * 11,
    ]
    for method in methods:
        own = [c for c in cells if (method, *c) in ap]
        gains = {c: ap[method, *c] - ap[base, *c] for c in own}
        by_set = [
            np.mean([g for c, g in gains.items() if c[0] == s])
            for s in sets
            if any(c[0] == s for c in own)
        ]
        over = [
            np.mean([ap[method, *c] - best[c] for c in own if c[0] == s])
            for s in sets
            if any(c[0] == s for c in own)
        ]
        of_method = [row for row in rows if row["method"] == method]
        means = [
            np.mean([float(row[key]) for row in of_method])
            for key in ("auroc", "precision", "f1", "suggested")
        ]
        cost = np.median([float(row["cost"]) for row in of_method])
        won = np.mean([ap[method, *c] > best[c] for c in own])
        text.append(
            f"| {method} | {np.mean([ap[method, *c] for c in own]):.1f} | {_interval(by_set)} | "
            f"{_interval(over)} | {won:.0%} | {min(gains.values()):+.1f} | {min(by_set):+.1f} | "
            + " | ".join(f"{value:.1f}" for value in means)
            + f" | {cost:.1f} |"
        )
    for key in ("set", "noise", "model"):
        place, gains = cell.index(key), {}
        for c in cells:
            gains.setdefault(c[place], []).append(ap["ours", *c] - ap[base, *c])
        means = ", ".join(f"{value} {np.mean(of):+.1f}" for value, of in gains.items())
        text += ["", f"Gain of ours over cleanlab's default, by {key}: {means}."]
    for key, what in (("ece", "Calibration error"), ("fdp", "Wrong flags at fdr=0.1")):
        of_rate = _mean_by([r for r in rows if r["method"] == "ours"], ("rate",), key)
        text += [
            "",
            f"{what} under uniform noise of known rate: "
            + ", ".join(f"{float(rate):.0%} {value:.3f}" for (rate,), value in of_rate.items()),
        ]
    return "\n".join(text)


def training_table(rows):
    """Format the scores of models that are trained without the suspects as Markdown."""
    methods = [m for m in dict.fromkeys(row["method"] for row in rows) if m != "all samples"]
    noises = list(dict.fromkeys((row["noise"], row["rate"]) for row in rows))
    sets = list(dict.fromkeys(row["set"] for row in rows))
    scores = _mean_by(rows, ("method", "set", "noise", "rate"), "score")
    text = ["| method | set | " + " | ".join(f"{k} {float(r):.0%}" for k, r in noises) + " |"]
    text.append("|---|---|" + "---|" * len(noises))
    for method in methods:
        gains = {
            (s, *n): scores[method, s, *n] - scores["all samples", s, *n]
            for s in sets
            for n in noises
            if (method, s, *n) in scores
        }
        for s in sets:
            values = [f"{gains[s, *n]:+.1f}" if (s, *n) in gains else "" for n in noises]
            text.append(f"| {method} | {s} | " + " | ".join(values) + " |")
        means = [_interval([gains[s, *n] for s in sets if (s, *n) in gains]) for n in noises]
        text.append(f"| {method} | mean | " + " | ".join(means) + " |")
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--methods", nargs="*", default=["ours"], choices=list(OURS))
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--output")
    parser.add_argument("--table", action="store_true", help="print the table of --output alone")
    settings = parser.parse_args()
    name = "label_errors_training.csv" if settings.training else "label_errors.csv"
    output = settings.output or name
    noises = TRAINING_NOISES if settings.training else NOISES
    todo = [
        (name, model, kind, rate, seed, settings.rows, settings.methods)
        for seed in range(settings.seeds)
        for name in settings.sets
        for kind, rate in [*noises, *([(h, 0) for h in HUMAN] if name == "cifar" else [])]
        for model in settings.models
    ]
    one = run_training if settings.training else run
    if not settings.table:
        resumable.run(one, todo, output, settings.jobs)
    rows = resumable.read(output)
    print(training_table(rows) if settings.training else table(rows))


if __name__ == "__main__":
    main()
