"""Samples and labels of any type."""
