"""The summary of a comparison as a table: of text, and for LaTeX."""

from __future__ import annotations

import numpy as np

HEADER = ("share", "rows", "mean", "to random", "to full", "speed-up")


def rows_of(summary):
    """Return the rows of a summary, each as a dict."""
    columns = [values.tolist() for values in summary.values()]
    return [dict(zip(summary, values, strict=True)) for values in zip(*columns, strict=True)]


def cells_of(row, n_fits):
    """Format the cells of a row, below `HEADER`; `n_fits` is their number if none failed."""
    rows = "" if np.isnan(row["n_train"]) else f"{row['n_train']:.0f}"
    mean = _number(row, "mean", "{:.3f}")
    if row["n_fits"] < n_fits:
        mean += f" [{row['n_fits']} of {n_fits} fits]"
    speed_up = "" if np.isnan(row["speed_up"]) else f"{row['speed_up']:.1f}x"
    differences = [_number(row, name, "{:+.3f}") for name in ("vs_random", "vs_full")]
    return [f"{100 * row['frac']:.3g}%", rows, mean, *differences, speed_up]


def _number(row, name, form):
    if np.isnan(row[name]):
        return ""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    interval = "" if np.isnan(low) else f" ({form}, {form})".format(low, high)
    return form.format(row[name]) + interval


def format_text(summary, n_fits):
    """Format a summary as lines of text, with a block for each score."""
    rows = rows_of(summary)
    cells = [cells_of(row, n_fits) for row in rows]
    names = [str(row["region"]) for row in rows]
    widths = [max(map(len, column)) for column in zip(HEADER, *cells, strict=True)]
    first = max(map(len, [*names, *(row["score"] for row in rows)]))
    lines, score = [], None
    for row, name, of_row in zip(rows, names, cells, strict=True):
        if row["score"] != score:
            score = row["score"]
            lines += ["", _line(score, HEADER, first, widths)]
        lines.append(_line(name, of_row, first, widths))
    return lines


def _line(name, cells, first, widths):
    """Align the cells of a line: counts to the right, numbers with intervals to the left."""
    aligned = [
        f"{cell:<{width}}" if 2 <= i <= 4 else f"{cell:>{width}}"
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join([f"{name:<{first}}", *aligned]).rstrip()


def format_latex(summary, n_fits):
    """Format a summary as a tabular of LaTeX with the rules of the package booktabs."""
    lines = [r"\begin{tabular}{lrrlllr}", r"\toprule"]
    lines += [" & ".join(["training set", *HEADER]) + r" \\"]
    score = None
    for row in rows_of(summary):
        if row["score"] != score:
            score = row["score"]
            name = escape(score.replace("_", " "))
            lines += [r"\midrule", rf"\multicolumn{{7}}{{l}}{{\textit{{{name}}}}} \\"]
        cells = [escape(cell) for cell in cells_of(row, n_fits)]
        lines.append(" & ".join([escape(str(row["region"])), *cells]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def escape(text):
    r"""Escape the characters that are special in LaTeX; a minus sign gets its width.

    Examples
    --------
    >>> print(escape("f1_macro, -5%"))
    f1\_macro, $-$5\%
    """
    escaped = "".join(_ESCAPES.get(character, character) for character in text)
    for digit in "0123456789":
        escaped = escaped.replace(f"-{digit}", f"$-${digit}")
    return escaped
