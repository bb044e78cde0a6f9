"""Labels that were corrected in the explorer, carried back to Python."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeVar, overload

import numpy as np

from sklearn_carto._explorer._corrections_file import read_corrections
from sklearn_carto._explorer._label_values import LabelTexts, stands_for, values_of, with_values
from sklearn_carto._utils._typing import Array, ArrayLike, PathType
from sklearn_carto._utils._validation import check_params, check_sample_ids, describe
from sklearn_carto.exceptions import SampleAlignmentError

Labels = TypeVar("Labels")

_N_NAMED = 5  # classes that an error names


class Terms(NamedTuple):
    """What errors call the arguments, by how the user passes them.

    The defaults are those of :func:`apply_corrections`.
    """

    owner: str = "apply_corrections"
    y: str = "y"
    labels: str = "the labels"
    ids: str = "sample_ids"
    ids_of_y: str = "the sample_ids"
    right_ids: str = "the identifiers of the rows that the map was made of"
    new_classes: str = "new_classes=True"


_OF_PYTHON = Terms()


@overload
def apply_corrections(
    y: Labels,
    path: PathType,
    *,
    sample_ids: ArrayLike | None = None,
    new_classes: bool = False,
    return_changed: Literal[False] = False,
) -> Labels: ...


@overload
def apply_corrections(
    y: Labels,
    path: PathType,
    *,
    sample_ids: ArrayLike | None = None,
    new_classes: bool = False,
    return_changed: Literal[True],
) -> tuple[Labels, Array]: ...


def apply_corrections(
    y: Any,
    path: PathType,
    *,
    sample_ids: ArrayLike | None = None,
    new_classes: bool = False,
    return_changed: bool = False,
) -> Any:
    """Correct labels by a file that was exported from the explorer.

    Every row of the file that has a given label is checked against `y` before any label is
    changed, so that corrections of other rows, or of labels that were corrected already, are an
    error.

    Parameters
    ----------
    y : ndarray, list, tuple, pandas.Series, polars.Series or Tensor of shape (n_samples,)
        The labels that the map was made of. They are not changed.
    path : str or path-like
        The exported file, which ends in ``.json`` or ``.csv``.
    sample_ids : array-like of shape (n_samples,), default=None
        Identifiers of the rows of `y`. The rows of the file are found by their identifiers, so that
        `y` may have another order, or further rows. None: they are found by their positions.
    new_classes : bool, default=False
        Whether a corrected label may be one that `y` does not hold. It is text, or a number that
        the type of `y` can hold. Booleans, dates and other objects have no new classes.
    return_changed : bool, default=False
        Whether to return also the positions of the changed rows.

    Returns
    -------
    y_corrected : same as `y`
        Copy of `y` with the corrected labels, in the same container and type, and with the same
        index. Text of numpy becomes as wide as it must.
    changed : ndarray of int of shape (n_changed,)
        Positions of the rows whose label differs, ascending. Only if `return_changed` is True.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    SampleAlignmentError
        If the rows of the file are not those of `y`: a given label differs, a row or an identifier
        is none of `y`, or the number of rows differs.
    ValueError
        If the file is no export or is damaged, if it holds a row twice, or if a corrected label is
        no class, or the text of two classes, such as 1 and "1".

    See Also
    --------
    LabelIssues : Labels that are likely wrong, and suggestions.

    Notes
    -----
    Labels and identifiers are compared as text, ``str(label)``; numbers also by value, so that "3"
    is the label 3.0. An empty cell of a CSV file is no correction: a label that is the empty text
    can be corrected to only by JSON. JSON holds the number of rows, which must be that of `y` where
    rows are found by their positions; CSV does not.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> from sklearn_carto import apply_corrections
    >>> row = {"row": 1, "id": None, "given_label": "cat", "new_label": "dog"}
    >>> exported = {
    ...     "format": "sklearn_carto.corrections", "version": 1, "n_samples": 3, "rows": [row]
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "corrections.json")
    ...     _ = path.write_text(json.dumps(exported))
    ...     apply_corrections(["cat", "cat", "dog"], path)
    ['cat', 'dog', 'dog']
    """
    flags = {"new_classes": new_classes, "return_changed": return_changed}
    check_params(_OF_PYTHON.owner, dict.fromkeys(flags, ["boolean"]), flags)
    values = values_of(y, _OF_PYTHON.owner)
    file = read_corrections(path, _OF_PYTHON.owner)
    if sample_ids is not None:
        sample_ids = check_sample_ids(sample_ids, len(values), _OF_PYTHON.owner)
    changes = find_changes(y, values, file, sample_ids, new_classes)
    changed = np.array(sorted(changes), dtype=np.int64)
    corrected = with_values(y, changed.tolist(), [changes[row] for row in changed.tolist()])
    return (corrected, changed) if return_changed else corrected


def find_changes(y, values, file, ids, new_classes, terms=_OF_PYTHON):
    """Return the new label of each row whose label changes.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The container of the labels, whose type determines which new classes there can be.
    values : list of length n_samples
        The labels.
    file : CorrectionsFile
        The corrections.
    ids : array-like of shape (n_samples,) or None
        Identifiers of the rows; None: the rows of the file are found by their positions.
    new_classes : bool
        Whether a new label may be one that `y` does not hold.
    terms : Terms, default=Terms()
        What the errors call the arguments.

    Returns
    -------
    changes : dict of int to object
        The new label of each row whose label differs.

    Raises
    ------
    SampleAlignmentError, ValueError
        As :func:`apply_corrections`.
    """
    if ids is None:
        rows = _rows_by_position(file, len(values), terms)
    else:
        rows = _rows_by_id(file, ids, terms)
    texts = LabelTexts(y, values)
    changes = {}
    for row, correction in zip(rows, file.corrections, strict=True):
        _check_given(file, row, correction, values[row], terms)
        if correction.new_label is not None:
            label = _new_label(file, row, correction, texts, new_classes, terms)
            if not _is_same(label, values[row]):
                changes[row] = label
    return changes


def _rows_by_position(file, n_samples, terms):
    """Return the rows of a file that is of all rows of the labels."""
    if file.n_samples is not None and file.n_samples != n_samples:
        raise SampleAlignmentError(
            f"{file.path} holds corrections of {file.n_samples} rows, but {terms.y} has "
            f"{n_samples}. Pass {terms.labels} that the map was made of, or find the rows by their "
            f"{terms.ids}."
        )
    rows = [correction.row for correction in file.corrections]
    beyond = [row for row in rows if row >= n_samples]
    if beyond:
        raise SampleAlignmentError(
            f"{file.path} corrects row {beyond[0]}, but {terms.y} has {n_samples} rows, counted "
            f"from 0. Pass {terms.labels} that the map was made of, or find the rows by their "
            f"{terms.ids}."
        )
    return rows


def _rows_by_id(file, ids, terms):
    """Return the position in the labels of each row of a file."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(ids):
        places.setdefault(str(one), []).append(place)
    rows: dict[int, str] = {}
    for correction in file.corrections:
        name, where = correction.sample_id, f"row {correction.row} of {file.path}"
        if name is None:
            raise SampleAlignmentError(
                f"{where} has no id. Leave out {terms.ids} to find the rows by their positions, or "
                f"give the map {terms.ids} before it is explored."
            )
        found = places.get(name, [])
        if len(found) != 1:
            what = f"{len(found)} of" if found else "none of"
            has = "have" if found else "has"
            raise SampleAlignmentError(
                f"{where} has the id {name!r}, but {what} {terms.ids_of_y} {has} this text. Pass "
                f"{terms.right_ids}."
            )
        if found[0] in rows:
            raise SampleAlignmentError(
                f"{file.path} holds the id {name!r} twice. Keep one of its entries."
            )
        rows[found[0]] = name
    return list(rows)


