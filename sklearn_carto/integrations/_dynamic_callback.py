"""DynamicSubset: a callback of skorch that draws a fresh share of the rows in each epoch."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_carto._inputs._containers import absent_rows
from sklearn_carto._utils._random_state import draw_seed
from sklearn_carto._utils._typing import Container, RandomStateType
from sklearn_carto._utils._validation import check_params
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._skorch_events import attach_on_fit_loop
from sklearn_carto._watching._skorch_listeners import TrainingPassListener
from sklearn_carto.integrations._dynamic_listener import DrawListener
from sklearn_carto.integrations._dynamic_rules import DynamicRegion, DynamicRule, SubsetDraws
from sklearn_carto.integrations._skorch_labels import encoded_labels

OWNER = "DynamicSubset"


class DynamicSubset(DynamicRegion, Callback):
    """Train a skorch net on a fresh share of the rows in each epoch, in fewer steps.

    The callback draws the rows in place of the sampler of the training iterator, and records the
    training pass where its rule needs that. `fit` begins anew; `partial_fit`, and `fit` of a net
    with ``warm_start=True``, go on with the epochs and statistics of before as long as the number
    of rows and, for rules with statistics, the labels stay the same; pass the same rows.

    Parameters
    ----------
    rule : str, default="random"
        How to draw: "random", "infobatch", "variability", "loss", "confidence", "aleatoric" or
        "el2n", see :class:`~sklearn_carto.integrations.torch.DynamicSubsetSampler`.
    frac : float or None, default=0.33
        Share of the training rows to draw, in (0, 1]. None, with ``rule="infobatch"`` only: as many
        as pruning leaves. In :func:`~sklearn_carto.compare_subsets` its `fracs` are used.
    replacement : bool, default=False
        With ``rule="random"``, whether each epoch is drawn from all rows. Otherwise a permutation
        of all rows is used up before the next one is drawn.
    prune : float, default=0.5
        With ``rule="infobatch"``, the share r of the rows of low loss to prune, in [0, 1); the
        losses of the others of low loss are multiplied by ``1 / (1 - r)``.
    delta : float, default=0.875
        With ``rule="infobatch"``, the share of the epochs after which all rows are drawn, in
        [0, 1].
    warm_up : int, default=None
        Number of epochs that are drawn at random before the rule begins. None: those in which all
        rows are drawn once, or twice for "variability".
    random_state : int, RandomState instance or None, default=None
        Determines the rows and their order. None: a seed from torch's generator, as torch's own
        samplers take it.

    Attributes
    ----------
    n_drawn_ : ndarray of shape (n_rows,)
        Number of epochs in which each row of the training set was drawn; rows that `train_split`
        holds out are not part of it.

    See Also
    --------
    sklearn_carto.compare_subsets : Compare rules with a fixed random subset and with all rows.
    DataMapCallback : Record a data map; both may be callbacks of one net.

    Notes
    -----
    Rows with an entry 0 of ``X["sample_weight"]`` are never drawn. The iterator is torch's
    DataLoader with a batch size, the number of its workers does not matter, and
    `iterator_train__shuffle` and `iterator_train__sampler` play no part. When the training ends,
    also by an error, iterator and criterion are as before.

    Rules other than "random" need a classifier, whose labels are 0 to n_classes - 1. Statistics are
    those of the training pass, with dropout active.

    "infobatch" multiplies the losses by weights inside the criterion, during the training pass. The
    criterion must be a module with a `reduction`: "mean" without class weights, "sum", or "none"
    where `get_loss` of the net reduces the losses.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from skorch import NeuralNetClassifier
    >>> from sklearn_carto.integrations.skorch import DynamicSubset
    >>> X, y = load_iris(return_X_y=True)
    >>> subset = DynamicSubset("random", frac=0.2, random_state=0)
    >>> net = NeuralNetClassifier(
    ...     torch.nn.Linear, module__in_features=4, module__out_features=3, max_epochs=5,
    ...     criterion=torch.nn.CrossEntropyLoss, callbacks=[subset], train_split=None, verbose=0,
    ... )
    >>> net = net.fit(X.astype("float32"), y)
    >>> set(subset.n_drawn_.tolist())
    {1}
    """

    def __init__(
        self,
        rule: str = "random",
        frac: float | None = 0.33,
        *,
        replacement: bool = False,
        prune: float = 0.5,
        delta: float = 0.875,
        warm_up: int | None = None,
        random_state: RandomStateType = None,
    ) -> None:
        self.rule = rule
        self.frac = frac
        self.replacement = replacement
        self.prune = prune
        self.delta = delta
        self.warm_up = warm_up
        self.random_state = random_state

    @property
    def __name__(self):
        """Name of the region in comparisons."""
        return f"dynamic {self.rule}{' with replacement' if self.replacement else ''}"

    def _settings(self):
        values = (getattr(self, name) for name in DynamicRule._fields)
        return DynamicRule(*values)

    def _check(self):
        """Raise an InvalidParameterError if a parameter is invalid."""
        self._settings().check(OWNER)
        random_state = {"random_state": self.random_state}
        check_params(OWNER, {"random_state": ["random_state"]}, random_state)

    def initialize(self) -> Self:
        """Check the parameters, and begin anew.

        Returns
        -------
        self : DynamicSubset
            The callback.
        """
        self._check()
        self.draws_: SubsetDraws = None  # type: ignore[assignment]
        self.recorder_: RunRecorder | None = None
        self.epoch_ = 0
        return self

    def on_train_begin(
        self, net: Any, X: Container = None, y: Container = None, **kwargs: Any
    ) -> None:
        """Attach a listener to the training that begins.

        Parameters
        ----------
        net : NeuralNet
            The net.
        X, y : container, array-like
            The training set.
        **kwargs : dict
            Ignored.
        """
        recording = None
        if self._settings().uses_statistics:
            y_encoded = encoded_labels(X, y, OWNER)
            if self.recorder_ is None or not np.array_equal(self.recorder_.y_encoded, y_encoded):
                self.recorder_ = _make_recorder(X, y_encoded)
                self.draws_ = None  # type: ignore[assignment]
            recording = TrainingPassListener(net, X, self.recorder_, X)
        attach_on_fit_loop(net, DrawListener(self, net, X, recording), key=self)

    def _begin(self, n_rows, n_epochs):
        """Prepare to draw from a training set, or go on if it has as many rows as before."""
        if self.draws_ is None or self.draws_.n_rows != n_rows:
            seed = self.random_state
            if seed is None:
                seed = int(torch.empty((), dtype=torch.int64).random_().item()) % 2**32
            self.draws_ = SubsetDraws(self._settings(), n_rows, n_epochs, draw_seed(seed))
            self.epoch_, self.n_drawn_ = 0, np.zeros(n_rows, dtype=np.int64)

    def _draw(self, pool, x_rows):
        """Draw the next epoch from a pool of rows; `x_rows` are the rows of X that these are."""
        if self.recorder_ is not None and self.recorder_.n_epochs:
            self.draws_.seen.read(self.recorder_.dynamics, x_rows)
        draw = self.draws_.draw(self.epoch_)
        self.epoch_ += 1
        return draw


def _make_recorder(X, y_encoded):
    return RunRecorder(
        y_encoded,
        np.arange(max(y_encoded.max() + 1, 2)),
        y_encoded,
        keep_history=False,
        record="training",
        excluded_mask=absent_rows(X, len(y_encoded)),
        more_classes=True,
    )
