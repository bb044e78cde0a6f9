"""Comparison of models that are fitted on selections of the training samples."""
