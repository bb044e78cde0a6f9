"""The state of a recording, in the folders where Keras backs a training up."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

import keras

from sklearn_carto._utils._archive import read_archive, write_archive

STATE_KIND = "state of a DataMapCallback"
N_KEPT = 2  # a process may be killed between the save of the state and that of the weights


class Backups:
    """The folders of the BackupAndRestore callbacks of the training that is about to begin.

    The state of an epoch must be saved ahead of the weights: the callback is moved ahead of those
    that save them, which all do when an epoch ends.

    Parameters
    ----------
    callback : Callback
        What records; its `on_train_begin` is being called.
    """

    def __init__(self, callback):
        callbacks = _callbacks_of_training(callback)
        kind = keras.callbacks.BackupAndRestore
        found = [i for i, one in enumerate(callbacks) if isinstance(one, kind)]
        folders = [str(callbacks[i].backup_dir) for i in found]
        # a folder on another machine is reached by the file system of Keras alone
        self.folders = [Path(folder) for folder in folders if "://" not in folder]
        if self.folders and found[0] < (place := callbacks.index(callback)):
            callbacks.insert(found[0], callbacks.pop(place))

    def save(self, epoch, state):
        """Save the state after a number of epochs."""
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
            write_archive(_path(folder, epoch), STATE_KIND, state, {})
            for path in folder.glob("training_dynamics-*.npz"):
                number = re.fullmatch(r"training_dynamics-(\d+)\.npz", path.name)
                if number and not epoch - N_KEPT < int(number[1]) <= epoch:
                    with suppress(OSError):
                        path.unlink()

    def load(self, epoch):
        """Load the state after a number of epochs; None if there is none."""
        for folder in self.folders:
            if _path(folder, epoch).exists():
                return read_archive(_path(folder, epoch), STATE_KIND)[0]
        return None


def _path(folder, epoch):
    return folder / f"training_dynamics-{epoch}.npz"


def _callbacks_of_training(callback):
    """Find the list of callbacks of the training that calls one of them."""
    frame = sys._getframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList) and callback in owner.callbacks:
            return owner.callbacks
        frame = frame.f_back  # type: ignore[assignment]
    return []
