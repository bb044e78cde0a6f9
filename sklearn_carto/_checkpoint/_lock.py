"""Exclusive use of a folder, which ends with the process however that ends."""

from __future__ import annotations

import os
import threading
from typing import Any

from sklearn_carto.exceptions import CheckpointError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = "carto.lock"
_IN_USE: set[str] = set()  # by this process, whose threads a lock of the system does not exclude
_GUARD = threading.Lock()


class FolderLock:
    """Exclusive use of a folder by one training.

    A record lock (`lockf`) is not inherited by worker processes, which may outlive a process that
    is killed.

    Raises
    ------
    CheckpointError
        If another training uses the folder.
    """

    def __init__(self, folder):
        self.key = str(folder.resolve())
        self.file: Any = None
        with _GUARD:
            if self.key in _IN_USE:
                raise _in_use(folder)
            _IN_USE.add(self.key)
        try:
            self.file = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o666)
            self._lock(folder)
        except BaseException:
            self.release()
            raise

    def _lock(self, folder):
        if fcntl is None:
            return
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise _in_use(folder) from None
        except OSError:  # a file system without locks
            return

    def release(self):
        """End the exclusive use."""
        if self.file is not None:
            os.close(self.file)
            self.file = None
        with _GUARD:
            _IN_USE.discard(self.key)


def _in_use(folder):
    return CheckpointError(
        f"Another training uses the checkpoint in {folder}. Give each training a folder of its "
        "own, or wait until the other one ends."
    )
