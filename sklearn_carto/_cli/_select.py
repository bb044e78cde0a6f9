"""The command `select`: write a part of the rows of a table."""

from __future__ import annotations

import numpy as np

from sklearn_carto._cli._data import open_source, read_data
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._estimators import make_learner
from sklearn_carto._cli._labels import labels_of, read_ids
from sklearn_carto._cli._output import OutputFile
from sklearn_carto._cli._regions import parse_region
from sklearn_carto._cli._saved_map import align, check_labels, load_map
from sklearn_carto._cli._training import check_folds, watched
from sklearn_carto._maps._regions import OF_SELECTORS

_FRAC = 0.33


def run(options, messages):
    """Select rows of a table.

    Parameters
    ----------
    options : argparse.Namespace
        The arguments of the command.
    messages : Messages
        Prints the progress.

    Returns
    -------
    summary : dict
        What --json prints.
    """
    region = parse_region(options.region)
    _check_combination(options, region)
    frac = _FRAC if options.frac is None else options.frac
    source = open_source(options.file, options)
    output = OutputFile(options, messages, format_=source.format)
    table, rows, y = (_by_map if options.map else _by_training)(options, region, frac, messages)
    output.write_table(source, table, np.sort(rows))
    classes, counts = np.unique(y, return_counts=True)
    summary = {
        "command": "select",
        "file": str(source.path),
        "region": region,
        "n_rows": table.n_rows,
        "n_selected": len(rows),
        "classes": {str(name): int(n) for name, n in zip(classes, counts, strict=True)},
    }
    shown = ", ".join(f"{name} ({n})" for name, n in list(summary["classes"].items())[:8])
    return summary | {"lines": [f"{len(rows)} of {table.n_rows} rows: {shown}"]}


def _check_combination(options, region):
    """Raise an error on options that exclude each other."""
    if region == "clean" and options.frac is not None:
        raise CommandError(
            "--region clean takes no --frac: it keeps all rows but those whose label is suspect."
        )
    if not options.map:
        return
    for name, value in (
        ("region", region),
        ("frac", options.frac),
        ("noise-cut", options.noise_cut),
    ):
        if value == "auto" or (isinstance(value, str) and value in OF_SELECTORS):
            raise CommandError(f"--{name} {value} trains, and takes no --map.")


def _check_folds(options, region, y, n_folds):
    """Check the classes against the folds of "auto" and "clean"."""
    used = {"--region": region, "--frac": options.frac, "--noise-cut": options.noise_cut}
    for option, value in used.items():
        if value in ("auto", "clean"):
            check_folds(y, n_folds, f"{option} {value}", f"pass another {option}")


def _by_training(options, region, frac, messages):
    """Return the table, the positions of the selected rows, and their labels."""
    from sklearn_carto._selection._selector import DataMapSelector

    data = read_data(options, messages)
    learner = make_learner(options, data.features, len(data.y))
    proxy = watched(learner)
    selector = DataMapSelector(
        proxy,
        region=region,
        frac=frac,
        noise_cut=options.noise_cut,
        stratify=not options.no_stratify,
        random_state=options.seed,
        n_jobs=options.n_jobs,
    )
    _check_folds(options, region, data.y, selector.cv)
    messages.info(f"training {learner.name} on {len(data.y)} rows")
    chosen = selector.fit(data.X, data.y).sample_indices_
    return data.table, data.rows[chosen], data.y[chosen]


def _by_map(options, region, frac, messages):
    """As `_by_training`, from a saved map."""
    data_map = load_map(options.map)
    source = open_source(options.file, options)
    target = source.find(options.target, "--target")
    table = source.read()
    id_ = None if options.id is None else source.find(options.id, "--id")
    rows = align(data_map, options.map, read_ids(table, source, id_), source.path)
    y = labels_of(table, source, target)
    check_labels(data_map, options.map, y[rows], source.path)
    chosen = data_map.select(
        region,
        frac,
        noise_cut=options.noise_cut,
        stratify=not options.no_stratify,
        random_state=options.seed,
    )
    return table, rows[chosen], y[rows[chosen]].astype(str)
