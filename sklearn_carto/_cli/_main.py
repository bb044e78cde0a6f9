"""Run a command: its result on stdout, its messages on stderr, and its errors in one line."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from sklearn_carto._cli._argument_parser import UsageError
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._messages import Messages, one_line, print_json
from sklearn_carto._cli._parser import build_parser

ERROR, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # the last two as shells count signals


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        The arguments; None: those of the process.

    Returns
    -------
    code : int
        0, or 2 after an error, 130 after Ctrl-C, and 141 if the reader of stdout has gone.
    """
    _replace_unprintable()
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # what is left in the buffer would raise once more when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(argv):
    try:
        options = build_parser().parse_args(argv)
    except UsageError as error:
        program, line = error.args
        print(f"{program}: error: {one_line(line)}", file=sys.stderr)
        if "--json" in argv:
            print_json({"command": None, "error": one_line(line), "files": []})
        return ERROR
    messages = Messages(options)
    try:
        with messages.of_warnings():
            command = import_module(f"sklearn_carto._cli._{options.command.replace('-', '_')}")
            summary = command.run(options, messages)
        messages.show(summary)
        sys.stdout.flush()
    except KeyboardInterrupt:
        messages.error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # whatever it is, the user sees one line
        if options.debug:
            raise
        messages.error(_describe(error))
        return ERROR
    return 0


def _describe(error):
    """Describe an error in one line."""
    from sklearn_carto.exceptions import CartographyError

    if isinstance(error, CommandError):
        return one_line(error)
    if isinstance(error, MemoryError):
        return "not enough memory. Pass --chunks, which reads the table in parts."
    if isinstance(error, OSError) and error.strerror:
        name = error.filename2 or error.filename
        return f"{error.strerror}: {name}." if name else f"{error.strerror}."
    if isinstance(error, (ValueError, ImportError, OSError, CartographyError)) and str(error):
        return one_line(error)
    return f"{type(error).__name__}: {one_line(error)} (--debug shows where)"


def _replace_unprintable():
    """Let output that the terminal cannot encode be replaced, not raise."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
