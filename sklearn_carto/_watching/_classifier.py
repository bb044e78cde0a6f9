"""CartographyClassifier: train a classifier as it trains anyway, and watch its training rows."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_carto._inputs._containers import check_same_length, row_names, take
from sklearn_carto._inputs._fingerprint import fingerprint
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._inputs._torch_datasets import (
    check_dataset_labels,
    check_not_stream,
    is_dataset,
    labels_of,
)
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._diagnostics import warn_of_unseen_rows, warn_where_degenerate
from sklearn_carto._utils._compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    _check_method_params,
    _fit_context,
)
from sklearn_carto._utils._folds import disjoint_folds
from sklearn_carto._utils._metaestimators import DelegatingClassifier, last_step
from sklearn_carto._utils._progress import progress
from sklearn_carto._watching._callback_task import TrainingTask
from sklearn_carto._watching._find import check_fit_params, get_watcher
from sklearn_carto._watching._pipelines import fit_transformers, router_of, sort_by_taker
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._seeds import set_seed
from sklearn_carto.exceptions import NotWatchableError


class CartographyClassifier(CallbackSupportMixin, DelegatingClassifier):
    """Train a classifier and record its training dynamics.

    A clone of `estimator` is trained just as it would be without us; after each epoch it is asked
    for the probability that it gives to the label of each training row. What can be watched:

    - estimators with `partial_fit` (SGDClassifier, MLPClassifier, ...): one call over all rows is
      one epoch, `n_epochs` says how many (`max_iter`, of `fit`, plays no part);
    - skorch nets: their own loop, callbacks, `max_epochs` and order of batches. Rows that
      `train_split` holds out are recorded too, and marked;
    - ensembles with `staged_predict_proba` (HistGradientBoostingClassifier, ...), random forests,
      and the classifiers of XGBoost, LightGBM and CatBoost: each stage, or tree, is an epoch, at a
      cost linear in their number;
    - other ensembles with `warm_start` and `n_estimators` (BaggingClassifier, ...): each member is
      an epoch;
    - LogisticRegression, and what else shows its iterations to scikit-learn's callbacks
      (scikit-learn >= 1.9): each iteration is an epoch;
    - a :class:`~sklearn.pipeline.Pipeline` that ends in one of these: its transformers are fitted
      once, its last step is watched.

    Where an estimator has no probabilities, the softmax (two classes: the sigmoid) of its
    `decision_function` stands in for them.

    Parameters
    ----------
    estimator : estimator
        The classifier to train.
    n_epochs : int, default=None
        Number of epochs. None: what the estimator says itself (a net's `max_epochs`, the stages
        that an ensemble trained), else 20. On a net it sets `max_epochs`; of an ensemble it records
        that many evenly spaced stages, and of a solver's iterations that many first ones; neither
        changes the training.
    record : {"epoch_end", "training"}, default="epoch_end"
        When probabilities are asked for: in a pass of its own at the end of each epoch, or, of a
        skorch net, as they arise in training, at no extra pass. The latter are those of a model
        that moves within the epoch, with dropout and batch statistics as in training; rows that a
        loader leaves out of an epoch are not seen at it. Held-out rows are then recorded by the
        net's own validation pass.
    keep_history : bool, default=True
        Whether `dynamics_` keeps every epoch, in O(n_samples * n_epochs) memory. The map is the
        same without.
    random_state : int, RandomState instance or None, default=None
        An int is set on every `random_state` of the clone, nested ones too; a net trains with
        torch, numpy and Python seeded by it, and these generators are restored. None touches
        nothing. Where epochs are calls of `partial_fit`, an int (this, or the estimator's own)
        becomes one generator for the whole training: an int as such would start each epoch from
        the same state, and visit the rows in the same order.
    verbose : int, default=0
        Whether to show progress.
    cv : int, cross-validation generator or iterable, default=None
        None: each row is recorded by the model that trains on it, which shows what the model learns
        and what it memorises. Else out of fold, by a model that did not train on it, which shows
        what the other rows tell of a row: for finding wrong labels with models that memorise, at
        the price of as many trainings as folds, and one on all rows for `estimator_`.

    Attributes
    ----------
    estimator_ : estimator
        The trained clone.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    dynamics_ : TrainingDynamics
        What was recorded.
    data_map_ : DataMap
        The map.
    confidence_, variability_, correctness_ : ndarray of shape (n_samples,)
        Three statistics of the map.
    n_epochs_ : int
        Number of epochs recorded.
    interrupted_ : bool
        Whether training was broken off (Ctrl-C, an error) after at least one whole epoch; what was
        recorded up to then is kept.
    n_features_in_ : int
        Number of features, where the inner estimator knows it.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where the inner estimator knows them.

    See Also
    --------
    DataMapSelector : Keep the rows of one region.
    DataMapDisplay : Draw the map.

    Notes
    -----
    Metadata routing maps `fit` to the method really called: `partial_fit` of the first kind above,
    `fit` of the others. With routing enabled, request metadata of that method, for example
    ``SGDClassifier().set_partial_fit_request(sample_weight=True)``.

    With scikit-learn >= 1.9 it takes callbacks: each training (one, or with `cv` one a fold and a
    last one) is a task of `fit`, and each epoch a task of its training. Where epochs are calls of
    `partial_fit`, callbacks are handed a copy that can predict (`fitted_estimator`), and may end
    the training. Ensembles are trained first, and shown while their stages are replayed, by blocks
    of rows.

    Nets under a threading backend train one at a time, since torch's generators belong to the
    process; a net that is asked in another thread meanwhile draws from them, too. Not restored
    around the recording pass are generators private to a module or data set, and buffers that a
    forward pass in evaluation mode writes.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography: Mapping and Diagnosing Datasets with
       Training Dynamics", EMNLP 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import CartographyClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> learner = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
    >>> model = CartographyClassifier(learner, n_epochs=10).fit(X, y)
    >>> model.data_map_
    <DataMap: 150 rows of 3 classes, 10 epochs>
    >>> bool(model.confidence_[y == 0].mean() > model.confidence_[y == 1].mean())
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit")],
        "n_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "record": [StrOptions({"epoch_end", "training"})],
        "keep_history": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "cv": ["cv_object"],
    }

    def __init__(
        self,
        estimator,
        *,
        n_epochs=None,
        record="epoch_end",
        keep_history=True,
        random_state=None,
        verbose=0,
        cv=None,
    ):
        self.estimator = estimator
        self.n_epochs = n_epochs
        self.record = record
        self.keep_history = keep_history
        self.random_state = random_state
        self.verbose = verbose
        self.cv = cv

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None, **params):
        """Train a clone of the estimator and record its training dynamics.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The training rows, handed to the estimator as they are; of a skorch net also a dict or
            tuple of inputs, or a torch Dataset.
        y : array-like of shape (n_samples,)
            Labels of any type. May be left away where `X` is a torch Dataset: it is then read once
            for its labels, which must be 0 to n_classes - 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, for the watched estimator.
        **params : dict
            Further arguments of the watched estimator's `partial_fit` or `fit`. For a pipeline
            ``<step>__<name>``, or routed metadata.

        Returns
        -------
        self : CartographyClassifier
            The fitted estimator.

        Raises
        ------
        NotWatchableError
            If the estimator does not learn in steps that can be seen.
        InvalidProbabilitiesError
            If it answers with NaN, or with numbers that are no probabilities.
        ValueError
            If `y` holds missing values, a single class, or several columns; if lengths differ.
        """
        way = get_watcher(self.estimator)
        self._check_record(way)
        check_not_stream(X)
        y = labels_of(X) if y is None and is_dataset(X) else y
        y, classes, y_encoded = check_labels(y, self)
        check_same_length(X, y)
        if is_dataset(X):
            check_dataset_labels(classes)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        routed = sort_by_taker(self, self.estimator, way.method, {**params, **weights})
        seed, names = self._seed(), row_names(X)
        training_set = _fingerprint_of_set(X, classes, y_encoded)
        recording = RunRecorder(y, classes, y_encoded, self.keep_history, names, self.record)
        # out of fold; the model that is kept trains on all rows
        folds = [] if self.cv is None else disjoint_folds(self.cv, y, seed)
        told = {"estimator": self, "X": X, "y": y, "metadata": weights or None}
        fit_task = self._init_callback_context(max_subtasks=len(folds) + 1)
        fit_task.call_on_fit_task_begin(**told)
        for train, test in folds:
            taken: dict = defaultdict(dict)
            for step, of_step in routed.items():
                taken[step] = _check_method_params(X, of_step, train)
            part, few, asked = recording.of_rows(test), take(X, train), take(X, test)
            of_few = _check_method_params(X, weights, train) or None
            task = TrainingTask(fit_task, estimator=self, X=few, y=y[train], metadata=of_few)
            self._watch(clone(self.estimator), few, y[train], part, taken, seed, task, asked)
        whole = recording if self.cv is None else RunRecorder(y, classes, y_encoded, False)
        estimator, interrupted = clone(self.estimator), True
        try:
            self._watch(estimator, X, y, whole, routed, seed, TrainingTask(fit_task, **told))
            interrupted = False
        finally:
            if whole.complete():
                self._keep(estimator, recording.dynamics, way.encodes_labels, interrupted)
                self._training_set = training_set
        warn_of_unseen_rows(recording.dynamics)
        warn_where_degenerate(self.data_map_, recording.dynamics, _name(self.estimator))
        fit_task.call_on_fit_task_end(**told, reconstruction_attributes={})
        return self

    def _watch(self, estimator, X, y, recording, routed, seed, task, asked=None):
        """Train an estimator in place, record the rows asked for, and tell callbacks of it."""
        way = get_watcher(estimator)
        set_seed(estimator, seed)
        watched, depth, params = estimator, 0, routed["watched"]
        while isinstance(watched, Pipeline):
            X, params = fit_transformers(watched, X, y, routed[f"transformers_{depth}"], params)
            if asked is not None and len(watched.steps) > 1:
                asked = watched[:-1].transform(asked)
            watched, depth = watched.steps[-1][1], depth + 1
        check_fit_params(watched, way.method, params)
        if way.encodes_labels:
            y_encoded = np.searchsorted(recording.classes, y)
            y = way.encode(watched, y_encoded, len(recording.classes))
        tells_itself = getattr(way, "emits_callbacks", False)
        ready = partial(_ready, estimator) if way.method == "partial_fit" else None

        def track(steps):
            told = steps if tells_itself else task.track(steps, ready)
            return progress(told, description="epochs", verbose=self.verbose, total=len(steps))

        with task.handed_to(watched) if tells_itself else nullcontext():
            way.watch(
                watched,
                X,
                y,
                recording,
                n_epochs=self.n_epochs,
                seed=seed,
                params=params,
                track=track,
                asked=asked,
            )
        task.close()

    def _check_record(self, way):
        if self.record != "training":
            return
        if not getattr(way, "supports_training_pass", False):
            raise NotWatchableError(
                "record='training' hears the training pass of skorch nets alone; "
                f"{_name(self.estimator)} shows none. Use record='epoch_end'."
            )
        if self.cv is not None:
            raise ValueError(
                "record='training' hears rows that the model trains on, and cv asks for rows that "
                "it does not train on: set cv=None, or record='epoch_end'."
            )

    def _keep(self, estimator, dynamics, label_codes, interrupted):
        self.estimator_ = estimator
        known = None if label_codes else getattr(estimator, "classes_", None)
        self.classes_ = dynamics.classes if known is None else known  # as its answers are ordered
        self.dynamics_ = dynamics
        self.data_map_ = DataMap.from_dynamics(dynamics)
        self.n_epochs_ = dynamics.n_epochs
        self.interrupted_ = interrupted
        self._label_codes = label_codes

    def _is_training_set(self, X, y):
        """Tell whether these rows and labels, in this order, are the ones of the map.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        same : bool
            True for the training set of the last `fit`: the same values of the same type (of a
            frame, the same columns), however they lie in memory.
        """
        check_is_fitted(self)
        return self._training_set == _fingerprint_of_set(X, *np.unique(y, return_inverse=True))

    def _seed(self):
        if isinstance(self.random_state, np.random.RandomState):
            return check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        return self.random_state

    @property
    def confidence_(self):
        """Mean over epochs of the probability of each row's label."""
        return self.data_map_.confidence

    @property
    def variability_(self):
        """Standard deviation over epochs of the probability of each row's label."""
        return self.data_map_.variability

    @property
    def correctness_(self):
        """Share of the epochs at which each row's label was the most probable class."""
        return self.data_map_.correctness

    def get_metadata_routing(self):
        """Say which metadata goes where.

        Returns
        -------
        routing : MetadataRouter
            Maps `fit` to the transformers' `fit_transform` and to the method of the watched
            estimator that is really called.
        """
        return router_of(self, self.estimator, lambda watched: get_watcher(watched).method)


def _name(estimator):
    return type(last_step(estimator)).__name__


def _ready(estimator):
    """Attributes of a CartographyClassifier whose training stopped here."""
    return {
        "estimator_": deepcopy(estimator),
        "classes_": estimator.classes_,
        "_label_codes": False,
    }


def _fingerprint_of_set(X, classes, y_encoded):
    """Digest rows and labels; the type of integers that name classes does not matter."""
    return fingerprint(X, classes.tolist(), y_encoded)
