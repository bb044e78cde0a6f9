"""Comparison of selection rules on several data sets, with wrong labels and out of distribution.

At three shares, rules and "auto" against random; all samples without suspect labels ("clean"), and
the smallest share that is as good as the best one (``frac="auto"``), against all samples.

Run ``python benchmarks/selection.py [--rows 2500] [--seeds 5] [--jobs 2] [task ...]``. Data are
read from the folder that SKLEARN_CARTO_DATA names. Each fit is written to ``selection.csv``, from
which an ended run continues, and the table is printed; ``--table`` prints that of an earlier run.
"""

import argparse
import csv
import gzip
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import resumable
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import get_scorer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state

from sklearn_carto import DataMapSelector, DistilledClassifier, compare_subsets

FOLDER = Path(__file__).parent.parent.parent / "shared" / "data"
FOLDER = Path(os.environ.get("SKLEARN_CARTO_DATA", FOLDER))
SHARES = (0.1, 0.33, 0.5)
NOISES = (0.0, 0.1, 0.2)
RULES = ("ambiguous", "easy", "hard", "coverage", "weighted", "dual-beta", "median")


def mnist_usps():
    mnist, usps = np.load(FOLDER / "mnist_usps/mnist.npz"), np.load(FOLDER / "mnist_usps/usps.npz")
    X, y, part = _flat(mnist["x"]), mnist["y"], mnist["split"]
    net = MLPClassifier((64,), max_iter=20, batch_size=64, learning_rate_init=0.002)
    return (
        net,
        net,
        (X[part == 0], y[part == 0]),
        (X[part == 1], y[part == 1]),
        (
            _flat(usps["x28"]),
            usps["y"],
        ),
    )


def cifar10n():
    z = np.load(FOLDER / "cifar10n/cifar10n.npz")
    net = MLPClassifier((128,), max_iter=20, batch_size=64)
    grey = np.repeat(z["x_ood_grey"][..., None], 3, axis=3)
    train = _flat(z["x"]), z["y_aggre"]
    return net, net, train, (_flat(z["x_test"]), z["y_test"]), (_flat(grey), z["y_test"])


def sentiment():
    texts, labels, part = _read_text("sentiment/sentiment.csv.gz", "label")
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    proxy = make_pipeline(words, SGDClassifier(loss="log_loss", alpha=1e-4))
    final = make_pipeline(words, LogisticRegression(C=5.0))
    sets = [(texts[part == p], labels[part == p]) for p in ("train", "test", "ood")]
    return proxy, final, *sets


def clinc150():
    texts, labels, part = _read_text("clinc150/clinc150.csv.gz", "label")
    kept = np.isin(labels, [str(i) for i in range(40)])  # forty intents: enough samples of each
    words = TfidfVectorizer(sublinear_tf=True)
    model = make_pipeline(words, SGDClassifier(loss="log_loss", alpha=1e-4))
    sets = [(texts[kept & (part == p)], labels[kept & (part == p)]) for p in ("train", "test")]
    return model, model, *sets, None


def adult():
    z = np.load(FOLDER / "adult/adult.npz")
    sets = [(z["X"][z["split"] == p], z["y"][z["split"] == p]) for p in (0, 1, 2)]
    return None, HistGradientBoostingClassifier(max_iter=50), *sets


def electricity():
    z = np.load(FOLDER / "electricity/electricity.npz")
    sets = [(z["X"][z["split"] == p], z["y"][z["split"] == p]) for p in (0, 1, 2)]
    return None, RandomForestClassifier(100), *sets


TASKS = {f.__name__: f for f in (mnist_usps, cifar10n, sentiment, clinc150, adult, electricity)}
NAMES = {"random_after_cut": "random"}
FEW = "auto share"  # the rule "auto" at the share "auto"
SCORING = {"adult": "balanced_accuracy"}


def _flat(images):
    return (images.reshape(len(images), -1) / 255).astype(np.float32)


