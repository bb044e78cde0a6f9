"""Data maps, and the selection of rows."""
