"""From what is recorded to a data map, and to rows of it."""
