"""Thumbnails of the images of rows, in one block of bytes."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np

from sklearn_carto._utils._arrays import as_rows
from sklearn_carto._utils._images import ImageRows
from sklearn_carto._utils._validation import Count, check_params
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import NotShownWarning

_EXACT_SIDE = 16  # up to this, every pixel is seen, and lossless files are no larger


@dataclass(frozen=True, eq=False, kw_only=True)
class Thumbnails:
    """Thumbnails of some rows.

    Parameters
    ----------
    mime : {"image/webp", "image/png"}
        Format of each image.
    data : bytes
        The encoded images end to end, in the order of `rows`.
    ends : ndarray of uint32 of shape (n_encoded,)
        Position in `data` behind the last byte of each image.
    rows : ndarray of int64 of shape (n_encoded,)
        Positions of the rows that have a thumbnail, ascending.
    n_rows : int
        Number of all rows.
    """

    mime: str
    data: bytes
    ends: np.ndarray
    rows: np.ndarray
    n_rows: int


def encode_thumbnails(
    images, *, size=48, max_bytes=20_000_000, order=None, n_samples=None, owner="DataMap.explore"
):
    """Encode thumbnails of the images of rows.

    Parameters
    ----------
    images : array-like or sequence of length n_rows
        The images; for the kinds, and for the range of their values, see
        :class:`~sklearn_carto._utils._images.ImageRows`. Missing images are left out.
    size : int, default=48
        Longest side of a thumbnail in pixels; smaller images are not enlarged.
    max_bytes : int, default=20_000_000
        Largest size of all thumbnails together.
    order : array-like of int of shape (n_wanted,), default=None
        Positions of the rows to encode, the most useful first: those that come last are left out
        if `max_bytes` does not suffice. None: all rows, from the first.
    n_samples : int, default=None
        Number of rows that there must be; None: any.
    owner : str, default="DataMap.explore"
        Name of the function or method that takes `images`, for the errors.

    Returns
    -------
    thumbnails : Thumbnails
        The thumbnails, as WebP, or as PNG where Pillow was built without WebP.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    FileNotFoundError
        If a file does not exist; the error names the row and the file.
    ValueError
        If a file cannot be read, or if an argument is of the wrong kind or out of range.

    Warns
    -----
    NotShownWarning
        If images are left out because of `max_bytes`.

    Examples
    --------
    >>> thumbnails = encode_thumbnails([np.zeros((8, 8)), None, np.ones((20, 10))])
    >>> thumbnails.rows, thumbnails.n_rows
    (array([0, 2]), 3)
    """
    limits = {"size": [Count(1, 4096)], "max_bytes": [Count(1, 2**32 - 1)]}
    check_params(owner, limits, {"size": size, "max_bytes": max_bytes})
    opened = ImageRows(images, owner, n_samples)
    n_rows = len(opened)
    order = np.arange(n_rows) if order is None else as_rows(order, n_rows, "order", owner)
    mime = _mime()
    encoded: dict[int, bytes] = {}
    total = 0
    for row in order.tolist():
        image = opened.open(row, size)
        if image is None:
            continue
        part = _encode(image, mime)
        if total + len(part) > max_bytes:
            warn(
                f"Thumbnails of {len(encoded)} of {n_rows} rows are shown: those of the others "
                f"exceed {max_bytes / 1e6:g} MB. Raise the limit, or pass a smaller size.",
                NotShownWarning,
            )
            break
        encoded[row] = part
        total += len(part)
    rows = np.array(sorted(encoded), dtype=np.int64)
    parts = [encoded[row] for row in rows.tolist()]
    ends = np.cumsum([len(part) for part in parts], dtype=np.uint32)
    return Thumbnails(mime=mime, data=b"".join(parts), ends=ends, rows=rows, n_rows=n_rows)


def _mime():
    from PIL import features

    return "image/webp" if features.check("webp") else "image/png"


def _encode(image, mime):
    """Encode the pixels of an image without the metadata of its file."""
    buffer = BytesIO()
    image.info = {}  # such as a comment, or where the photograph was taken
    if mime == "image/png":
        image.save(buffer, "PNG", optimize=True)
    else:
        exact = max(image.size) <= _EXACT_SIDE
        image.save(buffer, "WEBP", quality=60, method=2, lossless=exact)
    return buffer.getvalue()
