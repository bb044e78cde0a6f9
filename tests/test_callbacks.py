"""CartographyClassifier supports scikit-learn's callbacks, and calls them at its epochs."""

import pickle
from collections import Counter

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier
from sklearn_carto._utils._compat import callbacks_of
from sklearn_carto._watching import _training

callback = pytest.importorskip("sklearn.callback", reason="needs scikit-learn >= 1.9")

X, y = make_classification(
    200, n_classes=3, n_informative=5, flip_y=0.2, class_sep=0.7, random_state=0
)
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)


class Log:
    """Record each call; `do` is called with the task and the model at the end of each."""

    def __init__(self, do=None):
        self.events, self.do = [], do

    def setup(self, estimator, context):
        self.record("setup", context)

    def on_fit_task_begin(self, estimator, context):
        self.record("begin", context)

    def on_fit_task_end(self, estimator, context):
        self.record("end", context)
        return self.do(context) if self.do else None

    def teardown(self, estimator, context):
        self.record("teardown", context)

    def record(self, event, context):
        self.events.append((event, context.estimator_name, context.task_name, context))

    def count(self, event):
        return Counter(name for what, _, name, _ in self.events if what == event)


class Everywhere(Log):
    """Is handed down to sub-estimators that take callbacks."""

    max_propagation_depth = None


class Models(Log):
    """Keep the models that can predict."""

    def __init__(self):
        super().__init__()
        self.models, self.metadata = [], []

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.models.append((context.task_name, fitted_estimator, X, y))
        self.metadata.append(metadata)


def test_each_epoch_of_partial_fit_is_a_task():
    log = Log()
    CartographyClassifier(SGD, n_epochs=4).set_callbacks(log).fit(X, y)
    calls = [(event, name) for event, _, name, _ in log.events]
    epochs = [("begin", "epoch"), ("end", "epoch")] * 4
    around = [("setup", "fit"), ("begin", "fit"), ("begin", "training")]
    assert calls == [*around, *epochs, ("end", "training"), ("end", "fit"), ("teardown", "fit")]
    sizes = {name: context.max_subtasks for _, _, name, context in log.events}
    assert sizes == {"fit": 1, "training": 4, "epoch": 0}


def make_net(**params):
    skorch, torch = pytest.importorskip("skorch"), pytest.importorskip("torch")
    return skorch.NeuralNetClassifier(
        torch.nn.Linear, module__in_features=20, module__out_features=3, lr=0.1, verbose=0,
        criterion=torch.nn.CrossEntropyLoss, train_split=None, **params,
    )  # fmt: skip


def test_each_epoch_of_a_net_is_a_task():
    log, net, rows = Log(), make_net(max_epochs=5), X.astype("float32")
    CartographyClassifier(net, random_state=0).set_callbacks(log).fit(rows, y)
    assert log.count("begin") == log.count("end") == {"fit": 1, "training": 1, "epoch": 5}
    log = Log()
    stopping = pytest.importorskip("skorch.callbacks").EarlyStopping
    stops = stopping("train_loss", patience=2, threshold=1e9, sink=len)
    net.set_params(callbacks=[stops], max_epochs=50)
    model = CartographyClassifier(net, random_state=0).set_callbacks(log).fit(rows, y)
    assert model.n_epochs_ < 50
    assert log.count("begin") == log.count("end")  # what was open is ended
    assert [name for event, _, name, _ in log.events][-1] == "fit"


def test_an_ensemble_is_shown_while_its_stages_are_replayed():
    log = Log(do=lambda context: True)  # requests a stop, which would leave rows out
    model = CartographyClassifier(HistGradientBoostingClassifier(max_iter=5))
    with sklearn.config_context(working_memory=0.001):  # MiB: 43 rows of 3 classes
        model.set_callbacks(log).fit(X, y)
    assert log.count("begin") == log.count("end") == {"fit": 1, "training": 1, "rows": 5}
    assert model.n_epochs_ == 5


def test_iterations_of_a_solver_are_tasks_in_the_same_tree():
    log = Everywhere()
    model = CartographyClassifier(LogisticRegression()).set_callbacks(log).fit(X, y)
    ends = [(estimator, name) for event, estimator, name, _ in log.events if event == "end"]
    assert ends.count(("LogisticRegression", "lbfgs-iter")) == model.n_epochs_ + 1  # one is empty
    assert ends[-2:] == [("LogisticRegression", "fit"), ("CartographyClassifier", "fit")]
    assert len({context.root_uuid for *_, context in log.events}) == 1
    assert callbacks_of(model.estimator_) == []


def test_out_of_fold_each_fold_is_a_training():
    log, weight = Models(), 1 + np.arange(200) / 1000
    model = CartographyClassifier(SGD, n_epochs=3, cv=4).set_callbacks(log)
    model.fit(X, y, sample_weight=weight)
    assert log.count("begin") == {"fit": 1, "training": 5, "epoch": 15}
    for (_, _, rows, labels), metadata in zip(log.models, log.metadata, strict=True):
        taken = np.searchsorted(weight, metadata["sample_weight"])  # each weight names its row
        assert_array_equal(rows, X[taken])
        assert_array_equal(labels, y[taken])


