"""The command `explore`: an interactive page of a saved map."""

from __future__ import annotations

from sklearn_carto._cli._data import open_source
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._features import Features
from sklearn_carto._cli._labels import labels_of, read_ids
from sklearn_carto._cli._map_output import describe_map, map_facts
from sklearn_carto._cli._output import OutputFile
from sklearn_carto._cli._saved_map import align, check_labels, load_map
from sklearn_carto._explorer._label_values import stands_for


def run(options, messages):
    """Write the page of a saved map.

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
    output = OutputFile(options, messages, suffix=".html")
    data_map = load_map(options.map)
    shown = {}
    if options.file is not None:
        source = open_source(options.file, options)
        features = Features(source, options, messages)
        table = source.read()
        id_ = None if options.id is None else source.find(options.id, "--id")
        rows = align(data_map, options.map, read_ids(table, source, id_), source.path)
        if options.target is not None:
            y = labels_of(table, source, source.find(options.target, "--target"))
            check_labels(data_map, options.map, y[rows], source.path)
        elif not _holds_labels(table, source.names, rows, data_map.labels):
            messages.info(
                f"warning: no column of {source.path} holds the labels of {options.map}; it may be "
                "another table. Pass --target to have its labels compared"
            )
        shown = features.shown(table, rows)
    elif options.text or options.image:
        raise CommandError("--text and --image name columns of a table. Pass its FILE, too.")
    messages.info(f"writing {output.path}")
    data_map.explore(output.path, **shown)
    messages.written.append(str(output.path))
    summary = {"command": "explore", "map": str(options.map), "n_rows": data_map.n_samples}
    summary |= map_facts(data_map)
    return summary | {"lines": [f"{data_map.n_samples} rows, {describe_map(summary)[0]}"]}


def _holds_labels(table, names, rows, labels):
    """Return whether a column holds the labels of a map."""
    if labels is None:
        return True
    wanted = labels.tolist()
    for name in names:
        cells = map(str, table.column(name)[rows].tolist())
        if all(stands_for(cell.strip(), one) for cell, one in zip(cells, wanted, strict=True)):
            return True
    return False
