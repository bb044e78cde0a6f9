"""CartographyClassifier: train a classifier and record its training dynamics."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from numbers import Integral

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
from sklearn_carto._maps._diagnostics import warn_if_uninformative
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
)
from sklearn_carto._utils._folds import make_folds
from sklearn_carto._utils._metaestimators import DelegatingClassifier, last_step
from sklearn_carto._utils._progress import progress
from sklearn_carto._watching._callback_task import TrainingTask
from sklearn_carto._watching._find import check_fit_params, get_watcher
from sklearn_carto._watching._pipelines import fit_transformers, make_router, route_fit_params
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._seeds import draw_seed, set_seed
from sklearn_carto._watching._training_set import TrainingSet
from sklearn_carto.exceptions import NotWatchableError


class CartographyClassifier(CallbackSupportMixin, DelegatingClassifier):
    """Classifier that records the training dynamics of the estimator it trains.

    A clone of `estimator` is trained exactly as it would be without recording. After each epoch,
    the predicted probability of the label of every training sample is recorded. The mean of these
    probabilities over the epochs (confidence), their standard deviation (variability) and the share
    of epochs with a correct prediction (correctness) form a data map [1]_, in which samples are
    easy to learn, ambiguous or hard to learn.

    Parameters
    ----------
    estimator : estimator
        Classifier to train. What counts as an epoch depends on its kind:

        - estimators with `partial_fit`, for example SGDClassifier or MLPClassifier: one call with
          all samples. `n_epochs` calls are made; `max_iter` is not used;
        - skorch nets: an epoch of their own training loop, with their own callbacks, `max_epochs`
          and order of batches. Samples that `train_split` holds out are recorded, too, and marked
          in `data_map_.held_out_mask`;
        - ensembles with `staged_predict_proba` such as HistGradientBoostingClassifier, random
          forests, BaggingClassifier, and the classifiers of XGBoost, LightGBM and CatBoost: one
          stage, tree or member. They are trained first and evaluated stage by stage afterwards, at
          a cost linear in the number of stages;
        - other ensembles with `warm_start` and `n_estimators`: one member;
        - LogisticRegression and other classifiers that show their iterations to scikit-learn's
          callbacks (scikit-learn >= 1.9): one iteration;
        - a :class:`~sklearn.pipeline.Pipeline` that ends in one of these: an epoch of its last
          step. The transformers are fitted once.

        If the estimator has no `predict_proba`, the softmax (of two classes, the sigmoid) of its
        `decision_function` is recorded.
    n_epochs : int, default=None
        Number of epochs to record. Estimators with `partial_fit` and nets are trained for that
        many epochs. Of an ensemble, that many evenly spaced stages are recorded, and of a solver
        the first iterations; neither changes the training. If None, all epochs, stages or
        iterations that the estimator trains for; 20 epochs for estimators with `partial_fit`.
    record : {"epoch_end", "training"}, default="epoch_end"
        When probabilities are recorded:

        - ``"epoch_end"``: in an additional pass over all samples at the end of each epoch;
        - ``"training"``: in the training forward pass, without an additional pass; for skorch nets
          only, and not together with `cv`. The probabilities are those of a model that changes
          within the epoch, with dropout and batch statistics as in training. Samples that the data
          loader leaves out of an epoch are not recorded at that epoch; held-out samples are
          recorded in the validation pass.
    keep_history : bool, default=True
        Whether `dynamics_` keeps the values of every epoch, which takes memory of
        O(n_samples * n_epochs). If False, only the statistics of the data map are kept, which are
        the same.
    random_state : int, RandomState instance or None, default=None
        Controls the randomness of the training. Pass an int for reproducible output across multiple
        function calls: it is set on every `random_state` of the clone, including nested ones, and a
        net is trained with the generators of torch, numpy and Python seeded, which are restored
        afterwards. If None, no parameter and no generator is changed.

        For estimators with `partial_fit`, an int (this one, or the estimator's own) is replaced by
        one generator for the whole training: with an int, every call would start from the same
        state and visit the samples in the same order.
    verbose : int, default=0
        Whether to show a progress bar.
    cv : int, cross-validation generator or iterable, default=None
        Determines which model evaluates which samples:

        - None: all samples are evaluated by the model that is trained on them, which shows what it
          learns and what it memorizes;
        - int: number of folds of a stratified k-fold. Each sample is evaluated by a model that is
          not trained on it. This finds wrong labels also with models that memorize them. One model
          is trained for each fold, and one on all samples for `estimator_`;
        - a cross-validation generator or an iterable of (train, test) indices, in which each sample
          is in exactly one test set.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone of `estimator`.
    classes_ : ndarray of shape (n_classes,)
        The class labels.
    dynamics_ : TrainingDynamics
        The recorded training dynamics.
    data_map_ : DataMap
        The data map of the training samples.
    confidence_ : ndarray of shape (n_samples,)
        Mean over epochs of the probability of each sample's label, in [0, 1].
    variability_ : ndarray of shape (n_samples,)
        Standard deviation over epochs of the probability of each sample's label, in [0, 0.5].
    correctness_ : ndarray of shape (n_samples,)
        Share of the epochs at which each sample was predicted correctly, in [0, 1].
    n_epochs_ : int
        Number of recorded epochs.
    interrupted_ : bool
        Whether training was interrupted (by Ctrl-C or an error) after at least one complete epoch.
        These epochs are kept.
    n_features_in_ : int
        Number of features seen during `fit`. Only defined if `estimator_` exposes it.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`. Only defined if `estimator_` exposes them.

    See Also
    --------
    DataMapSelector : Select the samples of a region of the data map.
    DataMapDisplay : Visualization of a data map.

    Notes
    -----
    **Metadata routing.** `fit` is mapped to the method that trains the estimator: `partial_fit` if
    it is watched through `partial_fit`, else `fit`. With metadata routing enabled, request metadata
    for that method, for example
    ``SGDClassifier().set_partial_fit_request(sample_weight=True)``.

    **Callbacks** (scikit-learn >= 1.9). Each training is a subtask of `fit`: one, or with `cv` one
    for each fold and a last one. Each epoch is a subtask of its training. For estimators with
    `partial_fit`, callbacks receive a `fitted_estimator` after each epoch and may stop the
    training. Ensembles are trained first; their subtasks are the blocks of samples in which the
    stages are replayed.

    **Nets.** Under a threading backend they are trained one at a time, since all threads share the
    generators of torch; a net that predicts in another thread meanwhile draws from them, too. After
    an evaluation pass, the global generators and the mode of each module are restored, but neither
    generators that belong to a module or dataset nor buffers that a forward pass in evaluation mode
    changes.

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
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
    >>> clf = CartographyClassifier(sgd, n_epochs=10).fit(X, y)
    >>> clf.data_map_
    <DataMap: 150 rows of 3 classes, 10 epochs>
    >>> bool(clf.confidence_[y == 0].mean() > clf.confidence_[y == 1].mean())
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
        """Fit a clone of the estimator and record its training dynamics.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Training samples, passed to the estimator as they are: an array, sparse matrix,
            dataframe or list; for a skorch net also a dict or tuple of inputs, or a torch Dataset.
        y : array-like of shape (n_samples,), default=None
            Labels of any type. May be omitted if `X` is a torch Dataset, which is then iterated
            over once for its labels; these must be 0 to n_classes - 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, passed to the estimator. If None, samples are equally weighted.
        **params : dict
            Further arguments of `fit` or `partial_fit` of the estimator; for a pipeline
            ``<step>__<name>``, or routed metadata.

        Returns
        -------
        self : CartographyClassifier
            Fitted estimator.

        Raises
        ------
        NotWatchableError
            If the estimator does not train in steps that can be recorded.
        InvalidProbabilitiesError
            If the estimator predicts NaN, or numbers that are not probabilities.
        ValueError
            If `y` has missing values, a single class or several columns, or if `X` and `y` differ
            in length.
        """
        # 1. Check the estimator, the samples and the labels.
        watcher = get_watcher(self.estimator)
        self._check_record(watcher)
        check_not_stream(X)
        y = labels_of(X) if y is None and is_dataset(X) else y
        y, classes, y_encoded = check_labels(y, self)
        check_same_length(X, y)
        if is_dataset(X):
            check_dataset_labels(classes)

        # 2. Route weights and metadata, and split into folds, before anything is trained.
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        routed = route_fit_params(self, self.estimator, watcher.method, {**params, **weights})
        data = TrainingSet(X, y, routed, weights)
        seed = draw_seed(self.random_state)
        folds = [] if self.cv is None else make_folds(self.cv, y, seed, once=True)
        recorder = RunRecorder(y, classes, y_encoded, self.keep_history, row_names(X), self.record)
        training_set = _fingerprint_of(X, classes, y_encoded)

        # 3. With cv, record each fold with a model that is trained on the others; then train the
        # final model on all samples and, without cv, record it.
        fit_task = self._init_callback_context(max_subtasks=len(folds) + 1)
        fit_task.call_on_fit_task_begin(**data.fit_args(self))
        self._fit_folds(folds, data, recorder, seed, fit_task)
        self._fit_all(data, recorder, seed, fit_task, training_set)
        warn_if_uninformative(self.data_map_, self.dynamics_, _name(self.estimator))
        fit_task.call_on_fit_task_end(**data.fit_args(self), reconstruction_attributes={})
        return self

    def _fit_folds(self, folds, data, recorder, seed, fit_task):
        """Record the samples of each fold with a clone that is trained on the other samples."""
        for train, test in folds:
            subset = data.take(train)
            task = TrainingTask(fit_task, **subset.fit_args(self))
            X_test = take(data.X, test)
            self._watch(clone(self.estimator), subset, X_test, recorder.of_rows(test), seed, task)

    def _fit_all(self, data, recorder, seed, fit_task, training_set):
        """Train a clone on all samples, record it unless folds were, and keep what is complete."""
        own = recorder
        if self.cv is not None:  # what this training shows is not kept
            own = RunRecorder(data.y, recorder.classes, recorder.y_encoded, False)
        estimator, interrupted = clone(self.estimator), True
        encodes_labels = get_watcher(estimator).encodes_labels
        task = TrainingTask(fit_task, **data.fit_args(self))
        try:
            self._watch(estimator, data, None, own, seed, task)
            interrupted = False
        finally:
            if own.complete():
                self._training_set = training_set
                self._keep(estimator, recorder.dynamics, encodes_labels, interrupted)

    def _watch(self, estimator, data, X_eval, recorder, seed, task):
        """Train an estimator in place, record `X_eval` (None: its training samples)."""
        # 1. Prepare the estimator, and what its last step takes.
        watcher = get_watcher(estimator)
        set_seed(estimator, seed)
        fitted = fit_transformers(estimator, data.X, data.y, X_eval, data.routed)
        watched, X, X_eval, params = fitted
        check_fit_params(watched, watcher.method, params)
        y = watcher.encode(watched, data.y, recorder.classes)

        # 2. Connect progress and callbacks.
        predicts = watcher.method == "partial_fit"  # at the end of each epoch
        attributes = partial(_reconstruction_attributes, estimator) if predicts else None

        def track(steps):
            tasks = steps if watcher.emits_callbacks else task.track(steps, attributes)
            return progress(tasks, description="epochs", verbose=self.verbose, total=len(steps))

        # 3. Train and record.
        with task.propagate_to(watched) if watcher.emits_callbacks else nullcontext():
            options = {"n_epochs": self.n_epochs, "seed": seed, "params": params, "track": track}
            watcher.watch(watched, X, y, recorder, X_eval=X_eval, **options)
        task.close()

    def _check_record(self, watcher):
        if self.record != "training":
            return
        if not watcher.supports_training_pass:
            raise NotWatchableError(
                f"record='training' supports skorch nets only; got {_name(self.estimator)}. Use "
                "record='epoch_end'."
            )
        if self.cv is not None:
            raise ValueError(
                "record='training' cannot be combined with cv: it records the samples that the "
                "model trains on, and cv those that it does not train on. Set cv=None, or use "
                "record='epoch_end'."
            )

    def _keep(self, estimator, dynamics, encodes_labels, interrupted):
        self.estimator_ = estimator
        self._encodes_labels = encodes_labels
        own = None if encodes_labels else getattr(estimator, "classes_", None)
        self.classes_ = dynamics.classes if own is None else own  # in the order of its columns
        self.dynamics_ = dynamics
        self.n_epochs_ = dynamics.n_epochs
        self.data_map_ = DataMap.from_dynamics(dynamics)
        self.interrupted_ = interrupted

    def _is_training_set(self, X, y):
        """Whether samples and labels are, in this order and by value, those of the last `fit`.

        Memory layout does not matter; data types and columns of a dataframe do.
        """
        check_is_fitted(self)
        _, classes, y_encoded = check_labels(y, self)
        return self._training_set == _fingerprint_of(X, classes, y_encoded)

    @property
    def confidence_(self):
        """Mean over epochs of the probability of each sample's label."""
        return self.data_map_.confidence

    @property
    def variability_(self):
        """Standard deviation over epochs of the probability of each sample's label."""
        return self.data_map_.variability

    @property
    def correctness_(self):
        """Share of the epochs at which each sample was predicted correctly."""
        return self.data_map_.correctness

    def get_metadata_routing(self):
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            Maps `fit` to `fit_transform` of the transformers and to the method that trains the
            watched estimator.
        """
        return make_router(self, self.estimator, get_watcher(self.estimator).method)


def _name(estimator):
    return type(last_step(estimator)).__name__


def _reconstruction_attributes(estimator):
    """Return the attributes of a CartographyClassifier whose training stopped at this epoch."""
    return {
        "estimator_": deepcopy(estimator),
        "classes_": estimator.classes_,
        "_encodes_labels": False,
    }


def _fingerprint_of(X, classes, y_encoded):
    """Digest samples and labels; the type of integer labels does not matter."""
    return fingerprint(X, classes.tolist(), y_encoded)
