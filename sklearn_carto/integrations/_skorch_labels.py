"""Labels of a skorch net, as a callback is given them."""

from __future__ import annotations

import numpy as np

from sklearn_carto._inputs._torch_datasets import is_dataset, labels_of


def encoded_labels(X, y, owner):
    """Return the labels of a net, which must be positions among its outputs, as an array.

    They are those of the torch Dataset `X` where `y` is None. Errors name the `owner`.
    """
    if y is None and is_dataset(X):
        y = labels_of(X)
    if y is None:
        raise ValueError(
            f"{owner} requires labels: pass y to fit, or a torch Dataset of inputs and labels."
        )
    y = y.cpu().numpy() if hasattr(y, "cpu") else np.asarray(y)
    y_encoded = y.reshape(-1) if y.shape[1:] == (1,) else y
    whole = y_encoded.ndim == 1 and y_encoded.dtype.kind in "iufb"
    if not whole or (y_encoded < 0).any() or (y_encoded != y_encoded.astype(int)).any():
        raise ValueError(
            "Labels of a net must be 0 to n_classes - 1, one for each row; got an array of type "
            f"{y.dtype} and shape {y.shape}. sklearn_carto.CartographyClassifier supports labels "
            "of any type."
        )
    return y_encoded.astype(np.intp)
