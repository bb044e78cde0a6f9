"""Containers of labels, and the labels that texts stand for."""

from __future__ import annotations

import re
import sys
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe, is_flag

_NUMBERS = (int, float, np.integer, np.floating)
_NUMBER = re.compile(r"[+-]?\d[\d.]*(?:[eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-[\d:.T -]*", re.ASCII)


def values_of(y, owner):
    """Return the labels of a container as a list of scalars.

    Parameters
    ----------
    y : ndarray, list, tuple, Series of pandas or polars, or tensor of torch, of shape (n_samples,)
        The labels.
    owner : str
        Name of the function that takes `y`, for the errors.

    Returns
    -------
    values : list
        The labels; dates of numpy remain such.
    """
    shape = getattr(y, "shape", None)
    known = isinstance(y, (list, tuple, np.ndarray)) or _is_series(y) or hasattr(y, "detach")
    if not known or (shape is not None and len(shape) != 1):
        raise InvalidParameterError(
            f"The 'y' parameter of {owner} must be an array, list, tensor or series of pandas or "
            f"polars with one label for each row. Got {describe(y)} instead."
        )
    if isinstance(y, np.ndarray) and y.dtype.kind in "mM":
        return list(y)
    values = list(y) if isinstance(y, (list, tuple)) else _listed(y)
    unhashable = next((value for value in values if getattr(value, "__hash__", 1) is None), None)
    if unhashable is not None:
        raise InvalidParameterError(
            f"The 'y' parameter of {owner} must hold one label for each row: text, a number, or "
            f"another value that can be hashed. Got {describe(unhashable)} in it."
        )
    return values


def _listed(y):
    return y.tolist() if hasattr(y, "tolist") else y.to_list()


def with_values(y, rows, values):
    """Return a copy of labels of which those of some rows are replaced.

    It has the type of `y`; text of numpy becomes as wide as it must.
    """
    if _is_series(y) and hasattr(y, "iloc"):
        corrected = y.copy()
        if hasattr(y.dtype, "categories"):
            known = set(y.cat.categories)
            corrected = y.cat.add_categories(
                [value for value in dict.fromkeys(values) if value not in known]
            )
        if len(rows):
            corrected.iloc[rows] = type(y)(values, dtype=corrected.dtype).array
        return corrected
    if _is_series(y):
        labels = y.to_list()
        _replace(labels, rows, values)
        return type(y)(y.name, labels, dtype=y.dtype)
    if hasattr(y, "detach"):
        corrected = y.clone()
    elif isinstance(y, np.ndarray):
        corrected = y.copy()
        if y.dtype.kind in "US":
            widest = np.dtype(f"{y.dtype.kind}{max(map(len, values), default=1)}")
            if widest.itemsize > y.dtype.itemsize:
                corrected = corrected.astype(widest)
    else:
        corrected = list(y)
    _replace(corrected, rows, values)
    return tuple(corrected) if isinstance(y, tuple) else corrected


def _replace(labels, rows, values):
    for row, value in zip(rows, values, strict=True):
        labels[row] = value


class LabelTexts:
    """Find the labels that texts stand for.

    Parameters
    ----------
    y : array-like
        The container of the labels.
    values : list
        Its labels.
    """

    def __init__(self, y, values):
        self._dtype = getattr(y, "dtype", None)
        self.classes = _distinct([*values, *_categories(y)])
        self._found: dict[str, list] = {}

    def find(self, text):
        """Return the classes that a text stands for: one, none, or several with the same text."""
        if text not in self._found:
            self._found[text] = [label for label in self.classes if stands_for(text, label)]
        exact = [label for label in self._found[text] if str(label) == text]
        return exact or self._found[text]

    def parse(self, text):
        """Return the new label that a text stands for in the type of the others; None if none."""
        kinds = {type(label) for label in self.classes}
        fixed = type(self._dtype).__name__ == "Enum"  # of polars
        if kinds and kinds <= {str, np.str_}:
            return None if fixed else text
        if len(kinds) != 1 or not issubclass(kinds.pop(), _NUMBERS) or is_flag(self.classes[0]):
            return None
        return self._parse_number(text) if _NUMBER.fullmatch(text) else None

    def _parse_number(self, text):
        kind = float if isinstance(self.classes[0], (float, np.floating)) else int
        try:
            number = kind(text)
            dtype = np.dtype(str(self._dtype).removeprefix("torch.").lower())
        except ValueError:
            return None
        except TypeError:  # of a list, or of a type of another library
            dtype = np.dtype(object)
        if kind is float:
            return number if np.isfinite(number) else None
        limits = np.iinfo(dtype) if dtype.kind in "iu" else None
        fits = limits is None or limits.min <= number <= limits.max
        return number if fits and str(number) == text else None


def stands_for(text, label):
    """Return whether a text stands for a label: its ``str``, or the same number.

    Examples
    --------
    >>> stands_for("3", 3.0), stands_for("3", "3.0"), stands_for("TRUE", True)
    (True, False, True)
    """
    if str(label) == text:
        return True
    if is_flag(label):
        return str(label).lower() == text.lower()
    try:
        if isinstance(label, _NUMBERS) and _NUMBER.fullmatch(text):
            number: Any = int(label) if isinstance(label, (int, np.integer)) else float(label)
            return Decimal(text) == Decimal(number)
        if isinstance(label, (np.datetime64, date)) and _DATE.fullmatch(text):
            exact = getattr(label, "to_datetime64", lambda: np.datetime64(label))  # of pandas
            naive = getattr(label, "tzinfo", None) is None
            return naive and bool(np.datetime64(text) == exact())
    except (ValueError, InvalidOperation):
        pass
    return False


def _distinct(values):
    """Return the different labels; 1, 1.0 and True are three."""
    different = dict.fromkeys((type(value), value) for value in values)
    return [value for _, value in different if not _is_missing(value)]


def _categories(y):
    """Return the categories of a series, which may have more than it holds."""
    categories = getattr(getattr(y, "dtype", None), "categories", None)
    listed = hasattr(categories, "tolist") or hasattr(categories, "to_list")
    return _listed(categories) if listed else []


def _is_missing(label):
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, (float, np.floating, np.datetime64)) and label != label


def _is_series(y):
    for name in ("pandas", "polars"):
        module = sys.modules.get(name)
        if module is not None and isinstance(y, module.Series):
            return True
    return False
