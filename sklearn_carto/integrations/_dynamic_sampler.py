"""DynamicSubsetSampler: a sampler of torch that draws a fresh share of the rows in each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from sklearn_carto._recording._recorder import DynamicsRecorder
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._random_state import draw_seed
from sklearn_carto._utils._state import PackedState, pack
from sklearn_carto._utils._typing import RandomStateType
from sklearn_carto._utils._validation import Count, check_params, describe, validate_params
from sklearn_carto.integrations._dynamic_rules import DynamicRule, SubsetDraws

OWNER = "DynamicSubsetSampler"
VERSION = 1  # of the state


class DynamicSubsetSampler(Sampler):
    """Draw a fresh share of the rows in each epoch, to train in fewer steps.

    All rows stay in the training set; an epoch covers a share of them.

    Parameters
    ----------
    recorder : DynamicsRecorder or int
        The recorder whose running statistics the rule reads; the training loop passes the batches
        to it and ends its epochs. Rows of its `held_out_mask` are never drawn. An int: the number
        of rows, which is enough for ``rule="random"``.
    frac : float or None
        Share of the rows to draw, in (0, 1]. None, with ``rule="infobatch"`` only: as many as
        pruning leaves, a number that changes from epoch to epoch.
    rule : str, default="random"
        "random": repeated random sampling [1]_. "infobatch": of the rows whose last loss is below
        the mean, fewer are drawn, and their losses weigh more [2]_. "variability", "loss",
        "confidence" (low first), "aleatoric" and "el2n": rows are drawn without replacement, with
        probabilities proportional to the square root of the running statistic.
    replacement : bool, default=False
        With ``rule="random"``, whether each epoch is drawn from all rows. Otherwise a permutation
        of all rows is used up before the next one is drawn, so that all rows are trained on
        equally often. Within an epoch no row is drawn twice.
    prune : float, default=0.5
        With ``rule="infobatch"``, the share r of the rows of low loss to prune, in [0, 1); the
        losses of the others of low loss are multiplied by ``1 / (1 - r)``.
    delta : float, default=0.875
        With ``rule="infobatch"``, the share of the epochs after which all rows are drawn, in
        [0, 1].
    n_epochs : int, default=None
        Number of planned epochs. Required for ``rule="infobatch"``.
    warm_up : int, default=None
        Number of epochs that are drawn at random before the rule begins. None: those in which all
        rows are drawn once, or twice for "variability", since one value has no spread. It plays no
        part for "random" and for ``frac=None``, where all rows are drawn in the first epoch.
    random_state : int, RandomState instance or None, default=None
        Determines the rows and their order. Pass an int for reproducible output.

    Attributes
    ----------
    epoch : int
        Number of the next epoch to draw, counted from 0.
    weights : ndarray of shape (n_samples,)
        Weights of the losses of all rows in the epoch that was drawn last, 0 for those that are not
        part of it. They are 1 except for "infobatch". The loss of a batch is the mean of the
        products of losses and weights, see the example.

    See Also
    --------
    sklearn_carto.integrations.skorch.DynamicSubset : The same for nets of skorch.

    Notes
    -----
    Rows that no epoch included yet have the mean weight of the others; for "infobatch" they count
    as rows of high loss. The statistics of a row are means over the epochs that included it.

    With "infobatch" and a number for `frac`, the epochs have `frac` of the rows on average: random
    epochs first, all rows in the last ones, which take at most half of what the warm-up leaves, and
    a smaller share between. Where pruning leaves more rows than that share, rows of both kinds are
    thinned out at random, and the weights remain ``1 / (1 - r)`` and 1.

    An epoch begins with `iter`; one that is left early is not continued. The rows are drawn in the
    main process, whatever the number of workers. Each process of a distributed training draws the
    same rows if it has the same seed and statistics: split them, for example by the sampler of
    Lightning or accelerate that wraps this one.

    References
    ----------
    .. [1] P. Okanovic et al., "Repeated Random Sampling for Minimizing the Time-to-Accuracy of
       Learning", ICLR 2024, section 3.
    .. [2] Z. Qin et al., "InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning",
       ICLR 2024, section 3.

    Examples
    --------
    >>> import torch
    >>> from sklearn_carto.integrations.torch import DynamicsRecorder, DynamicSubsetSampler
    >>> X, y, rows = torch.randn(60, 4), torch.arange(60) % 3, torch.arange(60)
    >>> recorder = DynamicsRecorder(60)
    >>> sampler = DynamicSubsetSampler(recorder, 1 / 3, "loss", random_state=0)
    >>> loader = torch.utils.data.DataLoader(
    ...     torch.utils.data.TensorDataset(X, y, rows), batch_size=10, sampler=sampler
    ... )
    >>> model = torch.nn.Linear(4, 3)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> for epoch in range(9):
    ...     for inputs, labels, indices in loader:
    ...         scores = model(inputs)
    ...         losses = torch.nn.functional.cross_entropy(scores, labels, reduction="none")
    ...         weights = torch.as_tensor(sampler.weights[indices], dtype=losses.dtype)
    ...         optimizer.zero_grad()
    ...         (losses * weights).mean().backward()
    ...         optimizer.step()
    ...         recorder.update(indices, scores, labels)
    ...     recorder.end_epoch()
    >>> len(sampler), int(recorder.dynamics.n_seen.sum())
    (20, 180)
    """

    @validate_params(n_epochs=[Count(1), None])
    def __init__(
        self,
        recorder: DynamicsRecorder | int,
        frac: float | None,
        rule: str = "random",
        *,
        replacement: bool = False,
        prune: float = 0.5,
        delta: float = 0.875,
        n_epochs: int | None = None,
        warm_up: int | None = None,
        random_state: RandomStateType = None,
    ) -> None:
        settings = DynamicRule(frac, rule, replacement, prune, delta, warm_up)
        settings.check(OWNER)
        self._recorder: Any = recorder if isinstance(recorder, DynamicsRecorder) else None
        if self._recorder is None:
            if settings.uses_statistics or not Count(1).is_satisfied_by(recorder):
                or_number = "" if settings.uses_statistics else " or a number of rows"
                raise InvalidParameterError(
                    f"The 'recorder' parameter of {OWNER} must be a DynamicsRecorder{or_number} "
                    f"with rule={rule!r}. Got {describe(recorder)} instead."
                )
            n_samples, held_out = int(recorder), None  # type: ignore[arg-type]
        else:
            n_samples = self._recorder.n_samples
            held_out = self._recorder._settings["held_out_mask"]
        if rule == "infobatch" and n_epochs is None:
            raise InvalidParameterError(
                f"The 'n_epochs' parameter of {OWNER} must be the planned number of epochs with "
                "rule='infobatch', which draws all rows in the last of them. Got None instead."
            )
        self._pool = np.arange(n_samples) if held_out is None else np.flatnonzero(~held_out)
        if not len(self._pool):
            raise InvalidParameterError(
                f"The 'recorder' parameter of {OWNER} must have rows to train on. Got one whose "
                "held_out_mask is True everywhere."
            )
        check_params(OWNER, {"random_state": ["random_state"]}, {"random_state": random_state})
        self._draws = SubsetDraws(settings, len(self._pool), n_epochs, draw_seed(random_state))
        self._drawn: Any = None  # the next epoch, and the key of what it was drawn from
        self._running: Any = None  # number of recorded epochs as an epoch began, and of its rows
        self.epoch = 0
        self.weights = np.zeros(n_samples)

    def __len__(self) -> int:
        """Count the rows of the epoch that runs, until the recorder ends it, or of the next one."""
        if self._running is not None and self._running[0] == self._n_recorded:
            return self._running[1]
        size = self._draws.size(self.epoch)
        return len(self._draw().rows) if size is None else size

    def __iter__(self):
        """Draw the next epoch, and iterate over the positions of its rows."""
        draw = self._draw()
        if self._recorder is not None:
            self._running = self._n_recorded, len(draw.rows)
        self.epoch += 1
        self.weights = np.zeros(len(self.weights))
        self.weights[self._pool] = draw.weights
        return iter(self._pool[draw.rows].tolist())

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the next epoch.

        Parameters
        ----------
        epoch : int
            The number, counted from 0.
        """
        check_params(f"{OWNER}.set_epoch", {"epoch": [Count(0)]}, {"epoch": epoch})
        self.epoch, self._running = int(epoch), None

    @property
    def _n_recorded(self):
        return 0 if self._recorder is None else self._recorder.epoch

    def _draw(self):
        """Draw the next epoch, once unless further epochs are recorded."""
        recorder, n_recorded = self._recorder, self._n_recorded
        if self._drawn is None or self._drawn[0] != (self.epoch, n_recorded):
            if self._draws.rule.uses_statistics:
                if n_recorded:
                    self._draws.seen.read(recorder.dynamics, self._pool)
                elif self.epoch >= max(self._draws.n_warm_up, 1):
                    raise ValueError(
                        f"{OWNER} has no statistics for epoch {self.epoch}: pass the batches to "
                        "recorder.update, and call recorder.end_epoch after each epoch."
                    )
            self._drawn = (self.epoch, n_recorded), self._draws.draw(self.epoch)
        return self._drawn[1]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the sampler, to be saved in a checkpoint of the training.

        Returns
        -------
        state : dict
            Numbers, strings and arrays, as of :meth:`DynamicsRecorder.state_dict`. The state of the
            recorder is not part of it.
        """
        return pack(
            {**self._identity(), "seed": self._draws.seed, "epoch": self.epoch}
            | {name: value.copy() for name, value in self._draws.seen.state().items()}
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue with the epoch after those that a saved sampler has drawn.

        The seed becomes that of the state. The state of the recorder is loaded into it separately.

        Parameters
        ----------
        state : dict
            What :meth:`state_dict` of a sampler made with the same arguments has returned.

        Raises
        ------
        ValueError
            If the state is that of a sampler of other rows or settings, or if it cannot be read;
            nothing is changed then.
        """
        packed = PackedState(state, f"{OWNER}.load_state_dict", VERSION)
        own = self._identity()
        differing = [name for name in own if packed.number(name, type(own[name])) != own[name]]
        if differing:
            raise InvalidParameterError(
                f"The 'state' parameter of {packed.owner} must be that of a sampler of the same "
                f"rows and settings. Got one that differs in {', '.join(differing)}."
            )
        seed, epoch = packed.number("seed", int), packed.number("epoch", int)
        rule, n_rows, n_epochs = self._draws.rule, self._draws.n_rows, self._draws.n_epochs
        draws = SubsetDraws(rule, n_rows, n_epochs, seed)
        draws.seen.load(packed)
        self._draws, self.epoch, self._drawn, self._running = draws, epoch, None, None

    def _identity(self):
        return {
            "version": VERSION,
            "n_rows": len(self._pool),
            "n_samples": len(self.weights),
            "n_epochs": self._draws.n_epochs or 0,
            "rule": self._draws.rule.identity,
        }
