"""Rules that draw a fresh share of the rows in each epoch."""

from __future__ import annotations

from math import ceil
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError, StrOptions
from sklearn_carto._utils._quotas import check_frac, n_rows_of
from sklearn_carto._utils._random_state import rule_generator
from sklearn_carto._utils._state import digest
from sklearn_carto._utils._validation import Count, Number, check_params, is_flag
from sklearn_carto.integrations._dynamic_statistics import WEIGHTS, Seen

RULES = ("random", "infobatch", *WEIGHTS)
# A convention, as of the region "weighted": the root prefers high values less sharply than a
# top-k rule, and 1e-3 leaves a chance to rows that the model has learned for good.
_POWER, _FLOOR = 0.5, 1e-3

CONSTRAINTS = {
    "rule": [StrOptions(set(RULES))],
    "replacement": ["boolean"],
    "prune": [Number(0, 1, closed="left")],
    "delta": [Number(0, 1)],
    "warm_up": [Count(0), None],
}


class DynamicRule(NamedTuple):
    """The settings of a rule; see :class:`DynamicSubsetSampler`."""

    frac: float | None
    rule: str = "random"
    replacement: bool = False
    prune: float = 0.5
    delta: float = 0.875
    warm_up: int | None = None

    def check(self, owner):
        """Raise an InvalidParameterError that names the parameter of `owner` which is invalid."""
        check_params(owner, CONSTRAINTS, self._asdict())
        if self.frac is not None:
            if not isinstance(self.frac, Real) or is_flag(self.frac) or not 0 < self.frac <= 1:
                check_frac(self.frac, f"The 'frac' parameter of {owner}")
        elif self.rule != "infobatch":
            raise InvalidParameterError(
                f"The 'frac' parameter of {owner} may be None with rule='infobatch' only. Got "
                f"rule={self.rule!r}. Pass a share of the rows in (0, 1]."
            )
        if self.replacement and self.rule != "random":
            raise InvalidParameterError(
                f"The 'replacement' parameter of {owner} must be False unless rule='random': each "
                f"epoch of rule={self.rule!r} is drawn from all rows."
            )

    @property
    def uses_statistics(self):
        """Whether the rule reads what a recorder has recorded."""
        return self.rule != "random"

    @property
    def identity(self):
        """What the states of samplers of one run have in common, as a string."""
        values = (float(v) if isinstance(v, Real) and not is_flag(v) else v for v in self)
        return digest([str(value) for value in values])


class DynamicRegion:
    """Mark what trains on a fresh share of the rows in each epoch, without an import of skorch."""

    @property
    def __name__(self):
        """Name of the region in comparisons."""
        raise NotImplementedError

    def _check(self):
        """Raise an InvalidParameterError if a parameter is invalid."""
        raise NotImplementedError


class Draw(NamedTuple):
    """The rows of an epoch, and the weight of the loss of each row of the data set."""

    rows: np.ndarray  # of int, in the order of the epoch, each once
    weights: np.ndarray  # of shape (n_rows,); 0 for those that are not drawn


