"""Comparisons in a notebook, as tables of HTML with the numbers of their printed tables."""

from __future__ import annotations

import numpy as np

from sklearn_carto._comparison._tables import HEADER, cells_of, rows_of
from sklearn_carto._maps._regions import describe_region
from sklearn_carto._utils._html import html_table


def subsets_html(summary, n_fits, caption):
    """Format the summary of a comparison of subsets; `n_fits` is that of each training set."""
    columns: dict[str, list] = {name: [] for name in ("score", "training set", *HEADER)}
    for row in rows_of(summary):
        cells = [row["score"], str(row["region"]), *cells_of(row, n_fits)]
        for column, cell in zip(columns.values(), cells, strict=True):
            column.append(cell)
    intervals = "In parentheses: 95 % intervals." if np.isfinite(summary["mean_low"]).any() else ""
    return html_table(caption, columns, n_names=2, note=intervals)


def matrices_html(result):
    """Format the mean scores of a cross-distillation, a block of rows for each score."""
    columns: dict[str, list] = {"score": [], "reference": []}
    columns |= {f"model {name}": [] for name in result.models_}
    for score in result.scores_:
        for name, means in zip(result.reference_models_, result.matrix(score), strict=True):
            for column, cell in zip(columns.values(), (score, name, *means), strict=True):
                column.append(cell)
    region = describe_region(result.region)
    caption = f"{repr(result)[1:-1]}; {region}, {result.frac:.0%} of the samples"
    return html_table(caption, columns, n_names=2)