def _check_given(file, row, correction, label, terms):
    """Raise an error if a row of the labels has another label than the explorer showed."""
    given = correction.given_label
    if not given and correction.new_label is None:  # of a map without labels
        return
    if given is not None and stands_for(given, label):
        return
    new = correction.new_label
    done = new is not None and stands_for(new, label)
    way_out = (
        f"It may have been corrected already: apply each file once, to {terms.labels} that the map "
        "was made of."
        if done
        else f"Pass {terms.labels} that the map was made of, in their order, or find the rows by "
        f"their {terms.ids}."
    )
    named = "" if correction.sample_id is None else f" (id {correction.sample_id!r})"
    raise SampleAlignmentError(
        f"Row {row}{named} has the label {describe(label)} in {terms.y}, but "
        f"{describe(given)} in {file.path}. {way_out}"
    )


def _new_label(file, row, correction, texts, new_classes, terms):
    """Return the label that a corrected label stands for."""
    text = correction.new_label
    found = texts.find(text)
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f"{file.path} corrects row {row} to {text!r}, which is the text of several classes: "
            f"{', '.join(map(repr, found))}. Convert the labels to one type first."
        )
    label = texts.parse(text) if new_classes else None
    if label is not None:
        return label
    classes = ", ".join(repr(label) for label in texts.classes[:_N_NAMED])
    more = ", ..." if len(texts.classes) > _N_NAMED else ""
    way_out = (
        f"The type of {terms.y} cannot hold it: convert the labels to another type first."
        if new_classes
        else f"Pass {terms.new_classes} if it is a new class."
    )
    raise ValueError(
        f"{file.path} corrects row {row} to {text!r}, which is no class of {terms.y}: {classes}"
        f"{more}. {way_out}"
    )


def _is_same(one, other):
    return type(one) is type(other) and bool(one == other)
