"""LabelIssueDetector: which labels are probably wrong."""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils import ClassifierTags, get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_carto._inputs._containers import (
    check_same_length,
    holds_containers,
    n_columns_of,
    row_names,
)
from sklearn_carto._inputs._dataset_columns import named_labels
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._inputs._result_folder import RESUME
from sklearn_carto._inputs._torch_datasets import is_dataset
from sklearn_carto._selection._label_evidence import (
    evidence_of,
    make_observer,
    rate_labels,
    trusted_mask,
)
from sklearn_carto._selection._label_folds import (
    can_train,
    check_classes,
    check_fdr,
    check_rated,
    clean_folds,
    rated_mask,
)
from sklearn_carto._selection._label_issues import LabelIssues, issues_of
from sklearn_carto._selection._label_resume import keep_folds, open_folder
from sklearn_carto._selection._label_votes import check_neighbors, fold_votes
from sklearn_carto._utils._compat import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
    _check_feature_names,
    _check_n_features,
    _fit_context,
)
from sklearn_carto._utils._folds import check_groups, make_folds
from sklearn_carto._utils._metaestimators import check_classifier, last_step
from sklearn_carto._utils._random_state import draw_seed, rule_generator
from sklearn_carto._utils._typing import (
    Array,
    ArrayLike,
    Container,
    CrossValidation,
    Estimator,
    Frame,
    PathType,
    RandomStateType,
)
from sklearn_carto._utils._validation import (
    Count,
    Number,
    check_sample_ids,
    check_sample_weight,
)
from sklearn_carto._utils._warnings import collect_warnings
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._find import can_watch, get_watcher
from sklearn_carto._watching._fold_training import predict_folds, record_folds
from sklearn_carto._watching._pipelines import make_router, route_fit_params
from sklearn_carto._watching._seeds import draw_seed as draw_training_seed
from sklearn_carto._watching._training_set import TrainingSet


