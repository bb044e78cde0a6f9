"""The explorer as a widget of a notebook, whose chosen rows are known to both sides."""

from __future__ import annotations

from functools import cache

import numpy as np

from sklearn_carto._explorer._page import bundle
from sklearn_carto._utils._packages import require
from sklearn_carto._utils._validation import describe

_FALLBACK = """{picture}
<p>The explorer needs a notebook that runs. Run the cell again, or give
<code>DataMap.explore</code> the path of an HTML file.</p>
"""


def make_widget(payload, n_samples, picture):
    """Return the widget of a payload; its trait `indices` holds the positions of chosen rows.

    Parameters
    ----------
    payload : bytes
        What the page shows, see :mod:`sklearn_carto._explorer._payload`.
    n_samples : int
        Number of rows.
    picture : str
        The map as HTML, shown where no widget is, such as in a notebook that is exported.

    Raises
    ------
    ImportError
        If anywidget is not installed.
    """
    require("anywidget", "DataMap.explore without a path", "sklearn-carto[widget]")
    widget = _widget_class()(_payload=payload, n_samples=n_samples)
    widget._picture = picture
    return widget


@cache
def _widget_class():
    import anywidget
    import traitlets

    class Positions(traitlets.List):
        """Positions of rows, also as an array of integers, a range or a set."""

        def validate(self, obj, value):
            try:
                rows = np.asarray([*value])
            except TypeError:
                return super().validate(obj, value)
            if rows.size and (rows.ndim != 1 or rows.dtype.kind not in "iu"):
                raise traitlets.TraitError(
                    "indices must be positions of rows, such as np.flatnonzero(mask). Got "
                    f"{describe(value)} instead."
                )
            return super().validate(obj, np.unique(rows).tolist())

    class MapExplorer(anywidget.AnyWidget):
        """Explorer of a data map.

        Attributes
        ----------
        indices : list of int
            Positions of the chosen rows, ascending. Rows that are set here are chosen in the
            browser, and the other way round.
        n_samples : int
            Number of rows.
        """

        _esm = bundle("widget.js")
        _css = bundle("explorer.css")
        _picture = ""
        # a buffer comes back as a memoryview, which the trait would refuse
        _payload = traitlets.Bytes(b"").tag(sync=True, from_json=lambda value, _: bytes(value))
        n_samples = traitlets.Int(0).tag(sync=True)
        indices = Positions(traitlets.Int()).tag(sync=True)

        @traitlets.validate("indices")
        def _check_indices(self, proposal):
            rows = proposal["value"]
            if rows and not 0 <= rows[0] <= rows[-1] < self.n_samples:
                raise traitlets.TraitError(
                    f"indices must be positions from 0 to {self.n_samples - 1}. "
                    f"Got {[row for row in rows if not 0 <= row < self.n_samples][:5]} in it."
                )
            return rows

        def __repr__(self):
            return f"MapExplorer({self.n_samples} rows, {len(self.indices)} chosen)"

        def _repr_mimebundle_(self, **kwargs):
            found = super()._repr_mimebundle_(**kwargs)
            if found is not None:
                found[0]["text/html"] = _FALLBACK.format(picture=self._picture)
            return found

    return MapExplorer
