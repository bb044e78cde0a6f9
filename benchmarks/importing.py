"""Cost of an import: CPU time of fresh interpreters, alternating with `import sklearn`.

Run ``python benchmarks/importing.py``. The package imports its modules when a name is first used,
so that the first class costs more than the package.
"""

import resource
import subprocess
import sys

import numpy as np


def cpu_seconds(statement):
    """Return the CPU time of a fresh interpreter that runs a statement."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def import_ratios(n_pairs, ours="import sklearn, sklearn_carto", theirs="import sklearn"):
    """Return the ratio of each of some alternating pairs of imports."""
    cpu_seconds(ours), cpu_seconds(theirs)  # files are in the cache of the system from here on
    ratios = []
    for i in range(n_pairs):
        sides = (ours, theirs) if i % 2 else (theirs, ours)
        times = dict(zip(sides, map(cpu_seconds, sides), strict=True))
        ratios.append(times[ours] / times[theirs])
    return np.array(ratios)


SGD = "from sklearn.linear_model import SGDClassifier"


def first_class_ratios(n_pairs):
    """Return ratios for a classifier and its watcher, against the classifier alone."""
    return import_ratios(n_pairs, f"{SGD}; from sklearn_carto import CartographyClassifier", SGD)


def main():
    n_pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for name, function in (
        ("import sklearn_carto / import sklearn", import_ratios),
        ("SGDClassifier and CartographyClassifier / SGDClassifier", first_class_ratios),
    ):
        print(f"{name:<58} {np.median(function(n_pairs)):.3f}")


if __name__ == "__main__":
    main()
