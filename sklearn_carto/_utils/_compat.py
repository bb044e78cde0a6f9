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

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where there are no callbacks: tasks are told to nobody."""

        def _init_callback_context(self, **kwargs):
            return _ToNobody()

    class _ToNobody:
        def subcontext(self, **kwargs):
            return self

        def call_on_fit_task_begin(self, **kwargs):
            return self

        def call_on_fit_task_end(self, **kwargs):
            return False


__all__ = [
    "CallbackSupportMixin",
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
    "callbacks_of",
    "check_matplotlib_support",
    "get_chunk_n_rows",
    "require",
]


def callbacks_of(estimator):
    """List the callbacks that are set on an estimator; scikit-learn has no public way to ask."""
    return list(getattr(estimator, "_skl_callbacks", ()))


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
