"""TensorBoard: the figure, the table and the summary of a data map in a log directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
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

EXTRA = "sklearn-carto[tensorboard]"


def log_data_map(
    data_map: DataMap,
    name: str = "data_map",
    *,
    writer: Any,
    step: int | None = None,
    max_rows: int | None = 100,
    **plot_params: Any,
) -> None:
    """Log a data map to TensorBoard.

    Parameters
    ----------
    data_map : DataMap
        The data map.
    name : str, default="data_map"
        Ahead of the tags: the image ``<name>/figure``, the text ``<name>/table``, and the scalars
        ``<name>/confidence``, ``<name>/variability``, ``<name>/correctness`` (means over the rows)
        and ``<name>/share_<region>``.
    writer : SummaryWriter, str or path-like
        A writer of ``torch.utils.tensorboard`` or tensorboardX, or the log directory to write to.
    step : int, default=None
        The step. None: 0.
    max_rows : int, default=100
        Largest number of rows in the table, those of the lowest confidence. None: all; TensorBoard
        shows a table as one text, which it draws slowly if it is long.
    **plot_params : dict
        Parameters of :meth:`DataMapDisplay.plot`.

    Raises
    ------
    ImportError
        If tensorboard, torch or matplotlib is not installed.
    ValueError
        If an argument is of the wrong kind.

    See Also
    --------
    log_dynamics : Log the mean probability and the accuracy of each epoch.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from sklearn_carto import DataMap
    >>> from sklearn_carto.integrations.tensorboard import log_data_map
    >>> data_map = DataMap(
    ...     confidence=[0.9, 0.1], variability=[0.1, 0.2], correctness=[1, 0], n_epochs=5
    ... )
    >>> log_data_map(data_map, writer=mkdtemp())
    """
    caller = "tensorboard.log_data_map"
    check_map_arguments(caller, data_map, name, step, max_rows)
    figure = draw_figure(data_map, plot_params, caller)
    with _open(writer, caller) as opened:
        opened.add_figure(f"{name}/figure", figure, global_step=step or 0)
        text = _markdown(make_table(data_map, max_rows))
        opened.add_text(f"{name}/table", text, global_step=step or 0)
        for tag, value in summarise(data_map, name).items():
            opened.add_scalar(tag, value, global_step=step or 0)


def log_dynamics(dynamics: TrainingDynamics, name: str = "dynamics", *, writer: Any) -> None:
    """Log the mean probability of the labels and the accuracy of each epoch.

    Parameters
    ----------
    dynamics : TrainingDynamics
        The training dynamics, with their history, such as `dynamics_` of a fitted classifier or
        callback.
    name : str, default="dynamics"
        Ahead of the scalars ``<name>/true_proba`` and ``<name>/accuracy``, whose steps are the
        epochs, counted from 0.
    writer : SummaryWriter, str or path-like
        A writer of ``torch.utils.tensorboard`` or tensorboardX, or the log directory to write to.

    Raises
    ------
    ImportError
        If tensorboard or torch is not installed.
    ValueError
        If the dynamics hold no history, or if `writer` is of the wrong kind.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from sklearn_carto import TrainingDynamics
    >>> from sklearn_carto.integrations.tensorboard import log_dynamics
    >>> dynamics = TrainingDynamics([0, 1])
    >>> dynamics.update(0, [[0.9, 0.1], [0.6, 0.4]])
    >>> log_dynamics(dynamics, writer=mkdtemp())
    """
    caller = "tensorboard.log_dynamics"
    check_dynamics_arguments(caller, dynamics, name)
    means = list(epoch_means(dynamics, name))
    with _open(writer, caller) as opened:
        for epoch, of_epoch in means:
            for tag, value in of_epoch.items():
                opened.add_scalar(tag, value, global_step=epoch)


@contextmanager
def _open(writer: Any, caller: str) -> Iterator[Any]:
    """Open the writer of a log directory, and close it; a writer that is given remains open."""
    if isinstance(writer, (str, PathLike)):
        require("tensorboard", caller, EXTRA)
        tensorboard = require("torch.utils.tensorboard", caller, EXTRA)
        with tensorboard.SummaryWriter(writer) as opened:
            yield opened
    elif all(hasattr(writer, method) for method in ("add_figure", "add_text", "add_scalar")):
        yield writer
        writer.flush()
    else:
        raise InvalidParameterError(
            f"The 'writer' parameter of {caller} must be a SummaryWriter, or a log directory. Got "
            f"{describe(writer)} instead."
        )


def _markdown(table: dict[str, list]) -> str:
    """Write a table in Markdown; texts cannot end a cell or hold markup."""
    lines = ["| " + " | ".join(table) + " |", "|" + " --- |" * len(table)]
    lines += [
        "| " + " | ".join(map(_cell, row)) + " |" for row in zip(*table.values(), strict=True)
    ]
    return "\n".join(lines)


_ESCAPED = str.maketrans(
    {one: f"&#{ord(one)};" for one in "&<>|*_`[]()!#~\\"} | {"\n": " ", "\r": " "}
)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.translate(_ESCAPED) if isinstance(value, str) else str(value)
