"""Checkpoints: trainings that continue where a killed process left them."""
