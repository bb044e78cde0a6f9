"""Time and memory of the data map of a log of 10 million rows, against reading its columns.

Claims: on Polars and on DuckDB, at most 5 times as long as reading the columns alone, in at most 2
GB. Each side of a pair runs in a process of its own, which reports its time and its peak of memory;
pairs alternate, and their median ratio is printed.

    python benchmarks/logs.py [--samples 1000000] [--epochs 10] [--files 8] [--pairs 3]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

COLUMNS = ("sample_id", "epoch", "true_proba", "correct", "margin", "label", "loss", "el2n")


def write_log(folder, n_samples, n_epochs, n_files):
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    for number, rows in enumerate(np.array_split(np.arange(n_samples), n_files)):
        epochs = np.repeat(np.arange(n_epochs, dtype=np.int32), len(rows))
        p = rng.random(len(epochs), dtype=np.float32)
        table = {
            "sample_id": np.tile(rows, n_epochs),
            "epoch": epochs,
            "true_proba": p,
            "correct": p > 0.5,
            "margin": np.log(p + 1e-6) - np.log1p(1e-6 - p),
            "label": np.tile(rows % 10, n_epochs),
            "loss": -np.log(p + 1e-6),
            "el2n": np.sqrt(2) * (1 - p),
        }
        parquet.write_table(pa.table(table), folder / f"{number}.parquet")


def read_columns(folder, engine):
    """Read the columns into memory."""
    if engine == "polars":
        import polars as pl

        return pl.read_parquet(folder / "*.parquet", columns=[*COLUMNS])
    import duckdb

    return duckdb.sql(f"select {', '.join(COLUMNS)} from '{folder}/*.parquet'").to_arrow_table()


def run(task, folder, engine):
    """Run one side of a pair; print its time and the peak of memory."""
    from sklearn_carto import logs

    before, cpu_before = time.perf_counter(), time.process_time()
    if task == "read":
        read_columns(folder, engine)
    elif task == "map":
        logs.data_map_from_logs(folder, engine=engine)
    else:
        logs.select_from_logs(folder, "ambiguous", 0.1, engine=engine)
    seconds = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # GiB, of kilobytes
    cpu = time.process_time() - cpu_before
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


def measure(task, folder, engine):
    command = [sys.executable, __file__, "--run", task, str(folder), engine]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--engines", nargs="+", default=["polars", "duckdb"])
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        task, folder, engine = args.run
        run(task, Path(folder), engine)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_log(folder, args.samples, args.epochs, args.files)
        print(f"{args.samples * args.epochs:,} rows in {args.files} files")
        for engine in args.engines:
            for task in ("map", "select"):
                pairs = [
                    (measure("read", folder, engine), measure(task, folder, engine))
                    for _ in range(args.pairs)
                ]
                ratio, of_cpu = (
                    np.median([after[unit] / before[unit] for before, after in pairs])
                    for unit in ("seconds", "cpu")
                )
                seconds = [
                    np.median([one["seconds"] for one in side]) for side in zip(*pairs, strict=True)
                ]
                peak = max(after["peak"] for _, after in pairs)
                print(
                    f"{engine:8} {task:6} {ratio:.1f} x reading (aim 5), {of_cpu:.1f} x in CPU "
                    f"time, {seconds[1]:.2f} s / {seconds[0]:.2f} s; peak {peak:.2f} GiB (aim 2)"
                )


if __name__ == "__main__":
    main()
