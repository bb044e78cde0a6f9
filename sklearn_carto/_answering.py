"""A trained model that is asked in the labels of the user, whatever it was trained on."""

from __future__ import annotations

from contextlib import nullcontext

from sklearn_carto._utils._metaestimators import DelegatingClassifier, last_step
from sklearn_carto._utils._random_state import ONE_NET_AT_A_TIME
from sklearn_carto._watching._skorch import is_net


def answering(trained):
    """Return the model itself where it knows the labels, else one that translates.

    Parameters
    ----------
    trained : Trained
        What training returned.

    Returns
    -------
    model : estimator
        Fitted; scorers can ask it.
    """
    return Answering(trained.estimator, trained.classes) if trained.label_codes else trained[0]


class Answering(DelegatingClassifier):
    """A trained net that answers in the labels of the user.

    Parameters
    ----------
    estimator : estimator
        Trained on codes 0..K-1.
    classes : ndarray of shape (n_classes,)
        The labels that they stand for.
    """

    _label_codes = True

    def __init__(self, estimator, classes=None):
        self.estimator = self.estimator_ = estimator
        self.classes_ = classes

    def _ask(self, method, X, **params):
        # a net that answers draws from the generators of one that trains in another thread; those
        # that are scored here wait for it, which the user's own may not: they could wait for ever
        with ONE_NET_AT_A_TIME if is_net(last_step(self.estimator_)) else nullcontext():
            return super()._ask(method, X, **params)

    def fit(self, X, y):  # scikit-learn's scorers ask for a method of this name
        """Refuse to train again."""
        raise AttributeError("this model is trained already")
