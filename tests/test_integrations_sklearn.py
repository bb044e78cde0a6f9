"""A data map recorded by a callback that is set on a classifier of scikit-learn."""

import gc
import importlib
import pickle
import weakref

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier
from sklearn_carto._utils._compat import CallbackSupportMixin, _fit_context
from sklearn_carto._watching import _callbacks
from sklearn_carto.exceptions import SampleAlignmentError

MODULE = "sklearn_carto.integrations.sklearn"
if _callbacks.HAS_CALLBACKS:
    from sklearn_carto.integrations.sklearn import DataMapCallback

needs_callbacks = pytest.mark.skipif(
    not _callbacks.HAS_CALLBACKS, reason="needs the callbacks of scikit-learn >= 1.9"
)
X, y = make_classification(
    200, n_classes=3, n_informative=5, flip_y=0.2, class_sep=0.7, random_state=0
)


def reference(X, y, **params):
    return CartographyClassifier(LogisticRegression(**params)).fit(X, y).data_map_


def assert_same_map(found, expected):
    assert found.n_epochs == expected.n_epochs
    assert_array_equal(found.labels, expected.labels)
    for name in ("confidence", "variability", "correctness", "forgetting", "aum", "dual"):
        assert_array_equal(getattr(found, name), getattr(expected, name))


class Hook:
    """Do something at the end of each task."""

    def __init__(self, do):
        self.do = do

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.do(context, fitted_estimator)

    def teardown(self, estimator, context):
        pass


class InBatches(CallbackSupportMixin, BaseEstimator):
    """Passes the rows of a batch to callbacks, another one at each iteration."""

    _parameter_constraints: dict = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        whole = self._init_callback_context(max_subtasks=2)
        for rows in (slice(0, 100), slice(100, 200)):
            fit_args = {"X": X[rows], "y": y[rows], "reconstruction_attributes": {}}
            whole.subcontext(task_name="batch").call_on_fit_task_end(estimator=self, **fit_args)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 3), 1 / 3)


class ClassifiesInBatches(ClassifierMixin, InBatches):
    pass


class RegressesInBatches(RegressorMixin, InBatches):
    pass


@needs_callbacks
@pytest.mark.parametrize("labels", [y, y == 1, np.array(["c", "a", "b"])[y]], ids=["3", "2", "str"])
def test_the_map_is_that_of_a_cartography_classifier(labels):
    callback = DataMapCallback()
    model = LogisticRegression().set_callbacks(callback).fit(X, labels)
    assert_same_map(callback.data_map_, reference(X, labels))
    assert callback.dynamics_.true_proba.shape == (200, model.n_iter_[0])
    assert_array_equal(model.coef_, LogisticRegression().fit(X, labels).coef_)


@needs_callbacks
def test_it_works_on_a_step_inside_a_pipeline():
    callback = DataMapCallback()
    make_pipeline(StandardScaler(), LogisticRegression().set_callbacks(callback)).fit(X, y)
    assert_same_map(callback.data_map_, reference(StandardScaler().fit_transform(X), y))


@needs_callbacks
def test_columns_with_names_draw_no_warning():
    pd = pytest.importorskip("pandas")
    callback, frame = DataMapCallback(), pd.DataFrame(X, columns=[f"x{j}" for j in range(20)])
    after, models = Hook(lambda context, model: models.append(model)), []
    LogisticRegression().set_callbacks(callback, after).fit(frame, y)
    assert_same_map(callback.data_map_, reference(X, y))
    assert all(len(model.feature_names_in_) == 20 for model in models if model is not None)


@needs_callbacks
def test_without_history_the_map_is_the_same():
    callback = DataMapCallback(keep_history=False)
    LogisticRegression().set_callbacks(callback).fit(X, y)
    assert_same_map(callback.data_map_, reference(X, y))
    with pytest.raises(ValueError, match="keep_history=False"):
        _ = callback.dynamics_.true_proba


@needs_callbacks
def test_a_second_fit_starts_anew():
    callback = DataMapCallback()
    model = LogisticRegression().set_callbacks(callback).fit(X, y)
    first = callback.data_map_
    model.fit(X[:90], y[:90])
    assert_same_map(callback.data_map_, reference(X[:90], y[:90]))
    assert_same_map(first, reference(X, y))


