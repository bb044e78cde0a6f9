"""A listener of a skorch net that draws the rows of each epoch and weights their losses."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
from torch.utils.data import BatchSampler, DataLoader

from sklearn_carto._inputs._containers import absent_rows, n_samples_of
from sklearn_carto._inputs._torch_datasets import rows_behind
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import SampleAlignmentError


class DrawListener:
    """Draw the rows of each epoch of a training.

    Parameters
    ----------
    callback : DynamicSubset
        Draws the rows.
    net : NeuralNet
        The net.
    X : container
        The samples that are passed to `fit`.
    recording : TrainingPassListener or None
        Records the training pass; it does not receive the validation pass.
    """

    def __init__(self, callback, net, X, recording):
        self.callback, self.net, self.X, self.recording = callback, net, X, recording
        self.dataset = None
        self.pool = np.empty(0, dtype=np.intp)  # positions to draw from
        self.has_begun = False
        self.x_rows: np.ndarray | None = None  # rows of X that these are
        self.sampler = _EpochSampler()
        self.losses: WeightedLosses | None = None
        self.resources = ExitStack()
        self.replaced: dict = {}  # by batch sampler
        if recording is not None:
            self.resources.enter_context(recording.resources)

    def on_dataset(self, X, dataset):
        """Keep the dataset that the net makes of X."""
        if X is self.X or self.dataset is None:
            self.dataset = dataset
        if self.recording is not None:
            self.recording.on_dataset(X, dataset)

    def on_epoch_begin(self, dataset_train=None, dataset_valid=None, **kwargs):
        """Determine the rows to draw from, ahead of the first epoch."""
        if self.recording is not None:
            self.recording.on_epoch_begin(dataset_train, dataset_valid)
        if not self.has_begun:
            self.has_begun = True
            self._find_pool(dataset_train)
            self.callback._begin(len(self.pool), self.net.max_epochs)
            if self.callback.rule == "infobatch":
                check_criterion(self.net)

    def _find_pool(self, dataset_train):
        n_samples = n_samples_of(self.X)
        absent = absent_rows(self.X, n_samples)
        if self.recording is not None:
            x_rows = self.recording.train_rows
        elif absent is not None:
            x_rows = rows_behind(dataset_train, self._is_whole, n_samples)
        else:
            x_rows = None
        if x_rows is None:
            self.pool = np.arange(len(dataset_train))
            return
        present = np.ones(len(x_rows), dtype=bool) if absent is None else ~absent[x_rows]
        self.pool = np.flatnonzero(present)
        self.x_rows = x_rows[self.pool]

    def _is_whole(self, whole):
        return whole is self.dataset or whole is self.X or getattr(whole, "X", None) is self.X

    def on_pass_begin(self, iterator, training):
        """Draw the rows of the training pass, ahead of its first batch."""
        self._restore_criterion()
        if not training:
            return
        batch_sampler = check_iterator(iterator)
        if id(batch_sampler) not in self.replaced:
            self.replaced[id(batch_sampler)] = batch_sampler, batch_sampler.sampler
            self.resources.callback(self._restore, batch_sampler, batch_sampler.sampler)
            batch_sampler.sampler = self.sampler
        draw = self.callback._draw(self.pool, self.x_rows)
        self.sampler.rows = self.pool[draw.rows].tolist()
        if len(batch_sampler) == 0:
            raise SampleAlignmentError(
                f"DynamicSubset draws {len(draw.rows)} rows, but the loader leaves out a batch of "
                f"less than {batch_sampler.batch_size} (drop_last=True), so that nothing would be "
                "trained on. Raise frac, lower batch_size, or set iterator_train__drop_last=False."
            )
        if (draw.weights[draw.rows] != 1).any():
            self.losses = WeightedLosses(self.net.criterion_, draw.weights[draw.rows])
        self.callback.n_drawn_[draw.rows] += 1
        if self.recording is not None:
            self.recording.on_pass_begin(iterator, training)

    @staticmethod
    def _restore(batch_sampler, sampler):
        batch_sampler.sampler = sampler

    def on_batch_end(self, batch=None, training=None, y_pred=None, **kwargs):
        """Pass the batch on."""
        if not training:
            return
        if self.losses is not None:
            self.losses.next_batch()
        if self.recording is not None:
            self.recording.on_batch_end(batch=batch, training=True, y_pred=y_pred)

    def on_epoch_end(self, *args, **kwargs):
        """Record the epoch."""
        self._restore_criterion()
        if self.recording is not None:
            self.recording.on_epoch_end()

    def _restore_criterion(self):
        if self.losses is not None:
            self.losses.remove()
            self.losses = None

    def release(self):
        """Restore the criterion, and drop all references to the training."""
        self._restore_criterion()
        if self.recording is not None:
            self.recording.release()
        self.callback = self.net = self.X = self.dataset = None


class _EpochSampler:
    """The positions of an epoch, in place of the sampler of a loader."""

    rows: list = []

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)


class WeightedLosses:
    """Multiply the losses of a criterion by weights, until `remove` is called.

    Parameters
    ----------
    criterion : module
        A criterion with a `reduction`; its `forward` is replaced.
    weights : ndarray of shape (n_rows,)
        The weights of the rows of an epoch, in order.
    """

    def __init__(self, criterion, weights):
        self.criterion, self.weights, self.begin, self.n_last = criterion, weights, 0, 0
        self.forward = criterion.forward
        criterion.forward = self.weighted

    def weighted(self, *args, **kwargs):
        """Compute the loss of the current batch."""
        reduction = self.criterion.reduction
        self.criterion.reduction = "none"
        try:
            losses = self.forward(*args, **kwargs)
        finally:
            self.criterion.reduction = reduction
        self.n_last = len(losses) if losses.ndim else 0
        weights = self.weights[self.begin : self.begin + self.n_last]
        if not self.n_last or len(weights) < self.n_last:
            raise SampleAlignmentError(
                f"{type(self.criterion).__name__} must give one loss for each row of a batch, to "
                f"be weighted; got the shape {tuple(losses.shape)}."
            )
        shape = (-1, *[1] * (losses.ndim - 1))
        losses = losses * losses.new_tensor(weights).reshape(shape)
        return losses if reduction == "none" else getattr(losses, reduction)()

    def next_batch(self):
        """Go on to the next batch."""
        self.begin, self.n_last = self.begin + self.n_last, 0

    def remove(self):
        """Restore the criterion."""
        vars(self.criterion).pop("forward", None)


def check_iterator(iterator):
    """Return the batch sampler of a training iterator, whose sampler can be replaced."""
    batch_sampler = iterator.batch_sampler if isinstance(iterator, DataLoader) else None
    if batch_sampler is None or batch_sampler.__class__.__iter__ is not BatchSampler.__iter__:
        got = type(iterator).__name__
        if isinstance(iterator, DataLoader):
            got += f" with the batch sampler {type(batch_sampler).__name__}"
        raise SampleAlignmentError(
            "DynamicSubset needs a torch DataLoader with a batch size, or with a BatchSampler of "
            f"torch, to draw rows from. Got a {got}. Set iterator_train=DataLoader and batch_size."
        )
    return batch_sampler


def check_criterion(net):
    """Raise an InvalidParameterError if the losses of a net's rows cannot be weighted."""
    criterion = net.criterion_
    reduction = getattr(criterion, "reduction", None)
    problem = None
    if not hasattr(criterion, "forward") or reduction not in ("mean", "sum", "none"):
        problem = "has no reduction that is 'mean', 'sum' or 'none'"
    elif reduction == "mean" and getattr(criterion, "weight", None) is not None:
        problem = "has class weights, by which its mean is divided"
    elif reduction == "none" and _reduces_nothing(net):
        problem = "has reduction='none', but get_loss of the net does not reduce the losses"
    if problem:
        raise InvalidParameterError(
            "The 'rule' parameter of DynamicSubset must not be 'infobatch' for a net whose "
            f"criterion {problem}. Got {type(criterion).__name__}. Use a criterion of torch with "
            "reduction='mean', or reduction='none' and a get_loss that takes the mean."
        )


def _reduces_nothing(net):
    return type(net).get_loss.__module__.startswith("skorch.")
