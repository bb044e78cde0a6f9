"""From a data map to fewer rows, and to a model trained on them."""
