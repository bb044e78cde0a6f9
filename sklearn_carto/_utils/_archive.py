"""Save and load named arrays in one npz file, without pickle."""

from __future__ import annotations

import json
from zipfile import is_zipfile

import numpy as np


def write_archive(path, kind, arrays, metadata):
    """Save arrays and metadata to a compressed npz file at exactly `path`.

    ``read_archive`` checks the `kind` of object. Arrays that are None are left out; object arrays
    must hold strings only. The metadata must be serialisable to JSON.
    """
    arrays = {name: np.asarray(value) for name, value in arrays.items() if value is not None}
    strings = [name for name, value in arrays.items() if value.dtype == object]
    for name in strings:
        if not all(isinstance(value, str) for value in arrays[name].ravel()):
            raise ValueError(
                f"{name} must hold numbers or strings; got other Python objects, which only pickle "
                "can save, and pickle is unsafe to load. Convert them to strings first."
            )
        arrays[name] = arrays[name].astype(str)
    header = json.dumps({"kind": kind, "strings": strings, **metadata})
    with open(path, "wb") as file:
        np.savez_compressed(file, header=np.array(header), **arrays)


def read_archive(path, kind):
    """Load the arrays and the metadata that ``write_archive`` saved.

    A file that does not hold an object of this kind raises a ValueError; one that cannot be opened,
    an OSError.
    """
    with open(path, "rb") as file:  # is_zipfile(path) hides a missing file
        is_archive = is_zipfile(file)
    if not is_archive:
        raise ValueError(f"{path} does not hold a {kind}; it is not an npz file.")
    with np.load(path, allow_pickle=False) as file:
        header = json.loads(str(file["header"])) if "header" in file.files else {}
        if header.get("kind") != kind:
            found = header.get("kind", "no object of sklearn_carto")
            raise ValueError(f"{path} does not hold a {kind}; it holds {found}.")
        arrays = {name: file[name] for name in file.files if name != "header"}
    for name in header.pop("strings"):
        arrays[name] = arrays[name].astype(object)
    header.pop("kind")
    return arrays, header
