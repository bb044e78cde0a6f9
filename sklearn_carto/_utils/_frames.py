"""Data frames of pandas or polars."""

from sklearn_carto._utils._compat import require


def build_frame(columns, backend, caller):
    """Build a data frame from columns.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_rows,) or None
        Columns in order; None is left out.
    backend : {"pandas", "polars"}
        Library of the data frame.
    caller : str
        Method that needs it, for the error message.

    Returns
    -------
    frame : pandas.DataFrame or polars.DataFrame
        The data frame.

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
