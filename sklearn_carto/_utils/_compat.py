"""Private or moved names of scikit-learn, which no other module imports, and optional packages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

from sklearn.base import _fit_context as _untyped_fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._chunking import get_chunk_n_rows
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.validation import (
    _check_feature_names,
    _check_method_params,
    _check_n_features,
    _num_samples,
)

from sklearn_carto._utils._typing import Function

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Replace the mixin of scikit-learn 1.9 by one that calls no callbacks."""

        def _init_callback_context(self, **kwargs):
            return _NoCallbackContext()

    class _NoCallbackContext:
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
    "InvalidParameterError",
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
    "cloudpickle",
    "get_chunk_n_rows",
    "loaded_class",
    "own_request",
    "validate_parameter_constraints",
]


def _fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Function], Function]:
    """Return scikit-learn's decorator of `fit`, by which type checkers do not lose its types."""
    return _untyped_fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def callbacks_of(estimator):
    """Return the callbacks set on an estimator, which scikit-learn keeps in a private attribute."""
    return list(getattr(estimator, "_skl_callbacks", ()))


def cloudpickle():
    """Return the module cloudpickle: a dependency of joblib, or part of it before joblib 1.6."""
    try:
        return import_module("cloudpickle")
    except ImportError:
        return import_module("joblib.externals.cloudpickle")


def own_request(estimator):
    """Return what an estimator itself requests, without the estimators inside it."""
    return estimator._get_metadata_request()


def loaded_class(path: str):
    """Return a class by its dotted path; if its module is not loaded, a class without instances."""
    module, _, name = path.rpartition(".")
    return getattr(sys.modules.get(module), name, _NoInstances)


class _NoInstances:
    """Stand in for a class of a module that is not loaded."""
