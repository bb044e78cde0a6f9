"""Whether fewer rows were enough."""
