"""Doctests of a module are collected where what it needs is installed."""

from importlib.util import find_spec

NEEDED = {
    "_sampler": "imblearn",
    "integrations/keras": "keras",
    "integrations/lightning": "lightning",
    "integrations/sklearn": "sklearn.callback",
    "integrations/skorch": "skorch",
    "integrations/torch": "torch",
    "integrations/transformers": "transformers",
}
collect_ignore = [
    f"sklearn_carto/{module}.py" for module, name in NEEDED.items() if find_spec(name) is None
]
