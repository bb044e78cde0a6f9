"""Displays: plots of data maps and of comparisons."""
