"""The one door to names that scikit-learn keeps private or has moved."""

from __future__ import annotations

from importlib import import_module

from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._chunking import get_chunk_n_rows
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.validation import (
    _check_feature_names,
    _check_method_params,
    _check_n_features,
    _num_samples,
)

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "_check_feature_names",
    "_check_method_params",
    "_check_n_features",
    "_fit_context",
    "_num_samples",
    "_routing_enabled",
    "_safe_indexing",
    "check_matplotlib_support",
    "get_chunk_n_rows",
    "require",
]


def require(module: str, user: str, extra: str):
    """Import an optional package, or say what to install.

    Parameters
    ----------
    module : str
        Dotted name of the module to import.
    user : str
        Who needs it; the error names it.
    extra : str
        What to install, as ``pip install`` takes it.

    Returns
    -------
    module : module
        The imported module.

    Raises
    ------
    ImportError
        If the module is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{user} requires {package}, which is not installed. "
            f'Install it with: python -m pip install "{extra}"'
        ) from error
