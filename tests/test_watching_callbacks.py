"""Maps of solvers that pass their iterations to callbacks equal those of trainings cut short."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sklearn_carto import CartographyClassifier
from sklearn_carto._utils._compat import CallbackSupportMixin, _fit_context, callbacks_of
from sklearn_carto._watching import _callbacks
from sklearn_carto._watching._find import can_watch
from sklearn_carto.exceptions import DegenerateMapWarning, NotWatchableError

needs_callbacks = pytest.mark.skipif(
    not _callbacks.HAS_CALLBACKS, reason="needs the callbacks of scikit-learn >= 1.9"
)
X, y = make_classification(
    200, n_classes=3, n_informative=5, flip_y=0.2, class_sep=0.7, random_state=0
)
NAMES = np.array(["c", "a", "b"])


def refits(X, y, n_epochs, **params):
    """Yield the models of trainings that stop after 1, 2, ... iterations."""
    for k in range(1, n_epochs + 1):
        with warnings.catch_warnings(action="ignore"):
            yield LogisticRegression(max_iter=k, **params).fit(X, y)


def naive_true_proba(X, y, n_epochs):
    models = list(refits(X, y, n_epochs))
    column = np.searchsorted(models[0].classes_, y)
    return np.array([m.predict_proba(X)[np.arange(len(y)), column] for m in models]).T


class Counts:
    """A user's own callback."""

    def __init__(self, fail_at=None):
        self.fail_at, self.n_models = fail_at, 0

    def setup(self, estimator, context):
        self.n_models = 0

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.n_models += fitted_estimator is not None
        if self.n_models == self.fail_at:
            raise KeyboardInterrupt

    def teardown(self, estimator, context):
        pass


