"""Weights & Biases: the figure, the table and the summary of a data map in a run."""

from __future__ import annotations

from typing import Any

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._packages import require
from sklearn_carto._utils._validation import describe
from sklearn_carto.integrations._tracking import (
    check_dynamics_arguments,
    check_map_arguments,
    draw_figure,
    epoch_means,
    make_table,
    summarise,
)

__all__ = ["log_data_map", "log_dynamics"]

EXTRA = "sklearn-carto[wandb]"


def log_data_map(
    data_map: DataMap,
    name: str = "data_map",
    *,
    run: Any = None,
    step: int | None = None,
    max_rows: int | None = 10_000,
    **plot_params: Any,
) -> None:
    """Log a data map to a run of Weights & Biases.

    Parameters
    ----------
    data_map : DataMap
        The data map.
    name : str, default="data_map"
        Ahead of the keys ``<name>/figure``, ``<name>/table``, ``<name>/confidence``,
        ``<name>/variability``, ``<name>/correctness`` (means over the rows) and
        ``<name>/share_<region>``.
    run : wandb.Run, default=None
        The run. None: the active one, which ``wandb.init()`` has started.
    step : int, default=None
        Step of the run. None: its current one.
    max_rows : int, default=10000
        Largest number of rows in the table, those of the lowest confidence. None: all.
    **plot_params : dict
        Parameters of :meth:`DataMapDisplay.plot`.

    Raises
    ------
    ImportError
        If wandb or matplotlib is not installed.
    ValueError
        If an argument is of the wrong kind, or if there is no run.

    See Also
    --------
    log_dynamics : Log the mean probability and the accuracy of each epoch.

    Notes
    -----
    In the table, values that are missing or infinite (`forgetting` of rows that were never learned)
    are empty.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import wandb
    >>> from sklearn_carto import DataMap
    >>> from sklearn_carto.integrations.wandb import log_data_map
    >>> data_map = DataMap(
    ...     confidence=[0.9, 0.1], variability=[0.1, 0.2], correctness=[1, 0], n_epochs=5
    ... )
    >>> with wandb.init(mode="offline", dir=mkdtemp()) as run:
    ...     log_data_map(data_map)
    """
    caller = "wandb.log_data_map"
    check_map_arguments(caller, data_map, name, step, max_rows)
    wandb = require("wandb", caller, EXTRA)
    run = _run_of(run, wandb, caller)
    figure = draw_figure(data_map, plot_params, caller)
    table = make_table(data_map, max_rows)
    rows = [list(row) for row in zip(*table.values(), strict=True)]
    values = {
        f"{name}/figure": wandb.Image(figure),
        f"{name}/table": wandb.Table(columns=list(table), data=rows),
    }
    run.log(values | summarise(data_map, name), step=step)


def log_dynamics(dynamics: TrainingDynamics, name: str = "dynamics", *, run: Any = None) -> None:
    """Log the mean probability of the labels and the accuracy of each epoch to a run.

    Parameters
    ----------
    dynamics : TrainingDynamics
        The training dynamics, with their history, such as `dynamics_` of a fitted classifier or
        callback.
    name : str, default="dynamics"
        Ahead of the keys ``<name>/true_proba`` and ``<name>/accuracy``, which are drawn over
        ``<name>/epoch``, counted from 0.
    run : wandb.Run, default=None
        The run. None: the active one, which ``wandb.init()`` has started.

    Raises
    ------
    ImportError
        If wandb is not installed.
    ValueError
        If the dynamics hold no history, or if there is no run.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import wandb
    >>> from sklearn_carto import TrainingDynamics
    >>> from sklearn_carto.integrations.wandb import log_dynamics
    >>> dynamics = TrainingDynamics([0, 1])
    >>> dynamics.update(0, [[0.9, 0.1], [0.6, 0.4]])
    >>> with wandb.init(mode="offline", dir=mkdtemp()) as run:
    ...     log_dynamics(dynamics)
    """
    caller = "wandb.log_dynamics"
    check_dynamics_arguments(caller, dynamics, name)
    run = _run_of(run, require("wandb", caller, EXTRA), caller)
    means = list(epoch_means(dynamics, name))
    # the steps of a run only ascend, and may have passed the epochs already
    run.define_metric(f"{name}/*", step_metric=f"{name}/epoch")
    for epoch, of_epoch in means:
        run.log({f"{name}/epoch": epoch, **of_epoch})


def _run_of(run, wandb, caller):
    """Return the run to log to: the given one, or the active one."""
    if run is not None and not (hasattr(run, "log") and hasattr(run, "define_metric")):
        raise InvalidParameterError(
            f"The 'run' parameter of {caller} must be a run that wandb.init() has started. Got "
            f"{describe(run)} instead."
        )
    run = wandb.run if run is None else run
    if run is None:
        raise InvalidParameterError(
            f"{caller} needs a run: call wandb.init() first, or pass one as run=."
        )
    return run
