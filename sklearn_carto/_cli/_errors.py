"""Errors of the command line that are printed in one line."""


class CommandError(Exception):
    """Raised if what the user typed, or a file that the user named, cannot be used."""
