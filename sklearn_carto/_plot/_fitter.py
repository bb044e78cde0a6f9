"""Artist that fits texts; a module of its own, since it needs matplotlib."""

from __future__ import annotations

from matplotlib.artist import Artist


class Fitter(Artist):
    """Artist that draws nothing, and fits the texts of a display before they are drawn.

    Parameters
    ----------
    figure : matplotlib Figure
        Figure, in which the axes of the display lie.
    fit : callable
        Called without arguments whenever the figure is drawn in another size.
    """

    def __init__(self, figure, fit):
        super().__init__()
        self.set(zorder=-1e9, in_layout=False)
        self._fit, self._size = fit, None
        figure.add_artist(self)
        self._fit_if_resized()

    def draw(self, renderer):
        """Fit the texts, and draw nothing."""
        if self._fit_if_resized():
            root = self.figure.canvas.figure
            engine = root.get_layout_engine()
            if engine is not None:
                engine.execute(root)

    def _fit_if_resized(self):
        size = tuple(self.figure.canvas.figure.get_size_inches())
        resized, self._size = size != self._size, size
        if resized:
            self._fit()
        return resized
