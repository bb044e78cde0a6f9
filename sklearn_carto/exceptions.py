"""Errors and warnings of sklearn_carto.

::

    Exception
     └─ CartographyError
         ├─ CheckpointError (also ValueError)             a checkpoint cannot be used or made
         ├─ InvalidProbabilitiesError (also ValueError)   class scores are not probabilities
         ├─ LogConflictError (also ValueError)            a folder holds the log of another run
         ├─ NotWatchableError (also TypeError)            the estimator cannot be watched
         ├─ SampleAlignmentError (also ValueError)        samples cannot be matched to X
         └─ TerminatedWorkerError (also BrokenProcessPool)   a parallel worker process ended
    UserWarning
     └─ CartographyWarning
         ├─ DamagedCheckpointWarning   files of a checkpoint that cannot be read
         ├─ DegenerateMapWarning       one epoch, constant or saturated probabilities
         ├─ DoubleSoftmaxWarning       a softmax is applied to probabilities
         ├─ FailedFitsWarning (also scikit-learn's FitFailedWarning)   fits without scores
         ├─ HeldOutRowsWarning         held-out rows are selected together with training rows
         ├─ IdenticalMapsWarning       maps of several seeds that are all the same
         ├─ LogRowsWarning             rows of a log are missing, doubled or foreign
         ├─ MissingClassesWarning      fewer rows are selected than there are classes
         ├─ MissingEpochsWarning       a resumed training whose first epochs were not recorded
         ├─ NotCachedWarning           a data map that cannot be cached safely
         ├─ NotLoggedWarning           epochs that could not be written to a log
         ├─ NotShownWarning            rows whose images or texts exceed a limit of size
         ├─ ResumeWarning              finished parts that cannot be stored or read
         ├─ UndefinedIntervalWarning   too few splits for a confidence interval
         ├─ UnratedLabelsWarning       labels of which no other sample of the class is known
         └─ UnseenSamplesWarning       samples that no epoch of the training contained

An invalid parameter raises scikit-learn's ``InvalidParameterError`` or a plain ``ValueError``.
"""

from concurrent.futures.process import BrokenProcessPool

from sklearn.exceptions import FitFailedWarning

__all__ = [
    "CartographyError",
    "CartographyWarning",
    "CheckpointError",
    "DamagedCheckpointWarning",
    "DegenerateMapWarning",
    "DoubleSoftmaxWarning",
    "FailedFitsWarning",
    "HeldOutRowsWarning",
    "IdenticalMapsWarning",
    "InvalidProbabilitiesError",
    "LogConflictError",
    "LogRowsWarning",
    "MissingClassesWarning",
    "MissingEpochsWarning",
    "NotCachedWarning",
    "NotLoggedWarning",
    "NotShownWarning",
    "NotWatchableError",
    "ResumeWarning",
    "SampleAlignmentError",
    "TerminatedWorkerError",
    "UndefinedIntervalWarning",
    "UnratedLabelsWarning",
    "UnseenSamplesWarning",
]


class CartographyError(Exception):
    """Base class of the errors of this library."""


class CheckpointError(CartographyError, ValueError):
    """Raised if a checkpoint is one of another training, is in use, or cannot hold the model."""


class InvalidProbabilitiesError(CartographyError, ValueError):
    """Raised if the class scores of an estimator are not probabilities.

    They must lie between 0 and 1, sum to 1 for each sample, and have one column for each class.
    """


class LogConflictError(CartographyError, ValueError):
    """Raised if a folder holds the log of another run, or those of several."""


class NotWatchableError(CartographyError, TypeError):
    """Raised if an estimator cannot be watched.

    It is not a classifier, does not train in epochs or stages, or provides no class scores.
    """


class SampleAlignmentError(CartographyError, ValueError):
    """Raised if the samples of a batch or of a data set cannot be matched to the rows of ``X``."""


class TerminatedWorkerError(CartographyError, BrokenProcessPool):
    """Raised if a worker process of a parallel call ended before its task was finished.

    Attributes
    ----------
    partial_results : object
        What was finished, see the function that was called; None if that is nothing. Any other
        error, and an interrupt (Ctrl-C), that ends such a function has this attribute, too.
    """

    partial_results = None


class CartographyWarning(UserWarning):
    """Base class of the warnings of this library."""


class DamagedCheckpointWarning(CartographyWarning):
    """Issued if files of a checkpoint are damaged; the training continues from older ones."""


class DegenerateMapWarning(CartographyWarning):
    """Issued if a data map is uninformative.

    One epoch was recorded, probabilities hardly change between epochs, or most are near 0 or 1.
    """


class DoubleSoftmaxWarning(CartographyWarning):
    """Issued if a softmax is applied to the outputs of a net that are already probabilities."""


class FailedFitsWarning(CartographyWarning, FitFailedWarning):
    """Issued if fits or scores of a comparison failed and `error_score` is a number."""


class HeldOutRowsWarning(CartographyWarning):
    """Issued if rows are selected from a map with rows that the model was not trained on."""


class IdenticalMapsWarning(CartographyWarning):
    """Issued if the maps of several seeds are the same: their agreement is no evidence."""


class LogRowsWarning(CartographyWarning):
    """Issued if rows of a log are missing at some epochs, doubled, or none of the data set."""


class MissingClassesWarning(CartographyWarning):
    """Issued if fewer rows are selected than there are classes, so that classes are missing."""


class MissingEpochsWarning(CartographyWarning):
    """Issued if a training is resumed whose checkpoint holds no recorded epochs.

    The map then covers the later epochs only.
    """


class NotCachedWarning(CartographyWarning):
    """Issued if a data map is not cached, since its data or code cannot be identified by value."""


class NotLoggedWarning(CartographyWarning):
    """Issued if epochs could not be written to a log; what was recorded of them is kept."""


class NotShownWarning(CartographyWarning):
    """Issued if the images or texts of some rows are left out because of a limit of size."""


class ResumeWarning(CartographyWarning):
    """Issued if finished parts cannot be stored in the folder of `resume`, or be read from it.

    Parts that cannot be read are computed again.
    """


class UndefinedIntervalWarning(CartographyWarning):
    """Issued if there are fewer than two splits, for which no confidence interval is defined."""


class UnratedLabelsWarning(CartographyWarning):
    """Issued if labels are not rated, because their fold trains on no sample of their class."""


class UnseenSamplesWarning(CartographyWarning):
    """Issued if no epoch contained some samples; the statistics of these are NaN in the map."""
