"""Every error and warning of our own.

::

    Exception
     └─ CartographyError
         ├─ NotWatchableError (also TypeError)    the estimator cannot be watched
         ├─ ProbabilityError (also ValueError)    what the estimator answered is no probability
         └─ RowsChangedError (also ValueError)    rows cannot be traced to the rows of ``X``
    UserWarning
     └─ CartographyWarning
         ├─ ClassesLostWarning                    a budget is smaller than the number of classes
         ├─ DegenerateMapWarning                  one epoch, no movement, or saturated
         ├─ DoubleSoftmaxWarning                  a net applies a softmax to probabilities
         ├─ HeldOutRowsWarning                    a map holds rows that the model did not train on
         ├─ RowsUnseenWarning                     a training loop never showed some rows
         └─ UndefinedIntervalWarning              too few splits for a confidence interval

A wrong value of a parameter is scikit-learn's ``InvalidParameterError``, or a plain ``ValueError``.
"""

__all__ = [
    "CartographyError",
    "CartographyWarning",
    "ClassesLostWarning",
    "DegenerateMapWarning",
    "DoubleSoftmaxWarning",
    "HeldOutRowsWarning",
    "NotWatchableError",
    "ProbabilityError",
    "RowsChangedError",
    "RowsUnseenWarning",
    "UndefinedIntervalWarning",
]


class CartographyError(Exception):
    """The root of our errors."""


class NotWatchableError(CartographyError, TypeError):
    """The estimator does not learn in steps that can be seen."""


class ProbabilityError(CartographyError, ValueError):
    """The estimator answered with something that is no probability."""


class RowsChangedError(CartographyError, ValueError):
    """Rows cannot be traced to the rows of ``X``."""


class CartographyWarning(UserWarning):
    """The root of our warnings."""


class ClassesLostWarning(CartographyWarning):
    """A budget of rows is smaller than the number of classes, so that classes are lost."""


class DegenerateMapWarning(CartographyWarning):
    """The map says little: one epoch, rows that do not move, or all probabilities near 0 or 1."""


class DoubleSoftmaxWarning(CartographyWarning):
    """A net whose output are probabilities already has a softmax applied to it."""


class HeldOutRowsWarning(CartographyWarning):
    """Rows that the model did not train on are selected beside rows that it trained on."""


class RowsUnseenWarning(CartographyWarning):
    """A training loop never showed some rows, which a map then holds as NaN."""


class UndefinedIntervalWarning(CartographyWarning):
    """Fewer than two splits give no confidence interval."""
