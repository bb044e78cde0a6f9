"""From class scores to recorded training dynamics."""
