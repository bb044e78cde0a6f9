"""Messages of a command: progress on stderr, the summary on stdout."""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager

from sklearn_carto._cli._parser import PROGRAM
from sklearn_carto._utils._packages import is_installed

LONGEST = 600  # characters of an error


class Messages:
    """Messages of one command.

    Parameters
    ----------
    options : argparse.Namespace
        `quiet`, `json` and `debug` are read.

    Attributes
    ----------
    written : list of str
        The files that are finished.
    """

    def __init__(self, options):
        self.quiet, self.json, self.debug = options.quiet, options.json, options.debug
        self.command = getattr(options, "command", None)
        self.written: list[str] = []

    @property
    def verbose(self):
        """Whether the library shows bars: 1 on a terminal, else 0."""
        return int(not self.quiet and sys.stderr.isatty())

    def info(self, text):
        """Print a line to stderr, unless --quiet."""
        if not self.quiet:
            print(one_line(text, None), file=sys.stderr, flush=True)

    def error(self, text):
        """Print the line of an error, which names the files that were finished before it.

        With --json, the error is printed to stdout besides.
        """
        kept = f" Finished before: {', '.join(self.written)}." if self.written else ""
        print(f"{PROGRAM}: error: {text}{kept}", file=sys.stderr, flush=True)
        if self.json:
            print_json({"command": self.command, "error": text, "files": self.written})

    def show(self, summary):
        """Print the summary of a command: JSON with --json, else lines, unless --quiet.

        Parameters
        ----------
        summary : dict
            What --json prints. Entries are numbers, text, lists and dicts; `lines` and, after
            the names of the files, `next` are what is printed otherwise.
        """
        lines, following = summary.pop("lines", []), summary.pop("next", None)
        if self.json:
            print_json(summary | {"files": self.written})
        elif not self.quiet:
            for line in lines:
                print(printable(line))
            for name in self.written:
                print(f"wrote {printable(name)}")
            if following is not None:
                print(printable(following))

    def track(self, items, description):
        """Iterate over a list with a bar, of rich if it is installed."""
        if not self.verbose:
            return iter(items)
        if is_installed("rich"):
            from rich.console import Console
            from rich.progress import track

            return iter(track(items, description, console=Console(stderr=True)))
        from sklearn_carto._utils._progress import progress

        return progress(items, description=description, verbose=1)

    @contextmanager
    def of_warnings(self):
        """Print warnings of this library in one line each, and no others unless --debug."""
        if self.debug:
            yield
            return
        from sklearn_carto.exceptions import CartographyWarning

        def show(message, category, *args, **kwargs):
            self.info(f"warning: {message}")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", CartographyWarning)
            warnings.showwarning = show
            yield


def print_json(content):
    """Print a dict as JSON in one line."""
    import json

    print(json.dumps(content, default=str), flush=True)


def one_line(text, longest=LONGEST):
    """Return text in one line, without control characters, and cut if it is longer."""
    line = printable(" ".join(str(text).split()))
    return line if longest is None or len(line) <= longest else line[: longest - 3] + "..."


def printable(text):
    """Escape control characters, which could steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
