"""Run the cells of a benchmark in parallel. A run that was ended continues where it was."""

import csv
import json
import os
from pathlib import Path

from joblib import Parallel, delayed


def read(output):
    """Return the rows of a file of results, as dictionaries of strings."""
    with open(output, newline="") as file:
        return list(csv.DictReader(file))


def run(function, cells, output, n_jobs):
    """Write the rows that a function returns for each cell to a file, after each cell.

    A cell is a sequence of arguments, which the column "cell" keeps. A cell that the file holds is
    not run again, and a row of another cell is dropped.
    """
    rows = read(output) if Path(output).exists() else []
    keys = [json.dumps(cell) for cell in cells]
    rows = [row for row in rows if row["cell"] in keys]
    done = {row["cell"] for row in rows}

    def run_one(key, cell):
        return [{"cell": key} | row for row in function(*cell)]

    missing = [(key, cell) for key, cell in zip(keys, cells, strict=True) if key not in done]
    with Parallel(n_jobs=n_jobs, return_as="generator_unordered") as parallel:
        for of_cell in parallel(delayed(run_one)(*pair) for pair in missing):
            rows += of_cell
            rows.sort(key=lambda row: keys.index(row["cell"]))
            fields = list(dict.fromkeys(key for row in rows for key in row))
            with open(f"{output}.tmp", "w", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=fields)
                writer.writeheader()
                writer.writerows(rows)
            os.replace(f"{output}.tmp", output)
