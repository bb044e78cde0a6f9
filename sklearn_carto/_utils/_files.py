"""Files that are written whole or not at all, and are on the disk once they are written."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

# what file systems that cannot synchronise a folder answer
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}


@contextmanager
def new_file(path):
    """Open a file beside the old one, which it replaces once it is whole.

    Both the content and the name are on the disk on return, so that a process that is killed, a
    machine that loses power or a full disk leaves the old file or the new one, never a part.

    Parameters
    ----------
    path : path-like
        The file; a link is followed.

    Yields
    ------
    file : binary file
        What is written to it.

    Raises
    ------
    ValueError
        If something other than a regular file has this name.
    FileNotFoundError
        If the folder does not exist.
    OSError
        If the file cannot be written; an old one is unchanged.
    """
    path = Path(path).resolve()  # what a link points to
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} cannot be written; it is not a regular file.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written; its folder does not exist.")
    part = path.with_name(part_name(path.name))
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def part_name(name):
    """Name a file that is being written, of which a killed process leaves a part."""
    return f".{name[:100]}.{uuid4().hex}"


def sync_folder(folder):
    """Write the names in a folder to the disk, where the system supports that."""
    if os.name == "nt":  # it cannot open a folder
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(opened)
