"""What the page of a data map holds: statistics, regions, labels, history and rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_carto._explorer._columns import add_column, add_text, text_of
from sklearn_carto._explorer._container import pack
from sklearn_carto._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

POSITIONS = ("variability", "confidence", "correctness")  # exact, and drawn
_EXACT_UP_TO = 20_000  # rows; on larger maps the other statistics have three digits
_MISSING = 255  # in the history: the row was not recorded
_LARGE = 200_000  # rows; from here on, the history and the other statistics have fewer digits


@dataclass(kw_only=True)
class Shown:
    """What is shown of a map; every array has one entry for each row.

    Parameters
    ----------
    title : str
        Heading of the page.
    n_epochs : int
        Number of recorded epochs.
    statistics : mapping of str to ndarray
        The statistics, with confidence, variability and correctness among them.
    regions : ndarray
        Name of the region of each row.
    labels, classes, class_names : sequence, default=None
        The label of each row, the distinct labels, and how these are shown.
    suggested : sequence, default=None
        The suggested label of each row.
    suspect, held_out, excluded : ndarray of bool, default=None
        Masks of the rows.
    sample_ids, text : iterable, default=None
        Names and texts of the rows.
    columns : list of (name, column), default=[]
        Columns of the rows.
    frames : iterable of (epoch, proba, correct), default=None
        The probability of the label, NaN for rows that were not recorded, and whether it is the
        most probable one, at some epochs.
    compare : mapping, default=None
        `title`, `regions` and the three statistics of a second map of the rows, and its `frames`
        or None.
    thumbnails : object, default=None
        Small pictures: `mime`, `data`, `ends`, `rows` and `n_rows`.
    notes : list of str, default=[]
        What the reader should know of the page.
    """

    title: str
    n_epochs: int
    statistics: Mapping[str, NDArray]
    regions: NDArray
    labels: Sequence | None = None
    classes: Sequence | None = None
    class_names: Sequence[str] | None = None
    suggested: Sequence | None = None
    suspect: NDArray | None = None
    held_out: NDArray | None = None
    excluded: NDArray | None = None
    sample_ids: Iterable | None = None
    text: Iterable | None = None
    columns: list = field(default_factory=list)
    frames: Iterable | None = None
    compare: Mapping[str, Any] | None = None
    thumbnails: Any = None
    notes: list = field(default_factory=list)


def build_payload(shown):
    """Pack what is shown into the bytes that the page reads.

    Parameters
    ----------
    shown : Shown
        What is shown.

    Returns
    -------
    payload : bytes
        See :mod:`sklearn_carto._explorer._container`. The same for the same content.
    """
    n_samples = len(shown.statistics["confidence"])
    blocks: dict[str, Any] = {}
    header = {
        "format": "sklearn_carto.explorer",
        "version": 1,
        "library": __version__,
        "title": shown.title,
        "n_samples": n_samples,
        "n_epochs": shown.n_epochs,
        "digest": digest_of(shown),
        "notes": list(shown.notes),
    }
    derived = {"aleatoric"} if _is_derived(shown.statistics) else set()
    header["statistics"] = [
        {"name": name, "derived": True}
        if name in derived
        else _add_statistic(blocks, name, values, n_samples)
        for name, values in shown.statistics.items()
    ]
    header["regions"] = _add_regions(blocks, "region", shown.regions)
    _add_labels(header, blocks, shown)
    for name in ("suspect", "held_out", "excluded"):
        mask = getattr(shown, name)
        if mask is not None:
            blocks[name] = np.asarray(mask).astype(np.uint8)
    if shown.sample_ids is not None:
        header["ids"] = add_text(blocks, "id", shown.sample_ids, cut_at=None)
    if shown.text is not None:
        header["text"] = add_text(blocks, "text", shown.text)
    header["columns"] = [
        {"name": name, "key": f"column{i}", **add_column(blocks, f"column{i}", column)}
        for i, (name, column) in enumerate(shown.columns)
    ]
    if shown.frames is not None:
        header["frames"] = _add_frames(blocks, "frames", shown.frames, n_samples)
    if shown.compare is not None:
        header["compare"] = _add_second_map(blocks, shown.compare, n_samples)
    if shown.thumbnails is not None:
        header["thumbnails"] = _add_thumbnails(blocks, shown.thumbnails)
    return pack(header, blocks)


def digest_of(shown):
    """Return what names a map: a digest of its statistics, labels and sample ids.

    The marks of a reader are kept under it in the browser. They stay with the map when other texts
    or pictures are shown beside it.
    """
    digest = hashlib.sha256()
    for name in POSITIONS:
        digest.update(np.ascontiguousarray(shown.statistics[name], dtype="<f8").tobytes())
    for values in (shown.labels, shown.sample_ids):
        for value in () if values is None else values:
            text = (text_of(value) or "").encode("utf-8", "surrogatepass")
            digest.update(f"{len(text)}:".encode() + text)
        digest.update(b";")
    return digest.hexdigest()[:32]


def _add_statistic(blocks, name, values, n_samples):
    exact = name in POSITIONS or n_samples <= _EXACT_UP_TO
    single = np.asarray(values).astype("<f4")
    blocks[f"statistic:{name}"] = (
        single if exact else _round(single, 11 if n_samples <= _LARGE else 9)
    )
    return {"name": name, "exact": exact}


def _is_derived(statistics):
    """Whether the aleatoric statistic is that of the other two, which the page computes."""
    given, p = statistics.get("aleatoric"), statistics["confidence"]
    spread = np.maximum(p * (1 - p) - statistics["variability"] ** 2, 0)
    return given is not None and np.allclose(given, spread, rtol=0, atol=1e-6, equal_nan=True)


def _round(values, n_bits):
    """Round numbers of single precision to some of their 24 significant bits."""
    finite = np.isfinite(values)
    mantissa, exponent = np.frexp(values[finite])
    rounded = values.copy()
    rounded[finite] = np.ldexp(np.rint(mantissa * (1 << n_bits)) / (1 << n_bits), exponent)
    return rounded


def _add_regions(blocks, key, regions):
    texts = [text_of(region) or "" for region in regions]
    names = sorted(set(texts))
    places = {name: i for i, name in enumerate(names)}
    codes = np.fromiter((places[text] for text in texts), dtype=np.int64, count=len(texts))
    blocks[key] = codes.astype("<u1" if len(names) <= 256 else "<u4")
    return names


def _add_labels(header, blocks, shown):
    """Add the labels and suggested labels as codes, and the classes with their names."""
    if shown.labels is None:
        return
    keys = [text_of(value) or "" for value in shown.classes]
    names = list(keys if shown.class_names is None else shown.class_names)
    places = {key: i for i, key in enumerate(keys)}
    blocks["label"] = _codes(shown.labels, places, keys)
    if shown.suggested is not None:
        blocks["suggested"] = _codes(shown.suggested, places, keys)
    names += keys[len(names) :]  # suggested labels that no row has
    header["classes"] = [list(pair) for pair in zip(keys, _distinct(names, keys), strict=True)]


def _distinct(names, keys):
    """Return names that differ, so that each stands for one label: the label is added to others."""
    counts = Counter(names)
    longer = [
        name if counts[name] == 1 else f"{name} ({key})"
        for name, key in zip(names, keys, strict=True)
    ]
    return longer if len(set(longer)) == len(longer) else keys


def _codes(labels, places, keys):
    """Return the position of each label among the keys; a new one is appended to them."""
    codes = np.empty(len(labels), dtype="<u4")
    for row, value in enumerate(labels):
        key = text_of(value) or ""
        if key not in places:
            places[key] = len(keys)
            keys.append(key)
        codes[row] = places[key]
    return codes


def _add_second_map(blocks, compare, n_samples):
    entry = {
        "title": compare["title"],
        "regions": _add_regions(blocks, "compare:region", compare["regions"]),
    }
    for name in POSITIONS:
        blocks[f"compare:{name}"] = compare[name].astype("<f4")
    if compare.get("frames") is not None:
        entry["frames"] = _add_frames(blocks, "compare:frames", compare["frames"], n_samples)
    return entry


def _add_frames(blocks, key, frames, n_samples):
    """Add the history, one byte for a probability, a bit for what was predicted right.

    A byte holds the change since the epoch before, modulo 256: it is small for most rows.
    """
    epochs, probas, corrects = [], [], []
    step = 1 if n_samples <= _LARGE else 2
    before = np.zeros(n_samples, dtype=np.uint8)
    for epoch, proba, correct in frames:
        seen = ~np.isnan(proba)
        quantised = np.full(n_samples, _MISSING, dtype=np.uint8)
        quantised[seen] = step * np.rint(np.clip(proba[seen], 0, 1) * ((_MISSING - 1) / step))
        epochs.append(int(epoch))
        probas.append(quantised - before)
        before = quantised
        corrects.append(np.packbits(np.asarray(correct, dtype=bool), bitorder="little"))
    blocks[f"{key}:proba"] = np.concatenate(probas)
    blocks[f"{key}:correct"] = np.concatenate(corrects)
    return epochs


def _add_thumbnails(blocks, thumbnails):
    blocks["thumbnail:data"] = bytes(thumbnails.data)
    blocks["thumbnail:ends"] = np.asarray(thumbnails.ends).astype("<u4")
    blocks["thumbnail:rows"] = np.asarray(thumbnails.rows).astype("<u4")
    return {"mime": thumbnails.mime, "n_rows": int(thumbnails.n_rows)}
