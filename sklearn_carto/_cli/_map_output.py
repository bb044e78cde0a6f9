"""The files of a data map: picture, page, statistics and the map itself."""

from __future__ import annotations

import os

import numpy as np

from sklearn_carto._cli._output import as_json
from sklearn_carto._utils._packages import is_installed

_REGIONS = ("easy-to-learn", "ambiguous", "hard-to-learn", "excluded", "unseen")
FILES = ["map.npz", "map.png", "map.html", "summary.json"]


def write_map(folder, data_map, shown, messages, *, parquet=False, dynamics=None):
    """Write the files of a data map, the map itself first.

    Parameters
    ----------
    folder : OutputFolder
        Where they are written.
    data_map : DataMap
        The map.
    shown : callable
        Returns what the page shows of each row, as arguments of `explore`.
    messages : Messages
        Prints what is left out.
    parquet : bool, default=False
        Whether the statistics are written as Parquet, else as CSV.
    dynamics : TrainingDynamics, default=None
        The training dynamics with their history, for the epochs of the page.
    """
    save_map(folder, data_map)
    folder.write_columns("statistics", statistics_of(data_map), parquet=parquet)
    write_picture(folder, "map.png", lambda: data_map.plot(histograms=True).figure_, messages)
    more = {} if dynamics is None else {"dynamics": dynamics}
    write_page(folder, "map.html", data_map, shown, messages, **more)


def save_map(folder, data_map, name="map.npz"):
    """Save a map."""
    data_map.save(folder.path / name)
    folder.note(name)


def statistics_of(data_map):
    """Return the columns of a map, with the region of each row."""
    columns = data_map._columns(regions=True)
    first = {"row": np.arange(data_map.n_samples), "id": columns.pop("sample_id")}
    return first | {name: columns.pop(name) for name in ("label", "region")} | columns


def write_picture(folder, name, draw, messages):
    """Write a picture, unless matplotlib is not installed."""
    if not is_installed("matplotlib"):
        messages.info(
            f"{name} is left out: it requires matplotlib. Install it with: python -m pip install "
            '"sklearn-carto[plot]"'
        )
        return
    os.environ.setdefault("MPLBACKEND", "Agg")  # no window
    messages.info(f"drawing {name}")
    folder.write_figure(name, draw())


def write_page(folder, name, data_map, shown, messages, **more):
    """Write the interactive page."""
    messages.info(f"writing {name}")
    data_map.explore(folder.path / name, **shown(), **more)
    folder.note(name)


def map_facts(data_map):
    """Return the facts of a map for the summary."""
    found, counts = np.unique(data_map.region_labels(), return_counts=True)
    counted = dict(zip(found.tolist(), counts.tolist(), strict=True))
    names = ("confidence", "variability", "correctness")
    return {
        "n_epochs": data_map.n_epochs,
        "regions": {name: counted[name] for name in _REGIONS if name in counted},
        "means": {name: as_json(np.nanmean(getattr(data_map, name))) for name in names},
    }


def describe_map(facts):
    """Return the lines of the summary on a map."""
    regions = ", ".join(f"{n} {name}" for name, n in facts["regions"].items())
    return [f"{facts['n_epochs']} epochs: {regions}"]
