"""Samples and labels of any kind."""
