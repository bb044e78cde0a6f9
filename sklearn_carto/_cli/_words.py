"""Words of texts as numbers."""

from __future__ import annotations

from sklearn.base import BaseEstimator, TransformerMixin, clone

from sklearn_carto._cli._errors import CommandError


class Words(TransformerMixin, BaseEstimator):
    """Vectorize texts, with an error that names their column if no word is frequent enough.

    Parameters
    ----------
    vectorizer : TfidfVectorizer
        Vectorizes texts.
    column : str
        The column of the texts and its file, for the error.
    """

    def __init__(self, vectorizer, column):
        self.vectorizer = vectorizer
        self.column = column

    def fit(self, X, y=None):
        """Find the words of texts."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X, y=None):
        """Find the words of texts, and return them as numbers."""
        self.vectorizer_ = clone(self.vectorizer)
        try:
            return self.vectorizer_.fit_transform(X)
        except ValueError as error:  # of texts, it raises no other one
            least = self.vectorizer.min_df
            where = f"{least} of the {len(X)} texts" if least > 1 else f"the {len(X)} texts"
            raise CommandError(
                f"no word of {self.column} occurs in {where} that a model is trained on, so that "
                "it cannot learn. Pass another --text, or leave it out to learn from columns."
            ) from error

    def transform(self, X):
        """Return the words of texts as numbers."""
        return self.vectorizer_.transform(X)
