"""Doctests of a module are collected where what it needs is installed."""

import os
from importlib.util import find_spec

os.environ.setdefault("KERAS_BACKEND", "torch")  # the one that is installed for the tests

NEEDED = {
    "_selection/_sampler": "imblearn",
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
