"""One training run that is being recorded: blocks of rows in, whole epochs kept."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax
from sklearn.utils import gen_batches

from sklearn_carto._compat import get_chunk_n_rows
from sklearn_carto._dynamics import TrainingDynamics
from sklearn_carto._observation import Observation, observe
from sklearn_carto.exceptions import ProbabilityError

MAX_BLOCK = 1 << 16  # rows; bounds what an estimator itself allocates beside its answer


class Recording:
    """Check, reduce and keep what an estimator says of its training rows.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The labels, as the user gave them.
    classes : ndarray of shape (n_classes,)
        The labels that occur, sorted.
    codes : ndarray of shape (n_samples,)
        Position of each label among the classes.
    keep_history : bool
        Whether every epoch is kept beside the running statistics.
    sample_ids : ndarray of shape (n_samples,), default=None
        Names of the rows.
    """

    def __init__(self, labels, classes, codes, keep_history, sample_ids=None):
        self.labels, self.classes, self.codes = labels, classes, codes
        self.keep_history, self.sample_ids = keep_history, sample_ids
        self.whole, self.fold = self, None
        self.dynamics: TrainingDynamics = None  # type: ignore[assignment]

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.codes)

    def of_rows(self, rows):
        """Make the recording of a fold, which writes its rows into the recording of all."""
        part = Recording(self.labels, self.classes, self.codes[rows], self.keep_history)
        part.whole, part.fold = self, rows
        return part

    def begin(self, n_epochs, held_out_mask=None):
        """Start to record, once the number of epochs is known."""
        if self.whole is not self:
            if self.whole.dynamics is None:
                self.whole.begin(n_epochs)
                self.whole.dynamics.record_mode = "out_of_fold"
            self.dynamics = self.whole.dynamics
            return
        self.dynamics = TrainingDynamics(
            self.labels,
            classes=self.classes,
            n_epochs=n_epochs,
            keep_history=self.keep_history,
            held_out_mask=held_out_mask,
            sample_ids=self.sample_ids,
        )

    def epoch(self, epoch, blocks, estimator, *, from_logits):
        """Record a whole epoch at once, so that an interrupted one leaves no trace.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        blocks : iterable of (rows, scores)
            Slices of rows in order, and their class scores.
        estimator : estimator
            Who answered; errors name it.
        from_logits : bool
            Whether scores are logits.
        """
        seen = [
            self._observe(epoch, rows, scores, estimator, from_logits) for rows, scores in blocks
        ]
        whole = Observation(*(np.concatenate(part) for part in zip(*seen, strict=True)))
        self.dynamics.add(epoch, seen[0] if len(seen) == 1 else whole, self._place())
        self.dynamics.margin_from = "logits" if from_logits else "probabilities"

    def block(self, epoch, rows, scores, estimator, *, from_logits):
        """Record one block of rows; used where stages run inside blocks."""
        seen = self._observe(epoch, rows, scores, estimator, from_logits)
        self.dynamics.add(epoch, seen, self._place(rows))
        self.dynamics.margin_from = "logits" if from_logits else "probabilities"

    def _place(self, rows=slice(None)):
        return rows if self.fold is None else self.fold[rows]

    def complete(self):
        """Whether there is at least one epoch, and every row was seen as often as every other."""
        if self.dynamics is None or self.dynamics.n_epochs == 0:
            return False
        n_seen = self.dynamics.n_seen
        return n_seen.min() == n_seen.max()

    def _observe(self, epoch, rows, scores, estimator, from_logits):
        scores = np.asarray(scores)
        if from_logits and scores.shape[1:] == (1,):
            scores = scores[:, 0]
        check = _check_logits if from_logits else _check_probabilities
        check(scores, len(self.classes), epoch, estimator)
        return observe(scores, self.codes[rows], from_logits=from_logits)


def _check_logits(scores, n_classes, epoch, estimator):
    if not np.isfinite(scores).all():
        raise ProbabilityError(
            f"{type(estimator).__name__} gave NaN or infinite scores at epoch {epoch}: training "
            "has diverged. Lower the learning rate, scale the features, or train fewer epochs; "
            "the epochs before this one are kept in dynamics_."
        )
    _check_width(scores, 2 if scores.ndim == 1 else scores.shape[1], n_classes, estimator)


def _check_probabilities(scores, n_classes, epoch, estimator):
    _check_width(scores, scores.shape[1] if scores.ndim == 2 else 0, n_classes, estimator)
    total = scores.sum(axis=1)
    if not np.isfinite(total).all():
        raise ProbabilityError(
            f"{type(estimator).__name__} gave NaN or infinite probabilities at epoch {epoch}: "
            "training has diverged. Lower the learning rate, scale the features, or train fewer "
            "epochs; the epochs before this one are kept in dynamics_."
        )
    if scores.min() < -1e-6 or np.abs(total - 1).max() > 1e-3:
        worst = total[np.abs(total - 1).argmax()]
        raise ProbabilityError(
            f"The probabilities that {type(estimator).__name__} gave at epoch {epoch} are none: "
            f"the lowest is {scores.min():.3g}, and a row sums to {worst:.3g}, not to 1. "
            f"{_remedy(estimator)}"
        )


def _remedy(estimator):
    criterion = getattr(estimator, "criterion_", None)
    if criterion is None:
        return "Its predict_proba must return one probability for each class."
    return (
        f"The module returns what {type(criterion).__name__} does not make into probabilities "
        f"(predict_nonlinearity={estimator.predict_nonlinearity!r}): for raw logits use "
        "criterion=torch.nn.CrossEntropyLoss, or set predict_nonlinearity to the function that "
        "turns the output into probabilities."
    )


def _check_width(scores, width, n_classes, estimator):
    if width != n_classes:
        raise ProbabilityError(
            f"{type(estimator).__name__} answered with an array of shape {scores.shape} for "
            f"{n_classes} classes: one column a class is needed."
        )


def row_blocks(n_samples, n_classes):
    """Slices of rows such that class scores fit into scikit-learn's working memory."""
    n_rows = get_chunk_n_rows(row_bytes=8 * n_classes, max_n_rows=min(n_samples, MAX_BLOCK))
    return list(gen_batches(n_samples, n_rows))


def answer_in(estimator, X):
    """Find how an estimator says best what it thinks of a row.

    Logits are preferred, for they keep the margin of rows whose probability is 0 or 1 in floating
    point, but only where their softmax (or sigmoid) *is* the probability, which is tried out.

    Parameters
    ----------
    estimator : fitted estimator
        With `predict_proba`, `decision_function`, or both.
    X : container
        A few rows.

    Returns
    -------
    method : {"predict_proba", "decision_function"}
        What to call.
    """
    if not hasattr(estimator, "decision_function"):
        return "predict_proba"
    if not hasattr(estimator, "predict_proba"):
        return "decision_function"
    logits = np.asarray(estimator.decision_function(X), dtype=np.float64)
    probabilities = estimator.predict_proba(X)
    if logits.ndim == 1:
        logits = np.column_stack([np.zeros_like(logits), logits])
        implied = expit(logits - logits[:, ::-1])
    else:
        implied = softmax(logits, axis=1)
    same = implied.shape == probabilities.shape and np.allclose(implied, probabilities, atol=1e-6)
    return "decision_function" if same else "predict_proba"


def in_class_order(scores, answered, wanted):
    """Scores with their columns in the order of the wanted classes."""
    if scores.ndim == 1 or np.array_equal(answered, wanted):
        return scores
    place = {name: i for i, name in enumerate(np.asarray(answered).tolist())}
    return scores[:, [place[name] for name in wanted.tolist()]]
