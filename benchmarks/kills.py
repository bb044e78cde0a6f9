"""SIGKILL trainings at random moments, also within a write, and compare what they end as.

    python benchmarks/kills.py [--n 50] [--seed 0] [--kinds sgd mlp skorch ...] [--spawn]

Of each kind, a training without a checkpoint is the reference. Then one training is started in a
process of its own and killed, again and again until one ends: after a random time, or within a
random write, where a process kills itself (a fifth of the kills). Each time the training must
continue after its last complete epoch, and the end must not differ from the reference in a bit.
Printed are the kills, those within a write, the epochs that were trained twice although they were
complete, and the differing bits. Last, trainings are run on a disk that is full.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from sklearn_carto import CartographyClassifier
from sklearn_carto._checkpoint import _fit
from sklearn_carto._maps._fields import MAP_STATISTICS
from sklearn_carto._watching._run_recorder import RunRecorder

N_EPOCHS = 12
N_IN_WRITES = 5  # every fifth kill is within a write


# -- the process that trains --------------------------------------------------------------------


def make_estimator(kind):
    """Make the estimator of a kind, and the parameters of its CartographyClassifier."""
    if kind == "sgd":
        from sklearn.linear_model import SGDClassifier

        return SGDClassifier(loss="log_loss"), {"n_epochs": N_EPOCHS}
    if kind == "mlp":
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier((32,)), {"n_epochs": N_EPOCHS}
    if kind == "folds":
        from sklearn.linear_model import SGDClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        sgd = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss"))
        return sgd, {"n_epochs": 4, "cv": 2, "keep_history": False}
    if kind == "skorch":
        return _net(), {}
    if kind == "hgb":
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(max_iter=40), {"n_epochs": N_EPOCHS}
    name = {"xgboost": "XGBClassifier", "lightgbm": "LGBMClassifier"}[kind]
    module = __import__(kind)
    quiet = {"verbose": -1} if kind == "lightgbm" else {}
    return getattr(module, name)(n_estimators=40, n_jobs=1, **quiet), {"n_epochs": N_EPOCHS}


def _net():
    import skorch
    import torch
    from skorch.callbacks import EarlyStopping, LRScheduler
    from torch import nn

    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 3)
        module = nn.Sequential(*parts)
    callbacks = [
        EarlyStopping(patience=N_EPOCHS - 2, load_best=True, sink=skorch.utils.noop),
        LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=3, gamma=0.5),
    ]
    return skorch.NeuralNetClassifier(
        module, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=0.05,
        max_epochs=N_EPOCHS, batch_size=256, iterator_train__shuffle=True, verbose=0,
        callbacks=callbacks,
    )  # fmt: skip


def make_data(n_samples):
    """Make samples and labels that no model fits exactly."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_samples, 10)).astype(np.float32)
    y = (X @ rng.normal(size=(10, 3)) + 2 * rng.normal(size=(n_samples, 3))).argmax(axis=1)
    return X, np.array(["c", "a", "b"])[y]


def child(kind, folder, log, n_samples, kill_at_write):
    """Train, and write the epochs as they are trained, and the digest of what the end is."""
    warnings.simplefilter("ignore")
    estimator, params = make_estimator(kind)
    X, y = make_data(n_samples)
    file_of_events = log.open("a")

    def report(*what):
        print(json.dumps(what), file=file_of_events, flush=True)

    _report_epochs(RunRecorder, report)
    _report_states(_fit.FitCheckpoint, report)
    if kill_at_write:
        _die_in_a_write(kill_at_write, report)
    report("begin", time.time())
    model = CartographyClassifier(estimator, random_state=0, checkpoint=folder, **params)
    model.fit(X, y)
    report("trained", time.time())
    report("end", digest_of(model, X))


def _report_epochs(recorder, report):
    add = recorder._add

    def telling(self, epoch, *args):
        add(self, epoch, *args)
        report("epoch")

    recorder._add = telling


