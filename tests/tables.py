"""Small tables for the tests of the command line."""

import csv
import random
import sys

from sklearn_carto._cli._main import main


def write_csv(path, names, rows, **kwargs):
    """Write rows as CSV, and return the path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n", **kwargs)
        writer.writerow(names)
        writer.writerows(rows)
    return path


def people(n_rows=60, seed=0):
    """Return names and rows of a table of people; most whose age is above 40 have the label yes."""
    rng = random.Random(seed)
    rows = []
    for _ in range(n_rows):
        age = rng.randint(18, 70)
        label = "yes" if (age > 40) != (rng.random() < 0.05) else "no"
        rows.append([age, rng.choice(["Paris", "Rome, Italy", "Oslo"]), label])
    return ["age", "home town", "label"], rows


def reviews(n_rows=80, seed=0):
    """Return names and rows of a table of short reviews; one label in twenty is wrong."""
    rng = random.Random(seed)
    good, bad = ["good", "lovely", "brilliant", "moving"], ["bad", "dull", "awful", "boring"]
    rest = ["film", "story", "actor", "scene", "music", "plot"]
    rows = []
    for i in range(n_rows):
        words = rng.sample(good if i % 2 else bad, 3) + rng.sample(rest, 2)
        rng.shuffle(words)
        rows.append([" ".join(words), "pos" if (i % 2 == 1) != (i % 20 == 0) else "neg"])
    return ["review", "label"], rows


def run(capsys, *arguments):
    """Run a command in this process; returns its exit code, stdout and stderr."""
    capsys.readouterr()
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as error:  # of argparse
        code = error.code
    found = capsys.readouterr()
    return code, found.out, found.err


def fails(capsys, *arguments):
    """Run a command that fails, check how it does, and return its line."""
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    lines = [line for line in err.splitlines() if "error:" in line]
    assert err.count("error:") == 1
    assert len(lines) == 1
    assert err.splitlines()[-1] == lines[0]
    assert "Traceback" not in err
    return lines[0]


def python(*arguments, code=None, **kwargs):
    """Return the command to run the command line in a process of its own."""
    return [sys.executable, *(["-c", code] if code else ["-m", "sklearn_carto"]), *arguments]
