"""One file of bytes with a header and compressed arrays, which the page in the browser reads.

The layout is ``b"SCX1"``, the length of the header as a little-endian uint32, the header (JSON,
gzip), and the blocks (gzip), one after the other. The header tells under ``"blocks"`` the offset
behind the header, the length and the type of each. Arrays of more than one byte a value are stored
byte plane by byte plane, in which equal exponents and high bytes lie beside each other and are
compressed well.
"""

from __future__ import annotations

import gzip
import json
import struct

import numpy as np

MAGIC = b"SCX1"
_FAST_FROM = 4_000_000  # bytes; from here on the level that takes a third of the time


def pack(header, blocks):
    """Join a header and arrays into bytes.

    Parameters
    ----------
    header : dict
        What JSON can hold; strings may hold anything, also lone surrogates.
    blocks : dict of str to ndarray or bytes
        The arrays; bytes are stored as they are.

    Returns
    -------
    packed : bytes
        The same for the same content.

    Examples
    --------
    >>> header, blocks = unpack(pack({"n": 2}, {"x": np.array([1, 2], dtype="<f4")}))
    >>> header["n"], blocks["x"].tolist()
    (2, [1.0, 2.0])
    """
    places, parts, offset = {}, [], 0
    for name, values in blocks.items():
        stored = isinstance(values, bytes)
        raw = values if stored else _planes(values)
        part = raw if stored else _compress(raw)
        kind = "bytes" if stored else values.dtype.newbyteorder("<").str.lstrip("<|")
        places[name] = {"type": kind, "offset": offset, "length": len(part), "size": len(raw)}
        parts.append(part)
        offset += len(part)
    text = json.dumps({**header, "blocks": places}, allow_nan=False, separators=(",", ":"))
    head = _compress(text.encode("ascii"))
    return b"".join([MAGIC, struct.pack("<I", len(head)), head, *parts])


def unpack(packed):
    """Return the header and the arrays of what `pack` made."""
    if packed[:4] != MAGIC:
        raise ValueError("these bytes were not made for the explorer")
    (length,) = struct.unpack("<I", packed[4:8])
    start = 8 + length
    header = json.loads(gzip.decompress(packed[8:start]))
    blocks = {}
    for name, place in header["blocks"].items():
        part = packed[start + place["offset"] : start + place["offset"] + place["length"]]
        if place["type"] == "bytes":
            blocks[name] = part
            continue
        dtype = np.dtype(f"<{place['type']}")
        planes = np.frombuffer(gzip.decompress(part), np.uint8).reshape(dtype.itemsize, -1)
        blocks[name] = np.ascontiguousarray(planes.T).view(dtype).ravel()
    return header, blocks


def _planes(values):
    """Return the bytes of an array, the first byte of every value first."""
    values = np.ascontiguousarray(values.ravel(), dtype=values.dtype.newbyteorder("<"))
    planes = values.view(np.uint8).reshape(len(values), values.dtype.itemsize)
    return np.ascontiguousarray(planes.T).tobytes()


def _compress(raw):
    return gzip.compress(raw, 6 if len(raw) > _FAST_FROM else 9, mtime=0)
