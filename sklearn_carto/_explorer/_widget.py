"""The explorer as a widget of a notebook, whose chosen rows are known to both sides."""

from __future__ import annotations

from functools import cache

from sklearn_carto._explorer._page import bundle
from sklearn_carto._utils._packages import require


def make_widget(payload, n_samples):
    """Return the widget of a payload; its trait `indices` holds the positions of chosen rows.

    Raises
    ------
    ImportError
        If anywidget is not installed.
    """
    require("anywidget", "DataMap.explore without a path", "sklearn-carto[widget]")
    return _widget_class()(_payload=payload, n_samples=n_samples)


@cache
def _widget_class():
    import anywidget
    import traitlets

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
        # a buffer comes back as a memoryview, which the trait would refuse
        _payload = traitlets.Bytes(b"").tag(sync=True, from_json=lambda value, _: bytes(value))
        n_samples = traitlets.Int(0).tag(sync=True)
        indices = traitlets.List(traitlets.Int()).tag(sync=True)

        @traitlets.validate("indices")
        def _check_indices(self, proposal):
            rows = sorted({int(row) for row in proposal["value"]})
            if rows and not 0 <= rows[0] <= rows[-1] < self.n_samples:
                raise traitlets.TraitError(
                    f"indices must be positions from 0 to {self.n_samples - 1}. "
                    f"Got {[row for row in rows if not 0 <= row < self.n_samples][:5]} in it."
                )
            return rows

    return MapExplorer
