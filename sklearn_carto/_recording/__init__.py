"""Record the training dynamics of any training loop."""
