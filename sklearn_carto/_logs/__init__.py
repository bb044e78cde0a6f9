"""Logs of training dynamics: their files, and data maps made of them on engines for data frames."""
