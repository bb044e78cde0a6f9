"""Files of corrections that the explorer exports: JSON or CSV."""

from __future__ import annotations

import csv
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_carto._explorer._guarded_cells import unguard_cell
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe

FORMAT = "sklearn_carto.corrections"
VERSION = 1
_NEEDED = ("row", "given_label", "new_label")


class Correction(NamedTuple):
    """One row of a file."""

    row: int
    sample_id: str | None
    given_label: str | None
    new_label: str | None  # None: unchanged


class CorrectionsFile(NamedTuple):
    """The content of a file."""

    path: str
    n_samples: int | None  # None: not in the file
    corrections: list[Correction]


def read_corrections(path, owner):
    """Read a file that the explorer exported.

    Parameters
    ----------
    path : str or path-like
        Path of the file, which ends in .json or .csv.
    owner : str
        Name of the function that takes the path, for the errors.

    Returns
    -------
    file : CorrectionsFile
        The content.

    Raises
    ------
    FileNotFoundError
        If there is no file of this name.
    ValueError
        If it is another file, or damaged, or holds a row twice.
    """
    is_path = isinstance(path, (str, os.PathLike)) and not isinstance(os.fspath(path), bytes)
    suffix = Path(path).suffix.lower() if is_path else None
    if suffix not in (".json", ".csv"):
        raise InvalidParameterError(
            f"The 'path' parameter of {owner} must be the path of a file that the explorer "
            f"exported, which ends in .json or .csv. Got {describe(path)} instead."
        )
    path = Path(path)
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "does not exist"
        raise FileNotFoundError(f"{path} {what}; {owner} needs a file that the explorer exported.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _foreign(path, f"is not text in UTF-8 ({error})") from error
    if not text.strip():
        raise _foreign(path, "is empty")
    n_samples, rows = (_read_json if suffix == ".json" else _read_csv)(path, text)
    _check_once(path, rows)
    return CorrectionsFile(str(path), n_samples, rows)


def _read_json(path, text):
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _foreign(path, f"is no JSON, or a part of it is missing ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _foreign(path, f"does not say that its format is {FORMAT!r}")
    version, rows = content.get("version"), content.get("rows")
    if type(version) is not int or version < 1:
        raise _foreign(path, f"has the version {describe(version)}")
    if version > VERSION:
        raise _foreign(
            path, f"has version {version} of the format; this library reads version {VERSION}"
        )
    n_samples = content.get("n_samples")
    if type(n_samples) is not int or n_samples < 0 or not isinstance(rows, list):
        raise _foreign(path, "lacks 'n_samples' or 'rows'")
    return n_samples, [_from_json(path, place, one) for place, one in enumerate(rows)]


def _from_json(path, place, one):
    """Check an entry of `rows`."""
    if not isinstance(one, dict) or not set(_NEEDED) <= one.keys():
        raise _foreign(path, f"lacks {' or '.join(map(repr, _NEEDED))} in entry {place} of 'rows'")
    row = one["row"]
    if type(row) is not int or row < 0:
        raise _foreign(path, f"holds {describe(row)} as a row in entry {place} of 'rows'")
    texts: dict[str, Any] = {name: one.get(name) for name in ("id", "given_label", "new_label")}
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise _foreign(
                path,
                f"holds {describe(value)} as {name!r} of row {row}, which must be text or null",
            )
    return Correction(row, texts["id"], texts["given_label"], texts["new_label"])


def _read_csv(path, text):
    delimiter = _find_delimiter(text)
    if delimiter is None:
        raise _foreign(path, f"lacks one of the columns {', '.join(_NEEDED)}")
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = list(reader)
    except csv.Error as error:
        raise _foreign(
            path, f"is no CSV, or a part of it is missing (line {reader.line_num}: {error})"
        ) from error
    names = lines[0]
    corrections = []
    for place, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        if len(line) != len(names):
            raise _foreign(
                path,
                f"holds {len(line)} cells in record {place}, for {len(names)} columns; it may have "
                "been cut off",
            )
        corrections.append(_from_cells(path, place, dict(zip(names, line, strict=True))))
    return None, corrections


def _find_delimiter(text):
    """Return what separates the columns, which spreadsheets change; None without columns."""
    for delimiter in ",;\t":
        names = next(csv.reader([text.splitlines()[0]], delimiter=delimiter))
        if set(_NEEDED) <= set(names) and len(set(names)) == len(names):
            return delimiter
    return None


def _from_cells(path, place, cells):
    """Check a record of a CSV file; an empty cell is no text."""
    row = cells["row"].strip()
    if not (row.isascii() and row.isdigit() and len(row) < 16):
        raise _foreign(path, f"holds {describe(cells['row'])} as a row in record {place}")
    sample_id, new_label = (unguard_cell(cells.get(name, "")) for name in ("id", "new_label"))
    given_label = unguard_cell(cells["given_label"])
    return Correction(int(row), sample_id or None, given_label, new_label or None)


def _check_once(path, corrections):
    """Raise an error if a row is named twice."""
    seen = set()
    for correction in corrections:
        if correction.row in seen:
            raise ValueError(f"{path} holds row {correction.row} twice. Keep one of its entries.")
        seen.add(correction.row)


def _foreign(path, why):
    return ValueError(
        f"{path} is no file of corrections that the explorer exported, or it is damaged: it {why}. "
        "Export the corrections again."
    )
