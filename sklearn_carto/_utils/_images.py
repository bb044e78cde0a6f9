"""Images of the rows of a data set, in any container, opened one at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._packages import require
from sklearn_carto._utils._validation import describe

_CHANNELS = (1, 3, 4)
_MODES = {"L", "RGB", "RGBA"}
_BLOCK = 256  # images of which the range is computed at once
# formats that are decoded without another program, which a hostile file could use
_NO_FORMATS = {"EPS", "WMF", "FPX", "MIC", "PDF", "PSD", "HDF5", "GRIB", "BUFR", "MPEG"}


class ImageRows:
    """Images of the rows of a data set.

    Parameters
    ----------
    images : array-like or sequence of length n_samples
        Arrays of shape (n_samples, h, w) or (n_samples, h, w, c), with 1, 3 or 4 channels; tensors
        of torch of shape (n_samples, h, w) or (n_samples, c, h, w); or a sequence, series or column
        of images of any size: arrays, tensors, images of Pillow, paths of files, encoded files as
        bytes or as a mapping with `bytes` or `path`. None, NaN and an empty path are missing
        images. Bytes (``uint8``) are shown as they are, and so are booleans. Other numbers are
        scaled by one rule for all images: from [0, 1], if all lie there, else from their lowest
        to their highest value. NaN is black.
    owner : str
        Name of the function or method that takes `images`, for the errors.
    n_samples : int, default=None
        Number of rows that there must be; None: any.
    name : str, default="images"
        Name of the parameter, for the errors.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    InvalidParameterError
        If `images` is no container of images, or has another length.
    """

    def __init__(self, images, owner, n_samples=None, name="images"):
        require("PIL", owner, "sklearn-carto[explorer]")
        self._owner, self._name = owner, name
        self._subject = f"The {name!r} parameter of {owner}"
        self._bounds: tuple[float, float] | None = None
        self._images = self._as_sequence(images)
        self._channels_first = False
        if _is_numeric(self._images):
            self._channels_first = self._find_channels(self._images, "must have", 1)
        if n_samples is not None and len(self) != n_samples:
            raise InvalidParameterError(
                f"{self._subject} must hold one image for each of the "
                f"{n_samples} rows. Got {len(self)} images; None stands for a missing one."
            )

    def __len__(self):
        """Return the number of rows."""
        return len(self._images)

    def open(self, row, max_size=None):
        """Open the image of a row.

        Parameters
        ----------
        row : int
            Position of the row.
        max_size : int, default=None
            Longest side in pixels; larger images are reduced. None: any.

        Returns
        -------
        image : PIL.Image.Image or None
            The image, in the mode "L", "RGB" or "RGBA"; None if it is missing.

        Raises
        ------
        FileNotFoundError
            If its file does not exist.
        ValueError
            If its file cannot be read, or if it is no image.
        """
        image: Any = self._images[int(row)]
        if _is_numeric(self._images):
            return _reduce(self._from_array(image, row, self._channels_first), max_size)
        if isinstance(image, Mapping) and ("bytes" in image or "path" in image):
            image = image.get("path") if image.get("bytes") is None else image["bytes"]
        if _is_missing(image):
            return None
        if _is_pillow(image):
            return self._decode(image.copy, "", row, max_size)
        if isinstance(image, (bytes, bytearray)):
            return self._decode(lambda: _open(BytesIO(image)), "", row, max_size)
        if isinstance(image, (str, os.PathLike)):
            return self._read(image, row, max_size)
        array = _as_array(image)
        if array is None:
            raise InvalidParameterError(
                f"{self._subject} must hold images: arrays, tensors, "
                f"images of Pillow, or paths of files. Got {describe(image)} in row {row}."
            )
        first = self._find_channels(array, f"holds in row {row} an array that must have", 0)
        return _reduce(self._from_array(array, row, first), max_size)

    def _as_sequence(self, images):
        """Return images as an array of numbers, or as a sequence that is indexed by position."""
        single = isinstance(images, (str, bytes, os.PathLike, Set, Mapping)) or _is_pillow(images)
        frame = hasattr(images, "columns") or issparse(images)
        no_length = not hasattr(images, "__len__") or getattr(images, "shape", None) == ()
        if images is None or single or frame or no_length or isinstance(images, type):
            raise InvalidParameterError(
                f"{self._subject} must hold one image for each row: an "
                "array, or a sequence of arrays, images of Pillow or paths. Got "
                f"{describe(images)} instead."
            )
        if hasattr(images, "detach"):
            return images.detach().cpu()
        for method in ("to_pylist", "to_list"):
            if hasattr(images, method):
                return getattr(images, method)()
        if isinstance(images, np.ndarray) and images.dtype.kind in "OSU":
            return list(images)
        return images

    def _find_channels(self, array, must, n_leading):
        """Check the shape of an array; return whether the channels stand before the pixels."""
        shape = tuple(array.shape[n_leading:])
        if len(shape) == 2 and all(shape):
            return False
        if len(shape) == 3 and all(shape):
            first, last = shape[0] in _CHANNELS, shape[2] in _CHANNELS
            if first or last:
                return first and (hasattr(array, "detach") or not last)
        rows = "n_samples, " if n_leading else ""
        way_out = ""
        if n_leading and len(shape) == 1:
            side = int(np.sqrt(shape[0]))
            size = f"{side}, {side}" if side**2 == shape[0] else "height, width"
            way_out = f" Reshape flat images: {self._name}.reshape(-1, {size})."
        raise InvalidParameterError(
            f"{self._subject} {must} the shape ({rows}height, width) or "
            f"({rows}height, width, channels), with 1, 3 or 4 channels and at least one pixel. Got "
            f"an array of shape {tuple(array.shape)}.{way_out}"
        )

    def _from_array(self, array, row, channels_first):
        """Make an image of numbers."""
        from PIL import Image

        array = np.asarray(array)
        if array.dtype.kind not in "biuf":
            raise InvalidParameterError(
                f"{self._subject} must hold images of numbers. Got {describe(array)} in row {row}."
            )
        if channels_first:
            array = np.moveaxis(array, 0, -1)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[:, :, 0]
        return Image.fromarray(np.ascontiguousarray(self._as_bytes(array)))

    def _as_bytes(self, array):
        """Scale numbers to 0 to 255, all images in the same way."""
        if array.dtype == np.uint8:
            return array
        if array.dtype.kind == "b":
            return array.astype(np.uint8) * 255
        if self._bounds is None:
            self._bounds = find_bounds(self._numbers())
        low, high = self._bounds
        # halves, since the difference of two numbers can be too large for one
        shares = (array.astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2)
        return np.rint(255 * np.clip(np.nan_to_num(shares), 0, 1)).astype(np.uint8)

    def _numbers(self):
        """Yield the numbers that are scaled, of all images."""
        if _is_numeric(self._images):
            for start in range(0, len(self), _BLOCK):
                yield np.asarray(self._images[start : start + _BLOCK])
            return
        for row in range(len(self)):
            image = self._images[row]
            plain = _is_missing(image) or _is_pillow(image)
            array = None if plain else _as_array(image)
            if array is not None and np.asarray(array).dtype != np.uint8:
                yield np.asarray(array)

    def _read(self, path, row, max_size):
        """Read the image of a file."""
        path = Path(path)
        if not path.is_file():
            what = "is not a regular file" if path.exists() else "does not exist"
            raise FileNotFoundError(
                f"The image of row {row} that {self._owner} was given cannot be read: the file "
                f"{str(path)!r} {what}. Pass None for a missing image."
            )
        return self._decode(lambda: _open(path), f"the file {str(path)!r} ", row, max_size)

    def _decode(self, opener, named, row, max_size):
        """Open an image by a function; the error on one that is damaged names the row."""
        try:
            with opener() as image:
                return _reduce(image, max_size)
        except Exception as error:  # a damaged file makes Pillow raise errors of any kind
            raise InvalidParameterError(
                f"The image of row {row} that {self._owner} was given cannot be read: "
                f"{named or 'it '}is damaged, or no image of a known format "
                f"({type(error).__name__}: {error}). Pass None for a missing image."
            ) from error


def _open(source):
    """Open a file, or the bytes of one, in a format that needs no other program."""
    from PIL import Image

    Image.init()
    return Image.open(source, formats=[name for name in Image.OPEN if name not in _NO_FORMATS])


def find_bounds(arrays):
    """Return the numbers that are black and white: 0 and 1, or the lowest and the highest.

    Examples
    --------
    >>> find_bounds([np.array([0.2, 0.9])])
    (0.0, 1.0)
    >>> find_bounds([np.array([0.0, 16.0]), np.array([np.nan, -4.0])])
    (-4.0, 16.0)
    """
    low, high = np.inf, -np.inf
    for array in arrays:
        if array.dtype.kind not in "iuf":
            continue
        finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low >= 0 and high <= 1 or low > high:
        return 0.0, 1.0
    return (low, high) if low < high else (low, low + max(1.0, abs(low)))


def _reduce(image, max_size):
    """Return an image in a plain mode, upright, and no larger than asked; it may be changed."""
    from PIL import ImageOps

    if image.mode not in _MODES:
        image = _in_plain_mode(image)
    if max_size is not None:
        image.thumbnail((max_size, max_size))
    return ImageOps.exif_transpose(image)


def _in_plain_mode(image):
    """Convert an image of any mode to gray, colours, or colours with transparency."""
    from PIL import Image

    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        array = np.asarray(image).astype(np.float64)
        low, high = find_bounds([array])
        if image.mode != "F" and low >= 0 and high <= 65535:
            low, high = 0.0, 65535.0  # of a file with 16 bits a pixel
        shares = np.clip(np.nan_to_num((array - low) / (high - low)), 0, 1)
        return Image.fromarray(np.rint(255 * shares).astype(np.uint8))
    if image.mode == "1":
        return image.convert("L")
    clear = image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if clear else "RGB")


def _is_numeric(images):
    """Return whether images are one array of numbers, of any library."""
    return hasattr(images, "shape") and hasattr(images, "dtype")


def _is_pillow(image):
    from PIL import Image

    return isinstance(image, Image.Image)


def _is_missing(image):
    if image is None or type(image).__name__ == "NAType":
        return True
    if isinstance(image, (str, bytes)):
        return len(image) == 0
    return isinstance(image, float) and image != image


def _as_array(image):
    """Return an image as an array or tensor; None if it is none."""
    if hasattr(image, "detach"):
        return image.detach().cpu()
    if isinstance(image, (str, bytes, os.PathLike, Mapping, Set)):
        return None
    is_rows = isinstance(image, (list, tuple)) and not any(hasattr(row, "detach") for row in image)
    if not (is_rows or hasattr(image, "__array__")):
        return None
    try:
        array = np.asarray(image)
    except (TypeError, ValueError):
        return None
    return array if array.ndim and array.dtype.kind in "biuf" else None