def _read_text(name, label):
    with gzip.open(FOLDER / name, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return (np.array([row[name] for row in rows], object) for name in ("text", label, "split"))


def random_after_cut(data_map):
    return np.random.RandomState(0).random_sample(data_map.n_samples)


def run(task, noise, seed, n_rows):
    """Score all rules on one task, for a share of wrong labels and a seed."""
    warnings.simplefilter("ignore")
    proxy, final, (X, y), (X_test, y_test), ood = TASKS[task]()
    rng = np.random.RandomState(seed)
    rows = rng.permutation(len(y))[:n_rows]
    X, y = X[rows], np.array(y[rows])
    wrong = rng.random_sample(len(y)) < noise
    classes = np.unique(y)
    shift = rng.randint(1, len(classes), size=len(y))
    other = classes[(np.searchsorted(classes, y) + shift) % len(classes)]
    y = np.where(wrong, other, y)
    X_y = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    n_samples = len(y) + len(y_test)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        numeric = ["prototypes"] if np.issubdtype(X.dtype, np.number) else []
        after_cut = [random_after_cut, *RULES, *numeric]
        for cut, regions in ((0.0, [*RULES, *numeric, "auto", "clean"]), ("auto", after_cut)):
            start = time.perf_counter()
            comparison = compare_subsets(
                final,
                *X_y,
                selector=DataMapSelector(proxy, noise_cut=cut, memory=folder),
                regions=regions,
                fracs=SHARES,
                cv=[(np.arange(len(y)), np.arange(len(y), n_samples))],
                ood=None if ood is None else {"ood": ood},
                scoring=SCORING.get(task, "accuracy"),
                random_state=seed,
            )
            found = comparison.results_
            for i, region in enumerate(found["region"].tolist()):
                if cut == "auto" and region in ("full", "random"):
                    continue
                results.append(
                    {
                        "task": task,
                        "noise": noise,
                        "seed": seed,
                        "rule": region if cut == 0.0 else f"{NAMES.get(region, region)} + cut",
                        "share": found["frac"][i],
                        "score": found["test_score"][i],
                        "ood": found["ood_score"][i] if ood is not None else np.nan,
                        "fit_time": found["fit_time"][i],
                        "map_time": found["map_time"][i],
                    }
                )
            print(task, noise, seed, cut, f"{time.perf_counter() - start:.0f} s", flush=True)
        data = (X, y), (X_test, y_test), ood
        settings = {"memory": folder, "scoring": SCORING.get(task, "accuracy")}
        settings |= {"random_state": int(check_random_state(seed).randint(2**31 - 1))}
        row = {"task": task, "noise": noise, "seed": seed, "rule": FEW}
        results.append(row | few(proxy, final, *data, settings))
    return results


def few(proxy, final, train, test, ood, settings):
    """Fit on the smallest share that is as good as the best one; return the share and scores."""
    selector = DataMapSelector(proxy, region="auto", frac="auto", **settings)
    final = clone(final)
    if "random_state" in final.get_params():
        final.set_params(random_state=settings["random_state"])
    start = time.perf_counter()
    model = DistilledClassifier(final, selector).fit(*train)
    scorer = get_scorer(settings["scoring"])
    return {
        "share": model.selector_.frac_,
        "score": scorer(model, *test),
        "ood": scorer(model, *ood) if ood is not None else np.nan,
        "fit_time": time.perf_counter() - start,
        "map_time": 0.0,  # in the fit time, less what is cached
    }


class Study:
    """Scores by task, share of wrong labels, seed, fraction and rule."""

    def __init__(self, fits):
        self.fits = fits
        self.tasks = list(dict.fromkeys(fit["task"] for fit in fits))
        self.seeds = sorted({int(fit["seed"]) for fit in fits})
        rules = dict.fromkeys(fit["rule"] for fit in fits)
        others = ("full", "random", "auto", "clean", FEW)
        self.rules = [r for r in rules if r not in others] + ["auto"]
        self.cells = {self._key(fit): fit for fit in fits}

    @staticmethod
    def _key(fit):
        share = None if fit["rule"] in ("full", "clean", FEW) else float(fit["share"])
        return fit["task"], float(fit["noise"]), int(fit["seed"]), share, fit["rule"]

    def gains(self, rule, noises, share, *, tasks=None, to="random", column="score"):
        """Gains of a rule in points, for each task, share of wrong labels and seed."""
        found = []
        for task in tasks or self.tasks:
            for noise in noises:
                for seed in self.seeds:
                    key = task, noise, seed, None if rule in ("clean", FEW) else share, rule
                    if key not in self.cells:  # a rule that needs numeric features
                        continue
                    own = self.cells[key]
                    base = self.cells[task, noise, seed, None if to == "full" else share, to]
                    found.append(100 * (float(own[column]) - float(base[column])))
        found = np.array(found)
        return found[np.isfinite(found)]  # one task has no out-of-distribution set

    def mean_share(self, tasks, noise):
        """Mean share that frac="auto" chose."""
        cells = [self.cells[task, noise, s, None, FEW] for task in tasks for s in self.seeds]
        return np.mean([float(cell["share"]) for cell in cells])

    def costs(self):
        """Time of auto and of the fit on its selection, relative to a fit on all samples."""
        found = []
        for task in self.tasks:
            for noise in NOISES:
                for seed in self.seeds:
                    whole = float(self.cells[task, noise, seed, None, "full"]["fit_time"])
                    own = [self.cells[task, noise, seed, share, "auto"] for share in SHARES]
                    times = [float(cell["map_time"]) + float(cell["fit_time"]) for cell in own]
                    found.append(np.array(times) / whole)
        return np.median(found, axis=0)


def _in_points(gains):
    """Format a mean with twice its standard error."""
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    return f"{gains.mean():+.1f} ±{2 * error:.1f}"


def table(fits):
    """Format the study as Markdown."""
    study = Study(fits)
    places = [(f"{noise:.0%} wrong", (noise,), "score") for noise in NOISES]
    places.append(("out of distribution", NOISES, "ood"))
    text = []
    for share in SHARES:
        text += [f"### {share:.0%} of the samples", ""]
        text.append("| rule | " + " | ".join(name for name, _, _ in places) + " | loses |")
        text.append("|---|" + "---|" * (len(places) + 1))
        for rule in study.rules:
            cells = [
                _in_points(study.gains(rule, noises, share, column=column))
                for _, noises, column in places
            ]
            lost = (study.gains(rule, NOISES, share) < -0.5).mean()
            text.append(f"| {rule} | " + " | ".join(cells) + f" | {lost:.0%} |")
        cells = [
            _in_points(study.gains("auto", noises, share, to="full", column=column))
            for _, noises, column in places
        ]
        text += ["| *auto, minus all samples* | " + " | ".join(cells) + " | |", ""]
    text += ["### auto minus random, by data set", ""]
    text.append("| data set | share | " + " | ".join(f"{n:.0%} wrong" for n in NOISES) + " |")
    text.append("|---|---|" + "---|" * len(NOISES))
    for task in study.tasks:
        for share in SHARES:
            cells = [_in_points(study.gains("auto", (n,), share, tasks=[task])) for n in NOISES]
            text.append(f"| {task} | {share:.0%} | " + " | ".join(cells) + " |")
    text += ["", "### less all rows: without suspect labels, and the smallest share", ""]
    heads = [f"{what}, {n:.0%} wrong" for what in ("clean", "frac='auto'") for n in NOISES]
    text.append("| data set | " + " | ".join(heads) + " | shares |")
    text.append("|---|" + "---|" * (len(heads) + 1))
    for tasks in [[task] for task in study.tasks] + [study.tasks]:
        cells = [
            _in_points(study.gains(rule, (n,), None, tasks=tasks, to="full"))
            for rule in ("clean", FEW)
            for n in NOISES
        ]
        name = tasks[0] if len(tasks) == 1 else "*mean*"
        shares = " / ".join(f"{study.mean_share(tasks, n):.0%}" for n in NOISES)
        text.append(f"| {name} | " + " | ".join(cells) + f" | {shares} |")
    cost = ", ".join(f"{c:.0f} at {s:.0%}" for c, s in zip(study.costs(), SHARES, strict=True))
    text += ["", f"Cost of auto, in fits on all samples (median): {cost}."]
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", default="selection.csv")
    parser.add_argument("--table", action="store_true", help="print the table of --output alone")
    settings = parser.parse_args()
    todo = [
        (task, noise, seed, settings.rows)
        for seed in range(settings.seeds)
        for task in settings.tasks
        for noise in NOISES
    ]
    if not settings.table:
        resumable.run(run, todo, settings.output, settings.jobs)
    print(table(resumable.read(settings.output)))


if __name__ == "__main__":
    main()
