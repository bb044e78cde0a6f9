"""Data maps from inside other frameworks; each module here is imported only by who asks for it."""
