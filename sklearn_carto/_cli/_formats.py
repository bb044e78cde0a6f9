"""Which format a file has: what its name promises, and what its first bytes show."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from sklearn_carto._cli._errors import CommandError

SUFFIXES = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".tab": "CSV",
    ".txt": "CSV",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".json": "JSON lines",
    ".parquet": "Parquet",
    ".pq": "Parquet",
}
_READ = "Tables are read from .csv, .tsv, .jsonl (each also .gz) and .parquet."
_FIRST_BYTES = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive, such as an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow file",
    b"\x93NUMPY": "a numpy array",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
}


def promised_format(path):
    """Return the format that a file name promises, or None; .gz is left out of account."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def is_gzipped(path):
    """Return whether a file is compressed by gzip, whatever its name."""
    with Path(path).open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_bytes(path):
    """Open a file for reading, decompressed if it is gzipped."""
    if is_gzipped(path):
        return gzip.open(path, "rb")
    return Path(path).open("rb")


def open_text(path, encoding):
    """Open a file as text without translation of its line ends."""
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="")


def find_format(path):
    """Return the format of a table, after a check that its content is what its name promises.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    format : {"CSV", "JSON lines", "Parquet"}
        The format.

    Raises
    ------
    CommandError
        If there is no such file, if it is empty, or if it holds something else.
    """
    path = Path(path)
    if not path.exists():
        raise CommandError(f"{path} does not exist.")
    if not path.is_file():
        raise CommandError(f"{path} is not a file.")
    try:
        with open_bytes(path) as file:
            start = file.read(4096)
    except (EOFError, gzip.BadGzipFile) as error:
        raise CommandError(f"{path} is a damaged gzip file: {error}.") from error
    if not start:
        raise CommandError(f"{path} is empty.")
    promised, shown = promised_format(path), _shown_format(start)
    if shown not in SUFFIXES.values() and shown is not None:
        raise CommandError(f"{path} is {shown}, not a table. {_READ}")
    if promised is None:
        return shown or "CSV"
    if promised == "Parquet" and shown != "Parquet":
        raise CommandError(
            f"{path} is not a Parquet file, as its name promises: it holds {_text(shown)}."
        )
    if promised != "Parquet" and shown == "Parquet":
        raise CommandError(f"{path} is a Parquet file, not {promised}. Rename it to .parquet.")
    if promised == "CSV" and shown == "JSON lines":
        raise CommandError(f"{path} holds JSON lines, not CSV. Rename it to .jsonl.")
    if promised == "JSON lines" and shown != "JSON lines":
        held = "a JSON array; write one object a line" if _is_array(start) else "no JSON objects"
        raise CommandError(
            f"{path} is not a file of JSON lines, as its name promises: it holds {held}."
        )
    return promised


def _shown_format(start):
    """Return what the first bytes show: a format of tables, something else, or None."""
    if start.startswith(b"PAR1"):
        return "Parquet"
    for magic, what in _FIRST_BYTES.items():
        if start.startswith(magic):
            return what
    line = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "JSON lines" if line.startswith((b'{"', b"{}", b"{ ")) else None


def _is_array(start):
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def _text(shown):
    return shown or "text or other data"
