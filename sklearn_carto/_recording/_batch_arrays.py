"""The arrays and tensors that a batch consists of."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe, is_flag


def as_array(values, name, owner):
    """Return an array of values, or a tensor as it is.

    Numbers that come as Python objects are converted; what is no array raises an
    InvalidParameterError that names the parameter and its `owner`.
    """
    if is_tensor(values):
        import torch

        if values.layout != torch.strided or values.device.type == "meta":
            raise InvalidParameterError(
                f"The {name!r} parameter of {owner} must be a dense tensor with data. Got "
                f"{describe(values)} instead."
            )
        array = values
    else:
        array = _as_numpy(values)
    if array.ndim == 0 or kind_of(array) in "cV":  # complex, structured
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be an array with one entry for each row. Got "
            f"{describe(values)} instead."
        )
    return array


def _as_numpy(values):
    """Convert values to an array, which has no dimension if there is no array of them."""
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        return np.empty((), dtype=object)
    try:
        array = np.asarray(values)
        if isinstance(values, (list, tuple)) and array.ndim == 1 and array.dtype.kind in "US":
            exact = np.empty(len(values), dtype=object)
            exact[:] = values
            # numpy converts names of several types to text, and cuts zeros off the end of text
            return array if (exact == array).all() else exact
        return _of_numbers(array) if array.dtype == object else array
    except (TypeError, ValueError, OverflowError, RuntimeError):  # unequal lengths, or no numbers
        return np.empty((), dtype=object)


def keep_tuples(names):
    """Return a list of tuples, each the name of a row, as an array of one dimension."""
    if not isinstance(names, (list, tuple)) or not any(isinstance(name, tuple) for name in names):
        return names
    array = np.empty(len(names), dtype=object)
    for i, name in enumerate(names):
        array[i] = name  # all at once, numpy would spread tuples over columns
    return array


def as_vector(values, name, owner):
    """Return an array of shape (n_values,), or raise an InvalidParameterError."""
    array = as_array(values, name, owner)
    array = array.detach().cpu().numpy() if is_tensor(array) else array
    if array.ndim != 1:
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must have one dimension. Got shape {array.shape} "
            "instead."
        )
    return array


def _of_numbers(array):
    """Convert an array of objects that are all whole numbers, numbers or booleans."""
    values = array.ravel().tolist()
    if not values:
        return array
    if all(is_flag(value) for value in values):
        return array.astype(bool)
    if any(is_flag(value) or not isinstance(value, Real) for value in values):
        return array
    whole = all(isinstance(value, Integral) for value in values)
    return array.astype(np.int64 if whole else np.float64)


def check_batch(indices, scores, labels, *, positions):
    """Raise a ValueError if a batch does not hold one index, one score and one label a row.

    `positions` states whether indices are whole numbers, and not names.
    """
    if indices.ndim != 1:
        raise ValueError(
            "indices must have one entry for each row of the batch; got shape "
            f"{tuple(indices.shape)}."
        )
    if labels is not None and labels.ndim > 1 and tuple(labels.shape[1:]) != (1,):
        raise ValueError(
            f"labels must have one entry for each row; got shape {tuple(labels.shape)}. For "
            "one-hot labels pass labels.argmax(1)."
        )
    for name, values in (("scores", scores), ("labels", labels)):
        if values is not None and values.shape[0] != indices.shape[0]:
            raise ValueError(
                f"{name} of shape {tuple(values.shape)} do not fit {len(indices)} indices: one "
                "entry for each row is required."
            )
    if len(indices) == 0:
        return
    if positions and kind_of(indices) not in "iu":
        raise ValueError(
            f"indices must be whole numbers; got an array of type {indices.dtype}. For rows with "
            "other names, pass sample_ids."
        )
    kind = kind_of(scores)
    if kind in "iub":
        raise ValueError(
            "scores must be logits or probabilities, not the predicted classes; got whole numbers "
            f"({scores.dtype})."
        )
    if kind != "f":
        raise ValueError(
            "scores must be logits or probabilities in floating point; got an array of type "
            f"{scores.dtype}."
        )


def kind_of(values):
    """Return the kind of an array or tensor as numpy's letter: i, f, b, c, or others of arrays."""
    if not is_tensor(values):
        return values.dtype.kind
    import torch

    if values.dtype == torch.bool:
        return "b"
    return "f" if values.is_floating_point() else "c" if values.is_complex() else "i"
