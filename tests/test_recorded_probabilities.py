"""What is recorded equals `predict_proba`, whatever the estimator, or is an error that says why."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.fixes import parse_version

from sklearn_carto import CartographyClassifier
from sklearn_carto._watching import _callbacks
from sklearn_carto._watching._find import can_watch
from sklearn_carto._watching._responses import gives_logits
from sklearn_carto.exceptions import InvalidProbabilitiesError, NotWatchableError

OLD_SKLEARN = parse_version(sklearn.__version__) < parse_version("1.7")
X, y = load_iris(return_X_y=True)
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def squared(proba):
    return proba**2 / (proba**2).sum(axis=1, keepdims=True)


class SquaredSGD(SGDClassifier):
    """Has another predict_proba than the class that it inherits from."""

    def predict_proba(self, X):
        return squared(super().predict_proba(X))


class SquaredLogistic(LogisticRegression):
    def predict_proba(self, X):
        return squared(super().predict_proba(X))


class SquaredBoosting(GradientBoostingClassifier):
    """Redefines its last stage only, so that its stages are not those of its parent."""

    def predict_proba(self, X):
        return squared(super().predict_proba(X))


class SquaredStages(HistGradientBoostingClassifier):
    """Redefines each stage, and with them the last one."""

    def predict_proba(self, X):
        return squared(super().predict_proba(X))

    def staged_predict_proba(self, X):
        return (squared(proba) for proba in super().staged_predict_proba(X))


class DoubledScores(SGDClassifier):
    def decision_function(self, X):
        return 2 * super().decision_function(X)

    def predict_proba(self, X):
        return SGDClassifier.predict_proba(self, X)


class MixedTrees(RandomForestClassifier):
    def predict_proba(self, X):
        return 0.5 * super().predict_proba(X) + 0.5 / len(self.classes_)


WATCHED = [
    SGDClassifier(loss="log_loss", random_state=0),
    SGDClassifier(loss="log_loss", class_weight="balanced", average=True, random_state=0),
    SGDClassifier(loss="modified_huber", random_state=0),
    SquaredSGD(loss="log_loss", random_state=0),
    DoubledScores(loss="log_loss", random_state=0),
    MLPClassifier((8,), random_state=0),
    GaussianNB(),
    BernoulliNB(),
    LogisticRegression(max_iter=6),
    SquaredLogistic(max_iter=6),
    GradientBoostingClassifier(n_estimators=4),
    SquaredBoosting(n_estimators=4),
    HistGradientBoostingClassifier(max_iter=4, early_stopping=False),
    SquaredStages(max_iter=4, early_stopping=False),
    AdaBoostClassifier(n_estimators=4, random_state=0),
    RandomForestClassifier(4, random_state=0),
    ExtraTreesClassifier(4, bootstrap=True, random_state=0),
    MixedTrees(4, random_state=0),
    BaggingClassifier(LinearSVC(), 3, random_state=0),
    BaggingClassifier(LinearDiscriminantAnalysis(), 3, max_features=2, random_state=0),
    BaggingClassifier(SGDClassifier(loss="modified_huber"), 3, max_samples=0.3, random_state=0),
    make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)),
    make_pipeline(
        StandardScaler(), make_pipeline("passthrough", AdaBoostClassifier(n_estimators=3))
    ),
]


def lengthened(estimator):
    """An estimator of a handful of epochs."""
    if isinstance(estimator, LogisticRegression) and not _callbacks.HAS_CALLBACKS:
        pytest.skip("needs the callbacks of scikit-learn >= 1.9")
    n_epochs = 3 if hasattr(estimator, "partial_fit") else None
    return CartographyClassifier(estimator, n_epochs=n_epochs)


def assert_records_what_it_predicts(model, X, labels):
    proba = model.predict_proba(X)
    columns = [model.classes_.tolist().index(label) for label in labels.tolist()]
    own = proba[np.arange(len(labels)), columns]
    assert_allclose(model.dynamics_.true_proba[:, -1], own, atol=2e-6)
    two_best = np.sort(proba, axis=1)[:, -2:]
    decided = two_best[:, 1] > two_best[:, 0] + 1e-6
    assert_array_equal(
        model.dynamics_.correct[decided, -1], (proba.argmax(axis=1) == columns)[decided]
    )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("scale", ["as they are", "scaled", "saturated"])
@pytest.mark.parametrize("estimator", WATCHED, ids=lambda e: type(e).__name__)
def test_the_last_epoch_is_what_the_estimator_predicts(estimator, n_classes, scale):
    if OLD_SKLEARN and isinstance(estimator, SGDClassifier) and scale == "saturated":
        pytest.skip("predict_proba of this scikit-learn divides zero by zero there")
    rows = y < n_classes
    labels, samples = np.array(["c", "a", "b"])[y[rows]], X[rows]
    if scale == "scaled":
        samples = StandardScaler().fit_transform(samples)
    elif scale == "saturated":  # at the first rows, all of one class, every score is extreme
        samples = (
            samples * np.where(np.arange(len(samples)) < 100 * (n_classes - 1), 100, 1)[:, None]
        )
    model = lengthened(estimator).fit(samples, labels)
    assert_records_what_it_predicts(model, samples, labels)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("scale", [1, 300])
@pytest.mark.parametrize(
    ("package", "name", "params"),
    [
        ("imblearn.ensemble", "BalancedRandomForestClassifier", {"n_estimators": 3}),
        ("imblearn.ensemble", "BalancedBaggingClassifier", {"n_estimators": 3}),
        ("imblearn.ensemble", "RUSBoostClassifier", {"n_estimators": 3}),
        ("xgboost", "XGBClassifier", {"n_estimators": 3, "n_jobs": 1}),
        ("xgboost", "XGBClassifier", {"n_estimators": 3, "objective": "multi:softmax"}),
        ("lightgbm", "LGBMClassifier", {"n_estimators": 3, "verbose": -1, "n_jobs": 1}),
        ("lightgbm", "LGBMClassifier", {"n_estimators": 3, "verbose": -1, "boosting": "goss"}),
        ("catboost", "CatBoostClassifier", {"n_estimators": 3, "verbose": False, "thread_count": 1,
                                            "allow_writing_files": False}),
    ],
    ids=str,
)  # fmt: skip
def test_other_libraries_too(package, name, params, n_classes, scale):
    if params.get("objective") == "multi:softmax" and n_classes == 2:
        pytest.skip("of more than two classes")
    estimator = getattr(pytest.importorskip(package), name)(random_state=0, **params)
    rows = (y < n_classes) & (np.arange(150) % 3 > 0)
    labels, samples = y[rows], X[rows] * scale
    assert_records_what_it_predicts(
        CartographyClassifier(estimator).fit(samples, labels), samples, labels
    )


@pytest.mark.parametrize(
    "estimator",
    [
        SVC(probability=True),
        CalibratedClassifierCV(SGDClassifier()),
        LinearDiscriminantAnalysis(),
        OneVsRestClassifier(LogisticRegression()),
        LogisticRegression(solver="liblinear"),
        DecisionTreeClassifier(),
        GridSearchCV(SGDClassifier(), {}),
        VotingClassifier([("a", SGDClassifier())]),
        SGDClassifier(loss="log_loss", early_stopping=True),
        MLPClassifier(early_stopping=True),
        MLPClassifier(solver="lbfgs"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_what_cannot_be_watched_is_known_beforehand(estimator):
    assert not can_watch(estimator)
    with pytest.raises(NotWatchableError):
        CartographyClassifier(estimator).fit(X, y)


@pytest.mark.parametrize("estimator", [SGDClassifier(), Perceptron(), SGDClassifier("hinge")])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_probabilities_the_softmax_of_the_scores_is_recorded(estimator, n_classes):
    rows = y < n_classes
    model = CartographyClassifier(estimator, n_epochs=2, random_state=0).fit(X[rows], y[rows])
    scores = model.decision_function(X[rows])
    scores = np.column_stack([np.zeros_like(scores), scores]) if scores.ndim == 1 else scores
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    own = (scores / scores.sum(axis=1, keepdims=True))[np.arange(rows.sum()), y[rows]]
    assert_allclose(model.dynamics_.true_proba[:, -1], own, atol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "n_classes", "expected"),
    [
        (SGDClassifier(loss="log_loss"), 2, True),
        (SGDClassifier(loss="log_loss"), 3, False),
        (SGDClassifier(loss="modified_huber"), 2, False),
        (LogisticRegression(), 2, True),
        (LogisticRegression(), 3, True),
        (LogisticRegression(solver="liblinear"), 2, True),
        (SquaredLogistic(), 3, False),
        (GradientBoostingClassifier(n_estimators=2), 3, True),
        (GradientBoostingClassifier(n_estimators=2, loss="exponential"), 2, False),
        (HistGradientBoostingClassifier(max_iter=2), 3, True),
        (AdaBoostClassifier(n_estimators=2), 2, True),
        (AdaBoostClassifier(n_estimators=2), 3, False),
        (DoubledScores(loss="log_loss"), 2, False),
    ],
    ids=str,
)
def test_logits_are_known_from_what_the_estimator_is(estimator, n_classes, expected):
    rows = y < n_classes
    fitted = estimator.fit(X[rows][::3], y[rows][::3])
    assert gives_logits(fitted) is expected


class Answering(ClassifierMixin, BaseEstimator):
    """Returns anything for probabilities and for its classes from the epoch `when` on."""

    def __init__(self, answer=None, classes=None, when=0):
        self.answer, self.classes, self.when = answer, classes, when

    def fit(self, X, y):
        return self.partial_fit(X, y)

    def partial_fit(self, X, y, classes=None):
        self.n_epochs_ = getattr(self, "n_epochs_", -1) + 1
        if self.n_epochs_ >= self.when and self.classes != "none":
            self.classes_ = np.array([0, 1, 2]) if self.classes is None else self.classes
        elif self.n_epochs_ < self.when:
            self.classes_ = np.array([0, 1, 2])
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def predict_proba(self, X):
        good = np.full((len(X), 3), 1 / 3)
        return self.answer(good) if self.n_epochs_ >= self.when and self.answer else good


class Staged(Answering):
    """Returns it from its stages."""

    def staged_predict_proba(self, X):
        yield self.predict_proba(X)


def ragged(good):
    return [[0.5, 0.5], *good[1:].tolist()]


ANSWERS = {
    "a row too few": (lambda good: good[1:], r"shape \(19, 3\)"),
    "a row too many": (lambda good: np.vstack([good, good[:1]]), r"shape \(21, 3\)"),
    "no row": (lambda good: good[:0], r"shape \(0, 3\)"),
    "a column too few": (lambda good: good[:, 1:] * 1.5, r"shape \(20, 2\)"),
    "a column too many": (lambda good: np.hstack([good, good[:, :1]]), r"shape \(20, 4\)"),
    "transposed": (lambda good: good.T, r"shape \(3, 20\)"),
    "one dimension": (lambda good: good[:, 0], r"shape \(20,\)"),
    "three dimensions": (lambda good: good[..., None], r"shape \(20, 3, 1\)"),
    "a number": (lambda good: 0.5, "0.5"),
    "a 0-d array": (lambda good: np.array(0.5), r"shape \(\)"),
    "None": (lambda good: None, "None"),
    "a string": (lambda good: "probable", "'probable'"),
    "strings": (lambda good: good.astype(str), "dtype <U"),
    "labels": (lambda good: np.array([["a", "b", "c"]] * len(good)), "dtype <U1"),
    "objects": (lambda good: np.where(good > 0, None, None), "dtype object"),
    "complex": (lambda good: good + 0j, "dtype complex128"),
    "masked": (lambda good: np.ma.masked_less(good, 0.5), r"MaskedArray of shape \(20, 3\)"),
    "ragged": (ragged, "a list"),
    "a dict": (lambda good: {"p": good}, "p"),
    "a tuple of two": (lambda good: (good, good), "array"),
    "sparse": (lambda good: pytest.importorskip("scipy.sparse").csr_array(good), r"\(20, 3\)"),
}


def renamed(error, kind, epoch):
    return f"(?s)^{kind} returned .*{error}.* at epoch {epoch} for 3 classes; .*shape \\(20, 3\\)"


@pytest.mark.parametrize("case", ANSWERS)
@pytest.mark.parametrize(("kind", "epoch"), [(Answering, 0), (Answering, 2), (Staged, 0)])
def test_an_answer_of_another_shape_or_type_is_an_error_that_names_both(kind, epoch, case):
    answer, error = ANSWERS[case]
    model = CartographyClassifier(kind(answer, when=epoch), n_epochs=3)
    with pytest.raises(InvalidProbabilitiesError, match=renamed(error, kind.__name__, epoch)):
        model.fit(X[::7][:20], np.arange(20) % 3)
    assert hasattr(model, "data_map_") == (epoch > 0)  # earlier epochs are kept


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda good: good * np.nan, "must be finite; got NaN"),
        (lambda good: np.where(good > 0, np.inf, 0), "must be finite"),
        (lambda good: good * [[-1, 2, 2]], "must not be negative .* minimum of -0.333"),
        (lambda good: good * 2, "each row must sum to 1; .* sums to 2"),
        (lambda good: (good * 3).astype(int), "each row must sum to 1; .* sums to 3"),
        (lambda good: good > 0, "each row must sum to 1; .* sums to 3"),
    ],
)
@pytest.mark.parametrize("kind", [Answering, Staged])
def test_numbers_that_are_no_probabilities_are_an_error(kind, answer, message):
    with pytest.raises(InvalidProbabilitiesError, match=f"{kind.__name__} at epoch 0 .*{message}"):
        CartographyClassifier(kind(answer), n_epochs=2).fit(X[::7][:20], np.arange(20) % 3)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("none", "has no classes_"),
        ([0, 1, 3], r"hold all classes of y .* got \[0, 1, 3\] for the classes \[0, 1, 2\]"),
        ([0, 1], r"hold all classes of y .* got \[0, 1\]"),
        (["0", "1", "2"], r"hold all classes of y .* got \['0', '1', '2'\]"),
        ([0, 1, 1, 2], r"name each column once .* got \[0, 1, 1, 2\]"),
        ([[0, 1, 2]], "name each column once"),
        ([[0], [1, 2], 3], "name each column once"),
        (3, "name each column once at epoch 0; got 3"),
        ("abc", "name each column once"),
        ({}, "name each column once"),
    ],
)
@pytest.mark.parametrize("kind", [Answering, Staged])
def test_classes_that_do_not_name_the_columns_of_y_are_an_error(kind, classes, message):
    with pytest.raises(InvalidProbabilitiesError, match=f"{kind.__name__} .*{message}"):
        CartographyClassifier(kind(classes=classes), n_epochs=2).fit(X[:20], np.arange(20) % 3)


@pytest.mark.parametrize("classes", [[2, 0, 1], [0, 1, 2, 3], (3.0, 2.0, 1.0, 0.0), [7, 1, 2, 0]])
@pytest.mark.parametrize("as_frame", [False, True])
def test_columns_are_those_of_classes_in_any_order_and_number(classes, as_frame):
    labels = np.arange(20) % 3
    shares = np.arange(1.0, 1 + len(classes))
    shares /= shares.sum()

    def answer(good):
        proba = np.tile(shares, (len(good), 1))
        return pytest.importorskip("pandas").DataFrame(proba) if as_frame else proba

    model = CartographyClassifier(Answering(answer, classes), n_epochs=2).fit(X[:20], labels)
    expected = [shares[list(classes).index(label)] for label in labels.tolist()]
    assert_allclose(model.dynamics_.true_proba[:, -1], expected, rtol=1e-6)
    first = list(classes).index(0)
    assert model.dynamics_.correct[0].all() == (shares[first] == shares.max())


class NoStages(Staged):
    def staged_predict_proba(self, X):
        return self.answer(X)


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (lambda X: None, InvalidProbabilitiesError, "yield an array for each stage; it returned"),
        (lambda X: 0.5, InvalidProbabilitiesError, "yield an array for each stage; it returned"),
        (lambda X: iter([]), NotWatchableError, "NoStages has no stage"),
    ],
)
def test_stages_that_are_none_are_an_error(answer, error, message):
    with pytest.raises(error, match=message):
        CartographyClassifier(NoStages(answer)).fit(X, y)


class Growing(ClassifierMixin, BaseEstimator):
    def __init__(self, n_estimators=3, warm_start=False):
        self.n_estimators, self.warm_start = n_estimators, warm_start

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        rising = 0.5 + 0.1 * self.n_estimators
        proba = np.full((len(X), len(self.classes_)), (1 - rising) / (len(self.classes_) - 1))
        proba[:, 0] = rising
        return proba


@pytest.mark.parametrize("n_estimators", [0, -1, 2.5, None, "3", True])
def test_a_number_of_members_that_is_none_is_an_error(n_estimators):
    with pytest.raises(ValueError, match="'n_estimators' parameter of Growing must be an int in"):
        CartographyClassifier(Growing(n_estimators)).fit(X, y)
    assert CartographyClassifier(Growing(3)).fit(X, y).n_epochs_ == 3


def test_partial_fit_need_not_take_the_classes():
    class Whole(Answering):
        def partial_fit(self, X, y):
            return super().partial_fit(X, y)

    assert CartographyClassifier(Whole(), n_epochs=2).fit(X, y).n_epochs_ == 2
