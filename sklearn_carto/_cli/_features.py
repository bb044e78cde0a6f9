"""What is learned from: columns, a text, or images; in memory or in blocks."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sklearn_carto._cli._cells import is_missing
from sklearn_carto._cli._columns import choose_columns, read_profiles, shortened
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._images import read_images

_WORD = re.compile(r"\w")


class Features:
    """Reads what is learned from out of a table, and what is shown of a row.

    Parameters
    ----------
    source : Source
        The table.
    options : argparse.Namespace
        `text`, `image`, `column`, `ignore`, `target`, `id` and `image_size` are read; for
        `shown`, `thumbnail_size` and `thumbnail_mb` besides.
    messages : Messages
        Prints what is left out.
    """

    def __init__(self, source, options, messages):
        self.options, self.messages = options, messages
        self.path, self.comma = source.path, source.comma
        self.columns: Any = None
        self._images: Any = None
        if options.column and (options.text or options.image):
            raise CommandError("--column cannot be combined with --text and --image.")
        self.text = options.text and source.find(options.text, "--text")
        self.image = options.image and source.find(options.image, "--image")
        ignored = [source.find(name, "--ignore") for name in options.ignore or ()]
        self.named = [source.find(name, "--column") for name in options.column or ()]
        both = next((name for name in self.named if name in ignored), None)
        if both is not None:
            raise CommandError(f"--column and --ignore name the same column {both!r}.")
        own = [options.target and source.find(options.target, "--target")]
        own += [options.id and source.find(options.id, "--id")]
        for option, name in (("--text", self.text), ("--image", self.image)):
            if name and name == own[0]:
                raise CommandError(f"{option} and --target name the same column {name!r}.")
        if own[0] in self.named:
            raise CommandError(f"--column and --target name the same column {own[0]!r}.")
        self.others = [name for name in source.names if name not in {*own, *ignored}]
        self.candidates = list(dict.fromkeys(self.named)) or self.others

    @property
    def kind(self):
        """Kind of what is learned from: "text", "images" or "columns"."""
        return "text" if self.text else "images" if self.image else "columns"

    def fit(self, tables):
        """Choose the columns to learn from, and find their categories, in all blocks."""
        if self.image:
            for _ in tables:  # which are counted while they are read
                pass
            self._note_unused(self.image)
            return self
        if self.text:
            (profile,) = read_profiles(tables, [self.text], self.comma)
            self._check_text(profile)
            self._note_unused(self.text)
            return self
        profiles = read_profiles(tables, self.candidates, self.comma)
        named = bool(self.named)
        self.columns, texts = choose_columns(profiles, self.messages, named=named)
        if self.columns.columns:
            if texts:
                self.messages.info(
                    f"left out, as each looks like free text: {shortened(texts)}. Pass --text COL "
                    "to learn from one"
                )
        elif len(texts) == 1:
            (self.text,) = texts
            self.messages.info(f"column {self.text!r} looks like free text, and is learned from")
        else:
            way_out = (
                f"Pass --text, for example --text {texts[0]!r}."
                if texts
                else "Columns that are constant or empty, or look like an id, are left out; add "
                "others, or name one by --text or --column."
            )
            raise CommandError(f"{self.path} has no column to learn from. {way_out}")
        return self

    def _check_text(self, profile):
        if profile.n_present == 0:
            raise CommandError(
                f"column {self.text!r} of {self.path} holds no text. Pass another --text."
            )
        if profile.is_number or profile.n_text < profile.n_present:
            held = "numbers" if profile.is_number else "other values than text"
            raise CommandError(
                f"column {self.text!r} of {self.path}, which --text names, holds {held}. Leave out "
                "--text to learn from columns."
            )
        if not any(map(_WORD.search, profile.counts)):
            raise CommandError(
                f"column {self.text!r} of {self.path} holds no words. Pass another --text."
            )
        if profile.n_missing:
            self.messages.info(f"{profile.n_missing} rows have no text; theirs counts as empty")

    def _note_unused(self, used):
        unused = [name for name in self.others if name != used]
        if unused:
            self.messages.info(f"not learned from: {shortened(unused)}")

    def read(self, table, rows, path=None):
        """Return X of some rows of a table: an array of numbers, or a list of texts.

        `path` is that of another table of the same columns, whose folder holds the images.
        """
        if self.text:
            return [_as_text(cell) for cell in table.column(self.text)[rows].tolist()]
        if self.image:
            return (
                self.thumbnails(table, rows, path).reshape(len(rows), -1).astype(np.float32) / 255
            )
        return self.columns.encode(table)[rows]

    def thumbnails(self, table, rows, path=None):
        """Return the images of some rows, shape (n_rows, size, size, 3)."""
        if self._images is None or self._images[0] is not table:  # each file is read once
            cells, size = table.column(self.image)[rows], self.options.image_size
            self._images = (
                table,
                read_images(cells, (path or self.path).parent, size, self.messages),
            )
        return self._images[1]

    def shown(self, table, rows):
        """Return what the interactive page shows of each row, as arguments of `explore`."""
        cells = self.cells(table, rows)
        shown: dict = {"X": {name: cells[name] for name in cells if name != self.text} or None}
        if self.text:
            shown["text"] = [_as_text(cell) for cell in table.column(self.text)[rows].tolist()]
        if self.image:
            shown["images"] = self.thumbnails(table, rows)
            shown["thumbnail_size"] = self.options.thumbnail_size
            shown["thumbnail_bytes"] = max(1, int(self.options.thumbnail_mb * 1e6))
        return shown

    def cells(self, table, rows):
        """Return the columns besides label and id, but those of images, lists and objects."""
        columns = {name: table.column(name)[rows] for name in self.others if name != self.image}
        return {
            name: cells
            for name, cells in columns.items()
            if not any(isinstance(cell, (bytes, dict, list)) for cell in cells.tolist())
        }


def _as_text(cell):
    return "" if is_missing(cell, {""}) else str(cell)
