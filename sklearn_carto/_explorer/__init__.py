"""The explorer of data maps: one HTML file, and what it shows."""
