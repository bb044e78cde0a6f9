"""Outcomes of the tasks of a parallel call, kept in the folder of `resume`."""

from __future__ import annotations

from sklearn_carto import exceptions
from sklearn_carto._utils._parallel import Outcome
from sklearn_carto._utils._warnings import CollectedWarning


class KeptOutcomes:
    """Load and store the outcomes of tasks.

    Parameters
    ----------
    folder : ResultFolder or None
        The folder; None: nothing is kept.
    names : list of str
        Name of each task, for its file.
    encode, decode : callable, default=None
        Turn a result into numbers, text, arrays and containers of them, and back. `decode` also
        takes the number of the task. None: it consists of these.
    """

    def __init__(self, folder, names, encode=None, decode=None):
        self.folder, self.names = folder, list(names)
        self._encode = (lambda result: result) if encode is None else encode
        self._decode = (lambda result, number: result) if decode is None else decode

    @property
    def path(self):
        """Path of the folder, or None."""
        return None if self.folder is None else self.folder.folder

    def load(self):
        """Return the outcomes that are known, by the number of the task."""
        finished: dict[int, Outcome] = {}
        if self.folder is None:
            return finished
        for number, name in enumerate(self.names):
            outcome = self.folder.load(name, lambda value, n=number: self._outcome(value, n))
            if outcome is not None:
                finished[number] = outcome
        return finished

    def store(self, number, outcome):
        """Store an outcome."""
        if self.folder is not None:
            collected = [(one.message, one.category.__name__) for one in outcome.collected]
            value = {"result": self._encode(outcome.result), "warnings": collected}
            self.folder.store(self.names[number], value)

    def _outcome(self, value, number):
        collected = [
            CollectedWarning(message, _category(name)) for message, name in value["warnings"]
        ]
        return Outcome(self._decode(value["result"], number), collected)


def _category(name):
    found = getattr(exceptions, name, None) if name in exceptions.__all__ else None
    return found if isinstance(found, type) and issubclass(found, Warning) else UserWarning
