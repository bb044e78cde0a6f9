"""Cells of CSV files that a spreadsheet would take for formulas."""

from __future__ import annotations

import re

# what a spreadsheet skips, then what it takes for the beginning of a formula, also of full width
_BLANKS = " \t\r\n\x0b\x0c\xa0\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
_FORMULA = re.compile(f"(?:[{_BLANKS}]*[=+@\uff1d\uff0b\uff20\uff0d\\-]|[\t\r])")
_GUARD = "'"


def guard_cell(cell):
    """Write an apostrophe before text that a spreadsheet would take for a formula.

    Text that begins with apostrophes and would be one without them gets one, too, so that
    :func:`unguard_cell` restores every text.

    Parameters
    ----------
    cell : str
        The text.

    Returns
    -------
    guarded : str
        The text for a CSV file.

    Examples
    --------
    >>> guard_cell("=1+1"), guard_cell(" -3"), guard_cell("a=b"), guard_cell("'=1")
    ("'=1+1", "' -3", 'a=b', "''=1")
    """
    return _GUARD + cell if _is_formula(cell) else cell


def unguard_cell(cell):
    """Remove the apostrophe that :func:`guard_cell` wrote.

    Parameters
    ----------
    cell : str
        The text of a CSV file.

    Returns
    -------
    cell : str
        The text before it was guarded.

    Examples
    --------
    >>> unguard_cell("'=1+1"), unguard_cell("''=1"), unguard_cell("'tis")
    ('=1+1', "'=1", "'tis")
    """
    guarded = cell.startswith(_GUARD) and _is_formula(cell)
    return cell[len(_GUARD) :] if guarded else cell


def _is_formula(cell):
    return _FORMULA.match(cell.lstrip(_GUARD)) is not None
