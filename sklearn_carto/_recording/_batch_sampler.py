"""Record which rows each batch of a torch DataLoader holds; neither it nor its data changes."""

from __future__ import annotations

from array import array
from collections import deque
from contextlib import contextmanager

import numpy as np

from sklearn_carto._inputs._torch_datasets import WAY_OUT
from sklearn_carto.exceptions import SampleAlignmentError


class RecordingBatchSampler:
    """Stand in for a loader's batch sampler, and record the rows of each batch.

    The sampler runs in the main process, whatever the number of workers, and batches arrive in its
    order: the first recorded batch is the first that arrives. Each iteration has a queue of its
    own. Batches are taken from that of the last one, unless `hold` binds them to one: others may
    iterate over the loader in the middle of an epoch, for example to validate.

    All attributes are those of the sampler, to read and to set, and so is the class: loaders set
    the epoch of a sampler, or restore its state, through the attributes of its batch sampler.
    """

    batches: deque  # of the iteration that is trained on
    latest: deque  # of the iteration that began last
    held: bool

    def __init__(self, replaced):
        queue: deque = deque()
        vars(self).update(_replaced=replaced, batches=queue, latest=queue, held=False)

    def __iter__(self):
        """Start an iteration; the batches of an interrupted one are discarded."""
        self.latest = deque()
        if not self.held:
            self.batches = self.latest
        return _RecordingIterator(iter(self._replaced), self.latest)

    def hold(self):
        """Take batches from the iteration that began last until `release` is called."""
        self.held = True

    def release(self):
        """Take batches from the iteration that began last, or from the next one as it begins."""
        self.held, self.batches = False, self.latest

    def pop_batch(self, n_rows):
        """Return the row names of the batch that has just arrived, as the sampler yielded them.

        A SampleAlignmentError is raised if the model returned fewer or more outputs than `n_rows`.
        """
        batch = self.batches.popleft() if self.batches else []
        if len(batch) != n_rows:
            raise SampleAlignmentError(
                "The model must return one output for each row; a batch of "
                f"{len(batch)} rows got {n_rows} outputs, so that the sample indices cannot be "
                "determined: the loader, its collate function or the model adds or drops rows. "
                f"{WAY_OUT}"
            )
        return batch

    def skip_batch(self):
        """Discard the batch that has just arrived."""
        if self.batches:
            self.batches.popleft()

    def __len__(self):
        """Count batches."""
        return len(self._replaced)

    @property  # type: ignore[misc]
    def __class__(self):
        """The class of the sampler, for `isinstance`."""
        return self._replaced.__class__

    def __getattr__(self, name):
        """Delegate to the sampler."""
        if name in _OWN:  # not set yet while a copy is made
            raise AttributeError(name)
        return getattr(self._replaced, name)

    def __setattr__(self, name, value):
        """Delegate to the sampler."""
        if name in _OWN:
            vars(self)[name] = value
        else:
            setattr(self._replaced, name, value)


_OWN = ("_replaced", "batches", "latest", "held")


class _RecordingIterator:
    """Iterate over batches, and append each to a queue; attributes are those of the iterator."""

    def __init__(self, iterator, batches):
        self._iterator, self._batches = iterator, batches

    def __iter__(self):
        return self

    def __next__(self):
        batch = list(next(self._iterator))
        self._batches.append(batch)
        return batch

    def __getattr__(self, name):
        if name == "_iterator":
            raise AttributeError(name)
        return getattr(self._iterator, name)


def rows_of(batches):
    """Convert the row names of batches to positions in the loader's data set, of shape (n_rows,).

    A SampleAlignmentError is raised if the sampler does not yield whole numbers.
    """
    rows = array("q")  # accepts whole numbers only, and converts lists faster than numpy
    try:
        for batch in batches:
            rows.fromlist(batch)
    except (TypeError, OverflowError):
        raise SampleAlignmentError(
            f"The sampler of the loader must identify rows by whole numbers; got {batch[:1]}. "
            f"{WAY_OUT}"
        ) from None
    return np.frombuffer(rows, dtype=np.int64)


@contextmanager
def recorded_batches(loader):
    """Record which rows the batches of a loader hold; the loader is restored afterwards.

    The loader is a DataLoader, or a wrapper with the attribute `base_dataloader` as in Hugging Face
    accelerate. Yields its RecordingBatchSampler, or raises a SampleAlignmentError if the rows of
    its batches cannot be determined.
    """
    from torch.utils.data import DataLoader, IterableDataset

    name, loader_given = type(loader).__name__, loader
    loader = getattr(loader, "base_dataloader", loader)
    if not isinstance(loader, DataLoader):
        problem = "is not a torch DataLoader"
    elif isinstance(loader.dataset, IterableDataset):
        problem = "holds an IterableDataset"
    elif loader.batch_sampler is None:
        problem = "has no batch sampler (batch_size=None)"
    elif _reads_for_others(loader_given):
        problem = "is read by one process for all of them (dispatch_batches=True)"
    elif not getattr(loader, "in_order", True):
        problem = "yields batches in any order (in_order=False)"
    else:
        problem = None
    if problem:
        raise SampleAlignmentError(
            f"The {name} {problem}, so that the sample indices cannot be determined. {WAY_OUT}"
        )
    recording = RecordingBatchSampler(loader.batch_sampler)
    _set_sampler(loader, recording)
    try:
        yield recording
    finally:
        _remove(loader, recording)


def _reads_for_others(loader):
    """Whether a loader of accelerate reads batches for several processes, and splits them."""
    n_processes = getattr(getattr(loader, "state", None), "num_processes", 1)
    return type(loader).__name__ == "DataLoaderDispatcher" and n_processes > 1


def _remove(loader, recording):
    """Remove a recording sampler, whichever others were set before and after it."""
    if loader.batch_sampler is recording:
        _set_sampler(loader, recording._replaced)
    outer = loader.batch_sampler
    while isinstance(outer, RecordingBatchSampler):
        if outer._replaced is recording:
            outer._replaced = recording._replaced
        outer = outer._replaced


def _set_sampler(loader, sampler):
    """Replace the batch sampler, also of persistent workers."""
    vars(loader)["batch_sampler"] = sampler  # DataLoader.__setattr__ would raise
    if getattr(loader, "_iterator", None) is not None:
        loader._iterator._index_sampler = sampler
