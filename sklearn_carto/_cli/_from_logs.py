"""The command `from-logs`: the data map of a training that was logged."""

from __future__ import annotations

from glob import has_magic
from pathlib import Path

from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._map_output import FILES, describe_map, map_facts, write_map
from sklearn_carto._cli._output import OutputFolder
from sklearn_carto._utils._packages import is_installed


def run(options, messages):
    """Draw the data map of a log.

    Parameters
    ----------
    options : argparse.Namespace
        The arguments of the command.
    messages : Messages
        Prints the progress.

    Returns
    -------
    summary : dict
        What --json prints.
    """
    path = Path(options.log)
    if not path.exists() and not has_magic(options.log):
        raise CommandError(f"{path} does not exist.")
    parquet = path.suffix == ".parquet" or (path.is_dir() and any(path.glob("*.parquet")))
    statistics = "statistics.parquet" if parquet else "statistics.csv"
    folder = OutputFolder(options, messages, [*FILES, statistics])
    messages.info(f"reading {path}")
    data_map = read_map(path, parquet, options.epochs)
    summary = {"command": "from-logs", "log": str(path), "n_rows": data_map.n_samples}
    summary |= map_facts(data_map)
    write_map(folder, data_map, dict, messages, parquet=parquet)
    folder.write_summary(summary)
    return summary | {"lines": [f"{data_map.n_samples} rows, {describe_map(summary)[0]}"]}


def read_map(path, parquet, n_epochs):
    """Read the map of a log: of Parquet files on Polars, which may be larger than memory."""
    from sklearn_carto._maps._data_map import DataMap
    from sklearn_carto.logs import data_map_from_logs, read_dynamics

    if parquet and is_installed("polars") and is_installed("narwhals"):
        return data_map_from_logs(path, n_epochs=n_epochs)
    found = read_dynamics(path, n_epochs=n_epochs)
    return found if isinstance(found, DataMap) else DataMap.from_dynamics(found)
