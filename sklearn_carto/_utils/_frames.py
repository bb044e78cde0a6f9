"""Data frames of pandas or polars."""

import numpy as np

from sklearn_carto._utils._compat import StrOptions
from sklearn_carto._utils._packages import require
from sklearn_carto._utils._validation import check_params

_POLARS_UNITS = ("D", "ms", "us", "ns")


def build_frame(columns, backend, caller):
    """Build a data frame of pandas or polars from columns; None is left out.

    The errors on an unknown or missing library name the `caller`.
    """
    options = {"backend": [StrOptions({"pandas", "polars"})]}
    check_params(caller, options, {"backend": backend})
    library = require(backend, caller, backend)
    held = {name: values for name, values in columns.items() if values is not None}
    if backend == "polars":
        held = {name: _for_polars(values, library) for name, values in held.items()}
    return library.DataFrame(held)


def _for_polars(values, polars):
    """Return what polars takes as it is: no unit of time that it lacks, no column of two types."""
    if values.dtype.kind in "mM" and np.datetime_data(values.dtype)[0] not in _POLARS_UNITS:
        whole_days = values.dtype.kind == "M" and np.datetime_data(values.dtype)[0] in "YMW"
        return values.astype(f"{values.dtype.kind}8[{'D' if whole_days else 'ms'}]")
    if values.dtype.kind == "O" and len({type(value) for value in values} - {type(None)}) > 1:
        return polars.Series([str(value) for value in values])
    return values
