"""Doctests of a module are collected where what it needs is installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("imblearn") else ["sklearn_carto/_sampler.py"]