def _report_states(fit, report):
    write = fit._write

    def telling(self, training, *args):
        write(self, training, *args)
        report("state", training.number, training.n_done)

    fit._write = telling
    resume = fit._resume

    def resuming(self, training):
        resume(self, training)
        report("resumes", training.number, training.n_done)

    fit._resume = resuming


def _die_in_a_write(number, report):
    """Kill this process as a file is half written, synchronised or renamed."""
    calls, names = [], {"fsync": os.fsync, "replace": Path.replace}
    place = random.Random(number).choice(["half", "fsync", "replace"])

    def dies(name):
        def call(*args):
            calls.append(name)
            if len(calls) >= number and (place == "half" or name == place):
                if place == "half" and name == "fsync":
                    size = os.fstat(args[0]).st_size
                    if not size:
                        return names[name](*args)
                    os.ftruncate(args[0], size // 2)
                report("killed in a write", place)
                os.kill(os.getpid(), signal.SIGKILL)
            return names[name](*args)

        return call

    os.fsync = dies("fsync")
    Path.replace = dies("replace")


def digest_of(model, X):
    """Digest all bits of a fit: map, history, predictions and weights."""
    found = sha256()
    arrays = [getattr(model.data_map_, name) for name in MAP_STATISTICS]
    arrays += [model.predict_proba(X)]
    if model.dynamics_.keep_history:
        arrays += [model.dynamics_.true_proba, model.dynamics_.margin, model.dynamics_.loss]
    last = model.estimator_[-1] if hasattr(model.estimator_, "steps") else model.estimator_
    if hasattr(last, "module_"):
        arrays += [value.numpy() for value in last.module_.state_dict().values()]
    arrays += list(getattr(last, "coefs_", []))
    arrays += [w for w in [getattr(last, "coef_", None)] if isinstance(w, np.ndarray)]
    for array in arrays:
        if array is not None:
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


# -- the process that kills ---------------------------------------------------------------------


def start(context, kind, folder, log, n_samples, kill_at_write=0):
    """Start a training in a process of its own."""
    process = context.Process(target=child, args=(kind, folder, log, n_samples, kill_at_write))
    process.start()
    return process


def run_whole(context, *args):
    """Run a training to its end."""
    process = start(context, *args)
    process.join()
    assert process.exitcode == 0


def events_of(log):
    """Read what a process has written; its last line may be a part."""
    lines = log.read_text().splitlines() if log.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def run_kind(context, kind, n_kills, rng, n_samples):
    """Kill trainings of a kind; return a row of the table."""
    work = Path(tempfile.mkdtemp())
    log = work / "reference"
    run_whole(context, kind, None, log, n_samples)
    expected = events_of(log)[-1][1]
    timed = work / "timed"
    run_whole(context, kind, work / "whole", timed, n_samples)
    times = dict(event[:2] for event in events_of(timed) if event[0] in ("begin", "trained"))
    lasts = times["trained"] - times["begin"]
    counts = dict.fromkeys(["kills", "in a write", "lost epochs", "differing fits", "fits"], 0)
    before = 0
    while counts["kills"] < n_kills or before:
        folder, log = work / f"folder {counts['fits']}", work / f"log {counts['fits']}"
        kills = counts["kills"] < n_kills
        in_write = kills and counts["kills"] % N_IN_WRITES == 0
        n_known = len(events_of(log))
        at_write = rng.randint(1, 18) if in_write else 0
        process = start(context, kind, folder, log, n_samples, at_write)
        if kills and not in_write:
            _kill_while_it_trains(process, log, n_known, rng, lasts)
        process.join()
        events = events_of(log)[n_known:]
        counts["lost epochs"] += _lost(events_of(log)[:n_known], events)
        if process.exitcode == 0:
            counts["fits"] += 1
            counts["differing fits"] += events[-1][1] != expected
            before = 0
            shutil.rmtree(folder)
        else:
            assert process.exitcode == -signal.SIGKILL, process.exitcode
            counts["kills"] += 1
            counts["in a write"] += events[-1][0] == "killed in a write"
            before = 1
    shutil.rmtree(work)
    return counts


def _kill_while_it_trains(process, log, n_known, rng, lasts):
    """Kill a process at a random moment after it has begun to train."""
    while process.is_alive() and not events_of(log)[n_known:]:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.6 * lasts))  # of what may remain
    process.kill()


