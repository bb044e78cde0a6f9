"""The command `apply`: write a table with corrected labels."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sklearn_carto._cli._data import open_source
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._labels import LabelReader, read_ids
from sklearn_carto._cli._output import OutputFile
from sklearn_carto._cli._tables import Changes


def run(options, messages):
    """Apply corrections to the labels of a table.

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
    apply_corrections = getattr(import_module("sklearn_carto"), "apply_corrections", None)
    if apply_corrections is None:
        raise CommandError("this version cannot apply corrections.")
    source = open_source(options.file, options)
    target = source.find(options.target, "--target")
    id_ = None if options.id is None else source.find(options.id, "--id")
    output = OutputFile(options, messages, format_=source.format)
    if not Path(options.corrections).is_file():
        raise CommandError(f"{options.corrections} does not exist.")
    table = source.read()
    reader = LabelReader(source, target)
    reader.update(table)
    labels = reader.labels(table)  # rows without one were not on the map
    ids = read_ids(table, source, id_)[labels.rows]
    corrected = apply_corrections(labels.y, options.corrections, sample_ids=ids)
    pairs = zip(labels.rows.tolist(), labels.y.tolist(), corrected.tolist(), strict=True)
    changed = {row: new for row, old, new in pairs if str(new) != str(old)}
    output.write_table(source, table, changes=Changes(target, changed))
    summary = {"command": "apply", "file": str(source.path), "target": target}
    summary |= {"n_rows": table.n_rows, "n_corrected": len(changed)}
    return summary | {"lines": [f"{len(changed)} of {table.n_rows} labels corrected"]}
