"""A callback of scikit-learn (>= 1.9) that records training dynamics."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import sklearn

from sklearn_carto._dynamics._history import HISTORY_DIR, KEEP_HISTORY, check_history_dir
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._utils._typing import ArrayLike, Container, Estimator, PathType
from sklearn_carto._utils._validation import check_sample_ids, validate_params
from sklearn_carto._watching._callbacks import HAS_CALLBACKS, CallbackWatcher, max_n_epochs
from sklearn_carto._watching._epoch_evaluation import EpochEvaluator
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto.exceptions import SampleAlignmentError
from sklearn_carto.integrations._callback import LOG, MapCallback, check_given_ids, make_log

if TYPE_CHECKING:
    from sklearn_carto._dynamics._training_dynamics import TrainingDynamics

if not HAS_CALLBACKS:
    raise ImportError(
        "sklearn_carto.integrations.sklearn requires scikit-learn >= 1.9, which has callbacks; the "
        f"installed version is scikit-learn {sklearn.__version__}. Upgrade it, or use "
        "sklearn_carto.CartographyClassifier, which requires no callbacks for most estimators."
    )


class DataMapCallback(MapCallback):
    """Record the training dynamics of a classifier that supports scikit-learn's callbacks.

    Each iteration of which the classifier informs its callbacks is an epoch. The training is not
    changed. Set the callback on the classifier itself, also within a pipeline or a search.

    Parameters
    ----------
    keep_history : bool or "float16", default=True
        Whether to keep every epoch beside the running statistics, see :class:`TrainingDynamics`.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows. Trainings on other numbers of rows raise a ValueError, such as those of
        the folds of a search.
    log : str or path-like, default=None
        Folder to write each epoch to as it ends, see :mod:`sklearn_carto.logs`. It holds the log of
        one training: that of another one raises a LogConflictError. This requires pyarrow.
    history_dir : str or path-like, default=None
        A folder for the values of every epoch, which `dynamics_` then reads as memory maps, see
        :class:`TrainingDynamics`. Each training writes to a subfolder of its own, which is not
        removed.

    Attributes
    ----------
    dynamics_ : TrainingDynamics
        The training dynamics of the last training.
    data_map_ : DataMap
        Their data map, with one entry for each row of this training, in their order; made once
        unless further epochs are recorded.
    confidence, variability, correctness : ndarray of shape (n_samples,)
        Statistics of the map; `correctness` is the share of the epochs at which the label was the
        most probable class, whatever its probability.

    See Also
    --------
    sklearn_carto.CartographyClassifier : Also watches estimators without callbacks.

    Notes
    -----
    In scikit-learn 1.9, `LogisticRegression` with ``solver="lbfgs"`` informs callbacks of its
    iterations.

    Each `fit` starts a new map. Simultaneous trainings in several threads are recorded separately,
    and the map is that of the one that began last; after a search, that is the refit on all rows.
    Trainings in other processes (`n_jobs`) are not available here.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_carto.integrations.sklearn import DataMapCallback
    >>> X, y = load_iris(return_X_y=True)
    >>> callback = DataMapCallback()
    >>> classifier = LogisticRegression().set_callbacks(callback)
    >>> model = make_pipeline(StandardScaler(), classifier).fit(X, y)
    >>> callback.data_map_
    <DataMap: 150 rows of 3 classes, ... epochs>
    >>> bool(callback.data_map_.n_epochs == model[-1].n_iter_[0])
    True
    """

    @validate_params(keep_history=KEEP_HISTORY, log=LOG, history_dir=HISTORY_DIR)
    def __init__(
        self,
        *,
        keep_history: bool | Literal["float16"] = True,
        sample_ids: ArrayLike | None = None,
        log: PathType | None = None,
        history_dir: PathType | None = None,
    ) -> None:
        self.keep_history = keep_history
        self.sample_ids = sample_ids
        self.log = log
        self.history_dir = history_dir
        check_given_ids(sample_ids, type(self).__name__)
        self._trainings: dict = {}  # those that are running, by the task of their `fit`
        self._last: Any = None

    def setup(self, estimator: Estimator, context: Any) -> None:
        """Start a new map, before the training of an estimator.

        Parameters
        ----------
        estimator : estimator
            The estimator that is trained.
        context : CallbackContext
            The task of its `fit`.
        """
        check_history_dir(self.history_dir, self.keep_history, type(self).__name__)
        log = make_log(self.log, type(self).__name__)
        if log is not None:
            log.check_free()
        self._begin_training()
        self._last = self._trainings[context] = _Training(
            estimator, self.keep_history, self.sample_ids, log, self.history_dir
        )
        self._watched_name_ = type(estimator).__name__

    def on_fit_task_begin(self, estimator: Estimator, context: Any) -> None:
        """Do nothing: a task is recorded as it ends.

        Parameters
        ----------
        estimator : estimator
            The estimator that is trained.
        context : CallbackContext
            The task.
        """

    def on_fit_task_end(
        self,
        estimator: Estimator,
        context: Any,
        *,
        X: Container = None,
        y: Container = None,
        metadata: Mapping[str, Any] | None = None,
        fitted_estimator: Estimator = None,
    ) -> None:
        """Record an iteration, or make the map at the end of `fit`.

        Parameters
        ----------
        estimator : estimator
            The estimator that is trained.
        context : CallbackContext
            The task.
        X, y : container, array-like
            The training set.
        metadata : dict
            Other arguments of `fit`. Rows with a `sample_weight` of 0 are marked on the map.
        fitted_estimator : estimator
            A copy that can predict, as if training had stopped here.
        """
        training = self._trainings.get(context.parent)
        if training is not None and fitted_estimator is not None:
            weight = (metadata or {}).get("sample_weight")
            training.record(fitted_estimator, X, y, weight)
        elif self._last is self._trainings.get(context):
            self._end_training()

    def teardown(self, estimator: Estimator, context: Any) -> None:
        """Release the training set.

        Parameters
        ----------
        estimator : estimator
            The estimator that was trained.
        context : CallbackContext
            The task of its `fit`.
        """
        training = self._trainings.pop(context, None)  # None: `setup` raised an error
        if training is not None:
            training.end()

    def __getstate__(self):
        """Exclude running trainings, which belong to this process."""
        return {**super().__getstate__(), "_trainings": {}}

    @property
    def dynamics_(self) -> TrainingDynamics:
        """The training dynamics of the last training."""
        if self._last is None:
            raise AttributeError(
                "Nothing was recorded yet: fit a classifier that has this callback, in this "
                "process."
            )
        if self._last.recording is None:
            raise AttributeError(f"Nothing was recorded in the last fit. {self._last.why_not}")
        return self._last.recording.dynamics


def _excluded(sample_weight):
    """Mark the rows of weight 0; None if there is none, or no other."""
    if sample_weight is None or np.ndim(sample_weight) != 1:
        return None
    excluded = np.asarray(sample_weight) == 0
    return excluded if excluded.any() and not excluded.all() else None


class _Training:
    """One training of one estimator."""

    recording: RunRecorder = None  # type: ignore[assignment]
    iterations: EpochEvaluator = None  # type: ignore[assignment]

    def __init__(self, estimator, keep_history, sample_ids, log, history_dir):
        reason = CallbackWatcher().refuses(estimator)
        self.keep_history, self.supported = keep_history, reason is None
        self.sample_ids, self.log, self.history_dir = sample_ids, log, history_dir
        self.why_not = reason or (
            f"{type(estimator).__name__} did not inform its callbacks of any iteration."
        )

    def record(self, model, X, y, sample_weight=None):
        """Record the model of an iteration."""
        if not self.supported or X is None or y is None:
            return
        if self.recording is None:
            y, classes, y_encoded = check_labels(y, model)
            names = check_sample_ids(self.sample_ids, len(y_encoded), "DataMapCallback")
            self.recording = RunRecorder(
                y,
                classes,
                y_encoded,
                self.keep_history,
                sample_ids=names,
                excluded_mask=_excluded(sample_weight),
                log=self.log,
                history_dir=self.history_dir,
            )
            self.recording.open_log()
            self.recording.begin(max_n_epochs(model))
            self.iterations = EpochEvaluator(self.recording, X)
        elif not np.array_equal(y, self.recording.labels):
            raise SampleAlignmentError(
                f"{type(model).__name__} must pass all rows to its callbacks, in the same order at "
                f"each iteration; the labels of iteration {self.iterations.n_recorded} differ from "
                "those of the first."
            )
        if hasattr(model, "feature_names_in_") and not hasattr(X, "columns"):
            model = copy(model)
            del model.feature_names_in_  # X arrives without the column names, which were checked
        self.iterations.record(model)

    def __getstate__(self):
        """Exclude the training set from pickles."""
        return {**vars(self), "iterations": None}

    def end(self):
        """Release the training set."""
        self.iterations = None  # type: ignore[assignment]
