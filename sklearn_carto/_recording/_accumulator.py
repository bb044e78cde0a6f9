"""Gather what the batches of an epoch say, reduced where they lie, handed over once an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_carto._dynamics._observation import Observation, observe, observe_tensor
from sklearn_carto._dynamics._scores import ScoreRange, score_range_of, two_columns
from sklearn_carto._inputs._torch_datasets import is_tensor

MAX_WAITING = 2**18  # class scores that wait to be reduced together: what each call costs is shared


class EpochScores(NamedTuple):
    """One epoch, on the CPU."""

    rows: np.ndarray  # shape (n_rows,), ascending, no row twice
    columns: np.ndarray  # column of each row's label, shape (n_rows,)
    seen: Observation  # five arrays of shape (n_rows,)
    quality: ScoreRange  # of all class scores together


class EpochAccumulator:
    """Take in batches of class scores in any order, of one epoch.

    Scores on a device are reduced there to five numbers a row, which are fetched once; they wait
    for that no longer than for a block of rows.

    Parameters
    ----------
    from_logits : bool
        Whether scores are logits.
    nonlinearity : callable, default=None
        Turns a block of scores into probabilities, where neither they nor their softmax are.
    own : bool, default=False
        Whether nobody else writes to the scores once they are handed over, so that tensors on the
        CPU need no copy.
    locate : callable, default=None
        Turns what stands for the rows of some batches, a list, into their rows and columns: work
        that is cheaper for many batches at once. None: they are handed over as they are.
    """

    def __init__(self, from_logits, nonlinearity=None, *, own=False, locate=None):
        self.from_logits, self.nonlinearity, self.own = from_logits, nonlinearity, own
        self.locate = locate
        self.kind: tuple = ()  # of the batches that wait, for only the like can be joined;
        self.keep: Callable = None  # type: ignore[assignment]  # and how to take them
        self.rows, self.waiting, self.n_waiting, self.reduced = [], [], 0, []

    def add(self, rows, columns, scores):
        """Take in a batch.

        Parameters
        ----------
        rows : ndarray of int, of shape (n_rows,)
            Which rows these are, or what `locate` knows them by.
        columns : ndarray or tensor of int, of shape (n_rows,)
            Column of each row's label. It is handed back with the epoch: whoever gathers labels
            that may be out of range checks them there. None where `locate` tells it.
        scores : ndarray or tensor of shape (n_rows, n_classes) or (n_rows,)
            Class scores.
        """
        shape = scores.shape
        single = len(shape) == 1 or shape[1] == 1
        kind = type(scores), scores.dtype, single, type(columns)
        if kind != self.kind:
            self._reduce()
            self.kind, self.keep = kind, make_copier(scores, copy=not self.own)
        scores = self.keep(scores)
        if single and len(shape) == 2:
            scores = scores.reshape(-1)
        self.waiting.append((rows, columns, scores))
        self.n_waiting += shape[0] if single else shape[0] * shape[1]
        if self.n_waiting >= MAX_WAITING:
            self._reduce()

    def finish(self):
        """Hand over the epoch; of a row that was seen twice, its first time counts.

        Returns
        -------
        gathered : EpochScores or None
            None where there was no batch.
        """
        part = self.part()
        return None if part is None else concat_epochs([part])

    def part(self):
        """Return the scores in the order in which they came, for :func:`concat_epochs`."""
        self._reduce()
        if not self.rows:
            return None
        numbers, quality = _fetch(self.reduced)
        true_proba, correct, margin, el2n, loss, columns = numbers
        seen = Observation(true_proba, correct.astype(bool), margin, el2n, loss)
        columns = columns.astype(np.intp)
        return EpochScores(np.concatenate(self.rows), columns, seen, quality)

    def _reduce(self):
        if not self.waiting:
            return
        rows, columns, scores = (list(part) for part in zip(*self.waiting, strict=True))
        self.waiting, self.n_waiting = [], 0
        if self.locate is not None:
            rows, columns = ([part] for part in self.locate(rows))
        self.rows.extend(rows)
        reduce = self._reduce_tensors if is_tensor(scores[0]) else self._reduce_arrays
        self.reduced.append(reduce(columns, scores))

    def _reduce_tensors(self, columns, scores):
        import torch

        with torch.no_grad():
            scores = torch.cat(scores)
            joined = torch.cat(columns) if is_tensor(columns[0]) else np.concatenate(columns)
            columns = torch.as_tensor(joined).to(scores.device, torch.int64)
            if self.nonlinearity is not None:
                scores = self.nonlinearity(scores)
            inside = columns.clamp(0, 1 if scores.ndim == 1 else scores.shape[1] - 1)
            seen, quality = observe_tensor(scores, inside, from_logits=self.from_logits)
            numbers = torch.stack([part.float() for part in (*seen, columns)])
            return numbers, torch.stack([part.float() for part in quality])

    def _reduce_arrays(self, columns, scores):
        if is_tensor(columns[0]):
            columns = [part.cpu() for part in columns]
        columns, scores = np.concatenate(columns), np.concatenate(scores)
        if scores.ndim == 1:
            scores = two_columns(scores, self.from_logits)
        inside = np.clip(columns, 0, scores.shape[1] - 1)
        seen = observe(scores, inside, from_logits=self.from_logits)
        numbers = np.stack([part.astype(np.float32) for part in (*seen, columns)])
        return numbers, np.array(score_range_of(scores))


def concat_epochs(parts):
    """Put together what was gathered in several places; of a row seen twice, the first counts.

    Parameters
    ----------
    parts : list of EpochScores
        At least one.

    Returns
    -------
    gathered : EpochScores
        Rows ascending, none twice.
    """
    rows = np.concatenate([part.rows for part in parts])
    place = np.full(rows.max() + 1, -1)
    place[rows[::-1]] = np.arange(len(rows))[::-1]  # what comes first is written last, and stays
    rows = np.flatnonzero(place >= 0)
    order = place[rows]
    seen = zip(*(part.seen for part in parts), strict=True)
    return EpochScores(
        rows,
        np.concatenate([part.columns for part in parts])[order],
        Observation(*(np.concatenate(values)[order] for values in seen)),
        _together([part.quality for part in parts]),
    )


def make_copier(scores, *, copy):
    """Tell how to take scores out of the training's graph, in single precision at least.

    Parameters
    ----------
    scores : ndarray or tensor
        One of those that a model gives.
    copy : bool
        Whether others may write to them. Arrays are copied in any case. So are tensors on a
        device, for a compiled model may write its next outputs over them; and views, for they
        would keep alive what they are views of.

    Returns
    -------
    keep : callable
        From an array to one of its own, or from a tensor to one without a graph.
    """
    if not is_tensor(scores):
        dtype = np.promote_types(scores.dtype, np.float32)
        return lambda array: np.array(array, dtype=dtype)
    import torch

    if scores.dtype in (torch.float16, torch.bfloat16):
        return lambda tensor: tensor.detach().float()
    if copy or scores.device.type != "cpu" or scores._is_view():
        return lambda tensor: tensor.detach().clone()
    return torch.Tensor.detach


def _together(qualities):
    """Tell the quality of several blocks together."""
    lowest, highest, least, most = np.asarray(qualities).T
    return ScoreRange(lowest.min(), highest.max(), least.min(), most.max())


def _fetch(blocks):
    """Bring reduced blocks to the CPU, at one go if they lie on a device."""
    numbers, qualities = (list(part) for part in zip(*blocks, strict=True))
    if not all(is_tensor(part) for part in numbers):
        numbers, qualities = ([_on_cpu(part) for part in parts] for parts in (numbers, qualities))
        return np.concatenate(numbers, axis=1), _together(qualities)
    import torch

    everything = [torch.cat(numbers, dim=1).flatten(), torch.stack(qualities).flatten()]
    flat, n_last = torch.cat(everything).cpu().numpy(), 4 * len(qualities)
    return flat[:-n_last].reshape(6, -1), _together(flat[-n_last:].reshape(-1, 4))


def _on_cpu(values):
    return values.cpu().numpy() if is_tensor(values) else values
