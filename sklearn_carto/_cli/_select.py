"""The command `select`: write a part of the rows of a table."""

from __future__ import annotations

import numpy as np

from sklearn_carto._cli._data import open_source, read_data
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._estimators import make_learner
from sklearn_carto._cli._labels import labels_of, read_ids
from sklearn_carto._cli._output import OutputFile
from sklearn_carto._cli._saved_map import align, check_labels, load_map
from sklearn_carto._utils._compat import InvalidParameterError


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
    source = open_source(options.file, options)
    output = OutputFile(options, messages, format_=source.format)
    table, rows, y = (_by_map if options.map else _by_training)(options, region, messages)
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


def parse_region(text):
    """Return a region, or a mixture of regions to shares, as "ambiguous=0.8,easy=0.2"."""
    if "=" not in text:
        return text.strip()
    mixture = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            mixture[name.strip()] = float(share)
        except ValueError:
            raise CommandError(
                f"--region {text!r} is no mixture. Write regions with their shares, which sum to "
                "1: ambiguous=0.8,easy=0.2."
            ) from None
    return mixture


def _by_training(options, region, messages):
    """Return the table, the positions of the selected rows, and their labels."""
    from sklearn_carto._selection._selector import DataMapSelector
    from sklearn_carto._watching._classifier import CartographyClassifier

    data = read_data(options, messages)
    learner = make_learner(options, data.features, len(data.y))
    proxy = CartographyClassifier(learner.estimator, n_epochs=learner.n_epochs)
    selector = DataMapSelector(
        proxy,
        region=region,
        frac=options.frac,
        noise_cut=options.noise_cut,
        stratify=not options.no_stratify,
        random_state=options.seed,
        n_jobs=options.n_jobs,
    )
    messages.info(f"training {learner.name} on {len(data.y)} rows")
    try:
        chosen = selector.fit(data.X, data.y).sample_indices_
    except InvalidParameterError as error:  # there is no --cv to lower
        way_out = "Merge the class with another, leave out its rows, or"
        text = str(error).replace("Lower cv, or use a fixed value instead of", f"{way_out} replace")
        raise CommandError(text) from error
    return data.table, data.rows[chosen], data.y[chosen]


def _by_map(options, region, messages):
    """As `_by_training`, from a saved map."""
    for name in ("frac", "noise_cut"):
        if getattr(options, name) == "auto":
            raise CommandError(f"--{name.replace('_', '-')} auto trains, and takes no --map.")
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
        options.frac,
        noise_cut=options.noise_cut,
        stratify=not options.no_stratify,
        random_state=options.seed,
    )
    return table, rows[chosen], y[rows[chosen]].astype(str)
