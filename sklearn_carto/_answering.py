"""A trained model that is asked in the labels of the user, whatever it was trained on."""

from __future__ import annotations

from sklearn_carto._delegation import DelegatingClassifier


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

    def fit(self, X, y):  # scikit-learn's scorers ask for a method of this name
        """Refuse to train again."""
        raise AttributeError("this model is trained already")
