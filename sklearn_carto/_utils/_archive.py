"""Save and load named arrays in one npz file, without pickle.

A file is written whole or not at all, and nothing that a file holds is trusted: a damaged one is a
ValueError that names its path.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, is_zipfile

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._files import new_file
from sklearn_carto._utils._object_arrays import decode_objects, encode_objects
from sklearn_carto._utils._validation import describe

FORMAT = 2  # 1: without "format" and "names"; labels and sample ids are numbers or strings
_MAX_HEADER = 2**24  # bytes
_MAX_RATIO = 1040  # deflate shrinks by a factor of 1032 at most


def write_archive(path, kind, arrays, metadata):
    """Save arrays and metadata to a compressed npz file.

    ``read_archive`` checks the `kind` of object. Arrays that are None are left out; those of Python
    objects are saved as text, see ``encode_objects``. The metadata must be serialisable to JSON.
    """
    path = check_path(path, f"{kind}.save")
    arrays = {name: np.asarray(value) for name, value in arrays.items() if value is not None}
    objects = [name for name, value in arrays.items() if value.dtype.kind not in "biufcSUmM"]
    arrays |= {name: encode_objects(arrays[name]) for name in objects}
    header = {"kind": kind, "format": FORMAT, "names": [*arrays], "objects": objects, **metadata}
    with new_file(path) as file:
        np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)


def read_archive(path, kind):
    """Load the arrays and the metadata that ``write_archive`` saved.

    A file that does not hold an object of this kind raises a ValueError; one that cannot be opened,
    an OSError.
    """
    path = check_path(path, f"{kind}.load", any_suffix=True)
    if path.is_dir():
        raise ValueError(f"{path} does not hold a {kind}; it is a directory.")
    with path.open("rb") as file:
        if not is_zipfile(file):
            raise ValueError(f"{path} does not hold a {kind}; it is not an npz file.")
        with damage_named(path, kind), ZipFile(file) as archive:
            members = _list_members(archive, os.fstat(file.fileno()).st_size)
            header = _read_header(archive, members) if "header" in members else {}
            found = header.pop("kind", None)
            if found == kind:
                return _read_arrays(archive, members, header), header
    raise ValueError(
        f"{path} does not hold a {kind}; it holds {found or 'no object of sklearn_carto'}."
    )


def check_path(path, owner, any_suffix=False):
    """Return the path of an npz file; a suffix is ``.npz``, or there is none."""
    if not isinstance(path, (str, os.PathLike)) or "\0" in os.fsdecode(path):
        raise InvalidParameterError(
            f"The 'path' parameter of {owner} must be a str or a path. Got {describe(path)} "
            "instead."
        )
    checked = Path(os.fsdecode(path))
    if not any_suffix and checked.suffix.lower() not in ("", ".npz"):
        raise InvalidParameterError(
            f"The 'path' parameter of {owner} must end in '.npz' or have no suffix, since an npz "
            f"file is written. Got {str(path)!r} instead. For a table use DataMap.to_frame(), and "
            "to_csv or another method of the frame."
        )
    return checked


@contextmanager
def damage_named(path, kind):
    """Turn any error of reading what a file holds into a ValueError that names the file."""
    try:
        yield
    except Exception as error:  # zipfile, zlib, numpy and json raise a dozen kinds
        raise ValueError(
            f"{path} does not hold a {kind} that can be read; the file is damaged, or another "
            f"program wrote it ({type(error).__name__}: {error})."
        ) from error


def _list_members(archive, file_size):
    """Return the members by name, after a check that their sizes may be true."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise ValueError("two arrays have the same name")
    for name, info in members.items():
        shrunk = {ZIP_STORED: 1, ZIP_DEFLATED: _MAX_RATIO}.get(info.compress_type, 0)
        if info.compress_size > file_size or info.file_size > shrunk * info.compress_size + 64:
            raise ValueError(f"the size of {name} is not that of its content")
    return members


def _read_header(archive, members):
    if members["header"].file_size > _MAX_HEADER:
        raise ValueError("its header is too long")
    array = _read_array(archive, members["header"])
    if array.shape != () or array.dtype.kind != "U":
        raise ValueError("its header is no text")
    header = json.loads(str(array))
    return header if isinstance(header, dict) else {}


def _read_arrays(archive, members, header):
    """Read the arrays that the header names; it is left with the metadata."""
    del members["header"]
    if header.pop("format", 1) not in (1, FORMAT):
        raise ValueError("a later release of sklearn_carto wrote it")
    names = header.pop("names", [*members])
    if sorted(names) != sorted(members):
        raise ValueError("an array is missing, or there is one too many")
    arrays = {name: _read_array(archive, members[name]) for name in names}
    for name in header.pop("strings", ()):
        arrays[name] = arrays[name].astype(object)
    for name in header.pop("objects", ()):
        arrays[name] = decode_objects(arrays[name])
    return arrays


def _read_array(archive, info):
    """Read an array; its length and checksum must be those of the archive."""
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): "read_array_header_1_0", (2, 0): "read_array_header_2_0"}[version]
        shape, _, dtype = getattr(np.lib.format, read)(stream)
        n_bytes = dtype.itemsize
        for length in shape:
            n_bytes *= length
        if dtype.hasobject or stream.tell() + n_bytes != info.file_size:
            raise ValueError(f"{info.filename} does not have the length that it states")
    return np.lib.format.read_array(BytesIO(archive.read(info)), allow_pickle=False)
