"""Accumulate the class scores of an epoch, reduced on their device and fetched once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_carto._dynamics._observation import Observation, observe, observe_tensor
from sklearn_carto._dynamics._scores import ScoreRange, score_range_of, two_columns
from sklearn_carto._dynamics._uncertainty import class_probabilities
from sklearn_carto._inputs._torch_datasets import is_tensor

# Class scores that are buffered to be reduced together, so that small batches share the fixed cost
# of a reduction. A convention: 1 MB in single precision, which fits into the caches of a CPU.
MAX_WAITING = 2**18


class EpochScores(NamedTuple):
    """One epoch, on the CPU."""

    rows: np.ndarray  # shape (n_rows,); as they came, or ascending and each once
    y_encoded: np.ndarray  # column of each row's label, shape (n_rows,)
    observation: Observation  # five arrays of shape (n_rows,)
    score_range: ScoreRange  # of all class scores together
    proba: np.ndarray | None = None  # of shape (n_rows, n_classes), if kept


class EpochAccumulator:
    """Accumulate the batches of one epoch, in any order.

    Batches are buffered until they hold `MAX_WAITING` class scores. These are then reduced, on
    their device, to five numbers a row, which are fetched once.

    Parameters
    ----------
    from_logits : bool
        Whether scores are logits.
    nonlinearity : callable, default=None
        Turns a block of scores into probabilities, where neither they nor their softmax are.
    own : bool, default=False
        Whether scores are never modified after they are passed, so that tensors on the CPU need no
        copy.
    locate : callable, default=None
        Maps a list of the `rows` of some batches, as they were passed to `add`, to their rows and
        encoded labels: work that is cheaper for many batches at once.
    keep_proba : bool, default=False
        Whether to keep the probabilities of all classes.
    """

    def __init__(self, from_logits, nonlinearity=None, *, own=False, locate=None, keep_proba=False):
        self.from_logits, self.nonlinearity, self.own = from_logits, nonlinearity, own
        self.locate = locate
        self.proba: list | None = [] if keep_proba else None
        self.kind: tuple = ()  # of the buffered batches: only batches of one kind can be joined
        self.copy: Callable = None  # type: ignore[assignment]
        self.rows, self.waiting, self.n_waiting, self.reduced = [], [], 0, []

    def add(self, rows, y_encoded, scores):
        """Add a batch.

        Parameters
        ----------
        rows : ndarray of int, of shape (n_rows,)
            Which rows these are, or what `locate` maps to them.
        y_encoded : ndarray or tensor of int, of shape (n_rows,)
            Column of each row's label, returned with the epoch: labels that may be out of range
            are checked there. None where `locate` determines it.
        scores : ndarray or tensor of shape (n_rows, n_classes) or (n_rows,)
            Class scores.
        """
        shape = scores.shape
        single = len(shape) == 1 or shape[1] == 1
        kind = scores.dtype, single, _kind_of(scores), _kind_of(y_encoded), _kind_of(rows)
        if kind != self.kind:
            self._reduce()
            self.kind, self.copy = kind, make_copier(scores, copy=not self.own)
        scores = self.copy(scores)
        if single and len(shape) == 2:
            scores = scores.reshape(-1)
        self.waiting.append((rows, y_encoded, scores))
        self.n_waiting += shape[0] if single else shape[0] * shape[1]
        if self.n_waiting >= MAX_WAITING:
            self._reduce()

    def part(self):
        """Return the batches in the order in which they came; None if there was none."""
        self._reduce()
        if not self.rows:
            return None
        numbers, score_range = _fetch(self.reduced)
        true_proba, correct, margin, el2n, loss, y_encoded = numbers
        observation = Observation(true_proba, correct.astype(bool), margin, el2n, loss)
        rows = np.concatenate(self.rows)
        proba = None if self.proba is None else np.concatenate(self.proba)
        return EpochScores(rows, y_encoded.astype(np.intp), observation, score_range, proba)

    def resume(self, part):
        """Add the batches that another accumulator has returned as a `part`."""
        numbers = np.stack(
            [
                *(value.astype(np.float32) for value in part.observation),
                part.y_encoded.astype(np.float32),
            ]
        )
        self.rows.append(part.rows)
        if self.proba is not None:
            self.proba.append(part.proba)
        self.reduced.append((numbers, np.array(part.score_range, dtype=float)))

    def _reduce(self):
        if not self.waiting:
            return
        rows, y_encoded, scores = (list(part) for part in zip(*self.waiting, strict=True))
        if y_encoded[0] is None:
            rows, y_encoded = ([part] for part in self.locate(rows))
        reduce = self._reduce_tensors if is_tensor(scores[0]) else self._reduce_arrays
        self.reduced.append(reduce(y_encoded, scores))
        self.rows.extend(rows)
        # what raised an error above remains, and raises it again until the epoch is discarded
        self.waiting, self.n_waiting = [], 0

    def _reduce_tensors(self, y_encoded, scores):
        import torch

        with torch.no_grad():
            scores = torch.cat(scores)
            y_encoded = torch.as_tensor(join(y_encoded)).to(scores.device, torch.int64)
            if self.nonlinearity is not None:
                scores = self.nonlinearity(scores)
            self._keep_proba(scores)
            inside = y_encoded.clamp(0, 1 if scores.ndim == 1 else scores.shape[1] - 1)
            observation, score_range = observe_tensor(scores, inside, from_logits=self.from_logits)
            numbers = torch.stack([part.float() for part in (*observation, y_encoded)])
            return numbers, torch.stack([part.float() for part in score_range])

    def _reduce_arrays(self, y_encoded, scores):
        y_encoded, scores = _on_cpu(join(y_encoded)).astype(np.intp), np.concatenate(scores)
        if scores.ndim == 1:
            scores = two_columns(scores, self.from_logits)
        self._keep_proba(scores)
        inside = np.clip(y_encoded, 0, scores.shape[1] - 1)
        with np.errstate(over="ignore", invalid="ignore"):  # its range is checked afterwards
            observation = observe(scores, inside, from_logits=self.from_logits)
        numbers = np.stack([part.astype(np.float32) for part in (*observation, y_encoded)])
        return numbers, np.array(score_range_of(scores))

    def _keep_proba(self, scores):
        if self.proba is None:
            return
        with np.errstate(over="ignore", invalid="ignore"):  # their range is checked afterwards
            proba = class_probabilities(_on_cpu(scores), from_logits=self.from_logits)
        self.proba.append(proba)


def concat_epochs(parts):
    """Concatenate at least one part of an epoch to EpochScores whose rows ascend, each once.

    Of a row that occurs twice, the first counts.
    """
    rows = np.concatenate([part.rows for part in parts])
    place = np.full(rows.max() + 1, -1)
    place[rows[::-1]] = np.arange(len(rows))[::-1]  # the first occurrence is written last
    rows = np.flatnonzero(place >= 0)
    order = place[rows]
    values = zip(*(part.observation for part in parts), strict=True)
    return EpochScores(
        rows,
        np.concatenate([part.y_encoded for part in parts])[order],
        Observation(*(np.concatenate(value)[order] for value in values)),
        _union([part.score_range for part in parts]),
        None if parts[0].proba is None else np.concatenate([p.proba for p in parts])[order],
    )


def make_copier(scores, *, copy):
    """Make the function that detaches scores from their graph, in single precision at least.

    `copy` states whether others may write to the scores. Arrays are copied in any case. So are
    tensors on a device, since a compiled model may write its next outputs over them; and views,
    since they would keep the viewed tensor in memory.
    """
    if not is_tensor(scores):
        dtype = np.promote_types(scores.dtype, np.float32)
        return partial(np.array, dtype=dtype)
    import torch

    if scores.dtype in (torch.float16, torch.bfloat16):
        return _detach_as_float
    if copy or scores.device.type != "cpu" or scores._is_view():
        return _detach_and_clone
    return _detach


def _detach_as_float(tensor):
    return tensor.detach().float()


def _detach_and_clone(tensor):
    return tensor.detach().clone()


def _detach(tensor):
    return tensor.detach()


def join(parts):
    """Concatenate arrays, or tensors, of one kind; None stands for all of them being None."""
    if parts[0] is None:
        return None
    if not is_tensor(parts[0]):
        return np.concatenate(parts)
    import torch

    return torch.cat(parts)


def _kind_of(values):
    """Return what values must have in common to be joined."""
    if isinstance(values, tuple):
        return tuple(map(_kind_of, values))
    return type(values), getattr(values, "shape", ())[1:]


def _union(ranges):
    """Range of the scores of several blocks together."""
    min_score, max_score, min_sum, max_sum = np.asarray(ranges).T
    return ScoreRange(min_score.min(), max_score.max(), min_sum.min(), max_sum.max())


def _fetch(blocks):
    """Fetch reduced blocks to the CPU, in one transfer if they lie on a device."""
    numbers, ranges = (list(part) for part in zip(*blocks, strict=True))
    if not all(is_tensor(part) for part in numbers):
        numbers, ranges = ([_on_cpu(part) for part in parts] for parts in (numbers, ranges))
        return np.concatenate(numbers, axis=1), _union(ranges)
    import torch

    everything = [torch.cat(numbers, dim=1).flatten(), torch.stack(ranges).flatten()]
    flat, n_last = torch.cat(everything).cpu().numpy(), 4 * len(ranges)
    return flat[:-n_last].reshape(6, -1), _union(flat[-n_last:].reshape(-1, 4))


def _on_cpu(values):
    return values.cpu().numpy() if is_tensor(values) else values
