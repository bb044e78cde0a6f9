"""What any folder may use, and what knows nothing of data maps."""
