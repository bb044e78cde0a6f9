"""Placeholder; being written."""


class SubsetComparisonDisplay:
    """Placeholder."""
