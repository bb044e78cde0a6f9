"""Every error and warning of our own.

::

    Exception
     └─ CartographyError
         ├─ InvalidProbabilitiesError (also ValueError)   class scores that are no probabilities
         ├─ NotWatchableError (also TypeError)            the estimator cannot be watched
         └─ SampleAlignmentError (also ValueError)        rows cannot be traced to the rows of X
    UserWarning
     └─ CartographyWarning
         ├─ DegenerateMapWarning       one epoch, no movement, or saturated
         ├─ DoubleSoftmaxWarning       a net applies a softmax to probabilities
         ├─ HeldOutRowsWarning         a map holds rows that the model did not train on
         ├─ MissingClassesWarning      a budget is smaller than the number of classes
         ├─ UndefinedIntervalWarning   too few splits for a confidence interval
         └─ UnseenSamplesWarning       a training loop never showed some rows

A wrong value of a parameter is scikit-learn's ``InvalidParameterError``, or a plain ``ValueError``.
"""

__all__ = [
    "CartographyError",
    "CartographyWarning",
    "DegenerateMapWarning",
    "DoubleSoftmaxWarning",
    "HeldOutRowsWarning",
    "InvalidProbabilitiesError",
    "MissingClassesWarning",
    "NotWatchableError",
    "SampleAlignmentError",
    "UndefinedIntervalWarning",
    "UnseenSamplesWarning",
]


class CartographyError(Exception):
    """The root of our errors."""


class NotWatchableError(CartographyError, TypeError):
    """The estimator does not learn in steps that can be seen."""


class InvalidProbabilitiesError(CartographyError, ValueError):
    """The estimator answered with something that is no probability."""


class SampleAlignmentError(CartographyError, ValueError):
    """Rows cannot be traced to the rows of ``X``."""


class CartographyWarning(UserWarning):
    """The root of our warnings."""


class MissingClassesWarning(CartographyWarning):
    """A budget of rows is smaller than the number of classes, so that classes are lost."""


class DegenerateMapWarning(CartographyWarning):
    """The map says little: one epoch, rows that do not move, or all probabilities near 0 or 1."""


class DoubleSoftmaxWarning(CartographyWarning):
    """A net whose output are probabilities already has a softmax applied to it."""


class HeldOutRowsWarning(CartographyWarning):
    """Rows that the model did not train on are selected beside rows that it trained on."""


class UnseenSamplesWarning(CartographyWarning):
    """A training loop never showed some rows, which a map then holds as NaN."""


class UndefinedIntervalWarning(CartographyWarning):
    """Fewer than two splits give no confidence interval."""
