"""How a data map is shown: as a picture, as a grid of rows, as a page, in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn_carto._maps._data_map_html import map_html
from sklearn_carto._utils._typing import ArrayLike, PathType, Region

if TYPE_CHECKING:
    from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
    from sklearn_carto._plot._data_map import DataMapDisplay
    from sklearn_carto._plot._samples import SampleGridDisplay


class MapViews:
    """Methods of :class:`DataMap` that show it."""

    def explore(
        self,
        path: PathType | None = None,
        *,
        X: Any = None,
        text: ArrayLike | None = None,
        images: ArrayLike | None = None,
        label_names: Any = None,
        issues: Any = None,
        dynamics: TrainingDynamics | None = None,
        compare: Self | None = None,
        compare_dynamics: TrainingDynamics | None = None,
        regions: ArrayLike | None = None,
        title: str | None = None,
        thumbnail_size: int = 48,
        thumbnail_bytes: int = 20_000_000,
    ) -> Any:
        """Explore the map and its rows in a browser or a notebook.

        The map is drawn with histograms of its statistics. Rows are filtered, searched, chosen with
        a lasso, given other labels and marked as checked; these corrections are exported as CSV or
        JSON. The page is one file that needs no network.

        Parameters
        ----------
        path : str or path-like, default=None
            Path of the HTML file, which ends in ``.html``; an old file is replaced once the new one
            is complete. None: return a widget for a notebook, which needs anywidget.
        X : data frame, array-like of shape (n_samples, n_features) or dict, default=None
            The rows; the first 50 columns are shown. A list of strings is shown as text.
        text : array-like of str of shape (n_samples,), default=None
            The text of each row; the first 10,000 characters are shown.
        images : array-like of shape (n_samples, ...), default=None
            The image of each row, shown as a thumbnail.
        label_names : mapping of label to str, or list of str of shape (n_classes,), default=None
            Name of each class, in the order of `classes` if it is a list.
        issues : LabelIssues, default=None
            The label issues of the same rows, from :func:`find_label_issues`: marks suspect labels
            and shows the suggested ones.
        dynamics : TrainingDynamics, default=None
            The training dynamics of the map, with their history: adds a slider of epochs. It draws
            the statistics up to an epoch from probabilities that are rounded to 1/254, or to 1/127
            on maps of more than 200,000 rows.
        compare : DataMap, default=None
            A second map of the same rows, drawn beside the first; both share the choice of rows.
            Filters, histograms and the table are those of the first map.
        compare_dynamics : TrainingDynamics, default=None
            The training dynamics of the second map, with their history, which the slider of epochs
            then moves, too. If the numbers of epochs differ, the shorter one stays at its end.
        regions : array-like of shape (n_samples,), default=None
            Name of the region of each row. None: those of :meth:`region_labels`.
        title : str, default=None
            Heading of the page.
        thumbnail_size : int, default=48
            Longest side of a thumbnail in pixels, from 8 to 256.
        thumbnail_bytes : int, default=20_000_000
            Largest size of all thumbnails together. Where it does not suffice, rows of high
            confidence have none.

        Returns
        -------
        explorer : pathlib.Path or MapExplorer
            The path of the file. Without `path` the widget, whose `indices` are the positions of
            the chosen rows; they can be set, too.

        Raises
        ------
        ImportError
            If there is no `path`, and anywidget is not installed.
        FileNotFoundError
            If the folder of `path` does not exist.
        ValueError
            If `path` does not end in ``.html``, or an argument does not fit the rows of the map.

        Notes
        -----
        Confidence, variability and correctness are held in single precision; on maps of more than
        20,000 rows the other statistics have three digits.

        Examples
        --------
        >>> import os, tempfile
        >>> from sklearn_carto import DataMap
        >>> data_map = DataMap(
        ...     confidence=[0.9, 0.1], variability=[0.1, 0.2], correctness=[1, 0], n_epochs=5,
        ...     labels=["pos", "neg"],
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = data_map.explore(os.path.join(folder, "map.html"), text=["good", "good"])
        ...     path.name
        'map.html'
        """
        from sklearn_carto._explorer._page import write_page
        from sklearn_carto._explorer._payload import build_payload
        from sklearn_carto._explorer._widget import make_widget
        from sklearn_carto._maps._explore import check_path, what_is_shown

        path = check_path(path)
        shown = what_is_shown(
            self,
            X=X,
            text=text,
            images=images,
            label_names=label_names,
            issues=issues,
            dynamics=dynamics,
            compare=compare,
            compare_dynamics=compare_dynamics,
            regions=regions,
            title=title,
            thumbnail_size=thumbnail_size,
            thumbnail_bytes=thumbnail_bytes,
        )
        payload = build_payload(shown)
        if path is None:
            return make_widget(payload, len(shown.regions), map_html(self))
        write_page(path, payload, shown.title)
        return path

    def plot(self, **kwargs: Any) -> DataMapDisplay:
        """Plot the map.

        Parameters
        ----------
        **kwargs : dict
            Passed to :meth:`DataMapDisplay.plot`.

        Returns
        -------
        display : DataMapDisplay
            The plotted display.
        """
        from sklearn_carto._plot._data_map import DataMapDisplay

        return DataMapDisplay.from_data_map(self, **kwargs)

    def plot_samples(
        self, X: ArrayLike, region: Region = "hard", n: int = 16, **kwargs: Any
    ) -> SampleGridDisplay:
        """Plot images or texts of a region as a grid, the most characteristic rows first.

        Above each cell are the label, the position of the row or its sample id, and the confidence.

        Parameters
        ----------
        X : array-like or sequence of length n_samples
            The rows, as images or texts. Images are arrays of shape (n_samples, height, width) or
            (n_samples, height, width, channels), tensors of torch of shape (n_samples, channels,
            height, width), or a sequence of arrays, tensors, images of Pillow or paths, of any
            size; None stands for a missing one. Texts are a sequence of strings.
        region : str, callable or mapping, default="hard"
            The region, see :meth:`select`.
        n : int, default=16
            Number of rows, at most 400; fewer if the map has fewer.
        **kwargs : dict
            Further parameters of :meth:`SampleGridDisplay.from_data_map`: `kind` ("image" or
            "text"; by default strings are texts, unless all of them end like image files), `issues`
            (a :class:`LabelIssues`, for "given → suggested?" where the suggested label is the more
            probable one), `label_names`, `stratify` and `random_state`; and those of
            :meth:`SampleGridDisplay.plot`: `ax`, `n_columns`, `figsize` and `cmap`.

        Returns
        -------
        display : SampleGridDisplay
            The plotted display; its `rows` are the positions of the rows.

        Raises
        ------
        FileNotFoundError
            If an image file does not exist; the error names the row.
        ImportError
            If matplotlib is not installed.
        ValueError
            If an argument is of the wrong kind or out of range, or an image cannot be read.

        Notes
        -----
        Images of bytes (``uint8``) are shown as they are. Other numbers are scaled by one rule for
        all images: from [0, 1], if all lie there, else from their lowest to their highest value.
        """
        from sklearn_carto._plot._samples import SampleGridDisplay

        return SampleGridDisplay.from_data_map(self, X, region, n, **kwargs)

    def _repr_html_(self):
        """Return a small picture and the counts of the regions, for notebooks."""
        return map_html(self)
