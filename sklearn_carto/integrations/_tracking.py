"""What experiment trackers are given of a data map: a figure, a table and summary numbers."""

from __future__ import annotations

import numpy as np

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._region_labels import REGIONS
from sklearn_carto._utils._compat import InvalidParameterError, check_matplotlib_support
from sklearn_carto._utils._validation import Count, check_params, describe

_SUMMARISED = ("confidence", "variability", "correctness")


def check_map_arguments(caller, data_map, name, step, max_rows):
    """Check the arguments that the functions of all trackers have in common."""
    constraints = {
        "data_map": [DataMap],
        "name": [str],
        "step": [Count(0), None],
        "max_rows": [Count(1), None],
    }
    given = {"data_map": data_map, "name": name, "step": step, "max_rows": max_rows}
    check_params(caller, constraints, given)
    _check_name(name, caller)


def check_dynamics_arguments(caller, dynamics, name):
    """Check the arguments of the functions that log each epoch."""
    check_params(
        caller,
        {"dynamics": [TrainingDynamics], "name": [str]},
        {"dynamics": dynamics, "name": name},
    )
    _check_name(name, caller)


def _check_name(name, caller):
    parts = name.split("/")
    if not all(part.strip() and part not in (".", "..") for part in parts) or "\\" in name:
        raise InvalidParameterError(
            f"The 'name' parameter of {caller} must be a name, or names joined by '/', of which "
            f"none is empty or a path to another folder. Got {describe(name)} instead."
        )


def draw_figure(data_map, plot_params, caller):
    """Draw a data map on a figure that is not registered with pyplot, and need not be closed."""
    check_matplotlib_support(caller)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    data_map.plot(ax=figure.subplots(), **plot_params)
    return figure


def make_table(data_map, max_rows):
    """Make the table of a data map: the columns of its data frame as lists, by their names.

    Rows of lowest confidence come first, those that were never seen last; `max_rows` of them are
    kept. Numbers are rounded to float32, and what is neither a number nor a boolean is text.
    """
    order = np.argsort(data_map.confidence, kind="stable")[:max_rows]
    columns = {"row": np.arange(data_map.n_samples)} | data_map._columns(regions=True)
    return {
        name: _plain(np.asarray(values)[order])
        for name, values in columns.items()
        if values is not None
    }


def _plain(values):
    """Return an array as a list of what any tracker can write: NaN and infinity are None."""
    if values.dtype.kind in "biu":
        return values.tolist()
    if values.dtype.kind == "f":
        return [float(f"{one:.6g}") if np.isfinite(one) else None for one in values.tolist()]
    return (
        [str(one) for one in values.tolist()] if values.dtype.kind == "O" else [*map(str, values)]
    )


def summarise(data_map, name):
    """Compute the mean of the main statistics of a data map, and the share of each region.

    Only the rows count that were seen in training and are not excluded; without any, there are no
    numbers.
    """
    present = data_map._present_mask
    if not present.any():
        return {}
    means = {one: getattr(data_map, one)[present].mean() for one in _SUMMARISED}
    regions = data_map.region_labels()[present]
    shares = {f"share_{region}": (regions == region).mean() for region in REGIONS}
    return {f"{name}/{one}": float(value) for one, value in (means | shares).items()}


def epoch_means(dynamics, name):
    """Yield the mean true probability and the accuracy of each epoch, over the rows seen in it."""
    true_proba, correct = dynamics.true_proba, dynamics.correct
    for epoch in range(dynamics.n_epochs):
        seen = ~np.isnan(true_proba[:, epoch])
        if seen.any():
            yield (
                epoch,
                {
                    f"{name}/true_proba": float(true_proba[seen, epoch].mean(dtype=np.float64)),
                    f"{name}/accuracy": float(correct[seen, epoch].mean(dtype=np.float64)),
                },
            )