class LabelIssueDetector(BaseEstimator):
    """Find the labels of a training set that are probably wrong.

    The estimator is trained on the training set of each fold of a cross-validation, and evaluated
    on all samples after each epoch. Two things show that a label is wrong: models that are not
    trained on the sample find it improbable, and models that are trained on it learn it late or
    never. The first one is an out-of-fold probability, as confident learning [1]_ uses it, here of
    several windows of epochs combined with the labels of the nearest neighbors; the second one is
    the margin [2]_ of the label, averaged over epochs. The label quality is the mean of the ranks
    of both.

    Parameters
    ----------
    estimator : estimator
        Classifier to train, with `predict_proba` or `decision_function`. If it cannot be watched
        (see :class:`CartographyClassifier`), the out-of-fold probabilities of its final models are
        used, without margins and data maps. Of a CartographyClassifier, the estimator, `n_epochs`
        and, if that of the detector is None, `random_state` are used; its other parameters are
        ignored, among them `log`, `checkpoint` and `history_dir`, which hold a single training.
    cv : int, cross-validation generator or iterable, default=5
        Determines the folds: the number of folds of a stratified, shuffled k-fold, a
        cross-validation generator, or an iterable of (train, test) indices in which each sample is
        in exactly one test set. A class may have fewer samples than there are folds; if all have,
        there are as many folds as the largest class has samples.
    n_passes : int, default=1
        Number of times that all folds are trained. From the second pass on, the labels that the
        pass before found to be probably wrong are left out of the training sets (at most half of a
        class, and of no class below 10 samples), and the out-of-fold probabilities count besides.
        Two passes find somewhat more wrong labels at twice the cost.
    neighbors : "auto", None or array-like of shape (n_samples, n_features), default="auto"
        Features in which the nearest neighbors of a sample are sought, for example embeddings.
        "auto": what the last step of a pipeline takes, or else X, where these are numeric: columns
        of numbers or booleans of a data frame, sparse matrices, and arrays such as images. Missing
        values count as the mean of their column. None, and "auto" if there are no numeric features
        (text, a dict of inputs, a torch Dataset): no neighbors.
    noise_rate : float, default=None
        Share of wrong labels, in (0, 1), if it is known, for example from a reviewed sample. It is
        required for `error_proba` and `fdr`. Data alone do not show it.
    fdr : float, default=None
        False-discovery rate, in (0, 1): the expected share of right labels among the label issues,
        if wrong labels were drawn uniformly from the other classes. Requires `noise_rate`. Wrong
        labels that are confusions of similar classes are not uniform; the share of right labels is
        then higher.
    n_jobs : int, default=None
        Number of folds that are trained in parallel. It does not affect the result.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, every `random_state` of the estimator, and the breaking of ties. Pass an
        int for reproducible output across multiple function calls. If None, the random states of
        the estimator are left as they are.
    verbose : int, default=0
        Whether to show a progress bar for each training.
    resume : str or path-like, default=None
        Folder that keeps what was recorded of each fold once it is trained, so that the same `fit`
        continues from there after an error, an interrupt or a reboot; also with another
        `n_passes`, `noise_rate` or `fdr`. Data, labels and all other parameters but `n_jobs` and
        `verbose` must be the same; else an error names what differs. With ``random_state=None``,
        the folder keeps the seed of the folds.

    Attributes
    ----------
    label_issues_ : LabelIssues
        The label quality of each sample, the label issues and the suggested labels.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of features seen in `fit`; defined only for two-dimensional samples.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features; defined only if they are all strings.

    See Also
    --------
    find_label_issues : The same as a function.
    DataMapSelector : With ``region="clean"``, select the samples without a label issue.

    Notes
    -----
    **Number of label issues.** Without `noise_rate`, as many labels are issues as confident
    learning prunes by noise rate [1]_, at most half of all. Where classes overlap this is more than
    are wrong: review labels in the order of their quality. With `noise_rate`, that share of the
    labels are issues, or, with `fdr`, as many as this rate allows.

    **Samples that are not rated.** If the training set of a sample's fold holds no other sample of
    its class, its label has no quality (NaN) and is no issue, and there is a warning. The same
    holds, without a warning, for samples of weight 0; they are no neighbors either. A sample that a
    net holds out of its training in each fold has no margin; its quality is the rank of its
    out-of-fold probability. Which samples an ensemble holds out to stop early is not known.

    **Windows of epochs** are shares of the epochs that are planned; of a training that stops early,
    later ones repeat the last one that it reached.

    **Cost.** ``n_passes * cv`` trainings on ``1 - 1 / cv`` of the samples; after each epoch, the
    model is evaluated on all samples. With ``cv=3`` the cost is half that of ``cv=5``, and nearly
    as many wrong labels are found. To seek neighbors, the transformers of a pipeline are fitted
    once more in each fold.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in
       Dataset Labels", JAIR 70, 2021, section 3.
    .. [2] G. Pleiss, T. Zhang, E. Elenberg and K. Weinberger, "Identifying Mislabeled Data using
       the Area Under the Margin Ranking", NeurIPS 2020, section 3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import LabelIssueDetector
    >>> X, y = load_iris(return_X_y=True)
    >>> y[:3] = 2  # wrong labels
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.01)
    >>> detector = LabelIssueDetector(sgd, random_state=0).fit(X, y)
    >>> sorted(detector.label_issues_.ranking[:3].tolist())
    [0, 1, 2]
    """

    label_issues_: LabelIssues
    classes_: Array

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit")],
        "cv": ["cv_object"],
        "n_passes": [Count(1, 10)],
        "neighbors": [StrOptions({"auto"}), None, "array-like", "sparse matrix"],
        "noise_rate": [Number(0, 1, closed="neither"), None],
        "fdr": [Number(0, 1, closed="neither"), None],
        "n_jobs": [Count(1), Interval(Integral, None, -1, closed="right"), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "resume": RESUME,
    }

    def __init__(
        self,
        estimator: Estimator,
        *,
        cv: CrossValidation = 5,
        n_passes: int = 1,
        neighbors: ArrayLike | Literal["auto"] | None = "auto",
        noise_rate: float | None = None,
        fdr: float | None = None,
        n_jobs: int | None = None,
        random_state: RandomStateType = None,
        verbose: int = 0,
        resume: PathType | None = None,
    ) -> None:
        self.estimator = estimator
        self.cv = cv
        self.n_passes = n_passes
        self.neighbors = neighbors
        self.noise_rate = noise_rate
        self.fdr = fdr
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.resume = resume

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
        """Train the estimator on each fold and rate the labels.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Samples, passed to the estimator as they are.
        y : array-like of shape (n_samples,)
            Labels of any type. Required. If `X` is a Hugging Face Dataset, also the name of the
            column of the labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, passed to the estimator. Samples of weight 0 are not rated.
        groups : array-like of shape (n_samples,), default=None
            Group of each sample. With an int `cv`, each group is kept in one fold.
        sample_ids : array-like of shape (n_samples,), default=None
            A unique id of each sample. If None, the index of a pandas dataframe that has one of its
            own.
        **params : dict
            Further arguments of `fit` of the estimator, see :meth:`CartographyClassifier.fit`.

        Returns
        -------
        self : LabelIssueDetector
            The fitted detector.

        Raises
        ------
        ValueError
            If `y` has missing values or a single class, if no class has two samples, if `X` and `y`
            differ in length, if a fold trains on samples that it tests or on a single class, if a
            sample is tested never or twice, if the estimator provides no class scores or is frozen,
            or if `fdr` is given without `noise_rate`.
        TypeError
            If the estimator takes no argument of the name of one of `params`.
        TerminatedWorkerError
            If a worker process ended.
        """
        # 1. Check the parameters, the samples and the labels.
        name = type(self).__name__
        for learned in ("label_issues_", "classes_", "n_features_in_", "feature_names_in_"):
            self.__dict__.pop(learned, None)  # of an earlier fit
        estimator, n_epochs, random_state = self._unwrapped()
        check_fdr(self.fdr, self.noise_rate, name)
        y, classes, y_encoded = check_labels(named_labels(X, y), self)
        check_same_length(X, y)
        check_groups(groups, len(y), "")
        neighbors = check_neighbors(self.neighbors, len(y), name)
        check_sample_weight(sample_weight, len(y), f"{name}.fit")
        ids = check_sample_ids(sample_ids, len(y), f"{name}.fit")
        ids = row_names(X) if ids is None else ids
        data = self._route(estimator, X, y, params, sample_weight, groups)
        # 2. Train on each fold, and rate the labels.
        seed = draw_training_seed(random_state)  # None leaves the estimator as it is
        folder = open_folder(self, estimator, n_epochs, data, neighbors, ids, seed)
        stream = draw_seed(seed if folder is None else folder.random_state)
        excluded = data.excluded_mask()
        present = np.ones(len(y), dtype=bool) if excluded is None else ~excluded
        check_classes(y_encoded, present)
        folds = self._make_folds(data, stream)
        rated = check_rated(folds, classes, y_encoded, present)
        train = partial(
            self._train, estimator, data, classes, y_encoded,
            n_epochs=n_epochs, seed=seed, ids=ids, folder=folder,
        )  # fmt: skip
        seek = partial(
            fold_votes, estimator, data, y_encoded, len(classes),
            neighbors=neighbors, stream=stream, seed=seed, n_jobs=self.n_jobs,
        )  # fmt: skip
        first, options = train(folds, 0), {"present": rated}
        rate = partial(rate_labels, y_encoded=y_encoded, n_classes=len(classes), seed=stream)
        evidence = evidence_of(first, seek(folds))
        rating = rate(evidence, **options)
        # 3. Train again without the samples that are suspect, and rate again.
        for i in range(1, self.n_passes):
            trusted = trusted_mask(rating, y_encoded)
            if isinstance(self.cv, Integral) or hasattr(self.cv, "split"):  # else the same folds
                others = self._make_folds(data, draw_seed(rule_generator(stream, f"pass {i}")))
                folds = others if can_train(others, y_encoded, present) else folds
            clean = clean_folds(folds, trusted, y_encoded)
            again = rate(evidence_of(train(clean, i), seek(clean)), **options).given_proba(
                y_encoded
            )
            known = rated_mask(clean, y_encoded, present)
            rating = rate(evidence, further=[np.where(known, again, np.nan)], **options)
        issues = issues_of(rating, y, classes, y_encoded, stream, ids, first)
        if self.noise_rate is not None:
            issues = issues.with_noise_rate(self.noise_rate, self.fdr)
        self.label_issues_ = issues
        self.classes_ = classes
        if n_columns_of(X) is not None:
            _check_feature_names(self, X, reset=True)
            _check_n_features(self, X, reset=True)
        return self

    def _unwrapped(self):
        """Return the estimator to train, its number of epochs and the random state."""
        estimator, n_epochs, random_state = self.estimator, None, self.random_state
        if isinstance(estimator, CartographyClassifier):
            random_state = estimator.random_state if random_state is None else random_state
            estimator, n_epochs = estimator.estimator, estimator.n_epochs
        subject = f"The 'estimator' parameter of {type(self).__name__} must"
        if isinstance(last_step(estimator), FrozenEstimator):
            raise InvalidParameterError(
                f"{subject} not be a FrozenEstimator, which is not trained on the folds. Pass the "
                "estimator itself."
            )
        if isinstance(last_step(estimator), CartographyClassifier):
            raise InvalidParameterError(
                f"{subject} not be a pipeline that ends in a CartographyClassifier. Pass the "
                "CartographyClassifier of the pipeline, or the pipeline with the estimator inside."
            )
        check_classifier(estimator, "estimator", type(self).__name__)
        if not any(hasattr(estimator, name) for name in ("predict_proba", "decision_function")):
            raise InvalidParameterError(
                f"{subject} have predict_proba or decision_function. Got "
                f"{type(last_step(estimator)).__name__}, which has neither. Choose an estimator or "
                "parameters that provide one."
            )
        return estimator, n_epochs, random_state

    def _route(self, estimator, X, y, params, sample_weight, groups):
        """Route the arguments of `fit` to those that take them."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        params = {**params, **weights} | ({} if groups is None else {"groups": groups})
        method = get_watcher(estimator).method if can_watch(estimator) else "fit"
        routed = route_fit_params(self, estimator, method, params, self.cv)
        check_sample_weight(
            routed["watched"].get("sample_weight"), len(y), f"{type(last_step(estimator)).__name__}"
        )
        return TrainingSet(X, y, routed, weights)

    def _make_folds(self, data, seed):
        """Split the samples; a class may be smaller than the number of folds."""
        X = None if holds_containers(data.X) or is_dataset(data.X) else data.X
        with collect_warnings():  # a class that a training set lacks is not rated, which is said
            return make_folds(
                self.cv, data.y, seed, X=X, groups=data.routed["splitter"].get("groups"),
                once=True, small_classes=True,
            )  # fmt: skip

    def _train(
        self, estimator, data, classes, y_encoded, folds, i_pass, *, n_epochs, seed, ids, folder
    ):
        """Train the estimator on each fold; return what was recorded."""
        observer = partial(make_observer, y_encoded, len(classes))
        options = {"seed": seed, "make_observer": observer, "sample_ids": ids}
        options["n_jobs"] = self.n_jobs
        options["kept"] = None if folder is None else keep_folds(folder, folds, i_pass)
        if can_watch(estimator):
            options |= {"n_epochs": n_epochs, "verbose": self.verbose}
            return record_folds(estimator, data, folds, **options)
        return predict_folds(estimator, data, folds, **options)

    def get_support(self, indices: bool = False) -> Array:
        """Get a mask, or integer index, of the samples without a label issue.

        Parameters
        ----------
        indices : bool, default=False
            If True, the return value is an array of integers instead of a boolean mask.

        Returns
        -------
        support : ndarray of shape (n_samples,) of bool, or (n_clean,) of int
            The mask, or the indices in ascending order.
        """
        check_is_fitted(self)
        return self.label_issues_.get_support(indices=indices)

    def to_frame(
        self, X: Container = None, backend: Literal["pandas", "polars"] = "pandas"
    ) -> Frame:
        """Return a data frame of all samples, see :meth:`LabelIssues.to_frame`.

        Parameters
        ----------
        X : container of shape (n_samples, ...), default=None
            The samples, to be shown beside their labels.
        backend : {"pandas", "polars"}, default="pandas"
            Library of the data frame; it must be installed.

        Returns
        -------
        frame : pandas.DataFrame or polars.DataFrame
            A row for each sample, lowest label quality first.
        """
        check_is_fitted(self)
        return self.label_issues_.to_frame(X, backend)

    def get_metadata_routing(self) -> Any:
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            Maps `fit` to `fit_transform` of the transformers and to the method that trains the
            estimator, and `split` of `cv`.
        """
        estimator = self.estimator
        if isinstance(estimator, CartographyClassifier):
            estimator = estimator.estimator
        method = get_watcher(estimator).method if can_watch(estimator) else "fit"
        return make_router(self, estimator, method, self.cv)

    def __sklearn_tags__(self):
        """Take the input tags of the estimator; a target is required."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_label=False)
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags
