"""A callback of scikit-learn (>= 1.9) that draws the data map of a classifier while it trains."""

from __future__ import annotations

from copy import copy

import numpy as np
import sklearn

from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._watching._callbacks import HAS_CALLBACKS, CallbackWatcher, max_n_epochs
from sklearn_carto._watching._epoch_evaluation import EpochEvaluator
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto.exceptions import SampleAlignmentError

if not HAS_CALLBACKS:
    raise ImportError(
        "sklearn_carto.integrations.sklearn needs scikit-learn >= 1.9, which has callbacks; this "
        f"is scikit-learn {sklearn.__version__}. Upgrade it, or use "
        "sklearn_carto.CartographyClassifier, which needs no callbacks for other estimators."
    )


class DataMapCallback:
    """Record the training dynamics of a classifier that takes scikit-learn's callbacks.

    Each iteration that the classifier shows is an epoch, and it is trained just as it would be
    without. Set it on the classifier itself, also where that is a step of a pipeline or what a
    search trains.

    Parameters
    ----------
    keep_history : bool, default=True
        Whether every epoch is kept beside the running statistics.

    Attributes
    ----------
    dynamics_ : TrainingDynamics
        What was recorded of the last training.
    data_map_ : DataMap
        Its map; a row for each row that this training saw, in their order.

    See Also
    --------
    sklearn_carto.CartographyClassifier : The same, and further ways to watch an estimator learn.

    Notes
    -----
    In scikit-learn 1.9 it is `LogisticRegression` with ``solver="lbfgs"`` that shows its
    iterations.

    Each `fit` starts a new map, and trainings at the same time in several threads are kept apart;
    what stays is the one that began last. Of a search that is the refit on all rows. Trainings in
    other processes (`n_jobs`) leave nothing here.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_carto.integrations.sklearn import DataMapCallback
    >>> X, y = load_iris(return_X_y=True)
    >>> maps = DataMapCallback()
    >>> model = make_pipeline(StandardScaler(), LogisticRegression().set_callbacks(maps)).fit(X, y)
    >>> maps.data_map_
    <DataMap: 150 rows of 3 classes, ... epochs>
    >>> bool(maps.data_map_.n_epochs == model[-1].n_iter_[0])
    True
    """

    def __init__(self, *, keep_history=True):
        self.keep_history = keep_history
        self._trainings = {}  # those under way, by the task that is their `fit`
        self._last = None

    def setup(self, estimator, context):
        """Begin a new map: the estimator is about to train.

        Parameters
        ----------
        estimator : estimator
            Who trains.
        context : CallbackContext
            The task of its `fit`.
        """
        self._last = self._trainings[context] = _Training(estimator, self.keep_history)

    def on_fit_task_begin(self, estimator, context):
        """Do nothing: a task is recorded as it ends.

        Parameters
        ----------
        estimator : estimator
            Who trains.
        context : CallbackContext
            The task.
        """

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        """Record an iteration: a task that `fit` is made of, and that ends with a model.

        Parameters
        ----------
        estimator : estimator
            Who trains.
        context : CallbackContext
            The task.
        X, y : container, array-like
            The training set.
        fitted_estimator : estimator
            A copy that can predict, as if training had stopped here.
        """
        training = self._trainings.get(context.parent)
        if training is not None and fitted_estimator is not None:
            training.hear(fitted_estimator, X, y)

    def teardown(self, estimator, context):
        """Let go of the rows.

        Parameters
        ----------
        estimator : estimator
            Who trained.
        context : CallbackContext
            The task of its `fit`.
        """
        self._trainings.pop(context).end()

    def __getstate__(self):
        """Leave trainings under way to the process that they run in."""
        return {**vars(self), "_trainings": {}}

    @property
    def dynamics_(self):
        """What was recorded of the last training."""
        if self._last is None:
            raise AttributeError(
                "Nothing was recorded yet: fit a classifier that has this callback, in this "
                "process."
            )
        if self._last.recording is None:
            raise AttributeError(f"Nothing was recorded in the last fit. {self._last.why_not}")
        return self._last.recording.dynamics

    @property
    def data_map_(self):
        """The map of the last training."""
        return DataMap.from_dynamics(self.dynamics_)


class _Training:
    """One training of one estimator."""

    recording: RunRecorder = None  # type: ignore[assignment]
    iterations: EpochEvaluator = None  # type: ignore[assignment]

    def __init__(self, estimator, keep_history):
        reason = CallbackWatcher().refuses(estimator)
        self.keep_history, self.silent = keep_history, reason is not None
        self.why_not = reason or f"{type(estimator).__name__} showed no iteration."

    def hear(self, model, X, y):
        """Record the model of an iteration."""
        if self.silent or X is None or y is None:
            return
        if self.recording is None:
            y, classes, y_encoded = check_labels(y, model)
            self.recording = RunRecorder(y, classes, y_encoded, self.keep_history)
            self.recording.begin(max_n_epochs(model))
            self.iterations = EpochEvaluator(self.recording, X)
        elif not np.array_equal(y, self.recording.labels):
            raise SampleAlignmentError(
                f"The rows that {type(model).__name__} shows at iteration "
                f"{self.iterations.n_recorded} are not those of the first: their labels differ. A "
                "data map needs an estimator that shows all rows, in one order."
            )
        if hasattr(model, "feature_names_in_") and not hasattr(X, "columns"):
            model = copy(model)
            del model.feature_names_in_  # the names were checked, and X has come without them
        self.iterations.record(model)

    def __getstate__(self):
        """Leave the rows out of pickles."""
        return {**vars(self), "iterations": None}

    def end(self):
        """Let go of the rows."""
        self.iterations = None  # type: ignore[assignment]
