"""The folder of a checkpoint: states, of which two are kept, blobs and a journal.

- ``state-N.carto``: what changes with each step. It names, by their content, the other files that
  belong to it.
- ``journal-N.carto``: what a step adds to what is recorded; the file names the one before it.
- other names: blobs, which are written once and belong to several states.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from pathlib import Path

from sklearn_carto._checkpoint._file import (
    FORMAT,
    DamagedFileError,
    OtherFormatError,
    check_file,
    read_file,
    write_file,
)
from sklearn_carto._checkpoint._lock import FolderLock
from sklearn_carto.exceptions import CheckpointError

SUFFIX = ".carto"
N_KEPT = 2  # states


class CheckpointFolder:
    """Files of a checkpoint in a folder, which is made if it does not exist.

    Parameters
    ----------
    path : path-like
        The folder. Files of other names are left alone.

    Attributes
    ----------
    blobs : dict of str to str
        Names of the blobs that the next state refers to, and of their content.
    problems : list of str
        What was wrong with files that `latest` has read.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.blobs: dict[str, str] = {}
        self.problems: list[str] = []
        self._states: dict[int, dict] = {}  # number of a good state: its blobs
        self._journal: list = [0, ""]  # number of files, content of the last one
        with self._explained():
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(self.path)

    def close(self):
        """End the use of the folder."""
        self._lock.release()

    def latest(self):
        """Read the last state all of whose files are whole.

        Returns
        -------
        facts : dict or None
            The facts of the state; None if there is none.
        parts : dict of str to ndarray or bytes
            Its parts.

        Raises
        ------
        CheckpointError
            If a state is of a format that this release does not read.
        """
        for number in sorted(self._numbers("state"), reverse=True):
            try:
                facts, parts, _ = read_file(self._path(f"state-{number}"))
                self._check(facts)
            except DamagedFileError as error:
                self.problems.append(str(error))
                continue
            except OtherFormatError as error:
                raise CheckpointError(
                    f"The checkpoint in {self.path} is of format {error}, of which this release of "
                    f"sklearn_carto reads {FORMAT}. Continue with the release that wrote it, or "
                    "set checkpoint to another folder to train from the beginning."
                ) from None
            self._states[number] = facts["blobs"]
            self.blobs, self._journal = dict(facts["blobs"]), list(facts["journal"])
            return facts["facts"], parts
        return None, {}

    def _check(self, facts):
        """Raise a DamagedFileError unless all files that a state refers to are whole."""
        for name, content in facts["blobs"].items():
            check_file(self._path(name), content)
        n_files, content = facts["journal"]
        for number in reversed(range(n_files)):
            content = check_file(self._path(f"journal-{number}"), content)["previous"]

    def write_state(self, facts, parts):
        """Write a state, and remove what neither it nor the one before it refers to."""
        number = 1 + max([*self._numbers("state"), 0])
        whole = {"blobs": self.blobs, "journal": self._journal, "facts": facts}
        with self._explained():
            write_file(self._path(f"state-{number}"), whole, parts)
        self._states[number] = dict(self.blobs)
        for old in sorted(self._states)[:-N_KEPT]:
            del self._states[old]
        self._clean()

    def write_blob(self, name, facts, parts):
        """Write a blob, to which the states that follow refer."""
        with self._explained():
            self.blobs[name] = write_file(self._path(name), facts, parts)

    def read_blob(self, name):
        """Return the facts and the parts of a blob."""
        facts, parts, _ = read_file(self._path(name), self.blobs[name])
        return facts, parts

    def append(self, facts, parts):
        """Write the next file of the journal."""
        number, previous = self._journal
        facts = {"previous": previous, "facts": facts}
        with self._explained():
            content = write_file(self._path(f"journal-{number}"), facts, parts)
        self._journal = [number + 1, content]

    def journal(self):
        """Yield facts and parts of the files of the journal, in order."""
        for number in range(self._journal[0]):
            facts, parts, _ = read_file(self._path(f"journal-{number}"))
            yield facts["facts"], parts

    def start_anew(self):
        """Forget all states, so that the next one is the first."""
        self.blobs, self._journal, self._states = {}, [0, ""], {}

    def _clean(self):
        """Remove files that no state refers to, and parts of files, if that is possible."""
        kept = {f"state-{number}" for number in self._states} | {*self.blobs}
        kept |= {name for blobs in self._states.values() for name in blobs}
        n_files = self._journal[0]
        for file in self.path.iterdir():
            name = file.name.removesuffix(SUFFIX)
            number = re.fullmatch(r"journal-(\d+)", name)
            in_journal = number is not None and int(number[1]) < n_files
            ours = file.name.endswith(SUFFIX) and _OWN.fullmatch(name)
            if _PART.fullmatch(file.name) or (ours and not in_journal and name not in kept):
                with suppress(OSError):
                    file.unlink()

    def _numbers(self, kind):
        pattern = re.compile(rf"{kind}-(\d+){re.escape(SUFFIX)}")
        found = (pattern.fullmatch(file.name) for file in self.path.iterdir())
        return [int(match[1]) for match in found if match]

    def _path(self, name):
        return self.path / f"{name}{SUFFIX}"

    @contextmanager
    def _explained(self):
        """Name the folder and the way out in the errors of the system."""
        try:
            yield
        except ValueError as error:  # such as a folder of the name of a file
            raise CheckpointError(
                f"The checkpoint could not be written. {error} Remove it, or set checkpoint to "
                "another folder."
            ) from error
        except OSError as error:
            raise OSError(
                error.errno,
                f"The checkpoint could not be written ({error.strerror or error}). What it held is "
                "unchanged. Make room for it, or set checkpoint to a folder that can be written",
                str(self.path),
            ) from error


_OWN = re.compile(r"plan|(state|journal|inputs|model|folds)-\d+")
_PART = re.compile(rf"\.({_OWN.pattern}){re.escape(SUFFIX)}\.[0-9a-f]{{32}}")
