"""What a column of a table holds, found in one reading of its blocks."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from sklearn_carto._cli._cells import as_number, date_formats, has_groups, is_missing

MAX_CATEGORIES = 50  # most frequent values with a column of their own; the others share one
_MAX_DISTINCT = 20_000  # values that are counted; further ones are not
_SHARE_OF_NUMBERS = 0.98  # of the values of a column of numbers
_FEW = 20  # rows, below which distinct values show nothing
_WORDS_OF_TEXT, _LENGTH_OF_TEXT = 3.0, 60  # on average, from which on values are free text
_NAME_OF_ID = re.compile(r"(^|[_\W])(id|ids|guid|uuid|index|idx|key)$|^unnamed|^$", re.IGNORECASE)


class ColumnProfile:
    """Counts of a column, from which its kind is decided.

    Parameters
    ----------
    name : str
        Name of the column.
    comma : {"decimal", "group", "either", None}, default=None
        What a comma in a number is, see :class:`Source`. "either": it sets off three digits if all
        commas of the column could.
    """

    def __init__(self, name, comma=None):
        self.name, self._comma = name, comma
        self.n_rows = self.n_missing = self.n_nested = 0
        self._n_numbers = {"decimal": 0, "group": 0}  # by what a comma is
        self._n_commas = self._n_groups = 0
        self.n_words = self.n_letters = self.n_text = 0
        self.counts: Counter = Counter()
        self._n_counted = 0
        self._formats: list | None = None  # of dates
        self._last: float | None = None
        self.is_consecutive = True

    def update(self, cells):
        """Count the cells of a block."""
        self.n_rows += len(cells)
        if cells.dtype.kind in "biuf":
            self._update_numbers(cells)
            return
        present = [cell for cell in cells.tolist() if not is_missing(cell)]
        self.n_missing += len(cells) - len(present)
        nested = [cell for cell in present if isinstance(cell, (list, dict, bytes))]
        self.n_nested += len(nested)
        if nested:
            return
        texts = [cell for cell in present if isinstance(cell, str)]
        commas = [text for text in texts if "," in text] if self._comma is not None else []
        self._n_commas += len(commas)
        self._n_groups += sum(map(has_groups, commas))
        numbers = [as_number(cell, self.comma) for cell in present]
        n_plain = sum(number is not None for number in map(as_number, present))
        for kind in self._n_numbers:
            more = sum(as_number(text, kind) is not None for text in commas)
            self._n_numbers[kind] += n_plain + more
        self.n_text += len(texts)
        self.n_letters += sum(map(len, texts))
        self.n_words += sum(cell.count(" ") + 1 for cell in texts)
        self._count([cell.strip() if isinstance(cell, str) else cell for cell in present])
        self._follow(numbers)
        if self._formats is None or self._formats:
            found = [] if any(number is not None for number in numbers) else date_formats(present)
            known = found if self._formats is None else self._formats
            self._formats = [one for one in known if one in found]

    def _update_numbers(self, cells):
        present = cells[np.isfinite(cells)] if cells.dtype.kind == "f" else cells
        self.n_missing += len(cells) - len(present)
        for kind in self._n_numbers:
            self._n_numbers[kind] += len(present)
        self._count(present.tolist())
        self._follow(present.tolist())
        self._formats = []

    def _count(self, values):
        if len(self.counts) < _MAX_DISTINCT:
            self.counts.update(values)
            self._n_counted += len(values)

    def _follow(self, numbers):
        """Note whether each number is the one before plus 1."""
        if not self.is_consecutive or not numbers or None in numbers:
            self.is_consecutive = self.is_consecutive and not numbers
            return
        start = [] if self._last is None else [self._last]
        self.is_consecutive = bool((np.diff([*start, *numbers]) == 1).all())
        self._last = numbers[-1]

    @property
    def comma(self):
        """What a comma in a number is: "decimal", "group", or None."""
        if self._comma != "either":
            return self._comma
        return "group" if 0 < self._n_groups == self._n_commas else "decimal"

    @property
    def n_numbers(self):
        """Number of cells that are numbers."""
        return self._n_numbers[self.comma or "decimal"]

    @property
    def n_present(self):
        """Number of cells with a value."""
        return self.n_rows - self.n_missing

    @property
    def unique_share(self):
        """Share of different values among those that were counted."""
        return len(self.counts) / max(self._n_counted, 1)

    @property
    def is_number(self):
        """Whether almost all values are numbers."""
        return self.n_present > 0 and self.n_numbers >= _SHARE_OF_NUMBERS * self.n_present

    @property
    def date_format(self):
        """Return (format,) if all values are dates, of which None is ISO 8601; else None."""
        return (self._formats[0],) if self._formats and self.n_present else None

    @property
    def is_text(self):
        """Whether values look like free text."""
        words, length = (n / max(self.n_text, 1) for n in (self.n_words, self.n_letters))
        long = words >= _WORDS_OF_TEXT or length >= _LENGTH_OF_TEXT
        return self.n_text == self.n_present > 0 and long and self.unique_share > 0.5

    def kind(self):
        """Return the kind of the column, and why it is left out, if it is.

        Returns
        -------
        kind : {"number", "date", "category", "text", None}
            None: the column is left out.
        why : str or None
            Why, or what else the user should know.
        """
        if self.n_present == 0:
            return None, "holds no values"
        if self.n_nested:
            return None, "holds lists or objects"
        if len(self.counts) == 1 and not self.n_missing:
            return None, "is constant"
        if self._is_id():
            return None, "looks like an id"
        if self.is_number:
            wrong = self.n_present - self.n_numbers
            why = f"holds {wrong} values that are no numbers; they count as missing"
            return "number", why if wrong else None
        if self.date_format is not None:
            if self._formats is not None and len(self._formats) > 1:
                return "date", "holds dates like 3/4/2024; the month is taken to come first"
            return "date", None
        if self.is_text:
            return "text", "looks like free text"
        if len(self.counts) > MAX_CATEGORIES:
            more = "more than " if len(self.counts) >= _MAX_DISTINCT else ""
            return "category", (
                f"has {more}{len(self.counts)} categories; all but the {MAX_CATEGORIES} most "
                "frequent count as one"
            )
        return "category", None

    def _is_id(self):
        if self.n_present < _FEW or self.unique_share < 0.95:
            return False
        if self.is_number:
            whole = all(float(as_number(one, self.comma) or 0).is_integer() for one in self.counts)
            return whole and (self.is_consecutive or bool(_NAME_OF_ID.search(self.name)))
        return self.date_format is None and not self.is_text

    def categories(self):
        """Return the most frequent values, ties in the order of their text."""
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], str(item[0])))
        return [value for value, _ in ranked[:MAX_CATEGORIES]]
