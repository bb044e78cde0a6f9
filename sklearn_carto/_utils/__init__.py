"""Utilities that do not depend on data maps."""
