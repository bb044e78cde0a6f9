"""What meta-estimators share: the check that what they hold is a classifier."""

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import IncrementalPCA, LatentDirichletAllocation
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._metaestimators import check_classifier

NOT_CLASSIFIERS = [
    (None, "None"),
    ("SGDClassifier", "'SGDClassifier'"),
    (3, "3"),
    (SGDClassifier, r"the class SGDClassifier, not an instance of it \(SGDClassifier\(\)\)"),
    (KMeans(), "KMeans, a clusterer,"),
    (MiniBatchKMeans(), "MiniBatchKMeans, a clusterer,"),
    (IncrementalPCA(), "IncrementalPCA"),
    (LatentDirichletAllocation(), "LatentDirichletAllocation"),
    (StandardScaler(), "StandardScaler"),
    (SGDRegressor(), "SGDRegressor, a regressor,"),
    (IsolationForest(), "IsolationForest, an outlier detector,"),
    (SGDOneClassSVM(), "SGDOneClassSVM, an outlier detector,"),
    (GaussianMixture(), "GaussianMixture, a density estimator,"),
    (GridSearchCV(KMeans(), {}), "GridSearchCV"),
    (make_pipeline(StandardScaler(), MiniBatchKMeans()), "a pipeline that ends in MiniBatch"),
    (
        make_pipeline(StandardScaler(), make_pipeline(SGDRegressor())),
        "a pipeline that ends in SGDRegressor",
    ),
    (make_pipeline(StandardScaler(), "passthrough"), "a pipeline that ends in 'passthrough'"),
    (make_pipeline(StandardScaler(), None), "a pipeline that ends in None"),
    (make_pipeline(StandardScaler(), KMeans), "a pipeline that ends in the class KMeans, not"),
    (Pipeline([]), "a Pipeline without steps"),
    (Pipeline([SGDClassifier()]), r"a Pipeline of \[SGDClassifier\(\)\]"),
    (Pipeline(None), "a Pipeline of None"),
]


class MixinsSwapped(BaseEstimator, ClassifierMixin):
    def fit(self, X, y):
        return self


class Untyped(BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return X

    def predict_proba(self, X):
        return X


class Unrelated:
    fit = predict = predict_proba = Untyped.fit


@pytest.mark.parametrize(("estimator", "what"), NOT_CLASSIFIERS, ids=lambda value: str(value)[:40])
def test_what_is_not_a_classifier_is_refused_by_name(estimator, what):
    with pytest.raises(InvalidParameterError, match=f"The 'base' parameter of Owner .*Got {what}"):
        check_classifier(estimator, "base", "Owner")


@pytest.mark.parametrize(
    "estimator",
    [
        SGDClassifier(loss="hinge"),
        GridSearchCV(HistGradientBoostingClassifier(), {}),
        make_pipeline(StandardScaler(), make_pipeline(SGDClassifier())),
        MixinsSwapped(),
        Untyped(),
        Unrelated(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_classifiers_are_accepted_whatever_they_inherit_from(estimator):
    check_classifier(estimator, "base", "Owner")
