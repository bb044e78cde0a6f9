"""EpochLog: write the epochs of a run to a folder of Parquet files while it trains."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np

from sklearn_carto._logs._log_columns import as_column, id_column
from sklearn_carto._logs._log_files import (
    RUN_FILE,
    RUN_KIND,
    check_folder,
    files_of_runs,
    name_of_file,
    read_run,
)
from sklearn_carto._utils._archive import write_archive
from sklearn_carto._utils._arrays import same_entries
from sklearn_carto._utils._files import new_file
from sklearn_carto._utils._packages import require
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import LogConflictError, NotLoggedWarning


class LogRows(NamedTuple):
    """The rows of a run; arrays are None where they are not known."""

    n_samples: int
    record: str
    sample_ids: np.ndarray | None = None
    labels: np.ndarray | None = None
    classes: np.ndarray | None = None
    held_out_mask: np.ndarray | None = None
    excluded_mask: np.ndarray | None = None
    planned_epochs: int | None = None
    margin_from: str | None = None


class EpochLog:
    """Write the epochs of one run to a folder, one Parquet file for each rank and epoch.

    A file appears once it is whole, so that the folder can be read at any time. A folder holds one
    run: another one raises a LogConflictError before it trains, and a run that is resumed replaces
    the epochs that come after those it continues. Where a file cannot be written, a
    NotLoggedWarning is issued, and its epoch is written together with the next one.

    Parameters
    ----------
    folder : str or path-like
        The folder; it is made if it does not exist.
    owner : str
        Name of the class that has the parameter, for the errors.
    strict : bool, default=False
        Whether an error of writing is raised, instead of a warning.
    parameter : str, default="log"
        Name of the parameter that holds the folder, for the errors.

    Attributes
    ----------
    run : str
        Key of the run, which the names of all its files hold.
    """

    def __init__(self, folder, owner, *, strict=False, parameter="log"):
        self.folder = check_folder(folder, owner, parameter).absolute()
        self.owner, self.parameter = owner, parameter
        require("pyarrow", f"{owner}(log=...)", "sklearn-carto[logs]")
        self.run, self.strict = uuid4().hex[:12], strict
        self._resumes, self._is_known = False, True
        self._begin()

    def _begin(self):
        self._is_open, self._wrote_run = False, False
        self._waiting: list[tuple[str, Any]] = []  # names and tables of files to be written
        self._n_parts: dict[int, int] = {}  # by epoch
        self._ids: Any = None
        self._held: set[int] = set()

    def __getstate__(self):
        """Exclude what belongs to this process; a copy continues the run."""
        state = {name: value for name, value in vars(self).items() if name not in _OF_PROCESS}
        return state | {"_resumes": self._resumes or self._is_open}

    def __setstate__(self, state):
        """Continue the run."""
        vars(self).update(state)
        self._begin()

    def resume(self, run=None):
        """Continue a run whose recording was restored.

        Parameters
        ----------
        run : str, default=None
            Its key. None: unknown; the run of the folder must then have the same rows.
        """
        self._resumes, self._is_known = True, run is not None
        self.run = run or self.run
        self._is_open = False

    def open(self, rows, n_recorded):
        """Prepare the folder, ahead of the training.

        Parameters
        ----------
        rows : LogRows
            The rows of the run, as far as they are known.
        n_recorded : int
            Number of epochs that were recorded before.

        Raises
        ------
        LogConflictError
            If the folder holds the log of another run.
        OSError
            If it cannot be made or written to.
        InvalidParameterError
            If two rows have the same id.
        """
        if self._is_open:
            return
        self._ids = id_column(rows.sample_ids, rows.n_samples, self.owner, self.parameter)
        self.check_writable()
        files = files_of_runs(self.folder)
        keys = {file.run for file in files}  # a run without a file leaves the folder free
        run = read_run(self.folder) if keys else None
        if self._resumes and not self._is_known and len(keys) == 1 and _is_of(run, rows):
            self.run = keys.copy().pop()
        if keys - {self.run} or (keys and not self._resumes):
            raise self._conflict(files)
        stale = [file.path for file in files if file.epoch >= n_recorded]  # are trained again
        halves = self.folder.glob(f".epoch-*.{self.run}.parquet.*")  # that a kill has left
        for path in (*stale, *halves):
            path.unlink(missing_ok=True)
        self._held = {file.epoch for file in files}  # while no rank has begun to write
        self._wrote_run = run is not None and run.facts["run"] == self.run
        self._is_open = True

    def check_free(self):
        """Raise a LogConflictError if the folder holds the log of a run."""
        files = files_of_runs(self.folder) if self.folder.is_dir() else []
        if files:
            raise self._conflict(files)

    def check_writable(self):
        """Make the folder, and raise an OSError if it cannot be written to."""
        self.folder.mkdir(parents=True, exist_ok=True)
        probe = self.folder / f".{uuid4().hex}"
        probe.touch()
        probe.unlink()

    def _conflict(self, files):
        return LogConflictError(
            f"The folder {str(self.folder)!r} holds the log of another run, of "
            f"{len({file.epoch for file in files})} epochs, and a log holds one run. Pass another "
            f"folder as the {self.parameter!r} parameter of {self.owner}, or remove that one."
        )

    def add(self, epoch, rows, observation, y_encoded, log_rows, *, dynamics=None, share=(0, 1)):
        """Write some rows at one epoch.

        Parameters
        ----------
        epoch : int
            The epoch, counted from 0.
        rows : slice or ndarray of int
            Positions of the rows.
        observation : Observation
            What was recorded of them, five arrays of shape (n_rows,).
        y_encoded : ndarray of int of shape (n_rows,)
            Position of the label of each row among the classes.
        log_rows : LogRows
            All rows of the run.
        dynamics : TrainingDynamics, default=None
            Holds the epochs that were recorded before, which a resumed run writes if they are
            missing in the folder.
        share : tuple of (int, int), default=(0, 1)
            Rank and number of the processes that record the same rows, each of which writes its
            part of them.
        """
        self.open(log_rows, epoch)
        if self._resumes and dynamics is not None:
            self.add_missing(epoch, log_rows, dynamics, share)
        rank, n_ranks = share
        positions = np.arange(log_rows.n_samples)[rows]
        part = slice(rank, None, n_ranks)
        table = self._make_table(
            epoch, positions[part], [values[part] for values in observation], y_encoded[part],
            log_rows,
        )  # fmt: skip
        number = self._n_parts[epoch] = self._n_parts.get(epoch, -1) + 1
        self._waiting.append((name_of_file(epoch, rank, number, self.run), table))
        self._write(log_rows, rank)

    def add_missing(self, epoch, log_rows, dynamics, share=(0, 1)):
        """Add the epochs ahead of `epoch` that the folder lacks."""
        self._resumes = False
        missing = sorted(set(range(epoch)) - self._held)
        if missing and not dynamics.keep_history:
            warn(
                f"The log in {str(self.folder)!r} lacks the epochs {missing[:5]} of the run that "
                "is continued, which keep_history=False did not keep: continue it in the folder "
                "of its log.",
                NotLoggedWarning,
            )
            return
        self.write_epochs(missing, log_rows, dynamics, share)

    def write_epochs(self, epochs, log_rows, dynamics, share=(0, 1)):
        """Write whole epochs of a recording again, which holds their history."""
        self._resumes = False
        for epoch in epochs:
            rows, observation = dynamics._observation_at(epoch)
            y_encoded = dynamics._y_encoded[rows]
            self.add(epoch, rows, observation, y_encoded, log_rows, share=share)

    def _make_table(self, epoch, positions, values, y_encoded, log_rows):
        import pyarrow as pa

        true_proba, correct, margin, el2n, loss = values
        columns = {
            "sample_id": self._ids[positions],
            "epoch": np.full(len(positions), epoch, dtype=np.int32),
            "true_proba": true_proba,
            "correct": correct,
            "margin": margin,
            "label": as_column(log_rows.classes)[y_encoded],
            "loss": loss,
            "el2n": el2n,
        }
        for name in ("held_out", "excluded"):
            mask = getattr(log_rows, f"{name}_mask")
            if mask is not None and mask.any():
                columns[name] = mask[positions]
        return pa.table({name: pa.array(column) for name, column in columns.items()})

    def _write(self, log_rows, rank):
        """Write the files that wait; those that cannot be written go on waiting."""
        import pyarrow.parquet as pq

        try:
            if not self._wrote_run and rank == 0:
                self._write_run(log_rows)
            while self._waiting:
                name, table = self._waiting[0]
                with new_file(self.folder / name) as file:
                    pq.write_table(table, file, use_dictionary=["epoch", "label"])
                self._waiting.pop(0)
        except OSError as error:
            if self.strict:
                raise
            warn(
                f"{len(self._waiting)} files of the log in {str(self.folder)!r} could not be "
                f"written ({type(error).__name__}: {error}). Their epochs are recorded, and are "
                "kept to be written with the next one.",
                NotLoggedWarning,
            )

    def _write_run(self, log_rows):
        values = log_rows._asdict()
        names = ("sample_ids", "labels", "classes", "held_out_mask", "excluded_mask")
        arrays = {name: values.pop(name) for name in names}
        write_archive(self.folder / RUN_FILE, RUN_KIND, arrays, {"run": self.run, **values})
        self._wrote_run = True


_OF_PROCESS = ("_is_open", "_wrote_run", "_waiting", "_n_parts", "_ids", "_held")


def _is_of(run, rows):
    """Whether a run has the same rows, labels and origin of scores, as far as both are known."""
    if (
        run is None
        or run.facts["n_samples"] != rows.n_samples
        or run.facts["record"] != rows.record
    ):
        return False
    labels = run.arrays.get("labels")
    same = labels is None or rows.labels is None or same_entries(labels, rows.labels)
    return same and same_entries(run.arrays.get("sample_ids"), rows.sample_ids)
