"""The history of recorded training dynamics: every epoch, in memory or in files."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import numpy as np

from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._utils._compat import InvalidParameterError, StrOptions
from sklearn_carto._utils._validation import describe

KEEP_HISTORY = ["boolean", StrOptions({"float16"})]  # what the parameter of this name may be
HISTORY_DIR = [str, os.PathLike, None]


def make_history(n_samples, keep_history, history_dir=None):
    """Make the history that `keep_history` and `history_dir` ask for; None if none is kept."""
    if not _is_kept(keep_history):
        return None
    dtype = np.float16 if isinstance(keep_history, str) else np.float32
    if history_dir is None:
        return History(n_samples, dtype)
    return FileHistory(n_samples, dtype, history_dir)


def check_history_dir(history_dir, keep_history, owner):
    """Make the folder of a history, unless it exists, and check that files can be written there.

    Raises an InvalidParameterError if there is no history to write, and an OSError that names the
    folder if it cannot be made or written to.
    """
    if history_dir is None:
        return
    if not _is_kept(keep_history):
        raise InvalidParameterError(
            f"The 'history_dir' parameter of {owner} must be None with keep_history=False, which "
            f"keeps no history. Got {describe(history_dir)} instead."
        )
    folder = folder_of(history_dir)
    if not os.fsdecode(history_dir) or "\0" in str(folder):
        raise InvalidParameterError(
            f"The 'history_dir' parameter of {owner} must be the path of a folder. Got "
            f"{describe(history_dir)} instead."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise _os_error(error, _cannot(folder, "made")) from error
    if not writable:
        raise PermissionError(f"{_cannot(folder, 'written to')}.")


def folder_of(history_dir):
    """Return the folder, whatever the working directory becomes."""
    return Path(os.path.expanduser(os.fsdecode(history_dir))).absolute()


def _is_kept(keep_history):
    return isinstance(keep_history, str) or bool(keep_history)


def _cannot(folder, what):
    return f"The folder of the history, {os.fspath(folder)!r}, cannot be {what}"


def _os_error(error, what):
    """Make an error of the same kind, as the number of the system's error determines it."""
    number = getattr(error, "errno", None)
    reason = getattr(error, "strerror", None) or str(error)
    return (
        OSError(f"{what} ({reason}).") if number is None else OSError(number, f"{what}: {reason}")
    )


class History:
    """The observation of all rows at each epoch, in memory.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    dtype : {np.float32, np.float16}
        Type of the probabilities, margins, norms and losses.
    """

    def __init__(self, n_samples, dtype=np.float32):
        self.n_samples, self.dtype = n_samples, np.dtype(dtype)
        self._epochs: list[Observation | None] = []

    def __len__(self):
        """Return the number of epochs."""
        return len(self._epochs)

    def write(self, epoch, observation, rows=slice(None)):
        """Write the observation of some rows at one epoch."""
        observation = self._rounded(observation)
        before = self._epochs[epoch] if epoch < len(self._epochs) else None
        if before is None and _is_everything(rows):
            before = Observation(*(v if v.base is None else v.copy() for v in observation))
        else:
            before = blank_observation(self.n_samples, self.dtype) if before is None else before
            for kept, new in zip(before, observation, strict=True):
                kept[rows] = new
        self._epochs += [None] * (epoch + 1 - len(self._epochs))
        self._epochs[epoch] = before

    def epochs(self):
        """List the observation of all rows at each epoch, which must not be written to.

        NaN stands for a row that is missing from an epoch, and None for an epoch without any row.
        """
        return self._epochs

    def stacked(self, name):
        """Return what was recorded, one of the names of an observation, for all epochs.

        An array of shape (n_samples, n_epochs).
        """
        blank = blank_observation(self.n_samples, self.dtype)
        by_epoch = [getattr(observation or blank, name) for observation in self.epochs()]
        return np.stack([getattr(blank, name), *by_epoch], axis=1)[:, 1:]

    def replaced(self, epochs):
        """Make a history of other epochs, in the same type and place."""
        other = self._empty()
        for epoch, observation in enumerate(epochs):
            other.write(epoch, observation)
        return other

    def _empty(self):
        return History(self.n_samples, self.dtype)

    def _rounded(self, observation):
        """Return an observation in the type of the history; what exceeds it is its largest."""
        if self.dtype == np.float32:
            return Observation(*(v if v.dtype != "f2" else v.astype("f4") for v in observation))
        highest = np.finfo(self.dtype).max
        return Observation(
            *(
                value if value.dtype == bool else np.clip(value, -highest, highest).astype("f2")
                for value in observation
            )
        )


