"""Selection of training samples by a data map, and classifiers that are fitted on them."""
