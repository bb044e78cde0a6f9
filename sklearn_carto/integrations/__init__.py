"""Callbacks and recorders of other frameworks; no module here is imported by default."""
