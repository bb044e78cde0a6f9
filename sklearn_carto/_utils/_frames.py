"""Data frames of pandas or polars."""

from sklearn_carto._utils._compat import StrOptions, require
from sklearn_carto._utils._validation import check_params


def build_frame(columns, backend, caller):
    """Build a data frame of pandas or polars from columns; None is left out.

    The errors on an unknown or missing library name the `caller`.
    """
    options = {"backend": [StrOptions({"pandas", "polars"})]}
    check_params(caller, options, {"backend": backend})
    held = {name: values for name, values in columns.items() if values is not None}
    return require(backend, caller, backend).DataFrame(held)
