"""Label issues in a notebook: the labels of lowest quality."""

from __future__ import annotations

from sklearn_carto._utils._html import html_table

_N_ROWS = 10
_SHOWN = ("given_label", "suggested_label", "label_quality", "suggested_proba", "error_proba")


def issues_html(issues):
    """Format the labels of lowest quality as a table of HTML."""
    worst = issues.ranking[:_N_ROWS]
    columns = {"row": worst}
    if issues.sample_ids is not None:
        columns["sample_id"] = issues.sample_ids[worst]
    for name in _SHOWN:
        values = getattr(issues, name)
        if values is not None:
            columns[name] = values[worst]
    caption = f"{repr(issues)[1:-1]}; lowest label quality first"
    return html_table(caption, columns, n_rows=issues.n_samples)
