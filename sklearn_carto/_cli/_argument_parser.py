"""Parsers of arguments, whose errors are one line."""

from __future__ import annotations

import argparse


class UsageError(Exception):
    """Raised if the arguments cannot be parsed; holds the program and the line of the error."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        line = " ".join(message.split())
        raise UsageError(self.prog, f"{line} (see {self.prog} --help)")


class CommandParser(Parser):
    """A parser of one command.

    Files and options may have any order, and a misspelt option is named with the nearest one.
    """

    _within = False  # parse_known_intermixed_args, which calls parse_known_args before Python 3.13

    def parse_known_args(self, args=None, namespace=None):
        known = [name for action in self._actions for name in action.option_strings]
        for text in args or ():
            name = text.partition("=")[0]
            if name == "--":
                break
            if name.startswith("--") and name not in known:
                self.error(f"unknown option {name}.{_nearest(name, known)}")
        if self._within:
            return super().parse_known_args(args, namespace)
        self._within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._within = False


def _nearest(name, known):
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f" Did you mean {near[0]}?" if near else ""