def _lost(earlier, events):
    """Count the steps that were saved, and are not part of what a process continues."""
    saved = [tuple(event[1:]) for event in earlier if event[0] == "state"]
    if not saved:
        return 0
    resumed = [tuple(event[1:]) for event in events if event[0] == "resumes"]
    number, n_done = saved[-1]
    if not resumed:  # it was killed before it could, or it began again
        return sum(event[0] == "state" for event in earlier) if ["epoch"] in events else 0
    at_number, at_step = resumed[0]
    return 0 if at_number > number else max(0, n_done - at_step)


# -- a full disk --------------------------------------------------------------------------------


def full_disk(n_samples):
    """Train on a small tmpfs until it is full, give it room, and train again."""
    folder, options = Path(tempfile.mkdtemp()), "size=400k"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        print(
            "disk full: a tmpfs cannot be mounted here; tests/test_checkpoint_files.py use a quota"
        )
        return
    warnings.simplefilter("ignore")
    try:
        X, y = make_data(n_samples)
        estimator, params = make_estimator("sgd")
        expected = CartographyClassifier(estimator, random_state=0, **params).fit(X, y)
        model = CartographyClassifier(estimator, random_state=0, checkpoint=folder, **params)
        try:
            model.fit(X, y)
            print("disk full: it was not")
        except OSError as error:
            states = sorted(path.name for path in folder.glob("state-*"))
            print(f"disk full: {type(error).__name__} {error.errno}, {model.n_epochs_} epochs are "
                  f"kept in memory, {states} on the disk")  # fmt: skip
        grow = ["mount", "-o", "remount,size=100m", str(folder)]
        subprocess.run(grow, check=True)
        again = CartographyClassifier(estimator, random_state=0, checkpoint=folder, **params)
        same = digest_of(again.fit(X, y), X) == digest_of(expected, X)
        print(f"with room again: the fit ends with {'the same' if same else 'OTHER'} bits")
    finally:
        subprocess.run(["umount", str(folder)], check=False)
        folder.rmdir()


def main():
    """Kill trainings of each kind, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=50, help="kills of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-samples", type=int, default=3000)
    kinds = ["sgd", "mlp", "folds", "skorch", "hgb", "xgboost", "lightgbm"]
    parser.add_argument("--kinds", nargs="+", default=kinds, choices=kinds)
    parser.add_argument(
        "--spawn", action="store_true", help="new interpreters, instead of forks of one that has "
        "imported the libraries and has trained nothing",
    )  # fmt: skip
    options = parser.parse_args()
    context = get_context("spawn" if options.spawn else "fork")
    rng = random.Random(options.seed)
    print(f"{'kind':10}{'kills':>8}{'in a write':>12}{'lost epochs':>13}{'fits':>6}{'differ':>8}")
    n_wrong = 0
    for kind in options.kinds:
        if not options.spawn:
            make_estimator(kind)  # for its imports
        c = run_kind(context, kind, options.n, rng, options.n_samples)
        print(f"{kind:10}{c['kills']:8}{c['in a write']:12}{c['lost epochs']:13}{c['fits']:6}"
              f"{c['differing fits']:8}", flush=True)  # fmt: skip
        n_wrong += c["lost epochs"] + c["differing fits"]
    full_disk(options.n_samples)
    sys.exit(n_wrong > 0)


if __name__ == "__main__":
    main()
