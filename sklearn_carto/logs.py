"""Logs of training dynamics: read them, and make data maps and selections of them on an engine."""

from __future__ import annotations

from pathlib import Path

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._logs._log_files import as_paths, files_of_runs, find_log
from sklearn_carto._logs._parquet_log import EpochLog, LogRows
from sklearn_carto._logs._parquet_reading import read_parquet_log
from sklearn_carto._logs._reference_format import (
    DYNAMICS_FILE,
    MAP_FILE,
    read_reference_dynamics,
    read_reference_map,
)
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._utils._archive import damage_named
from sklearn_carto._utils._arrays import as_labels
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import Count, check_sample_ids, validate_params

__all__ = ["read_dynamics", "write_dynamics"]


@validate_params(n_epochs=[Count(1), None])
def read_dynamics(path, *, sample_ids=None, classes=None, n_epochs=None):
    """Read training dynamics that were logged epoch by epoch.

    Parameters
    ----------
    path : str, path-like or list of these
        A folder, or files of one kind:

        - a log of this library: the folder that the parameter `log` names, or Parquet files with
          the columns `sample_id`, `epoch`, `true_proba`, `correct`, `margin`, `label`, `loss` and
          `el2n`;
        - ``dynamics_epoch_N.jsonl`` of the reference implementation [1]_, or the folder
          ``training_dynamics`` of them. The names hold the epochs; other files are left out;
        - ``td_metrics.jsonl`` or a ``..._data_map_coordinates.jsonl`` of the same, which is a map.

        Files that end in ``.jsonl`` may be compressed, as ``.jsonl.gz``.
    sample_ids : array-like of shape (n_samples,), default=None
        The ids of the rows of your data set, in their order, which is then that of the result. None:
        the order of the training for a log of this library, else that of the file, and that of
        the ids for other Parquet files.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the columns of logits. None: those of the run; for the reference
        implementation, 0 to n_classes - 1.
    n_epochs : int, default=None
        Number of epochs that a map is made of, whose `correctness` is a count. None: as the name of
        the file says, in ``..._0_6_data_map_coordinates.jsonl``. Other files hold it themselves.

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
    A row that lacks some epochs has the statistics of the others. If it occurs several times at one
    epoch, the first line of JSON counts, and of Parquet files, which have no order, the largest of
    each value.

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
        n_samples = len(sample_ids) if hasattr(sample_ids, "__len__") else 0
        sample_ids = check_sample_ids(sample_ids, n_samples, "read_dynamics")
    if classes is not None:
        classes = as_labels(classes, "classes", "read_dynamics")
    name = str(paths[0]) if len(paths) == 1 else f"{paths[0].parent} ({len(paths)} files)"
    files = _files_in(paths[0]) if len(paths) == 1 and paths[0].is_dir() else paths
    kinds = {_kind_of(file) for file in files}
    if len(kinds) > 1:
        raise InvalidParameterError(
            f"The 'path' parameter of read_dynamics must name files of one kind. Got {name} of "
            f"{' and '.join(sorted(kinds))}."
        )
    # 2. Read them.
    (kind,) = kinds
    if kind == "dynamics":
        _check_exist(files)
        return read_reference_dynamics(files, name, sample_ids=sample_ids, classes=classes)
    if kind == "map":
        _check_exist(files)
        if len(files) > 1:
            raise InvalidParameterError(
                f"The 'path' parameter of read_dynamics must name a single map. Got {len(files)}."
            )
        fields = read_reference_map(files[0], name, sample_ids=sample_ids, n_epochs=n_epochs)
        with damage_named(files[0], "data map"):
            return DataMap(**fields)
    found, run = find_log(path, "read_dynamics")
    return read_parquet_log(found, run, name, sample_ids=sample_ids, classes=classes)


def _files_in(folder):
    """List the files of a log in a folder; in one of Parquet files, the folder itself."""
    if files_of_runs(folder):
        return [folder]
    for place in (folder, folder / "training_dynamics"):
        names = [*place.iterdir()] if place.is_dir() else []
        for pattern in (DYNAMICS_FILE, MAP_FILE):
            found = sorted(one for one in names if pattern.fullmatch(one.name))
            if found:
                return found
    if any(folder.glob("*.parquet")):
        return [folder]
    raise FileNotFoundError(
        f"{folder} holds no log: neither Parquet files, nor dynamics_epoch_N.jsonl or "
        "td_metrics.jsonl."
    )


def _kind_of(path):
    if DYNAMICS_FILE.fullmatch(path.name):
        return "dynamics"
    return "map" if MAP_FILE.fullmatch(path.name) else "parquet"


def _check_exist(files):
    for file in files:
        if not Path(file).is_file():
            raise FileNotFoundError(f"{file} does not exist.")


@validate_params(dynamics=[TrainingDynamics])
def write_dynamics(dynamics, path):
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
        If no history was recorded.

    See Also
    --------
    read_dynamics : Read a log.

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
    log = EpochLog(path, "write_dynamics", strict=True)
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

