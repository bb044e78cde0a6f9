"""Doctests of a module are collected where what it needs is installed."""

import os
from importlib.util import find_spec

# one thread: data and nets of the tests are too small to share out, and many threads that wait for
# each other take several times as long; set before numpy and torch are imported, which read it once
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("KERAS_BACKEND", "torch")  # the one that is installed for the tests

NEEDED = {
    "_explorer/_thumbnails": "PIL",
    "_selection/_sampler": "imblearn",
    "integrations/_dynamic_callback": "skorch",
    "integrations/_dynamic_listener": "torch",
    "integrations/_dynamic_sampler": "torch",
    "integrations/_keras_backup": "keras",
    "integrations/keras": "keras",
    "integrations/lightning": "lightning",
    "integrations/sklearn": "sklearn.callback",
    "integrations/skorch": "skorch",
    "integrations/torch": "torch",
    "integrations/transformers": "transformers",
    "logs": "pyarrow",  # and what the extra `logs` installs with it
}
collect_ignore = [
    f"sklearn_carto/{module}.py" for module, name in NEEDED.items() if find_spec(name) is None
]
