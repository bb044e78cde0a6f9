"""Text that fits a box: wrapped or cut, and drawn as it is written."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_MOST_CHARACTERS = 5_000  # of a text, before it is wrapped
_LINE = 1.25  # height of a line, in units of the size of the font
_ROUNDING = 1.12  # by which the widths of letters that are drawn in whole pixels can exceed ours
# matplotlib would read $ as the beginning of a formula, and LaTeX several characters
LITERAL = {"parse_math": False, "usetex": False}


def plain_text(text, one_line=False):
    r"""Return text without characters that control a terminal or the direction of writing.

    Examples
    --------
    >>> plain_text("a\x1b[0m\tb\r\nc"), plain_text("a\nb", one_line=True)
    ('a[0m b\nc', 'a b')
    """
    text = text[:_MOST_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = (
        "�" if unicodedata.category(c) == "Cs" else c
        for c in text
        if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cn")
    )
    text = "".join(kept)
    return " ".join(text.split()) if one_line else text


def text_width(text, size):
    """Return the approximate width of text in points, in a font of this size."""
    return _ROUNDING * size * sum(map(_width_of, text))


def fit_line(text, width, size):
    """Cut text to a width in points.

    Examples
    --------
    >>> fit_line("i" * 99, 30.0, 10.0).endswith("…")
    True
    """
    if text_width(text, size) <= width + 1e-9:  # sums of widths are rounded
        return text
    room = width - text_width("…", size)
    used, n_kept = 0.0, 0
    for character in text:
        used += text_width(character, size)
        if used > room:
            break
        n_kept += 1
    return text[:n_kept].rstrip() + "…"


def fit_labels(labels, width, size):
    """Join a label and the one that is suggested instead; where they do not fit, cut both.

    Examples
    --------
    >>> fit_labels(("cat", "dog"), 200.0, 10.0)
    'cat → dog?'
    """
    if len(labels) == 1:
        return fit_line(labels[0], width, size)
    joined = f"{labels[0]} → {labels[1]}?"
    if text_width(joined, size) <= width:
        return joined
    room = width - text_width(" → ?", size)
    first = min(text_width(labels[0], size), max(room / 2, room - text_width(labels[1], size)))
    given = fit_line(labels[0], first, size)
    return f"{given} → {fit_line(labels[1], room - first, size)}?"


def wrap_text(text, width, height, size):
    """Break text into lines that fit a box, and cut what does not.

    Parameters
    ----------
    text : str
        The text; its own line breaks are kept.
    width, height : float
        Size of the box in points.
    size : float
        Size of the font.

    Returns
    -------
    wrapped : str
        The lines; an ellipsis ends a text that was cut.
    """
    n_lines = max(1, int(height / (_LINE * size)))
    lines: list[str] = []
    for paragraph in plain_text(text).split("\n"):
        lines += _lines_of(paragraph, width, size)
        if len(lines) > n_lines:
            break
    if len(lines) > n_lines or len(text) > _MOST_CHARACTERS:
        lines = lines[:n_lines]
        lines[-1] = fit_line(lines[-1] + "…", width, size)
    return "\n".join(lines)


def _lines_of(paragraph, width, size):
    """Break a paragraph between words; words that are too long within them."""
    lines, line = [], ""
    for word in paragraph.split():
        longer = f"{line} {word}" if line else word
        if text_width(longer, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, width, size)
        lines += whole
    return [*lines, line]


def _pieces(word, width, size):
    """Break a word into pieces of at most a width, of one character at least."""
    pieces, piece, used = [], "", 0.0
    for character in word:
        wide = text_width(character, size)
        if piece and used + wide > width:
            pieces.append(piece)
            piece, used = "", 0.0
        piece, used = piece + character, used + wide
    return [*pieces, piece]


def _width_of(character):
    """Return the width of a character in units of the size of the font."""
    if character.isascii() and character.isprintable():
        return _ascii_widths()[character]
    if unicodedata.combining(character):
        return 0.0
    return 1.05 if unicodedata.east_asian_width(character) in "WF" else 0.7


def _ascii_widths():
    """Return the widths of the characters that every font has, in the present one."""
    import matplotlib

    return _widths_in(tuple(matplotlib.rcParams["font.family"]))


@lru_cache(maxsize=8)
def _widths_in(family):
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=list(family), size=100)
    characters = [chr(code) for code in range(32, 127)]
    # between two letters, since a blank at the end has no width
    alone = text_to_path.get_text_width_height_descent("xx", font, ismath=False)[0]
    return {
        c: (text_to_path.get_text_width_height_descent(f"x{c}x", font, ismath=False)[0] - alone)
        / 100
        for c in characters
    }
