"""CartographyClassifier: train a classifier and record its training dynamics."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any, Literal, Self

from sklearn_carto._checkpoint._fit import open_checkpoint
from sklearn_carto._dynamics._history import HISTORY_DIR, KEEP_HISTORY, check_history_dir
from sklearn_carto._inputs._containers import (
    check_same_length,
    holds_containers,
    row_names,
    take,
)
from sklearn_carto._inputs._dataset_columns import named_labels
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._inputs._torch_datasets import (
    check_dataset_labels,
    check_not_stream,
    is_dataset,
    labels_of,
)
from sklearn_carto._logs._parquet_log import EpochLog
from sklearn_carto._maps._diagnostics import warn_if_uninformative
from sklearn_carto._maps._running_mean import RunningMeanMap
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import (
    CallbackSupportMixin,
    HasMethods,
    StrOptions,
    _fit_context,
)
from sklearn_carto._utils._folds import make_folds
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._utils._typing import (
    ArrayLike,
    Container,
    CrossValidation,
    Estimator,
    PathType,
    RandomStateType,
)
from sklearn_carto._utils._validation import Count, check_sample_ids, check_sample_weight
from sklearn_carto._watching._callback_task import TrainingTask
from sklearn_carto._watching._chunks import ChunkTraining, check_chunks
from sklearn_carto._watching._find import can_watch, get_watcher
from sklearn_carto._watching._fold_recorder import OutOfFoldRecorder
from sklearn_carto._watching._fold_training import mean_map
from sklearn_carto._watching._pipelines import make_router, route_fit_params
from sklearn_carto._watching._recorded_classifier import RecordedClassifier, training_fingerprint
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._seeds import draw_seed
from sklearn_carto._watching._training import train_and_record
from sklearn_carto._watching._training_set import TrainingSet
from sklearn_carto.exceptions import NotWatchableError


class CartographyClassifier(CallbackSupportMixin, RecordedClassifier):
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
    keep_history : bool or "float16", default=True
        Whether `dynamics_` keeps the values of every epoch, which takes 17 bytes for each sample
        and epoch, or 9 bytes with ``"float16"``, which rounds them. If False, only the statistics
        of the data map are kept, in about 120 bytes a sample. The data map is the same.
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
          is in exactly one test set. Those that use groups take them from `fit`.

    keep_models : bool, default=False
        Whether to keep the model of each epoch, for :meth:`score_map`: of a net, the parameters and
        buffers of its modules on the CPU; else a copy of the estimator, without the transformers of
        a pipeline. This takes memory of n_epochs models. Ensembles that are evaluated after the
        training need no copies.
    uncertainty : bool, default=False
        Whether to record the probabilities of all classes for the statistics `predictive_entropy`
        and `mutual_information` of the data map, which takes memory of O(n_samples * n_classes).
    checkpoint : str or path-like, default=None
        Folder to which the training is saved after each epoch, made if it does not exist. If the
        process is killed, `fit` with the same data and parameters continues after the last complete
        epoch, see Notes. Use only folders that you trust: they hold pickles. None: nothing is
        saved.
    log : str or path-like, default=None
        Folder to write what is recorded to while the classifier trains, one Parquet file for each
        epoch: a log, see :mod:`sklearn_carto.logs`. With `cv`, and of ensembles that are evaluated
        in blocks of samples, there are several files for each epoch. A folder holds the log of one
        `fit`; another one raises a LogConflictError. This requires pyarrow.
    history_dir : str or path-like, default=None
        A folder for the values of every epoch, which `dynamics_` then reads as memory maps, see
        :class:`TrainingDynamics`. Each training writes to a subfolder of its own, which is not
        removed.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone of `estimator`.
    classes_ : ndarray of shape (n_classes,)
        The class labels.
    dynamics_ : TrainingDynamics
        The recorded training dynamics.
    data_map_ : DataMap
        The data map of the training samples, made of `dynamics_` when it is first read.
    in_fold_map_ : DataMap
        The data map of the same samples, each evaluated by the models of the folds that are trained
        on it: the mean over these models of each statistic, as of :meth:`DataMap.mean`. Beside
        `data_map_`, it shows which samples the models memorize. Only defined if `cv` is not None.
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Only defined if `estimator_` exposes them.

    See Also
    --------
    DataMapSelector : Select the samples of a region of the data map.
    DataMapDisplay : Visualization of a data map.

    Notes
    -----
    **What is recorded** equals `predict_proba` of the model of that epoch. Margins are those of
    logits where these are known: of LogisticRegression, gradient boosting, nets, and classifiers
    with log loss and two classes; else of probabilities. A class that a training set of `cv` lacks
    has a probability of 0. Outputs of a net beyond the classes are columns without a label.

    **Metadata routing.** `fit` is mapped to the method that trains the estimator: `partial_fit` if
    it is watched through `partial_fit`, else `fit`. With metadata routing enabled, request metadata
    for that method, for example
    ``SGDClassifier().set_partial_fit_request(sample_weight=True)``. `groups` are routed to `split`
    of `cv`. Without routing, arguments with one entry for each sample are split as the samples are,
    and an argument that the estimator does not take is an error.

    **Callbacks** (scikit-learn >= 1.9). Each training is a subtask of `fit`: one, or with `cv` one
    for each fold and a last one. Each epoch is a subtask of its training. For estimators with
    `partial_fit`, callbacks receive a `fitted_estimator` after each epoch and may stop the
    training. Ensembles are trained first; their subtasks are the blocks of samples in which the
    stages are replayed.

    **Interrupts.** An interrupt (Ctrl-C) or error is raised on. If an epoch was complete by then,
    complete epochs are kept, and the classifier predicts; if none was, it stays as it was before
    `fit`.

    **Checkpoints.** A training that is continued ends with the weights and the map of one that was
    not interrupted, bit for bit, where the training itself is deterministic. What is saved is the
    estimator with all its state and the fitted transformers of a pipeline, what they return, the
    states of the random generators of numpy, Python and torch (also with ``random_state=None``),
    and what was recorded; of `cv`, finished folds are kept and the fold that was running continues.

    - Estimators with `partial_fit` and nets continue after the last complete epoch; nets with their
      callbacks, optimizer, gradients, hooks and validation split. Nets of accelerate are refused,
      and so are classes that redefine `fit`. What cannot be pickled, or not be loaded again, is a
      CheckpointError at the end of the first epoch. Workers of a data loader that draw at random
      and persist over epochs are not part of a checkpoint, nor are torch Datasets and callbacks of
      scikit-learn: those of the estimator that is passed are used.
    - Ensembles that grow by `warm_start` continue after the last complete stage.
    - Ensembles and boosters that are evaluated after the training are saved once they are trained,
      and then in blocks of samples; a training that did not end begins again.
    - Estimators that are watched through callbacks of scikit-learn begin again, with the generators
      as they were at the beginning; `cv` keeps their finished folds.

    A fit that is complete is loaded instead of trained again: to train anew, for example with
    ``random_state=None``, pass another folder. Data, labels, parameters or versions of libraries
    other than those of the checkpoint are a CheckpointError that names them; rows of a torch
    Dataset of your own class cannot be compared. Each training needs a folder of its own, so that
    comparisons, cross-validations and searches need None. A damaged file is a
    DamagedCheckpointWarning, and the training continues from the epoch before it. If a file cannot
    be written, for example to a full disk, the error is raised as for an interrupt: complete epochs
    are kept, and so are the last two in the folder.

    **Nets.** Under a threading backend they are trained one at a time, since all threads share the
    generators of torch; a net that predicts in another thread meanwhile draws from them, too. After
    an evaluation pass, the global generators and the mode of each module are restored. The weights
    are therefore bit for bit those of a training without recording, with these exceptions:

    - generators that belong to a module or data set, and buffers that a forward pass in evaluation
      mode changes, are not restored;
    - a torch Dataset without `y` is read once for its labels, which advances a generator of its
      own. Pass `y`;
    - with ``torch.backends.cudnn.benchmark = True``, batches of another size may select other
      kernels, which round differently;
    - probabilities that depend on the other samples of a batch are those of the batches of the
      evaluation pass;
    - if a data set augments its samples at random, each epoch is recorded on freshly augmented
      samples, so that variability includes that of the augmentation.

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
        "n_epochs": [Count(1), None],
        "record": [StrOptions({"epoch_end", "training"})],
        "keep_history": KEEP_HISTORY,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "cv": ["cv_object"],
        "keep_models": ["boolean"],
        "uncertainty": ["boolean"],
        "checkpoint": [str, PathLike, None],
        "log": [str, PathLike, None],
        "history_dir": HISTORY_DIR,
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        n_epochs: int | None = None,
        record: Literal["epoch_end", "training"] = "epoch_end",
        keep_history: bool | Literal["float16"] = True,
        random_state: RandomStateType = None,
        verbose: int = 0,
        cv: CrossValidation = None,
        keep_models: bool = False,
        uncertainty: bool = False,
        checkpoint: PathType | None = None,
        log: PathType | None = None,
        history_dir: PathType | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_epochs = n_epochs
        self.record = record
        self.keep_history = keep_history
        self.random_state = random_state
        self.verbose = verbose
        self.cv = cv
        self.keep_models = keep_models
        self.uncertainty = uncertainty
        self.checkpoint = checkpoint
        self.log = log
        self.history_dir = history_dir

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Container,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        sample_ids: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Fit a clone of the estimator and record its training dynamics.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Training samples, passed to the estimator as they are: an array, sparse matrix,
            dataframe or list; for a skorch net also a dict or tuple of inputs, or a torch Dataset.
        y : array-like of shape (n_samples,), default=None
            Labels of any type. May be omitted if `X` is a torch Dataset, which is then iterated
            over once for its labels; these must be 0 to n_classes - 1. If it is a Hugging Face
            Dataset, also the name of the column of the labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, passed to the estimator. If None, samples are equally weighted. Samples
            of weight 0 are recorded, and marked in `data_map_.excluded_mask`.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample, passed to `cv`. The estimator receives them only if its method
            has an argument of that name. With an int `cv`, each group is kept in one fold.
        sample_ids : array-like of shape (n_samples,), default=None
            A unique id of each sample, for `data_map_.sample_ids`: text, numbers, dates or other
            hashable objects. If None, the index of a pandas dataframe that has one of its own.
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
            If `y` has missing values, a single class or several columns, if `X` and `y` differ in
            length, or if a fold of `cv` trains on samples that it tests.
        CheckpointError
            If `checkpoint` holds another fit or is in use, or cannot hold the estimator.
        OSError
            If `checkpoint` cannot be written.
        TypeError
            If the estimator takes no argument of the name of one of `params`.
        """
        # 1. Check the estimator, the samples and the labels.
        check_history_dir(self.history_dir, self.keep_history, type(self).__name__)
        watcher = get_watcher(self.estimator)
        self._check_record(watcher)
        self._check_log()
        check_not_stream(X)
        y = labels_of(X) if y is None and is_dataset(X) else y
        y, classes, y_encoded = check_labels(named_labels(X, y), self)
        check_same_length(X, y)
        if is_dataset(X):
            check_dataset_labels(classes)

        # 2. Route weights and metadata, and split into folds, before anything is trained.
        name, n_samples = type(self).__name__, len(y)
        check_sample_weight(sample_weight, n_samples, f"{name}.fit")
        sample_ids = check_sample_ids(sample_ids, n_samples, f"{name}.fit")
        data = self._route(X, y, watcher, params, sample_weight, groups)
        seed = draw_seed(self.random_state)
        folds = self._make_folds(data, seed)
        recorder = RunRecorder(
            y, classes, y_encoded, self.keep_history,
            sample_ids=row_names(X) if sample_ids is None else sample_ids,
            record=self.record if self.cv is None else "out_of_fold",
            excluded_mask=data.excluded_mask(),
            uncertainty=self.uncertainty, history_dir=self.history_dir,
            log=None if self.log is None else EpochLog(self.log, name),
        )  # fmt: skip
        training_set = training_fingerprint(X, classes, y_encoded)
        del y_encoded  # the recorder has them in less memory

        # 3. With cv, record each fold with a model that is trained on the others; then train the
        # final model on all samples and, without cv, record it.
        fit_task = self._init_callback_context(max_subtasks=len(folds) + 1)
        fit_task.call_on_fit_task_begin(**data.fit_args(self))
        refusal = watcher.refuses_checkpoint(last_step(self.estimator))
        with open_checkpoint(self, data, recorder, seed, folds, refusal) as checkpoint:
            in_fold_map = self._fit_folds(data, recorder, fit_task, checkpoint)
            self._fit_all(data, recorder, fit_task, training_set, in_fold_map, checkpoint)
        warn_if_uninformative(None, self.dynamics_, _name(self.estimator))
        fit_task.call_on_fit_task_end(**data.fit_args(self), reconstruction_attributes={})
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_chunks(self, factory: Callable[..., Any], *, classes: ArrayLike | None = None) -> Self:
        """Fit a clone of the estimator to data that are read chunk by chunk, and record it.

        This is for data that do not fit into memory. Each chunk is one call of `partial_fit`; an
        epoch is one call with each chunk. With a single chunk, everything is as in :meth:`fit`. The
        data are read once for each epoch and once more to record the last one, and, unless
        `classes` are given, once more at first. Memory is needed for a chunk, the labels, the ids
        and what is recorded.

        Parameters
        ----------
        factory : callable
            Called without arguments for each reading; returns an iterable of chunks, ``(X, y)`` or
            ``(ids, X, y)``: a new generator, a list, or a DataLoader. It may fill the same arrays
            with each chunk. Each reading must hold the same rows with the same labels, each once.
            Rows with ids may come in another order and in other chunks at each reading. Those
            without must come in the same order.
        classes : array-like of shape (n_classes,), default=None
            All labels. They are then not read first, unless the estimator balances the weights of
            its classes.

        Returns
        -------
        self : CartographyClassifier
            Fitted estimator. The rows of `data_map_` and `dynamics_` are in the order of the first
            reading; `sample_ids` are the ids.

        Raises
        ------
        NotWatchableError
            If the estimator has no `partial_fit` of its own: an ensemble, a net of skorch, or a
            pipeline, whose samples are to be transformed by the factory.
        SampleAlignmentError
            If a reading holds other rows or labels than the first one, or a row twice. It names
            them. The epochs that were complete are kept.
        ValueError
            If a chunk is malformed, if labels are missing or of a single class, or if `cv`,
            `checkpoint` or ``record="training"`` is set.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import SGDClassifier
        >>> from sklearn_carto import CartographyClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> def read():
        ...     for rows in np.array_split(np.random.permutation(150), 3):
        ...         yield rows, X[rows], y[rows]
        >>> sgd = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
        >>> CartographyClassifier(sgd, n_epochs=5).fit_chunks(read).data_map_
        <DataMap: 150 rows of 3 classes, 5 epochs>
        """
        check_chunks(self, factory)
        estimator, interrupted = clone(self.estimator), True
        training = ChunkTraining(self, estimator, factory, classes, draw_seed(self.random_state))
        try:
            training.run()
            interrupted = False
        finally:
            own = training.recorder
            if own is not None and own.complete():
                self._training_set = None  # is known by chunk only
                self._keep(estimator, own.dynamics, False, interrupted, None)
                self._epoch_models, self._n_epochs_trained = own.models, own.n_epochs
        warn_if_uninformative(None, self.dynamics_, _name(self.estimator))
        return self

    def _route(self, X, y, watcher, params, sample_weight, groups):
        """Route the arguments of `fit` to those that take them."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        params = {**params, **weights} | ({} if groups is None else {"groups": groups})
        routed = route_fit_params(self, self.estimator, watcher.method, params, self.cv)
        check_sample_weight(
            routed["watched"].get("sample_weight"), len(y), f"{_name(self.estimator)}.fit"
        )
        return TrainingSet(X, y, routed, weights)

    def _make_folds(self, data, seed):
        if self.cv is None:
            return []
        plain = not (holds_containers(data.X) or is_dataset(data.X))
        groups = data.routed["splitter"].get("groups")
        X = data.X if plain else None
        return make_folds(self.cv, data.y, seed, X=X, groups=groups, once=True)

    def _fit_folds(self, data, recorder, fit_task, checkpoint):
        """Record the samples of each fold with a clone that is trained on the other samples.

        Returns the map of the training samples of the folds; None without folds.
        """
        mean = RunningMeanMap(recorder.n_samples if checkpoint.folds else 0)
        checkpoint.begin(recorder, mean)
        recorder.open_log(checkpoint.log_run, anew=self._logs_parts_of_epochs())
        if not checkpoint.folds:
            return None
        for fold, (train, test) in enumerate(checkpoint.folds):
            if fold < checkpoint.n_finished:
                continue
            subset = data.take(train)
            task = TrainingTask(fit_task, **subset.fit_args(self))
            of_fold = OutOfFoldRecorder(recorder, train, test)
            training = checkpoint.training(fold, of_fold)
            estimator = self._estimator_of(training)
            self._train(estimator, subset, take(data.X, test), of_fold, task, training)
            mean.add(*of_fold.in_fold.statistics())
            training.finish(estimator, mean)
        return mean_map(mean, recorder)

    def _fit_all(self, data, recorder, fit_task, training_set, in_fold_map, checkpoint):
        """Train a clone on all samples, record it unless folds were, and keep what is complete."""
        own = recorder
        if self.cv is not None:  # what this training shows is not kept
            own = RunRecorder(data.y, recorder.classes, recorder.y_encoded, False)
        watcher, interrupted = get_watcher(self.estimator), True
        own.models = [] if self.keep_models and not watcher.replays else None
        training = checkpoint.training(len(checkpoint.folds), own)
        estimator = self._estimator_of(training)
        task = TrainingTask(fit_task, **data.fit_args(self))
        try:
            if not training.is_finished:
                self._train(estimator, data, None, own, task, training)
            if own.complete():
                training.finish(estimator)
            interrupted = False
        finally:
            if own.complete():
                self._training_set = training_set
                dynamics, encodes = recorder.dynamics, watcher.encodes_labels
                self._keep(estimator, dynamics, encodes, interrupted, in_fold_map)
                self._epoch_models, self._n_epochs_trained = own.models, own.n_epochs
        if not own.complete():
            raise NotWatchableError(
                f"{_name(estimator)} was trained for no complete epoch, so that nothing could be "
                "recorded. Set its number of epochs, stages or iterations to at least 1."
            )

    def _estimator_of(self, training):
        """Return the estimator of a training that is continued, or a clone."""
        return clone(self.estimator) if training.estimator is None else training.estimator

    def _train(self, estimator, data, X_eval, recorder, task, training):
        options = {"n_epochs": self.n_epochs, "verbose": self.verbose, "checkpoint": training}
        train_and_record(estimator, data, X_eval, recorder, training.seed, task, **options)

    def _logs_parts_of_epochs(self):
        """Whether each file of the log holds some rows of an epoch, not all of them."""
        return self.cv is not None or get_watcher(self.estimator).replays

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

    def _check_log(self):
        """Check that the log of a training that is continued can be written again."""
        lasts = self.checkpoint is not None and self.log is not None
        if lasts and self.keep_history is not True and self._logs_parts_of_epochs():
            raise ValueError(
                "log and checkpoint together require keep_history=True with cv, and for ensembles "
                "that are evaluated in blocks of samples: a training that is continued writes its "
                f"log again from the history. Got keep_history={self.keep_history!r}. Set it to "
                "True, or log or checkpoint to None."
            )

    def get_metadata_routing(self) -> Any:
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            Maps `fit` to `fit_transform` of the transformers and to the method that trains the
            watched estimator.
        """
        # an estimator that cannot be watched is an error of `fit`, not of its routing
        method = get_watcher(self.estimator).method if can_watch(self.estimator) else "fit"
        return make_router(self, self.estimator, method, self.cv)


def _name(estimator):
    return type(last_step(estimator)).__name__
