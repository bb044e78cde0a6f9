"""Logs of training dynamics: read them, and make data maps and selections of them on an engine."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from os import PathLike
from typing import Any, Literal

import numpy as np

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._logs._engine_selection import select_on_engine
from sklearn_carto._logs._engines import ENGINES, collect, release
from sklearn_carto._logs._log_files import (
    as_paths,
    files_at,
    files_of_runs,
    find_log,
    hint_of_folders_below,
    name_of_log,
)
from sklearn_carto._logs._log_frame import LogFrame
from sklearn_carto._logs._map_columns import check_output, map_fields, original_ids, write_ids
from sklearn_carto._logs._parquet_log import EpochLog, LogRows
from sklearn_carto._logs._parquet_reading import read_parquet_log
from sklearn_carto._logs._reference_format import (
    DYNAMICS_FILE,
    MAP_FILE,
    read_reference_dynamics,
    read_reference_map,
)
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._regions import parse_region
from sklearn_carto._utils._archive import damage_named
from sklearn_carto._utils._arrays import as_labels
from sklearn_carto._utils._compat import InvalidParameterError, StrOptions
from sklearn_carto._utils._quotas import check_frac
from sklearn_carto._utils._random_state import draw_seed
from sklearn_carto._utils._typing import Array, ArrayLike, Frame, PathType, RandomStateType
from sklearn_carto._utils._validation import Count, check_sample_ids, describe, validate_params

__all__ = ["data_map_from_logs", "read_dynamics", "select_from_logs", "write_dynamics"]


@validate_params(n_epochs=[Count(1), None])
def read_dynamics(
    path: PathType | Sequence[PathType],
    *,
    sample_ids: ArrayLike | None = None,
    classes: ArrayLike | None = None,
    n_epochs: int | None = None,
) -> Any:
    """Read training dynamics that were logged epoch by epoch.

    Parameters
    ----------
    path : str, path-like or list of these
        A folder, or files of one kind, also as a pattern of their names:

        - a log of this library: the folder that the parameter `log` names, or Parquet files with
          the columns `sample_id`, `epoch`, `true_proba`, `correct`, `margin`, `label`, `loss` and
          `el2n`;
        - ``dynamics_epoch_N.jsonl`` of the reference implementation [1]_, or the folder
          ``training_dynamics`` of them. The names hold the epochs; other files are left out;
        - ``td_metrics.jsonl`` or a ``..._data_map_coordinates.jsonl`` of the same, which is a map.

        Files that end in ``.jsonl`` may be compressed, as ``.jsonl.gz``.
    sample_ids : array-like of shape (n_samples,), default=None
        The ids of the rows of your data set, in their order, which is then that of the result.
        None: the order of the training for a log of this library, that of the ids for other Parquet
        files, and else that of the first file.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the columns of logits. None: those of the run; for the reference
        implementation, 0 to n_classes - 1.
    n_epochs : int, default=None
        Of a map, the number of its epochs, since its `correctness` is a count. None: as the name of
        the file says, in ``..._0_6_data_map_coordinates.jsonl``. Of other files, the number of
        planned epochs, as of :func:`data_map_from_logs`.

    Returns
    -------
    dynamics : TrainingDynamics or DataMap
        The training dynamics, with their history; of a map, the data map.

    Raises
    ------
    FileNotFoundError
        If a file does not exist, or a folder holds no log.
    LogConflictError
        If a folder holds the logs of several runs.
    SampleAlignmentError
        If an id has two labels, or no id is among `sample_ids`.
    ValueError
        If a file is damaged, naming it and, of text, the line; or if files are of several kinds.

    Warns
    -----
    LogRowsWarning
        If rows are missing at some epochs, occur several times at one, or are none of `sample_ids`.

    See Also
    --------
    data_map_from_logs : Make the data map of a log that is larger than memory.

    Notes
    -----
    A row that lacks some epochs has the statistics of the others; one that lacks all of them has
    NaN, and the label of the run, or the first class if that is unknown. If it occurs several times
    at one epoch, the first line of JSON counts, and of Parquet files, which have no order, the
    largest of each value.

    Ids are compared by value: text is no number, and of dates and other objects, the text counts.

    The reference implementation counts 1000 forgetting events for rows that were never learned;
    they are infinite here.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020;
       https://github.com/allenai/cartography.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_carto import DataMap
    >>> from sklearn_carto.logs import read_dynamics
    >>> line = '{"guid": 7, "logits_epoch_%d": [%f, 0.0], "gold": 0}'
    >>> with TemporaryDirectory() as folder:
    ...     for epoch in range(2):
    ...         file = Path(folder) / f"dynamics_epoch_{epoch}.jsonl"
    ...         _ = file.write_text(line % (epoch, epoch))
    ...     dynamics = read_dynamics(folder)
    >>> DataMap.from_dynamics(dynamics).confidence.round(2)
    array([0.62])
    """
    # 1. Check the arguments, and find the files.
    paths = as_paths(path, "read_dynamics")
    if sample_ids is not None:
        n_samples = len(sample_ids) if isinstance(sample_ids, Sized) else 0
        sample_ids = check_sample_ids(sample_ids, n_samples, "read_dynamics")
    if classes is not None:
        classes = as_labels(classes, "classes", "read_dynamics")
    if len(paths) == 1 and paths[0].is_dir():
        name, files = str(paths[0]), _files_in(paths[0])
    else:
        files = [file for one in paths for file in ([one] if one.is_dir() else files_at(one))]
        name = name_of_log(files)
    kinds = {_kind_of(file) for file in files}
    if len(kinds) > 1:
        raise InvalidParameterError(
            f"The 'path' parameter of read_dynamics must name files of one kind. Got {name} of "
            f"{' and '.join(sorted(kinds))}."
        )
    # 2. Read them.
    (kind,) = kinds
    if kind == "dynamics":
        return read_reference_dynamics(
            files, name, sample_ids=sample_ids, classes=classes, n_epochs=n_epochs
        )
    if kind == "map":
        if len(files) > 1:
            raise InvalidParameterError(
                f"The 'path' parameter of read_dynamics must name a single map. Got {len(files)}."
            )
        if classes is not None:
            raise InvalidParameterError(
                f"The 'classes' parameter of read_dynamics must be None for {files[0]}, which "
                "holds no labels."
            )
        fields = read_reference_map(files[0], name, sample_ids=sample_ids, n_epochs=n_epochs)
        with damage_named(files[0], "data map"):
            return DataMap(**fields)
    found, run = find_log(path, "read_dynamics")
    name = name_of_log(found) if len(paths) > 1 else name
    return read_parquet_log(
        found, run, name, sample_ids=sample_ids, classes=classes, n_epochs=n_epochs
    )


def _files_in(folder):
    """List the files of a log in a folder; in one of Parquet files, the folder itself."""
    if files_of_runs(folder):
        return [folder]
    for pattern in (DYNAMICS_FILE, MAP_FILE):
        for place in (folder, folder / "training_dynamics"):
            names = [*place.iterdir()] if place.is_dir() else []
            found = sorted(one for one in names if pattern.fullmatch(one.name))
            if found:
                return found
    if any(folder.glob("*.parquet")):
        return [folder]
    raise FileNotFoundError(
        f"{folder} holds no log: neither files whose names end in .parquet, nor "
        f"dynamics_epoch_N.jsonl or td_metrics.jsonl.{hint_of_folders_below(folder)}"
    )


def _kind_of(path):
    if DYNAMICS_FILE.fullmatch(path.name):
        return "dynamics"
    return "map" if MAP_FILE.fullmatch(path.name) else "parquet"


@validate_params(dynamics=[TrainingDynamics])
def write_dynamics(dynamics: TrainingDynamics, path: PathType) -> None:
    """Write recorded training dynamics as a log, one Parquet file for each epoch.

    Parameters
    ----------
    dynamics : TrainingDynamics
        The training dynamics, with their history.
    path : str or path-like
        The folder of the log, which must not hold another one. It is made if it does not exist.

    Raises
    ------
    LogConflictError
        If the folder holds the log of a run.
    OSError
        If a file cannot be written.
    ValueError
        If no epoch or no history was recorded.

    See Also
    --------
    read_dynamics : Read a log.

    Notes
    -----
    Of a history in half precision, the log holds the values that it kept: a map of the log is then
    rounded, and that of the dynamics is not.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sklearn_carto import TrainingDynamics
    >>> from sklearn_carto.logs import read_dynamics, write_dynamics
    >>> dynamics = TrainingDynamics(["cat", "dog"], sample_ids=["a", "b"])
    >>> dynamics.update(0, np.array([[0.5, 0.5], [0.25, 0.75]]))
    >>> with TemporaryDirectory() as folder:
    ...     write_dynamics(dynamics, folder)
    ...     again = read_dynamics(folder)
    >>> again.true_proba[:, 0], again.sample_ids.tolist()
    (array([0.5 , 0.75], dtype=float32), ['a', 'b'])
    """
    dynamics._check_history("write_dynamics")
    if dynamics.n_epochs == 0:
        raise ValueError("These training dynamics hold no epoch yet: call update first.")
    log = EpochLog(path, "write_dynamics", strict=True, parameter="path")
    rows = LogRows(
        dynamics.n_samples,
        dynamics.record,
        dynamics.sample_ids,
        dynamics.labels,
        dynamics.classes,
        dynamics.held_out_mask,
        dynamics.excluded_mask,
        dynamics._planned_epochs,
        dynamics.margin_from,
    )
    log.open(rows, 0)
    for epoch in range(dynamics.n_epochs):
        found, observation = dynamics._observation_at(epoch)
        if len(found):
            log.add(epoch, found, observation, dynamics._y_encoded[found], rows)


@validate_params(
    engine=[StrOptions(set(ENGINES)), None], lazy=["boolean"], n_epochs=[Count(1), None]
)
def data_map_from_logs(
    log: PathType | Sequence[PathType] | Frame,
    *,
    engine: Literal["polars", "duckdb", "dask", "pyspark", "pandas", "pyarrow"] | None = None,
    lazy: bool = False,
    n_epochs: int | None = None,
) -> Any:
    """Make the data map of a log on an engine for data frames, which may be a cluster.

    The log is aggregated where it lies: only the map is collected, or not even that.

    Parameters
    ----------
    log : str, path-like, list of these or frame
        The log: its folder, Parquet files or a pattern of their names, or a frame of polars, DuckDB
        (a relation), Dask, PySpark, pandas or pyarrow. The columns `sample_id`, `epoch` (from 0),
        `true_proba` and `correct` are required; `margin`, `label`, `loss`, `el2n`, `held_out` and
        `excluded` are optional. A row holds what one sample has at one epoch. Ids and labels are
        numbers, text or booleans; categories, dates, decimals and integers of 128 bits become text,
        as the engine writes it. Files may hold further columns.
    engine : {"polars", "duckdb", "dask", "pyspark", "pandas", "pyarrow"}, default=None
        The engine that reads the files. None: Polars; for a frame, its own.
    lazy : bool, default=False
        Whether to return the map as a frame of the engine, which is not computed yet where the
        engine is lazy. The epochs are read now.
    n_epochs : int, default=None
        Number of planned epochs, which sets the window of the DUAL score. None: that of the run, or
        the number of epochs in the log.

    Returns
    -------
    data_map : DataMap or frame
        The map: in the order of the training if the log is the folder of a run, with NaN for rows
        that no epoch holds, else in that of the ids. Statistics whose column is absent are None.
        With ``lazy=True``, a frame of the engine, in no order, with the columns `sample_id`,
        `label`, `label_max`, the statistics, `n_seen`, the number of epochs of a row, and `n_rows`,
        the number of its rows; booleans are 0 and 1. On DuckDB, that of files belongs to a
        connection of its own.

    Raises
    ------
    ImportError
        If a library is missing, naming the extra to install.
    ValueError
        If columns are missing, of a wrong type or hold invalid values; if a file is damaged, or
        files do not fit; or if a folder holds several runs.
    SampleAlignmentError
        If an id has two labels; with ``lazy=True``, `label` and `label_max` then differ.

    Warns
    -----
    LogRowsWarning
        If rows are missing at some epochs, or occur several times at one. Not with ``lazy=True``.

    See Also
    --------
    read_dynamics : Read a log with its history.
    select_from_logs : Select rows of a log.

    Notes
    -----
    Statistics are those of :meth:`DataMap.from_dynamics`, up to the rounding of double precision.
    Of rows that occur several times at one epoch, the largest of each value counts. A frame may
    begin with a later epoch than 0, after a burn-in; of files, epochs that are missing at the
    beginning are reported.

    Examples
    --------
    >>> import polars as pl
    >>> from sklearn_carto.logs import data_map_from_logs
    >>> log = pl.LazyFrame({
    ...     "sample_id": ["a", "b", "a", "b"], "epoch": [0, 0, 1, 1],
    ...     "true_proba": [0.5, 0.2, 0.9, 0.4], "correct": [True, False, True, False],
    ... })
    >>> data_map = data_map_from_logs(log)
    >>> data_map.confidence.round(2), data_map.sample_ids.tolist()
    (array([0.7, 0.3]), ['a', 'b'])
    """
    log = LogFrame(log, engine, "data_map_from_logs", n_epochs)
    if lazy:
        return log.lazy_map().to_native()
    columns = log.collect_map()
    return DataMap(**map_fields(log, columns))


@validate_params(
    stratify=["boolean"],
    random_state=["random_state"],
    engine=[StrOptions(set(ENGINES)), None],
    lazy=["boolean"],
    path=[str, PathLike, None],
    n_epochs=[Count(1), None],
)
def select_from_logs(
    log: PathType | Sequence[PathType] | Frame,
    region: str,
    frac: float,
    *,
    stratify: bool = True,
    random_state: RandomStateType = 0,
    engine: Literal["polars", "duckdb", "dask", "pyspark", "pandas", "pyarrow"] | None = None,
    lazy: bool = False,
    path: PathType | None = None,
    n_epochs: int | None = None,
) -> Array:
    """Select rows of a log by their place on its data map, on an engine for data frames.

    Parameters
    ----------
    log : str, path-like, list of these or frame
        The log, as of :func:`data_map_from_logs`.
    region : str
        Which rows to prefer: ``"ambiguous"``, ``"easy"``, ``"hard"`` or
        ``"high-<statistic>"`` or ``"low-<statistic>"``, see :meth:`DataMap.select`, whose other
        regions need the map itself.
    frac : float
        Share of the rows to select, in (0, 1]; exactly ``max(1, round(frac * n_rows))`` of the rows
        of the log that are not excluded.
    stratify : bool, default=True
        Whether each class keeps its share of the rows.
    random_state : int, RandomState instance or None, default=0
        Breaks ties between the remainders of the quotas of classes, as in
        :meth:`DataMap.select`. Ties between rows are broken by their ids.
    engine : {"polars", "duckdb", "dask", "pyspark", "pandas", "pyarrow"}, default=None
        The engine that reads the files. None: Polars; for a frame, its own.
    lazy : bool, default=False
        Whether to return the ids as a frame of the engine.
    path : str or path-like, default=None
        Parquet file to write the ids to, in the column `sample_id`; an old one is replaced. It must
        lie outside the folder of the log. Not with ``lazy=True``.
    n_epochs : int, default=None
        Number of planned epochs, as of :func:`data_map_from_logs`.

    Returns
    -------
    sample_ids : ndarray of shape (n_rows,) or frame
        The ids of the selected rows, ascending: of the folder of a run, as the run was given them.
        With ``lazy=True``, a frame with the column `sample_id`, in no order, which on DuckDB
        belongs to a connection of its own: pass ``relation.to_arrow_table()`` to another one.

    Raises
    ------
    ImportError
        If a library is missing, naming the extra to install.
    OSError
        If `path` cannot be written.
    ValueError
        If the region, a share or `path` is invalid, or if the log lacks labels, or the column that
        a statistic needs.
    SampleAlignmentError
        If an id has two labels.

    Warns
    -----
    LogRowsWarning
        If rows are missing at some epochs, or occur several times at one.
    HeldOutRowsWarning
        If some rows were held out; they are ranked separately, and keep their share.
    MissingClassesWarning
        If fewer rows are selected than there are classes.

    See Also
    --------
    DataMap.select : Select rows of a map in memory.

    Notes
    -----
    All engines select the same rows: statistics that differ by less than 1e-10 tie.

    Examples
    --------
    >>> import polars as pl
    >>> from sklearn_carto.logs import select_from_logs
    >>> log = pl.LazyFrame({
    ...     "sample_id": ["a", "b", "a", "b"], "epoch": [0, 0, 1, 1],
    ...     "true_proba": [0.5, 0.2, 0.9, 0.4], "correct": [True, False, True, False],
    ... })
    >>> select_from_logs(log, "hard", 0.5, stratify=False).tolist()
    ['b']
    """
    check_frac(frac)
    rule = _rule_of(region)
    if lazy and path is not None:
        raise InvalidParameterError(
            "The 'path' parameter of select_from_logs needs lazy=False: a lazy frame is not "
            "computed, and is written by its engine."
        )
    log = LogFrame(log, engine, "select_from_logs", n_epochs)
    file = None if path is None else check_output(path, log)
    seed = draw_seed(random_state)
    chosen, keys = select_on_engine(
        log, rule, frac, stratify=stratify, seed=seed, owner="select_from_logs"
    )
    if lazy:
        return chosen.to_native()
    column = log.original_type("sample_id", collect(chosen, log.engine)["sample_id"])
    column = np.sort(column)
    release(keys, log.engine)
    if file is not None:
        write_ids(column, file)
    return original_ids(column, log.run)


def _rule_of(region):
    """Return the sign and the statistic of a region."""
    rules = parse_region(region) if isinstance(region, str) else []
    if len(rules) != 1 or not isinstance(rules[0][0], tuple):
        raise InvalidParameterError(
            "The 'region' parameter of select_from_logs must be 'ambiguous', 'easy', 'hard', or "
            f"'<high|low>-<statistic>'. Got {describe(region)} instead. Other regions need the map "
            "itself: data_map_from_logs(...).select(...)."
        )
    return rules[0][0]
