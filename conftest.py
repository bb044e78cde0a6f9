"""Doctests of a module are collected where what it needs is installed."""

import gc
import os
import signal
import sys
import tempfile

from sklearn_carto._utils._packages import is_installed

# one thread: data and nets of the tests are too small to share out, and many threads that wait for
# each other take several times as long; set before numpy and torch are imported, which read it once
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # the one that needs no database
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("WANDB_DIR", tempfile.gettempdir())  # read once, at the first run
os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("WANDB_SILENT", "true")
os.environ.setdefault("KERAS_BACKEND", "torch")  # the one that is installed for the tests

# a shell that starts the tests in the background has them, and all they start, ignore Ctrl-C
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# a folder that a run of Weights & Biases left here can be imported, but it is not the package
if not is_installed("wandb"):
    sys.modules["wandb"] = None


def pytest_collection_finish():
    """Leave what is imported out of garbage collections, which take a sixth of the time else."""
    gc.collect()
    gc.freeze()


NEEDED = {
    "_explorer/_thumbnails": "PIL",
    "_plot/_fitted_text": "matplotlib",
    "_plot/_fitter": "matplotlib",
    "_selection/_sampler": "imblearn",
    "integrations/_dynamic_callback": "skorch",
    "integrations/_dynamic_listener": "torch",
    "integrations/_dynamic_sampler": "torch",
    "integrations/_keras_backup": "keras",
    "integrations/keras": "keras",
    "integrations/lightning": "lightning",
    "integrations/mlflow": "mlflow",
    "integrations/sklearn": "sklearn.callback",
    "integrations/skorch": "skorch",
    "integrations/tensorboard": "tensorboard",
    "integrations/torch": "torch",
    "integrations/transformers": "transformers",
    "integrations/wandb": "wandb",
    "logs": "pyarrow",  # and what the extra `logs` installs with it
}
collect_ignore = [
    f"sklearn_carto/{module}.py" for module, name in NEEDED.items() if not is_installed(name)
]
collect_ignore.append("tests/typed_use.py")  # checked by mypy, never run
