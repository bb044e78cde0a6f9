"""Saved maps, and the rows of a table that are theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sklearn_carto._cli._errors import CommandError


def load_map(path):
    """Load a map; the errors name the file."""
    from sklearn_carto._maps._data_map import DataMap

    if not Path(path).is_file():
        what = "is a folder" if Path(path).is_dir() else "does not exist"
        raise CommandError(f"{path} {what}. Pass the map.npz that sklearn-carto map wrote.")
    return DataMap.load(path)


def align(data_map, map_path, ids, path):
    """Return the position in the table of each row of a map.

    Parameters
    ----------
    data_map : DataMap
        The map, of shape (n_samples,).
    map_path, path : path-like
        The files of the map and the table, for errors.
    ids : ndarray of shape (n_rows,)
        Id of each row of the table.

    Returns
    -------
    rows : ndarray of shape (n_samples,)
        The positions.

    Raises
    ------
    CommandError
        If the table lacks rows of the map.
    """
    if data_map.sample_ids is None:
        if data_map.n_samples != len(ids):
            raise CommandError(
                f"{map_path} has {data_map.n_samples} rows, and {path} {len(ids)}. Pass the table "
                "that the map was drawn of."
            )
        return np.arange(len(ids))
    # as text: those of blocks of a table are text, whatever they are
    places = {str(name): i for i, name in enumerate(ids.tolist())}
    rows = [places.get(str(name), -1) for name in data_map.sample_ids.tolist()]
    missing = [
        name for name, row in zip(data_map.sample_ids.tolist(), rows, strict=True) if row < 0
    ]
    if missing:
        raise CommandError(
            f"{path} lacks {len(missing)} of the {len(rows)} rows of {map_path}, among them the "
            f"ids {', '.join(map(repr, missing[:5]))}. Pass the table that the map was drawn of, "
            "and the --id that was passed then."
        )
    return np.array(rows)


def check_labels(data_map, map_path, labels, path):
    """Raise an error if labels of a table, shape (n_samples,), are not those of its map."""
    if data_map.labels is None:
        return
    n_other = int(np.sum(labels != data_map.labels))
    if n_other:
        raise CommandError(
            f"{n_other} labels of {path} differ from those of {map_path}. Pass the table and the "
            "--target that the map was drawn of."
        )