class FileHistory(History):
    """A history in files, of which only those parts are in memory that are being read.

    There is one npy file for each field of an observation, of shape (n_epochs, n_samples), in a
    subfolder that is made with the first epoch, so that several trainings may share a folder. Files
    are written by ordinary means, where a full disk is an error, and read as memory maps. A copy or
    a pickle is a history in memory; if the files were removed, it is one whose values cannot be
    read either.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    dtype : {np.float32, np.float16}
        Type of the probabilities, margins, norms and losses.
    folder : str or path-like
        Where to make the subfolder.
    """

    def __init__(self, n_samples, dtype, folder):
        super().__init__(n_samples, dtype)
        self.folder = folder_of(folder).resolve() / f"dynamics_{uuid4().hex[:12]}"
        self._is_recorded: list[bool] = []

    def _empty(self):
        return FileHistory(self.n_samples, self.dtype, self.folder.parent)

    def __reduce__(self):
        """Copy and pickle the values, into memory: another machine may lack the files."""
        try:
            seen = self.epochs()
        except FileNotFoundError:  # the statistics, which do not need it, are copied all the same
            return _restore_removed, (self.n_samples, self.dtype, self.folder, self._is_recorded)
        epochs = [
            None if one is None else Observation(*(np.array(values) for values in one))
            for one in seen
        ]
        return _restore, (self.n_samples, self.dtype, epochs)

    def __len__(self):
        """Return the number of epochs."""
        return len(self._is_recorded)

    def write(self, epoch, observation, rows=slice(None)):
        """Write the observation of some rows at one epoch; nothing counts until all is written."""
        observation = self._rounded(observation)
        try:
            if len(self) == 0:
                self.folder.mkdir(parents=True, exist_ok=True)
            for name, values in zip(Observation._fields, observation, strict=True):
                with self._path(name).open("r+b" if len(self) else "w+b") as file:
                    self._write(file, name, values, epoch, rows)
        except OSError as error:
            what = f"The history of epoch {epoch} cannot be written to {os.fspath(self.folder)!r}"
            raise _os_error(error, f"{what}; the epochs before this one are kept") from error
        self._is_recorded += [False] * (epoch + 1 - len(self))
        self._is_recorded[epoch] = True

    def _write(self, file, name, values, epoch, rows):
        blank = getattr(blank_observation(1, self.dtype), name)
        size, n_epochs = self.n_samples * blank.itemsize, max(len(self), epoch + 1)
        header = {"descr": blank.dtype.str, "fortran_order": False}
        header["shape"] = (n_epochs, self.n_samples)
        # the header keeps room for more epochs, so that its length does not change
        head = BytesIO()
        np.lib.format.write_array_header_1_0(head, header)
        for earlier in range(len(self), n_epochs):
            file.seek(head.tell() + earlier * size)
            if earlier < epoch or not _is_everything(rows):
                file.write(np.repeat(blank, self.n_samples).tobytes())
        start = head.tell() + epoch * size
        positions = range(self.n_samples)[rows] if isinstance(rows, slice) else rows
        contiguous = isinstance(positions, range) and positions.step == 1
        if not contiguous:
            file.seek(start)
            whole = np.frombuffer(file.read(size), dtype=blank.dtype).copy()
            whole[rows] = values
            values = whole
        elif len(positions):
            start += positions.start * blank.itemsize
        file.seek(start)
        file.write(np.ascontiguousarray(values).tobytes())
        file.seek(0)
        file.write(head.getvalue())

    def epochs(self):
        """List the observation of all rows at each epoch, as memory maps."""
        fields = Observation._fields if len(self) else ()
        maps = [np.asarray(self._read(name)) for name in fields]  # slices of a memmap are slow
        return [
            Observation(*(one[epoch] for one in maps)) if recorded else None
            for epoch, recorded in enumerate(self._is_recorded)
        ]

    def stacked(self, name):
        """Return what was recorded for all epochs, as a memory map that cannot be written to."""
        if len(self) == 0:
            return super().stacked(name)
        return self._read(name)[: len(self)].T

    def _read(self, name):
        path = self._path(name)
        try:
            found = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            what = f"The history in {os.fspath(path)!r} cannot be read; statistics do not need it"
            raise _os_error(error, what) from error
        blank = getattr(blank_observation(1, self.dtype), name)
        if found.shape[1:] != (self.n_samples,) or found.dtype != blank.dtype:
            raise OSError(f"{os.fspath(path)!r} does not hold the history; it was overwritten.")
        if len(found) < len(self):
            raise OSError(f"{os.fspath(path)!r} lacks epochs of the history.")
        return found

    def _path(self, name):
        return self.folder / f"{name}.npy"


def _restore(n_samples, dtype, epochs):
    history = History(n_samples, dtype)
    history._epochs = epochs
    return history


def _restore_removed(n_samples, dtype, folder, is_recorded):
    history = FileHistory.__new__(FileHistory)
    History.__init__(history, n_samples, dtype)
    history.folder, history._is_recorded = folder, list(is_recorded)
    return history


def _is_everything(rows):
    return isinstance(rows, slice) and rows == slice(None)


def blank_observation(n_samples, dtype=np.float32):
    """Make the observation of an epoch at which no row is recorded yet."""
    blank = [np.full(n_samples, np.nan, dtype=dtype) for _ in range(5)]
    blank[1] = np.zeros(n_samples, dtype=bool)
    return Observation(*blank)
