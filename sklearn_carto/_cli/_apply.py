"""The command `apply`: write a table with corrected labels."""

from __future__ import annotations

from pathlib import Path

from sklearn_carto._cli._data import open_source
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._labels import LabelReader, read_ids
from sklearn_carto._cli._output import OutputFile
from sklearn_carto._cli._tables import Changes
from sklearn_carto._explorer._corrections import Terms, find_changes
from sklearn_carto._explorer._corrections_file import read_corrections

_TERMS = Terms(
    owner="sklearn-carto apply",
    y="the table",
    labels="the table",
    ids="--id",
    ids_of_y="the ids of the table",
    right_ids="the table and the --id that the map was drawn with",
    new_classes="--new-classes",
)


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
    # a cell of CSV may get any text
    y = labels.y.astype(str) if source.format == "CSV" else labels.y
    ids = read_ids(table, source, id_)[labels.rows]
    file = read_corrections(options.corrections, _TERMS.owner)
    if all(correction.new_label is None for correction in file.corrections):
        messages.info(
            f"warning: no row of {file.path} has a new label. Fill in its column new_label, or "
            "relabel rows in the page and export them"
        )
    changed = _find_changes(y, ids, file, options)
    rows = labels.rows.tolist()
    # the cell of a row of the class has the type of the column, which its label may not have
    known = {} if source.format == "CSV" else dict(zip(y.tolist(), rows, strict=True))
    changes = Changes(target)
    for place, label in changed.items():
        if label in known:
            changes.copies[rows[place]] = known[label]
        else:
            changes.values[rows[place]] = label
    output.write_table(source, table, changes=changes)
    summary = {"command": "apply", "file": str(source.path), "target": target}
    summary |= {"n_rows": table.n_rows, "n_corrected": len(changed)}
    return summary | {"lines": [f"{len(changed)} of {table.n_rows} labels corrected"]}


def _find_changes(y, ids, file, options):
    """Return the new label of each position of `y` whose label changes."""
    if options.id is None:
        _check_numbers(file, ids)
    # a map that was drawn in Python may have no ids
    named = any(correction.sample_id is not None for correction in file.corrections)
    return find_changes(y, y.tolist(), file, ids if named else None, options.new_classes, _TERMS)


def _check_numbers(file, ids):
    """Raise an error if ids of corrections, which are taken for numbers of rows, are others."""
    for row, name, *_ in file.corrections:
        if name is not None and row < len(ids) and name != str(ids[row]):
            raise CommandError(
                f"row {row} of {file.path} has the id {name!r}, which is not the number of the row "
                "in the table. Pass the --id that the map was drawn with, and the same table."
            )
