"""Data frames of pandas or polars."""

from sklearn_carto._utils._compat import InvalidParameterError, require
from sklearn_carto._utils._validation import describe


def build_frame(columns, backend, caller):
    """Build a data frame of pandas or polars from columns; None is left out.

    The errors on an unknown or missing library name the `caller`.
    """
    if not isinstance(backend, str) or backend not in ("pandas", "polars"):
        raise InvalidParameterError(
            f"The 'backend' parameter of {caller} must be 'pandas' or 'polars'. Got "
            f"{describe(backend)} instead."
        )
    held = {name: values for name, values in columns.items() if values is not None}
    return require(backend, caller, backend).DataFrame(held)
