"""The command `apply`: write a table with corrected labels."""

from __future__ import annotations

from pathlib import Path

from sklearn_carto._cli._data import open_source
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._labels import LabelReader, read_ids
from sklearn_carto._cli._output import OutputFile
from sklearn_carto._cli._tables import Changes
from sklearn_carto._explorer._corrections import apply_corrections
from sklearn_carto._explorer._corrections_file import read_corrections

_OPTIONS = {  # what errors of the library name: the option
    "new_classes=True": "--new-classes",
    " in y, but": " in the table, but",
    "but y has": "but the table has",
    "is no class of y": "is no class of the table",
    "none of the sample_ids has": "no id of the table has",
    "Pass the identifiers of the rows": "Pass the table and the --id",
    "Pass the labels": "Pass the table",
    "their sample_ids": "their ids (--id)",
    "sample_ids": "--id",
}


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
    corrected, places = _correct(y, ids, options)
    changed = {int(labels.rows[place]): corrected[place] for place in places}
    output.write_table(source, table, changes=Changes(target, changed))
    summary = {"command": "apply", "file": str(source.path), "target": target}
    summary |= {"n_rows": table.n_rows, "n_corrected": len(changed)}
    return summary | {"lines": [f"{len(changed)} of {table.n_rows} labels corrected"]}


def _correct(y, ids, options):
    """Return the corrected labels, and the positions of those that differ."""
    file = read_corrections(options.corrections, "sklearn-carto apply")
    named = any(correction.sample_id is not None for correction in file.corrections)
    if options.id is None:
        _check_numbers(file, ids)
    try:
        return apply_corrections(
            y,
            options.corrections,
            sample_ids=ids if named else None,  # a map that was drawn in Python may have none
            new_classes=options.new_classes,
            return_changed=True,
        )
    except ValueError as error:
        text = str(error)
        for name, option in _OPTIONS.items():
            text = text.replace(name, option)
        raise CommandError(text) from error


def _check_numbers(file, ids):
    """Raise an error if ids of corrections, which are taken for numbers of rows, are others."""
    for row, name, *_ in file.corrections:
        if name is not None and row < len(ids) and name != str(ids[row]):
            raise CommandError(
                f"row {row} of {file.path} has the id {name!r}, which is not the number of the row "
                "in the table. Pass the --id that the map was drawn with, and the same table."
            )