@pytest.mark.parametrize("wrap", [clone, lambda sgd: make_pipeline(StandardScaler(), sgd)])
def test_callbacks_are_handed_the_model_of_each_epoch(wrap):
    log = Models()
    model = CartographyClassifier(wrap(SGD), n_epochs=3).set_callbacks(log)
    model.fit(X, y)
    epochs = [copy for name, copy, *_ in log.models if name == "epoch"]
    for copy, p in zip(epochs, model.dynamics_.true_proba.T, strict=True):
        found = copy.predict_proba(X)[np.arange(200), y]
        assert_array_equal(found.astype(np.float32), p)
        assert copy.score(X, y) == np.mean(copy.predict(X) == y)
    assert_array_equal(log.models[-1][1].predict_proba(X), model.predict_proba(X))


def test_copies_predict_labels_whatever_was_trained_before():
    names, rows, log = np.array(["c", "a", "b"])[y], X.astype("float32"), Models()
    model = CartographyClassifier(make_net(max_epochs=4), random_state=0).fit(rows, names)
    model.set_params(estimator=SGD, n_epochs=2).set_callbacks(log).fit(rows, names)
    assert set(log.models[0][1].predict(rows)) <= {"a", "b", "c"}


def test_models_are_copied_only_for_callbacks_that_take_them(monkeypatch):
    def refuse(estimator):
        raise AssertionError("copied")

    monkeypatch.setattr(_training, "deepcopy", refuse)
    CartographyClassifier(SGD, n_epochs=2).set_callbacks(Log()).fit(X, y)
    with pytest.raises(AssertionError, match="copied"):
        CartographyClassifier(SGD, n_epochs=2).set_callbacks(Models()).fit(X, y)


def test_callbacks_leave_the_training_as_it_is():
    plain = CartographyClassifier(SGD, n_epochs=5).fit(X, y)
    observed = CartographyClassifier(SGD, n_epochs=5).set_callbacks(Models(), Log()).fit(X, y)
    assert_array_equal(observed.estimator_.coef_, plain.estimator_.coef_)
    assert_array_equal(observed.variability_, plain.variability_)


def test_a_callback_may_end_the_training():
    stops = Log(do=lambda context: context.task_name == "epoch" and context.task_id == 2)
    model = CartographyClassifier(SGD, n_epochs=20).set_callbacks(stops).fit(X, y)
    assert model.n_epochs_ == 3
    assert not model.interrupted_
    assert stops.count("begin") == stops.count("end") == {"fit": 1, "training": 1, "epoch": 3}


def test_after_an_error_callbacks_are_torn_down_and_called_no_more():
    class Breaks(SGDClassifier):
        def partial_fit(self, X, y, classes=None):
            if getattr(self, "t_", 0) > 500:
                raise RuntimeError("broken")
            return super().partial_fit(X, y, classes=classes)

    log = Log()
    model = CartographyClassifier(Breaks(loss="log_loss")).set_callbacks(log)
    with pytest.raises(RuntimeError, match="broken"):
        model.fit(X, y)
    assert [event for event, *_ in log.events][-2:] == ["begin", "teardown"]
    assert log.count("end") == {"epoch": 3}
    assert not any("callback" in name and name != "_skl_callbacks" for name in vars(model))
    model.set_params(estimator=SGD, n_epochs=2).fit(X, y)
    assert model.n_epochs_ == 2


def test_callbacks_are_no_parameters_and_outlive_clones_and_pickles():
    model = CartographyClassifier(SGD, n_epochs=2)
    params = model.get_params()
    log = Log()
    model.set_callbacks(log).fit(X, y)
    assert model.get_params() == params
    assert callbacks_of(clone(model)) == [log]
    log.events.clear()
    (again,) = callbacks_of(pickle.loads(pickle.dumps(model)))
    assert isinstance(again, Log)
    assert callbacks_of(model.set_callbacks()) == []


def test_a_search_hands_its_callbacks_down():
    log = Everywhere()
    search = GridSearchCV(CartographyClassifier(SGD), {"n_epochs": [2, 3]}, cv=2, refit=False)
    search.set_callbacks(log).fit(X, y)
    assert log.count("begin")["epoch"] == 2 * (2 + 3)


def test_a_sub_estimator_may_hold_no_callback_that_is_handed_down():
    learner = LogisticRegression().set_callbacks(Everywhere())
    with pytest.raises(TypeError, match="LogisticRegression.*Register them directly on the meta"):
        CartographyClassifier(learner).fit(X, y)


def test_a_progress_bar_shows_the_epochs(capsys):
    pytest.importorskip("rich")
    CartographyClassifier(SGD, n_epochs=3).set_callbacks(callback.ProgressBar()).fit(X, y)
    shown = capsys.readouterr().out
    assert "CartographyClassifier - training #0" in shown
    assert shown.count("100%") == 2


def test_a_score_is_monitored_at_each_epoch():
    scores = callback.ScoringMonitor(scoring="accuracy")
    model = CartographyClassifier(SGD, n_epochs=3).set_callbacks(scores).fit(X, y)
    found = [row["accuracy"] for row in scores.get_logs().data if row["task_name"] == "epoch"]
    assert_array_equal(found, model.dynamics_.correct.mean(axis=0))
