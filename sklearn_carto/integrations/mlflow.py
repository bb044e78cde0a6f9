"""MLflow: the figure, the table and the summary of a data map in a run."""

from __future__ import annotations

from typing import Any

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._utils._packages import require
from sklearn_carto.integrations._tracking import (
    check_dynamics_arguments,
    check_map_arguments,
    draw_figure,
    epoch_means,
    make_table,
    summarise,
)

__all__ = ["log_data_map", "log_dynamics"]

EXTRA = "sklearn-carto[mlflow]"


def log_data_map(
    data_map: DataMap,
    name: str = "data_map",
    *,
    step: int | None = None,
    max_rows: int | None = 10_000,
    **plot_params: Any,
) -> None:
    """Log a data map to the active run of MLflow, which is started if there is none.

    Parameters
    ----------
    data_map : DataMap
        The data map.
    name : str, default="data_map"
        Name of the artifacts, the figure ``<name>.png`` and the table ``<name>.json``, and ahead of
        the metrics ``<name>/confidence``, ``<name>/variability``, ``<name>/correctness`` (means
        over the rows) and ``<name>/share_<region>``.
    step : int, default=None
        Step of the metrics. None: 0.
    max_rows : int, default=10000
        Largest number of rows in the table, those of the lowest confidence. None: all.
    **plot_params : dict
        Parameters of :meth:`DataMapDisplay.plot`.

    Raises
    ------
    ImportError
        If mlflow, matplotlib or pandas is not installed.
    ValueError
        If an argument is of the wrong kind.

    See Also
    --------
    log_dynamics : Log the mean probability and the accuracy of each epoch.

    Notes
    -----
    ``mlflow.load_table("<name>.json")`` reads the table. In it, values that are missing or infinite
    (`forgetting` of rows that were never learned) are empty. MLflow appends to a table of the same
    name in the same run.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import mlflow
    >>> from sklearn_carto import DataMap
    >>> from sklearn_carto.integrations.mlflow import log_data_map
    >>> data_map = DataMap(
    ...     confidence=[0.9, 0.1], variability=[0.1, 0.2], correctness=[1, 0], n_epochs=5
    ... )
    >>> mlflow.set_tracking_uri(f"{mkdtemp()}/runs")
    >>> with mlflow.start_run():
    ...     log_data_map(data_map)
    """
    caller = "mlflow.log_data_map"
    check_map_arguments(caller, data_map, name, step, max_rows)
    mlflow = require("mlflow", caller, EXTRA)
    pandas = require("pandas", caller, EXTRA)
    figure = draw_figure(data_map, plot_params, caller)
    mlflow.log_figure(figure, f"{name}.png")
    # mlflow looks for images in columns of objects, as which pandas 3 does not keep text by itself
    table = {
        one: pandas.Series(v, dtype=object) for one, v in make_table(data_map, max_rows).items()
    }
    mlflow.log_table(pandas.DataFrame(table), f"{name}.json")
    mlflow.log_metrics(summarise(data_map, name), step=step)


def log_dynamics(dynamics: TrainingDynamics, name: str = "dynamics") -> None:
    """Log the mean probability of the labels and the accuracy of each epoch to the active run.

    Parameters
    ----------
    dynamics : TrainingDynamics
        The training dynamics, with their history, such as `dynamics_` of a fitted classifier or
        callback.
    name : str, default="dynamics"
        Ahead of the metrics ``<name>/true_proba`` and ``<name>/accuracy``, whose steps are the
        epochs, counted from 0.

    Raises
    ------
    ImportError
        If mlflow is not installed.
    ValueError
        If the dynamics hold no history.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import mlflow
    >>> from sklearn_carto import TrainingDynamics
    >>> from sklearn_carto.integrations.mlflow import log_dynamics
    >>> dynamics = TrainingDynamics([0, 1])
    >>> dynamics.update(0, [[0.9, 0.1], [0.6, 0.4]])
    >>> mlflow.set_tracking_uri(f"{mkdtemp()}/runs")
    >>> with mlflow.start_run():
    ...     log_dynamics(dynamics)
    """
    caller = "mlflow.log_dynamics"
    check_dynamics_arguments(caller, dynamics, name)
    mlflow = require("mlflow", caller, EXTRA)
    for epoch, means in epoch_means(dynamics, name):
        mlflow.log_metrics(means, step=epoch)
