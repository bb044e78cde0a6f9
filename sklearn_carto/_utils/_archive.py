"""Named arrays on disk: one npz file, never pickled."""

from __future__ import annotations

import json
from zipfile import is_zipfile

import numpy as np


def write_archive(path, kind, arrays, facts):
    """Write arrays and facts to one compressed npz file at exactly `path`.

    Parameters
    ----------
    path : str or path-like
        Where to write.
    kind : str
        What the file holds; ``read_archive`` asks for the same.
    arrays : dict of str to (ndarray or None)
        What to write; None is left out. Object arrays must hold strings alone.
    facts : dict
        Small values that JSON can hold.

    Raises
    ------
    ValueError
        If an object array holds anything but strings.
    """
    arrays = {name: np.asarray(value) for name, value in arrays.items() if value is not None}
    strings = [name for name, value in arrays.items() if value.dtype == object]
    for name in strings:
        if not all(isinstance(value, str) for value in arrays[name].ravel()):
            raise ValueError(
                f"{name} holds Python objects that are not strings, which can be saved by pickle "
                "alone, and pickle is unsafe to load. Turn them into strings or numbers first."
            )
        arrays[name] = arrays[name].astype(str)
    header = json.dumps({"kind": kind, "strings": strings, **facts})
    with open(path, "wb") as file:
        np.savez_compressed(file, header=np.array(header), **arrays)


def read_archive(path, kind):
    """Read what ``write_archive`` wrote.

    Parameters
    ----------
    path : str or path-like
        Where to read.
    kind : str
        What the file must hold.

    Returns
    -------
    arrays : dict of str to ndarray
        The arrays.
    facts : dict
        The facts.

    Raises
    ------
    OSError
        If the file cannot be opened; FileNotFoundError where there is none.
    ValueError
        If the file holds something else.
    """
    with open(path, "rb") as file:  # is_zipfile(path) says False, too, of a file that is not there
        is_archive = is_zipfile(file)
    if not is_archive:
        raise ValueError(f"{path} does not hold a {kind}; it is no npz file.")
    with np.load(path, allow_pickle=False) as file:
        header = json.loads(str(file["header"])) if "header" in file.files else {}
        if header.get("kind") != kind:
            found = header.get("kind", "no file of sklearn_carto")
            raise ValueError(f"{path} does not hold a {kind}; it is {found}.")
        arrays = {name: file[name] for name in file.files if name != "header"}
    for name in header.pop("strings"):
        arrays[name] = arrays[name].astype(object)
    header.pop("kind")
    return arrays, header
