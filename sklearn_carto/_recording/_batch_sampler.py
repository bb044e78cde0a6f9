"""Tell which rows each batch of a torch DataLoader holds, without touching data set or loader."""

from __future__ import annotations

from array import array
from collections import deque
from contextlib import contextmanager

import numpy as np

from sklearn_carto._inputs._torch_datasets import WAY_OUT
from sklearn_carto.exceptions import SampleAlignmentError


class RecordingBatchSampler:
    """Stands in for a loader's batch sampler, and remembers the rows of each batch.

    The sampler runs in the main process, whatever the number of workers, and batches come out in
    its order; so the first batch that is remembered is the first that arrives.

    Parameters
    ----------
    sampler : iterable of lists of int
        The batch sampler.
    """

    def __init__(self, sampler):
        self.sampler = sampler
        self.batches: deque = deque()

    def __iter__(self):
        """Start an epoch; batches of an earlier one that was broken off are forgotten."""
        self.batches.clear()
        return self._remember(iter(self.sampler))

    def _remember(self, batches):
        for batch in batches:
            batch = list(batch)
            self.batches.append(batch)
            yield batch

    def pop_batch(self, n_rows):
        """Tell what the sampler named the batch by that has just arrived.

        Parameters
        ----------
        n_rows : int
            How many outputs the model gave.

        Returns
        -------
        batch : list of length n_rows
            For :func:`rows_of`, which turns many of them into rows at once.

        Raises
        ------
        SampleAlignmentError
            If these are not as many.
        """
        batch = self.batches.popleft() if self.batches else []
        if len(batch) != n_rows:
            raise SampleAlignmentError(
                f"A batch of {len(batch)} rows got {n_rows} outputs, so that they cannot be told "
                f"apart: the loader, its collate function or the model adds or drops rows. "
                f"{WAY_OUT}"
            )
        return batch

    def skip_batch(self):
        """Forget the batch that has just arrived."""
        if self.batches:
            self.batches.popleft()

    def __len__(self):
        """Count batches."""
        return len(self.sampler)

    def __getattr__(self, name):
        """Answer as the sampler does."""
        if name == "sampler":  # not there yet while a copy is made
            raise AttributeError(name)
        return getattr(self.sampler, name)


def rows_of(batches):
    """Rows of some batches.

    Parameters
    ----------
    batches : list of list
        As :meth:`RecordingBatchSampler.pop_batch` gave them.

    Returns
    -------
    rows : ndarray of shape (n_rows,)
        Positions in the loader's data set.

    Raises
    ------
    SampleAlignmentError
        If the sampler names rows by anything but whole numbers.
    """
    rows = array("q")  # takes whole numbers alone, and takes them faster than numpy does
    try:
        for batch in batches:
            rows.fromlist(batch)
    except (TypeError, OverflowError):
        raise SampleAlignmentError(
            f"The loader's sampler names rows by {batch[:1]}, not by whole numbers, so that they "
            f"cannot be told apart. {WAY_OUT}"
        ) from None
    return np.frombuffer(rows, dtype=np.int64)


@contextmanager
def recorded_batches(loader):
    """Listen to which rows a loader's batches hold; afterwards it is as it was.

    Parameters
    ----------
    loader : DataLoader
        Or what wraps one and keeps it as `base_dataloader`, as Hugging Face accelerate does.

    Yields
    ------
    tee : RecordingBatchSampler
        Ask it for the rows of each batch.

    Raises
    ------
    SampleAlignmentError
        If the loader does not say which rows its batches hold.
    """
    from torch.utils.data import DataLoader, IterableDataset

    name, loader = type(loader).__name__, getattr(loader, "base_dataloader", loader)
    if not isinstance(loader, DataLoader):
        why = "is no torch DataLoader"
    elif isinstance(loader.dataset, IterableDataset):
        why = "holds an IterableDataset"
    elif loader.batch_sampler is None:
        why = "has no batch sampler (batch_size=None)"
    elif not getattr(loader, "in_order", True):
        why = "hands out batches in any order (in_order=False)"
    else:
        why = None
    if why:
        raise SampleAlignmentError(f"The {name} {why}, so that nobody knows its rows. {WAY_OUT}")
    tee = RecordingBatchSampler(loader.batch_sampler)
    _set_sampler(loader, tee)
    try:
        yield tee
    finally:
        _take_out(loader, tee)


def _take_out(loader, tee):
    """Let a tee go, whichever others have been set before and after it."""
    if loader.batch_sampler is tee:
        _set_sampler(loader, tee.sampler)
    outer = loader.batch_sampler
    while isinstance(outer, RecordingBatchSampler):
        if outer.sampler is tee:
            outer.sampler = tee.sampler
        outer = outer.sampler


def _set_sampler(loader, sampler):
    """Replace the batch sampler, of workers that outlive an epoch, too."""
    vars(loader)["batch_sampler"] = sampler  # the loader's own __setattr__ refuses
    if getattr(loader, "_iterator", None) is not None:
        loader._iterator._index_sampler = sampler
