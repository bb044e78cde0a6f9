"""Optional packages: whether they are installed, and the error where one is missing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec


def is_installed(package):
    """Return whether a package can be imported.

    A folder without code that has the name of a package, as the ``wandb/`` that Weights & Biases
    writes beside a script, is importable to Python, but it is not the package.
    """
    spec = find_spec(package)
    return spec is not None and spec.origin is not None


def require(module: str, user: str, extra: str):
    """Import an optional package; if it is missing, the error names what to install."""
    package = module.partition(".")[0]
    try:
        found = import_module(module)
        if getattr(import_module(package), "__file__", None) is None:
            raise ImportError(f"{package!r} is a folder without code.")
    except ImportError as error:
        raise ImportError(
            f"{user} requires {package}, which is not installed. "
            f'Install it with: python -m pip install "{extra}"'
        ) from error
    return found
