"""What a classifier offers once its training is recorded: its data map, and other maps."""

from __future__ import annotations

from threading import Lock

from sklearn.utils.validation import check_is_fitted

from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._inputs._containers import check_same_length, row_names
from sklearn_carto._inputs._dataset_columns import named_labels
from sklearn_carto._inputs._fingerprint import fingerprint
from sklearn_carto._inputs._labels import as_label_column, check_labels
from sklearn_carto._inputs._torch_datasets import check_not_stream, is_dataset, labels_of
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._utils._metaestimators import DelegatingClassifier
from sklearn_carto._utils._typing import Array, ArrayLike, Container
from sklearn_carto._utils._validation import check_sample_ids
from sklearn_carto._watching._scoring import score_samples

_making = Lock()  # of maps


class RecordedClassifier(DelegatingClassifier):
    """A classifier whose training was recorded; subclasses train, and call `_keep`."""

    dynamics_: TrainingDynamics
    n_epochs_: int

    def _keep(self, estimator, dynamics, encodes_labels, interrupted, in_fold_map):
        self.estimator_ = estimator
        self._encodes_labels = encodes_labels
        own = None if encodes_labels else getattr(estimator, "classes_", None)
        self.classes_ = dynamics.classes if own is None else own  # in the order of its columns
        self.dynamics_ = dynamics
        self.n_epochs_ = dynamics.n_epochs
        self._data_map = None  # made when it is first read
        self.interrupted_ = interrupted
        if in_fold_map is not None:
            self.in_fold_map_ = in_fold_map
        elif hasattr(self, "in_fold_map_"):  # of an earlier fit
            del self.in_fold_map_

    def score_map(
        self, X: Container, y: ArrayLike | None = None, *, sample_ids: ArrayLike | None = None
    ) -> DataMap:
        """Draw the data map of other samples along the same training.

        The model of each epoch of the training of `estimator_` is evaluated on samples that it was
        not trained on, such as validation data or a new batch. Ensembles that are evaluated after
        the training are evaluated again; other estimators need ``keep_models=True``.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Samples, as in `fit`. The transformers of a pipeline transform them once.
        y : array-like of shape (n_samples,), default=None
            Their labels, of the classes of `fit`; some of these may be missing. May be omitted if
            `X` is a torch Dataset.
        sample_ids : array-like of shape (n_samples,), default=None
            A unique id of each sample, as in `fit`.

        Returns
        -------
        data_map : DataMap
            Statistics over the epochs of the training; of the training samples themselves they are
            those of `data_map_`, unless that was drawn with `cv` or ``record="training"``. All rows
            are marked in its `held_out_mask`; its `record` is "epoch_end".

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        NotWatchableError
            If the models of the epochs were not kept.
        ValueError
            If `y` holds a label that `fit` has not seen, or missing values, or if `X` and `y`
            differ in length.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import SGDClassifier
        >>> from sklearn_carto import CartographyClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> sgd = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
        >>> clf = CartographyClassifier(sgd, n_epochs=10, keep_models=True).fit(X[::2], y[::2])
        >>> clf.score_map(X[1::2], y[1::2])
        <DataMap: 75 rows of 3 classes, 10 epochs>
        """
        check_is_fitted(self)
        check_not_stream(X)
        y = labels_of(X) if y is None and is_dataset(X) else y
        y = as_label_column(named_labels(X, y), self)
        check_same_length(X, y)
        sample_ids = check_sample_ids(sample_ids, len(y), f"{type(self).__name__}.score_map")
        return score_samples(
            self.estimator_, X, y, self.dynamics_.classes,
            n_epochs=self._n_epochs_trained, planned_epochs=self.dynamics_._planned_epochs,
            models=self._epoch_models,
            sample_ids=row_names(X) if sample_ids is None else sample_ids,
            uncertainty=self.dynamics_.uncertainty, verbose=self.verbose,
        )  # fmt: skip

    def _is_training_set(self, X, y):
        """Whether samples and labels are, in this order and by value, those of the last `fit`.

        Memory layout does not matter; data types and columns of a dataframe do.
        """
        check_is_fitted(self)
        _, classes, y_encoded = check_labels(y, self)
        return self._training_set == training_fingerprint(X, classes, y_encoded)

    @property
    def data_map_(self) -> DataMap:
        """The data map of the training samples."""
        if not hasattr(self, "dynamics_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'data_map_'")
        if self._data_map is None:
            with _making:  # threads get the same map
                if self._data_map is None:
                    self._data_map = DataMap.from_dynamics(self.dynamics_)
        return self._data_map

    @property
    def confidence_(self) -> Array:
        """Mean over epochs of the probability of each sample's label."""
        return self.data_map_.confidence

    @property
    def variability_(self) -> Array:
        """Standard deviation over epochs of the probability of each sample's label."""
        return self.data_map_.variability

    @property
    def correctness_(self) -> Array:
        """Share of the epochs at which each sample was predicted correctly."""
        return self.data_map_.correctness


def training_fingerprint(X, classes, y_encoded):
    """Digest samples and labels; the type of integer labels does not matter."""
    return fingerprint(X, classes.tolist(), y_encoded)
