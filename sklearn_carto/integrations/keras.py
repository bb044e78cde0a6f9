"""A callback of Keras that records training dynamics."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
from sklearn.utils import check_consistent_length

from sklearn_carto._dynamics._history import HISTORY_DIR, KEEP_HISTORY, check_history_dir
from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._recording._batch_arrays import as_array
from sklearn_carto._recording._class_columns import ClassColumns
from sklearn_carto._recording._recorder import PositionRecorder
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._random_state import generators_kept, modes_kept
from sklearn_carto._utils._typing import ArrayLike, PathType
from sklearn_carto._utils._validation import Count, check_params, check_sample_ids, describe
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import (
    InvalidProbabilitiesError,
    MissingEpochsWarning,
    SampleAlignmentError,
)
from sklearn_carto.integrations._callback import LOG, RecorderCallback, check_given_ids, make_log
from sklearn_carto.integrations._keras_backup import Backups

if TYPE_CHECKING:
    from sklearn_carto._dynamics._training_dynamics import TrainingDynamics


class DataMapCallback(RecorderCallback, keras.callbacks.Callback):
    """Record the training dynamics of a Keras 3 classifier, on any backend.

    At the end of each epoch the model is evaluated on all rows of a data set, whose order must be
    the same each time. The training is not changed.

    Parameters
    ----------
    dataset : tuple of arrays, or iterable
        The training rows and their labels, unshuffled: ``(X, y)``, or an iterable of batches
        ``(X, y)`` or ``(X, y, sample_weight)`` in the same order at each iteration: a
        ``keras.utils.PyDataset``, a torch DataLoader without shuffling, a ``tf.data.Dataset``, a
        list.
    outputs_to_probabilities : callable, default=None
        Maps the model's outputs to probabilities, for example ``keras.ops.softmax``. None: they
        are probabilities, or logits if `from_logits` is True. For a model with several outputs it
        must also select one.
    sparse_labels : bool, default=None
        Whether labels are class indices (True) or one-hot encoded (False). None: inferred from
        their shape. Ignored for a model with a single output.
    from_logits : bool, default=None
        Whether the model returns logits. None: the `from_logits` of its loss, False if it has
        none.
    classes : array-like of shape (n_classes,), default=None
        Names of the model's outputs, in order; for a single output, of its classes 0 and 1. A label
        is one of these names; where no name is a number, it may also be the position of an output.
        None: 0, 1, ...
    batch_size : int, default=256
        Number of rows that are evaluated at a time, if `dataset` is a tuple of arrays.
    keep_history : bool or "float16", default=True
        Whether to keep every epoch beside the running statistics, see :class:`TrainingDynamics`.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows of `dataset`, in their order.
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
        Their data map, made once unless further epochs are recorded.
    confidence, variability, correctness : ndarray of shape (n_samples,)
        Statistics of the map; `correctness` is the share of the epochs at which the label was the
        most probable class, whatever its probability.
    gold_labels_probabilities : ndarray of shape (n_samples, n_epochs)
        Probability of the label of each row after each epoch; only with ``keep_history=True``.

    Notes
    -----
    Each ``fit`` starts a new map, unless `load_state_dict` was called ahead with the `state_dict`
    of an earlier training. ``keras.callbacks.BackupAndRestore`` among the callbacks backs the
    recording up, too: after a training that was restored the map is that of the whole run. A backup
    without a recording draws a MissingEpochsWarning, and the map covers the later epochs. For
    ModelCheckpoint, from which Keras itself does not resume, save `state_dict` beside the model.
    Epochs recorded before an interrupt are kept.

    The labels of `dataset` are compared at each iteration, so that shuffling it is an error. The
    order of rows with the same labels is trusted.

    The evaluation restores the generators of numpy, Python and torch, the metrics of the model and
    the states of its seed generators. Custom layers that draw in evaluation without a
    ``keras.random.SeedGenerator``, or write to variables in evaluation, are not covered.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from sklearn_carto.integrations.keras import DataMapCallback
    >>> X = np.random.RandomState(0).rand(40, 4)
    >>> y = (X.sum(axis=1) > 2).astype(int)
    >>> model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
    >>> model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    >>> callback = DataMapCallback((X, y))
    >>> history = model.fit(X, y, epochs=5, verbose=0, callbacks=[callback])
    >>> callback.data_map_
    <DataMap: 40 rows of 2 classes, 5 epochs>
    """

    def __init__(
        self,
        dataset: Any,
        outputs_to_probabilities: Callable[..., Any] | None = None,
        sparse_labels: bool | None = None,
        *,
        from_logits: bool | None = None,
        classes: ArrayLike | None = None,
        batch_size: int = 256,
        keep_history: bool | Literal["float16"] = True,
        sample_ids: ArrayLike | None = None,
        log: PathType | None = None,
        history_dir: PathType | None = None,
    ) -> None:
        super().__init__()
        if outputs_to_probabilities is not None and not callable(outputs_to_probabilities):
            raise InvalidParameterError(
                "The 'outputs_to_probabilities' parameter of DataMapCallback must be a callable or "
                f"None. Got a {type(outputs_to_probabilities).__name__} instead. To pass rows and "
                "labels, use one tuple: DataMapCallback((X, y))."
            )
        owner = type(self).__name__
        optional = ["boolean", None]
        check_params(
            owner,
            {
                "sparse_labels": optional,
                "from_logits": optional,
                "batch_size": [Count(1)],
                "keep_history": KEEP_HISTORY,
                "log": LOG,
                "history_dir": HISTORY_DIR,
            },
            locals(),
        )
        if classes is not None:
            ClassColumns(classes, owner)
        check_given_ids(sample_ids, owner)
        _check_kind(dataset, owner)
        _check_order(dataset)
        self.dataset = dataset
        self.outputs_to_probabilities = outputs_to_probabilities
        self.sparse_labels = sparse_labels
        self.from_logits = from_logits
        self.classes = classes
        self.batch_size = batch_size
        self.keep_history = keep_history
        self.sample_ids = sample_ids
        self.log = log
        self.history_dir = history_dir
        self._recorder = None  # type: ignore[assignment]

    def on_train_begin(self, logs: Any = None) -> None:
        """Start a new map."""
        if self.model is None:
            raise ValueError("DataMapCallback must be passed to the fit of a model.")
        check_history_dir(self.history_dir, self.keep_history, type(self).__name__)
        self._begin_training()
        self._recorder, self._watched_name_ = None, self.model.name  # type: ignore[assignment]
        self._backups, self._begins = Backups(self), True
        if self.log is not None and self._state_ is None:  # ahead of the first epoch
            make_log(self.log, type(self).__name__).check_free()
        with self._unchanged():
            self._labels = [_array(y) for _, y in self._batches()]
            again = [(X, _array(y)) for X, y in islice(self._batches(), 1)]
        if not self._labels:
            raise ValueError(
                "The dataset of DataMapCallback must hold at least one batch; got none."
            )
        if not again:
            raise SampleAlignmentError(
                "The dataset of DataMapCallback must be iterable several times; it is exhausted "
                "after one pass."
            )
        for i, y in enumerate(self._labels):
            _check_present(y, i)
        # detect shuffling now, before an epoch is spent
        self._check_labels_match(0, again[0][1], "at the second iteration")
        self._first_batch = again[0]
        if self.model.built:  # calling it before would build it, with other weights
            self._check_state()

    def _check_state(self):
        """Raise an error before the training if the outputs or the state do not fit."""
        with self._unchanged():
            recorder = self._make_recorder(self._scores_of(0, *self._first_batch), 0)
        if self._state_ is not None:
            recorder.load_state_dict(self._state_)

    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> None:
        """Continue the recording of a training that was restored, ahead of its first epoch."""
        if not self._begins:
            return
        self._begins = False
        if epoch and self._state_ is None and self._backups.folders:
            state = self._backups.load(epoch)
            if state is None:
                warn(
                    f"The backup holds no recording of the first {epoch} epochs: the data map "
                    "covers the later ones. Pass DataMapCallback from the first epoch on.",
                    MissingEpochsWarning,
                )
                return
            self.load_state_dict(state)
            self._check_state()

    def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
        """Evaluate the model on all rows, and record the epoch."""
        start = 0
        with self._unchanged():
            for i, (X, y) in enumerate(self._batches()):
                y = _array(y)
                self._check_labels_match(i, y, f"after epoch {epoch}")
                scores = self._scores_of(i, X, y)
                if self._recorder is None:
                    self._recorder = self._resumed(self._make_recorder(scores, epoch))
                rows = np.arange(start, start + len(scores))
                self._recorder.update(rows, scores)
                start += len(scores)
        n_samples = sum(map(len, self._labels))
        if start != n_samples:
            raise SampleAlignmentError(
                "The dataset of DataMapCallback must yield the same rows in the same order at each "
                f"iteration; it yielded {start} of {n_samples} rows after epoch {epoch}."
            )
        self._recorder.end_epoch()
        if self._backups.folders:
            self._backups.save(epoch + 1, self.state_dict())

    def _scores_of(self, i, X, y):
        """Evaluate the model on batch `i`."""
        outputs = self.model(X, training=False)
        if self.outputs_to_probabilities is not None:
            outputs = self.outputs_to_probabilities(outputs)
        scores = _scores(outputs, self.model)
        if len(scores) != len(y):
            raise ValueError(
                f"{self.model.name} must return one row of scores for each label of the dataset of "
                f"DataMapCallback; got {len(scores)} rows for the {len(y)} labels of batch {i}."
            )
        return scores

    def on_train_end(self, logs: Any = None) -> None:
        """Make the map."""
        self._end_training()

    def _check_labels_match(self, i, y, when):
        if i >= len(self._labels) or not np.array_equal(y, self._labels[i]):
            raise SampleAlignmentError(
                "The dataset of DataMapCallback must yield the same rows in the same order at each "
                f"iteration; the labels of batch {i} have changed {when}. Pass it without "
                "shuffling; the training itself may shuffle."
            )

    def _make_recorder(self, scores, first_epoch):
        n_classes = 2 if scores.ndim == 1 else scores.shape[1]
        given = np.arange(n_classes) if self.classes is None else self.classes
        columns = ClassColumns(given, type(self).__name__)
        if len(columns) != n_classes:
            raise ValueError(
                f"classes must name the {n_classes} classes of {self.model.name}; got "
                f"{len(columns)}."
            )
        from_logits = self._returns_logits()
        if not from_logits and scores.ndim == 2 and "bfloat16" in str(scores.dtype):
            raise InvalidProbabilitiesError(
                f"{self.model.name} must not return probabilities in bfloat16, which are too "
                'coarse to sum to 1. Set dtype="float32" for its last layer, or return logits.'
            )
        last_epoch = (self.params or {}).get("epochs")
        y_encoded = np.concatenate([self._encode(y, scores, columns) for y in self._labels])
        owner, n_samples = type(self).__name__, len(y_encoded)
        return PositionRecorder(
            n_samples,
            labels=columns.names[y_encoded],
            classes=columns.names,
            sample_ids=check_sample_ids(self.sample_ids, n_samples, owner),
            missing="error",
            n_epochs=last_epoch and last_epoch - first_epoch,
            from_logits=from_logits,
            keep_history=self.keep_history,
            record="epoch_end",
            log=self.log,
            history_dir=self.history_dir,
        )

    def _encode(self, y, scores, columns):
        """Encode the labels of one batch, whose kind is inferred from its shape, not its length."""
        n_classes = len(columns)
        one_hot = y.ndim == 2 and y.shape[1] == n_classes and scores.ndim == 2
        if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1 and not one_hot):
            raise ValueError(
                f"Labels for a model of {n_classes} classes must be class indices or one-hot rows "
                f"of {n_classes}; got shape {y.shape}."
            )
        if scores.ndim == 2 and self.sparse_labels == one_hot:
            kind = "one-hot encoded" if one_hot else "class indices"
            raise ValueError(f"sparse_labels is {self.sparse_labels!r}, but the labels are {kind}.")
        if one_hot:
            if ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
                return y.argmax(axis=1)
            raise ValueError(
                "One-hot labels must hold a single 1 in each row; multilabel and soft labels are "
                "not supported."
            )
        y_encoded = y.reshape(-1)
        if self.classes is not None:
            return columns.encode(y_encoded)
        if (
            y_encoded.dtype.kind not in "biuf"
            or (y_encoded != y_encoded.astype(int)).any()
            or y_encoded.min() < 0
            or y_encoded.max() >= n_classes
        ):
            raise ValueError(
                f"Labels for a model of {n_classes} classes must be whole numbers from 0 to "
                f"{n_classes - 1}; got {np.unique(y_encoded)[:10].tolist()}."
            )
        return y_encoded.astype(int)

    def _returns_logits(self):
        if self.outputs_to_probabilities is not None:
            return False
        if self.from_logits is not None:
            return self.from_logits
        losses = keras.tree.flatten(self.model.loss)
        return any(getattr(loss, "from_logits", False) for loss in losses)

    def _batches(self):
        """Iterate over inputs and labels."""
        if isinstance(self.dataset, tuple):
            X, y = self.dataset
            for start in range(0, len(y), self.batch_size):
                rows = slice(start, start + self.batch_size)
                yield keras.tree.map_structure(lambda part, rows=rows: part[rows], X), y[rows]
            return
        by_index = isinstance(self.dataset, keras.utils.PyDataset)
        batches = (
            map(self.dataset.__getitem__, range(len(self.dataset))) if by_index else self.dataset
        )
        for batch in batches:
            if not (isinstance(batch, (tuple, list)) and len(batch) in (2, 3)):
                raise ValueError(
                    "The dataset of DataMapCallback must yield batches (X, y) or "
                    f"(X, y, sample_weight); got a {type(batch).__name__}."
                )
            yield batch[0], batch[1]

    def _unchanged(self):
        """Restore the generators, states and modes that evaluation changes; without gradients."""
        kept = ExitStack()
        kept.enter_context(generators_kept(_device_of(self.model)))
        kept.enter_context(_states_kept(self.model))
        if "torch" in sys.modules:
            import torch

            kept.enter_context(modes_kept(self.model))
            kept.enter_context(torch.no_grad())
        return kept

    @property
    def dynamics_(self) -> TrainingDynamics:
        """The training dynamics of the last training."""
        if self._recorder is None or self._recorder.epoch == 0:
            raise AttributeError("No epoch was recorded yet: fit a model with this callback.")
        return self._recorder.dynamics

    @property
    def gold_labels_probabilities(self) -> Any:
        """Probability of the label of each row after each epoch."""
        return self.dynamics_.true_proba


def _check_kind(dataset, owner):
    """Raise an error unless a data set is a tuple of arrays or iterable."""
    iterable = hasattr(dataset, "__iter__") or isinstance(dataset, keras.utils.PyDataset)
    arrays = isinstance(dataset, tuple) and len(dataset) == 2
    missing = arrays and any(part is None or np.isscalar(part) for part in dataset)
    if missing or not iterable or isinstance(dataset, (str, bytes, dict, set)):
        raise InvalidParameterError(
            f"The 'dataset' parameter of {owner} must be a tuple (X, y) of arrays, or an iterable "
            f"of batches (X, y). Got {describe(dataset)} instead."
        )


def _check_present(y, i):
    """Raise an error if the labels of a batch are none, or miss some."""
    missing = y.ndim == 0 or (y.dtype.kind in "Of" and any(v is None or v != v for v in y.ravel()))
    if missing:
        raise ValueError(
            "The dataset of DataMapCallback must yield one label for each row; labels are missing "
            f"in batch {i}."
        )


def _array(values):
    if is_tensor(values):
        return values.detach().cpu().numpy()
    if isinstance(values, (list, tuple)):
        return as_array(values, "dataset", "DataMapCallback")
    return np.asarray(keras.ops.convert_to_numpy(values))


@contextmanager
def _states_kept(model):
    """Restore the metrics and seed generators of a model; its weights are not among them."""
    weights = {id(weight) for weight in model.weights}
    states = [state for state in model.variables if id(state) not in weights]
    before = [_array(state).copy() for state in states]
    try:
        yield
    finally:
        for state, value in zip(states, before, strict=True):
            state.assign(value)


def _device_of(model):
    """Device of a model, where torch has generators for it."""
    values = [weight.value for weight in model.weights[:1]]
    return values[0].device if values and is_tensor(values[0]) else "cpu"


def _scores(outputs, model):
    if isinstance(outputs, (dict, list, tuple)):
        if len(outputs) != 1:
            raise ValueError(
                f"{model.name} must have a single output; got {len(outputs)}. Select one with "
                "outputs_to_probabilities."
            )
        (outputs,) = outputs.values() if isinstance(outputs, dict) else outputs
    scores = outputs if is_tensor(outputs) else _array(outputs)
    if scores.ndim > 2:
        raise ValueError(
            f"The output of {model.name} must be class scores of shape (n_rows, n_classes); got "
            f"shape {tuple(scores.shape)}."
        )
    return scores.reshape(-1) if scores.shape[1:] == (1,) else scores


def _check_order(dataset):
    """Raise an error if a data set is known to shuffle its rows, or to have no end."""
    torch = sys.modules.get("torch")
    sampler = getattr(dataset, "sampler", None)
    if torch is not None and isinstance(sampler, torch.utils.data.RandomSampler):
        problem, remedy = "shuffles its rows (shuffle=True)", "Pass a loader without shuffling"
    elif hasattr(dataset, "__next__"):
        problem, remedy = "is exhausted after one pass", "Pass a list of its batches, or arrays"
    elif hasattr(dataset, "cardinality") and int(dataset.cardinality()) == -1:
        problem, remedy = "never ends (repeat())", "Pass it without repetition"
    elif isinstance(dataset, tuple) and len(dataset) != 2:
        problem, remedy = f"has {len(dataset)} parts", "Pass (X, y)"
    else:
        if isinstance(dataset, tuple):
            parts = [*keras.tree.flatten(dataset[0]), dataset[1]]
            if not all(hasattr(part, "shape") and np.ndim(part) for part in parts[:-1]):
                raise InvalidParameterError(
                    "The 'dataset' parameter of DataMapCallback must hold arrays of rows as X. Got "
                    f"{describe(dataset[0])} instead. Convert it with numpy.asarray."
                )
            check_consistent_length(*parts)
        return
    raise SampleAlignmentError(
        "The dataset of DataMapCallback must yield all rows in the same order at each iteration; "
        f"the {type(dataset).__name__} {problem}. {remedy}."
    )
