"""The columns of class scores, and the one rule by which labels belong to them."""

from __future__ import annotations

from math import isfinite

import numpy as np

from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._recording._batch_arrays import as_vector
from sklearn_carto._utils._compat import InvalidParameterError


class ClassColumns:
    """The names of the columns of class scores, in order.

    A label is one of the names. Where the names are not numbers, a label may also be a whole
    number, which is the position of a column, as torch's losses take it. Names for which both
    readings are possible raise an error.

    Parameters
    ----------
    names : array-like of shape (n_classes,)
        The names.
    owner : str
        Name of the class that has the parameter `classes`, for the errors.

    Examples
    --------
    >>> columns = ClassColumns(["no", "yes"], "DynamicsRecorder")
    >>> columns.encode(np.array(["yes", "no"])), columns.encode(np.array([1, 0]))
    (array([1, 0]), array([1, 0]))
    """

    def __init__(self, names, owner):
        self.names = names = as_vector(names, "classes", owner)
        if len(names) == 0:
            raise InvalidParameterError(
                f"The 'classes' parameter of {owner} must name the columns of the scores, one "
                "label each. Got none instead."
            )
        listed = names.tolist()
        if any(is_missing(name) for name in listed):
            raise InvalidParameterError(
                f"The 'classes' parameter of {owner} must not hold missing or infinite values. Got "
                f"{listed} instead."
            )
        self._places = {name: i for i, name in enumerate(listed)}
        if len(self._places) < len(listed):
            raise InvalidParameterError(
                f"The 'classes' parameter of {owner} must name each class once. Got {listed} "
                "instead."
            )
        positions = list(range(len(listed)))
        numbers = names.dtype.kind in "iubf"
        if numbers and listed != positions and sorted(listed) == positions:
            raise InvalidParameterError(
                f"The 'classes' parameter of {owner} must not be the positions of the columns in "
                f"another order, which labels could stand for as well. Got {listed} instead. Use "
                "names that are no numbers, such as 'class 0'."
            )
        self.are_positions = numbers and listed == positions
        self.accepts_positions = self.are_positions or not numbers
        texts = [name for name in listed if isinstance(name, str) and name.strip().isdigit()]
        self._look_like_numbers = bool(texts) and listed != [str(i) for i in positions]

    def __len__(self):
        """Count columns."""
        return len(self.names)

    def encode(self, labels):
        """Find the column of each label, an array or tensor of shape (n_rows,).

        A tensor of positions remains a tensor, since reading it waits for its device; whether they
        are columns must then be checked by :meth:`check`. Of other labels those that belong to no
        column raise a ValueError.
        """
        if is_tensor(labels):
            if self.accepts_positions and not labels.is_floating_point():
                self._check_unambiguous(labels.tolist() if self._look_like_numbers else ())
                return labels.detach()
            labels = labels.detach().cpu().numpy()
        kind = labels.dtype.kind
        whole = kind in "iub" or (kind == "f" and bool((labels == np.round(labels)).all()))
        if whole and self.accepts_positions:
            self._check_unambiguous(labels)
            if kind != "b":
                self.check(labels)
            return labels.astype(np.intp)
        try:
            found = [self._places.get(label, -1) for label in labels.tolist()]
        except TypeError:  # a label that is a list
            raise ValueError(
                f"labels must be single values, one for each row; got {labels[:1].tolist()}."
            ) from None
        y_encoded = np.array(found, dtype=np.intp)
        unknown = y_encoded < 0
        if unknown.any():
            some = list(dict.fromkeys(labels[unknown].tolist()))[:5]
            raise ValueError(f"labels must be among the classes {self.names.tolist()}; got {some}.")
        return y_encoded

    def check(self, y_encoded):
        """Raise a ValueError if positions are not those of columns."""
        unknown = (y_encoded < 0) | (y_encoded >= len(self.names))
        if unknown.any():
            raise ValueError(
                f"labels must lie between 0 and {len(self.names) - 1}, the columns of the scores; "
                f"got {np.unique(y_encoded[unknown])[:5].tolist()} in {unknown.sum()} rows."
            )

    def _check_unambiguous(self, labels):
        if self._look_like_numbers and len(labels):
            raise ValueError(
                f"labels must be the classes themselves where these look like numbers, as in "
                f"{self.names[:5].tolist()}; got whole numbers, which could also be positions of "
                "columns. Convert labels or classes."
            )


def is_missing(label):
    """Whether a label is None, NaN, NaT or infinite."""
    return label is None or label != label or (isinstance(label, float) and not isfinite(label))
