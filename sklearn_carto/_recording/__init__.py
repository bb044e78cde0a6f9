"""Record the dynamics of any training loop."""
