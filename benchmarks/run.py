"""Measure every claim on speed and memory, and write the table of docs/performance.md.

Run ``python benchmarks/run.py``; ``--quick`` measures fewer pairs; names choose claims, of which
``--list`` prints all. A ratio is the median of alternating pairs of CPU times in one process, with
its bootstrap error. An aim is missed only if the median less its error exceeds it.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
START, END = "<!-- table: begin -->", "<!-- table: end -->"


class Claim(NamedTuple):
    """What is measured: `measure(n_pairs)` returns an array of ratios, or of other numbers."""

    name: str
    what: str
    measure: Callable
    aim: float | None  # None: a bound to compare with
    unit: str = ""


CLAIMS: list[Claim] = []


def claim(name, what, aim, unit=""):
    """Register a function as the measure of a claim."""

    def register(measure):
        CLAIMS.append(Claim(name, what, measure, aim, unit))
        return measure

    return register


class SkippedError(Exception):
    """A claim that cannot be measured here, with the reason."""


def cpu(function, *args):
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def pairs(ours, theirs, n_pairs):
    """Time two functions in turn; return the ratio of each pair."""
    ours(), theirs()
    ratios = []
    for i in range(n_pairs):
        sides = (ours, theirs) if i % 2 else (theirs, ours)
        times = {side: cpu(side) for side in sides}
        ratios.append(times[ours] / times[theirs])
    return np.array(ratios)


def history(n_samples=1_000_000, n_epochs=10):
    """Make the observations of some epochs, without a model."""
    from sklearn_carto._dynamics._observation import Observation

    rng = np.random.RandomState(0)
    for _ in range(n_epochs):
        p, margin, el2n = rng.rand(3, n_samples).astype(np.float32)
        yield Observation(p, p > 0.5, margin, el2n, -np.log(p + 1e-9))


@claim("replay", "statistics of chosen epochs, 1 M x 10, over `mean(axis=1)`", 12)
def replay(n_pairs, statistics=lambda dynamics: dynamics.statistics(slice(None))):
    from sklearn_carto import TrainingDynamics

    dynamics = TrainingDynamics(np.arange(1_000_000) % 2, n_epochs=10)
    for epoch, observation in enumerate(history()):
        dynamics._add(epoch, observation, margin_from="probabilities")
    p = np.ascontiguousarray(dynamics.true_proba)
    return pairs(lambda: statistics(dynamics), lambda: p.mean(axis=1), n_pairs)


@claim("replayed-map", "data map of chosen epochs, 1 M x 10, over `mean(axis=1)`", None)
def replayed_map(n_pairs):
    from sklearn_carto import DataMap

    return replay(n_pairs, lambda dynamics: DataMap.from_dynamics(dynamics, slice(None)))


def record_epoch(n_pairs, n_classes):
    from sklearn_carto import TrainingDynamics
    from sklearn_carto._watching._responses import row_blocks
    from sklearn_carto._watching._run_recorder import RunRecorder

    n_samples = 1_000_000
    y, classes = np.arange(n_samples) % n_classes, np.arange(n_classes)
    proba = np.random.RandomState(0).dirichlet(np.ones(n_classes), size=n_samples)
    recorder = RunRecorder(y, classes, y, False)
    recorder.begin(20)
    assert isinstance(recorder.dynamics, TrainingDynamics)
    blocks, times = row_blocks(n_samples, n_classes), []
    for epoch in range(n_pairs):
        scores = ((rows, proba[rows]) for rows in blocks)
        options = {"from_logits": False, "scored_classes": classes}
        times.append(1000 * cpu(lambda: recorder.add_epoch(epoch, scores, y, **options)))  # noqa: B023
    return np.array(times)


@claim("epoch-2", "recording an epoch of 1 M rows of 2 classes, beside the prediction", 60, "ms")
def epoch_of_two(n_pairs):
    return record_epoch(n_pairs, 2)


@claim(
    "epoch-10", "recording an epoch of 1 M rows of 10 classes, beside the prediction", None, "ms"
)
def epoch_of_ten(n_pairs):
    return record_epoch(n_pairs, 10)


def watched(name, dtype, n_pairs, record="epoch_end"):
    import recording
    from sklearn.linear_model import SGDClassifier
    from sklearn.neural_network import MLPClassifier

    recording.torch.set_num_threads(1)
    X, y = recording.digits_like()
    models = {
        "sgd": lambda: SGDClassifier(loss="log_loss", random_state=0),
        "mlp": lambda: MLPClassifier((128,), batch_size=128, random_state=0),
        "net": recording.small_net,
    }
    model = models[name]()
    train = recording.fit if name == "net" else recording.partial_fit_loop
    ours = recording.watch(model, record)
    return recording.pairs_of(model, train, ours, X.astype(dtype), y, n_pairs)[0]


@claim("sgd-32", "SGDClassifier, single precision, over the bare training", 1.10)
def sgd_single(n_pairs):
    return watched("sgd", np.float32, n_pairs)


@claim("sgd-64", "SGDClassifier, double precision, over the bare training", 1.10)
def sgd_double(n_pairs):
    return watched("sgd", np.float64, n_pairs)


@claim("sgd-32-bound", "the same, `predict_proba` alone after each epoch", None)
def sgd_single_bound(n_pairs):
    return sgd_with_predictions(np.float32, n_pairs)


@claim("sgd-64-bound", "the same in double precision", None)
def sgd_double_bound(n_pairs):
    return sgd_with_predictions(np.float64, n_pairs)


@claim("mlp-32", "MLPClassifier, single precision, over the bare training", 1.12)
def mlp_single(n_pairs):
    return watched("mlp", np.float32, n_pairs)


@claim("mlp-64", "MLPClassifier, double precision, over the bare training", 1.12)
def mlp_double(n_pairs):
    return watched("mlp", np.float64, n_pairs)


def with_predictions(kind, params, dtype, n_pairs):
    """Add `predict_proba` to each epoch of the bare loop: the least that a recording costs."""
    import recording

    class Predicting(kind):
        def partial_fit(self, X, y, **fit_params):
            super().partial_fit(X, y, **fit_params)
            for start in range(0, len(X), 4096):
                self.predict_proba(X[start : start + 4096])
            return self

    X, y = recording.digits_like()
    X = X.astype(dtype)

    def loop(kind):
        return lambda: recording.partial_fit_loop(kind(**params), X, y)

    return pairs(loop(Predicting), loop(kind), n_pairs)


def mlp_with_predictions(dtype, n_pairs):
    from sklearn.neural_network import MLPClassifier

    params = {"hidden_layer_sizes": (128,), "batch_size": 128, "random_state": 0}
    return with_predictions(MLPClassifier, params, dtype, n_pairs)


def sgd_with_predictions(dtype, n_pairs):
    from sklearn.linear_model import SGDClassifier

    return with_predictions(SGDClassifier, {"loss": "log_loss", "random_state": 0}, dtype, n_pairs)


@claim("mlp-32-bound", "the same, `predict_proba` alone after each epoch", None)
def mlp_single_bound(n_pairs):
    return mlp_with_predictions(np.float32, n_pairs)


@claim("mlp-64-bound", "the same in double precision", None)
def mlp_double_bound(n_pairs):
    return mlp_with_predictions(np.float64, n_pairs)


@claim("net-training", "skorch net, in the training pass, over the bare training", 1.03)
def net_in_training(n_pairs):
    return watched("net", np.float32, n_pairs, "training")


@claim("net-epoch-end", "skorch net, after each epoch, over the bare training", 1.05)
def net_at_epoch_end(n_pairs):
    return watched("net", np.float32, n_pairs)


@claim("import", "`import sklearn_carto` after `import sklearn`, over the latter", 1.15)
def importing(n_pairs):
    from importing import import_ratios

    return import_ratios(n_pairs)


@claim("import-class", "SGDClassifier and CartographyClassifier, over the former", 1.15)
def importing_a_class(n_pairs):
    from importing import first_class_ratios

    return first_class_ratios(n_pairs)


def bytes_a_row(what):
    from memory import bytes_per_row

    if not _BYTES:
        _BYTES.update(bytes_per_row())
    return np.array([_BYTES[what]])


_BYTES: dict = {}


@claim("memory-kept", "keep_history=False, 1 M x 20, kept after the training", 120, "bytes a row")
def memory_kept(n_pairs):
    return bytes_a_row("kept after the training")


@claim(
    "memory-peak", "the same, peak of the arrays over that of the bare training", 120, "bytes a row"
)
def memory_peak(n_pairs):
    return bytes_a_row("peak of the arrays")


@claim("boosters", "XGBoost, 500 trees, 50 stages replayed, over the training", 1.0)
def boosters(n_pairs):
    from boosters import N_STAGES, watch
    from sklearn.datasets import make_classification

    X, y = make_classification(10_000, 30, n_informative=10, flip_y=0.1, random_state=0)
    runs = [watch("XGBoost", N_STAGES, X, y)[1:] for _ in range(n_pairs + 1)][1:]
    return np.array([replayed / trained for trained, replayed in runs])


@claim("search", "grid search of 18 candidates with `memory`, over one without", 0.6)
def searching(n_pairs):
    from search import ratios_of

    return ratios_of(min(n_pairs, 3))


@claim("gpu", "net on a GPU, in the training pass, over the bare training", 1.05)
def on_a_gpu(n_pairs):
    import recording
    import torch

    if not torch.cuda.is_available():
        raise SkippedError("no CUDA device")
    X, y = recording.digits_like()
    net = recording.small_net().set_params(device="cuda")
    ours = recording.watch(net, "training")

    def timed(model):
        def run():
            recording.fit(model, X.astype(np.float32), y)
            torch.cuda.synchronize()

        return run

    return pairs(timed(ours), timed(net), n_pairs)


def row_of(one, n_pairs):
    """Measure a claim; return a row of the table."""
    try:
        values = one.measure(n_pairs)
    except (SkippedError, ImportError) as error:
        return f"| {one.what} | not measured: {error} | {_aim(one)} | |"
    draws = np.random.RandomState(0).choice(values, size=(1000, len(values)))
    middle, error = np.median(values), np.median(draws, axis=1).std()
    outcome = ""
    if one.aim is not None:
        outcome = "missed" if middle - error > one.aim else "within the error"
        outcome = "reached" if middle <= one.aim else outcome
    spread = f" +- {error:.3g}" if len(values) > 1 else ""
    return f"| {one.what} | {middle:.3g}{spread} {one.unit} | {_aim(one)} | {outcome} |"


def _aim(one):
    return "" if one.aim is None else f"{one.aim:g}"


def write(rows):
    """Replace the table of the page."""
    before, _, rest = PAGE.read_text().partition(START)
    after = rest.partition(END)[2]
    head = "| claim | median | at most | |\n|---|---|---|---|"
    PAGE.write_text(f"{before}{START}\n{head}\n" + "\n".join(rows) + f"\n{END}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="claims to measure; none: all")
    parser.add_argument("--quick", action="store_true", help="5 pairs in place of 15")
    parser.add_argument("--list", action="store_true", help="print the names of the claims")
    options = parser.parse_args()
    known = {one.name: one for one in CLAIMS}
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"no such claim: {', '.join(unknown)}; there are {', '.join(known)}")
    if options.list:
        print(*known, sep="\n")
        return
    rows = []
    with threadpool_limits(1):
        for name in options.names or known:
            rows.append(row_of(known[name], 5 if options.quick else 15))
            print(rows[-1], flush=True)
    if not options.names:
        write(rows)


if __name__ == "__main__":
    main()
