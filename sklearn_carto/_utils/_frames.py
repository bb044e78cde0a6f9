"""Data frames of pandas or polars."""

from sklearn_carto._utils._compat import require


def build_frame(columns, backend, caller):
    """Build a data frame of pandas or polars from columns; None is left out.

    The errors on an unknown or missing library name the `caller`.
    """
    if backend not in ("pandas", "polars"):
        raise ValueError(f"backend must be 'pandas' or 'polars'; got {backend!r}.")
    held = {name: values for name, values in columns.items() if values is not None}
    return require(backend, caller, backend).DataFrame(held)
