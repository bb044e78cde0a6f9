"""Tables of HTML, for notebooks; every text in them is escaped."""

from __future__ import annotations

from html import escape

import numpy as np

MAX_ROWS = 60  # of a table
_MAX_CHARACTERS = 100  # of a cell
# notebooks would typeset text between two dollar signs as mathematics
_NO_MATHEMATICS = "tex2jax_ignore mathjax_ignore"


def html_table(caption, columns, *, n_names=1, n_rows=None, note=None):
    """Format columns as a table of HTML.

    It has the class of pandas' tables, and no colours of its own: notebooks give it those of their
    light or dark theme.

    Parameters
    ----------
    caption : str
        What the table shows.
    columns : mapping of str to sequence
        The columns by their names, all of one length.
    n_names : int, default=1
        Number of columns that name the rows.
    n_rows : int, default=None
        Number of rows that there are if the columns hold the first of them; None: all.
    note : str, default=None
        A line below the table.

    Returns
    -------
    html : str
        The table.

    Examples
    --------
    >>> print(html_table("<a>", {"name": ["x", "y"], "n": [1, 0.25]}))
    <div class="tex2jax_ignore mathjax_ignore"><table border="1" class="dataframe">
    <caption>&lt;a&gt;</caption>
    <thead><tr><th scope="col" style="text-align: left">name</th><th scope="col">n</th></tr></thead>
    <tbody>
    <tr><th scope="row" style="text-align: left">x</th><td>1</td></tr>
    <tr><th scope="row" style="text-align: left">y</th><td>0.250</td></tr>
    </tbody></table></div>
    """
    cells = {name: [html_text(value) for value in values[:MAX_ROWS]] for name, values in
             columns.items()}  # fmt: skip
    n_held = max(map(len, columns.values()), default=0)
    n_shown, n_rows = min(n_held, MAX_ROWS), n_held if n_rows is None else n_rows
    lefts = [
        i < n_names or any(isinstance(value, str) for value in values[:MAX_ROWS])
        for i, values in enumerate(columns.values())
    ]
    head = "".join(
        _cell("th", html_text(name), left, "col") for name, left in zip(cells, lefts, strict=True)
    )
    rows = []
    for row in zip(*cells.values(), strict=True):
        parts = [
            _cell("th", text, left, "row") if i < n_names else _cell("td", text, left)
            for i, (text, left) in enumerate(zip(row, lefts, strict=True))
        ]
        rows.append(f"<tr>{''.join(parts)}</tr>")
    notes = [f"{n_shown:,} of {n_rows:,} rows"] if n_shown < n_rows else []
    notes += [note] if note else []
    return "\n".join(
        [
            f'<div class="{_NO_MATHEMATICS}"><table border="1" class="dataframe">',
            f"<caption>{html_text(caption, None)}</caption>",
            f"<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *rows,
            f"</tbody></table>{''.join(f'<p>{html_text(one, None)}</p>' for one in notes)}</div>",
        ]
    )


def html_text(value, max_characters=_MAX_CHARACTERS):
    """Format a value as text of HTML: numbers short, missing ones empty, long text cut.

    Examples
    --------
    >>> html_text("<b>"), html_text(0.12345), html_text(float("nan")), html_text(3)
    ('&lt;b&gt;', '0.123', '', '3')
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, (float, np.floating)):
        text = "" if np.isnan(value) else f"{value:.3f}"
    elif isinstance(value, (bool, np.bool_, str)):
        text = str(value)
    elif isinstance(value, (int, np.integer)):
        text = f"{value:d}"
    else:
        text = str(value)
    if max_characters is not None and len(text) > max_characters:
        text = text[: max_characters - 1] + "…"
    # lone surrogates are no text that could be sent
    return escape(text.encode("utf-8", "replace").decode("utf-8"))


def _cell(tag, text, left, scope=None):
    attributes = f' scope="{scope}"' if scope else ""
    attributes += ' style="text-align: left"' if left else ""
    return f"<{tag}{attributes}>{text}</{tag}>"
