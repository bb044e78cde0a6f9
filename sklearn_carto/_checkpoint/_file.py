"""One file of a checkpoint: facts, and named parts that are arrays or bytes, with their hashes.

The layout is that of all formats: a magic number, the SHA-256 of the header, the length of the
header, the header as JSON, and the parts in the order of the header. Numbers are little-endian.
"""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np

from sklearn_carto._utils._files import new_file

FORMAT = 1
MAGIC = b"sklearn_carto\0ckp"
_MAX_HEADER = 2**28  # bytes
_CHUNK = 2**22  # bytes that are hashed at once


class DamagedFileError(Exception):
    """A file is missing, or does not hold what was written."""


class OtherFormatError(Exception):
    """A file is whole, but of a format that this release does not read."""


def write_file(path, facts, parts=None):
    """Write a file, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file.
    facts : dict
        What JSON can hold.
    parts : dict of str to ndarray or bytes, default=None
        Arrays of numbers or booleans, and bytes.

    Returns
    -------
    name : str
        The SHA-256 of the header, which holds that of each part: it identifies the content.
    """
    parts, listed = parts or {}, []
    buffers = {name: _as_buffer(value) for name, value in parts.items()}
    for name, value in parts.items():
        array = isinstance(value, np.ndarray)
        listed.append({
            "name": name,
            "dtype": value.dtype.str if array else None,
            "shape": list(value.shape) if array else None,
            "size": buffers[name].nbytes,
            "sha256": sha256(buffers[name]).hexdigest(),
        })  # fmt: skip
    header = json.dumps({"format": FORMAT, "facts": facts, "parts": listed}).encode()
    digest = sha256(header)
    with new_file(path) as file:
        file.write(MAGIC + digest.digest() + len(header).to_bytes(8, "little"))
        file.write(header)
        for buffer in buffers.values():
            file.write(buffer)
    return digest.hexdigest()


def read_file(path, name=None):
    """Read the facts and the parts of a file, and check them.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, default=None
        What `write_file` has returned for the content that is expected; None: any.

    Returns
    -------
    facts : dict
        The facts.
    parts : dict of str to ndarray or bytes
        The parts.
    name : str
        The name of the content.

    Raises
    ------
    DamagedFileError
        If the file is missing, is not whole, or holds other content.
    OtherFormatError
        If a later release wrote it.
    """
    parts = {}
    with _opened(path) as file:
        facts, listed, found = _read_header(file, path, name)
        for one in listed:
            buffer = bytearray(one["size"])  # so that arrays can be written to
            if file.readinto(buffer) < one["size"] or sha256(buffer).hexdigest() != one["sha256"]:
                raise DamagedFileError(f"{path.name} is damaged")
            parts[one["name"]] = _from_buffer(buffer, one)
    return facts, parts, found


def check_file(path, name):
    """Raise a DamagedFileError unless a file holds the content of this name; return its facts."""
    with _opened(path) as file:
        facts, listed, _ = _read_header(file, path, name)
        for one in listed:
            found, left = sha256(), one["size"]
            while left and (chunk := file.read(min(left, _CHUNK))):
                found.update(chunk)
                left -= len(chunk)
            if left or found.hexdigest() != one["sha256"]:
                raise DamagedFileError(f"{path.name} is damaged")
    return facts


def _opened(path):
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DamagedFileError(f"{path.name} is missing") from None
    except IsADirectoryError:
        raise DamagedFileError(f"{path.name} is a folder") from None


def _read_header(file, path, name):
    start = file.read(len(MAGIC) + 40)
    length = int.from_bytes(start[-8:], "little")
    if len(start) < len(MAGIC) + 40 or not start.startswith(MAGIC) or length > _MAX_HEADER:
        raise DamagedFileError(f"{path.name} is damaged")
    content = file.read(length)
    digest = sha256(content)
    if len(content) < length or digest.digest() != start[len(MAGIC) : -8]:
        raise DamagedFileError(f"{path.name} is damaged")
    header = json.loads(content)
    if header["format"] != FORMAT:
        raise OtherFormatError(header["format"])
    if name not in (None, digest.hexdigest()):
        raise DamagedFileError(f"{path.name} is of another run")
    return header["facts"], header["parts"], digest.hexdigest()


def _as_buffer(value):
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise TypeError(f"an array of type {value.dtype} is no part of a checkpoint")
        value = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    return memoryview(value)


def _from_buffer(buffer, one):
    if one["dtype"] is None:
        return buffer
    return np.frombuffer(buffer, dtype=one["dtype"]).reshape(one["shape"])
