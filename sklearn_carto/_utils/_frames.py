"""Columns to the data frame of the library that the user names."""

from sklearn_carto._utils._compat import require


def build_frame(columns, backend, caller):
    """Make a frame of columns.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_rows,) or None
        The columns in order; None is left out.
    backend : {"pandas", "polars"}
        Which library's frame.
    caller : str
        Who asks; the error names it.

    Returns
    -------
    frame : pandas.DataFrame or polars.DataFrame
        The frame.

    Raises
    ------
    ImportError
        If the library is not installed.
    ValueError
        If `backend` is unknown.
    """
    if backend not in ("pandas", "polars"):
        raise ValueError(f"backend must be 'pandas' or 'polars'; got {backend!r}.")
    held = {name: values for name, values in columns.items() if values is not None}
    return require(backend, caller, backend).DataFrame(held)
