"""One file of bytes with a header and compressed arrays, which the page in the browser reads.

The layout is ``b"SCX1"``, the length of the header as a little-endian uint32, the header (JSON,
gzip), and the blocks, one after the other. The header holds under ``"blocks"`` the type of each,
its offset behind the header and the lengths of its parts. The parts are the first bytes of all
values, their second bytes and so on, each compressed for itself (gzip): exponents repeat, and the
lowest bytes hardly do.
"""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from itertools import pairwise

import numpy as np

MAGIC = b"SCX1"
_GZIP = 31  # the format: gzip, with the largest window; it holds no time
_STRATEGIES = (zlib.Z_HUFFMAN_ONLY, zlib.Z_FILTERED, zlib.Z_DEFAULT_STRATEGY)


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
    places: dict[str, dict] = {}
    joined: list[bytes] = []
    offset = 0
    for name, values in blocks.items():
        stored = isinstance(values, bytes)
        parts = [values] if stored else [_compress(plane) for plane in _planes(values)]
        kind = "bytes" if stored else values.dtype.newbyteorder("<").str.lstrip("<|")
        lengths = [len(part) for part in parts]
        places[name] = {"type": kind, "offset": offset, "lengths": lengths}
        joined += parts
        offset += sum(lengths)
    text = json.dumps({**header, "blocks": places}, allow_nan=False, separators=(",", ":"))
    head = _compress(text.encode("ascii"))
    return b"".join([MAGIC, struct.pack("<I", len(head)), head, *joined])


def unpack(packed):
    """Return the header and the arrays of what `pack` made."""
    if packed[:4] != MAGIC:
        raise ValueError("these bytes were not made for the explorer")
    (length,) = struct.unpack("<I", packed[4:8])
    start = 8 + length
    header = json.loads(gzip.decompress(packed[8:start]))
    blocks = {}
    for name, place in header["blocks"].items():
        ends = start + place["offset"] + np.cumsum([0, *place["lengths"]])
        parts = [packed[begin:end] for begin, end in pairwise(ends.tolist())]
        if place["type"] == "bytes":
            (blocks[name],) = parts
            continue
        planes = np.stack([np.frombuffer(gzip.decompress(part), np.uint8) for part in parts])
        blocks[name] = np.ascontiguousarray(planes.T).view(f"<{place['type']}").ravel()
    return header, blocks


def _planes(values):
    """Return the first bytes of all values of an array, their second bytes, and so on."""
    values = np.ascontiguousarray(values.ravel(), dtype=values.dtype.newbyteorder("<"))
    planes = values.view(np.uint8).reshape(len(values), values.dtype.itemsize)
    return [np.ascontiguousarray(plane).tobytes() for plane in planes.T]


def _compress(raw):
    """Compress bytes; the lowest bits of numbers are as good as random, and no two runs alike."""
    return min((_gzip(raw, strategy) for strategy in _STRATEGIES), key=len)


def _gzip(raw, strategy):
    compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP, zlib.DEF_MEM_LEVEL, strategy)
    return compressor.compress(raw) + compressor.flush()
