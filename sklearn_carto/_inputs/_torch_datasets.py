"""Torch data sets as rows: reading rows by index, and labels."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np

from sklearn_carto._utils._random_state import generators_kept
from sklearn_carto.exceptions import SampleAlignmentError

LABEL_NAMES = ("labels", "label", "label_ids")


def is_tensor(values):
    """Whether values are a torch tensor; does not import torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def is_dataset(X):
    """Whether X is a torch data set with a length; does not import torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(X, torch.utils.data.Dataset) and hasattr(X, "__len__")


def is_table(X):
    """Whether X is a data set of Hugging Face `datasets`; does not import that library."""
    datasets = sys.modules.get("datasets.arrow_dataset")
    return datasets is not None and isinstance(X, datasets.Dataset)


def is_slices(X):
    """Whether X is skorch's SliceDataset: the inputs, or the labels, of a torch data set."""
    helper = sys.modules.get("skorch.helper")
    return helper is not None and isinstance(X, helper.SliceDataset)


def is_any_dataset(X):
    """Whether X is a data set of torch, skorch or Hugging Face."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(X, torch.utils.data.Dataset):
        return True
    return is_table(X) or is_slices(X)


def dataset_parts(dataset):
    """Return what the rows of a data set are read from, or None if that is not known.

    Rows of a class of the user's own are unknown: they may be large, or change at each access.
    """
    kind = f"{type(dataset).__module__}.{type(dataset).__qualname__}"
    if is_table(dataset):
        form = dataset.format
        if form["type"] == "custom":  # rows are computed by a function
            return None
        arrow = dataset.with_format("arrow")[:]
        return [form["columns"], form["format_kwargs"], dataset.features, arrow]
    parts = _PARTS.get(kind)
    return None if parts is None else [kind, *(getattr(dataset, name) for name in parts)]


_PARTS = {
    "torch.utils.data.dataset.TensorDataset": ["tensors"],
    "torch.utils.data.dataset.Subset": ["dataset", "indices"],
    "torch.utils.data.dataset.ConcatDataset": ["datasets"],
    "torch.utils.data.dataset.StackDataset": ["datasets"],
    "skorch.dataset.Dataset": ["X", "y", "_len"],
    "skorch.helper.SliceDataset": ["dataset", "idx", "indices_"],
}


def part_of(dataset, rows):
    """Make a torch Subset of some rows: a slice, indices or a mask."""
    from torch.utils.data import Subset

    return Subset(dataset, np.arange(len(dataset))[rows].tolist())


def labels_of(dataset):
    """Read the label of each row in one pass, and restore torch's, numpy's and Python's generators.

    A row must be a pair of an input and a label, or a mapping with one of `LABEL_NAMES`; rows
    without a single label raise a ValueError. The labels have shape (n_samples,).
    """
    kind = type(dataset).__name__
    for name in LABEL_NAMES:
        if name in (getattr(dataset, "column_names", None) or ()):  # of Hugging Face datasets
            return np.asarray(dataset[name])
    torch = sys.modules.get("torch")
    tensors = torch is not None and type(dataset) is torch.utils.data.TensorDataset
    if tensors and len(dataset.tensors) == 2 and dataset.tensors[1].numel() == len(dataset):
        return dataset.tensors[1].reshape(-1).cpu().numpy()
    labels = []
    with generators_kept():
        for i in range(len(dataset)):
            label = _label_of(dataset[i])
            if label is None:
                raise ValueError(
                    f"Row {i} of the {kind} must be a pair of an input and a label, or a mapping "
                    f"with one of {', '.join(LABEL_NAMES)}. Pass the labels themselves."
                )
            labels.append(np.asarray(label))
            if labels[-1].size != 1:
                raise ValueError(
                    f"The {kind} must hold one label for each row; the label of row {i} has shape "
                    f"{labels[-1].shape}. Pass the labels themselves."
                )
    return np.array([label.reshape(())[()] for label in labels])


def _label_of(row):
    if isinstance(row, Mapping):
        return next((row[name] for name in LABEL_NAMES if name in row), None)
    return row[1] if isinstance(row, (tuple, list)) and len(row) == 2 else None


def check_dataset_labels(classes):
    """Raise a ValueError if the sorted labels of a data set are not 0, 1, ..., n_classes - 1."""
    if not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError(
            f"The labels in a torch Dataset must be 0 to {len(classes) - 1}, each at least once, "
            f"since the net is trained on them; got {classes[:10].tolist()}. Encode them in the "
            "Dataset, or pass X and y as arrays."
        )


def check_not_stream(X):
    """Raise an error if X is a torch IterableDataset, which has no order and no length."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(X, torch.utils.data.IterableDataset):
        kind = type(X).__name__
        raise SampleAlignmentError(
            f"The {kind} is an IterableDataset, whose rows have no indices. {WAY_OUT}"
        )


def rows_behind(dataset, whole, n_samples):
    """Find the rows of a data set that a part of it holds, through any nesting of subsets.

    `whole` is a function that returns whether a data set is the whole one, which has `n_samples`
    rows. Returns positions in it, or None if the part does not belong to it.
    """
    from torch.utils.data import Subset

    rows = None
    while isinstance(dataset, Subset) and not whole(dataset):
        own = np.asarray(dataset.indices)
        rows = own if rows is None else own[rows]
        dataset = dataset.dataset
    if dataset is None or not whole(dataset) or len(dataset) != n_samples:
        return None
    return np.arange(n_samples) if rows is None else rows


WAY_OUT = (
    "Write the training loop with sklearn_carto.integrations.torch.DynamicsRecorder, to which the "
    "index of each row is passed."
)
