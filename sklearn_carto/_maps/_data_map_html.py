"""A data map in a notebook: a small picture and the counts of its regions."""

from __future__ import annotations

import numpy as np

from sklearn_carto._maps._region_labels import REGIONS
from sklearn_carto._utils._html import html_table, html_text

# from correctness 0 to 1; the hues differ for colour-blind readers, and each has a contrast of at
# least 3 to 1 with a white and with a dark page
_COLOURS = ("#c96a12", "#c05a50", "#ae5383", "#8a5db2", "#4f6fd6")
_RADII = (1.6, 2.3, 3.2)  # of bins that hold one row, up to ten, and more
_LEFT, _TOP, _WIDTH, _HEIGHT = 48, 10, 300, 200
_INSET = 4  # pixels between the dots and the axes
_N_BINS = (75, 50)
_FEW = 500  # rows, whose dots are larger
_SHOWN = ("confidence", "variability", "correctness")


def map_html(data_map):
    """Format a data map as HTML.

    Parameters
    ----------
    data_map : DataMap
        The map.

    Returns
    -------
    html : str
        A picture as inline SVG, whose size does not grow with the number of rows, and a table.
    """
    counts = _counts_table(data_map)
    return (
        '<div style="display: flex; flex-wrap: wrap; align-items: center; gap: 1em">'
        f"{_picture(data_map)}{counts}</div>"
    )


def _counts_table(data_map):
    labels = data_map.region_labels()
    others = [name for name in ("excluded", "unseen") if (labels == name).any()]
    columns: dict[str, list] = {name: [] for name in ("region", "rows", "share", *_SHOWN)}
    for region in (*REGIONS, *others):
        rows = labels == region
        columns["region"].append(region)
        columns["rows"].append(int(rows.sum()))
        columns["share"].append(float(rows.mean()))
        for name in _SHOWN:
            values = getattr(data_map, name)[rows]
            some = len(values) and region != "unseen"
            columns[name].append(float(np.nanmean(values)) if some else None)
    held_out = data_map.held_out_mask
    note = None
    if held_out is not None and held_out.any():
        note = f"{held_out.sum():,} rows were held out."
    return html_table(repr(data_map)[1:-1], columns, note=note)


def _picture(data_map):
    """Draw the rows, and those that lie close together as one dot."""
    present = data_map._present_mask
    x, y, correctness = (
        getattr(data_map, name)[present] for name in ("variability", "confidence", "correctness")
    )
    width = max(0.1, 1.05 * x.max()) if len(x) else 0.5
    total = f"Data map of {data_map.n_samples:,} rows"
    summary = f"{total}: confidence over variability, coloured by correctness."
    parts = [
        f'<svg role="img" aria-label="{html_text(summary, None)}" width="360" height="270" '
        'viewBox="0 0 360 270" xmlns="http://www.w3.org/2000/svg" font-size="11" '
        'font-family="sans-serif" fill="currentColor" style="max-width: 100%; flex: none">',
        f"<title>{html_text(summary, None)}</title>",
        f'<path d="M{_LEFT} {_TOP}v{_HEIGHT}h{_WIDTH}" fill="none" stroke="currentColor"/>',
        *_ticks(width),
        *_dots(x / width, y, correctness),
        *_legend(),
        "</svg>",
    ]
    return "".join(parts)


def _dots(x, y, correctness):
    """Draw a dot for each bin, at the mean place of its rows."""
    if not len(x):
        yield f'<text x="{_LEFT + 12}" y="{_TOP + 30}">No row was seen in training.</text>'
        return
    columns, rows = (
        np.minimum(values * n, n - 1).astype(int) for values, n in zip((x, y), _N_BINS, strict=True)
    )
    n_rows, bins = len(x), rows * _N_BINS[0] + columns
    counts = np.bincount(bins)
    held = np.flatnonzero(counts)
    x, y, correctness = (
        np.bincount(bins, weights=values)[held] / counts[held] for values in (x, y, correctness)
    )
    colours = np.minimum(correctness * len(_COLOURS), len(_COLOURS) - 1).astype(int)
    sizes = np.searchsorted([0 if n_rows <= _FEW else 1, 10], counts[held])
    left = _LEFT + _INSET + (_WIDTH - 2 * _INSET) * x
    top = _TOP + _INSET + (_HEIGHT - 2 * _INSET) * (1 - y)
    for size, radius in reversed(list(enumerate(_RADII))):  # small dots remain visible
        for colour, name in enumerate(_COLOURS):
            chosen = np.flatnonzero((sizes == size) & (colours == colour))
            places = "".join(f"M{left[i]:.0f} {top[i]:.0f}h0" for i in chosen)
            if places:
                yield (
                    f'<path d="{places}" fill="none" stroke="{name}" stroke-width="{2 * radius}" '
                    'stroke-linecap="round"/>'
                )


def _ticks(width):
    """Write the ends of the axes, and what they are."""
    bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
    for share in (0, 0.5, 1):
        yield (
            f'<text x="{_LEFT - 5}" y="{bottom - share * _HEIGHT + 4:.0f}" text-anchor="end">'
            f"{share:g}</text>"
        )
    largest = np.floor(width * 10) / 10  # a tick below the end
    for value in (0, largest / 2, largest):
        place = _LEFT + _WIDTH * value / width
        yield f'<text x="{place:.0f}" y="{bottom + 14}" text-anchor="middle">{value:g}</text>'
    middle = (_TOP + bottom) / 2
    yield (
        f'<text x="{(_LEFT + right) / 2:.0f}" y="{bottom + 28}" text-anchor="middle">variability'
        "</text>"
        f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">confidence'
        "</text>"
    )


def _legend():
    """Draw the colours of correctness."""
    top = _TOP + _HEIGHT + 42
    yield f'<text x="{_LEFT + 62}" y="{top + 9}" text-anchor="end">correctness</text>'
    yield f'<text x="{_LEFT + 78}" y="{top + 9}" text-anchor="end">0</text>'
    for i, colour in enumerate(_COLOURS):
        yield f'<rect x="{_LEFT + 83 + 22 * i}" y="{top}" width="22" height="10" fill="{colour}"/>'
    yield f'<text x="{_LEFT + 88 + 22 * len(_COLOURS)}" y="{top + 9}">1</text>'
