"""From class scores to what is recorded of each sample."""