@needs_callbacks
def test_trainings_that_overlap_are_kept_apart():
    callback = DataMapCallback()
    other, seen = LogisticRegression(C=0.1).set_callbacks(callback), []

    def train_another(context, model):
        if context.task_name == "lbfgs-iter" and context.task_id == 2:
            seen.append(callback.dynamics_)
            other.fit(X[:90], y[:90])

    LogisticRegression().set_callbacks(Hook(train_another), callback).fit(X, y)
    assert_same_map(callback.data_map_, reference(X[:90], y[:90], C=0.1))
    assert_allclose(
        seen[0].true_proba,
        CartographyClassifier(LogisticRegression()).fit(X, y).dynamics_.true_proba,
    )


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_of_a_search_the_map_of_the_refit_stays(n_jobs):
    callback = DataMapCallback()
    learner = LogisticRegression().set_callbacks(callback)
    search = GridSearchCV(learner, {"C": [0.1, 1.0]}, cv=2, n_jobs=n_jobs).fit(X, y)
    assert_same_map(callback.data_map_, reference(X, y, **search.best_params_))


@needs_callbacks
def test_trainings_in_other_processes_leave_nothing_here():
    callback = DataMapCallback()
    cross_validate(LogisticRegression().set_callbacks(callback), X, y, cv=2, n_jobs=2)
    with pytest.raises(AttributeError, match="Nothing was recorded yet: .* in this process"):
        _ = callback.data_map_


@needs_callbacks
def test_of_cross_validation_the_map_of_the_last_fold_stays():
    callback, folds = (
        DataMapCallback(),
        [(np.arange(60), np.arange(60, 200)), (np.arange(60, 200),) * 2],
    )
    cross_validate(LogisticRegression().set_callbacks(callback), X, y, cv=folds)
    assert_same_map(callback.data_map_, reference(X[60:], y[60:]))


@needs_callbacks
def test_a_pickled_model_keeps_the_map_and_not_the_rows():
    callback = DataMapCallback(keep_history=False)
    model = LogisticRegression().set_callbacks(callback).fit(X, y)
    (again,) = pickle.loads(pickle.dumps(model))._skl_callbacks
    assert_same_map(again.data_map_, callback.data_map_)
    wide = np.hstack([X] * 50)
    clone(model).fit(wide, y)
    assert len(pickle.dumps(callback)) < wide.nbytes / 2


@needs_callbacks
def test_the_rows_are_released_after_the_training():
    callback, rows = DataMapCallback(), X.copy()
    LogisticRegression().set_callbacks(callback).fit(rows, y)
    rows = weakref.ref(rows)
    gc.collect()
    assert rows() is None


@needs_callbacks
def test_a_callback_is_picklable_while_its_model_trains():
    callback, sizes = DataMapCallback(keep_history=False), []
    wide = np.hstack([X] * 50)
    hook = Hook(lambda context, model: sizes.append(len(pickle.dumps(callback))))
    LogisticRegression(max_iter=500).set_callbacks(callback, hook).fit(wide, y)
    assert max(sizes) < wide.nbytes / 2


@needs_callbacks
def test_nothing_recorded_is_an_error_that_names_the_reason():
    callback = DataMapCallback()
    with pytest.raises(AttributeError, match="Nothing was recorded yet: fit a classifier"):
        _ = callback.data_map_
    learner = LogisticRegression().set_callbacks(callback)
    learner.fit(X, y)
    with pytest.raises(ValueError, match="one class"):
        learner.fit(X, np.zeros(200))
    with pytest.raises(
        AttributeError, match=r"in the last fit\. LogisticRegression did not inform"
    ):
        _ = callback.data_map_
    learner.set_params(solver="newton-cg").fit(X, y)
    with pytest.raises(AttributeError, match=r"\(solver='newton-cg'\) .* Use solver='lbfgs'"):
        _ = callback.dynamics_


@needs_callbacks
@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (StandardScaler, "StandardScaler is not a classifier"),
        (RegressesInBatches, "RegressesInBatches is not a classifier"),
        (lambda: make_pipeline(LogisticRegression()), "Pipeline trains other estimators"),
        (
            lambda: CartographyClassifier(LogisticRegression()),
            "CartographyClassifier trains other estimators",
        ),
    ],
    ids=["transformer", "regressor", "pipeline", "ours"],
)
def test_what_has_no_iterations_is_named(estimator, message):
    callback = DataMapCallback()
    estimator().set_callbacks(callback).fit(X, y + 0.5 if estimator is RegressesInBatches else y)
    with pytest.raises(AttributeError, match=message):
        _ = callback.data_map_


@needs_callbacks
def test_rows_that_change_from_iteration_to_iteration_are_an_error():
    with pytest.raises(
        SampleAlignmentError, match="InBatches must pass .* labels of iteration 1 differ"
    ):
        ClassifiesInBatches().set_callbacks(DataMapCallback()).fit(X, y)


def test_an_older_scikit_learn_is_named_on_import(monkeypatch):
    monkeypatch.setattr(_callbacks, "HAS_CALLBACKS", False)
    monkeypatch.delitem(importlib.sys.modules, MODULE, raising=False)
    with pytest.raises(
        ImportError, match=f"scikit-learn >= 1.9, .* is scikit-learn {sklearn.__version__}"
    ):
        importlib.import_module(MODULE)
