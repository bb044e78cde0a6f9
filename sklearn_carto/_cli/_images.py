"""Images of a column, resized to one size."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from sklearn_carto._cli._errors import CommandError
from sklearn_carto._utils._packages import require

USER, EXTRA = "Reading images", "sklearn-carto[explorer]"
_N_NAMED = 3  # images that an error names


def read_images(cells, folder, size, messages):
    """Read the images of a column.

    Parameters
    ----------
    cells : array of shape (n_rows,)
        Paths, relative to `folder` or absolute; or the bytes of the images.
    folder : Path
        Folder of the table.
    size : int
        Height and width of the result in pixels.
    messages : Messages
        Shows the progress, and how many sizes there are.

    Returns
    -------
    images : ndarray of shape (n_rows, size, size, 3) of uint8
        The images in red, green and blue.

    Raises
    ------
    CommandError
        If an image cannot be read, naming the first ones.
    """
    image_module = require("PIL.Image", USER, EXTRA)
    images = np.zeros((len(cells), size, size, 3), dtype=np.uint8)
    sizes, wrong = set(), []
    for i, cell in enumerate(messages.track(cells.tolist(), "images")):
        try:
            with image_module.open(_file_of(cell, folder)) as image:
                sizes.add(image.size)
                rgb = _to_eight_bits(image, image_module).convert("RGB")
                images[i] = np.asarray(rgb.resize((size, size)))
        except (OSError, ValueError, TypeError, SyntaxError) as error:
            wrong.append((i, _name(cell), error))
        except image_module.DecompressionBombError as error:
            wrong.append((i, _name(cell), error))
    if wrong:
        first = "; ".join(
            f"{name} (row {i}: {type(error).__name__})" for i, name, error in wrong[:_N_NAMED]
        )
        raise CommandError(
            f"{len(wrong)} of {len(cells)} images cannot be read: {first}. Paths are relative to "
            f"the folder of the table, {folder}."
        )
    if sizes != {(size, size)}:
        found = f"of {len(sizes)} sizes" if len(sizes) > 1 else "x".join(map(str, *sizes))
        messages.info(f"images {found} are resized to {size}x{size}; see --image-size")
    return images


def _file_of(cell, folder):
    """Return what Pillow opens: a path, or a file of bytes."""
    if isinstance(cell, dict):  # as data sets of Hugging Face hold images
        cell = cell.get("bytes") or cell.get("path")
    if isinstance(cell, bytes):
        return io.BytesIO(cell)
    if not isinstance(cell, str) or not cell.strip():
        raise ValueError("no path")
    return Path(folder) / cell.strip()


def _to_eight_bits(image, image_module):
    """Return an image of 16 bits as one of 8: Pillow cuts off what is above 255."""
    if image.mode == "F":
        raise ValueError("an image of floats has no white")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64).clip(0, 65_535)
    return image_module.fromarray((values // 257).astype(np.uint8))


def _name(cell):
    return cell if isinstance(cell, str) and cell.strip() else "no path"