class SubsetDraws:
    """Draw the rows of each epoch; the same epoch, seed and statistics give the same rows.

    Parameters
    ----------
    rule : DynamicRule
        The settings.
    n_rows : int
        Number of rows to draw from.
    n_epochs : int or None
        Number of planned epochs, which infobatch needs.
    seed : int
        The seed.
    """

    def __init__(self, rule, n_rows, n_epochs, seed):
        self.rule, self.n_rows, self.n_epochs, self.seed = rule, n_rows, n_epochs, seed
        self.seen = Seen(n_rows)
        self.budget: Any = None if rule.frac is None else n_rows_of(rule.frac, n_rows)
        self.n_warm_up = self._count_warm_up()
        self._pass: tuple[int, np.ndarray] = None  # type: ignore[assignment]  # its number and order

    def draw(self, epoch):
        """Draw the rows of an epoch, counted from 0."""
        if self._is_random(epoch):
            return self._equally_weighted(self._random_rows(epoch))
        rng = rule_generator(self.seed, f"{self.rule.rule} of epoch {epoch}")
        if self.rule.rule == "infobatch":
            return self._infobatch(epoch, rng)
        return self._equally_weighted(self._weighted_rows(rng))

    def size(self, epoch):
        """Return the number of rows of an epoch; None if it depends on the losses."""
        if self.rule.rule != "infobatch":
            return self.budget
        if self.budget is None:
            return self.n_rows if self._is_annealed(epoch) else None
        return self._sizes(epoch)

    def _count_warm_up(self):
        if self.budget is None or not self.rule.uses_statistics:
            return 0
        if self.rule.warm_up is not None:
            return self.rule.warm_up
        n_passes = 2 if self.rule.rule == "variability" else 1  # one value has no spread
        return ceil(n_passes * self.n_rows / self.budget)

    def _is_random(self, epoch):
        return not self.rule.uses_statistics or epoch < self.n_warm_up

    def _equally_weighted(self, rows):
        weights = np.zeros(self.n_rows)
        weights[rows] = 1.0
        return Draw(rows, weights)

    def _random_rows(self, epoch):
        """Draw at random: from what is left of the current pass over all rows, or from all."""
        size = self.budget
        if self.rule.replacement:
            rng = rule_generator(self.seed, f"random of epoch {epoch}")
            return rng.permutation(self.n_rows)[:size]
        first = epoch * size  # position in the sequence of all passes
        number = first // self.n_rows
        rows = self._permutation(number)[first - number * self.n_rows :][:size]
        if len(rows) < size:
            rows = np.concatenate([rows, self._permutation(number + 1)[: size - len(rows)]])
        return rows

    def _permutation(self, number):
        """Return the order of the rows in a pass.

        Of the epoch that begins in one pass and ends in the next, no row is drawn twice: those that
        its first part holds come later in the next pass.
        """
        if self._pass is None or self._pass[0] > number:
            self._pass = 0, rule_generator(self.seed, "pass 0").permutation(self.n_rows)
        while self._pass[0] < number:
            before, rows = self._pass
            n_left = (before + 1) * self.n_rows % self.budget  # begin the epoch of both passes
            order = rule_generator(self.seed, f"pass {before + 1}").permutation(self.n_rows)
            if n_left:
                taken = np.isin(order, rows[-n_left:])
                n_missing = self.budget - n_left
                head = order[~taken][:n_missing]
                order = np.concatenate([head, order[~np.isin(order, head)]])
            self._pass = before + 1, order
        return self._pass[1]

    def _weighted_rows(self, rng):
        """Draw without replacement, with probabilities from a statistic of each row."""
        weights = (np.maximum(self.seen.values(self.rule.rule), 0) + _FLOOR) ** _POWER
        known = np.isfinite(weights)
        average = weights[known].mean() if known.any() else 1.0
        keys = np.log(np.where(known, weights, average)) + rng.gumbel(size=self.n_rows)
        # the keys of a high weight come first: the order within the epoch must not depend on them
        return rng.permutation(np.sort(np.argsort(-keys, kind="stable")[: self.budget]))

    def _infobatch(self, epoch, rng):
        """Draw fewer of the rows whose last loss is below the mean, with weights that balance it.

        Qin et al., "InfoBatch", ICLR 2024, section 3.
        """
        size = self.size(epoch)
        if size == self.n_rows:
            return self._equally_weighted(rng.permutation(self.n_rows))
        losses = self.seen.last_loss
        known = np.isfinite(losses)
        low = known & (losses < losses[known].mean()) if known.any() else known
        groups = np.flatnonzero(low), np.flatnonzero(~low)
        rates = self._rates(len(groups[0]), len(groups[1]), size)
        counts = [round(rate * len(group)) for rate, group in zip(rates, groups, strict=True)]
        if size is not None:
            counts[1] = min(max(counts[1], size - len(groups[0])), len(groups[1]))
            counts[0] = size - counts[1]
        chosen = [rng.permutation(g)[:n] for g, n in zip(groups, counts, strict=True)]
        weights = np.zeros(self.n_rows)
        weights[chosen[1]] = 1.0
        if counts[0]:
            weights[chosen[0]] = rates[1] / rates[0]
        return Draw(rng.permutation(np.concatenate(chosen)), weights)

    def _rates(self, n_low, n_high, size):
        """Return the shares of the rows of low and of high loss that are drawn."""
        kept = 1.0 - self.rule.prune
        if size is None:
            return kept, 1.0
        rate = size / (kept * n_low + n_high)
        if rate <= 1:
            return kept * rate, rate
        return (size - n_high) / n_low, 1.0  # `size` is more than pruning leaves

    def _is_annealed(self, epoch):
        return epoch >= round(self.rule.delta * self.n_epochs)

    def _sizes(self, epoch):
        """Return the number of rows of an epoch whose mean over all epochs is the budget.

        All rows are drawn in the last epochs; together these take at most half of what the warm-up
        leaves.
        """
        n_left = self.n_epochs - self.n_warm_up
        if epoch < self.n_warm_up or epoch >= self.n_epochs or n_left < 1:
            return self.budget
        n_annealed = self.n_epochs - round(self.rule.delta * self.n_epochs)
        n_annealed = min(n_annealed, self.budget * n_left // (2 * self.n_rows))
        n_pruned = n_left - n_annealed
        if epoch >= self.n_epochs - n_annealed:
            return self.n_rows
        total, i = self.budget * n_left - n_annealed * self.n_rows, epoch - self.n_warm_up
        return max(1, total * (i + 1) // n_pruned - total * i // n_pruned)
