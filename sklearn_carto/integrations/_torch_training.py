"""Parts of torch trainings: hooks, training sets, labels, outputs and ranks."""

from __future__ import annotations

import numpy as np


class Hook:
    """A hook of a module that calls a function; its copies and pickles do nothing."""

    def __init__(self, function=None):
        self.function = function

    def __call__(self, *args):
        """Call the function."""
        return None if self.function is None else self.function(*args)

    def __reduce__(self):
        """Copy without the function."""
        return Hook, ()


def hold_the_same_rows(one, other):
    """Whether data sets hold the same rows in the same order; None: cannot be determined."""
    from torch import equal
    from torch.utils.data import Subset, TensorDataset

    while isinstance(one, Subset) and isinstance(other, Subset):
        if not np.array_equal(one.indices, other.indices):
            return False
        one, other = one.dataset, other.dataset
    if type(one) is type(other) is TensorDataset:
        pairs = zip(one.tensors, other.tensors, strict=False)
        return len(one.tensors) == len(other.tensors) and all(equal(*pair) for pair in pairs)
    return True if one is other else None


def n_ranks():
    """Count the processes of a distributed run."""
    from torch import distributed

    running = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if running else 1


def as_integers(labels):
    """Convert boolean and floating point labels to integers."""
    if labels.dtype.kind == "b":
        return labels.astype(int)
    if labels.dtype.kind != "f":
        return labels
    if (labels != np.round(labels)).any():
        raise ValueError(
            "labels must be classes, one for each row; got continuous values "
            f"({labels[:3].tolist()}, ...), as of a target of regression. Pass labels=."
        )
    return labels.astype(int)


def scores_of(output, name):
    """Find the class scores among the outputs of a model: its logits, or the first output."""
    if hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, dict) and "logits" in output:
        output = output["logits"]
    elif isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not hasattr(output, "detach") or output.ndim not in (1, 2):
        got = type(output).__name__
        if hasattr(output, "shape"):
            got = f"shape {tuple(output.shape)}"
        raise ValueError(
            f"The output of {name} must be class scores of shape (n_rows, n_classes); got {got}. "
            "Data maps of models that label each token or pixel are not supported."
        )
    return output
