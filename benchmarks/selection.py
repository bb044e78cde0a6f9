"""Which rule selects best? Rules x shares x data sets x wrong labels, in and out of distribution.

Run ``python benchmarks/selection.py [--rows 4000] [--seeds 5] [--jobs 2] [task ...]``. Data are
read from the folder that SKLEARN_CARTO_DATA names. Each fit is a line of ``selection.csv``; the
table is printed.
"""

import argparse
import csv
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sklearn_carto import DataMapSelector, compare_subsets

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
    probe = make_pipeline(words, SGDClassifier(loss="log_loss", alpha=1e-4))
    final = make_pipeline(words, LogisticRegression(C=5.0))
    sets = [(texts[part == p], labels[part == p]) for p in ("train", "test", "ood")]
    return probe, final, *sets


def clinc150():
    texts, labels, part = _read_text("clinc150/clinc150.csv.gz", "label")
    known = np.isin(labels, [str(i) for i in range(40)])  # forty intents, so that a share has rows
    words = TfidfVectorizer(sublinear_tf=True)
    model = make_pipeline(words, SGDClassifier(loss="log_loss", alpha=1e-4))
    sets = [(texts[known & (part == p)], labels[known & (part == p)]) for p in ("train", "test")]
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
SCORING = {"adult": "balanced_accuracy"}


def _flat(images):
    return (images.reshape(len(images), -1) / 255).astype(np.float32)


def _read_text(name, label):
    import gzip

    with gzip.open(FOLDER / name, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return (np.array([row[name] for row in rows], object) for name in ("text", label, "split"))


def random_after_cut(data_map):
    return np.random.RandomState(0).random_sample(data_map.n_samples)


def run(task, noise, seed, n_rows):
    """All rules of one task, with so many wrong labels, from one seed."""
    warnings.simplefilter("ignore")
    probe, final, (X, y), (X_test, y_test), ood = TASKS[task]()
    rng = np.random.RandomState(seed)
    rows = rng.permutation(len(y))[:n_rows]
    X, y = X[rows], np.array(y[rows])
    wrong = rng.random_sample(len(y)) < noise
    classes = np.unique(y)
    shift = rng.randint(1, len(classes), size=len(y))
    other = classes[(np.searchsorted(classes, y) + shift) % len(classes)]
    y = np.where(wrong, other, y)
    everything = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    everywhere = len(y) + len(y_test)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for cut, regions in ((0.0, [*RULES, "auto"]), ("auto", [random_after_cut, *RULES])):
            start = time.perf_counter()
            comparison = compare_subsets(
                final,
                *everything,
                selector=DataMapSelector(probe, noise_cut=cut, memory=folder),
                regions=regions,
                fracs=SHARES,
                cv=[(np.arange(len(y)), np.arange(len(y), everywhere))],
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
                        "rule": region if cut == 0.0 else f"{region} + cut",
                        "share": found["frac"][i],
                        "score": found["test_score"][i],
                        "ood": found["ood_score"][i] if ood is not None else np.nan,
                        "fit_time": found["fit_time"][i],
                        "map_time": found["map_time"][i],
                    }
                )
            print(task, noise, seed, cut, f"{time.perf_counter() - start:.0f} s", flush=True)
    return results


def table(lines):
    """Gains over random in points, mean over tasks and seeds, and the share of cells that lose."""
    keys = [(line["task"], line["noise"], line["seed"], line["share"]) for line in lines]
    score = {
        (*key, line["rule"]): 100 * line["score"] for key, line in zip(keys, lines, strict=True)
    }
    ood = {(*key, line["rule"]): 100 * line["ood"] for key, line in zip(keys, lines, strict=True)}
    tasks = list(dict.fromkeys(line["task"] for line in lines))
    seeds = sorted({line["seed"] for line in lines})
    rules = [
        r for r in dict.fromkeys(line["rule"] for line in lines) if r not in ("full", "random")
    ]
    rules.remove("auto")
    full = {k[:3]: v for k, v in score.items() if k[-1] == "full"}
    full_ood = {k[:3]: v for k, v in ood.items() if k[-1] == "full"}

    def gain(table, rule, noise, share, chosen=tasks, to="random"):
        cells = []
        for task in chosen:
            for seed in seeds:
                one = table[task, noise, seed, share, rule]
                base = full_ood if table is ood else full
                if to == "full":
                    cells.append(one - base[task, noise, seed])
                else:
                    cells.append(one - table[task, noise, seed, share, "random"])
        return np.array(cells)

    text = ["| rule | " + " | ".join(f"{n:.0%} wrong" for n in NOISES) + " | out of distribution |"]
    text.append("|---|" + "---|" * (len(NOISES) + 1))
    for rule in [*sorted(rules), "auto"]:
        cells = []
        for noise in NOISES:
            means = [gain(score, rule, noise, share).mean() for share in SHARES]
            cells.append(" ".join(f"{m:+.1f}" for m in means))
        shifted = [np.nanmean([gain(ood, rule, n, share) for n in NOISES]) for share in SHARES]
        cells.append(" ".join(f"{m:+.1f}" for m in shifted))
        text.append(f"| {rule} | " + " | ".join(cells) + " |")
    cells = [
        " ".join(f"{gain(score, 'auto', n, s, to='full').mean():+.1f}" for s in SHARES)
        for n in NOISES
    ]
    shifted = [np.nanmean([gain(ood, "auto", n, s, to="full") for n in NOISES]) for s in SHARES]
    cells.append(" ".join(f"{m:+.1f}" for m in shifted))
    text.append("| *auto less all rows* | " + " | ".join(cells) + " |")
    text += ["", "| auto less random | " + " | ".join(f"{n:.0%} wrong" for n in NOISES) + " |"]
    text.append("|---|" + "---|" * len(NOISES))
    for task in tasks:
        cells = []
        for noise in NOISES:
            one = []
            for share in SHARES:
                cell = gain(score, "auto", noise, share, [task])
                half = 2.0 * cell.std(ddof=1) / np.sqrt(len(cell)) if len(cell) > 1 else np.nan
                one.append(f"{cell.mean():+.1f} ±{half:.1f}")
            cells.append(", ".join(one))
        text.append(f"| {task} | " + " | ".join(cells) + " |")
    cost = []
    for task in tasks:
        for noise in NOISES:
            for seed in seeds:
                fits = [
                    line
                    for line in lines
                    if (line["task"], line["noise"], line["seed"]) == (task, noise, seed)
                ]
                whole = next(line["fit_time"] for line in fits if line["rule"] == "full")
                cost.append(
                    [
                        next(
                            line["map_time"] + line["fit_time"]
                            for line in fits
                            if line["rule"] == "auto" and line["share"] == share
                        )
                        / whole
                        for share in SHARES
                    ]
                )
    median = np.median(cost, axis=0)
    text += [
        "",
        "Cost of auto, in trainings on all rows (median): "
        + ", ".join(f"{m:.0f} at {s:.0%}" for m, s in zip(median, SHARES, strict=True)),
    ]
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", default="selection.csv")
    settings = parser.parse_args()
    jobs = [
        (task, noise, seed, settings.rows)
        for seed in range(settings.seeds)
        for task in settings.tasks
        for noise in NOISES
    ]
    with Parallel(n_jobs=settings.jobs, return_as="generator") as parallel:
        lines = []
        for of_job in parallel(delayed(run)(*job) for job in jobs):
            lines += of_job
            with open(settings.output, "w", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(lines[0]))
                writer.writeheader()
                writer.writerows(lines)
    print(table(lines))


if __name__ == "__main__":
    main()
