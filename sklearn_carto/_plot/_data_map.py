"""Placeholder; being written."""


class DataMapDisplay:
    """Placeholder."""
