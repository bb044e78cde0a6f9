"""What each fold of a cross-validation shows of the labels: the evidence on which are wrong."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from sklearn_carto._dynamics._training_dynamics import DEFAULT_N_EPOCHS
from sklearn_carto._selection._confident_learning import confident_issues, count_label_issues
from sklearn_carto._selection._label_quality import CLIP, combine_probabilities, rank_quality

# Ends of the windows of epochs whose mean probabilities are combined, as shares of all epochs:
# epochs 1-3, 4-10 and 11-20 of 20. Labels that are wrong are learned last.
WINDOWS = (0.15, 0.5, 1.0)


class LabelObserver:
    """Reduce the class scores of one fold's model, epoch by epoch, to the evidence on labels.

    Parameters
    ----------
    train, test : ndarray of int
        Positions of the samples that the model is trained on, and of those that it is not.
    y_encoded : ndarray of shape (n_samples,)
        Labels of all samples, encoded as 0 to n_classes - 1.
    n_classes : int
        Number of classes.
    """

    _ADDED = ("margin", "n_margins", "_ends", "_sums", "_counts")

    def __init__(self, train, test, y_encoded, n_classes):
        self.train, self.test = train, test
        self.y_encoded, self.n_classes = y_encoded, n_classes
        n_samples = len(y_encoded)
        self._place = np.full(n_samples, -1)  # of the test samples, in `windows`
        self._place[test] = np.arange(len(test))
        self._in_train = np.zeros(n_samples, dtype=bool)
        self._in_train[train] = True
        self.margin = np.zeros(n_samples)  # sum over epochs, of the training samples
        self.n_margins = np.zeros(n_samples, dtype=np.int32)
        self.begin(1)

    def begin(self, n_epochs):
        """Set the windows, once the number of epochs is known; None: it has no upper bound."""
        n_epochs = DEFAULT_N_EPOCHS if n_epochs is None else n_epochs
        self._ends = sorted({max(1, round(share * n_epochs)) for share in WINDOWS})
        shape = len(self._ends), len(self.test), self.n_classes
        self._sums = np.zeros(shape, dtype=np.float32)
        self._counts = np.zeros(shape[:2], dtype=np.int32)

    def add(self, fold, epoch, rows, scores, from_logits=False):
        """Add the class scores of some samples at one epoch.

        Parameters
        ----------
        fold : int
            Number of the fold.
        epoch : int
            The epoch, counted from 0.
        rows : ndarray of int of shape (n_rows,)
            Positions of the samples.
        scores : ndarray of shape (n_rows, n_classes)
            Probabilities, or logits, in the order of the classes.
        from_logits : bool, default=False
            Whether they are logits.
        """
        probabilities = softmax(scores, axis=1) if from_logits else scores
        window = min(np.searchsorted(self._ends, epoch, side="right"), len(self._ends) - 1)
        place = self._place[rows]
        tested = place >= 0
        self._sums[window, place[tested]] += probabilities[tested]
        self._counts[window, place[tested]] += 1
        trained = self._in_train[rows]
        rows, of_train = rows[trained], probabilities[trained]
        self.margin[rows] += log_margin(of_train, self.y_encoded[rows])
        self.n_margins[rows] += 1

    def state(self):
        """Return what was added so far; `restore` of another observer of the fold continues it."""
        return {name: getattr(self, name) for name in self._ADDED}

    def restore(self, state):
        """Take what an observer of the same fold has added."""
        vars(self).update({name: state[name] for name in self._ADDED})

    def windows(self):
        """Return the mean probabilities of the test samples in each window.

        A window without an epoch, because training stopped early, repeats the one before it.
        """
        means = self._sums / np.maximum(self._counts, 1)[..., None]
        for window in range(1, len(means)):
            empty = self._counts[window] == 0
            means[window, empty] = means[window - 1, empty]
        return list(means)

    def evidence(self, votes=()):
        """Return the evidence of this fold; `votes` are those of neighbors for the test samples."""
        rows = np.flatnonzero(self.n_margins)
        return FoldEvidence(
            self.test,
            self.windows(),
            list(votes),
            rows,
            self.margin[rows] / self.n_margins[rows],
        )


class FoldEvidence(NamedTuple):
    """Evidence on the labels from one fold."""

    test: np.ndarray  # positions of the test samples
    windows: list  # of their mean probabilities, each of shape (n_test, n_classes)
    votes: list  # of their neighbors, each of shape (n_test, n_classes)
    train: np.ndarray  # positions of the training samples with a margin
    margin: np.ndarray  # mean over epochs of their log margin


class Rating(NamedTuple):
    """Ratings of the labels of those samples that were in a test set."""

    rows: np.ndarray  # their positions
    quality: np.ndarray  # label quality, in (0, 1)
    probabilities: np.ndarray  # of each class, shape (n_rows, n_classes)
    issue_counts: np.ndarray  # number of issues of each class, counted by confident learning

    @property
    def n_issues(self):
        """Number of issues: at most half of the samples."""
        return min(int(self.issue_counts.sum()), len(self.rows) // 2)

    def given_proba(self, y_encoded):
        """Return the probability of each given label, shape (n_samples,); NaN if not rated."""
        proba = np.full(len(y_encoded), np.nan)
        proba[self.rows] = self.probabilities[np.arange(len(self.rows)), y_encoded[self.rows]]
        return proba


def log_margin(probabilities, y_encoded):
    """Return the bounded margin of each label: its log probability less the largest other one.

    Probabilities are clipped at ``CLIP``, so that the margin lies within 6.9.

    Examples
    --------
    >>> log_margin(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 1])).round(1)
    array([ 0. , -6.9])
    """
    rows = np.arange(len(y_encoded))
    log = np.log(np.maximum(probabilities, CLIP))
    own = log[rows, y_encoded]
    log[rows, y_encoded] = -np.inf
    return own - log.max(axis=1)


def rate_labels(folds, y_encoded, n_classes, seed, *, present=None, further=()):
    """Rate the labels by the evidence of all folds.

    The label quality is the mean of two percentile ranks: that of the out-of-fold probability of
    the label, combined from windows of epochs and from neighbors, and that of its mean margin in
    the folds that train on the sample. The first one finds wrong labels also where the model
    memorizes them, the second one where it does not.

    Parameters
    ----------
    folds : list of FoldEvidence
        Evidence of each fold; the test sets are disjoint.
    y_encoded : ndarray of shape (n_samples,)
        Labels of all samples, encoded as 0 to n_classes - 1.
    n_classes : int
        Number of classes.
    seed : int
        Seed of the fit to large data.
    present : ndarray of shape (n_samples,) of bool, default=None
        Samples to rate; None: all.
    further : sequence of ndarray of shape (n_samples,)
        Further numbers that are low where a label is suspect.

    Returns
    -------
    rating : Rating
        The ratings.
    """
    rows = np.concatenate([fold.test for fold in folds])
    order = np.argsort(rows, kind="stable")
    if present is not None:
        order = order[present[rows[order]]]
    rows = rows[order]

    def joined(parts):  # of the folds, for each window or kind of vote
        n_common = min(map(len, parts))
        stacks = [np.concatenate([part[i] for part in parts])[order] for i in range(n_common)]
        return stacks

    windows = joined([_repeated(fold.windows, folds) for fold in folds])
    votes = joined([fold.votes for fold in folds])
    y_rated = y_encoded[rows]
    probabilities = combine_probabilities(windows, votes, y_rated, seed)
    own = probabilities[np.arange(len(rows)), y_rated]
    evidence = [own, _mean_margin(folds, len(y_encoded))[rows]]
    evidence += [values[rows] for values in further]
    quality = rank_quality(*(values for values in evidence if not np.isnan(values).all()))
    return Rating(rows, quality, probabilities, count_label_issues(probabilities, y_rated))


def _repeated(windows, folds):
    """Repeat the last window, where the models of other folds were trained for more epochs."""
    n_windows = max(len(fold.windows) for fold in folds)
    return windows + windows[-1:] * (n_windows - len(windows))


def _mean_margin(folds, n_samples):
    """Mean margin of each sample over the folds that train on it; NaN if there are none."""
    total, count = np.zeros(n_samples), np.zeros(n_samples)
    for fold in folds:
        total[fold.train] += fold.margin
        count[fold.train] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def trusted_mask(rating, y_encoded):
    """Mask of the samples that a second pass trains on; those that are not rated are among them.

    Left out are samples that confident learning calls issues and whose most probable class is
    another one, lowest quality first: at most half of each class, and at least 10 samples of a
    class remain.
    """
    labels = y_encoded[rating.rows]
    suspect = confident_issues(rating.probabilities, labels)
    suspect &= rating.probabilities.argmax(axis=1) != labels
    trusted = np.ones(len(y_encoded), dtype=bool)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        most = max(0, min(len(of_class) // 2, len(of_class) - 10))
        candidates = of_class[suspect[of_class]]
        worst = candidates[np.argsort(rating.quality[candidates], kind="stable")[:most]]
        trusted[rating.rows[worst]] = False
    return trusted


def evidence_of(records, votes):
    """Return the evidence of each fold, from its observer and the votes of neighbors."""
    return [
        observer.evidence(of_fold)
        for observer, of_fold in zip(records.observers, votes, strict=True)
    ]


def make_observer(y_encoded, n_classes, fold, train, test):
    """Make the observer of a fold."""
    return LabelObserver(train, test, y_encoded, n_classes)