class Loop(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """A third-party classifier with batches inside its epochs."""

    _parameter_constraints: dict = {}

    def __init__(self, n_epochs=3, shows=True):
        self.n_epochs, self.shows = n_epochs, shows

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        whole = self._init_callback_context(max_subtasks=self.n_epochs)
        for epoch in range(self.n_epochs):
            task = whole.subcontext(task_name="epoch", max_subtasks=2)
            for _ in range(2):
                task.subcontext(task_name="batch").call_on_fit_task_end(**self._fit_args(9.0))
            task.call_on_fit_task_end(**self._fit_args(0.5 + epoch / 10))
        whole.call_on_fit_task_end(estimator=self, reconstruction_attributes={})
        self.p_ = 0.5
        return self

    def _fit_args(self, p):
        return {"estimator": self, "reconstruction_attributes": {"p_": p} if self.shows else None}

    def predict_proba(self, X):
        return np.tile([self.p_, 1 - self.p_], (len(X), 1))

    def predict(self, X):
        return self.classes_[[0] * len(X)]


@needs_callbacks
@pytest.mark.parametrize("labels", [y, y == 1, NAMES[y]], ids=["3", "2", "str"])
def test_map_equals_trainings_cut_short_after_each_iteration(labels):
    bare = LogisticRegression().fit(X, labels)
    model = CartographyClassifier(LogisticRegression()).fit(X, labels)
    p = naive_true_proba(X, labels, bare.n_iter_[0])
    assert_allclose(model.dynamics_.true_proba, p, atol=1e-6)
    assert_allclose(model.variability_, p.std(axis=1), atol=1e-6)
    assert_array_equal(model.predict(X), bare.predict(X))


@needs_callbacks
def test_the_end_of_fit_is_not_another_epoch():
    model = CartographyClassifier(LogisticRegression()).fit(X, y)
    assert model.n_epochs_ == model.dynamics_.n_epochs == model.estimator_.n_iter_[0]
    last, before = model.dynamics_.true_proba[:, -1], model.dynamics_.true_proba[:, -2]
    assert_allclose(last, model.predict_proba(X)[np.arange(len(y)), y], atol=1e-6)
    assert (last != before).any()


@needs_callbacks
@pytest.mark.parametrize("n_epochs", [None, 5])
def test_weights_are_those_of_the_unwatched_fit(n_epochs):
    bare = LogisticRegression().fit(X, y)
    watched = CartographyClassifier(LogisticRegression(), n_epochs=n_epochs).fit(X, y).estimator_
    assert_array_equal(watched.coef_, bare.coef_)
    assert_array_equal(watched.intercept_, bare.intercept_)
    assert_array_equal(watched.n_iter_, bare.n_iter_)
    assert vars(watched).keys() == vars(bare).keys()
    assert len(pickle.dumps(watched)) == len(pickle.dumps(bare))


@needs_callbacks
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_n_epochs_records_the_first_iterations_as_max_iter_would():
    every = CartographyClassifier(LogisticRegression()).fit(X, y)
    some = CartographyClassifier(LogisticRegression(), n_epochs=5).fit(X, y)
    short = CartographyClassifier(LogisticRegression(max_iter=5)).fit(X, y)
    assert some.n_epochs_ == 5
    assert_array_equal(some.dynamics_.true_proba, every.dynamics_.true_proba[:, :5])
    for name in ("confidence", "variability", "forgetting", "aum", "dual"):
        assert_array_equal(getattr(some.data_map_, name), getattr(short.data_map_, name))


@needs_callbacks
def test_callbacks_of_the_user_stay_and_run():
    alone, beside = Counts(), Counts()
    LogisticRegression().set_callbacks(alone).fit(X, y)
    learner = LogisticRegression().set_callbacks(beside)
    model = CartographyClassifier(learner).fit(X, y)
    assert beside.n_models == alone.n_models == model.n_epochs_ + 1  # and the end of fit
    assert callbacks_of(learner) == callbacks_of(model.estimator_) == [beside]


@needs_callbacks
def test_an_interrupted_training_keeps_the_iterations_it_had():
    learner = LogisticRegression().set_callbacks(Counts(fail_at=4))
    model = CartographyClassifier(learner)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    whole = CartographyClassifier(LogisticRegression()).fit(X, y)
    assert model.interrupted_
    assert_array_equal(model.dynamics_.true_proba, whole.dynamics_.true_proba[:, :3])
    assert callbacks_of(model.estimator_) == callbacks_of(learner)


@needs_callbacks
@pytest.mark.parametrize("container", ["frame", "sparse", "list", "float32"])
def test_rows_come_in_any_container(container):
    if container == "frame":
        pd = pytest.importorskip("pandas")
        rows = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    else:
        rows = {"sparse": csr_array, "list": np.ndarray.tolist, "float32": np.float32}[container](X)
    expected = CartographyClassifier(LogisticRegression(), n_epochs=4).fit(X, y)
    model = CartographyClassifier(LogisticRegression(), n_epochs=4).fit(rows, y)
    assert_allclose(model.dynamics_.true_proba, expected.dynamics_.true_proba, atol=1e-4)


@needs_callbacks
def test_folds_that_converge_sooner_draw_a_warning_that_names_n_epochs():
    with pytest.warns(DegenerateMapWarning, match="for a solver that converges, lower n_epochs"):
        CartographyClassifier(LogisticRegression(), cv=StratifiedKFold(2)).fit(X, y)


@needs_callbacks
@pytest.mark.parametrize("labels", [y, y == 1], ids=["3", "2"])
def test_margins_come_from_the_logits(labels):
    model = CartographyClassifier(LogisticRegression()).fit(X, labels)
    p = model.predict_proba(X)
    own = p[np.arange(len(y)), labels.astype(int)]
    p[np.arange(len(y)), labels.astype(int)] = 0
    assert model.data_map_.margin_from == "logits"
    assert_allclose(model.dynamics_.margin[:, -1], np.log(own / p.max(axis=1)), atol=1e-4)


@needs_callbacks
def test_verbose_shows_the_iterations(capsys):
    CartographyClassifier(LogisticRegression(), n_epochs=3, verbose=1).fit(X, y)
    assert "3/3" in capsys.readouterr().err


@needs_callbacks
@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
def test_epochs_of_any_loop_are_recorded_but_not_what_is_inside_them():
    model = CartographyClassifier(Loop()).fit(X, np.repeat([0, 1], 100))
    assert_allclose(model.dynamics_.true_proba[[0, -1]], [[0.5, 0.6, 0.7], [0.5, 0.4, 0.3]])


@needs_callbacks
def test_a_training_that_showed_no_iteration_is_an_error():
    with pytest.raises(NotWatchableError, match="Loop showed no iteration of its training"):
        CartographyClassifier(Loop(shows=False)).fit(X, y == 1)


@needs_callbacks
@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (LogisticRegression(solver="saga"), r"\(solver='saga'\) shows no .* Use solver='lbfgs'"),
        (LogisticRegressionCV(), "LogisticRegressionCV trains many models"),
        (GridSearchCV(LogisticRegression(), {"C": [1]}), "GridSearchCV cannot be watched"),
    ],
    ids=["solver", "cv", "search"],
)
def test_what_shows_no_iterations_is_refused_ahead(estimator, message):
    assert not can_watch(estimator)
    with pytest.raises(NotWatchableError, match=message):
        CartographyClassifier(estimator).fit(X, y)


def test_an_older_scikit_learn_is_named(monkeypatch):
    monkeypatch.setattr(_callbacks, "HAS_CALLBACKS", False)
    message = (
        f"LogisticRegression .* need scikit-learn >= 1.9 .* scikit-learn {sklearn.__version__}"
    )
    with pytest.raises(NotWatchableError, match=message):
        CartographyClassifier(clone(LogisticRegression())).fit(X, y)
