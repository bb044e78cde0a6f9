"""A table, in memory or in blocks of rows, whatever the format of its file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from difflib import get_close_matches
from pathlib import Path

from sklearn_carto._cli._errors import CommandError

_N_NAMED = 30  # columns that an error names


class Changes:
    """New cells of one column.

    Parameters
    ----------
    column : str
        The column.
    values : dict of int to object, default=None
        Rows that get a value.
    copies : dict of int to int, default=None
        Rows that get the cell of another row.
    """

    def __init__(self, column, values=None, copies=None):
        self.column = column
        self.values: dict = values or {}
        self.copies: dict[int, int] = copies or {}

    def new_cells(self, cells):
        """Return the new cell of each row that changes, by the cells of the column."""
        return {row: cells[other] for row, other in self.copies.items()} | self.values


class Source(ABC):
    """A file that holds a table.

    Attributes
    ----------
    path : Path
        The file.
    names : list of str
        Names of the columns, all different.
    comma : {"decimal", "group", "either", None}
        What a comma in a number is, if that is text: a decimal one, or one that sets off three
        digits; "either" is decided for each column. None: such text is no number.
    """

    format = ""
    comma: str | None = None

    def __init__(self, path):
        self.path = Path(path)
        self.names: list[str] = []

    @abstractmethod
    def blocks(self, n_rows):
        """Yield tables of at most `n_rows` consecutive rows."""

    @abstractmethod
    def write(self, file, table, rows=None, changes=None):
        """Write rows of a whole table in the format of this file.

        Parameters
        ----------
        file : binary file
            What is written to.
        table : Table
            The whole table, as it was read.
        rows : array-like of int, default=None
            The rows to write; None: all.
        changes : Changes, default=None
            New cells of one column.
        """

    def read(self):
        """Return the whole table."""
        for table in self.blocks(None):
            return table
        raise CommandError(f"{self.path} holds a header, but no rows.")

    def check_names(self, place="column"):
        """Raise an error if two columns have the same name."""
        first: dict[str, int] = {}
        for i, name in enumerate(self.names, start=1):
            if name in first:
                raise CommandError(
                    f"{self.path} has two columns named {name!r} ({place}s {first[name]} and {i}). "
                    "Rename one of them."
                )
            first[name] = i

    def find(self, name, option):
        """Return the name of a column as the file has it.

        Blanks around it are left out of account. If there is none, the error names the nearest.
        """
        if name in self.names:
            return name
        stripped = {own.strip(): own for own in self.names}
        if name.strip() in stripped:
            return stripped[name.strip()]
        by_case = {own.lower(): own for own in reversed(stripped)}
        near = get_close_matches(name.strip().lower(), by_case, 1)
        hint = f" Did you mean {by_case[near[0]]!r}?" if near else ""
        shown = ", ".join(repr(own) for own in self.names[:_N_NAMED])
        more = f" and {len(self.names) - _N_NAMED} more" if len(self.names) > _N_NAMED else ""
        raise CommandError(
            f"{self.path} has no column {name!r}, which {option} names.{hint} "
            f"Its columns are {shown}{more}."
        )


class Table(ABC):
    """Consecutive rows of a table.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    """

    n_rows = 0

    @abstractmethod
    def column(self, name):
        """Return the cells of a column, shape (n_rows,).

        Cells of CSV are text as it was read. Those of other formats have their types; those that
        are missing are None.
        """
